"""Colour transforms. They run on the picture after its geometry, in listed order, without rounding in between.

Transforms with a factor clip to the value range: 0 .. 255 for uint8, 0 .. 1 for floats, changed by `Rescale`.
Transforms that mix channels leave grey pictures unchanged. A fourth channel, alpha, is changed only by `Rescale` and
`Normalize`. Pictures of any other number of channels have no colour: they
accept `Rescale`, `Normalize`, `Brightness` and `Solarize` alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vary.elements import MOST_CHANNELS
from vary.errors import brief
from vary.transforms.base import Lowering, Span, Transform, custom, field, number, span

if TYPE_CHECKING:
    from random import Random

__all__ = [
    "Brightness",
    "ChannelShift",
    "ColorJitter",
    "Contrast",
    "Hue",
    "Normalize",
    "Rescale",
    "Saturation",
    "Solarize",
]

MULTIPLIER = "factor; 1 changes nothing; a number a means (1 - a, 1 + a)"
TURNS = "turns of the colour circle; 0.1 is 36 degrees; a number a means (-a, a)"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Rescale(Transform):
    """x * scale + offset: `Rescale(1 / 255)` maps uint8 to 0 .. 1. The output becomes float32 by default."""

    scale: float = field("factor; what values are multiplied by", within=(-1e6, 1e6), samples=(0.001, 2.0))
    offset: float = field("added after the factor", within=(-1e6, 1e6), default=0.0)

    def check(self) -> None:
        if self.scale == 0:
            self._refuse("scale=0 would leave nothing of the picture; Rescale(1 / 255) is usual")

    def lower(self, to: Lowering) -> None:
        to.emit("rescale", self.scale, self.offset)


EACH = "one value, or one per channel, as fractions of the value range"
Values = float | Sequence[float] | np.ndarray


def _channels(value: object) -> tuple[float, ...]:
    if isinstance(value, str) and value.lower() == "imagenet":
        raise ValueError(f"{value!r} is not a number; ImageNet's are the defaults: Normalize()")
    if isinstance(value, (list, tuple)) and any(isinstance(one, (list, tuple)) for one in value):
        raise ValueError(f"{brief(value)} has rows; give one number, or one a channel")
    values = tuple(map(number, value)) if isinstance(value, (list, tuple)) else (number(value),)
    if not 1 <= len(values) <= MOST_CHANNELS:
        raise ValueError(f"{brief(value)} has {len(values)} entries; give 1 to {MOST_CHANNELS}, one per channel")
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{value!r} must be finite")
    return values


def _positive(value: object) -> tuple[float, ...]:
    if min(values := _channels(value)) <= 0:
        raise ValueError(f"{value!r} must be above 0")
    return values


def _fraction(random: Random) -> tuple[float]:
    return (random.uniform(0.1, 0.9),)


class Normalize(Transform):
    """(x / range - mean) / std per channel, with x / range in 0 .. 1 whether or not `Rescale` ran before.

    Defaults are ImageNet's, as pretrained networks expect. Transforms that need a value range must come before it.
    """

    mean: Values = custom(EACH, _channels, default=IMAGENET_MEAN, samples=_fraction)
    std: Values = custom(EACH, _positive, default=IMAGENET_STD, samples=_fraction)

    def lower(self, to: Lowering) -> None:
        low, high = to.clip()
        means, stds = (self._each(name, to.channels) for name in ("mean", "std"))
        to.emit("normalize", *(low + m * (high - low) for m in means), *(s * (high - low) for s in stds))

    def _each(self, name: str, channels: int) -> list[float]:
        values: tuple[float, ...] = getattr(self, name)
        if len(values) not in (1, channels):
            cure = f"one value for all channels, or {channels}" if channels > 1 else "one value"
            self._refuse(f"{name} has {len(values)} entries for pictures of {channels} channel(s); give {cure}")
        return list(values) * (channels // len(values))


class Brightness(Transform):
    """Blend with black: 0 is black, 1 the picture, 2 twice as bright."""

    factor: Span = span(MULTIPLIER, around=1.0, within=(0, 100))

    def lower(self, to: Lowering) -> None:
        to.emit("brightness", to.uniform(self.factor), *to.clip())


class Contrast(Transform):
    """Blend with the mean grey of the whole picture (Rec. 601): 0 is flat grey, 1 the picture."""

    factor: Span = span(MULTIPLIER, around=1.0, within=(0, 100))

    def lower(self, to: Lowering) -> None:
        to.emit("contrast", to.uniform(self.factor), *to.clip())


class Saturation(Transform):
    """Blend each pixel with its own grey (Rec. 601): 0 is grey, 1 the picture."""

    factor: Span = span(MULTIPLIER, around=1.0, within=(0, 100))

    def lower(self, to: Lowering) -> None:
        to.emit("saturation", to.uniform(self.factor), *to.clip())


class Hue(Transform):
    """Rotate the hue of HSV, keeping value and saturation."""

    turn: Span = span(TURNS, within=(-1, 1))

    def lower(self, to: Lowering) -> None:
        to.emit("hue", to.uniform(self.turn), *to.clip())


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue, in an order that is drawn for every picture."""

    brightness: Span = span(MULTIPLIER, around=1.0, within=(0, 100), default=0.0)
    contrast: Span = span(MULTIPLIER, around=1.0, within=(0, 100), default=0.0)
    saturation: Span = span(MULTIPLIER, around=1.0, within=(0, 100), default=0.0)
    hue: Span = span(TURNS, within=(-1, 1), default=0.0)

    def lower(self, to: Lowering) -> None:
        neutral = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
        order = to.integer(24)
        drawn = {name: to.uniform(getattr(self, name)) for name in neutral}
        to.emit("order", len(drawn), order)
        for name, value in drawn.items():
            to.emit(name, value, *to.clip())


class ChannelShift(Transform):
    """Add a random value to each channel; with `joint`, the same value to all."""

    shift: Span = span("a fraction of the value range; 0.1 is 25.5 of 255; a number a means (-a, a)", within=(-1, 1))
    joint: int = field("1: the same shift for all channels", within=(0, 1), whole=True, default=0)

    def lower(self, to: Lowering) -> None:
        first = to.uniform(self.shift)
        shifts = [first, *((first if self.joint else to.uniform(self.shift)) for _ in range(2))]
        to.emit("shift", *shifts, *to.clip())


class Solarize(Transform):
    """Invert bright values: those of at least `threshold` are mirrored within the value range, so 255 becomes 0."""

    threshold: Span = span(
        "a fraction of the value range; a number is the value itself, a pair (low, high) a range",
        within=(0, 1),
        around=None,
        default=0.5,
    )

    def lower(self, to: Lowering) -> None:
        to.emit("solarize", to.uniform(self.threshold), *to.clip())
