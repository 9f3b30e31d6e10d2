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

from typing import TYPE_CHECKING

import numpy as np

from vary.errors import PolicyError
from vary.transforms.base import Lowering, Transform

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["FieldTransform", "MatrixTransform", "PolynomialTransform", "TableTransform"]


def _whole(transform: Transform, name: str, least: int) -> int:
    """An attribute of the class, or a field of it."""
    value: object = getattr(transform, name)
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise PolicyError(
            f"{type(transform).__name__} has {name} = {value!r}; make it a whole number of at least {least}"
        )
    return int(value)


class MatrixTransform(Transform, abstract=True):
    """A map of points by a matrix. Moves masks and points as well."""

    def matrix(self, rng: np.random.Generator) -> ArrayLike:  # noqa: ARG002
        """Where points go: (2, 2), or (2, 3) with a shift in the last column.

        (x, y) from the centre of the canvas, x to the right and y down, in pixels, becomes the product. The shift is in
        fractions of width and height. The canvas keeps its size. A matrix that flattens the picture is an error.
        """
        self._refuse("has no method matrix(self, rng) of its own; define it in the class")

    def _matrix(self, rng: np.random.Generator) -> ArrayLike:
        matrix = self.matrix(rng)
        try:
            square = np.shape(matrix) == (2, 2)
        except ValueError:  # rows that differ in length: the caller says so
            square = False
        return np.hstack([matrix, np.zeros((2, 1))]) if square else matrix

    def lower(self, to: Lowering) -> None:
        to.emit("matrix", *to.given(self._matrix, (2, 3)))


class FieldTransform(Transform, abstract=True):
    """A map of points by a dense field: displacements on a coarse grid. Moves masks and points as well.

    The points of the grid are spread evenly over the canvas, the outermost on its edges, so it does not depend on the
    size of the picture. Displacements between them are bilinear: cheap, never larger than at the points, and exactly
    invertible. Its slope jumps at the lines of the grid, so a smooth field needs many points.
    """

    rows: int = 8
    """Points of the grid from top to bottom, at least 2: an attribute of the class."""

    columns: int = 8
    """Points of the grid from left to right, at least 2: an attribute of the class."""

    def field(self, rng: np.random.Generator) -> ArrayLike:  # noqa: ARG002
        """(rows, columns, 2) displacements: where each point of the result comes from, less where it is.

        In x to the right, as a fraction of the width, then in y down, as a fraction of the height: a field of
        (0.1, 0) shows what was a tenth of the width further right, so it moves the picture to the left. OpenCV's
        `remap` and torchvision's `elastic_transform` have the same direction, and a `MatrixTransform` the other.

        Beyond the canvas, where a later transform may show it, the displacement is that of the edge. The canvas keeps
        its size. A field that folds the picture, so that two points come from one, is an error. None does whose
        neighbouring displacements differ by less than half of the distance between the points: in both coordinates
        by 0.5 / (columns - 1) from left to right, and by 0.5 / (rows - 1) from top to bottom.
        Antialiasing goes by the mean of the map over the canvas.
        """
        self._refuse("has no method field(self, rng) of its own; define it in the class")

    def lower(self, to: Lowering) -> None:
        shape = _whole(self, "rows", 2), _whole(self, "columns", 2)
        to.emit("displace", *shape, *to.given(self.field, (*shape, 2)))


class TableTransform(Transform, abstract=True):
    """A function of each value by a table. Leaves masks, points and alpha alone."""

    entries: int = 256
    """The length of the table: an attribute of the class."""

    def table(self, rng: np.random.Generator) -> ArrayLike:  # noqa: ARG002
        """(entries,) results, at even distances from the lowest to the highest value, as fractions of the value range.

        Between two entries, results are on the line through them. They are clipped to the value range.
        """
        self._refuse("has no method table(self, rng) of its own; define it in the class")

    def lower(self, to: Lowering) -> None:
        to.emit("table", *to.clip(), *to.given(self.table, (_whole(self, "entries", 1),)))


class PolynomialTransform(Transform, abstract=True):
    """A function of each value by a polynomial. Leaves masks, points and alpha alone."""

    degree: int = 3
    """Of the polynomial: an attribute of the class."""

    def polynomial(self, rng: np.random.Generator) -> ArrayLike:  # noqa: ARG002
        """(degree + 1,) factors, of the power 0 first, of values as fractions of the value range.

        Results are fractions as well, and are clipped to the value range. They are computed in float32.
        """
        self._refuse("has no method polynomial(self, rng) of its own; define it in the class")

    def lower(self, to: Lowering) -> None:
        to.emit("polynomial", *to.clip(), *to.given(self.polynomial, (_whole(self, "degree", 0) + 1,)))
