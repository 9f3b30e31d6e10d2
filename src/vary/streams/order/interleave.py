"""Assigns each place of a mix to one of its streams: evenly spread, by ratio, computed without a table."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, lcm
from numbers import Real
from typing import TYPE_CHECKING

import numpy as np

from vary.errors import InputError
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

__all__ = ["Interleave", "whole_ratios"]

SIMPLE, CLOSE = 10**6, 10**12
"""A float is replaced by a fraction with a denominator of at most SIMPLE if they differ by at most 1 part in CLOSE."""


@dataclass(frozen=True)
class Interleave:
    """Assigns the places 0, 1, 2, ... to members. In every `period`, each member has exactly as many as its ratio.

    The member with the largest ratio gets its share of all places, spread evenly; the next one its share of the
    remaining places; and so on. Among the first k places, for any k, the number of a member's places differs from its
    share by at most 1/2 (the largest member), 1 (with up to 3 members), or 1 + ln(n) / 2 (with n): each rounding is by
    1/2 at most, and the later members share it.
    """

    ratios: tuple[int, ...]

    @property
    def period(self) -> int:
        return sum(self.ratios)

    def members(self, first: int, places: Array) -> tuple[Array, Array, int]:
        """(which, numbers, cycles) for the places `first + places`: the member of each place, and the place's number
        among all places of that member, which is `cycles * ratio + number`.

        first: a whole number >= 0 of any size. numbers: int64, or Python's integers where int64 might overflow.
        """
        period, most = self.period, int(places.max(initial=0))
        cycles, off = divmod(first, period)
        fits = max(2 * period * (period + 1), period + most) < 1 << 62
        at = places.astype(np.int64 if fits else object) + off
        turns, rest, left = at // period, at % period, period
        which, numbers = np.full(len(at), -1), np.zeros_like(at)
        for member in sorted(range(len(self.ratios)), key=lambda member: -self.ratios[member]):
            ratio = self.ratios[member]
            before = _share(rest, ratio, left)  # of the first `rest` remaining places, how many are this member's
            own = (which < 0) & (_share(rest + 1, ratio, left) > before)
            which[own], numbers[own] = member, (before + turns * ratio)[own]
            rest, left = rest - before, left - ratio
        return which, numbers, cycles


def _share(places: Array, ratio: int, whole: int) -> Array:
    """places * ratio / whole, rounded half up."""
    found: Array = (2 * ratio * places + whole) // (2 * whole)
    return found


def whole_ratios(values: Sequence[object]) -> tuple[int, ...]:
    """The ratios as whole numbers without a common factor. A float stands for its decimal notation: 0.1 is 1/10."""
    found = [_fraction(place, value) for place, value in enumerate(values)]
    scale = lcm(*(one.denominator for one in found))
    numbers = [int(one * scale) for one in found]
    common = gcd(*numbers)
    return tuple(number // common for number in numbers)


def _fraction(place: int, value: object) -> Fraction:
    from fractions import Fraction

    try:
        exact = Fraction(str(value)) if isinstance(value, Real) else Fraction(0)
    except ValueError:  # nan, inf, True
        exact = Fraction(0)
    if exact <= 0:
        raise InputError(f"ratios[{place}]={value!r}; give numbers above 0, and leave out streams that are not to come")
    simple = exact.limit_denominator(SIMPLE)
    return simple if abs(simple - exact) * CLOSE <= exact else exact
