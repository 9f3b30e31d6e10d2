"""The order of an epoch: a pure function from positions to indices, so that nothing has to be kept to go on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vary.rng import permutation, permute

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TABLE_LIMIT", "order"]

TABLE_LIMIT = 1 << 20
"""From this number of samples on, indices are computed position by position: no table, but another order."""

Array = np.ndarray[Any, Any]


def order(n: int, seed: int, epoch: int, shuffle: bool) -> Callable[[Array], Array]:
    """Positions of the epoch, int64 within 0 .. n-1, to indices of the source: each index once an epoch."""
    if not shuffle:
        return np.copy
    if n < TABLE_LIMIT:
        return permutation(n, seed, epoch).__getitem__
    return lambda positions: permute(positions, n, seed, epoch)
