"""Sheets show the values that training gets, on a stated scale; Rescale and Normalize are not undone."""

import numpy as np
import pytest

import vary
from vary.display.pixels import BYTES, STANDARD, Scale, Stats, scale_of, scale_of_runner, shown

pytestmark = pytest.mark.filterwarnings("ignore::vary.ValueWarning")  # mistakes are to be seen here
UNIT, SIGNED = Scale(0, 1), Scale(-1, 1)


def photo() -> np.ndarray:
    y, x = np.mgrid[:90, :120]
    return np.stack([x * 2, y * 2, (x + 2 * y) % 256], axis=-1).astype(np.uint8)


def seen(*transforms: vary.Transform) -> tuple[Scale, np.ndarray]:
    """The scale of a policy, and the photo on it."""
    policy = vary.Policy([vary.Resize(40, 40), *transforms])
    scale = scale_of([policy.program((90, 120, 3), index=index) for index in range(20)], (0, 255))
    assert scale == scale_of_runner(policy.runner(3, "uint8"), None)
    return scale, shown(policy(photo(), seed=0), scale)


@pytest.mark.filterwarnings("ignore::vary.ValueWarning")
@pytest.mark.parametrize(
    ("transforms", "scale"),
    [
        ([], BYTES),
        ([vary.HorizontalFlip()], BYTES),
        ([vary.Rescale(1 / 255)], UNIT),
        ([vary.Rescale(1 / 127.5, -1)], SIGNED),
        ([vary.Rescale(-1 / 255, 1)], UNIT),
        ([vary.Rescale(1 / 255), vary.Rescale(1 / 255)], UNIT),
        ([vary.Rescale(255)], BYTES),
        ([vary.Sometimes([vary.Rescale(1 / 255)], p=0.5)], BYTES),
        ([vary.Rescale(1 / 255), vary.Normalize()], STANDARD),
        ([vary.Normalize((123.7, 116.3, 103.5), (58.4, 57.1, 57.4))], STANDARD),
    ],
    ids=str,
)
def test_the_scale_is_a_usual_one(transforms: list[vary.Transform], scale: Scale) -> None:
    assert seen(*transforms)[0] == scale


def test_values_that_are_right_look_like_the_picture() -> None:
    _, plain = seen()
    for transforms in ([vary.Rescale(1 / 255)], [vary.Rescale(1 / 127.5, -1)]):
        assert np.abs(seen(*transforms)[1].astype(int) - plain).max() <= 1


@pytest.mark.filterwarnings("ignore::vary.ValueWarning")
def test_mistakes_are_seen() -> None:
    """What was once undone before it was shown."""
    assert seen(vary.Rescale(1 / 255), vary.Rescale(1 / 255))[1].max() <= 1, "nearly black"
    assert np.median(seen(vary.Rescale(255))[1]) == 255, "white"
    flat = seen(vary.Normalize((123.7, 116.3, 103.5), (58.4, 57.1, 57.4)))[1]
    assert np.ptp(flat, axis=(0, 1)).max() <= 1, "no picture is left"


def test_normalized_pictures_are_shown_in_standard_deviations() -> None:
    policy = vary.Policy([vary.Resize(40, 40), vary.Normalize()])
    expected = np.clip(np.rint((policy(photo(), seed=0) + 3) * (255 / 6)), 0, 255)
    assert np.abs(seen(vary.Normalize())[1] - expected).max() <= 1


def statement(name: str, images: list[np.ndarray], scale: Scale = BYTES) -> str:
    whole, *others = [stats for stats in map(Stats.of, images) if stats]
    for one in others:
        whole = whole.plus(one)
    return whole.description(name, scale)


def test_notes() -> None:
    half = np.array([[0.25, 0.75]], np.float32)
    assert statement("x", [half], UNIT) == "x: float32, 0.25 .. 0.75, mean 0.5; shown from 0 (black) to 1 (white)"
    assert statement("x", [half, half * 3], STANDARD) == (
        "x: float32, 0.25 .. 2.25, mean 1; shown from -3 (black) to 3 (white), after Normalize, which has no range"
    )
    assert statement("x", [np.array([[3, 5]], np.uint8)]) == "x: uint8, 3 .. 5, mean 4; shown as it is"
    odd = np.array([[np.nan, np.inf, 1.0]], np.float32)
    assert "float32, 1 .. 1, mean 1, 2 values NaN or infinite;" in statement("x", [odd], UNIT)
    assert "float32, 1 values NaN" in statement("x", [odd[:, :1]], UNIT)
    assert shown(odd, UNIT)[..., 0].tolist() == [[0, 255, 255]]
