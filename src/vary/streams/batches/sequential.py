"""`SequentialJob` makes the batches of one epoch of a source whose rows come in their order alone.

Rows are shuffled in windows: the positions 0 .. w - 1 of an epoch are the first w rows, in random order, and so on. So
a state with a position is enough to continue: rows before its window are skipped, and none of them is decoded.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from vary.errors import InputError, SourceError, brief
from vary.rng import permute
from vary.sample import Array
from vary.sources.streamed import Row, Streamed, Taken
from vary.streams.batch import Made
from vary.streams.batches.job import Job
from vary.streams.report import Work
from vary.streams.workers.threads import ForkLock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vary.streams.options import Arguments, Options
    from vary.streams.workers.pool import Executor

__all__ = ["check_in_order", "in_order"]

DIVIDE = "datasets.distributed.split_dataset_by_node(dataset, rank, ranks) gives each process its own rows"
WINDOW = 1000
"""Rows that are shuffled together, if shuffle_block_size= does not say how many. They are in memory, encoded."""


def check_in_order(given: Arguments) -> None:
    """`InputError` for keywords of `vary.stream` that need rows in any order."""
    for name, fits, cure in (
        ("order", given.order is None, "shuffle=True shuffles within windows"),
        ("weights", given.weights is None, "filter or interleave the data set itself"),
        ("repeat", given.repeat == 1, "views= varies a row several times"),
        ("cache", given.cache in (None, "auto"), "each epoch reads the rows anew"),
        ("on_error", given.on_error != "replace", 'on_error="skip" leaves broken pictures out'),
        ("shard", given.part.ranks == 1, DIVIDE),
    ):
        if not fits:
            raise InputError(
                f"{name}={brief(getattr(given, name))}: the rows of a streamed data set come once, in their own order; "
                f"{cure}, or load the data set with streaming=False"
            )


class Reader:
    """The rows of one epoch, by position. Threads share it: each takes the rows of a batch, and reads as many more, so
    that every batch waits for the same number of rows."""

    def __init__(self, source: Streamed, options: Options, epoch: int) -> None:
        self._source, self._epoch, self._seed = source, epoch, options.seed
        self._window = (options.shuffle_block_size or WINDOW) if options.shuffle else 1
        self._more = options.batch_size if options.drop_last else 1  # rows that are left if another batch comes
        self._lock = ForkLock()
        self._rows: dict[int, Row] = {}  # those that were read and not taken
        self._iterator: Iterator[Row] | None = None
        self._next = 0  # number of the next row to read
        self._count: int | None = None  # of rows, when the end was reached
        self._pid = os.getpid()

    def take(self, positions: Array) -> tuple[Array, dict[int, Row], int | None]:
        """(row numbers, rows, and how many rows the epoch has if no batch comes after this one). Positions past the end
        are left out."""
        with self._lock:
            try:
                return self._take(positions)
            except BaseException:  # the data set's iterator may be broken: another call begins it anew
                self._iterator = None
                raise

    def _take(self, positions: Array) -> tuple[Array, dict[int, Row], int | None]:
        size, first, end = self._window, int(positions[0]), int(positions[-1]) + 1
        need = max(-(-end // size) * size, end + self._more)
        start = first // size * size
        if self._iterator is None or self._pid != os.getpid():
            self._begin(start)
        self._read(max(need, min(self._next + len(positions), need + size)))
        numbers = self._numbers(positions if self._count is None else positions[positions < self._count])
        wanted = numbers.tolist()
        if any(one not in self._rows for one in wanted):  # they were taken before, by another process or a worker
            self._begin(start)
            self._read(need)
            if any(one not in self._rows for one in wanted):
                raise SourceError(f"the data set ended with row {self._next - 1}, and had more when it was read before")
        taken = {one: self._rows.pop(one) for one in wanted}
        for old in [one for one in self._rows if one < start - size - 4 * len(positions)]:  # others take them
            del self._rows[old]
        is_last = self._count is not None and end + self._more > self._count
        return numbers, taken, self._count if is_last else None

    def _numbers(self, positions: Array) -> Array:
        """The row numbers at positions of complete windows."""
        size, windows = self._window, positions // self._window
        if size == 1:
            return positions
        numbers = np.empty_like(positions)
        for window in set(windows.tolist()):
            inside, offset = windows == window, window * size
            rows = size if self._count is None else min(size, self._count - offset)
            name = f"window {window}"
            numbers[inside] = offset + permute(positions[inside] - offset, rows, self._seed, self._epoch, name)
        return numbers

    def _begin(self, start: int) -> None:
        """Read from this row on."""
        self._iterator, self._pid = self._source.rows(self._epoch, start), os.getpid()
        self._rows, self._next, self._count = {}, start, None

    def _read(self, end: int) -> None:
        """Read until row `end`, or the last one."""
        if self._count is not None or end <= self._next:
            return
        assert self._iterator is not None
        try:
            for row in islice(self._iterator, end - self._next):
                self._rows[self._next] = row
                self._next += 1
        except Exception as error:
            raise SourceError(
                f"row {self._next}: the data set cannot read on: {type(error).__name__}: {error}"
            ) from error
        if self._next < end:
            self._count = self._next


@dataclass(frozen=True)
class SequentialJob(Job):
    """The batches of one epoch, of rows that a reader takes."""

    reader: Reader | None = None
    group: ClassVar[int] = 1  # type: ignore[misc]

    def with_options(self, options: Options) -> Job:
        if options.part.ranks > 1:
            raise InputError(
                f"this is one of several processes, and each would read all of a streamed data set; {DIVIDE}"
            )
        return replace(self, options=options)

    def has_ended(self, count: int) -> None:
        assert isinstance(self.source, Streamed)
        self.source.count = count

    def make(self, positions: Array, executor: Executor) -> Made:
        assert self.reader is not None
        numbers, rows, end = self.reader.take(positions)
        if not rows or (self.options.drop_last and len(rows) < self.options.batch_size):
            return Made(None, Work(), end)
        repeats = np.zeros(len(numbers), np.int64)
        known = {one: getattr(self, one) for one in Job.__dataclass_fields__}
        known |= {"source": Taken(self.source, rows), "samples": lambda _: (numbers, repeats)}  # type: ignore[arg-type]
        return Job(**known).make(positions, executor)._replace(end=end)


def in_order(job: Job, source: Streamed) -> SequentialJob:
    """The same job, of rows that are read in their order."""
    known = {one: getattr(job, one) for one in Job.__dataclass_fields__}
    return SequentialJob(**known, reader=Reader(source, job.options, job.epoch))
