"""Instructions that change the colour of each pixel by itself, after the sampling. `low` and `high` are the value range
at their place in the program. native/ops/colour.cc implements the same instructions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vary.ops.spec import Floats, Op, Range, no_range, split_alpha

__all__ = ["OPS", "in_range"]

RANGE_ARGUMENTS = "low value, high value"
CLIP_TEXT = "clip {low} .. {high}"


def _range_first(change: Callable[..., Floats]) -> Callable[..., Floats]:
    """`in_range` for an instruction whose first arguments, not its last ones, are the value range."""
    clipped = in_range(change)

    def changed(picture: Floats, low: float, high: float, *amounts: float) -> Floats:
        return clipped(picture, *amounts, low, high)

    return changed


def in_range(change: Callable[..., Floats]) -> Callable[..., Floats]:
    """Apply `change` to values as fractions of the value range, and clip its result to 0 .. 1. Alpha stays as it is."""

    def changed(picture: Floats, *args: float) -> Floats:
        *amounts, low, high = args
        values, alpha = split_alpha(picture)
        x = (values - low) / (high - low)
        return np.concatenate([low + change(x, *amounts).clip(0, 1) * (high - low), alpha], axis=2)

    return changed


def _grey(x: Floats) -> Floats:
    return x @ np.array([[0.299], [0.587], [0.114]]) if x.shape[2] == 3 else x  # Rec. 601


def _normalize(picture: Floats, *args: float) -> Floats:
    mean, std = np.array(args, np.float64).reshape(2, -1)
    return (picture - mean) / std


def _normalize_scales(*args: float) -> tuple[list[float], list[float]]:
    means, stds = args[: len(args) // 2], args[len(args) // 2 :]
    scales = [1 / max(std, 1e-300) for std in stds]  # a std that underflowed to 0 gives a factor that is refused
    return scales, [-mean * scale for mean, scale in zip(means, scales, strict=True)]


def _contrast(x: Floats, factor: float) -> Floats:
    """Contrast about the mean grey of all pixels that are finite, truncated to units of 2^-20 as in the native core."""
    grey = _grey(x)
    counted = np.trunc(grey[np.isfinite(grey)].clip(-8, 9) * (1 << 20))
    mean = float(counted.mean()) / (1 << 20) if counted.size else 0.0
    return mean + (x - mean) * factor


def _saturation(x: Floats, factor: float) -> Floats:
    return _grey(x) + (x - _grey(x)) * factor


def _hue(x: Floats, turns: float) -> Floats:
    """Turns the hue of HSV (A. R. Smith, "Color Gamut Transform Pairs", 1978), counted in sixths of a turn.

    Value and chroma stay as they are.
    """
    if x.shape[2] != 3:  # grey has no hue
        return x
    red, green, blue = np.split(x, 3, axis=2)
    value: Floats = x.max(axis=2, keepdims=True)
    chroma: Floats = value - x.min(axis=2, keepdims=True)
    largest = [value == red, value == green]
    sixths = np.select(largest, [green - blue, blue - red + 2 * chroma], red - green + 4 * chroma)
    k = (sixths / np.where(chroma > 0, chroma, 1) + 6 * turns + np.array([5, 3, 1])) % 6
    trapezium: Floats = np.minimum(k, 4 - k).clip(0, 1)
    return value - chroma * trapezium


def _solarize(x: Floats, threshold: float) -> Floats:
    """Values of at least `threshold` are inverted: x becomes 1 - x."""
    x = x.clip(0, 1)
    return np.where(x >= threshold, 1 - x, x)


def _table(x: Floats, *entries: float) -> Floats:
    """Linear interpolation in a table whose entries are evenly spaced over 0 .. 1. A NaN stays a NaN."""
    found = np.interp(x, np.linspace(0, 1, len(entries)), entries)
    return np.where(np.isnan(x), x, found)


def _polynomial(x: Floats, *factors: float) -> Floats:
    total = np.full_like(x, factors[-1])
    for factor in factors[-2::-1]:
        total = total * x + factor
    return total


def _table_slope(_: float, __: float, *entries: float) -> float:
    """The largest slope between neighbouring entries, at least 1."""
    return float(np.abs(np.diff(entries)).max(initial=1)) * (len(entries) - 1)


def _polynomial_slope(_: float, __: float, *factors: float) -> float:
    """An upper bound of the slope for values of 0 .. 1, at least 1."""
    return max(1.0, sum(power * abs(factor) for power, factor in enumerate(factors)))


def _rescaled_range(low: float, high: float, scale: float, offset: float) -> Range:
    a, b = sorted((low * scale + offset, high * scale + offset))
    return a, b


def _mixing_gain(factor: float, *_: float) -> float:
    """A bound for factor x + (1 - factor) g, where g is the pixel's grey or the mean grey: the sum of both weights."""
    return factor + abs(1 - factor)


