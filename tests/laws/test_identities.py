"""Transforms with neutral arguments, and compositions that are the identity, change no bit."""

import numpy as np
import pytest
from laws.table import GEOMETRY, HEIGHT, TABLE, WIDTH
from strategies import CHANNELS, fitting, in_range

from vary import Brightness, HorizontalFlip, Policy, RandomRotate90, Resize, Rotate, Transpose, VerticalFlip, Zoom
from vary.elements import ELEMENTS
from vary.plan.program import FILLS
from vary.transforms import REGISTRY

rows = pytest.mark.parametrize("name", TABLE)


def picture(dtype: str = "uint8", channels: int = 3, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    return in_range(np.random.default_rng(0).integers(0, 256, (height, width, channels)), dtype)


def test_every_transform_has_its_row() -> None:
    ours = {name for name, kind in REGISTRY.items() if kind.__module__.startswith("vary.")}  # not those of other tests
    assert set(TABLE) == ours
    assert all(name == type(row.example).__name__ == type(row.identity).__name__ for name, row in TABLE.items())


@pytest.mark.parametrize(
    ("name", "channels"), [(name, channels) for name in TABLE for channels in CHANNELS if fitting([name], channels)]
)
@pytest.mark.parametrize("dtype", ELEMENTS)
def test_identity_parameters(name: str, channels: int, dtype: str) -> None:
    image = picture("float32" if name == "Normalize" else dtype, channels)
    for strict in (False, True):
        for interpolation in ("bilinear", "nearest"):
            out = Policy([TABLE[name].identity], strict=strict, interpolation=interpolation)(image, seed=0)
            assert np.array_equal(out, image)


@pytest.mark.parametrize("name", [name for name in TABLE if name != "Policy"])
def test_probability_0_is_the_identity(name: str) -> None:
    kind, example = REGISTRY[name], TABLE[name].example
    never = kind(**{key: getattr(example, key) for key in kind.fields if key != "p"}, p=0)
    out = Policy([never])(picture(), seed=0)
    assert np.array_equal(out, picture())


@rows
@pytest.mark.parametrize("strict", [False, True])
def test_inputs_are_never_written_to(name: str, strict: bool) -> None:
    image = picture()
    images = [image, image[::-1], np.asfortranarray(image)]
    before = [one.tobytes() for one in images]
    for one in images:
        one.flags.writeable = False
        Policy([Brightness(0.3), TABLE[name].example, Rotate(5)], strict=strict)(one, seed=0)
    assert [one.tobytes() for one in images] == before


@pytest.mark.parametrize("name", GEOMETRY)
@pytest.mark.parametrize("fill", [*FILLS[1:], 77])
@pytest.mark.parametrize("antialias", [False, True])
def test_a_constant_stays_constant(name: str, fill: str | float, antialias: bool) -> None:
    for image in (np.full((11, 16, 3), 77, np.uint8), np.full((11, 16, 4), 77, np.float32)):
        for interpolation in ("bilinear", "nearest"):
            policy = Policy([GEOMETRY[name].example], fill=fill, antialias=antialias, interpolation=interpolation)
            for index in range(8):
                assert np.abs(policy(image, seed=0, index=index) - 77.0).max() <= (
                    0 if image.dtype == np.uint8 else 2e-5
                )


FOUR_TIMES = [
    [Rotate((90, 90))] * 4,
    [Rotate((-270, -270))] * 4,
    [Rotate((180, 180))] * 2,
    [Rotate((45, 45)), Rotate((-45, -45))],
    [HorizontalFlip(p=1)] * 2,
    [VerticalFlip(p=1)] * 2,
    [Transpose(p=1)] * 2,
    [Zoom((0.25, 0.25)), Zoom((4, 4))],
    [Transpose(p=1), VerticalFlip(p=1), Rotate((-90, -90))],
]


@pytest.mark.parametrize("transforms", FOUR_TIMES, ids=str)
@pytest.mark.parametrize("dtype", ELEMENTS)
@pytest.mark.parametrize("side", [16, 17])
def test_a_transform_and_its_inverse_are_the_identity(transforms: list, dtype: str, side: int) -> None:
    image = picture(dtype, 3, side, side)
    out = Policy(transforms)(image)
    assert np.array_equal(out, image)
    if not {Zoom, Rotate} & {type(t) for t in transforms} or transforms[0] == Rotate((90, 90)):
        assert np.array_equal(Policy(transforms, strict=True)(image), image)


@pytest.mark.parametrize("transform", [RandomRotate90(), Transpose(), HorizontalFlip(), VerticalFlip()], ids=str)
def test_four_times_the_same_draw_is_the_identity(transform: object) -> None:
    policy = Policy([transform])  # type: ignore[list-item]
    for index in range(16):
        out = picture()
        for _ in range(4):
            out = policy(out, seed=0, index=index)
        assert np.array_equal(out, picture())


@pytest.mark.parametrize("dtype", ELEMENTS)
def test_twice_the_size_and_back(dtype: str) -> None:
    image = picture(dtype)
    there_and_back = Policy([Resize(2 * HEIGHT, 2 * WIDTH), Resize(HEIGHT, WIDTH)])
    assert np.array_equal(there_and_back(image), image)


@pytest.mark.parametrize("name", ["Rotate", "Zoom", "Resize", "CenterCrop", "Pad", "HorizontalFlip"])
def test_nan_and_infinity_stay_in_place(name: str) -> None:
    image = picture("float32")
    image[3, 3], image[5, 8], image[-1, -1] = np.nan, np.inf, -np.inf
    transform = HorizontalFlip(p=1) if name == "HorizontalFlip" else TABLE[name].identity
    expected = image[:, ::-1] if name == "HorizontalFlip" else image
    assert np.array_equal(Policy([transform])(image), expected, equal_nan=True)
