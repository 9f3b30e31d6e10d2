"""Which positions of an epoch are a rank's: every ranks-th, so that a step of all ranks takes neighbouring ones."""

from __future__ import annotations

from operator import index
from typing import Any, Literal, NamedTuple

import numpy as np

from vary.errors import InputError

__all__ = ["UNEVEN", "Uneven", "Shard", "shard_of"]

UNEVEN = ("pad", "drop", "keep")
Uneven = Literal["pad", "drop", "keep"]

Array = np.ndarray[Any, Any]


class Shard(NamedTuple):
    rank: int = 0
    ranks: int = 1

    def share(self, left: int, uneven: Uneven) -> int:
        """How many of the `left` positions this rank gets: with "pad" and "drop" as many as every other."""
        if uneven == "keep":
            return -(-(left - self.rank) // self.ranks)
        return left // self.ranks if uneven == "drop" else -(-left // self.ranks)

    def positions(self, places: Array, start: int, count: int) -> Array:
        """Of `count` in the epoch, those at these places of the share that begins at `start`.

        Padded ones are the epoch's first once more.
        """
        found: Array = (start + places * self.ranks + self.rank) % count
        return found


def shard_of(value: Any) -> Shard:
    """What was given as shard=."""
    try:
        rank, ranks = map(index, value)
    except (TypeError, ValueError):
        rank, ranks = 0, 0
    if not 0 <= rank < ranks:
        raise InputError(f"shard={value!r}; give (rank, ranks): two whole numbers with 0 <= rank < ranks")
    return Shard(rank, ranks)
