"""Masks are moved with their image: the reference's nearest pixels, with exact values of any integer dtype."""

from typing import Any

import numpy as np
import pytest
import strategies
from hypothesis import HealthCheck, given, reject, settings, strategies as st
from inputs.picks import assert_moved, picks

from vary import (
    ColorJitter,
    GaussianBlur,
    GaussNoise,
    HorizontalFlip,
    InputError,
    Lambda,
    Normalize,
    OneOf,
    Pad,
    Perspective,
    Policy,
    PolicyError,
    RandomCrop,
    RandomResizedCrop,
    Rescale,
    Resize,
    Rotate,
    Sample,
    Transform,
    Translate,
    Zoom,
)
from vary.plan.masks import MaskKind
from vary.plan.request import Parts
from vary.transforms import Lowering

many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
pytestmark = pytest.mark.filterwarnings("ignore::vary.ValueWarning")  # random policies make any values
DTYPES = ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "bool", ">u2", ">i4"]
IMAGE = np.random.default_rng(3).integers(0, 256, (40, 56, 3), dtype=np.uint8)


def labels(dtype: str, shape: tuple[int, ...] = (40, 56), seed: int = 0) -> np.ndarray:
    """All bytes of the values are moved."""
    random, kind = np.random.default_rng(seed), np.dtype(dtype)
    raw = random.integers(0, 256, (*shape, kind.itemsize), dtype=np.uint8)
    return raw[..., 0] > 127 if dtype == "bool" else raw.view(kind)[..., 0]


@many
@given(st.data(), st.sampled_from(DTYPES), st.integers(0, 2**64 - 1), st.integers(0, 1))
def test_masks_equal_the_reference_for_any_policy(data: st.DataObject, dtype: str, seed: int, mask_fill: int) -> None:
    policy = data.draw(strategies.policies(strategies.EVERY, mask_fill=mask_fill))
    image = data.draw(strategies.pictures())
    mask = labels(dtype, image.shape[:2], seed % 97)
    try:
        made = policy(image=image, mask=mask, seed=seed)
        alone = policy(image, seed=seed)
    except PolicyError:  # a colour map after Normalize
        reject()
    assert np.array_equal(made.image, alone, equal_nan=True)
    assert_moved(made.mask, mask, picks(policy, image, seed), mask_fill)


