"""The threads that make batches.

    consumer ---- submits positions ----> 2 makers ----> native pool (no GIL)
                                             `---------> openers: read, Pillow (from 2 threads)

Two makers, so that a slow batch holds one of them and the other goes on; what is ahead is bounded because only the
consumer submits.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from itertools import pairwise
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from vary.streams.batches.task import Opened
from vary.streams.workers.threads import InlinePool, started_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from vary.streams.batch import Made
    from vary.streams.batches.task import Check, Executor
    from vary.streams.options import Options

__all__ = ["GRACE", "Box", "WorkerPool", "Job", "Maker", "Threads"]

GRACE = 2.0
"""Seconds that an end waits for its threads. Reads and native calls are done well before; a user function that takes
longer keeps its thread until it returns. Bounded also because a finalizer may interrupt its thread anywhere, even
inside the threading module, with a lock that the ending threads need."""

Array = np.ndarray[Any, Any]


class Maker(Protocol):
    """Batches as a function of their positions."""

    def make(self, positions: Array, executor: Executor) -> Made: ...


class Job(Maker, Protocol):
    """One epoch's batches."""

    @property
    def epoch(self) -> int: ...
    @property
    def options(self) -> Options: ...
    @property
    def count(self) -> int:
        """Positions in the epoch."""

    @property
    def light(self) -> bool:
        """May it be asked for several batches as one, where these take few bytes?"""


Box = list["Made"]
"""A batch to be taken out: a future, which its maker's thread may hold on to for a while, then holds it no longer."""


class WorkerPool(Protocol):
    """Who makes an iteration's batches: `Threads`, or a line to another process (`side.py`)."""

    pid: int  # of the process that it works for

    def submit(self, job: Job, positions: Array) -> Future[Box]: ...
    def retire(self, futures: Sequence[Future[Box]]) -> None:
        """Make what was submitted, `futures` and nothing else, and end then."""

    def end(self) -> None:
        """End now; what is only planned is never begun."""


class Threads:
    """A pool in this process. Holds no reference to the iteration, so that it can be collected."""

    def __init__(self, makers: int, openers: int) -> None:
        self.pid = os.getpid()
        self._stop = threading.Event()
        self._threads = openers
        self._name = f"vary-{id(self):x}"  # of its threads
        self._openers = ThreadPoolExecutor(openers, f"{self._name}-open", initializer=_enter)
        self._makers: ThreadPoolExecutor | InlinePool = InlinePool()
        try:  # start all threads now: one that started later would make batches ahead of the consumer, in more memory
            self._makers = started_pool(makers, f"{self._name}-make", _enter, GRACE)
        except BaseException:
            self.end()
            raise

    def submit(self, job: Maker, positions: Array) -> Future[Box]:
        return self._makers.submit(self._make, job, positions)

    def _make(self, job: Maker, positions: Array) -> Box:
        self.check()
        return [job.make(positions, self)]

    def check(self) -> None:
        if self._stop.is_set():
            raise CancelledError

    def spread(self, work: Callable[[Sequence[Any], Check], Opened], items: Sequence[Any], portion: int) -> Opened:
        """By several threads, for the disk's sake and Pillow's."""
        parts = min(self._threads, -(-len(items) // max(portion, 1)))
        if parts <= 1:
            return work(items, self.check)
        ends = [len(items) * part // parts for part in range(parts + 1)]
        portions = (items[a:b] for a, b in pairwise(ends))
        try:
            results = self._openers.map(lambda part: work(part, self.check), portions)
        except RuntimeError:  # the system gives no thread, or fewer
            return work(items, self.check)
        done = list(results)
        pictures = [picture for one in done for picture in one.pictures]
        return Opened(pictures, sum(one.read for one in done), sum(one.decode for one in done))

    def retire(self, futures: Sequence[Future[Box]]) -> None:
        self._makers.shutdown(wait=False)
        left, lock = len(futures), threading.Lock()

        def done(_: object) -> None:  # holds no future: one that held its own would keep its batch
            nonlocal left
            with lock:
                left -= 1
            if not left:  # the makers, who call this, need no opener any more
                self._openers.shutdown(wait=False)

        for future in futures:
            future.add_done_callback(done)

    def end(self) -> None:
        """Stop and join. Runs as a finalizer too: in any thread, and in a forked child, which has none of these."""
        if self.pid != os.getpid():
            return
        self._stop.set()  # what is only planned ends as soon as it begins
        for pool in (self._makers, self._openers):
            pool.shutdown(wait=False)
        if getattr(_here, "inside", False):  # the garbage collector ran in a pool's thread: no thread joins itself
            return
        until = monotonic() + GRACE
        for thread in threading.enumerate():
            if thread.name.startswith(self._name) and thread.is_alive():
                thread.join(max(0.0, until - monotonic()))


_here = threading.local()


def _enter() -> None:
    _here.inside = True
