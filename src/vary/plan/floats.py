"""Checks that float32, in which the core computes, can hold the value range and the results of a policy."""

from __future__ import annotations

from vary.elements import ELEMENTS
from vary.errors import PolicyError

__all__ = ["LARGEST", "ValueBounds", "range_fault"]

LARGEST = ELEMENTS["float32"].largest
"""The largest finite float32."""

STEPS = 256  # the fewest float32 numbers that a value range must contain
WIDEST, NARROWEST = 2.0**100, 2.0**-100  # of a range; sums count in 2^-20 of it, of values up to 8 ranges outside
STRONGEST = 2.0**60  # the largest total factor; products of several such factors and their inverses still fit


def range_fault(low: float, high: float) -> str:
    """Why float32 cannot hold pictures in the value range (low, high), and the cure; empty if it can."""
    size, end = high - low, max(abs(low), abs(high))
    seen = f"({low:.9g}, {high:.9g})"
    if end > WIDEST:
        return f"{seen} is too large for sums in float32; scale the values down to 0 .. 1"
    if size < NARROWEST or size < STEPS * end * 2.0**-24:
        return f"{seen} is too narrow for float32, which has too few numbers in it; scale the values to 0 .. 1"
    return ""


class ValueBounds:
    """Bounds, over all draws, of the values that Rescale and Normalize make from a picture."""

    def __init__(self, values: list[float]) -> None:
        """values: the ends of the value range, and the fill."""
        self._values = min(0.0, *values), max(0.0, *values)
        self._gain = 1.0, 1.0

    def affine(self, name: str, scales: list[float], offsets: list[float], always: bool) -> None:
        """Apply x * scale + offset in each channel, by transform `name`. `PolicyError` if float32 cannot hold it."""
        values = [end * a + b for a, b in zip(scales, offsets, strict=True) for end in self._values]
        gains = [gain * abs(a) for a in scales for gain in self._gain]
        if not always:
            values, gains = [*values, *self._values], [*gains, *self._gain]
        self._values, self._gain = (min(values), max(values)), (min(gains), max(gains))
        weakest, strongest = self._gain
        if not (weakest >= 1 / STRONGEST and strongest <= STRONGEST):
            gain = weakest if weakest < 1 / STRONGEST else strongest
            raise PolicyError(
                f"{name} makes the total factor on the picture's values {gain:g}, outside {1 / STRONGEST:.1g} .. "
                f"{STRONGEST:.1g}, where float32 loses them; use factors closer to 1"
            )
        if not max(map(abs, self._values)) <= LARGEST:
            end = max(self._values, key=abs)
            raise PolicyError(f"{name} makes values up to {end:g}, which float32 cannot hold; use smaller numbers")
