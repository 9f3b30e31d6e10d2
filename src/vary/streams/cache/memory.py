"""What was decoded once is kept: in memory, or on disk for the next process too.

    Memory    a dictionary with a limit
    Disk      `disk.py`
    NOWHERE   nothing is kept

A block is one level (1, 1/2, 1/4, 1/8) of one file, whole: chroma as coded where the file has it so, which takes half
the memory. Its key is the file's fingerprint and the level, so a changed file is decoded again. What comes out of a
batch is the same with any store or none: the level depends on file and draws, and a block gives the same pixels.

Nothing is ever thrown out: epochs come by every picture once, and a cache that makes room for the newest would then
hold what is needed last. What does not fit is decoded again each epoch.
"""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakSet

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable

__all__ = ["NOWHERE", "Key", "Memory", "Store", "memory_limit"]

Array = np.ndarray[Any, Any]
Key = tuple["Hashable", int]  # fingerprint and level; level 0 is the head alone, which says size and orientation


class Store(Protocol):
    """Blocks by key, from any thread. What is put may not be kept; what is got is never written to."""

    compact: bool  # are blocks to be small, or quick?

    def get(self, key: Key, /) -> Array | None: ...
    def put(self, key: Key, block: Array, /) -> bool | None:
        """False: there was no room for it."""

    def refresh(self) -> None:
        """Before an epoch: learn of what others have put there."""

    @property
    def held(self) -> int:
        """Bytes held now."""


LIVING: WeakSet[Any] = WeakSet()
"""Stores of this process. A forked child gives each another lock: who holds the old one may not exist there."""
os.register_at_fork(after_in_child=lambda: [store.forked() for store in list(LIVING)])


class Memory:
    """Blocks in this process, `limit` bytes at most. Pickles empty."""

    def __init__(self, limit: int, compact: bool = True) -> None:
        self.limit = limit
        self.compact = compact
        self.held = 0
        self._blocks: dict[Key, Array] = {}
        self.forked()
        LIVING.add(self)

    def forked(self) -> None:
        self._lock = threading.Lock()  # of the sum; the dictionary needs none

    def get(self, key: Key) -> Array | None:
        return self._blocks.get(key)

    def refresh(self) -> None:
        """Nobody else puts anything here."""

    def put(self, key: Key, block: Array) -> bool:
        with self._lock:
            if key in self._blocks:
                return True
            if self.held + block.nbytes > self.limit:
                return False
            self.held += block.nbytes
            self._blocks[key] = block
        return True

    def __reduce__(self) -> tuple[Any, ...]:
        return Memory, (self.limit, self.compact)


class _Nowhere:
    """What several specs at one file go through where nothing is kept."""

    compact = False
    held = 0

    def get(self, key: Key) -> None: ...
    def put(self, key: Key, block: Array) -> None: ...
    def refresh(self) -> None: ...


NOWHERE: Final[Store] = _Nowhere()


def memory_limit() -> int:
    """A quarter of the memory that is free, by /proc/meminfo and the cgroup; of 4 GiB where neither says."""
    free = [4 << 30]
    try:
        with open("/proc/meminfo") as file:  # noqa: PTH123
            free = [int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable")] or free
    except OSError:
        pass
    for most, used in CGROUPS:
        try:
            free.append(int(_text(most)) - int(_text(used)))
        except (OSError, ValueError):  # no such version of cgroups, or "max"
            continue
    return max(0, min(free)) // 4


CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def _text(path: str) -> str:
    with open(path) as file:  # noqa: PTH123
        return file.read()
