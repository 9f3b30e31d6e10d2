"""Stores of decoded files: in memory, or on disk for later processes too.

    Memory    a dictionary with a limit
    Disk      `disk.py`
    NO_STORE  keeps nothing

A block is one whole file, decoded at one level, the scale denominator (1, 2, 4 or 8). Its chroma may be kept as coded,
in half the memory. Its key is the file's fingerprint, so a changed file is decoded again. A batch is the same with any
store or none: the level depends on file and draws, and a block gives the same pixels.

If the memory is full, blocks in it are not replaced: an epoch uses every picture once, so the block that was not used
for longest is needed next. What does not fit is decoded again in each epoch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from vary.codecs.decode import HEAD
from vary.sample import Array
from vary.streams.cache.budget import BUDGET

if TYPE_CHECKING:
    from collections.abc import Hashable

    from vary.streams.cache.budget import Budget

__all__ = ["NO_STORE", "File", "Memory", "Store"]


class File(NamedTuple):
    """The key of a file in a store."""

    sample: int  # its index in the source
    fingerprint: Hashable  # changes if the file changes; equal for samples that are the same file


class Store(Protocol):
    """Blocks by file and level, for use by any thread. `put` may refuse a block. Blocks that `get` returns are
    read-only."""

    compact: (
        bool  # blocks have chroma as coded, which is smaller, rather than finished pixels, which are faster to vary
    )
    error: str
    """Why nothing can be kept now, if the limit is not the reason; else empty."""

    def get(self, file: File, level: int, /) -> Array | None:
        """The block, or None. Level 0: the first bytes of any block of the file, with its size and orientation."""

    def put(self, file: File, level: int, block: Array, /) -> bool | None:
        """Keep the block. False if it could not be kept."""

    @property
    def held(self) -> int:
        """Bytes held now."""

    @property
    def limit(self) -> int:
        """Bytes that it may hold now."""


class Memory:
    """A `Store` in this process, with at most `most` bytes; None: what the budget allows. Its pickle has no blocks.

    demand: bytes that all blocks are expected to need.
    ranks: processes that train together and share the budget.

    If a sample's file has changed, the blocks of its former content are dropped when the sample is next needed.
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

    def __reduce__(self) -> tuple[object, ...]:
        return Memory, (self.most, self.demand, self.ranks, self.compact)


class _NoStore:
    """Keeps nothing. Used if several specs share a decoding, but there is no cache."""

    compact, error = False, ""
    held = limit = 0

    def get(self, file: File, level: int) -> None: ...
    def put(self, file: File, level: int, block: Array) -> None: ...


NO_STORE: Final[Store] = _NoStore()
