"""How the pictures of a folder are brought to one size, in the interpolations and aspect modes of Keras.

vary's own `Resize` does what it can: bilinear or nearest sampling, all in one pass with the policy's maps. The other
interpolations are computed here in NumPy, by weights along rows and columns. All of them but "nearest" average pixels
where a picture shrinks, so fine patterns become grey. (Keras samples single pixels there.)

The kernels: Keys, 1981 (bicubic); Duchon, 1979 (Lanczos); Mitchell and Netravali, 1988 (mitchellcubic).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.errors import InputError
from vary.policy import Policy
from vary.transforms.crop import CenterCrop, Resize
from vary.transforms.user import Lambda

if TYPE_CHECKING:
    from collections.abc import Callable

    from vary.sample import Array
    from vary.transforms import Transform

__all__ = ["INTERPOLATIONS", "Resizing", "checked_size", "resized"]


def _bilinear(x: Array) -> Array:
    return 1 - x


def _cubic(b: float, c: float) -> Callable[[Array], Array]:
    def kernel(x: Array) -> Array:
        inner = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + (6 - 2 * b)
        outer = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 + (-12 * b - 48 * c) * x + (8 * b + 24 * c)
        return np.where(x < 1, inner, outer) / 6

    return kernel


def _lanczos(radius: int) -> Callable[[Array], Array]:
    return lambda x: np.sinc(x) * np.sinc(x / radius)


def _gaussian(x: Array) -> Array:
    return np.asarray(np.exp(-2 * x**2))


KERNELS: dict[str, tuple[float, Callable[[Array], Array]]] = {
    "bilinear": (1, _bilinear),
    "bicubic": (2, _cubic(0, 0.5)),
    "area": (1, _bilinear),  # where pictures grow; see `_taps`
    "lanczos3": (3, _lanczos(3)),
    "lanczos5": (5, _lanczos(5)),
    "gaussian": (1.5, _gaussian),
    "mitchellcubic": (2, _cubic(1 / 3, 1 / 3)),
}
"""Interpolation -> its radius in pixels, and its weights at distances from 0 to the radius."""

INTERPOLATIONS = (*KERNELS, "nearest")
STEPS = 1 << 14  # weights are whole multiples of 1 / STEPS, so that they are the same on every machine


class Resizing(NamedTuple):
    """`height` x `width` pixels. crop: cut to this aspect ratio first. pad: keep all, and add black."""

    height: int
    width: int
    interpolation: str = "bilinear"
    crop: bool = False
    pad: bool = False

    def __call__(self, image: Array) -> Array:
        """The (H, W, C) image at this size, of the same dtype."""
        height, width = image.shape[:2]
        top, left, part_height, part_width = 0.0, 0.0, float(height), float(width)
        if self.crop:
            part_height = min(height, width * self.height / self.width)
            part_width = min(width, height * self.width / self.height)
            top, left = (height - part_height) / 2, (width - part_width) / 2
        to_height, to_width = self.height, self.width
        if self.pad:
            scale = min(self.height / height, self.width / width)
            to_height, to_width = (max(1, int(side * scale + 1e-9)) for side in (height, width))
        rows = _taps(height, (top, part_height), to_height, self.interpolation)
        columns = _taps(width, (left, part_width), to_width, self.interpolation)
        values = _along_rows(image, *rows)
        values = _along_rows(values.swapaxes(0, 1), *columns).swapaxes(0, 1)
        if image.dtype.kind in "iu":
            ends = np.iinfo(image.dtype)
            values = np.clip(np.rint(values), ends.min, ends.max)
        result = np.zeros((self.height, self.width, image.shape[2]), image.dtype)
        y, x = (self.height - to_height + 1) // 2, (self.width - to_width + 1) // 2  # as Resize's letterbox
        result[y : y + to_height, x : x + to_width] = values
        return result


def _along_rows(image: Array, places: Array, weights: Array) -> Array:
    """Weighted sums of rows, float32: row i of the result has rows `places[i]` with `weights[i]`."""
    total = np.zeros((len(places), *image.shape[1:]), np.float32)
    for tap in range(places.shape[1]):
        total += image[places[:, tap]] * weights[:, tap, None, None]
    return total


def _taps(side: int, window: tuple[float, float], count: int, interpolation: str) -> tuple[Array, Array]:
    """For each of `count` pixels: (count, taps) places in 0 .. side - 1, and their float32 weights, whose sum is 1.

    window: where the part of the side that is shown begins, and its length.
    """
    start, length = window
    scale = length / count
    centres = start + (np.arange(count) + 0.5) * scale  # 0 is the outer edge of the first pixel
    if interpolation == "nearest":
        places = np.clip(np.floor(centres), 0, side - 1).astype(np.int64)[:, None]
        return places, np.ones(places.shape, np.float32)
    radius, kernel = KERNELS[interpolation]
    shrink = max(scale, 1.0)
    first = np.ceil(centres - radius * shrink - 0.5)
    places = first[:, None] + np.arange(int(np.ceil(2 * radius * shrink)) + 1)
    distances = np.abs(places + 0.5 - centres[:, None])
    if interpolation == "area":  # the part of each pixel that lies in the window
        weights = np.clip((shrink + 1) / 2 - distances, 0, 1)
    else:
        weights = np.where(distances <= radius * shrink, kernel(np.minimum(distances / shrink, radius)), 0)
    weights[(places < 0) | (places >= side)] = 0
    weights = np.rint(weights / weights.sum(1, keepdims=True) * STEPS) / STEPS
    weights /= weights.sum(1, keepdims=True)
    return np.clip(places, 0, side - 1).astype(np.int64), weights.astype(np.float32)


def resized(how: Resizing, policy: Policy | None) -> Policy:
    """A policy that brings pictures to a size, then does what `policy` says, sampling as that policy does."""
    if how.crop and how.pad:
        raise InputError("crop_to_aspect_ratio and pad_to_aspect_ratio are both True; give one of them")
    settings: dict[str, object] = {} if policy is None else policy.values()
    transforms = settings.pop("transforms", ())
    if policy is None:
        settings = {"fill": 0.0, "interpolation": "nearest" if how.interpolation == "nearest" else "bilinear"}
    own = Policy([], **settings)  # type: ignore[arg-type]
    fits = how.interpolation == own.interpolation and (not how.pad or own.fill in ((0.0,), 0.0))
    return Policy([*(_own(how) if fits else [Lambda(how)]), *transforms], **settings)  # type: ignore[misc,arg-type]


def _own(how: Resizing) -> list[Transform]:
    if how.crop:
        return [Resize(how.height, how.width, "cover"), CenterCrop(how.height, how.width)]
    return [Resize(how.height, how.width, "letterbox" if how.pad else "stretch")]


def checked_size(image_size: object) -> tuple[int, int]:
    """(height, width) of the argument image_size=; `InputError` if it is something else."""
    pair = (image_size, image_size) if isinstance(image_size, int) else image_size
    whole = isinstance(pair, list | tuple) and all(isinstance(v, int | np.integer) and v > 0 for v in pair)
    if not isinstance(pair, list | tuple) or not whole or len(pair) != 2:
        raise InputError(f"image_size={image_size!r}; give (height, width) in pixels, such as (180, 180)")
    return int(pair[0]), int(pair[1])
