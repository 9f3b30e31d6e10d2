"""Pictures through affine maps, without a policy: for code that has matrices and wants pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vary import _native
from vary.plan.program import FILLS, Fill
from vary.plan.request import PLAIN, Pictures
from vary.rng import Draw

__all__ = ["Sampling", "Warps", "warp"]


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


class Warps:
    """Warps the pictures of a batch, each by a matrix of its own, and multiplies the values: one native call a batch.

    The canvas keeps the size of the pictures. Threads may share it.
    """

    def __init__(self, channels: int, sampling: Sampling, scale: float = 1.0) -> None:
        matrix = [(0.0, column) for column in range(6)]
        instructions = [("affine", -1, matrix, "")]
        if scale != 1:
            instructions.append(("rescale", -1, [(scale, -1), (0.0, -1)], ""))
        fill = FILLS.index(sampling.fill), [sampling.fill_value] * channels, sampling.nearest, False
        self._channels = channels
        self._plan = _native.Plan(instructions, [Draw("computed").native()] * 6, channels, fill)

    def run(
        self, pictures: Pictures, matrices: np.ndarray, size: tuple[int, int], planar: bool, threads: int
    ) -> tuple[np.ndarray, list[tuple[int, str]]]:
        """The results, float32: (n, H, W, C), or (n, C, H, W) if planar. Also (place, reason) of those that failed.

        pictures: n of this size, (H, W, C), or (H, W) of one channel. matrices: (n, 2, 3), as for `warp`.
        """
        m = np.asarray(matrices, float)[:, ::-1][:, :, [1, 0, 2]]  # x first, for results and for arguments
        m[:, :, 2] += 0.5 - (m[:, :, 0] + m[:, :, 1]) * 0.5  # points are measured from the corner of the first pixel
        n, (height, width), channels = len(m), size, self._channels
        out = _native.empty((n, channels, height, width) if planar else (n, height, width, channels), "float32")
        _, errors = self._plan.run(pictures, m.reshape(n, 6), out, (planar, 1, threads, *PLAIN))
        return out, errors
