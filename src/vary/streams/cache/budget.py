"""How much memory the caches of this process may use: a quarter of what is free, shared by all of them.

    free      the least of MemAvailable, of what is left in each cgroup from this process's own up to the root, and of
              what `ulimit` leaves. Page cache counts as free, and so do the caches themselves, so that a limit does not
              shrink as they fill
    budget    a quarter of that, divided among the processes of one job on this machine
    share     of one cache: what it needs, or an equal part if there is not enough for all. The rest of the budget
              is divided equally, because what a cache needs is an estimate

A cache with a limit of its own (`cache_bytes=`) gets that; the others share the rest.
"""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path, PurePosixPath
from time import monotonic
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

from vary.streams.workers.threads import ForkLock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["BUDGET", "Budget", "fair_shares", "free_memory", "local_processes"]

UNKNOWN = 4 << 30  # bytes that count as free if the system does not say
FRESH = 1.0  # seconds for which a measurement is valid

PROC, CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")
V1 = ("memory.limit_in_bytes",), "memory.usage_in_bytes", ("total_inactive_file", "total_active_file")
V2 = ("memory.max", "memory.high"), "memory.current", ("inactive_file", "active_file", "slab_reclaimable")


class Cache(Protocol):
    """What shares a budget: see `Memory`. held: bytes that it holds now."""

    most: int | None
    demand: int
    ranks: int
    held: int


class Budget:
    """The budget of one process. `held` of a cache is only changed under `lock`."""

    def __init__(self) -> None:
        self._caches: WeakSet[Cache] = WeakSet()
        self.lock = ForkLock()
        self._free, self._processes = 0, 1
        self._until, self._pid = 0.0, 0  # the measurement is valid until this time, in this process

    def add(self, cache: Cache) -> None:
        with self.lock:
            self._caches.add(cache)

    def limit(self, cache: Cache) -> int:
        """Bytes that this cache may hold, by a new measurement."""
        with self.lock:
            self._until = 0.0
            return self.limit_locked(cache)

    def limit_locked(self, cache: Cache) -> int:
        """The same, for a caller that holds the lock, by a measurement of the last second."""
        if cache.most is not None:
            return cache.most
        caches = list(self._caches)
        own = [one for one in caches if one.most is not None]
        shared = [one for one in caches if one.most is None]
        left = self._total(caches) - sum(max(one.held, min(one.demand, one.most or 0)) for one in own)
        shares = fair_shares(max(0, left), [one.demand for one in shared])
        others = sum(one.held for one in shared if one is not cache)
        return max(cache.held, min(shares[shared.index(cache)], left - others))

    def _total(self, caches: Sequence[Cache]) -> int:
        now = monotonic()
        if now >= self._until or self._pid != os.getpid():
            self._free, self._processes = free_memory(), local_processes()
            self._until, self._pid = now + FRESH, os.getpid()
            self._free += sum(one.held for one in caches)
        ranks = _whole(os.environ.get("LOCAL_WORLD_SIZE")) or max(one.ranks for one in caches)
        return self._free // 4 // (self._processes * ranks)


BUDGET = Budget()


def fair_shares(total: int, demands: Sequence[int]) -> list[int]:
    """Shares of `total`. Each is its demand, or an equal part if there is not enough; the rest is divided equally."""
    shares, left = [0] * len(demands), total
    for done, place in enumerate(sorted(range(len(demands)), key=demands.__getitem__)):
        shares[place] = min(demands[place], left // (len(demands) - done))
        left -= shares[place]
    return [share + left // len(demands) for share in shares]


def free_memory(proc: Path = PROC, cgroups: Path = CGROUPS) -> int:
    """Bytes that this process could allocate before anything is swapped or killed. Reads files below these folders."""
    found = [*_of_system(proc), *_of_cgroups(proc, cgroups), *_of_ulimits(proc)]
    return max(0, min(found, default=UNKNOWN))


def _of_system(proc: Path) -> Iterator[int]:
    for line in _text(proc / "meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) << 10
            return
    yield UNKNOWN


def _of_cgroups(proc: Path, root: Path) -> Iterator[int]:
    """The bytes that are left in each cgroup of this process. In a container without a namespace of its own, /proc has
    names of groups that are not visible, and the limit is at the root."""
    for line in _text(proc / "self" / "cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        inside = PurePosixPath("/", path).relative_to("/")
        for group in (inside, *inside.parents):
            if number == "0" and not controllers:
                yield from _left(root / group, V2)
                yield from _left(root / "unified" / group, V2)
            elif "memory" in controllers.split(","):
                yield from _left(root / "memory" / group, V1)


def _left(group: Path, names: tuple[tuple[str, ...], str, tuple[str, ...]]) -> Iterator[int]:
    limits, used, cached = names
    found = [limit for name in limits if (limit := _whole(_text(group / name))) is not None]  # else "max", or no file
    if not found:
        return
    stat = dict(line.split(" ", 1) for line in _text(group / "memory.stat").splitlines() if " " in line)
    cache = sum(_whole(stat.get(name)) or 0 for name in cached)
    yield min(found) - max(0, (_whole(_text(group / used)) or 0) - cache)


def _of_ulimits(proc: Path) -> Iterator[int]:
    """The bytes that `ulimit -v` and `ulimit -d` leave."""
    pages = _text(proc / "self" / "statm").split()
    if len(pages) < 6:
        return
    for kind, used in ((resource.RLIMIT_AS, pages[0]), (resource.RLIMIT_DATA, pages[5])):
        limit, _ = resource.getrlimit(kind)
        if limit != resource.RLIM_INFINITY:
            yield limit - int(used) * resource.getpagesize()


_started_by_vary = False


def started_by_vary() -> None:
    """To be called in the process of `process=True`, which may be one of several."""
    global _started_by_vary  # noqa: PLW0603  a fact of the process
    _started_by_vary = True


def local_processes(proc: Path = PROC) -> int:
    """How many processes share the budget of the one that started them; 1 if this process is not such a worker."""
    torch = sys.modules.get("torch.utils.data")
    worker = None if torch is None else torch.get_worker_info()
    if worker is not None:
        return int(worker.num_workers)
    processes = sys.modules.get("multiprocessing.process")
    if not _started_by_vary and (processes is None or processes.parent_process() is None):
        return 1
    children = 0
    with suppress(OSError):
        for task in (proc / str(os.getppid()) / "task").iterdir():
            children += len(_text(task / "children").split())
    return max(1, children)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _whole(text: str | None) -> int | None:
    """The text as a number; None if it is not one: a file may be absent or say "max"."""
    text = (text or "").strip()
    return int(text) if text.isdigit() else None
