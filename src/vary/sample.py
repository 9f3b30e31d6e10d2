"""What one sample may hold: an image (and, with their issue, masks, boxes and points), and how it may come out.

An image is height x width x channels, uint8 or float32, with 1, 3 or 4 channels; height x width means one channel.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from vary.errors import InputError
from vary.guidance import word_hint

__all__ = ["DTYPES", "LAYOUTS", "Dtype", "Layout", "batch_shape", "dtype_name", "layout_name"]

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


def layout_name(layout: str) -> str:
    if layout not in LAYOUTS:
        cure = f"choose one of {', '.join(LAYOUTS)}{word_hint('layout', layout)}"
        raise InputError(f"layout={layout!r} is not offered; {cure}")
    return layout


def batch_shape(count: int, size: tuple[int, int], channels: int, layout: str) -> tuple[int, int, int, int]:
    """The shape of a batch of `count` pictures of (height, width) `size`."""
    return (count, *size, channels) if layout == "NHWC" else (count, channels, *size)
