"""Base classes for your own transforms that do not cut the program: they are fused with others, as vary's are.

A subclass computes a few numbers for each picture, with a NumPy Generator that is keyed by seed, epoch, index and view:

    class Wobble(vary.transforms.MatrixTransform):
        "Turn by a normal deviate."

        std: float = vary.transforms.field("degrees", within=(0, 90))

        def matrix(self, rng):
            a = np.deg2rad(rng.normal(0, self.std))
            return [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]

Computing the numbers takes about 50 microseconds for each picture, before the native call. For a function of whole
pictures use `Lambda`, which cuts the program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from vary.transforms.base import Lowering, Transform

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["MatrixTransform", "PolynomialTransform", "TableTransform"]

Numbers = Callable[[np.random.Generator], "ArrayLike"]


class MatrixTransform(Transform, abstract=True):
    """Moves points by a matrix: those of the image, and masks and points with it."""

    def matrix(self, rng: np.random.Generator) -> ArrayLike:
        """The matrix that moves points: (2, 2), or (2, 3) with a shift in the last column.

        It is multiplied by (x, y) in pixels from the centre of the canvas, x to the right and y down. The shift is in
        fractions of width and height. The canvas keeps its size. A singular matrix is an error.
        """
        raise NotImplementedError

    def _rows(self, rng: np.random.Generator) -> ArrayLike:
        rows = np.asarray(self.matrix(rng), np.float64)
        return np.hstack([rows, np.zeros((2, 1))]) if rows.shape == (2, 2) else rows

    def lower(self, to: Lowering) -> None:
        to.emit("matrix", *to.computed(self._rows, (2, 3)))


class TableTransform(Transform, abstract=True):
    """Maps each value by a table. Does not change masks, points and alpha."""

    entries: int = 256
    """The length of the table: an attribute of the class."""

    def table(self, rng: np.random.Generator) -> ArrayLike:
        """(entries,) results for values that are evenly spaced over the value range, as fractions of that range.

        Between two entries results are interpolated linearly. They are clipped to the value range.
        """
        raise NotImplementedError

    def lower(self, to: Lowering) -> None:
        to.emit("table", *to.clip(), *to.computed(self.table, (self.entries,)))


class PolynomialTransform(Transform, abstract=True):
    """Maps each value by a polynomial. Does not change masks, points and alpha."""

    degree: int = 3
    """Of the polynomial: an attribute of the class."""

    def polynomial(self, rng: np.random.Generator) -> ArrayLike:
        """(degree + 1,) coefficients, that of power 0 first, for values as fractions of the value range.

        Results are fractions as well, clipped to the value range, and computed in float32.
        """
        raise NotImplementedError

    def lower(self, to: Lowering) -> None:
        to.emit("polynomial", *to.clip(), *to.computed(self.polynomial, (self.degree + 1,)))