HARD: dict[str, Policy] = {
    "strict": Policy([Rotate(40), RandomCrop(20, 20), Zoom(0.3), Pad(8)], strict=True, fill=7),
    "calls": Policy([Rotate(40), Lambda(np.copy, p=0.5), Translate(0.3, 0.3), Lambda(np.copy), Rotate(30)], fill=9),
    "blur": Policy([Rotate(40), GaussianBlur((0.5, 2)), RandomCrop(30, 30), GaussNoise(0.1, p=0.5), Zoom(0.4)]),
    "chosen": Policy([OneOf([Rotate(90), RandomResizedCrop(20, 30)]), ColorJitter(0.3, 0.3, 0.3), Resize(33, 21)]),
    "values": Policy([Rescale(1 / 255), Rotate(50), Normalize(0.5, 0.2)], fill=0.5),
    "perspective": Policy([Perspective(0.3), Rotate(30)], fill=1),
    "reflect": Policy([Translate(0.9, 0.9), Rotate(180)], fill="reflect"),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("dtype", DTYPES)
def test_cuts_and_colour(name: str, dtype: str) -> None:
    policy, mask = HARD[name], labels(dtype)
    for seed in range(6):
        made = policy(image=IMAGE, mask=mask, seed=seed)
        assert np.array_equal(made.image, policy(IMAGE, seed=seed))
        assert_moved(made.mask, mask, picks(policy, IMAGE, seed), 0)


def test_a_cut_loses_the_same_for_both() -> None:
    """Pixels that left the canvas before a cut do not come back after it."""
    there, back = Translate((0.5, 0.5)), Translate((-0.5, -0.5))
    mask = np.ones((40, 56), np.uint8)
    assert Policy([there, back], fill=0, mask_fill=9)(image=IMAGE, mask=mask).mask.min() == 1
    for policy in (
        Policy([there, back], strict=True, fill=0, mask_fill=9),
        Policy([there, Lambda(np.copy), back], fill=0, mask_fill=9),
        Policy([there, GaussianBlur(1), back], fill=0, mask_fill=9),
    ):
        assert (policy(image=IMAGE, mask=mask).mask == np.where(np.arange(56) < 28, 1, 9)).all()


def test_an_order_of_maps_and_colours_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vary.transforms.base.REGISTRY", {})

    class InAnyOrder(Transform):
        def lower(self, to: Lowering) -> None:
            low, high = to.clip()
            to.emit("order", 3, to.integer(6))
            to.emit("translate", 0.3, 0.0)
            to.emit("brightness", 0.5, low, high)
            to.emit("rotate", 90.0)

    policy, mask = Policy([InAnyOrder()], fill=0), labels("uint16")
    made = [policy(image=IMAGE, mask=mask, seed=seed).mask for seed in range(12)]
    for seed, one in enumerate(made):
        assert_moved(one, mask, picks(policy, IMAGE, seed), 0)
    assert len({one.tobytes() for one in made}) == 2


@pytest.mark.parametrize(("dtype", "value"), [("uint8", 255), ("int64", -100), ("int16", -1), ("uint16", 65535)])
def test_the_fill_of_masks(dtype: str, value: int) -> None:
    """`fill` may be a value or a word; a word applies to masks as well."""
    mask = np.full((40, 56), 3, dtype)
    moved = Policy([Translate((0.5, 0.5))], fill=200, mask_fill=value)(image=IMAGE, mask=mask)
    assert (moved.image[:, :28] == 200).all()
    assert (moved.mask == np.where(np.arange(56) < 28, value, 3)).all()
    assert (Policy([Translate((0.5, 0.5))], mask_fill=value)(image=IMAGE, mask=mask).mask == 3).all()


@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_the_form_is_kept(layout: Any) -> None:
    policy, mask = Policy([Resize(10, 20)]), labels("uint16")
    flat = policy(image=IMAGE, mask=mask, layout=layout).mask
    one = policy(image=IMAGE, mask=mask[..., None], layout=layout)
    assert flat.shape == (10, 20)
    assert one.mask.shape == ((10, 20, 1) if layout == "NHWC" else (1, 10, 20))
    assert one.image.shape == ((10, 20, 3) if layout == "NHWC" else (3, 10, 20))
    assert np.array_equal(one.mask.reshape(10, 20), flat)
    for masks in ([mask, mask], np.stack([mask, mask]), iter([mask, mask])):
        batch = policy.batch([IMAGE, IMAGE], masks=masks, layout=layout, seed=0)
        assert np.array_equal(batch.masks, [flat, flat])


def test_batches_equal_single_samples() -> None:
    policy = HARD["chosen"]
    masks = np.stack([labels("int32", seed=seed) for seed in range(5)])
    images = np.stack([IMAGE, IMAGE + 1, IMAGE, IMAGE, IMAGE])
    for given_images, given_masks in ((images, masks), (list(images), list(masks[..., None]))):
        batch = policy.batch(given_images, masks=given_masks, seed=3, epoch=2, threads=2)
        assert isinstance(batch, Sample)
        for index in range(5):
            one = policy(image=images[index], mask=given_masks[index], seed=3, epoch=2, index=index)
            assert np.array_equal(batch.images[index], one.image)
            assert np.array_equal(batch.masks[index], one.mask)
            assert np.array_equal(batch.maps[index].matrix, one.map.matrix)


def test_strides_are_kept_apart() -> None:
    """NumPy views: flipped, every second pixel, transposed."""
    mask = labels("int16", (80, 112))[::2, ::-2]
    for one in (mask, np.asfortranarray(mask), mask.T.copy().T):
        assert np.array_equal(Policy([HorizontalFlip(p=1)])(image=IMAGE, mask=one).mask, one[:, ::-1])


def resized(image: np.ndarray) -> np.ndarray:
    return image[::2]


ERRORS: list[tuple[Any, type[Exception], str]] = [
    (labels("uint8", (40, 55)), InputError, r"image has shape \(40, 56, 3\).* mask has shape \(40, 55\).*the same"),
    (labels("uint8").astype(np.float32), InputError, r"mask is float32.*mask.astype\('uint8'\)"),
    (np.zeros((40, 56, 3), np.uint8), InputError, r"mask has shape \(40, 56, 3\).*argmax"),
    (np.zeros(40, np.uint8), InputError, r"mask has shape \(40,\)"),
    ([[1, 2]], InputError, "mask is of type list, not a NumPy array"),
    ("mask.png", InputError, "mask is of type str.*vary.read_image"),
]


@pytest.mark.parametrize(("mask", "kind", "says"), ERRORS)
def test_invalid_masks(mask: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        Policy([Rotate(3)])(image=IMAGE, mask=mask)


def test_masks_of_a_batch_go_together() -> None:
    policy, mask = Policy([Rotate(3)]), labels("uint8")
    with pytest.raises(InputError, match="2 images and 1 mask;"):
        policy.batch([IMAGE, IMAGE], masks=[mask])
    with pytest.raises(InputError, match=r"mask 0 is uint8 .* mask 1 is int32"):
        policy.batch([IMAGE, IMAGE], masks=[mask, mask.astype(np.int32)])
    with pytest.raises(InputError, match=r"image 1 has shape .*mask 1 has shape \(20, 56\)"):
        policy.batch([IMAGE, IMAGE], masks=[mask, mask[:20]])
    for masks in (mask, 5, "masks"):
        with pytest.raises(InputError, match=r"masks is .*give a list"):
            policy.batch([IMAGE], masks=masks)  # type: ignore[call-overload]


def test_a_fill_that_the_dtype_cannot_hold() -> None:
    for dtype, value in (("uint8", 256), ("int8", 255), ("bool", 2), ("uint16", -1)):
        with pytest.raises(PolicyError, match=rf"mask_fill={value}.*masks of {dtype} hold"):
            Policy([Rotate(9)], fill=0, mask_fill=value)(image=IMAGE, mask=labels(dtype))
    with pytest.raises(PolicyError, match=r"mask_fill=0\.5.*whole number"):
        Policy([], mask_fill=0.5)  # type: ignore[arg-type]


def test_a_function_that_changes_the_size_leaves_the_mask_behind() -> None:
    policy = Policy([Lambda(resized), Resize(8, 8)])
    assert policy(image=IMAGE).image.shape == (8, 8, 3)
    with pytest.raises(PolicyError, match=r"Lambda\(.*resized.* changed the size .*Resize or RandomCrop"):
        policy(image=IMAGE, mask=labels("uint8"))
    with pytest.raises(InputError, match=r"Lambda\(.*resized.* changed the size .*points"):
        policy(image=IMAGE).map([[0, 0]])


def test_mask_fill_is_written_and_read() -> None:
    policy = Policy([Rotate(9)], fill=0, mask_fill=255)
    assert Policy.from_dict(policy.to_dict()) == policy
    assert "mask_fill" not in Policy([]).to_dict()


def test_of_an_array_that_is_not_contiguous_only_the_masks_of_the_batch_are_copied() -> None:
    masks = np.arange(50 * 8 * 12, dtype=np.uint16).reshape(50, 8, 12)[:, ::-1, ::2]
    kind = MaskKind(masks.dtype, True)
    for call in range(kind.calls):
        pictures = kind.pictures(Parts(masks, np.array([3, 7])), call)
        assert isinstance(pictures, list)
        assert [np.shape(picture) for picture in pictures] == [(8, 6, 1)] * 2
    images = np.zeros((50, 8, 6, 3), np.uint8)
    sample = Policy([Resize(8, 6)]).batch(images, masks=masks, seed=1)
    assert np.array_equal(sample.masks, masks)
