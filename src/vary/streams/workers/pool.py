"""Who makes the batches of an iteration.

    consumer --- submit(positions) --> makers: job.batches --> native core (threads of its own, without the GIL)
                                          `--> openers: read files, decode with Pillow

Two makers, so that a slow batch holds one of them and the other goes on. What is ahead is bounded because only the
consumer submits. An iteration has threads of its own and ends them with itself.
"""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from itertools import pairwise
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from weakref import WeakValueDictionary

import numpy as np

from vary.plan.run import cancel_all
from vary.streams.workers.threads import DaemonThreads, ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vary.streams.batch import Made
    from vary.streams.batches.job import EpochJob

__all__ = [
    "CALLING",
    "IDLE",
    "READING",
    "Executor",
    "Inline",
    "Opened",
    "Pending",
    "WorkerPool",
    "Workers",
    "doing",
    "end_at_exit",
    "park_at_exit",
]

GRACE = 2.0
"""Seconds that an end waits for its threads. Reads and native calls are done well before; a user function that takes
longer keeps its thread until it returns. Bounded also because a finalizer may interrupt its thread anywhere, even
inside the threading module, with a lock that the ending threads need."""

EXIT_GRACE = 0.3
"""Seconds that the end of the program waits, for all threads and processes together; what they do is not needed any
more."""

IDLE, READING, CALLING = -1, 0, 1
"""What a thread does, in an activity array: idle, or reading or calling a user function for a sample."""

Array = np.ndarray[Any, Any]


class Opened(NamedTuple):
    """Some pictures, with what that took; in place of one that cannot be read, why."""

    pictures: list[Any]  # Array | bytes of a JPEG | Encoded | DecodeError | SourceError
    read: int = 0  # nanoseconds
    decode: int = 0


class Executor(Protocol):
    """Threads that help with a batch."""

    def spread(self, work: Callable[[Sequence[Any]], Opened], items: Sequence[Any], portion: int) -> Opened:
        """Have `work` done on `items`, at least `portion` of them at once, by one thread or by several."""

    def check(self) -> None:
        """To be called now and then: raises where nobody wants the batch any more."""

    def at(self, kind: int, index: int, stream: int) -> None:
        """`check`, and note what this thread does now, for which sample of which stream of a mix, for messages."""


class Inline:
    """An `Executor` without threads."""

    def spread(self, work: Callable[[Sequence[Any]], Opened], items: Sequence[Any], _: int) -> Opened:
        return work(items)

    def check(self) -> None: ...

    def at(self, kind: int, index: int, stream: int) -> None: ...


class Pending(Protocol):
    """Batches that are being made."""

    def result(self, timeout: float | None = None) -> list[Made]:
        """Waits for them; raises what went wrong, or `TimeoutError` after so many seconds."""

    def done(self) -> bool:
        """Is there a result, or an error?"""


class Workers(Protocol):
    """They make the batches of one iteration."""

    pid: int
    """Of the process that they work for."""

    def submit(self, positions: Array) -> Pending: ...

    def stuck(self) -> str:
        """What they are doing, in words, for the message of a timeout."""

    def close(self, grace: float = GRACE) -> None:
        """End now; what is only planned is never begun. Does nothing in a forked child."""


class Ending(Protocol):
    """What ends with the program."""

    pid: int

    def stop(self) -> None:
        """Begin to end, without waiting."""

    def close(self, grace: float) -> None:
        """End, within so many seconds."""


