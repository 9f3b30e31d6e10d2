"""A dense field: each point of a canvas comes from itself plus a displacement, which is given on a coarse grid.

native/field.cc does the first half of it in the native core, with the same arithmetic."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

__all__ = ["Field", "Floats"]

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
"""A picture (height, width, channels), or positions along an axis."""

FLATTEST = 1e-6  # areas may shrink so far; less is called a fold
AT_ONCE = 1 << 20  # pairs of a point and a cell that are compared at once
SLACK = 1e-9  # of the canvas: rounding may put a point so far beyond its cell


class Field(NamedTuple):
    """Grid points spread evenly over a canvas of height x width, the outermost on its edges. Between them displacements
    are bilinear; beyond the canvas, they are those of the nearest point of its edge."""

    height: int
    width: int
    grid: Floats  # (rows, columns, 2): displacements in x, as fractions of the width, and y, of the height

    def sources(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Where points of the canvas come from. A NaN stays one."""
        rows, columns, _ = self.grid.shape
        column, s = _cell(x, self.width, columns)
        row, t = _cell(y, self.height, rows)
        s, t = s[..., None], t[..., None]
        a, b = self.grid[row, column], self.grid[row + 1, column]
        upper = a + (self.grid[row, column + 1] - a) * s
        lower = b + (self.grid[row + 1, column + 1] - b) * s
        moved = upper + (lower - upper) * t
        return x + moved[..., 0] * self.width, y + moved[..., 1] * self.height

    def mean_steps(self) -> Floats:
        """The mean over the canvas of the derivative of `sources`, in pixels: (2, 2)."""
        across, down = (np.append(0.5, np.ones(count - 1)) for count in self.grid.shape[:2])
        across[-1] = down[-1] = 0.5
        size = np.array([self.width, self.height])
        in_x = across @ (self.grid[:, -1] - self.grid[:, 0]) / across.sum()
        in_y = down @ (self.grid[-1] - self.grid[0]) / down.sum()
        return np.asarray(np.eye(2) + np.stack([in_x, in_y], axis=1) * size[:, None] / size)

    def folds(self) -> bool:
        """Do several points of the canvas come from one? `folds` in native/field.cc says why corners suffice."""
        rows, columns, _ = self.grid.shape
        padded = np.pad(self.grid, ((1, 1), (1, 1), (0, 0)), mode="edge")
        along_x = np.diff(padded[1:-1], axis=1) * (columns - 1)
        along_y = np.diff(padded[:, 1:-1], axis=0) * (rows - 1)
        for x in (along_x[:, :-1], along_x[:, 1:]):
            for y in (along_y[:-1], along_y[1:]):
                area = (1 + x[..., 0]) * (1 + y[..., 1]) - x[..., 1] * y[..., 0]
                if not (area >= FLATTEST).all():
                    return True
        return False

    def places(self, sources: Floats) -> Floats:
        """Which points of the canvas come from `sources`, (..., 2) in pixels: the inverse, which must exist."""
        flat = np.reshape(sources, (-1, 2))
        found = np.full_like(flat, np.nan)
        known = np.flatnonzero(np.isfinite(flat).all(axis=1))
        size = np.array([self.width, self.height], float)
        reach = np.abs(self.grid).max(axis=(0, 1)) * size + 1
        near = flat[known].clip(-reach, size + reach)  # what lies beyond moves as its nearest point there
        cells = _Cells.of(self, 2 * reach)
        parts = -(-len(known) * len(cells.corner) // AT_ONCE) or 1
        if len(known):
            inner = np.concatenate([cells.places(part) for part in np.array_split(near, parts) if len(part)])
            found[known] = inner + (flat[known] - near)
        return found.reshape(np.shape(sources))


def _cell(at: Floats, size: float, count: int) -> tuple[np.ndarray, Floats]:
    """Of `count` grid points along an axis: the one before each position, and the way to the next, in 0 .. 1."""
    place = np.fmin(np.fmax(at * ((count - 1) / size), 0), count - 1)
    before = np.minimum(np.floor(place), count - 2)
    return before.astype(int), place - before


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0])


class _Cells(NamedTuple):
    """The cells of a grid, with a ring of cells about them. The point (s, t) of a cell, in 0 .. 1, comes from
    corner + s across + t down + s t twist. Each is (cells, 2)."""

    place: Floats  # of the upper left corner, on the canvas
    size: Floats
    corner: Floats
    across: Floats
    down: Floats
    twist: Floats

    @classmethod
    def of(cls, field: Field, ring: Floats) -> _Cells:
        """ring: (2,), the width of the ring in x and y."""
        rows, columns, _ = field.grid.shape
        x, y = (
            np.concatenate([[-far], np.linspace(0, side, count), [side + far]])
            for far, side, count in ((ring[0], field.width, columns), (ring[1], field.height, rows))
        )
        nodes = np.stack(np.meshgrid(x, y), axis=-1)
        moved = np.pad(field.grid, ((1, 1), (1, 1), (0, 0)), mode="edge") * (field.width, field.height) + nodes
        a, b, c, d = moved[:-1, :-1], moved[:-1, 1:], moved[1:, :-1], moved[1:, 1:]
        place, end = nodes[:-1, :-1], nodes[1:, 1:]
        return cls(*(part.reshape(-1, 2) for part in (place, end - place, a, b - a, c - a, (d - b) - (c - a))))

    def places(self, sources: Floats) -> Floats:
        """Of (n, 2) points within the ring."""
        a, b, c = self.corner, self.across, self.down
        corners = np.stack([a, a + b, a + c, a + b + c + self.twist])
        slack = SLACK * np.abs(self.size).max()
        low, high = corners.min(axis=0) - slack, corners.max(axis=0) + slack
        point, cell = np.nonzero(((sources[:, None] >= low) & (sources[:, None] <= high)).all(axis=-1))
        cells = _Cells(*(part[cell] for part in self))
        st, exists = cells._solved(sources[point] - cells.corner)
        beyond = np.where(exists, np.nan_to_num(np.abs(st - 0.5).max(axis=1), nan=np.inf), np.inf)
        order = np.lexsort((beyond, point))
        _, first = np.unique(point[order], return_index=True)  # of each point, the cell that it lies in
        best = order[first]
        return np.asarray(cells.place[best] + st[best] * cells.size[best])

    def _solved(self, q: Floats) -> tuple[Floats, np.ndarray]:
        """(s, t) of q = s across + t down + s t twist: the root at which the cell keeps its orientation. And is there
        one? Far from a cell there may be none."""
        two, one, none = -_cross(self.down, self.twist), _cross(q, self.twist), _cross(q, self.across)
        one = one + _cross(self.across, self.down)
        square = one * one - 4 * two * none
        root = np.sqrt(np.maximum(square, 0))
        with np.errstate(divide="ignore", invalid="ignore"):  # of the form that is not taken
            t = np.where(one >= 0, -2 * none / (one + root), (root - one) / (2 * two))[:, None]
            along = self.across + t * self.twist
            s = ((q - t * self.down) * along).sum(axis=1) / (along * along).sum(axis=1)
        return np.stack([s, t[:, 0]], axis=1), square >= 0
