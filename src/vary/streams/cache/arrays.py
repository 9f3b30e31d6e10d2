"""Arrays as blocks of a cache: masks, and pictures that were read as uint16."""

from __future__ import annotations

import numpy as np

from vary.codecs.decode import HEAD
from vary.sample import Array

__all__ = ["array_in", "block_of"]

HEADER = np.dtype([("height", "<i8"), ("width", "<i8"), ("bytes", "<i8"), ("channels", "<i8")])
"""bytes: of a value. channels: 0 for an array of two axes."""


def block_of(array: Array) -> Array:
    """An array (H, W) or (H, W, C) of unsigned integers as a block: 1-D, uint8."""
    height, width, *channels = array.shape
    block = np.zeros(HEAD + array.nbytes, np.uint8)
    block[: HEADER.itemsize].view(HEADER)[0] = (height, width, array.itemsize, *(channels or [0]))
    block[HEAD:] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return block


def array_in(block: Array) -> Array:
    """The array of which this block was made: a view of it."""
    height, width, size, channels = block[: HEADER.itemsize].view(HEADER)[0].item()
    return block[HEAD:].view(f"u{size}").reshape((height, width, channels) if channels else (height, width))
