"""Native against the reference: any policy, any picture, any settings."""

import numpy as np
import pytest
import strategies
from hypothesis import HealthCheck, given, reject, settings, strategies as st
from truth.closeness import UndecidedError, assert_close

from vary import (
    HorizontalFlip,
    Pad,
    Policy,
    PolicyError,
    RandomCrop,
    RandomRotate90,
    Resize,
    Rotate,
    Translate,
    Transpose,
    VerticalFlip,
    Zoom,
)
from vary.elements import ELEMENTS
from vary.plan.program import FILLS
from vary.plan.reference import reference

many = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
seeds = st.integers(0, 2**64 - 1)
dtypes = strategies.DTYPES


def check(policy: Policy, image: np.ndarray, seed: int = 0, index: int = 0, dtype: str | None = None) -> None:
    try:
        program = policy.program(image.shape, dtype=image.dtype, seed=seed, index=index)
        out = policy(image, seed=seed, index=index, dtype=dtype)
    except PolicyError:  # a change of colour after Normalize, a uint8 result after Rescale
        reject()
    try:
        assert_close(out, program, image)
    except UndecidedError:
        reject()


@many
@given(st.data(), dtypes, seeds)
def test_geometry(data: st.DataObject, dtype: str, seed: int) -> None:
    policy = data.draw(strategies.policies(strategies.GEOMETRIC, dtype))
    check(policy, data.draw(strategies.pictures(dtype)), seed)


@many
@given(st.data(), dtypes, seeds)
def test_colour(data: st.DataObject, dtype: str, seed: int) -> None:
    image = data.draw(strategies.pictures(dtype))
    chosen = strategies.fitting(strategies.COLOURS, image.shape[2])
    check(data.draw(strategies.policies(chosen, dtype, strict=False)), image, seed)


@many
@given(st.data(), dtypes, seeds, st.one_of(st.none(), dtypes))
def test_everything(data: st.DataObject, dtype: str, seed: int, out: str | None) -> None:
    image = data.draw(strategies.pictures(dtype))
    policy = data.draw(strategies.policies(strategies.fitting(strategies.EVERY, image.shape[2]), dtype))
    check(policy, image, seed, seed % 2**63, out)


@settings(many, max_examples=40)
@given(st.data(), dtypes, seeds)
def test_rows_longer_than_a_block(data: st.DataObject, dtype: str, seed: int) -> None:
    """The native warp works in blocks of 128 pixels."""
    image = data.draw(strategies.pictures(dtype, side=6))
    wide = np.tile(image, (1, data.draw(st.integers(130, 150)) // image.shape[1] * 2, 1))
    check(data.draw(strategies.policies(strategies.GEOMETRIC, dtype, strict=False)), wide, seed)


@pytest.mark.parametrize("channels", strategies.CHANNELS)
def test_pictures_averaged_in_boxes(channels: int) -> None:
    """As float32, where a rounding of the stored averages shows."""
    image = np.random.default_rng(6).integers(0, 256, (41, 37, channels)).astype(np.uint8)
    for index in range(30):
        check(Policy([Rotate(90), Zoom((0.1, 0.6), (0.1, 0.6))]), image, index=index, dtype="float32")


@pytest.mark.parametrize("dtype", ELEMENTS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 9])
def test_views_one_pixel_wide_or_high(dtype: str, channels: int) -> None:
    """Their strides say nothing of how far apart pixels are."""
    image = strategies.in_range(np.random.default_rng(5).integers(0, 256, (40, 40, channels)), dtype)
    views = [image[:, :2:2], image[:, 1:0:-2], image[::-1, 7:6:-1], image[:2:2], image[1:0:-2, ::3], image[:1, :1]]
    for transforms in (
        [Rotate((90, 90)), Resize(5, 4)],
        [Resize(5, 4)],
        [Rotate((20, 20)), Zoom((0.2, 0.3))],
        [Zoom((2, 2))],
    ):
        for view in views:
            check(Policy(transforms), view)


WHOLE = [  # every pixel of the canvas is a pixel of the picture, or of what a fill shows
    [HorizontalFlip(p=1)],
    [VerticalFlip(p=1), Transpose(p=1)],
    [RandomRotate90()],
    [Rotate((90, 90)), Translate((0.25, 0.25), (-0.5, -0.5))],
    [RandomCrop(9, 30), Pad(3, 2, 1, 0)],
    [Zoom((0.5, 0.5)), Zoom((2, 2))],
    [Resize(8, 48), HorizontalFlip(p=1)],
]


@pytest.mark.parametrize("transforms", WHOLE, ids=str)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("fill", [*FILLS[1:], 0.25])
def test_at_integer_coordinates_not_a_bit_differs(
    transforms: list, dtype: str, interpolation: str, fill: str | float
) -> None:
    image = np.random.default_rng(1).integers(0, 256, (8, 24, 3)).astype(np.uint8)
    image = image if dtype == "uint8" else image.astype(np.float32) / 255
    policy = Policy(transforms, fill=fill, interpolation=interpolation, antialias=False)
    if isinstance(transforms[0], Resize) and interpolation == "bilinear":
        transforms, policy = transforms[1:], Policy(transforms[1:], fill=fill)
    for index in range(4):
        program = policy.program(image.shape, dtype=dtype, index=index)
        assert np.array_equal(policy(image, seed=0, index=index), reference(program, image, dtype=dtype)), (
            program.text()
        )
