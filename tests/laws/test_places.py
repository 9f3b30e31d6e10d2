"""Places of crops: each valid place is equally likely, and no others occur."""

from collections import Counter
from math import log, sqrt

import numpy as np
import pytest

from vary import CenterCrop, Policy, RandomCrop, RandomResizedCrop, Resize

COORDINATES = np.arange(48, dtype=np.uint8).reshape(6, 8)  # y * 8 + x


def corner(window: np.ndarray) -> tuple[int, int]:
    return divmod(int(window[0, 0, 0]), 8)


def kolmogorov(values: np.ndarray, low: float, high: float) -> float:
    """Kolmogorov-Smirnov statistic against the uniform distribution, times sqrt(n): above 1.95 with p = 0.001."""
    ranks = np.arange(len(values) + 1) / len(values)
    at = (np.sort(values) - low) / (high - low)
    return float(max((ranks[1:] - at).max(), (at - ranks[:-1]).max()) * sqrt(len(values)))


def test_random_crop_covers_every_offset_evenly() -> None:
    n = 4096
    windows = Policy([RandomCrop(3, 4)]).batch([COORDINATES] * n, seed=0)
    seen = Counter(corner(window) for window in windows)
    assert set(seen) == {(y, x) for y in range(4) for x in range(5)}
    assert sum((count - n / 20) ** 2 / (n / 20) for count in seen.values()) < 43.8  # chi-squared, 19 dof, p = .001
    for window in windows[:50]:
        y, x = corner(window)
        assert np.array_equal(window[..., 0], COORDINATES[y : y + 3, x : x + 4])


def test_a_window_larger_than_the_picture_contains_it_at_every_offset() -> None:
    windows = Policy([RandomCrop(6, 10)], fill=99).batch([COORDINATES] * 200, seed=0)
    assert Counter(int(np.argmax(window[0, :, 0] != 99)) for window in windows).keys() == {0, 1, 2}


CENTRES = [  # width of the window, what it shows of 0 .. 7; 99 is fill
    (1, [4]),
    (2, [3, 4]),
    (3, [2, 3, 4]),
    (5, [2, 3, 4, 5, 6]),
    (7, [0, 1, 2, 3, 4, 5, 6]),
    (8, [0, 1, 2, 3, 4, 5, 6, 7]),
    (9, [0, 1, 2, 3, 4, 5, 6, 7, 99]),
    (10, [99, 0, 1, 2, 3, 4, 5, 6, 7, 99]),
    (11, [99, 99, 0, 1, 2, 3, 4, 5, 6, 7, 99]),
]


@pytest.mark.parametrize(("width", "shown"), CENTRES)
def test_center_crop_rounds_half_a_pixel_to_even(width: int, shown: list[int]) -> None:
    row = np.arange(8, dtype=np.uint8).reshape(1, 8)
    assert Policy([CenterCrop(1, width)], fill=99)(row).ravel().tolist() == shown
    assert Policy([CenterCrop(width, 1)], fill=99)(row.T).ravel().tolist() == shown


@pytest.mark.parametrize(("height", "width"), [(9, 9), (10, 4), (3, 12)])
def test_letterbox_shows_all_of_the_picture_in_the_middle(height: int, width: int) -> None:
    image = np.full((6, 8, 1), 200, np.uint8)
    out = Policy([Resize(height, width, "letterbox")], fill=0)(image)[..., 0]
    rows, columns = np.flatnonzero(out.max(1)), np.flatnonzero(out.max(0))
    assert (len(rows), len(columns)) == Policy([Resize(height, width, "fit")])(image).shape[:2]
    assert abs(rows[0] - (height - 1 - rows[-1])) <= 1
    assert abs(columns[0] - (width - 1 - columns[-1])) <= 1


def test_random_resized_crop_is_uniform_in_area_and_in_log_ratio() -> None:
    policy = Policy([RandomResizedCrop(24, 24)])
    drawn = np.array([policy.program((480, 640, 3), index=i).instructions[0].args[2:] for i in range(2000)])
    share, ratio, y, x = drawn.T
    assert kolmogorov(share, 0.08, 1) < 1.95
    assert kolmogorov(np.log(ratio), log(3 / 4), log(4 / 3)) < 1.95
    assert kolmogorov(y, 0, 1) < 1.95
    assert kolmogorov(x, 0, 1) < 1.95
    assert np.abs(np.corrcoef([share, np.log(ratio), y, x]) - np.eye(4)).max() < 4 / sqrt(2000)


def test_random_resized_crop_shows_the_drawn_part() -> None:
    """A picture whose values are its coordinates shows where the window was."""
    y, x = np.mgrid[:90, :120].astype(np.float32)
    image = np.stack([y, x, y], axis=2)
    policy = Policy([RandomResizedCrop(30, 30, (0.2, 0.4), (0.5, 2))], antialias=False)
    for index in range(50):
        out = policy(image, seed=0, index=index)
        _, _, share, ratio, *_ = policy.program(image.shape, dtype="float32", index=index).instructions[0].args
        height, width = ((out[-1, 0, 0] - out[0, 0, 0]) * 30 / 29, (out[0, -1, 1] - out[0, 0, 1]) * 30 / 29)
        assert height * width == pytest.approx(share * 90 * 120, rel=0.06)
        assert width / height == pytest.approx(ratio, rel=0.06)
        assert out[..., 0].min() >= 0
        assert out[..., 1].max() <= 119
