"""Valid policies never warn, for any picture: dark, white, sparse, plain, cropped, filled, strongly coloured."""

import tracemalloc
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import name_of
from watch.pictures import INPUTS, PHOTOS, floats

import vary
from vary import (
    Affine,
    Brightness,
    CenterCrop,
    ChannelShift,
    ColorJitter,
    Contrast,
    HorizontalFlip,
    Hue,
    Lambda,
    Normalize,
    OneOf,
    Pad,
    Policy,
    RandomCrop,
    RandomResizedCrop,
    Rescale,
    Resize,
    Rotate,
    Saturation,
    Shear,
    SomeOf,
    Sometimes,
    Translate,
    Zoom,
)
from vary.plan import samples
from vary.plan.watch import PICTURES, Watch


def solarized(image: np.ndarray) -> np.ndarray:
    top = np.uint8(255) if image.dtype == np.uint8 else np.float32(1)
    return np.where(image > top / 2, top - image, image).astype(image.dtype)


def thresholded(image: np.ndarray) -> np.ndarray:
    return ((image > image.mean()) * image.max()).astype(image.dtype)


GEOMETRY = [Rotate(180), Translate(0.5, 0.5), Zoom((0.3, 3)), Shear(40)]
POLICIES = {
    "nothing": Policy([]),
    "usual": Policy([Resize(48, 48), Rotate(40), Translate(0.2, 0.2), Shear(11), Zoom(0.2), HorizontalFlip()]),
    "much black fill": Policy([Rotate((45, 45)), Zoom((0.3, 0.3))], fill=0),
    "white fill": Policy([Resize(40, 40), Rotate((45, 45)), Pad(20)], fill=1),
    "strong geometry": Policy(GEOMETRY, fill="reflect"),
    "strong geometry, black fill": Policy(GEOMETRY, fill=0),
    "strict": Policy([Resize(40, 40), *GEOMETRY], strict=True),
    "rolled": Policy([Translate(x=(0, 1), y=(0, 1))], fill="wrap"),
    "windows beside": Policy([CenterCrop(8, 8), Translate(x=1, y=1)]),
    "Inception and SimCLR": Policy([RandomResizedCrop(32, 32), Sometimes([ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.8),
                                    Saturation((0, 0), p=0.2)]),
    "small crops": Policy([RandomCrop(4, 4)]),
    "tiny parts": Policy([RandomResizedCrop(8, 8, scale=(0.01, 0.05))]),
    "the middle": Policy([CenterCrop(10, 10)]),
    "strong colour": Policy([Brightness(0.9), Contrast(0.9), Saturation(0.9), ChannelShift(0.3)]),
    "grey": Policy([Saturation((0, 0))]),
    "hue": Policy([Hue(0.5)]),
    "brighter": Policy([Brightness((1.6, 1.6))]),
    "up to twice": Policy([Brightness((1, 2))]),
    "low light": Policy([Brightness((0.05, 0.3))]),
    "low contrast": Policy([Contrast((0.2, 0.3))]),
    "contrast": Policy([Contrast((2, 2))]),
    "inverted": Policy([Rescale(-1)]),
    "solarized": Policy([Lambda(solarized, p=0.5)]),
    "thresholded": Policy([Lambda(thresholded)]),
    "one of some": Policy([OneOf([Rotate(30), Brightness(0.5), ChannelShift(0.2)]), SomeOf((0, 2), [Contrast(0.5),
                          Zoom(0.4), Translate(0.3)])]),
    "no turn": Policy([Rotate(0), Rotate((0, 0)), Shear(0), Translate(), Zoom(0), Affine()]),
    "little": Policy([Rotate(1), Rotate((-0.5, 2)), Shear(1), Translate(0.01), Zoom(0.01)]),
    "never": Policy([Rotate(0.5, p=0), Brightness((50, 50), p=0), Sometimes([Shear(0.2)], p=0),
                     SomeOf(0, [Rotate(0.1)])]),
    "blocks": Policy([Resize(3, 3)]),
    "one pixel": Policy([Resize(1, 1)]),
    "a wide border": Policy([Pad(1000)], fill=0),
    "large": Policy([Resize(150, 150)]),
}  # fmt: skip
TAILS: dict[str, list[vary.Transform]] = {
    "as it is": [],
    "in 0 .. 1": [Rescale(1 / 255)],
    "in -1 .. 1": [Rescale(1 / 127.5, -1)],
    "normalized": [Normalize(0.5, 0.25)],
    "both": [Rescale(1 / 255), Normalize(0.5, 0.25)],
}


@pytest.fixture(autouse=True)
def _warnings_are_errors() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def with_tail(policy: Policy, tail: str) -> Policy:
    return Policy(**policy.values() | {"transforms": [*policy.transforms, *TAILS[tail]]})


@pytest.mark.parametrize("name", POLICIES)
def test_right_policies_are_quiet(name: str) -> None:
    for kind, images in INPUTS.items():
        if name == "inverted" and images.dtype == np.uint8:
            continue  # without an offset it is for floats in -1 .. 0
        for tail in TAILS if images.dtype == np.uint8 else ("as it is", "normalized"):
            policy = with_tail(POLICIES[name], tail)
            try:
                policy.batch(images, seed=3)
                for image in images[:5]:
                    policy(image, seed=3, index=7)
            except vary.ValueWarning as warning:
                pytest.fail(f"{name} {tail} of {kind}: {warning}")


RANGES: list[tuple[Policy, np.ndarray]] = [
    (Policy([Brightness(0.2), Rescale(1 / 255)], value_range=255), PHOTOS.astype(np.float32)),
    (Policy([Normalize()], value_range=255), PHOTOS.astype(np.float32)),
    (Policy([Rescale(1 / 255)]), PHOTOS.astype(np.float32)),
    (Policy([Rescale(1 / 127.5, -1)]), PHOTOS.astype(np.float32)),
    (Policy([Lambda(lambda image: image / np.float32(255)), Contrast(0.2)]), PHOTOS.astype(np.float32)),
    (Policy([Lambda(lambda image: image / np.float32(255)), Normalize()]), PHOTOS.astype(np.float32)),
    (Policy([Contrast(0.2)], value_range=(-1, 1)), floats(PHOTOS) * 2 - 1),
    (Policy([Contrast(0.2), Rescale(1 / 65535)], value_range=65535), PHOTOS.astype(np.float32) * 257),
    (Policy([Contrast(0.2)], value_range=65535), PHOTOS.astype(np.float32)),
    (Policy([Rescale(255)]), floats(PHOTOS)),
    (Policy([Rescale(257)]), PHOTOS),
    (Policy([Rescale(2, -1)]), floats(PHOTOS)),
    (Policy([Rotate(20)]), floats(PHOTOS) * 1.1 - 0.05),
    (Policy([Brightness(0.2)], value_range=1), (PHOTOS > 99).astype(np.uint8)),
]


@pytest.mark.parametrize(("policy", "images"), RANGES, ids=[name_of(f"{row[0]} {row[1].dtype}") for row in RANGES])
def test_ranges_that_fit_are_quiet(policy: Policy, images: np.ndarray) -> None:
    policy.batch(images, seed=0)


@pytest.mark.needs("pictures")
def test_photographs_are_quiet(pictures_root: Any) -> None:
    folder = vary.Folder(pictures_root / "cats_dogs" / "train")
    for name, policy in POLICIES.items():
        if name == "inverted":
            continue
        mine = Policy(**policy.values() | {"transforms": [Resize(96, 96), *policy.transforms, Normalize()]})
        batches = iter(vary.stream(folder, mine, batch_size=12, threads=1))
        next(batches)
        next(batches)


def test_the_watch_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """It checks some values of the first pictures, and no others."""
    looked: list[int] = []
    real = samples.some_values

    def counted(picture: np.ndarray) -> np.ndarray:
        looked.append(real(picture).size)
        return real(picture)

    monkeypatch.setattr("vary.plan.watch.some_values", counted)
    policy = Policy([Rotate(30), Brightness(0.2)])
    large = [np.random.default_rng(0).integers(0, 256, (900, 1200, 3), np.uint8)] * 12
    for _ in range(4):
        policy.batch(large, seed=0)
    assert len(looked) == PICTURES
    assert max(looked) <= 3 * 32 * 32
    for _ in vary.stream(list(PHOTOS), policy, batch_size=3):  # a list: each batch is made by itself
        pass
    assert len(looked) == PICTURES + len(PHOTOS)


def test_bytes_are_as_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    transforms = [Rotate(30), ChannelShift(1), Rescale(1 / 255)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        watched = Policy(transforms).batch(PHOTOS, seed=5)
        streamed = [batch[0] for batch in vary.stream(PHOTOS, Policy(transforms), seed=5)]
    monkeypatch.setattr(Watch, "inspect", lambda *_, **__: None)
    assert (watched == Policy(transforms).batch(PHOTOS, seed=5)).all()
    for one, other in zip(streamed, vary.stream(PHOTOS, Policy(transforms), seed=5), strict=True):
        assert (one == other[0]).all()


def test_it_holds_no_picture() -> None:
    policy = Policy([Brightness(0.2)])
    large = np.random.default_rng(0).random((8, 300, 400, 3), np.float32)
    policy.batch(large, seed=0)
    tracemalloc.start()
    try:
        Policy([Brightness(0.2)]).batch(large, seed=0)
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 100_000
    assert most < 1_000_000, "of 11 MB"
