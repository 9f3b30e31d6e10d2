"""NaN and infinity in float pictures: they affect the pixels that are computed from them, and no others."""

import itertools
from typing import Any

import numpy as np
import pytest

from vary import (
    Brightness,
    ChannelShift,
    Contrast,
    Hue,
    Pad,
    Policy,
    Rescale,
    Resize,
    Rotate,
    Saturation,
    Translate,
    Transpose,
    Zoom,
)
from vary.plan.reference import reference

SIDE = 24
BAD = [np.nan, np.inf, -np.inf]

SAMPLINGS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "smaller": ([Resize(10, 10)], {}),
    "one axis smaller": ([Resize(50, 7)], {}),
    "a little smaller": ([Resize(13, 19)], {}),
    "much smaller": ([Resize(3, 2)], {}),
    "half": ([Resize(12, 12)], {}),
    "crossed": ([Transpose(p=1), Resize(9, 11)], {}),
    "larger": ([Resize(48, 31)], {}),
    "without antialias": ([Resize(10, 7)], {"antialias": False}),
    "nearest": ([Resize(10, 31)], {"interpolation": "nearest"}),
    "turned": ([Rotate((20, 20))], {}),
    "turned by a quarter": ([Rotate((90, 90))], {}),
    "turned and boxed": ([Zoom((0.3, 0.3)), Rotate((20, 20))], {}),
    "moved, wrapped": ([Translate((0.3, 0.3), (0.1, 0.1))], {"fill": "wrap"}),
    "smaller, reflected": ([Zoom((0.4, 0.7))], {"fill": "reflect"}),
    "smaller, reflected about the middle": ([Zoom((0.4, 0.7))], {"fill": "reflect101"}),
    "padded, smaller": ([Pad(5), Resize(10, 11)], {"fill": 0.25}),
    "two samplings": ([Resize(17, 12), Rotate((10, 10))], {"strict": True}),
}


@pytest.mark.parametrize("name", SAMPLINGS)
@pytest.mark.parametrize("axis", [0, 1])
def test_they_reach_only_outputs_that_have_them_as_a_tap_of_nonzero_weight(name: str, axis: int) -> None:
    transforms, how = SAMPLINGS[name]
    policy = Policy(transforms, **how)
    for at in range(SIDE):
        marked = np.zeros((SIDE, SIDE, 1), np.float32)
        marked.swapaxes(0, axis)[at] = 1
        fill = how.get("fill", "nearest") if not isinstance(how.get("fill"), str) else 0
        weighed = policy(marked, seed=0) != (0 if isinstance(fill, str) else fill)
        for bad in BAD:
            with np.errstate(invalid="ignore"):
                out = policy(np.where(marked > 0, np.float32(bad), marked), seed=0)
            assert not (~np.isfinite(out) & ~weighed).any(), f"{bad} in line {at} of axis {axis}"


@pytest.mark.parametrize("name", SAMPLINGS)
def test_the_reference_agrees_on_where_they_are(name: str) -> None:
    transforms, how = SAMPLINGS[name]
    policy = Policy(transforms, **how)
    random = np.random.default_rng(0)
    image = random.random((SIDE, SIDE, 3), np.float32)
    for bad, at in itertools.product(BAD, ([0, 0], [23, 23], [11, 5], [12, 12])):
        image[at[0], at[1], random.integers(3)] = bad
    out = policy(image, seed=0)
    expected = reference(policy.program(image.shape, dtype="float32", seed=0), image, dtype="float32")
    assert np.array_equal(np.isfinite(out), np.isfinite(expected))


COLOURS: dict[str, list[Any]] = {
    "contrast": [Contrast((2, 2))],
    "after brightness": [Brightness((1.2, 1.2)), Contrast((0.5, 0.5))],
    "after a shift": [ChannelShift((0.1, 0.1)), Contrast((2, 2))],
    "after hue": [Hue((0.3, 0.3)), Contrast((2, 2))],
    "after saturation": [Saturation((1.5, 1.5)), Contrast((2, 2))],
    "after contrast": [Contrast((0.5, 0.5)), Contrast((2, 2))],
    "after rescale": [Rescale(2.0, 1.0), Contrast((2, 2))],
    "after a turn": [Rotate((90, 90)), Contrast((2, 2))],
    "after a cut": [Resize(10, 10), Contrast((1.5, 1.5)), Rotate((90, 90)), Contrast((0.5, 0.5))],
}


UNCLIPPED = ["contrast", "after rescale", "after a turn"]  # in the others, a clip makes infinities finite first


@pytest.mark.parametrize(
    ("name", "bad"), [*((name, np.nan) for name in COLOURS), *itertools.product(UNCLIPPED, BAD[1:])], ids=str
)
@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("channel", [0, 1, 2, slice(None)], ids=str)
def test_they_are_left_out_of_the_mean(name: str, bad: float, strict: bool, channel: Any) -> None:
    policy = Policy(COLOURS[name], strict=strict)
    image = np.full((10, 10, 3), (0.3, 0.5, 0.6), np.float32)
    whole = policy(image, seed=0)
    image[0, 0, channel] = bad
    others = np.ones((10, 10), bool)
    others[[0, -1], [0, 0]] = False  # where the pixel is, before and after the turn
    assert np.array_equal(policy(image, seed=0)[others], whole[others])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_nan_stays_a_nan_through_every_colour_map(channels: int) -> None:
    for transform in (
        Brightness((2, 2)),
        Contrast((2, 2)),
        Saturation((2, 2)),
        Hue((0.2, 0.2)),
        ChannelShift((0.1, 0.1)),
    ):
        image = np.full((4, 4, channels), 0.5, np.float32)
        image[1, 2, 0] = np.nan
        policy = Policy([transform])
        out = policy(image, seed=0)
        expected = reference(policy.program(image.shape, dtype="float32", seed=0), image, dtype="float32")
        assert np.array_equal(np.isnan(out), np.isnan(expected)), transform
        assert np.isnan(out[1, 2, 0])
        assert np.allclose(out, expected, atol=1e-5, equal_nan=True)


def test_a_picture_of_only_nan_stays_nan_under_contrast() -> None:
    image = np.full((4, 4, 3), np.nan, np.float32)
    assert np.isnan(Policy([Contrast((2, 2))])(image, seed=0)).all()
    assert not Policy([Contrast((2, 2))])(image, seed=0, dtype="uint8").any()
