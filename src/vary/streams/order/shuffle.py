"""The order of an epoch: a pure function from positions to slots, so that nothing has to be kept to go on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vary.rng import integer, permutation, permute

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GROUP", "TABLE_LIMIT", "order"]

TABLE_LIMIT = 1 << 20
"""From this number of slots on, they are computed position by position: no table, but another order."""

GROUP = 8  # blocks that are mixed with each other

Array = np.ndarray[Any, Any]


def order(n: int, seed: int, epoch: int, shuffle: bool, block: int | None = None) -> Callable[[Array], Array]:
    """Positions of the epoch, int64 within 0 .. n-1, to slots 0 .. n-1: each slot once an epoch.

    block: slots that stay near each other, see `_blocks`.
    """
    if not shuffle:
        return np.copy
    if block is not None:
        return lambda positions: _blocks(positions, n, block, seed, epoch)
    if n < TABLE_LIMIT:
        return permutation(n, seed, epoch).__getitem__
    return lambda positions: permute(positions, n, seed, epoch)


def _blocks(positions: Array, n: int, size: int, seed: int, epoch: int) -> Array:
    """Blocks of `size` neighbouring slots, permuted as wholes; then `GROUP` blocks at a time, slot by slot.

    The last block may be short. It is drawn a place among the blocks, and the others are permuted around it: so a
    position tells its block without the inverse of a permutation.
    """
    count = -(-n // size)
    missing = count * size - n  # slots that the last block falls short
    last = integer(count, seed, epoch, "last block")

    def place_of(at: Array) -> Array:
        return np.where(at < last * size, at, at + missing) // size

    def start_of(place: Any) -> Any:
        return place * size - missing * (place > last)

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