OPS = [
    Op(
        "rescale",
        "pointwise",
        "scale factor, offset value",
        "scale {scale}, offset {offset}",
        lambda picture, scale, offset: picture * scale + offset,
        neutral=(1, 0),
        range=_rescaled_range,
        scales=lambda scale, offset: ([scale], [offset]),
        gain=lambda scale, _: abs(scale),
    ),
    Op(
        "normalize",
        "pointwise",
        "mean* value, std* value",
        "mean {mean}, std {std}",
        _normalize,
        range=no_range,
        scales=_normalize_scales,
        gain=lambda *args: 1 / min(args[len(args) // 2 :]),
    ),
    Op(
        "brightness",
        "pointwise",
        f"factor factor, {RANGE_ARGUMENTS}",
        f"factor {{factor}}, {CLIP_TEXT}",
        in_range(lambda x, factor: x * factor),
        neutral=(1,),
        gain=lambda factor, *_: abs(factor),
    ),
    Op(
        "contrast",
        "pointwise",
        f"factor factor, {RANGE_ARGUMENTS}",
        f"factor {{factor}}, {CLIP_TEXT}",
        in_range(_contrast),
        neutral=(1,),
        coloured=True,
        gain=_mixing_gain,
    ),
    Op(
        "saturation",
        "pointwise",
        f"factor factor, {RANGE_ARGUMENTS}",
        f"factor {{factor}}, {CLIP_TEXT}",
        in_range(_saturation),
        neutral=(1,),
        coloured=True,
        gain=_mixing_gain,
    ),
    Op(
        "hue",
        "pointwise",
        f"turn turns, {RANGE_ARGUMENTS}",
        f"{{turn}} turns, {CLIP_TEXT}",
        in_range(_hue),
        neutral=(0,),
        coloured=True,
        gain=lambda *_: 7.0,  # 1 of value, 1 of chroma, and the rest of hue times chroma
    ),
    Op(
        "shift",
        "pointwise",
        f"red fraction, green fraction, blue fraction, {RANGE_ARGUMENTS}",
        f"by {{red}} {{green}} {{blue}}, {CLIP_TEXT}",
        in_range(lambda x, *shifts: x + np.resize(shifts, x.shape[2])),
        neutral=(0, 0, 0),
        coloured=True,
    ),
    Op(
        "table",
        "pointwise",
        "low value, high value, entry... fraction",
        f"through {{entry}}, {CLIP_TEXT}",
        _range_first(_table),
        gain=_table_slope,
    ),
    Op(
        "polynomial",
        "pointwise",
        "low value, high value, factor... factor",
        f"factors {{factor}}, {CLIP_TEXT}",
        _range_first(_polynomial),
        gain=_polynomial_slope,
    ),
    Op(
        "solarize",
        "pointwise",
        f"threshold fraction, {RANGE_ARGUMENTS}",
        f"from {{threshold}}, {CLIP_TEXT}",
        in_range(_solarize),
        continuous=False,
    ),
]
