"""Base classes for your own transforms that do not cut the program: they are fused with others, as vary's are.

A subclass computes a few numbers for each picture, with a NumPy Generator that is keyed by seed, epoch, index and view:

    class Wobble(vary.transforms.MatrixTransform):
        "Rotate by a normally distributed angle."

        std: float = vary.transforms.field("degrees", within=(0, 90))

        def matrix(self, rng):
            a = np.deg2rad(rng.normal(0, self.std))
            return [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]

Computing the numbers takes about 50 microseconds for each picture, before the native call. For a function of whole
pictures use `Lambda`, which cuts the program.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vary.errors import PolicyError
from vary.ops.field import Field
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


def _singular(matrix: np.ndarray) -> str:
    """The rows are parallel but for rounding, or 0."""
    x, y = matrix[:, :2]
    if abs(x[0] * y[1] - x[1] * y[0]) > 1e-12 * np.hypot(*x) * np.hypot(*y):
        return ""
    return f"a singular matrix, which leaves a line or a point of the picture: {matrix[:, :2].tolist()}"


def _folded(field: np.ndarray) -> str:
    rows, columns, _ = field.shape
    if not Field(1, 1, field).folds():
        return ""
    return (
        "a field that folds the picture: several of its points would come from one point; make displacements of "
        f"neighbouring points differ by less than half of the distance between them: by {0.5 / (columns - 1):.6f} from "
        f"left to right, and by {0.5 / (rows - 1):.6f} from top to bottom"
    )


class MatrixTransform(Transform, abstract=True):
    """Moves points by a matrix: those of the image, and masks and points with it."""

    def matrix(self, rng: np.random.Generator) -> ArrayLike:  # noqa: ARG002
        """The matrix that moves points: (2, 2), or (2, 3) with a shift in the last column.

        It is multiplied by (x, y) in pixels from the centre of the canvas, x to the right and y down. The shift is in
        fractions of width and height. The canvas keeps its size. A singular matrix is an error.
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
        to.emit("matrix", *to.computed(self._matrix, (2, 3), _singular))


class FieldTransform(Transform, abstract=True):
    """Moves points by a dense field of displacements, given on a coarse grid: those of the image, and masks and points
    with it.

    The points of the grid are spread evenly over the canvas, the outermost on its edges, so it does not depend on the
    size of the picture. Displacements between them are bilinear: cheap, never larger than at the points, and exactly
    invertible. The slope jumps at the lines of the grid, so a smooth field needs many points.
    """

    rows: ClassVar[int] = 8
    """Points of the grid from top to bottom, at least 2: an attribute of the class."""

    columns: ClassVar[int] = 8
    """Points of the grid from left to right, at least 2: an attribute of the class."""

    def field(self, rng: np.random.Generator) -> ArrayLike:  # noqa: ARG002
        """(rows, columns, 2) displacements: the place that each point of the result comes from, minus its own place.

        In x to the right, as a fraction of the width, then in y down, as a fraction of the height: a field of
        (0.1, 0) shows what was a tenth of the width further right, so it moves the picture to the left. OpenCV's
        `remap` and torchvision's `elastic_transform` have the same direction, and a `MatrixTransform` the other.

        Beyond the canvas, where a later transform may show it, the displacement is that of the edge. The canvas keeps
        its size. A field that folds the picture, so that two points come from one, is an error. None does whose
        neighbouring displacements differ by less than half of the distance between the points: in both coordinates
        by 0.5 / (columns - 1) from left to right, and by 0.5 / (rows - 1) from top to bottom.
        Antialiasing uses the mean scale of the map over the canvas.
        """
        self._refuse("has no method field(self, rng) of its own; define it in the class")

    def lower(self, to: Lowering) -> None:
        shape = _whole(self, "rows", 2), _whole(self, "columns", 2)
        to.emit("displace", *shape, *to.computed(self.field, (*shape, 2), _folded))


class TableTransform(Transform, abstract=True):
    """Maps each value by a table. Does not change masks, points and alpha."""

    entries: ClassVar[int] = 256
    """The length of the table: an attribute of the class."""

    def table(self, rng: np.random.Generator) -> ArrayLike:  # noqa: ARG002
        """(entries,) results for values that are evenly spaced over the value range, as fractions of that range.

        Between two entries results are interpolated linearly. They are clipped to the value range.
        """
        self._refuse("has no method table(self, rng) of its own; define it in the class")

    def lower(self, to: Lowering) -> None:
        to.emit("table", *to.clip(), *to.computed(self.table, (_whole(self, "entries", 1),)))


class PolynomialTransform(Transform, abstract=True):
    """Maps each value by a polynomial. Does not change masks, points and alpha."""

    degree: ClassVar[int] = 3
    """The degree of the polynomial: an attribute of the class."""

    def polynomial(self, rng: np.random.Generator) -> ArrayLike:  # noqa: ARG002
        """(degree + 1,) coefficients, that of power 0 first, for values as fractions of the value range.

        Results are fractions as well, clipped to the value range, and computed in float32.
        """
        self._refuse("has no method polynomial(self, rng) of its own; define it in the class")

    def lower(self, to: Lowering) -> None:
        to.emit("polynomial", *to.clip(), *to.computed(self.polynomial, (_whole(self, "degree", 0) + 1,)))
