"""Base classes for transforms of your own that do not cut the program: they fuse with others, as vary's own do.

A subclass computes a few numbers for each picture, with a NumPy Generator that is keyed by seed, epoch, index and view:

    class Wobble(vary.transforms.MatrixTransform):
        "Turn by a normal deviate."

        std: float = vary.transforms.field("degrees", within=(0, 90))

        def matrix(self, rng):
            a = np.deg2rad(rng.normal(0, self.std))
            return [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]

The numbers are computed before the native call, at about 50 microseconds a picture. A function of whole pictures is a
`Lambda`, which cuts.
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
    """A map of points by a matrix. Moves masks and points as well."""

    def matrix(self, rng: np.random.Generator) -> ArrayLike:
        """Where points go: (2, 2), or (2, 3) with a shift in the last column.

        (x, y) from the centre of the canvas, x to the right and y down, in pixels, becomes the product. The shift is in
        fractions of width and height. The canvas keeps its size. A matrix that flattens the picture is an error.
        """
        raise NotImplementedError

    def _rows(self, rng: np.random.Generator) -> ArrayLike:
        rows = np.asarray(self.matrix(rng), np.float64)
        return np.hstack([rows, np.zeros((2, 1))]) if rows.shape == (2, 2) else rows

    def lower(self, to: Lowering) -> None:
        to.emit("matrix", *to.given(self._rows, (2, 3)))


class TableTransform(Transform, abstract=True):
    """A function of each value by a table. Leaves masks, points and alpha alone."""

    entries: int = 256
    """The length of the table: an attribute of the class."""

    def table(self, rng: np.random.Generator) -> ArrayLike:
        """(entries,) results, at even distances from the lowest to the highest value, as fractions of the value range.

        Between two entries, results are on the line through them. They are clipped to the value range.
        """
        raise NotImplementedError

    def lower(self, to: Lowering) -> None:
        to.emit("table", *to.clip(), *to.given(self.table, (self.entries,)))


class PolynomialTransform(Transform, abstract=True):
    """A function of each value by a polynomial. Leaves masks, points and alpha alone."""

    degree: int = 3
    """Of the polynomial: an attribute of the class."""

    def polynomial(self, rng: np.random.Generator) -> ArrayLike:
        """(degree + 1,) factors, of the power 0 first, of values as fractions of the value range.

        Results are fractions as well, and are clipped to the value range. They are computed in float32.
        """
        raise NotImplementedError

    def lower(self, to: Lowering) -> None:
        to.emit("polynomial", *to.clip(), *to.given(self.polynomial, (self.degree + 1,)))
