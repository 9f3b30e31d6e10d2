"""An epoch under way: whole batches are made by two threads, ahead of the consumer, and handed over in order.

    consumer ---- submits batch k + prefetch when it takes batch k ----> 2 makers ----> native pool (no GIL)
                                                                            `---> openers: read, Pillow (from 2 threads)

Two makers, so that a slow batch holds one of them and the other goes on; what is ahead is bounded because only the
consumer submits. It alone counts, too: a maker hands back its numbers with the batch. So there is no lock here.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from time import monotonic, perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import SourceError
from vary.stream.batch import Batch, Made, make
from vary.stream.report import MAKERS, Tally
from vary.stream.supply import Opened

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vary.stream.state import Place
    from vary.stream.supply import Task

__all__ = ["GRACE", "Iteration"]

GRACE = 2.0
"""Seconds that an end waits for its threads. Reads and native calls are done well before; a user function that takes
longer keeps its thread until it returns. Bounded also because a finalizer may interrupt its thread anywhere, even
inside the threading module, with a lock that the ending threads need."""

Array = np.ndarray[Any, Any]


class Crew:
    """The threads of one iteration in one process. Holds no reference to the iteration, so that it can be collected."""

    def __init__(self, task: Task) -> None:
        self.pid = os.getpid()
        self.under_way: deque[Future[Made]] = deque()  # in order; the consumer's
        self._task = task
        self._stop = threading.Event()
        self._threads = task.options.allowed
        self._name = f"vary-{id(self):x}"  # of its threads
        self._makers = ThreadPoolExecutor(MAKERS, f"{self._name}-make", initializer=_enter)
        self._openers = ThreadPoolExecutor(self._threads, f"{self._name}-open", initializer=_enter)

    def submit(self, positions: Array) -> None:
        self.under_way.append(self._makers.submit(make, self._task, positions, self._spread))

    def _spread(self, work: Callable[..., Opened], items: Sequence[Any], portion: int) -> Opened:
        """By several threads, for the disk's sake and Pillow's; what is in memory is there already."""
        work = partial(work, self._task, stopped=self._stop.is_set)
        parts = min(self._threads, -(-len(items) // portion)) if self._task.files else 1
        if parts <= 1:
            return work(items)
        ends = [len(items) * part // parts for part in range(parts + 1)]
        done = list(self._openers.map(work, (items[a:b] for a, b in pairwise(ends))))
        pictures = [picture for one in done for picture in one.pictures]
        return Opened(pictures, sum(one.read for one in done), sum(one.decode for one in done))

    def end(self) -> None:
        """Stop and join. Runs as a finalizer too: in any thread, and in a forked child, which has none of these."""
        if self.pid != os.getpid():
            return
        self._stop.set()  # what is only planned ends as soon as it begins
        for pool in (self._makers, self._openers):
            pool.shutdown(wait=False)
        self.under_way.clear()
        if getattr(_here, "inside", False):  # the garbage collector ran in a crew's thread: no thread joins itself
            return
        until = monotonic() + GRACE
        for thread in threading.enumerate():
            if thread.name.startswith(self._name) and thread.is_alive():
                thread.join(max(0.0, until - monotonic()))


_here = threading.local()


def _enter() -> None:
    _here.inside = True


class Iteration:
    """The batches of one epoch. Ends with the last one, with one that is an error, when it is closed, or dropped.

    For one consumer: its methods are not to be called from two threads at once.
    """

    def __init__(self, task: Task, tally: Tally, place: Place) -> None:
        self._task = task
        self._tally = tally
        self._place = place
        self._start = place.position
        self._share = task.options.share(task.count - self._start)
        self._batches = task.options.batches(task.count - self._start)
        self._taken = 0
        self._mark()
        self._open = True
        self._began = perf_counter_ns()
        self._employ()

    def _employ(self) -> None:
        self._crew = Crew(self._task)
        self._end = weakref.finalize(self, self._crew.end)
        self._submit(self._task.options.prefetch)

    def _submit(self, ahead: int) -> None:
        """Have `ahead` batches under way, as far as the epoch goes."""
        o, under_way = self._task.options, self._crew.under_way
        while len(under_way) < ahead and (batch := self._taken + len(under_way)) < self._batches:
            places = np.arange(batch * o.batch_size, min((batch + 1) * o.batch_size, self._share), dtype=np.int64)
            self._crew.submit(o.part.positions(places, self._start, self._task.count))

    def __len__(self) -> int:
        """Batches left."""
        return self._batches - self._taken

    def state_dict(self) -> dict[str, Any]:
        """Where the next batch begins; `Stream.load_state_dict` goes on from there."""
        return self._place.state_dict()

    def __iter__(self) -> Iteration:
        return self

    def __next__(self) -> Batch:
        if not self._open:
            raise StopIteration
        if self._crew.pid != os.getpid():  # forked: the child goes on from here, with threads of its own
            self._employ()
        try:
            while self._taken < self._batches:
                batch = self._take()
                if self._taken == self._batches:  # at once: who counts batches never asks for one more
                    self.close()
                if batch is not None:
                    return batch
        except BaseException:  # a batch's error, or Ctrl-C while waiting
            self.close()
            raise
        raise StopIteration

    def _take(self) -> Batch | None:
        ahead, tally = self._task.options.prefetch, self._tally
        self._submit(max(ahead, 1))
        asked = perf_counter_ns()
        batch, work = self._crew.under_way[0].result()
        now = perf_counter_ns()
        self._crew.under_way.popleft()
        self._taken += 1
        self._mark()
        self._submit(ahead)
        tally.waited += now - asked
        tally.elapsed = now - self._began
        tally.add(work)
        self._check_budget()
        if batch is not None:
            tally.batches += 1
            tally.images += len(batch.indices)
        return batch

    def _check_budget(self) -> None:
        most, skipped = self._task.options.max_errors, self._tally.skipped
        if most is not None and len(skipped) > most:
            last = ": ".join(skipped[-1])
            raise SourceError(
                f"{len(skipped)} broken so far, over max_errors={most}; report() lists them; the last: {last}"
            )

    def _mark(self) -> None:
        """Note where the next batch begins: after the last one, that is the next epoch."""
        o, place = self._task.options, self._place
        place.position = min(self._start + self._taken * o.batch_size * o.part.ranks, self._task.count)
        if self._taken == self._batches:
            place.epoch, place.position = place.epoch + 1, 0

    def close(self) -> None:
        """End it now; no thread is left. Dropping the iterator (a `break`, an exception) does the same."""
        self._open = False
        self._end()
