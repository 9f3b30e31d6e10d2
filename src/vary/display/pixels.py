"""Pixel values as training gets them: their statistics, and their colours on a screen.

Pictures are shown on one of a few fixed scales, never stretched to their own values: pictures that are too dark, too
bright or too flat for training also appear so. The scale is always stated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.elements import MEANINGS
from vary.plan.lower import VALUE_RANGES
from vary.plan.request import Address
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vary.plan.program import Program
    from vary.plan.runner import Runner

__all__ = ["Scale", "Stats", "reduced", "scale_of", "scale_of_range", "scale_of_runner", "scale_of_values", "shown"]

Range = tuple[float, float]

SQUARE, LIGHT, DARK = 8, 255, 204  # the checkerboard below transparent pixels: pixels, grey levels
LIMIT = 240  # pixels of the longer side: a picture that is several times as large is stored smaller
DRAWS = 16  # samples by which the scale is found if Rescale is applied at random


class Scale(NamedTuple):
    """The values shown as black and as white; `reason` says why these."""

    black: float
    white: float
    reason: str = ""

    def __str__(self) -> str:
        reason = self.reason and f", {self.reason}"
        return f"from {self.black:g} (black) to {self.white:g} (white){reason}"


BYTES = Scale(0, 255)
USUAL = (Scale(0, 1), Scale(-1, 1), BYTES)  # from narrow to wide
STANDARD = Scale(-3, 3, "after Normalize, which has no range")  # three standard deviations to either side


def scale_of(programs: Iterable[Program], value_range: Range) -> Scale:
    """The narrowest usual scale that contains the value range of every program's results: 0 .. 1 after
    Rescale(1 / 255).

    value_range: of the input pictures; it is one of the usual scales, too.
    """
    low, high = np.inf, -np.inf
    for program in programs:
        ends = np.array(value_range, np.float64)
        for step in program.instructions:
            if step.op == "normalize":
                return STANDARD
            if step.op == "rescale":
                ends = ends * step.args[0] + step.args[1]
        low, high = min(low, ends.min()), max(high, ends.max())
    return _narrowest((*USUAL, Scale(*value_range)), low, high)


def scale_of_runner(runner: Runner, value_range: Range | None) -> Scale:
    """The scale of the results of a compiled policy. value_range: the policy's argument of this name."""
    template = runner.template
    drawn = any(step.gate >= 0 and step.op in ("rescale", "normalize") for step in template.instructions)
    programs = [runner.program(Address(0, 0, 0, np.array([k]))) for k in range(DRAWS if drawn else 1)]
    return scale_of(programs, value_range or VALUE_RANGES[template.dtype])


def scale_of_range(low: float, high: float) -> Scale:
    """The scale of pictures with this value range."""
    return _narrowest((*USUAL, Scale(low, high)), low, high)


def scale_of_values(low: float, high: float) -> Scale:
    """The scale of pictures of which only the lowest and highest value are known."""
    return _narrowest((*USUAL[:2], STANDARD._replace(reason=""), BYTES), low, high)


def _narrowest(scales: Iterable[Scale], low: float, high: float) -> Scale:
    slack = 1e-6 * max(abs(low), abs(high))
    fits = (s for s in scales if s.black - slack <= low and high <= s.white + slack)
    return next(fits, BYTES)


def shown(picture: Array, scale: Scale) -> Array:
    """A picture (H, W, C) or (H, W) as (H, W, 3) uint8: black and white are the ends of the scale, NaN is black.

    uint8 is not changed, grey becomes three channels, and transparent pixels are shown over a checkerboard. Of 2, or 5
    and more channels, see `_visible`.
    """
    if picture.ndim == 2:
        picture = picture[..., None]
    picture = _visible(picture)
    if picture.dtype != np.uint8:
        if picture.dtype == np.float16:
            picture = picture.astype(np.float32)  # float16 is coarser than the scale of uint16
        inside = np.clip(np.where(np.isnan(picture), scale.black, picture), scale.black, scale.white)
        picture = np.rint((inside - scale.black) * (255 / (scale.white - scale.black))).astype(np.uint8)
    if picture.shape[2] == 4:
        return _over_checkerboard(picture)
    return picture if picture.shape[2] == 3 else picture.repeat(3, axis=2)


