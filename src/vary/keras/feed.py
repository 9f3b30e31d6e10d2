"""Batches by number, made ahead by threads. A batch is a function of its number, so nothing depends on the threads."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from concurrent.futures import CancelledError
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from vary.plan.machine import default_threads
from vary.streams.workers.threads import DaemonThreads, ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

__all__ = ["Feed", "Number", "Threads"]

Number = tuple[int, int]  # epoch, batch within it
T = TypeVar("T")
AHEAD_THREADS = 2  # the native threads of a batch are others


class Threads:
    """Threads that are started when they are needed, in a forked child again. A pickle has none.

    When the program ends, what was not begun is left, and what was is waited for: libraries for matrices would wait
    without an end for work that a thread does in them.
    """

    def __init__(self, count: int | None, name: str) -> None:
        """count: None: as many as affinity and cgroup allow."""
        self._count, self._name = count, name
        self._pid, self._lock = 0, ForkLock()
        self._started: DaemonThreads | None = None

    def submit(self, work: Callable[..., T], *args: object) -> Future[T]:
        with self._lock:
            if self._started is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._started = DaemonThreads(self._count or default_threads(), self._name, lambda _: None)
                weakref.finalize(self, self._started.stop).atexit = False
                LIVE.add(self._started)
        return self._started.submit(_unless_ending, work, *args)

    def __reduce__(self) -> tuple[object, ...]:
        return Threads, (self._count, self._name)


LIVE: weakref.WeakSet[DaemonThreads] = weakref.WeakSet()
GRACE = 10.0  # seconds that the end of the program waits for batches that were begun
_ending = threading.Event()


def _unless_ending(work: Callable[..., T], *args: object) -> T:
    if _ending.is_set():
        raise CancelledError
    return work(*args)


@atexit.register
def _end() -> None:
    _ending.set()
    until = monotonic() + GRACE
    for threads in list(LIVE):
        threads.stop()
        threads.join(until)


class Feed:
    """Makes batches ahead of the consumer. Threads may share it; a forked child makes them again."""

    def __init__(self) -> None:
        self._lock, self._pid = ForkLock(), os.getpid()
        self._threads = Threads(AHEAD_THREADS, "vary-keras")
        self._made: dict[Number, Future[Any]] = {}  # Any: what `make` returns

    def get(self, number: Number, following: Iterable[Number], make: Callable[[Number], Any]) -> Any:
        """The batch of this number. Those of the `following` ones are begun; others that were begun are dropped."""
        wanted = list(following)
        with self._lock:
            if self._pid != os.getpid():
                self._pid, self._made = os.getpid(), {}
            kept = self._made
            future = kept.get(number)
            self._made = {one: kept[one] for one in wanted if one in kept}
            for one in wanted:
                if one not in self._made:
                    self._made[one] = self._threads.submit(make, one)
        return make(number) if future is None else future.result()