class WorkerPool:
    """`Workers` in threads of this process, and their `Executor`. Does not refer to the iteration, so that this can be
    collected."""

    def __init__(self, job: EpochJob, activity: Array | None = None) -> None:
        """activity: (`slots` of it,) int64, where threads note what they do."""
        makers, self._each = job.options.makers, job.options.each
        self.pid = os.getpid()
        self._job = job
        self._stop = threading.Event()
        self._closed = False
        self._name = f"vary-{id(self):x}"
        self._lock = ForkLock()  # of `_openers`
        self._openers: DaemonThreads | None = None  # started when they are first needed
        self._first_opener = makers
        self._activity = np.full(self.slots(job), IDLE) if activity is None else activity
        self._pending: list[weakref.ref[Future[list[Made]]]] = []  # weak: a future that is done holds its batches
        # All at once: a maker that started later would make batches ahead of the consumer, in more memory.
        self._makers = DaemonThreads(makers, f"{self._name}-make", self._enter)
        end_at_exit(self)

    @staticmethod
    def slots(job: EpochJob) -> int:
        """How many threads there may be."""
        return job.options.makers + job.options.each

    def submit(self, positions: Array) -> Future[list[Made]]:
        future = self._makers.submit(self._make, positions)
        self._pending = [*(one for one in self._pending if one() is not None), weakref.ref(future)]
        return future

    def _enter(self, number: int) -> None:
        _here.slot = number

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

    def at(self, kind: int, index: int, stream: int) -> None:
        self.check()
        slot = getattr(_here, "slot", None)
        if slot is not None:
            self._activity[slot] = (stream << 41 | index) << 1 | kind

    def check(self) -> None:
        if self._stop.is_set():
            raise CancelledError

    def spread(self, work: Callable[[Sequence[Any]], Opened], items: Sequence[Any], portion: int) -> Opened:
        """By several threads, for the sake of the disk and of Pillow."""
        parts = min(self._each, -(-len(items) // max(portion, 1)))
        if parts <= 1:
            return work(items)
        ends = [len(items) * part // parts for part in range(parts + 1)]
        with self._lock:
            self.check()
            if self._openers is None:
                start = self._first_opener
                self._openers = DaemonThreads(
                    self._each, f"{self._name}-open", lambda number: self._enter(start + number)
                )
        futures = [self._openers.submit(self._open, work, items[a:b]) for a, b in pairwise(ends)]
        done = [future.result() for future in futures]
        pictures = [picture for one in done for picture in one.pictures]
        return Opened(pictures, sum(one.read for one in done), sum(one.decode for one in done))

    def _open(self, work: Callable[[Sequence[Any]], Opened], items: Sequence[Any]) -> Opened:
        self.check()
        try:
            return work(items)
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
        self.stop()  # what is only planned ends as soon as it begins
        for future in filter(None, [one() for one in self._pending]):
            if not future.cancel():
                with suppress(InvalidStateError):  # else who waits for it would wait until its thread sees the end
                    future.set_exception(CancelledError())
        with self._lock:  # after it, no opener is started any more
            pools = [pool for pool in (self._makers, self._openers) if pool is not None]
        for pool in pools:
            pool.stop()
        if hasattr(_here, "slot"):  # the garbage collector ran in a worker thread: no thread joins itself
            return
        until = monotonic() + grace
        for pool in pools:
            pool.join(until)


def doing(activity: Array, job: EpochJob) -> str:
    """What threads are doing, by their activity array."""
    found = []
    for noted in activity.tolist():
        if noted != IDLE:
            stream, index = divmod(noted >> 1, 1 << 41)
            verb = "in a user function for" if noted & 1 == CALLING else "reading"
            found.append(f"{verb} {job.path(index, stream)}")
    return ", ".join(dict.fromkeys(found)) or "its threads are not at any sample"


AT_EXIT: WeakValueDictionary[int, Ending] = WeakValueDictionary()
"""By `id`. A dictionary, because others may add to it while `_exit` lists it."""
_here = threading.local()
_ended_in: int | None = None  # the process that is ending


def end_at_exit(one: Ending) -> None:
    AT_EXIT[id(one)] = one


@atexit.register
def _exit() -> None:
    """Have threads leave what they do: one that comes back from native code while the interpreter ends may crash it."""
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
    """For a daemon thread that asked for a batch: while the program ends it gets neither that nor an error, but stays
    here. Else it would print a traceback, or take the batches for complete."""
    if _ended_in is not None and _ended_in == os.getpid() and threading.current_thread().daemon:
        threading.Event().wait()
