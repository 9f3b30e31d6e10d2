"""What was decoded once is kept: in memory, or on disk for the next process too.

    Memory    a dictionary with a limit
    Disk      `disk.py`
    NOWHERE   nothing is kept

A block is one level (1, 1/2, 1/4, 1/8) of one file, whole: chroma as coded where the file has it so, which takes half
the memory. It is kept under the file's fingerprint, so a changed file is decoded again. What comes out of a batch is
the same with any store or none: the level depends on file and draws, and a block gives the same pixels.

Memory that is full throws nothing out for something newer: epochs come by every picture once, and it would then hold
what is needed last. What does not fit is decoded again each epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import numpy as np

from vary.plan.decode import HEAD
from vary.streams.cache.budget import BUDGET

if TYPE_CHECKING:
    from collections.abc import Hashable

    from vary.streams.cache.budget import Budget

__all__ = ["NOWHERE", "File", "Memory", "Store"]

Array = np.ndarray[Any, Any]


class File(NamedTuple):
    """A file as stores know it."""

    sample: int  # its index in the source
    fingerprint: Hashable  # another one after a change; that of several samples if they are one file


class Store(Protocol):
    """Blocks by file and level, from any thread. What is put may not be kept; what is got is never written to."""

    compact: bool  # are blocks to be small, or quick?
    error: str
    """Why nothing can be kept now, if it is not for lack of room that it may take."""

    def get(self, file: File, level: int, /) -> Array | None:
        """Level 0: the first bytes of any of its blocks, which say size and orientation of the file."""

    def put(self, file: File, level: int, block: Array, /) -> bool | None:
        """False: it could not be kept."""

    @property
    def held(self) -> int:
        """Bytes held now."""

    @property
    def limit(self) -> int:
        """Bytes that it may hold now."""


class Memory:
    """Blocks in this process, `most` bytes at most or else what the budget allows. Pickles empty.

    demand: bytes that all blocks are expected to take.
    ranks: processes that train together.

    Of each sample the latest state of its file is kept: the blocks of a former one are dropped when it is asked for.
    """

    error = ""

    def __init__(
        self,
        most: int | None = None,
        demand: int = 0,
        ranks: int = 1,
        compact: bool = True,
        budget: Budget = BUDGET,
    ) -> None:
        self.most, self.demand, self.ranks, self.compact = most, demand, ranks, compact
        self.held = 0
        self._blocks: dict[Hashable, dict[int, Array]] = {}
        self._latest: dict[int, Hashable] = {}  # sample -> fingerprint of what is kept
        self._budget = budget
        budget.add(self)

    @property
    def limit(self) -> int:
        return self._budget.limit(self)

    def get(self, file: File, level: int) -> Array | None:
        if self._latest.get(file.sample, file.fingerprint) != file.fingerprint:
            with self._budget.lock:
                self._drop_former(file)
        return self._blocks.get(file.fingerprint, {}).get(level)

    def put(self, file: File, level: int, block: Array) -> bool:
        with self._budget.lock:
            self._drop_former(file)
            blocks = self._blocks.get(file.fingerprint, {})
            if level not in blocks:
                if self.held + block.nbytes > self._budget.limit_locked(self):
                    return False
                self.held += block.nbytes
                self._blocks[file.fingerprint] = {0: block[:HEAD], level: block, **blocks}
            self._latest[file.sample] = file.fingerprint
        return True

    def _drop_former(self, file: File) -> None:
        if self._latest.get(file.sample, file.fingerprint) != file.fingerprint:
            blocks = self._blocks.pop(self._latest.pop(file.sample), {})
            self.held -= sum(block.nbytes for level, block in blocks.items() if level)

    def __reduce__(self) -> tuple[Any, ...]:
        return Memory, (self.most, self.demand, self.ranks, self.compact)


class _Nowhere:
    """Several specs that decode a file once use this where nothing is kept."""

    compact, error = False, ""
    held = limit = 0

    def get(self, file: File, level: int) -> None: ...
    def put(self, file: File, level: int, block: Array) -> None: ...


NOWHERE: Final[Store] = _Nowhere()
