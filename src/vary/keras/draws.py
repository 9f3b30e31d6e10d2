"""What `get_random_transform` draws: the parameters of one image's transform.

Without `compat`, the numbers are a function of an address (`vary.rng`), so they depend on no other image. Number k of
the draws is always that of the k-th word of `KEYS`, whatever else is asked for. The old versions take them from NumPy's
legacy generator, one after the other, and skip those of parameters that are off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from vary.keras.faces import Face
from vary.rng import uniforms

if TYPE_CHECKING:
    from vary.keras.parameters import Parameters, Shift

__all__ = ["KEYS", "Drawn", "drawn", "drawn_in_old_order"]

Drawn = dict[str, float | bool | None]
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
    row = uniforms(NAME, len(KEYS), (seed, epoch), np.array([index]), np.array([view]))[0].tolist()
    u = dict(zip(KEYS, row, strict=True))
    p, (height, width) = parameters, size
    low, high = cast("tuple[float, float]", p.zoom_range)
    bright = p.brightness_range
    return {
        "theta": _between(-p.rotation_range, p.rotation_range, u["theta"]),
        "tx": _shift(p.width_shift_range, width, u["tx"]),
        "ty": _shift(p.height_shift_range, height, u["ty"]),
        "shear": _between(-p.shear_range, p.shear_range, u["shear"]),
        "zx": _between(low, high, u["zx"]),
        "zy": _between(low, high, u["zy"]),
        "flip_horizontal": bool(p.horizontal_flip and u["flip_horizontal"] < 0.5),
        "flip_vertical": bool(p.vertical_flip and u["flip_vertical"] < 0.5),
        "channel_shift_intensity": _between(-p.channel_shift_range, p.channel_shift_range, u["channel_shift_intensity"])
        if p.channel_shift_range
        else None,
        "brightness": None if bright is None else _between(bright[0], bright[1], u["brightness"]),
    }


def _between(low: float, high: float, u: float) -> float:
    return float(low + (high - low) * u)


def _shift(given: Shift, side: int, u: float) -> float:
    """In pixels. given: one of the forms of width_shift_range. u: uniform in [0, 1)."""
    if not isinstance(given, float | int | np.number):
        listed = [float(one) for one in given]
        pixels = 1 if max(map(abs, listed)) >= 1 else side
        return listed[int(u * len(listed))] * pixels
    if isinstance(given, int | np.integer):
        return float(int(u * (2 * given - 1)) - (given - 1)) if given else 0.0
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
    """In pixels: a choice with a random sign of a list, or of the numbers below a whole number; else uniform."""
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
