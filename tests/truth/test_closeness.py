"""The comparison with the reference: what it lets through, and that it lets nothing else through."""

from typing import Any

import numpy as np
import pytest
from truth.closeness import UndecidedError, assert_close, bound_of, outcomes, tolerance

from vary import (
    Brightness,
    Contrast,
    GaussianBlur,
    HorizontalFlip,
    Policy,
    Resize,
    Saturation,
    Solarize,
    Transform,
    Translate,
)
from vary.plan.program import Program
from vary.plan.reference import reference

THRESHOLD = 0.3
ERROR = 1e-4  # of sampling, of a float picture


def programs(*transforms: Transform, dtype: str = "float32") -> Program:
    return Policy(list(transforms)).program((4, 5, 3), dtype=dtype)  # type: ignore[arg-type]


def picture(*values: float) -> np.ndarray:
    """Far from the threshold, but for these values of the first pixels' red channel."""
    image = np.full((4, 5, 3), 0.9, np.float32)
    image[0, : len(values), 0] = values
    return image


def accepted(out: np.ndarray, program: Program, image: np.ndarray) -> bool:
    try:
        assert_close(out, program, image)
    except AssertionError:
        return False
    return True


def with_red(out: np.ndarray, value: float, place: int = 0) -> np.ndarray:
    changed = out.copy()
    changed[0, place, 0] = value
    return changed


SOLARIZE = programs(Solarize(THRESHOLD))
BELOW, ABOVE = THRESHOLD - ERROR / 2, THRESHOLD + ERROR / 2


@pytest.mark.parametrize("value", [BELOW, ABOVE])
def test_either_value_of_a_jump_and_none_between(value: float) -> None:
    image = picture(value)
    out = reference(SOLARIZE, image, dtype="float32")
    assert out[0, 0, 0] == pytest.approx(value if value < THRESHOLD else 1 - value)
    assert accepted(with_red(out, THRESHOLD), SOLARIZE, image)
    assert accepted(with_red(out, 1 - THRESHOLD), SOLARIZE, image)
    for wrong in (THRESHOLD + 0.01, 0.5, 1 - THRESHOLD - 0.01, 1 - THRESHOLD + 0.01, np.nan):
        assert not accepted(with_red(out, wrong), SOLARIZE, image)


@pytest.mark.parametrize("value", [THRESHOLD - 3 * ERROR, THRESHOLD + 3 * ERROR, 0.0, 0.5, 1.0])
def test_only_near_the_threshold(value: float) -> None:
    image = picture(value)
    out = reference(SOLARIZE, image, dtype="float32")
    other = 1 - value if value < THRESHOLD else value
    assert accepted(out, SOLARIZE, image)
    assert accepted(with_red(out, other), SOLARIZE, image) is (other == 1 - other)


def test_tolerance_is_kept_far_from_the_threshold() -> None:
    """Also in a picture in which another value lies near it."""
    image, allowed = picture(BELOW, 0.1), tolerance(SOLARIZE, "float32")
    out = reference(SOLARIZE, image, dtype="float32")
    for off, is_close in ((0.9, True), (1.1, False)):
        assert accepted(with_red(out, 0.1 + off * allowed, place=1), SOLARIZE, image) is is_close


@pytest.mark.parametrize("threshold", [0.5, 0.5 - ERROR / 4, 0.5 + ERROR / 4])
def test_a_jump_smaller_than_the_error(threshold: float) -> None:
    program = programs(Solarize(threshold))
    for value in np.linspace(0.5 - 2 * ERROR, 0.5 + 2 * ERROR, 41):
        image = picture(value)
        out = reference(program, image, dtype="float32")
        for off in np.linspace(-ERROR, ERROR, 9):  # what a core within the error of the value would give
            moved = reference(program, picture(np.float32(value + off)), dtype="float32")
            assert accepted(moved, program, image)
        assert not accepted(with_red(out, 0.5 + 4 * ERROR), program, image)


def test_channels_of_a_pixel_jump_by_themselves() -> None:
    """Also where a later operation mixes them."""
    program = programs(Solarize(THRESHOLD), Saturation((0.5, 0.5)))
    after = program._replace(instructions=program.instructions[1:])
    image = picture(BELOW)
    image[0, 0, 1:] = ABOVE, BELOW
    jumped = reference(programs(Solarize(THRESHOLD)), image, dtype="float32")
    for red in (THRESHOLD, 1 - THRESHOLD):
        for green in (THRESHOLD, 1 - THRESHOLD):
            jumped[0, 0, :2] = red, green
            assert accepted(reference(after, jumped, dtype="float32"), program, image)
    jumped[0, 0, :2] = THRESHOLD, 0.5
    assert not accepted(reference(after, jumped, dtype="float32"), program, image)


def test_maps_come_before_it() -> None:
    """Those of the same segment, wherever they are listed."""
    program, image = programs(Solarize(THRESHOLD), HorizontalFlip(p=1)), picture(BELOW)
    out = reference(program, image, dtype="float32")
    for value, is_close in ((THRESHOLD, True), (1 - THRESHOLD, True), (0.5, False)):
        assert accepted(with_red(out, value, place=-1), program, image) is is_close


@pytest.mark.parametrize("after", [Contrast((1.5, 1.5)), GaussianBlur(0.6)], ids=str)
def test_what_pixels_share_follows_each_jump(after: Transform) -> None:
    """Two values near the threshold, and an operation that mixes pixels: four pictures, and no mixture of them."""
    program, image = programs(Solarize(THRESHOLD), after), picture(BELOW, ABOVE)
    found = outcomes(program, image)
    assert len(found) == 4
    for one in found:
        assert accepted(one.astype(np.float32), program, image)
    assert not accepted(np.mean(found, axis=0).astype(np.float32), program, image)
    with pytest.raises(UndecidedError):  # too many to follow one by one
        outcomes(program, np.full((4, 5, 3), BELOW, np.float32))


def test_errors_of_what_comes_before_widen_the_threshold() -> None:
    """After a cut to uint8, values may be a level off."""
    stored: list[Any] = [Brightness((1.0, 1.0)), GaussianBlur(0), Translate((0.0, 0.0)), Solarize(THRESHOLD)]
    program, image = programs(*stored, dtype="uint8"), np.full((4, 5, 3), 200, np.uint8)
    assert [i.op for i in program.instructions if i.op == "cut"] == ["cut"]
    image[0, 0, 0] = int(THRESHOLD * 255)
    out = reference(program, image, dtype="uint8")
    assert accepted(with_red(out, 255 - out[0, 0, 0]), program, image)
    image[0, 0, 0] -= 3
    out = reference(program, image, dtype="uint8")
    assert not accepted(with_red(out, 255 - out[0, 0, 0]), program, image)
    assert bound_of(program).error == pytest.approx(0.0255)


def test_two_thresholds() -> None:
    """The second one is met by what the first one may have given: 0.3 or 0.7, halved."""
    image, second = picture(BELOW), (1 - THRESHOLD) / 2
    program = programs(Solarize(THRESHOLD), Brightness((0.5, 0.5)), Solarize(second))
    out = reference(program, image, dtype="float32")
    for value, is_close in ((THRESHOLD / 2, True), (second, True), (1 - second, True), (0.25, False), (0.5, False)):
        assert accepted(with_red(out, value), program, image) is is_close


def test_programs_without_thresholds_have_one_outcome() -> None:
    program, image = programs(Resize(3, 3), Contrast((1.5, 1.5))), picture(0.2, 0.4)
    (one,) = outcomes(program, image)
    assert np.array_equal(one, reference(program, image))