def _visible(picture: Array) -> Array:
    """The channels (H, W, 1, 3 or 4) of a picture (H, W, C) that are shown: of 2 the first, of 5 and more the first
    three."""
    channels = picture.shape[2]
    return picture if channels in MEANINGS else picture[..., : 1 if channels < 3 else 3]


def _said_of(channels: int) -> str:
    """How a picture of so many channels is shown, for the end of a note."""
    if channels == 4:
        return ", alpha over a checkerboard"
    if channels in MEANINGS:
        return ""
    which = "the first of 2 channels as grey" if channels == 2 else f"the first 3 of {channels} channels as RGB"
    return f", {which}"


def _over_checkerboard(picture: Array) -> Array:
    y, x = np.indices(picture.shape[:2]) // SQUARE
    board = np.where((x + y) % 2, DARK, LIGHT)[..., None]
    alpha = picture[..., 3:].astype(np.int64)
    found: Array = ((picture[..., :3] * alpha + board * (255 - alpha) + 127) // 255).astype(np.uint8)
    return found


def reduced(picture: Array) -> Array:
    """A picture (H, W, C) or (H, W), averaged over boxes of k x k pixels if it is far larger than it will be shown."""
    k = max(picture.shape[:2]) // LIMIT
    height, width = (side // k for side in picture.shape[:2]) if k > 1 else (0, 0)
    if not height or not width:
        return picture
    picture = picture if picture.ndim == 2 else _visible(picture)
    boxes = picture[: height * k, : width * k].reshape(height, k, width, k, *picture.shape[2:])
    with np.errstate(invalid="ignore", over="ignore"):
        found: Array = boxes.mean(axis=(1, 3), dtype=np.float32)
    return (found + 0.5).astype(np.uint8) if picture.dtype == np.uint8 else found


class Stats(NamedTuple):
    """Statistics of some arrays. NaN and infinite values are counted in `odd` alone."""

    dtype: str
    low: float = np.inf
    high: float = -np.inf
    total: float = 0.0
    finite: int = 0  # how many are finite
    odd: int = 0  # how many are NaN or infinite

    @classmethod
    def of(cls, array: Array) -> Stats | None:
        """None if the array does not hold numbers, or is empty."""
        if array.dtype.kind not in "buif" or not array.size:
            return None
        low, high = float(array.min()), float(array.max())
        found = array if np.isfinite((low, high)).all() else array[np.isfinite(array)]
        if not found.size:
            return cls(array.dtype.name, odd=array.size)
        total = float(found.sum(dtype=np.float64))
        return cls(array.dtype.name, float(found.min()), float(found.max()), total, found.size, array.size - found.size)

    def plus(self, other: Stats) -> Stats:
        """The statistics of both together."""
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Stats(self.dtype, low, high, self.total + other.total, self.finite + other.finite, self.odd + other.odd)

    @property
    def range(self) -> str:
        """The lowest and the highest value, and how many are NaN or infinite."""
        ends = [f"{_digits(self.low, 4)} .. {_digits(self.high, 4)}"] if self.finite else []
        return ", ".join([*ends, *([f"{self.odd} values NaN or infinite"] if self.odd else [])])

    @property
    def mean(self) -> str:
        return _digits(self.total / self.finite, 3) if self.finite else ""

    def description(self, name: str, scale: Scale, channels: int = 3) -> str:
        """Such as "variations: float32, 0 .. 0.98, mean 0.43; shown from 0 (black) to 1 (white)"."""
        ends = [f"{_digits(self.low, 4)} .. {_digits(self.high, 4)}", f"mean {self.mean}"] if self.finite else []
        odd = [f"{self.odd} values NaN or infinite"] if self.odd else []
        how = "as it is" if self.dtype == "uint8" else str(scale)
        return f"{name}: {', '.join([self.dtype, *ends, *odd])}; shown {how}{_said_of(channels)}"


def _digits(value: float, least: int) -> str:
    """A number with at least so many significant digits, and with all digits before the point if these are few."""
    whole = len(f"{abs(value):.0f}")
    return f"{value:.{max(least, whole if whole < 7 else 0)}g}"
