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

from vary.errors import DecodeError, SourceError
from vary.plan.decode import HEAD, keep

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from vary.plan.run import Decode, Runner

__all__ = ["Fetched", "Memory", "Store", "fetch", "memory_limit"]

Array = np.ndarray[Any, Any]
Key = tuple["Hashable", int]  # identity and level; level 0 is the head alone, which says size and orientation
Opened = Array | bytes | DecodeError | SourceError


class Store(Protocol):
    """Blocks by key, from any thread. What is put may not be kept; what is got is never written to."""

    def get(self, key: Key, /) -> Array | None: ...
    def put(self, key: Key, block: Array, /) -> None: ...
    @property
    def held(self) -> int:
        """Bytes held now."""


LIVING: WeakSet[Any] = WeakSet()
"""Stores of this process. A forked child gives each another lock: who holds the old one may not exist there."""
os.register_at_fork(after_in_child=lambda: [store.forked() for store in list(LIVING)])


class Memory:
    """Blocks in this process, `limit` bytes at most. Pickles empty."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0
        self._blocks: dict[Key, Array] = {}
        self.forked()
        LIVING.add(self)

    def forked(self) -> None:
        self._lock = threading.Lock()  # of the sum; the dictionary needs none

    def get(self, key: Key) -> Array | None:
        return self._blocks.get(key)

    def put(self, key: Key, block: Array) -> None:
        with self._lock:
            if key in self._blocks or self.held + block.nbytes > self.limit:
                return
            self.held += block.nbytes
            self._blocks[key] = block

    def __reduce__(self) -> tuple[Any, ...]:
        return Memory, (self.limit,)


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
    """Blocks, or why there is none, in the order asked; what that took."""

    pictures: list[Any] = field(default_factory=list)  # Array | str | DecodeError | SourceError
    hits: int = 0
    decode: int = 0  # nanoseconds, summed over threads
    bytes: int = 0  # of files read


def fetch(
    store: Store,
    runner: Runner,
    rows: Array,
    identities: Sequence[Hashable],
    read: Callable[[list[int]], list[Opened]],
    decode: Decode,
    threads: int,
) -> Fetched:
    """The pictures of these files as blocks, at the levels that these rows need; `read` opens those at some places."""
    out = Fetched([None] * len(identities))
    heads = {place: head for place, key in enumerate(identities) if (head := store.get((key, 0))) is not None}
    for place, level in _levels(runner, heads, rows, decode).items():
        out.pictures[place] = level if isinstance(level, str) else store.get((identities[place], level))
    missing = [place for place, picture in enumerate(out.pictures) if picture is None]
    out.hits = len(identities) - len(missing)
    if missing:
        opened = dict(zip(missing, read(missing), strict=True))
        _decode(store, runner, rows, identities, opened, decode, threads, out)
    return out


def _levels(runner: Runner, sources: dict[int, Any], rows: Array, decode: Decode) -> dict[int, int | str]:
    found = runner.levels(list(sources.values()), np.ascontiguousarray(rows[list(sources)]), decode)
    return dict(zip(sources, found, strict=True))


def _decode(
    store: Store,
    runner: Runner,
    rows: Array,
    identities: Sequence[Hashable],
    opened: dict[int, Opened],
    decode: Decode,
    threads: int,
    out: Fetched,
) -> None:
    began = perf_counter_ns()
    levels: dict[int, int | str] = {}
    for place, picture in opened.items():
        if isinstance(picture, Exception):
            out.pictures[place] = picture
        elif isinstance(picture, np.ndarray):
            levels[place] = 1
    levels |= _levels(runner, {p: one for p, one in opened.items() if isinstance(one, bytes)}, rows, decode)
    out.pictures = [levels.get(p) if isinstance(levels.get(p), str) else one for p, one in enumerate(out.pictures)]
    good = {place: level for place, level in levels.items() if isinstance(level, int)}
    files: list[Any] = [opened[p] for p in good]
    blocks = keep(files, list(good.values()), runner.template.channels, decode.tolerant, threads)
    for (place, level), block in zip(good.items(), blocks, strict=True):
        out.pictures[place] = block
        if not isinstance(block, str):
            store.put((identities[place], level), block)
            store.put((identities[place], 0), block[:HEAD].copy())
    out.decode = (perf_counter_ns() - began) * min(threads, len(good) or 1)
    out.bytes = sum(len(picture) for picture in opened.values() if isinstance(picture, bytes))
