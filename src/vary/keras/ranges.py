"""Traps of values: images in 0 .. 1 with parameters that are meant for 0 .. 255, and images in 0 .. 255 with a
channel_shift_range that is meant for 0 .. 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vary.keras.traps import warn_of_trap
from vary.plan.request import Parts

if TYPE_CHECKING:
    from vary.keras.parameters import Parameters
    from vary.plan.request import Pictures

__all__ = ["check_range"]

SOME = 8  # images that are looked at


def check_range(p: Parameters, images: Pictures) -> None:
    """Warn if a parameter makes nonsense of these images in memory, or if none is given, of those in files."""
    _check_channel_shift(p, images)
    if not isinstance(images, Parts) or images.array.dtype.kind != "f" or p.preprocessing_function is not None:
        return
    some = images.array[:SOME]
    if not some.size or np.min(some) < 0 or not 0 < np.max(some) <= 1:
        return
    seen = f"the images are floats of {np.min(some):.3g} .. {np.max(some):.3g}"
    if p.rescale and abs(p.rescale) < 0.02:
        warn_of_trap(f"{seen}, and rescale={p.rescale:.3g} makes them nearly black; leave out rescale")
    elif p.brightness_range is not None or p.channel_shift_range > 1:
        name = "brightness_range" if p.brightness_range is not None else "channel_shift_range"
        warn_of_trap(f"{seen}, and {name} is for 0 .. 255; multiply them by 255, and pass rescale=1/255")


def _check_channel_shift(p: Parameters, images: Pictures) -> None:
    some = images.array[:SOME] if isinstance(images, Parts) else np.array([255])
    if 0 < p.channel_shift_range < 1 and some.size and np.max(some) > 1:
        warn_of_trap(
            f"channel_shift_range={p.channel_shift_range:g}: the unit is levels of 0 .. 255, so this changes almost "
            f"nothing; as a fraction, it would be {p.channel_shift_range * 255:.0f}"
        )
