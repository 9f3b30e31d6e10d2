"""What one sample may hold: an image (and, with their issue, masks, boxes and points), and how it may come out.

An image is height x width x channels, uint8 or float32, with 1, 3 or 4 channels; height x width means one channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Literal, get_args

import numpy as np

from vary.errors import InputError
from vary.guidance import word_hint

__all__ = [
    "DTYPES",
    "Array",
    "LAYOUTS",
    "Dtype",
    "Layout",
    "batch_shape",
    "channels_first",
    "check_many",
    "dtype_name",
    "how_to_open",
    "is_one_picture",
    "layout_name",
    "many",
    "maybe_one",
    "not_an_array",
]

Array = np.ndarray
"""An array of any shape and dtype."""

Layout = Literal["NHWC", "NCHW"]
DtypeName = Literal["uint8", "float32"]
Dtype = DtypeName | type[np.uint8] | type[np.float32] | np.dtype[np.uint8] | np.dtype[np.float32]
DTYPES, LAYOUTS = get_args(DtypeName), get_args(Layout)


def dtype_name(dtype: object) -> str:
    """`dtype` (a name, NumPy type or dtype) as "uint8" or "float32"."""
    if dtype in DTYPES:
        return str(dtype)
    try:
        name = np.dtype(dtype).name  # type: ignore[call-overload]
    except TypeError:
        name = repr(dtype)
    if name not in DTYPES:
        cure = word_hint("dtype", dtype if isinstance(dtype, str) else name)
        raise InputError(f"dtype={name} is not offered; choose one of {', '.join(DTYPES)} and convert afterwards{cure}")
    return str(name)


def layout_name(layout: object) -> str:
    if layout not in LAYOUTS:
        cure = f"choose one of {', '.join(LAYOUTS)}{word_hint('layout', layout)}"
        raise InputError(f"layout={layout!r} is not offered; {cure}")
    return str(layout)


def batch_shape(count: int, size: tuple[int, int], channels: int, layout: str) -> tuple[int, int, int, int]:
    """The shape of a batch of `count` pictures of (height, width) `size`."""
    return (count, *size, channels) if layout == "NHWC" else (count, channels, *size)


def is_one_picture(shape: Sequence[int]) -> bool:
    """Is this probably one picture (H, W, 1, 3 or 4), rather than H grey pictures that are 1, 3 or 4 pixels wide?"""
    return len(shape) == 3 and shape[2] in (1, 3, 4) and min(shape[:2]) > 4


def channels_first(shape: Sequence[int]) -> bool:
    """Is this probably one picture (C, H, W)?"""
    return len(shape) == 3 and shape[0] in (1, 3) and min(shape[1:]) > 4


def maybe_one(name: str, shape: Sequence[int]) -> str:
    """A warning where an array of three grey pictures may be one picture (3, H, W); empty for other shapes."""
    if not channels_first(shape) or shape[0] != 3:
        return ""
    return (
        f"{name} has shape {tuple(shape)} and is read as 3 grey pictures; if it is one picture (C, H, W), write "
        f"np.moveaxis({name}, 0, -1)[None]; if it is not, {name}[..., None] avoids this warning"
    )


def how_to_open(image: object) -> str:
    """The call that makes a NumPy array of this object: of a path, or of anything else."""
    return "vary.read_image(path)" if isinstance(image, str | PurePath) else "numpy.asarray(image)"


def not_an_array(name: str, image: object, also: str = "") -> str:
    """For an error: what stands in the place of a picture's array, and what makes one of it.

    also: another cure.
    """
    if image is None:
        return f"{name} is None, not a NumPy array: perhaps a file was not read; vary.read_image(path) says why{also}"
    return f"{name} is of type {type(image).__name__}, not a NumPy array; {how_to_open(image)} makes one{also}"


def check_many(name: str, images: np.ndarray | Sequence[object]) -> None:
    """`InputError` if `images`, an array or a list of arrays, is probably one picture, or the list of its rows."""
    if isinstance(images, np.ndarray):
        shape, what = images.shape, f"has shape {images.shape},"
    else:
        shapes = {getattr(row, "shape", ()) for row in images}
        shape = (len(images), *shapes.pop()) if len(shapes) == 1 else ()
        what = f"is a list of {len(images)} arrays of shape {shape[1:]}, the rows of"
    if is_one_picture(shape):
        height, width, channels = shape
        raise InputError(
            f"{name} {what} one picture (H, W, {channels}). Several come as a list [first, second] or an array "
            f"(N, H, W, C), one as images[None] or [image]; policy(image) varies one alone. If these are {height} grey "
            f"pictures of {width} x {channels} pixels, write numpy.asarray({name})[..., None]"
        )


def many(images: object) -> np.ndarray | list[object]:
    """Pictures as an array, which is returned unchanged, or as a list, which any other iterable becomes.

    `InputError` if `images` is no collection, or is a single picture.
    """
    if isinstance(images, str | bytes | PurePath | dict) or not isinstance(images, Iterable):
        one = isinstance(images, str | PurePath) or hasattr(images, "__array_interface__")
        cure = f"; of one picture: [{how_to_open(images)}]" if one else ""
        raise InputError(f"images is of type {type(images).__name__}; give a list of NumPy arrays or one array{cure}")
    if not isinstance(images, np.ndarray):
        images = list(images)
    check_many("images", images)
    return images
