"""An epoch under way: its batches are made by a pool, ahead of the consumer, and handed over in order.

When nothing of the epoch is left to begin, the pool goes on with the next one, so that it starts with batches that are
ready. The consumer alone submits and counts: a batch brings its numbers along. So there is no lock here.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from dataclasses import replace
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from vary.errors import SourceError
from vary.streams.workers.pool import Threads

if TYPE_CHECKING:
    from concurrent.futures import Future

    from vary.display.fields import BatchSchema
    from vary.plan.findings import WarnOnce
    from vary.streams.batch import Batch, Made
    from vary.streams.report import Tally, Work
    from vary.streams.state import Place
    from vary.streams.workers.pool import Box, Job, WorkerPool

__all__ = ["LONGEST", "RUN", "Home", "Iteration"]

RUN, LONGEST, ALIGNED = 8 << 20, 16, 64
"""Light batches are made several at once, as one that is then cut: so many bytes, of them or of what they are made of,
and so many batches at most; if each then begins at a multiple of so many bytes. To wake a thread, and to bring its code
and data back into a cache that someone trains in, takes longer than to make a small batch."""

Array = np.ndarray[Any, Any]


class Home(Protocol):
    """Whose epochs these are. An iteration keeps none alive: where nobody can ask for a next epoch, there is none."""

    once: WarnOnce

    def _follow(self) -> Iteration | None:
        """The iteration that would be next, not begun."""

    def _keep_next(self, iteration: Iteration) -> None:
        """Keep that one, of which batches are made already, for when it is asked for."""


class Iteration:
    """The batches of one epoch. Ends with the last one, with one that is an error, when it is closed, or dropped.

    For one consumer: its methods are not to be called from two threads at once.
    """

    def __init__(self, home: Home, job: Job, place: Place, tally: Tally, schema: BatchSchema) -> None:
        self.begins, self.place, self.tally = replace(place), place, tally
        self._schema = schema  # of its batches
        self._home, self._once = weakref.ref(home), home.once
        self._pid = os.getpid()
        self._job, self._options = job, job.options
        self._start = place.position
        self._share = job.options.share(job.count - self._start)
        self._batches = job.options.batches(job.count - self._start)
        self._taken = 0
        self._begun = 0  # batches taken, ready or under way
        self._under_way: deque[Future[Box]] = deque()  # runs of them, in order
        self._ready: deque[Made] = deque()  # what the last run still has
        self._run = 1  # batches to a run
        self._light = job.light and job.options.prefetch > 0
        self._next: Iteration | None = None
        self._crew: WorkerPool | None = None  # None: not begun
        self._ends: list[weakref.finalize[[], Iteration]] = []
        self._open = True
        self._count(0)

    def begin(self, pool: WorkerPool) -> Iteration:
        """Have its first batches made; those that were made ahead are there already."""
        self._began = perf_counter_ns()
        self._employ(pool)
        self._submit(self._options.prefetch)
        return self

    def _employ(self, pool: WorkerPool) -> None:
        self._crew, self._pid = pool, pool.pid
        self._ends.append(weakref.finalize(self, pool.end))

    def _submit(self, ahead: int) -> None:
        """Have `ahead` runs of batches under way: of this epoch as far as it goes, then of the next."""
        assert self._crew is not None
        missing = self._fill(self._crew, ahead)
        if missing > 0 and self._next is None and (home := self._home()) is not None:
            self._next = home._follow()
            if self._next is not None:
                self._next._run, self._next.tally.ahead = self._run, self.tally.ahead
        if missing > 0 and self._next is not None:
            self._next._fill(self._crew, missing)

    def _fill(self, pool: WorkerPool, ahead: int) -> int:
        """Have `ahead` runs under way, or as many as are left; how many are missing."""
        o, under_way = self._options, self._under_way
        while len(under_way) < ahead and self._begun < self._batches:
            end = min(self._begun + self._run, self._batches)
            places = np.arange(self._begun * o.batch_size, min(end * o.batch_size, self._share), dtype=np.int64)
            under_way.append(pool.submit(self._job, o.part.positions(places, self._start, self._job.count)))
            self._begun = end
        return ahead - len(under_way)

    def __len__(self) -> int:
        """Batches left."""
        return self._batches - self._taken

    def state_dict(self) -> dict[str, Any]:
        """Where the next batch begins; `Stream.load_state_dict` goes on from there."""
        return self.place.state_dict()

    def __iter__(self) -> Iteration:
        return self

    def __next__(self) -> Batch:
        if not self._open:
            raise StopIteration
        if self._pid != os.getpid():  # forked: the child goes on from here, with threads of its own
            self._under_way.clear()
            self._ready.clear()
            self._begun, self._next = self._taken, None
            self._employ(Threads(self._options.makers, self._options.each))
        try:
            while self._taken < self._batches:
                batch = self._take()
                if self._taken == self._batches:  # at once: who counts batches never asks for one more
                    self._finish()
                if batch is not None:
                    batch._schema = self._schema
                    return batch
            self._check_any()
        except BaseException:  # a batch's error, or Ctrl-C while waiting
            self.close()
            raise
        raise StopIteration

    def _take(self) -> Batch | None:
        ahead, tally = self._options.prefetch, self.tally
        if not self._under_way and not self._ready:
            self._submit(max(ahead, 1))
        asked = perf_counter_ns()
        if not self._ready:
            self._ready.extend(self._under_way[0].result().pop().parts(self._options.batch_size))
            self._under_way.popleft()
        made = self._ready.popleft()
        self._once.warn(made.work.findings)
        now = perf_counter_ns()
        self._count(1)
        tally.waited += now - asked
        tally.elapsed = now - self._began
        tally.held = made.held
        tally.add(made.work)
        self._check_budget()
        if made.batch is not None:
            tally.batches += 1
            tally.images += len(made.batch.indices)
            if self._light and made.work.batch:
                self._set_run(made.batch, made.work)
        try:
            self._submit(ahead)  # last, so that the consumer lets go of its batch before memory for another is taken
        except BaseException:  # it was not handed over
            self._count(-1)
            raise
        return made.batch

    def _set_run(self, batch: Batch, work: Work) -> None:
        """By what a full batch takes, and is made of."""
        samples, full = len(batch.indices), self._options.batch_size
        size = max(work.batch, work.encoded) * full // samples
        aligned = all(array.nbytes * full // samples % ALIGNED == 0 for array in batch if array.ndim > 1)
        self._run = max(1, min(RUN // size, LONGEST)) if aligned else 1
        self.tally.ahead = max(self.tally.ahead, (self._options.prefetch + 1) * self._run - 1)

    def _check_budget(self) -> None:
        most, skipped = self._options.max_errors, self.tally.skipped
        if most is not None and len(skipped) > most:
            last = ": ".join(skipped[-1])
            raise SourceError(
                f"{len(skipped)} broken so far, over max_errors={most}; report() lists them; the last: {last}"
            )

    def _check_any(self) -> None:
        """A whole epoch without a picture is no epoch."""
        skipped = self.tally.skipped
        if skipped and not self.tally.images and not self._start:
            first = ": ".join(skipped[0])
            raise SourceError(f"no picture came through: {len(skipped)} are broken; the first: {first}")

    def _count(self, batches: int) -> None:
        """Note where the next batch begins: after the last one, that is the next epoch."""
        o, place = self._options, self.place
        self._taken += batches
        place.epoch = self.begins.epoch
        place.position = min(self._start + self._taken * o.batch_size * o.part.ranks, self._job.count)
        if self._taken == self._batches:
            place.epoch, place.position = place.epoch + 1, 0

    def _finish(self) -> None:
        """After the last batch. What is made of the next epoch is made to the end, by threads that end then."""
        follower, pool, home = self._next, self._crew, self._home()
        if follower is None or not follower._under_way or pool is None or home is None:
            self.close()
            return
        self._open, self._next = False, None
        self._ends.pop().detach()
        pool.retire([*follower._under_way])
        follower._ends.append(weakref.finalize(follower, pool.end))
        home._keep_next(follower)

    def close(self) -> None:
        """End it now; no thread is left. Dropping the iterator (a `break`, an exception) does the same."""
        self._open, self._next = False, None
        self._ready.clear()
        self._under_way.clear()  # what failed holds its traceback, and that all frames up to the consumer's
        for end in self._ends:
            end()

    def is_for(self, place: Place) -> bool:
        """Would it do what an iteration from this place is to do, in this process?"""
        return self.begins == place and self._pid == os.getpid()
