"""Where the points of a picture go when it is varied, and where they came from: float64, there and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from vary.errors import InputError

__all__ = ["Map"]

Array = np.ndarray


class Map:
    """How the points of one picture were moved: `map(points)` gives their places in the result.

    Points are (n, 2) numbers x, y, in pixels: x runs to the right from 0 to the width, y down from 0 to the height, and
    (0.5, 0.5) is the centre of the first pixel. Points outside of the result are moved as the others; those that a
    perspective cannot show (behind the viewer) are NaN.

    source_size, size: (height, width) of the picture before and after.
    """

    def __init__(self, canvases: Sequence[tuple[Sequence[float], int, int]], fault: str = "") -> None:
        """canvases: (matrix, height, width) of the source and of each canvas in turn; the 3 x 3 matrix takes points to
        those of the canvas before. fault: why no point can be moved, if so."""
        self.source_size, self.size = ((height, width) for _, height, width in (canvases[0], canvases[-1]))
        self._canvases, self._fault = canvases, fault

    def __call__(self, points: object) -> Array:
        """The places in the result of points of the source: float64 of the shape of `points`."""
        return _moved(self.matrix, points)

    def inverse(self, points: object) -> Array:
        """The places in the source of points of the result: float64 of the shape of `points`."""
        return _moved(self._back, points)

    @cached_property
    def matrix(self) -> Array:
        """3 x 3, float64: takes (x, y, 1) of the source to (x, y, 1) of the result, times a number."""
        first, second, third = self._back
        adjugate = np.stack([np.cross(second, third), np.cross(third, first), np.cross(first, second)], axis=1)
        return np.asarray(adjugate / (first @ adjugate[:, 0]))

    @cached_property
    def _back(self) -> Array:
        """The inverse of `matrix`."""
        if self._fault:
            raise InputError(self._fault)
        back = np.eye(3)
        for matrix, _, _ in self._canvases:
            back = back @ np.reshape(matrix, (3, 3))
        return back

    def __repr__(self) -> str:
        (height, width), (new_height, new_width) = self.source_size, self.size
        return f"Map({height} x {width} -> {new_height} x {new_width})"


def _moved(matrix: Array, points: object) -> Array:
    given = _numbers(points)
    moved = given @ matrix[:2, :2].T + matrix[:2, 2]
    if (matrix[2] == (0, 0, 1)).all():
        return np.asarray(moved)
    over = given @ matrix[2, :2] + matrix[2, 2]
    return np.asarray(moved / np.where(over > 0, over, np.nan)[..., None])


def _numbers(points: object) -> Array:
    """(..., 2) float64; an empty list is no point."""
    try:
        given = np.asarray(points, np.float64)
        fits = given.shape == (0,) or (given.ndim > 0 and given.shape[-1] == 2)
    except (TypeError, ValueError):
        fits = False
    if not fits:
        seen = f"of shape {points.shape}" if isinstance(points, np.ndarray) else repr(points)[:60]
        raise InputError(f"points are {seen}; give an array (n, 2) of numbers x, y in pixels")
    return given.reshape(0, 2) if given.shape == (0,) else given
