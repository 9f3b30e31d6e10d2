"""Colour of a pixel by itself, on what was sampled. `low` and `high` are the value range at the place of the
instruction. native/ops/colour.cc does the same in the native core."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vary.ops.spec import Floats, Op, Range, nothing, split_alpha

__all__ = ["OPS", "in_range"]

CLIPPED = "low value, high value"
WITHIN = "clip {low} .. {high}"


def _ends_first(change: Callable[..., Floats]) -> Callable[..., Floats]:
    """`in_range`, of an instruction whose first arguments are the ends of the range."""
    clipped = in_range(change)

    def changed(picture: Floats, low: float, high: float, *amounts: float) -> Floats:
        return clipped(picture, *amounts, low, high)

    return changed


def in_range(change: Callable[..., Floats]) -> Callable[..., Floats]:
    """`change` sees fractions of the value range, of all channels but alpha; its result is clipped to 0 .. 1."""

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


def _standard(*args: float) -> tuple[list[float], list[float]]:
    means, stds = args[: len(args) // 2], args[len(args) // 2 :]
    scales = [1 / max(std, 1e-300) for std in stds]  # 0, where std underflowed, is refused as too strong
    return scales, [-mean * scale for mean, scale in zip(means, scales, strict=True)]


def _contrast(x: Floats, factor: float) -> Floats:
    """Contrast about the mean grey of the finite pixels, which is summed in units of 2^-20."""
    grey = _grey(x)
    counted = np.trunc(grey[np.isfinite(grey)].clip(-8, 9) * (1 << 20))
    mean = float(counted.mean()) / (1 << 20) if counted.size else 0.0
    return mean + (x - mean) * factor


def _saturation(x: Floats, factor: float) -> Floats:
    return _grey(x) + (x - _grey(x)) * factor


def _hue(x: Floats, turns: float) -> Floats:
    """HSV (A. R. Smith, "Color Gamut Transform Pairs", 1978): value and chroma stay; hue is counted in sixths."""
    if x.shape[2] != 3:  # grey has no hue
        return x
    red, green, blue = np.split(x, 3, axis=2)
    value: Floats = x.max(axis=2, keepdims=True)
    chroma: Floats = value - x.min(axis=2, keepdims=True)
    tops = [value == red, value == green]
    sixths = np.select(tops, [green - blue, blue - red + 2 * chroma], red - green + 4 * chroma)
    k = (sixths / np.where(chroma > 0, chroma, 1) + 6 * turns + np.array([5, 3, 1])) % 6
    trapezium: Floats = np.minimum(k, 4 - k).clip(0, 1)
    return value - chroma * trapezium


def _solarize(x: Floats, threshold: float) -> Floats:
    """Values of `threshold` and above are mirrored: x becomes 1 - x."""
    x = x.clip(0, 1)
    return np.where(x >= threshold, 1 - x, x)


def _table(x: Floats, *entries: float) -> Floats:
    """The entries stand at even distances from 0 to 1; values between two are on the line through them."""
    read = np.interp(x, np.linspace(0, 1, len(entries)), entries)
    return np.where(np.isnan(x), x, read)


def _polynomial(x: Floats, *factors: float) -> Floats:
    total = np.full_like(x, factors[-1])
    for factor in factors[-2::-1]:
        total = total * x + factor
    return total


def _steepest(_: float, __: float, *entries: float) -> float:
    return float(np.abs(np.diff(entries)).max(initial=1)) * (len(entries) - 1)


def _slope(_: float, __: float, *factors: float) -> float:
    """For values of 0 .. 1."""
    return max(1.0, sum(power * abs(factor) for power, factor in enumerate(factors)))


def _scaled(low: float, high: float, scale: float, offset: float) -> Range:
    a, b = sorted((low * scale + offset, high * scale + offset))
    return a, b


def _spread(factor: float, *_: float) -> float:
    """Of the pixel, and of its grey or the mean: row sums of |factor I + (1 - factor) grey|."""
    return factor + abs(1 - factor)


OPS = [
    Op(
        "rescale",
        "pointwise",
        "scale factor, offset value",
        "scale {scale}, offset {offset}",
        lambda picture, scale, offset: picture * scale + offset,
        neutral=(1, 0),
        range=_scaled,
        scales=lambda scale, offset: ([scale], [offset]),
        gain=lambda scale, _: abs(scale),
    ),
    Op(
        "normalize",
        "pointwise",
        "mean* value, std* value",
        "mean {mean}, std {std}",
        _normalize,
        range=nothing,
        scales=_standard,
        gain=lambda *args: 1 / min(args[len(args) // 2 :]),
    ),
    Op(
        "brightness",
        "pointwise",
        f"factor factor, {CLIPPED}",
        f"factor {{factor}}, {WITHIN}",
        in_range(lambda x, factor: x * factor),
        neutral=(1,),
        gain=lambda factor, *_: abs(factor),
    ),
    Op(
        "contrast",
        "pointwise",
        f"factor factor, {CLIPPED}",
        f"factor {{factor}}, {WITHIN}",
        in_range(_contrast),
        neutral=(1,),
        coloured=True,
        gain=_spread,
    ),
    Op(
        "saturation",
        "pointwise",
        f"factor factor, {CLIPPED}",
        f"factor {{factor}}, {WITHIN}",
        in_range(_saturation),
        neutral=(1,),
        coloured=True,
        gain=_spread,
    ),
    Op(
        "hue",
        "pointwise",
        f"turn turns, {CLIPPED}",
        f"{{turn}} turns, {WITHIN}",
        in_range(_hue),
        neutral=(0,),
        coloured=True,
        gain=lambda *_: 7.0,  # of value, of chroma, and of hue times chroma
    ),
    Op(
        "shift",
        "pointwise",
        f"red fraction, green fraction, blue fraction, {CLIPPED}",
        f"by {{red}} {{green}} {{blue}}, {WITHIN}",
        in_range(lambda x, *shifts: x + np.resize(shifts, x.shape[2])),
        neutral=(0, 0, 0),
        coloured=True,
    ),
    Op(
        "table",
        "pointwise",
        "low value, high value, entry... fraction",
        f"through {{entry}}, {WITHIN}",
        _ends_first(_table),
        gain=_steepest,
    ),
    Op(
        "polynomial",
        "pointwise",
        "low value, high value, factor... factor",
        f"factors {{factor}}, {WITHIN}",
        _ends_first(_polynomial),
        gain=_slope,
    ),
    Op(
        "solarize",
        "pointwise",
        f"threshold fraction, {CLIPPED}",
        f"from {{threshold}}, {WITHIN}",
        in_range(_solarize),
        continuous=False,
    ),
]
