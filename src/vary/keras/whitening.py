"""ZCA whitening: the directions of the data with their variances, and the map that makes all variances 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Directions", "LowRank", "exact_directions", "sketched_directions", "whitening_of"]

MORE = 10  # directions that are sketched beyond those that are kept
PART = 8192  # rows


class Directions(NamedTuple):
    """basis: (d, r), orthonormal. variances: (r,). rest: the mean variance of all other directions."""

    basis: Array
    variances: Array
    rest: float


class LowRank:
    """A symmetric map (d, d) as `rest` times the identity, plus `gains` - `rest` in the directions of `basis`.

    `x @ self` maps rows (n, d). basis: (d, r) float32.
    """

    __array_ufunc__ = None  # so that NumPy leaves `x @ self` to this class

    def __init__(self, basis: Array, gains: Array, rest: float) -> None:
        self.basis, self.gains, self.rest = basis, gains, rest
        self.shape = len(basis), len(basis)

    def __rmatmul__(self, rows: Array) -> Array:
        return np.asarray(self.rest * rows + (rows @ self.basis * (self.gains - self.rest)) @ self.basis.T)


def exact_directions(rows: Callable[[], Iterator[Array]], size: int, count: int) -> Directions:
    """All directions of `count` rows of `size` values, by the smaller of the two symmetric matrices of products."""
    if count < size:
        data = np.concatenate(list(rows())).astype(np.float64)
        values, vectors = np.linalg.eigh(data @ data.T)
        kept = values > values[-1] * 1e-10
        basis = data.T @ vectors[:, kept] / np.sqrt(values[kept])
        return Directions(basis, values[kept] / len(data), 0.0)
    products, seen = np.zeros((size, size)), 0
    for block in rows():
        x = block.astype(np.float64)
        products += x.T @ x
        seen += len(x)
    values, vectors = np.linalg.eigh(products / seen)
    return Directions(vectors, np.maximum(values, 0), 0.0)


def sketched_directions(rows: Callable[[], Iterator[Array]], size: int, count: int, rank: int, seed: int) -> Directions:
    """The `rank` directions of the largest variance, nearly, in three passes over the data."""
    width = min(rank + MORE, count, size)
    random = np.random.Generator(np.random.Philox(key=[seed, 0]))
    basis = random.standard_normal((size, width), np.float32)
    for _ in range(2):
        basis = _orthonormal(_by_covariance(rows, basis))
    total, seen = 0.0, 0
    small = np.zeros((basis.shape[1], basis.shape[1]))
    for x in rows():
        inside = (x @ basis).astype(np.float64)
        small += inside.T @ inside
        total += float(np.square(x, dtype=np.float64).sum())
        seen += len(x)
    values, vectors = np.linalg.eigh(small / seen)
    kept = min(rank, len(values))
    variances = np.maximum(values[::-1][:kept], 0)
    rest = max(total / seen - variances.sum(), 0) / max(size - kept, 1)
    return Directions(_times(basis, vectors[:, ::-1][:, :kept]), variances, rest)


def _by_covariance(rows: Callable[[], Iterator[Array]], basis: Array) -> Array:
    """The products of the data's covariance, not divided by their number, and the columns of `basis`: (d, r)."""
    products = np.zeros_like(basis)
    for x in rows():
        inside = x @ basis
        for part in _parts(basis):
            products[part] += x[:, part].T @ inside
    return products


def _orthonormal(columns: Array) -> Array:
    """An orthonormal basis of what the columns span, (d, r) float32; directions of rounding errors alone are left out.

    By the eigenvectors of the small matrix of products, twice, because the first time leaves rounding errors. NumPy's
    QR decomposition would take six times the memory of `columns`.
    """
    for _ in range(2):
        products = np.zeros((columns.shape[1], columns.shape[1]))
        for part in _parts(columns):
            block = columns[part].astype(np.float64)
            products += block.T @ block
        values, vectors = np.linalg.eigh(products)
        kept = values > values.max(initial=0) * 1e-13
        columns = _times(columns, vectors[:, kept] / np.sqrt(values[kept]))
    return columns


def _times(columns: Array, matrix: Array) -> Array:
    """`columns` @ `matrix`, (d, r) float32."""
    product = np.empty((len(columns), matrix.shape[1]), np.float32)
    for part in _parts(columns):
        product[part] = columns[part] @ matrix
    return product


def _parts(columns: Array) -> Iterator[slice]:
    """Slices of so many rows that temporary arrays are small."""
    return (slice(start, start + PART) for start in range(0, len(columns), PART))


def whitening_of(found: Directions, epsilon: float, dense: bool) -> Array | LowRank:
    """The map whose gain in each direction is 1 / sqrt(variance + epsilon). dense: as an array (d, d) float32, if
    `found` has all directions.

    In directions in which the data have no variance at all, the gain is 0.
    """
    most = found.variances.max(initial=0)
    gains = np.where(found.variances > most * 1e-12, 1 / np.sqrt(found.variances + epsilon), 0)
    if dense:
        return np.asarray((found.basis * gains) @ found.basis.T, np.float32)
    rest = 1 / np.sqrt(found.rest + epsilon) if found.rest > most * 1e-12 else 0.0
    return LowRank(found.basis.astype(np.float32, copy=False), gains.astype(np.float32), float(rest))
