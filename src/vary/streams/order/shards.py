"""Which positions of an epoch belong to a rank: every `ranks`-th one, so that one step of all ranks uses neighbouring
positions."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from vary.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Shard", "Uneven", "shard_of"]

Uneven = Literal["pad", "drop", "keep"]

LAUNCHERS = (("RANK", "WORLD_SIZE"), ("SLURM_PROCID", "SLURM_NTASKS"))
"""Environment variables in which launchers give a process its rank and the number of ranks; the first pair that is set
is used."""


class Shard(NamedTuple):
    rank: int = 0
    ranks: int = 1

    def share(self, left: int, uneven: Uneven) -> int:
        """How many of the last `left` positions this rank has. With "pad" and "drop", all ranks have equally many."""
        if uneven == "keep":
            return -(-(left - self.rank) // self.ranks)
        return left // self.ranks if uneven == "drop" else -(-left // self.ranks)


def shard_of(value: Any, environment: Mapping[str, str]) -> Shard | None:  # Any: `map` refuses what is no pair
    """The shard for shard=; None: this process has the whole epoch."""
    if value is None:
        return None
    if isinstance(value, str) and value == "auto":
        return _launched(environment)
    try:
        rank, ranks = map(index, value)
    except (TypeError, ValueError):
        rank, ranks = 0, 0
    if not 0 <= rank < ranks:
        raise InputError(
            f'shard={value!r}; give (rank, ranks), two whole numbers with 0 <= rank < ranks, or "auto" to read them '
            "from the environment"
        )
    return Shard(rank, ranks)


def _launched(environment: Mapping[str, str]) -> Shard | None:
    """The rank that a launcher such as torchrun or SLURM gave this process; None if there is no launcher."""
    for names in LAUNCHERS:
        texts = [environment.get(name) for name in names]
        if texts == [None, None]:
            continue
        seen = ", ".join(f"{name}={text}" for name, text in zip(names, texts, strict=True))
        if None in texts:
            raise InputError(f'shard="auto": the environment has {seen}; set both, or give shard=(rank, ranks)')
        try:
            rank, ranks = map(int, texts)  # type: ignore[arg-type]
        except ValueError:
            rank, ranks = 0, 0
        if not 0 <= rank < ranks:
            raise InputError(f'shard="auto": the environment has {seen}; a rank is from 0 to one below their number')
        return Shard(rank, ranks)
    return None
