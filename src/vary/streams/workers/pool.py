"""The threads that make the batches of an iteration.

    consumer --- submit(positions) --> batch workers: job.batches --> native core (its own threads, without the GIL)
                                             `--> readers: read files, decode with Pillow

There are two batch workers, so that one continues while the other has a slow batch. One that has no batch to make helps
the other in the native core. The number of batches ahead is bounded, because only the consumer submits. An iteration
has threads of its own, which end with it.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from itertools import pairwise
from time import monotonic, perf_counter_ns
from typing import TYPE_CHECKING, Protocol, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from vary.plan.machine import BatchThreads, cancel_all
from vary.sample import Array
from vary.streams.workers.threads import DaemonThreads, ForkLock

T = TypeVar("T")
R = TypeVar("R")

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vary.streams.batch import Made
    from vary.streams.batches.job import EpochJob

    Work = Callable[[Sequence[T]], list[R]]  # items -> a result for each

__all__ = [
    "CALLING",
    "IDLE",
    "READING",
    "Executor",
    "Inline",
    "Pending",
    "WorkerPool",
    "Workers",
    "doing",
    "end_at_exit",
    "park_at_exit",
]

GRACE = 2.0
"""Seconds that `close` waits for its threads. Reads and native calls end well before; a user function that needs longer
keeps its thread until it returns. Another reason for a limit: `close` may run as a finalizer, which interrupts its
thread anywhere, even inside the threading module, where it may have a lock that the ending threads need."""

REMOTE_READERS = 16
"""Threads that read files at URLs: they wait for the network most of the time."""

EXIT_GRACE = 0.3
"""Seconds that the end of the program waits for all threads and processes together."""

IDLE, READING, CALLING = -1, 0, 1
"""What a thread does now, in an activity array: nothing, reading a sample, or calling a user function for it."""


class Executor(Protocol):
    """Threads that help a batch worker with its batch."""

    def spread(self, work: Work[T, R], items: Sequence[T], portion: int) -> tuple[list[R], int]:
        """The results of `work` on `items`, by one thread or by several with at least `portion` items each, and the
        nanoseconds that this took, summed over threads."""

    def check(self) -> None:
        """Raises `CancelledError` if the batch is no longer needed. To be called now and then."""

    def note(self, kind: int, index: int, stream: int) -> None:
        """Call `check`, and note what this thread does now (`READING` or `CALLING`), for which sample of which stream
        of a mix."""


class Inline:
    """An `Executor` without threads."""

    def spread(self, work: Work[T, R], items: Sequence[T], _: int) -> tuple[list[R], int]:
        return _timed(work, items)

    def check(self) -> None: ...

    def note(self, kind: int, index: int, stream: int) -> None: ...


class Pending(Protocol):
    """Batches that are being made."""

    def result(self, timeout: float | None = None) -> list[Made]:
        """Wait for them. Raises the error of making them, or `TimeoutError` after so many seconds."""

    def done(self) -> bool:
        """Is there a result or an error?"""


class Workers(Protocol):
    """Makes the batches of one iteration."""

    pid: int
    """The process of the iteration."""

    def submit(self, positions: Array) -> Pending: ...

    def stuck(self) -> str:
        """What they are doing now, in words, for the error of a timeout."""

    def close(self, grace: float = GRACE) -> None:
        """End now; batches that have not been begun are not made. Does nothing in a forked child."""


class Ending(Protocol):
    """A pool or process that has to end with the program."""

    pid: int

    def stop(self) -> None:
        """Begin to end, without waiting."""

    def close(self, grace: float) -> None:
        """End, within so many seconds."""


class WorkerPool:
    """`Workers` in threads of this process, and their `Executor`. It has no reference to the iteration, so that an
    iteration that is dropped is collected."""

    def __init__(self, job: EpochJob, activity: Array | None = None) -> None:
        """activity: (slots(job),) int64, in which each thread notes what it does (see `note`)."""
        batch_workers, self._threads = job.options.batch_workers, job.options.threads_per_batch
        self.pid = os.getpid()
        self._job = job
        self._stop = threading.Event()
        self._closed = False
        self._name = f"vary-{id(self):x}"
        self._lock = ForkLock()  # guards `_readers`
        self._readers: DaemonThreads | None = None  # started when they are first needed
        self._first_reader = batch_workers
        self._most_readers = _readers(job)
        self._activity = np.full(self.slots(job), IDLE) if activity is None else activity
        self._pending: list[weakref.ref[Future[list[Made]]]] = []  # weak, because a future that is done has its batches
        # Started at once: if one started later, the allocator would use more memory for batches ahead of the consumer.
        self._batch_workers = DaemonThreads(batch_workers, f"{self._name}-make", _use_slot, BatchThreads(self._threads))
        end_at_exit(self)

    @staticmethod
    def slots(job: EpochJob) -> int:
        """The most threads of a pool."""
        return job.options.batch_workers + _readers(job)

    def submit(self, positions: Array) -> Future[list[Made]]:
        future = self._batch_workers.submit(self._make, positions)
        self._pending = [*(one for one in self._pending if one() is not None), weakref.ref(future)]
        if self._stop.is_set():  # by another thread: its threads may have ended before they came to this
            future.cancel()
        return future

    def _make(self, positions: Array) -> list[Made]:
        self.check()
        try:
            return self._job.batches(positions, self)
        finally:
            self._idle()

    def _idle(self) -> None:
        slot = getattr(_here, "slot", None)
        if slot is not None:
            self._activity[slot] = IDLE

    def note(self, kind: int, index: int, stream: int) -> None:
        self.check()
        slot = getattr(_here, "slot", None)
        if slot is not None:
            self._activity[slot] = (stream << 41 | index) << 1 | kind

    def check(self) -> None:
        if self._stop.is_set():
            raise CancelledError

    def spread(self, work: Work[T, R], items: Sequence[T], portion: int) -> tuple[list[R], int]:
        """By several threads, because disks and Pillow are faster with several files at once."""
        parts = min(self._most_readers, -(-len(items) // max(portion, 1)))
        if parts <= 1:
            return _timed(work, items)
        ends = [len(items) * part // parts for part in range(parts + 1)]
        with self._lock:
            self.check()
            if self._readers is None:
                first = self._first_reader
                self._readers = DaemonThreads(
                    self._most_readers, f"{self._name}-read", lambda number: _use_slot(first + number)
                )
        futures = [self._readers.submit(self._read, work, items[a:b]) for a, b in pairwise(ends)]
        done = [future.result() for future in futures]
        return [result for results, _ in done for result in results], sum(spent for _, spent in done)

    def _read(self, work: Work[T, R], items: Sequence[T]) -> tuple[list[R], int]:
        self.check()
        try:
            return _timed(work, items)
        finally:
            self._idle()

    def stuck(self) -> str:
        return doing(self._activity, self._job)

    def stop(self) -> None:
        self._stop.set()

    def close(self, grace: float = GRACE) -> None:
        """Stop and join. Runs as a finalizer too: in any thread."""
        if self._closed or self.pid != os.getpid():
            return
        self._closed = True
        try:
            self.stop()  # so batches that have not been begun are not made
            for future in filter(None, [one() for one in self._pending]):
                if not future.cancel():
                    with suppress(InvalidStateError):  # so that a consumer need not wait until the thread has stopped
                        future.set_exception(CancelledError())
            with self._lock:  # afterwards, no reader is started any more
                pools = self._pools()
        finally:  # even if Ctrl-C comes meanwhile
            for pool in self._pools():
                pool.stop()
        if hasattr(_here, "slot"):  # the garbage collector ran in a worker thread: no thread joins itself
            return
        until = monotonic() + grace
        for pool in pools:
            pool.join(until)

    def _pools(self) -> list[DaemonThreads]:
        return [pool for pool in (self._batch_workers, self._readers) if pool is not None]


def _readers(job: EpochJob) -> int:
    return max(job.options.threads_per_batch, REMOTE_READERS if job.is_remote else 0)


def _use_slot(number: int) -> None:
    """This thread notes what it does at this place of the activity array."""
    _here.slot = number


def _timed(work: Work[T, R], items: Sequence[T]) -> tuple[list[R], int]:
    """The results, and nanoseconds."""
    began = perf_counter_ns()
    return work(items), perf_counter_ns() - began


def doing(activity: Array, job: EpochJob) -> str:
    """An activity array in words."""
    found = []
    for noted in activity.tolist():
        if noted != IDLE:
            stream, index = divmod(noted >> 1, 1 << 41)
            verb = "in a user function for" if noted & 1 == CALLING else "reading"
            found.append(f"{verb} {job.path(index, stream)}")
    return ", ".join(dict.fromkeys(found)) or "its threads are not at any sample"


AT_EXIT: WeakValueDictionary[int, Ending] = WeakValueDictionary()
"""What has to end with the program, by `id`. A dictionary, because threads may add to it while `_exit` lists it."""
_here = threading.local()
_ended_in: int | None = None  # pid of the process that is ending


def end_at_exit(one: Ending) -> None:
    AT_EXIT[id(one)] = one


@atexit.register
def _exit() -> None:
    """Stop all threads, because one that returns from native code while the interpreter ends may crash it."""
    global _ended_in  # noqa: PLW0603  a fact of the process
    _ended_in = os.getpid()
    until = monotonic() + EXIT_GRACE
    found = [ref() for ref in AT_EXIT.valuerefs()]
    mine = [one for one in found if one is not None and one.pid == _ended_in]
    for one in mine:
        one.stop()
    cancel_all()
    for one in mine:
        one.close(max(0.0, until - monotonic()))


def park_at_exit() -> None:
    """If the program is ending and this is a daemon thread that is a consumer, sleep until the process has ended.
    Otherwise the thread would print a traceback, or treat the batches so far as the whole epoch."""
    if _ended_in is not None and _ended_in == os.getpid() and threading.current_thread().daemon:
        threading.Event().wait()
