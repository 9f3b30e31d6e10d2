"""Assignment of places to streams: exact ratios, spread evenly, for any numbers."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError
from vary.streams.order.interleave import Interleave, whole_ratios

RATIOS = [
    *[(1,), (1, 1), (6, 3, 1), (1, 3, 6), (5, 5, 5), (59, 1), (42, 37, 1), (1000, 1, 1), (7, 11, 13)],
    *[(9, 1, 1, 1, 1, 1, 1, 1, 1, 1), (1, 1, 1, 1, 4), (9, 49, 8, 9, 1), (23, 9, 35, 9, 2, 9, 58), tuple(range(1, 40))],
]


def bound(n: int) -> float:
    """As the docstring has it."""
    return 1.0 if n <= 3 else 1 + math.log(n) / 2


@pytest.mark.parametrize("ratios", RATIOS, ids=str)
def test_ratios_are_exact_and_even(ratios: tuple[int, ...]) -> None:
    period = sum(ratios)
    which, numbers, cycles = Interleave(ratios).members(0, np.arange(3 * period))
    assert (which.dtype, numbers.dtype, cycles) == (np.int64, np.int64, 0)
    before = np.array([np.cumsum(which == k) for k in range(len(ratios))])
    expected = np.outer(ratios, np.arange(1, 3 * period + 1) / period)
    assert np.abs(before - expected).max() <= bound(len(ratios)) + 1e-9
    assert np.abs(before - expected)[np.argmax(ratios)].max() <= 0.5 + 1e-9
    for k, ratio in enumerate(ratios):
        assert numbers[which == k].tolist() == list(range(3 * ratio)), "each number once, in order"
        for first in range(min(period, 50)):
            assert (which[first : first + period] == k).sum() == ratio


@pytest.mark.parametrize("first", [1, 9, 10, 12345, 10**18 + 7, 10**40 + 3])
def test_places_are_counted_from_anywhere(first: int) -> None:
    ratios = 6, 3, 1
    places = np.array([5, 0, 33, 2])
    which, numbers, cycles = Interleave(ratios).members(first, places)
    for place, k, number in zip(places.tolist(), which.tolist(), numbers.tolist(), strict=True):
        cycle, off = divmod(first + place, 10)
        table, within, _ = Interleave(ratios).members(0, np.arange(10))
        assert k == table[off]
        assert cycles * ratios[k] + number == cycle * ratios[k] + int(within[off])


@pytest.mark.parametrize("scale", [10**8, 10**9, 10**10, 10**25])
def test_no_ratio_is_too_large(scale: int) -> None:
    """Beyond int64 in Python's integers: the same turns as in small."""
    small, large = Interleave((3, 2, 2)), Interleave((3 * scale, 2 * scale, 2 * scale))
    places = np.array([0, 1, 2, 3, 40, 10**6, 10**6 + 1])
    for first in (0, 5, 10**30):
        one, other = small.members(first, places), large.members(first, places)
        assert one[0].tolist() == other[0].tolist()
        for k, a, b in zip(*(part.tolist() for part in (one[0], one[1], other[1])), strict=True):
            assert a + one[2] * small.ratios[k] == b + other[2] * large.ratios[k]


@pytest.mark.parametrize(
    ("given", "whole"),
    [
        ([6, 3, 1], (6, 3, 1)),
        ([20, 10], (2, 1)),
        ([0.7, 0.2, 0.1], (7, 2, 1)),
        ([1 / 3, 2 / 3], (1, 2)),
        ([1 / 7, 6 / 7], (1, 6)),
        ([0.25], (1,)),
        ([np.float32(0.7), np.float64(0.3)], (7, 3)),
        ([np.int64(4), np.uint8(6)], (2, 3)),
        ([Fraction(1, 3), 1], (1, 3)),
        ([1e-9, 1], (1, 10**9)),
        ([10**30, 10**29], (10, 1)),
        (range(1, 4), (1, 2, 3)),
    ],
)
def test_ratios_as_whole_numbers(given: Any, whole: tuple[int, ...]) -> None:
    assert whole_ratios(given) == whole


@pytest.mark.parametrize("wrong", [0, -1, 0.0, math.nan, math.inf, -math.inf, "3", None, True, 1j, [1]])
def test_invalid_ratios(wrong: Any) -> None:
    with pytest.raises(InputError, match=r"ratios\[1\]=.*; give numbers above 0"):
        whole_ratios([1, wrong])
