"""Pictures of every dtype and number of channels on sheets: on their own scale, and notes say what is shown of them."""

from typing import Any

import numpy as np
import pytest

import vary
from vary.display.pixels import Scale, Stats, reduced, scale_of_runner, shown
from vary.elements import DTYPES, ELEMENTS

pytestmark = pytest.mark.filterwarnings("ignore::vary.ValueWarning")
POLICY = vary.Policy([vary.HorizontalFlip(p=0)])
SHOWN = {1: [0, 0, 0], 2: [0, 0, 0], 3: [0, 1, 2], 5: [0, 1, 2], 12: [0, 1, 2], 1024: [0, 1, 2]}
SAYS = {
    1: "",
    3: "",
    4: ", alpha over a checkerboard",
    2: ", the first of 2 channels as grey",
    5: ", the first 3 of 5 channels as RGB",
    12: ", the first 3 of 12 channels as RGB",
}


def ramp(dtype: str, channels: int, sides: tuple[int, int] = (20, 24)) -> np.ndarray:
    """From the lowest to the highest value of the dtype's range, in each channel another part of it."""
    element = ELEMENTS[dtype]
    steps = np.linspace(0, 1, sides[0] * sides[1] * channels).reshape(*sides, channels)
    values = element.low + (element.high - element.low) * steps
    return (np.round(values) if element.whole else values).astype(dtype)


@pytest.mark.parametrize("channels", SHOWN)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_range_of_each_dtype_is_black_to_white(dtype: str, channels: int) -> None:
    picture, element = ramp(dtype, channels), ELEMENTS[dtype]
    scale = scale_of_runner(POLICY.runner(channels, dtype), None)
    assert (scale.black, scale.white) == (element.low, element.high)
    seen = shown(picture, scale)
    assert seen.dtype == np.uint8
    assert seen.shape == (20, 24, 3)
    whole = (picture[..., SHOWN[channels]].astype(np.float64) - element.low) / (element.high - element.low) * 255
    assert np.abs(seen - whole).max() <= 0.5
    assert (np.diff(seen[..., 0].ravel().astype(int)) >= 0).all()  # nothing wraps
    assert seen[0, 0, 0] == 0
    assert seen[-1, -1].max() > 240 or channels == 1024


def test_results_that_float16_cannot_hold_are_white() -> None:
    picture = np.array([[[0.0], [65504.0], [np.inf]]], np.float16)
    assert shown(picture, Scale(0, 65535))[0, :, 0].tolist() == [0, 255, 255]
    assert shown(np.array([[[-32768], [32767]]], np.int16), Scale(-1000, 3000))[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 12])
@pytest.mark.parametrize("dtype", DTYPES)
def test_large_pictures_are_averaged(dtype: str, channels: int) -> None:
    picture, element = ramp(dtype, channels, (600, 480)), ELEMENTS[dtype]
    small = reduced(picture)
    assert small.shape == (300, 240, {1: 1, 2: 1, 4: 4}.get(channels, 3))
    scale = Scale(element.low, element.high)
    if channels == 4:  # the squares below transparent pixels keep their size
        return
    assert np.abs(shown(small, scale).astype(int) - shown(picture, scale)[::2, ::2]).max() <= 2


@pytest.mark.parametrize("channels", SAYS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_sheet_is_drawn_and_says_what_it_shows(dtype: str, channels: int) -> None:
    images = np.stack([ramp(dtype, channels)] * 6)
    train = vary.stream(images, POLICY, batch_size=4)
    planar = vary.stream(images, POLICY, batch_size=4, layout="NCHW", dtype="float32")
    several = vary.stream(images, POLICY, batch_size=4, views=2)
    previews = [POLICY.preview(given, n=2) for given in (images, [*images], vary.sources.Arrays(images))]
    previews += [one.preview() for one in (train, planar, several)]
    if channels <= 4:
        previews.append(POLICY.preview(images[0], n=1))
    for one in previews:
        assert one._repr_png_()
        assert one.notes
        assert "<img" in one._repr_html_()
        for note in one.notes:
            assert note.endswith(SAYS[channels]), note
            assert SAYS[channels] or note.endswith(("(white)", "as it is"))
            assert "e+0" not in note
    batch = train.peek()
    assert batch._repr_png_()
    assert "e+0" not in repr(batch) + batch._repr_html_()
    assert "<img" in train._repr_html_()
    assert POLICY.explain(images[0].shape, dtype=dtype)  # type: ignore[arg-type]


def test_a_grey_picture_of_two_axes() -> None:
    assert POLICY.preview([ramp("uint16", 1)[..., 0]], n=1).notes[0].startswith("originals: uint16, 0 .. 65535")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.array([7, 65535], np.uint16), "7 .. 65535"),
        (np.array([-32768, 32767], np.int16), "-32768 .. 32767"),
        (np.array([0.12345, 0.98768], np.float32), "0.1235 .. 0.9877"),
        (np.array([0.5, 61234.7], np.float32), "0.5 .. 61235"),
        (np.array([0.5, 1e9], np.float32), "0.5 .. 1e+09"),
    ],
)
def test_numbers_of_16_bits_are_written_in_full(values: Any, says: str) -> None:
    stats = Stats.of(values)
    assert stats is not None
    assert stats.range == says
