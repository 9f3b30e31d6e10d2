"""Directions of transforms, on pictures small enough to check by eye. y points down, x to the right."""

import numpy as np
import pytest

from vary import (
    Affine,
    Brightness,
    CenterCrop,
    ChannelShift,
    HorizontalFlip,
    Hue,
    Normalize,
    Pad,
    Policy,
    Rescale,
    Resize,
    Rotate,
    Shear,
    Translate,
    Transpose,
    VerticalFlip,
    Zoom,
)

ROW = [[1, 2, 3, 4]]
SQUARE = [[1, 2], [3, 4]]
LINE = [[0, 0, 9, 0, 0]] * 5
BAR = np.transpose(LINE).tolist()
FALLING = (np.eye(5, dtype=int) * 9).tolist()
RISING = FALLING[::-1]
FOUR = [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]]

PINNED = [
    (HorizontalFlip(p=1), ROW, [[4, 3, 2, 1]]),
    (VerticalFlip(p=1), SQUARE, [[3, 4], [1, 2]]),
    (Transpose(p=1), ROW, [[1], [2], [3], [4]]),
    (Rotate((90, 90)), SQUARE, [[2, 4], [1, 3]]),  # counter-clockwise
    (Rotate((-90, -90)), SQUARE, [[3, 1], [4, 2]]),
    (Rotate((45, 45)), BAR, [[0, 0, 0, 3, 0], [0, 0, 3, 9, 3], [0, 3, 9, 3, 0], [3, 9, 3, 0, 0], [0, 3, 0, 0, 0]]),
    (Translate((0.25, 0.25)), ROW, [[0, 1, 2, 3]]),  # to the right
    (Translate((-0.5, -0.5)), ROW, [[3, 4, 0, 0]]),
    (
        Translate((0.125, 0.125)),
        [[8, 8, 0, 0]],
        [[8, 8, 4, 0]],
    ),  # half a pixel; the edge itself still shows the edge pixel
    (Translate(0, (0.5, 0.5)), SQUARE, [[0, 0], [1, 2]]),  # down
    (Shear(portion=(1, 1)), LINE, FALLING),  # what is lower moves right
    (Shear((45, 45)), LINE, FALLING),
    (Shear((-45, -45)), LINE, RISING),
    (Shear(portion_y=(0.5, 0.5)), [[0, 0, 0], [8, 8, 8], [0, 0, 0]], [[4, 0, 0], [4, 8, 4], [0, 0, 4]]),
    (Zoom((2, 2)), FOUR, [[5, 5, 6, 6], [7, 7, 8, 8], [9, 9, 10, 10], [11, 11, 12, 12]]),
    (Zoom((0.5, 0.5)), [[9] * 4] * 4, [[0] * 4, [0, 9, 9, 0], [0, 9, 9, 0], [0] * 4]),
    (Zoom((2, 2), (1, 1)), [[1, 2, 3, 4]] * 3, [[2, 2, 3, 3]] * 3),
    (Affine(rotate=(90, 90), translate_y=(0.5, 0.5)), SQUARE, [[0, 0], [2, 4]]),  # rotated first, then translated
    (CenterCrop(1, 2), ROW, [[2, 3]]),
    (CenterCrop(1, 6), ROW, [[0, 1, 2, 3, 4, 0]]),
    (CenterCrop(1, 1), [[1, 2, 3, 4, 5, 6]], [[3]]),  # half a pixel is rounded to even
    (CenterCrop(1, 3), [[1, 2, 3, 4, 5, 6]], [[3, 4, 5]]),
    (Pad(1, 2, 0, 3), [[7]], [[0] * 6, [0, 0, 0, 7, 0, 0]]),  # top, right, bottom, left
    (Pad(1), [[7]], [[0, 0, 0], [0, 7, 0], [0, 0, 0]]),
    (Resize(1, 2), ROW, [[2, 3]]),
    (Resize(1, 8), ROW, [[1, 1, 2, 2, 3, 3, 4, 4]]),
    (Brightness((2, 2)), [[0, 100, 200]], [[0, 200, 255]]),
    (ChannelShift((-0.2, -0.2)), [[0, 51, 255]], [[0, 0, 204]]),
]


@pytest.mark.parametrize(("transform", "before", "after"), PINNED, ids=[str(row[0]) for row in PINNED])
def test_pinned(transform: object, before: list, after: list) -> None:
    antialias = not isinstance(transform, Shear)  # it also shrinks
    policy = Policy([transform], fill=0, antialias=antialias)  # type: ignore[list-item]
    assert policy(np.array(before, np.uint8))[..., 0].tolist() == after


def test_nearest_takes_the_pixel_whose_square_holds_the_point() -> None:
    policy = Policy([Zoom((2, 2))], interpolation="nearest")
    assert policy(np.array(FOUR, np.uint8))[..., 0].tolist() == [[6, 6, 7, 7]] * 2 + [[10, 10, 11, 11]] * 2
    half = Policy([Translate((0.125, 0.125))], interpolation="nearest")  # edges belong to the pixel to the right
    assert half(np.array(ROW, np.uint8))[..., 0].tolist() == ROW
    assert Policy([Translate((0.126, 0.126))], interpolation="nearest")(np.array(ROW, np.uint8)).ravel().tolist() == [
        1,
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(("turn", "after"), [(1 / 3, (0, 255, 0)), (-1 / 3, (0, 0, 255)), (0.5, (0, 255, 255))])
def test_hue_runs_from_red_to_green_to_blue(turn: float, after: tuple[int, ...]) -> None:
    red = np.array([[[255, 0, 0]]], np.uint8)
    assert Policy([Hue((turn, turn))])(red)[0, 0].tolist() == list(after)


def test_the_cast_rounds_half_to_even_saturates_and_never_rescales() -> None:
    values = np.array([[-3, 0.5, 1.5, 2.5, 254.5, 255.4, 300]], np.float32)
    assert Policy([])(values, dtype="uint8")[0, :, 0].tolist() == [0, 0, 2, 2, 254, 255, 255]
    assert Policy([])(np.array([[np.nan]], np.float32), dtype="uint8").item() == 0
    assert Policy([Rescale(1 / 255)])(np.array([[51]], np.uint8)).item() == pytest.approx(0.2)
    assert Policy([Normalize(0.2, 0.5)])(np.array([[255]], np.uint8)).item() == pytest.approx(1.6)
