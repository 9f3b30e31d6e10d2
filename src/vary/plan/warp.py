"""One picture through one affine map, without a policy: for code that has a matrix and wants pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vary import _native
from vary.plan.program import FILLS, Fill
from vary.plan.request import PLAIN

__all__ = ["Sampling", "warp"]


class Sampling(NamedTuple):
    """How points of the source become values. fill: for points outside. nearest: no interpolation."""

    fill: Fill = "nearest"
    fill_value: float = 0.0
    nearest: bool = False


def warp(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int], sampling: Sampling) -> np.ndarray:
    """The picture of `size` (height, width) whose pixel (row, column) comes from `matrix @ (row, column, 1)`.

    image: (H, W, C), uint8, uint16, int16, float16 or float32. matrix: (2, 3) float64; whole numbers are the centres
    of pixels. Returns (height, width, C) in the image's dtype. Nothing is filtered where the map shrinks.
    Raises ValueError if the map is singular or leaves the numbers that the core can handle.
    """
    (rr, rc, r), (cr, cc, c) = np.asarray(matrix, float).tolist()
    # The core's points are measured from the corner of the first pixel, x comes before y, and a canvas of another size
    # is cropped about its centre: so half a pixel is added, and the corner of the crop is subtracted.
    y, x = (0.5 + round((old - new) / 2) for old, new in zip(image.shape[:2], size, strict=True))
    numbers = (cc, cr, c + 0.5 - (cc * x + cr * y), rc, rr, r + 0.5 - (rc * x + rr * y))
    instructions = [
        ("affine", -1, [(number, -1) for number in numbers], ""),
        ("center_crop", -1, [(float(side), -1) for side in size], ""),
    ]
    channels = image.shape[2]
    fill = FILLS.index(sampling.fill), [sampling.fill_value] * channels, sampling.nearest, False
    plan = _native.Plan(instructions, [], channels, fill)
    out = np.empty((1, *size, channels), image.dtype)
    _, errors = plan.run([np.ascontiguousarray(image)], np.empty((1, 0)), out, (False, 1, 1, *PLAIN))
    if errors:
        raise ValueError(errors[0][1])
    return np.asarray(out[0])
