"""The images of a batch, augmented and standardized: one native call where values are only moved and multiplied."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, cast

import numpy as np

from vary.elements import ELEMENTS
from vary.keras.affine import map_of, moved as moved_image
from vary.keras.faces import face_of
from vary.keras.matrices import matrices_of
from vary.keras.parameters import BY_DATA, BY_IMAGE, without
from vary.keras.sampling import FILL_MODES, in_float64, sampled, set_outside
from vary.keras.standardize import standardize
from vary.keras.values import apply_brightness_shift
from vary.plan.machine import default_threads
from vary.plan.request import Parts
from vary.plan.warp import Sampling, Warps
from vary.sample import Array

if TYPE_CHECKING:
    from vary.keras.draws import Batch
    from vary.keras.faces import Compat
    from vary.keras.parameters import Parameters
    from vary.keras.standardize import Statistics
    from vary.plan.request import Pictures

__all__ = ["augmented", "scale_of", "size_of", "standardized"]

PLAIN: Batch = {}
IMAGE = (1, 2, 3)  # the axes of one image in a batch
BUSY = 1 << 18  # values of a batch: fewer are not worth a second thread


def size_of(images: Pictures) -> tuple[int, int, int]:
    """(height, width, channels) of the first image."""
    height, width, channels = (images.array if isinstance(images, Parts) else np.asarray(images[0])[None]).shape[1:]
    return height, width, channels


def scale_of(p: Parameters, compat: Compat) -> float:
    """The factor `rescale`, if it may be multiplied where pixels are sampled; 1 if something comes in between."""
    between = p.preprocessing_function is not None or p.channel_shift_range or p.brightness_range is not None
    return 1.0 if between or not p.rescale or not _is_native(p, compat) else float(p.rescale)


def _is_native(p: Parameters, compat: Compat) -> bool:
    """Does the core sample the images?"""
    slow = in_float64(p.fill_mode, p.interpolation_order, face_of(compat).old_pixels, p.brightness_range is not None)
    return FILL_MODES.get(p.fill_mode) is not None and p.interpolation_order <= 1 and not slow


def augmented(p: Parameters, images: Pictures, draws: Batch | None, compat: Compat, scale: float = 1.0) -> Array:
    """The images after their draws, times `scale`: (n, H, W, C) float32, or (n, C, H, W) for channels_first.

    images: n of one size, (H, W, C). draws: (n,) each; None: the images as they are.
    """
    draws = PLAIN if draws is None else draws
    x = _warped(p, images, draws, compat, scale)
    shift, brightness = draws.get("channel_shift_intensity"), draws.get("brightness")
    if shift is not None:
        low, high = x.min(IMAGE, keepdims=True), x.max(IMAGE, keepdims=True)
        x += shift.reshape(-1, 1, 1, 1).astype(np.float32)
        np.clip(x, low, high, out=x)
    if brightness is not None and not face_of(compat).old_pixels:
        low, high = np.minimum(x.min(IMAGE, keepdims=True), 0), np.maximum(x.max(IMAGE, keepdims=True), 255)
        x *= brightness.reshape(-1, 1, 1, 1).astype(np.float32)
        np.clip(x, low, high, out=x)
    elif brightness is not None:
        for image, factor in zip(x, brightness.tolist(), strict=True):
            image[...] = apply_brightness_shift(image, factor, False, compat=compat)
    return x


@lru_cache(maxsize=64)
def _warps(channels: int, sampling: Sampling, scale: float) -> Warps:
    return Warps(channels, sampling, scale)


def _warped(p: Parameters, images: Pictures, draws: Batch, compat: Compat, scale: float) -> Array:
    face, (height, width, channels) = face_of(compat), size_of(images)
    count = len(images.places) if isinstance(images, Parts) else len(images)
    matrices = matrices_of(draws, count, (height, width), face)
    pictures, planar = _native(images), p.data_format == "channels_first"
    how, fill = (p.fill_mode, p.cval, p.interpolation_order), FILL_MODES.get(p.fill_mode)
    moved = not (matrices == np.eye(2, 3)).all()
    if moved and not _is_native(p, compat):
        if face.old_pixels:
            made = [_as_before(_picture(pictures, place), draws, place, how, compat) for place in range(count)]
        else:
            made = [_sampled(pictures, place, matrices[place], how, face.old_pixels) for place in range(count)]
        return np.stack([np.moveaxis(one, -1, 0) if planar else one for one in made])
    warps = _warps(channels, Sampling(fill or "nearest", float(p.cval), p.interpolation_order == 0), scale)
    threads = default_threads() if count * height * width * channels > BUSY else 1
    x, failed = warps.run(pictures, matrices, (height, width), planar, threads)
    rows = np.moveaxis(x, 1, -1) if planar else x
    for place, _ in failed:  # a singular map, which the core refuses
        rows[place] = _sampled(pictures, place, matrices[place], how, face.old_pixels) * scale
    if moved and p.fill_mode == "constant":
        for place, (image, matrix) in enumerate(zip(rows, matrices, strict=True)):
            if face.old_pixels:  # without the flips, because the last bit decides
                one = _one(draws, place)
                set_outside(_flipped(image, one), map_of(one, (height, width), face), p.cval * scale, True)
            else:
                set_outside(image, matrix, p.cval * scale, False)
    return x


def _native(images: Pictures) -> Pictures:
    """The images in a dtype that the core reads."""
    if isinstance(images, Parts):
        if images.array.dtype.name in ELEMENTS:
            return images
        return Parts(images.array[images.places].astype(np.float32), np.arange(len(images.places)))
    arrays = cast("list[Array]", images)
    kinds = {one.dtype for one in arrays}
    if len(kinds) == 1 and arrays[0].dtype.name in ELEMENTS:
        return images
    return [one.astype(np.float32) for one in arrays]


def _picture(images: Pictures, place: int) -> Array:
    image = images.array[images.places[place]] if isinstance(images, Parts) else cast("Array", images[place])
    return image.astype(np.float32)


def _sampled(images: Pictures, place: int, matrix: Array, how: tuple[str, float, int], old_pixels: bool) -> Array:
    return sampled(_picture(images, place), matrix, how, old_pixels, exact=True)


def _as_before(image: Array, draws: Batch, place: int, how: tuple[str, float, int], compat: Compat) -> Array:
    """The map, then the flips, in the order of the old versions, whose last bits decide at edges."""
    one = _one(draws, place)
    return _flipped(moved_image(image, one, (0, 1, 2), how, compat, exact=True), one)


def _one(draws: Batch, place: int) -> dict[str, float]:
    return {name: float(values[place]) for name, values in draws.items() if values is not None}


def _flipped(image: Array, one: dict[str, float]) -> Array:
    """A view of the image after these flips."""
    return image[:: -1 if one["flip_vertical"] else 1, :: -1 if one["flip_horizontal"] else 1]


def standardized(p: Parameters, x: Array, statistics: Statistics, compat: Compat, scale: float) -> Array:
    """What `standardize` does to each image of a batch. x: it may be changed. scale: the factor it has already."""
    p = p._replace(rescale=None) if scale != 1 else p
    if face_of(compat).old_pixels:
        for place, image in enumerate(x):
            x[place] = standardize(p, image, statistics, compat)
        return x
    if p.preprocessing_function is not None:
        one, p = without(p._replace(rescale=None), *BY_IMAGE, *BY_DATA), p._replace(preprocessing_function=None)
        for place, image in enumerate(x):
            x[place] = standardize(one, image, statistics)
    return standardize(p, x, statistics, in_place=True)
