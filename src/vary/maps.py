"""Where the points of a picture go when it is varied, and where they came from: float64, there and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from vary.errors import InputError
from vary.ops.field import Field

__all__ = ["Map"]

Array = np.ndarray
Canvas = tuple[Sequence[float], int, int] | tuple[Sequence[float], int, int, int, int]


class Map:
    """How the points of one picture were moved: `map(points)` gives their places in the result.

    Points are (n, 2) numbers x, y, in pixels: x runs to the right from 0 to the width, y down from 0 to the height, and
    (0.5, 0.5) is the centre of the first pixel. Points outside of the result are moved as the others; those that a
    perspective cannot show (behind the viewer) are NaN.

    source_size, size: (height, width) of the picture before and after.
    """

    def __init__(self, canvases: Sequence[Canvas], fault: str = "") -> None:
        """canvases: (matrix, height, width) of the source and of each canvas in turn; the 3 x 3 matrix takes points to
        those of the canvas before. (numbers, height, width, rows, columns) is a dense field, whose canvas is as large
        as the one before. fault: why no point can be moved, if so."""
        self.source_size, self.size = ((canvas[1], canvas[2]) for canvas in (canvases[0], canvases[-1]))
        self._canvases, self._fault = canvases, fault

    def __call__(self, points: object) -> Array:
        """The places in the result of points of the source: float64 of the shape of `points`."""
        moved = _numbers(points)
        for step in self._steps:
            moved = step.places(moved) if isinstance(step, Field) else _moved(_inverse(step), moved)
        return moved

    def inverse(self, points: object) -> Array:
        """The places in the source of points of the result: float64 of the shape of `points`."""
        moved = _numbers(points)
        for step in self._steps[::-1]:
            if isinstance(step, Field):
                moved = np.stack(step.sources(moved[..., 0], moved[..., 1]), axis=-1)
            else:
                moved = _moved(step, moved)
        return moved

    @cached_property
    def matrix(self) -> Array:
        """3 x 3, float64: takes (x, y, 1) of the source to (x, y, 1) of the result, times a number.

        `InputError` if a dense field moved the points: there is no such matrix.
        """
        step, *more = self._steps
        if more or isinstance(step, Field):
            raise InputError("a dense field moved the points, which no matrix does; call the map with points instead")
        return _inverse(step)

    @cached_property
    def _steps(self) -> list[Array | Field]:
        """Matrices and fields that take points to those before, from the source to the result. No two matrices are
        neighbours."""
        if self._fault:
            raise InputError(self._fault)
        steps: list[Array | Field] = [np.eye(3)]
        for canvas in self._canvases:
            last = steps[-1]
            if len(canvas) == 5:
                numbers, height, width, rows, columns = canvas
                steps.append(Field(height, width, np.reshape(np.array(numbers), (rows, columns, 2))))
            elif isinstance(last, Field):
                steps.append(np.reshape(canvas[0], (3, 3)))
            else:
                steps[-1] = last @ np.reshape(canvas[0], (3, 3))
        return steps

    def __repr__(self) -> str:
        (height, width), (new_height, new_width) = self.source_size, self.size
        return f"Map({height} x {width} -> {new_height} x {new_width})"


def _inverse(matrix: Array) -> Array:
    first, second, third = matrix
    adjugate = np.stack([np.cross(second, third), np.cross(third, first), np.cross(first, second)], axis=1)
    return np.asarray(adjugate / (first @ adjugate[:, 0]))


def _moved(matrix: Array, given: Array) -> Array:
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
