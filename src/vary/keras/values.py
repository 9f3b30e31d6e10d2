"""Brightness and channel shift of one image in memory, and their random forms.

Values are 0 .. 255. The random functions draw from NumPy's global generator: `np.random.seed` repeats them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vary.errors import InputError
from vary.keras.faces import Compat, face_of
from vary.keras.images import array_to_img, img_to_array
from vary.keras.traps import warn_of_trap

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["apply_brightness_shift", "apply_channel_shift", "random_brightness", "random_channel_shift"]


def apply_channel_shift(x: np.ndarray, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """Add one number to all channels, and clip to the image's own lowest and highest value.

    x: an image of any shape; intensity: in the units of its values. `channel_axis` is accepted and has no effect,
    because the number is the same for all channels.
    """
    del channel_axis
    return np.clip(x + intensity, np.min(x), np.max(x))


def random_channel_shift(x: np.ndarray, intensity_range: float, channel_axis: int = 0) -> np.ndarray:
    """`apply_channel_shift` by a number of -intensity_range .. intensity_range."""
    intensity = np.random.uniform(-intensity_range, intensity_range)  # noqa: NPY002  see the module
    return apply_channel_shift(x, intensity, channel_axis)


def apply_brightness_shift(
    x: np.ndarray, brightness: float, scale: bool = True, *, compat: Compat = None
) -> np.ndarray:
    """Multiply the values, 0 .. 255: 0 is black, 1 changes nothing, 2 is twice as bright. Returns float32.

    x: an image of any shape and number of channels. Results are clipped to 0 .. 255, or to the image's own lowest and
    highest value where they lie beyond. `scale` has an effect only with `compat=`: values become 8-bit integers there,
    in "1.1.2" and with scale=True after they were stretched to 0 .. 255; x is height x width x channels then.
    """
    if not face_of(compat).old_pixels:
        _check_values(x, brightness)
        low, high = min(0.0, float(np.min(x))), max(255.0, float(np.max(x)))
        return np.asarray(np.clip(np.asarray(x, np.float32) * np.float32(brightness), low, high))
    from PIL import ImageEnhance

    low, high = np.min(x), np.max(x)
    beyond = bool(low < 0 or high > 255)
    image = array_to_img(x, scale=compat == "1.1.2" or scale or beyond, compat=compat)
    result = img_to_array(ImageEnhance.Brightness(image).enhance(brightness))
    if compat != "1.1.2" and beyond and not scale:
        result = result / 255 * (high - low) + low
    return result


def _check_values(x: np.ndarray, brightness: float) -> None:
    """Warn of an image in 0 .. 1, unless nothing happens to it."""
    if brightness != 1 and np.issubdtype(np.asarray(x).dtype, np.floating) and 0 < np.max(x) <= 1 and np.min(x) >= 0:
        warn_of_trap(
            f"brightness of an image with values of {np.min(x):.3g} to {np.max(x):.3g}: 0 .. 255 is expected, so "
            "nothing is clipped at 1. Multiply the images by 255, and pass rescale=1/255, which comes last"
        )


def random_brightness(
    x: np.ndarray, brightness_range: Sequence[float], scale: bool = True, *, compat: Compat = None
) -> np.ndarray:
    """`apply_brightness_shift` by a factor of `brightness_range`, a pair (low, high)."""
    if np.ndim(brightness_range) != 1 or len(brightness_range) != 2:
        raise InputError(f"brightness_range={brightness_range!r}; give a pair of factors, such as (0.8, 1.2)")
    low, high = brightness_range
    factor = np.random.uniform(low, high)  # noqa: NPY002  see the module
    return apply_brightness_shift(x, factor, scale, compat=compat)
