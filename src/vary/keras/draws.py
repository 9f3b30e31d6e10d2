"""What `get_random_transform` draws: the parameters of one image's transform.

Without `compat`, the numbers are a function of an address (`vary.rng`), so they depend on no other image. Number k of
the draws is always that of the k-th word of `KEYS`, whatever else is asked for. The old versions draw them from NumPy's
legacy generator, one after the other, and skip those of parameters that are off.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from vary.keras.faces import Face
from vary.rng import uniforms
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.keras.parameters import Parameters, Shift

__all__ = ["KEYS", "Batch", "Drawn", "drawn", "drawn_batch", "drawn_in_old_order", "together"]

Drawn = dict[str, float | bool | None]
Batch = Mapping[str, Array | None]
KEYS = (
    "theta",
    "tx",
    "ty",
    "shear",
    "zx",
    "zy",
    "flip_horizontal",
    "flip_vertical",
    "channel_shift_intensity",
    "brightness",
)
NAME = "ImageDataGenerator"


def drawn(parameters: Parameters, size: tuple[int, int], address: tuple[int, int, int, int]) -> Drawn:
    """The draws of one image. size: (height, width) in pixels. address: seed, epoch, index and view."""
    seed, epoch, index, view = address
    found = drawn_batch(parameters, size, (seed, epoch), np.array([index]), np.array([view]))
    return {name: None if values is None else values[0].item() for name, values in found.items()}


def drawn_batch(
    parameters: Parameters, size: tuple[int, int], seed_and_epoch: tuple[int, int], indices: Array, views: Array
) -> Batch:
    """The draws of n images of one size, (n,) each. indices, views: (n,) int64."""
    u = dict(zip(KEYS, uniforms(NAME, len(KEYS), seed_and_epoch, indices, views).T, strict=True))
    p, (height, width) = parameters, size
    low, high = cast("tuple[float, float]", p.zoom_range)
    bright, channel = p.brightness_range, p.channel_shift_range
    return {
        "theta": _between(-p.rotation_range, p.rotation_range, u["theta"]),
        "tx": _shift(p.width_shift_range, width, u["tx"]),
        "ty": _shift(p.height_shift_range, height, u["ty"]),
        "shear": _between(-p.shear_range, p.shear_range, u["shear"]),
        "zx": _between(low, high, u["zx"]),
        "zy": _between(low, high, u["zy"]),
        "flip_horizontal": (u["flip_horizontal"] < 0.5) & bool(p.horizontal_flip),
        "flip_vertical": (u["flip_vertical"] < 0.5) & bool(p.vertical_flip),
        "channel_shift_intensity": _between(-channel, channel, u["channel_shift_intensity"]) if channel else None,
        "brightness": None if bright is None else _between(bright[0], bright[1], u["brightness"]),
    }


def together(draws: Sequence[Drawn]) -> Batch:
    """The draws of n images as arrays, (n,) each."""
    if not draws:
        return dict.fromkeys(KEYS)
    return {name: None if one is None else np.array([each[name] for each in draws]) for name, one in draws[0].items()}


def _between(low: float, high: float, u: Array) -> Array:
    return low + (high - low) * u


def _shift(given: Shift, side: int, u: Array) -> Array:
    """In pixels. given: one of the forms of width_shift_range. u: uniform in [0, 1)."""
    if not isinstance(given, float | int | np.number):
        listed = np.array([float(one) for one in given])
        pixels = 1 if np.abs(listed).max() >= 1 else side
        return np.asarray(listed[(u * len(listed)).astype(int)] * pixels)
    if isinstance(given, int | np.integer):
        return np.floor(u * (2 * given - 1)) - (given - 1) if given else np.zeros(len(u))
    return _between(-given, given, u) * (side if given < 1 else 1)


def drawn_in_old_order(
    parameters: Parameters, size: tuple[int, int], face: Face, random: np.random.RandomState
) -> Drawn:
    """The draws of one image as the old versions make them, from `random`. size: (height, width) in pixels."""
    p, (height, width) = parameters, size
    theta = random.uniform(-p.rotation_range, p.rotation_range) if p.rotation_range else 0
    by_height = _old_shift(p.height_shift_range, height, random)
    by_width = _old_shift(p.width_shift_range, width, random)
    shear = random.uniform(-p.shear_range, p.shear_range) if p.shear_range else 0
    low, high = cast("tuple[float, float]", p.zoom_range)
    zx, zy = (1.0, 1.0) if low == high == 1 else (random.uniform(low, high), random.uniform(low, high))
    flips = random.random() < 0.5, random.random() < 0.5
    c = p.channel_shift_range
    channel = random.uniform(-c, c) if c != 0 else None
    bright = p.brightness_range
    brightness = None if bright is None else random.uniform(bright[0], bright[1])
    tx, ty = (by_width, by_height) if face.x_is_width else (by_height, by_width)
    made = bool(flips[0] and p.horizontal_flip), bool(flips[1] and p.vertical_flip)
    return dict(zip(KEYS, (theta, tx, ty, shear, zx, zy, *made, channel, brightness), strict=True))


def _old_shift(given: Shift, side: int, random: np.random.RandomState) -> float:
    """In pixels. From a list, or from 0 .. n - 1 for a whole number n: one value, with a random sign. Else uniform."""
    listed: np.ndarray | None = None
    if isinstance(given, int | np.integer) and given > 0:
        listed = np.arange(given)
    elif not isinstance(given, float | int | np.number):
        listed = np.asarray(given)
    if listed is None and given == 0:
        return 0
    if listed is None:
        value = random.uniform(-cast("float", given), cast("float", given))
    else:
        value = float(random.choice(listed)) * float(random.choice([-1, 1]))
    return float(value * side if np.max(given) < 1 else value)
