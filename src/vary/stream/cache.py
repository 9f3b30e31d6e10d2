"""What was decoded once is kept: in memory, or on disk for the next process too.

    fetch(store, ...)   files as blocks that the runner takes in their place: found, or read, decoded and put away
    Memory              a dictionary with a limit
    Disk                `disk.py`

A block is one level (1, 1/2, 1/4, 1/8) of one file, whole: chroma as coded where the file has it so, which takes half
the memory. Its key is the file's identity and the level, so a changed file is decoded again. What comes out of a batch
is the same with any store or none: the level depends on file and draws, and from a block the same pixels are made.

Nothing is ever thrown out: epochs come by every picture once, and a cache that makes room for the newest would then
hold what is needed last. What does not fit is decoded again each epoch.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

import numpy as np

from vary.plan.decode import HEAD, keep

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from vary.plan.run import Decode, Runner

__all__ = ["Fetched", "Memory", "Store", "fetch", "memory_limit"]

Array = np.ndarray[Any, Any]
Key = tuple["Hashable", int]  # identity and level; level 0 is the head alone, which says size and orientation


class Store(Protocol):
    """Blocks by key, from any thread. What is put may not be kept; what is got is never written to."""

    compact: bool  # are blocks to be small, or quick?

    def get(self, key: Key, /) -> Array | None: ...
    def put(self, key: Key, block: Array, /) -> None: ...
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

    def put(self, key: Key, block: Array) -> None:
        with self._lock:
            if key in self._blocks or self.held + block.nbytes > self.limit:
                return
            self.held += block.nbytes
            self._blocks[key] = block

    def __reduce__(self) -> tuple[Any, ...]:
        return Memory, (self.limit, self.compact)


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


@dataclass
class Fetched:
    """Blocks for each look, or the bytes of damaged files; why there is neither; what that took."""

    pictures: list[list[Any]]  # Array | bytes | None
    errors: dict[int, Any] = field(default_factory=dict)  # place among the files -> a reason, or an error
    hits: int = 0  # files that were not opened
    decode: int = 0  # nanoseconds


def fetch(
    store: Store,
    looks: Sequence[tuple[Runner, Array, int]],
    identities: Sequence[Hashable],
    read: Callable[[list[int]], list[Any]],
    decode: Decode,
    threads: int,
) -> Fetched:
    """Files as blocks, each decoded once a level whatever the number of looks and views.

    looks: a runner, its rows (n * views, columns), and the views of a file, which stand next to each other.
    read: opens the files at some places; an error stands in the place of one that cannot be.
    """
    out = Fetched([])
    known: dict[Hashable, int] = {}
    first = [known.setdefault(identity, place) for place, identity in enumerate(identities)]  # of the same file
    files = sorted(known.values())
    heads = {place: head for place in files if (head := store.get((identities[place], 0))) is not None}
    opened = _open(read, [place for place in files if place not in heads], out)
    sources = heads | opened  # whatever says the size of a file: its head, or the file itself
    levels = _levels(looks, {p: sources[f] for p, f in enumerate(first) if f in sources}, decode, out)
    wanted = dict.fromkeys((first[place], level) for place, level in levels.items())  # a set that keeps its order
    blocks: dict[Any, Any] = {(file, level): store.get((identities[file], level)) for file, level in wanted}
    missing = [key for key, block in blocks.items() if block is None]
    opened |= _open(read, sorted({file for file, _ in missing} - set(opened)), out)
    began = perf_counter_ns()
    missing = [key for key in missing if key[0] not in out.errors]
    made = keep([opened[file] for file, _ in missing], [level for _, level in missing],
                looks[0][0].template.channels, decode.tolerant, store.compact, threads)  # fmt: skip
    for (file, level), block in zip(missing, made, strict=True):
        if isinstance(block, str):  # damaged somewhere: as without a store, what the draw shows of it decides
            blocks[file, level] = opened[file]
            continue
        blocks[file, level] = block
        store.put((identities[file], level), block)
        store.put((identities[file], 0), block[:HEAD].copy())
    out.decode = (perf_counter_ns() - began) * min(threads, len(missing))
    out.errors |= {place: out.errors[file] for place, file in enumerate(first) if file in out.errors}
    out.hits = sum(file not in opened and file not in out.errors for file in first)
    each = [blocks.get((file, levels.get(place, 0))) for place, file in enumerate(first)]
    out.pictures = [[block for block in each for _ in range(views)] for _, _, views in looks]
    return out


def _open(read: Callable[[list[int]], list[Any]], places: list[int], out: Fetched) -> dict[int, Any]:
    opened = dict(zip(places, read(places), strict=True)) if places else {}
    out.errors |= {place: one for place, one in opened.items() if isinstance(one, Exception)}
    return {place: one for place, one in opened.items() if not isinstance(one, Exception)}


def _levels(
    looks: Sequence[tuple[Runner, Array, int]], sources: dict[int, Any], decode: Decode, out: Fetched
) -> dict[int, int]:
    """The level of each of these places: the least that one of its looks needs."""
    levels = dict.fromkeys(sources, 8)
    for runner, rows, views in looks:
        some = [place * views + view for place in sources for view in range(views)]
        found = runner.levels([sources[row // views] for row in some], np.ascontiguousarray(rows[some]), decode)
        for row, level in zip(some, found, strict=True):
            if isinstance(level, str):
                out.errors.setdefault(row // views, level)
            else:
                levels[row // views] = min(levels[row // views], level)
    return {place: level for place, level in levels.items() if place not in out.errors}
