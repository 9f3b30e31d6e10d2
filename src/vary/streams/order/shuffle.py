"""The order of an epoch: a pure function from positions to slots, so resuming at a position needs no other state."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import numpy as np

from vary.rng import integer, permutation, permute
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GROUP", "TABLE_LIMIT", "order"]

Places = TypeVar("Places", int, Array)

TABLE_LIMIT = 1 << 20
"""With this many slots or more, each position is computed by itself, without a table. This gives another order."""

GROUP = 8  # blocks whose samples are shuffled together


def order(n: int, seed: int, epoch: int, shuffle: bool, block: int | None = None) -> Callable[[Array], Array]:
    """A function from positions of the epoch, int64 in 0 .. n - 1, to slots 0 .. n - 1, one to one.

    block: how many neighbouring slots form a block, see `_blocks`.
    """
    if not shuffle:
        return np.copy
    if block is not None:
        return lambda positions: _blocks(positions, n, block, seed, epoch)
    if n < TABLE_LIMIT:
        return permutation(n, seed, epoch).__getitem__
    return lambda positions: permute(positions, n, seed, epoch)


def _blocks(positions: Array, n: int, size: int, seed: int, epoch: int) -> Array:
    """Permutes blocks of `size` neighbouring slots, and then the slots of `GROUP` blocks at a time.

    The last block may be short. Its place among the blocks is drawn at random, and the others are permuted around it.
    So the block of a position can be computed without the inverse of a permutation.
    """
    count = -(-n // size)
    missing = count * size - n  # slots by which the last block is short
    last = integer(count, seed, epoch, "last block")

    def place_of(at: Array) -> Array:
        return np.where(at < last * size, at, at + missing) // size

    def start_of(place: Places) -> Places:
        start: Places = place * size - missing * (place > last)
        return start

    mixed = np.empty_like(positions)
    groups = place_of(positions) // GROUP
    for group in set(groups.tolist()):
        inside = groups == group
        start, end = (start_of(min(place, count)) for place in (group * GROUP, (group + 1) * GROUP))
        mixed[inside] = start + permute(positions[inside] - start, end - start, seed, epoch, f"group {group}")
    place = place_of(mixed)
    block = np.full_like(place, count - 1)
    full = place != last
    block[full] = permute((place - (place > last))[full], count - 1, seed, epoch, "blocks")
    slots: Array = block * size + mixed - start_of(place)
    return slots
