"""One epoch in progress: workers make its batches ahead of the consumer, who receives them in order.

Several threads may be consumers; each batch goes to one of them. The iteration's lock guards its state.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from concurrent.futures import CancelledError
from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np

from vary.errors import NO_ROWS, InputError, SourceError, StreamTimeoutError
from vary.sample import Array
from vary.streams.order.samples import ENDLESS
from vary.streams.workers.pool import WorkerPool, park_at_exit
from vary.streams.workers.threads import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable

    from vary.display.fields import BatchSchema
    from vary.plan.findings import WarnOnce
    from vary.streams.batch import Batch, Made
    from vary.streams.batches.job import EpochJob
    from vary.streams.order.shards import Shard
    from vary.streams.report import Report
    from vary.streams.state import Place, Term
    from vary.streams.workers.pool import Pending, Workers

__all__ = ["Iteration", "positions_of"]


def positions_of(part: Shard, places: Array, start: int, count: int) -> Array:
    """The positions in an epoch of a rank's samples.

    places: (n,) int64, the numbers of these samples within the rank's share. start: the position in the epoch at which
        the shares of all ranks begin.
    count: positions in the epoch. With uneven="pad", the last samples may be the epoch's first ones again.
    """
    found: Array = (start + places * part.ranks + part.rank) % count
    return found


class Iteration:
    """The batches of one epoch. It ends with the last batch, with an error, or when it is closed or dropped.

    `len(iteration)` is the number of batches that are left. Threads may share it.
    """

    def __init__(self, job: EpochJob, place: Place, report: Report, schema: BatchSchema, once: WarnOnce) -> None:
        """place: where the next batch begins; kept up to date here. schema: of its batches."""
        self._place, self._report = place, report
        self._schema, self._once = schema, once
        self._job, self._options = job, job.options
        self._epoch, self._start = place.epoch, place.position
        self._share = job.options.share(job.count - self._start)
        self._batches = job.options.batches(job.count - self._start)
        self._first, self._step, self._is_part = 0, 1, False
        self._group = job.group
        report._ahead = (job.options.prefetch + 1) * self._group - 1
        self._taken = 0
        self._begun = 0  # batches that were submitted, including those that were received since
        self._pending: deque[Pending] = deque()  # groups of batches, in order
        self._ready: deque[Made] = deque()  # the rest of the last group
        self._lock = ForkLock()
        self._open = False
        self._has_ended = False  # was the end found of a data set that has no length?
        self._workers: Workers | None = None

    def _begin(self, workers: Callable[[], Workers], turn: tuple[int, int] | None = None) -> Iteration:
        """Submit its first batches.

        turn: (first, step): others make the rest of the epoch's batches, and this iteration only those of the numbers
            first, first + step, ... Its place is where its own next batch begins, and stays in the epoch when none is
            left, because the others may not be done.
        """
        self._is_part = turn is not None
        self._first, self._step = turn or (0, 1)
        self._batches = max(0, -(-(self._batches - self._first) // self._step))
        self._open = self._batches > 0
        self._move(0)
        self._began = perf_counter_ns()
        if self._open:
            self._use(workers())
            self._submit(self._options.prefetch)
        return self

    def _use(self, workers: Workers) -> None:
        self._workers, self._pid = workers, workers.pid
        self._end = weakref.finalize(self, workers.close)
        self._end.atexit = False  # pool.py ends the workers when the program ends

    def _submit(self, ahead: int) -> None:
        """Submit until `ahead` groups of batches are pending, or none is left."""
        assert self._workers is not None
        o, job = self._options, self._job
        while len(self._pending) < ahead and self._begun < self._batches:
            end = min(self._begun + self._group, self._batches)
            numbers = self._first + self._step * np.arange(self._begun, end, dtype=np.int64)
            places = (numbers[:, None] * o.batch_size + np.arange(o.batch_size)).ravel()
            places = places[places < self._share]
            self._pending.append(self._workers.submit(positions_of(o.part, places, self._start, job.count)))
            self._begun = end

    def __len__(self) -> int:
        """Batches left."""
        if self._job.count >= ENDLESS and not self._has_ended:
            raise TypeError("how many batches are left of a streamed data set is not known before its end")
        return self._batches - self._taken

    def state_dict(self) -> dict[str, Term]:
        """Where the next batch begins; `Stream.load_state_dict` continues there."""
        return self._place.state_dict()

    def __iter__(self) -> Iteration:
        return self

    def __next__(self) -> Batch:
        try:
            return self._take()
        finally:
            park_at_exit()

    def _take(self) -> Batch:
        with self._lock:
            try:
                while self._open:
                    batch = self._next()
                    if self._taken == self._batches:  # at once: a consumer that counts batches will not call again
                        self.close()
                        if batch is None:
                            self._check_any()
                    if batch is not None:
                        batch._schema = self._schema
                        return batch
            except (CancelledError, IndexError):
                if self._open:  # else another thread has closed it, and emptied what was read here
                    self.close()
                    raise
            except BaseException:  # a batch's error, or Ctrl-C while waiting
                self.close()
                raise
            if (
                self._taken == self._batches and not self._is_part
            ):  # the consumer wants another epoch, so other ranks are done, too
                self._place.epoch, self._place.position = self._epoch + 1, 0
        raise StopIteration

    def _next(self) -> Batch | None:
        """The next batch; None if all its samples were skipped."""
        if self._pid != os.getpid():  # forked: the child continues with threads of its own
            self._pending.clear()
            self._ready.clear()
            self._begun = self._taken
            self._use(WorkerPool(self._job))
        ahead, report = self._options.prefetch, self._report
        if not self._pending and not self._ready:
            self._submit(max(ahead, 1))
        asked = perf_counter_ns()
        if not self._ready:
            self._ready.extend(self._result(self._pending[0]))
            if not self._open:  # closed by another thread meanwhile
                raise CancelledError
            self._pending.popleft()
        made = self._ready.popleft()
        self._once.warn(made.work.findings)
        now = perf_counter_ns()
        if made.end is not None:
            self._end_here(made.end)
        self._move(1)
        report._waited += now - asked
        report._elapsed = now - self._began
        report.add(made.work)
        try:
            self._check_errors()
            self._submit(ahead)  # last, so that the consumer can free its batch before another one is allocated
        except BaseException:  # the consumer does not receive this batch
            self._move(-1)
            raise
        if made.batch is not None:
            report.batches += 1
            report.images += len(made.batch.indices)
        return made.batch

    def _end_here(self, count: int) -> None:
        """The next batch is the last one of a data set that had no length; it has so many samples."""
        if not count:
            raise InputError(NO_ROWS)
        self._job.has_ended(count)
        self._batches, self._has_ended = self._taken + 1, True
        self._pending.clear()

    def _result(self, pending: Pending) -> list[Made]:
        timeout = self._options.timeout
        try:
            return pending.result(timeout)
        except TimeoutError:
            if timeout is None or pending.done():  # a TimeoutError of a user's function or source
                return pending.result()
            assert self._workers is not None
            stuck = self._workers.stuck()
            self._workers.close(0)
            raise StreamTimeoutError(
                f"batch {self._taken} of epoch {self._epoch} has not come within timeout={timeout:g} seconds: {stuck}"
            ) from None
        finally:
            del pending  # otherwise the error, its traceback with this frame, and the future form a reference cycle

    def _check_errors(self) -> None:
        most, broken = self._options.max_errors, self._report._broken
        if most is not None and len(broken) > most:
            last = ": ".join(list(broken.items())[-1])
            raise SourceError(
                f"{len(broken)} broken files so far, over max_errors={most}; report() lists them; the last: {last}"
            )

    def _check_any(self) -> None:
        """`SourceError` if a whole epoch had no picture."""
        broken = self._report.skipped
        if broken and not self._report.images and not self._start and not self._is_part:
            first = ": ".join(broken[0])
            raise SourceError(f"no picture came through: {len(broken)} are broken; the first: {first}")

    def _move(self, batches: int) -> None:
        """Note where the next batch begins. After the last batch that any rank has, it is in the next epoch."""
        o, place = self._options, self._place
        self._taken += batches
        number = self._first + self._taken * self._step
        step = self._start + number * o.batch_size * o.part.ranks
        place.epoch, place.position = self._epoch, min(step, self._job.count)
        if self._is_part:
            return
        left = 0 if self._has_ended else self._job.count - place.position
        if self._taken == self._batches and not o.batches(left, rank=0):
            place.epoch, place.position = place.epoch + 1, 0

    def close(self) -> None:
        """End the iteration and its threads now. Dropping the iterator (a `break`, an exception) does the same."""
        self._open = False
        self._ready.clear()
        self._pending.clear()  # an error in it refers, by its traceback, to all frames up to the consumer's
        if self._workers is not None:
            self._end()
