"""What can be iterated again and again: each time an epoch of batches."""

from __future__ import annotations

import operator
import sys
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from vary.errors import SourceError
from vary.guidance import guided, missing_attribute
from vary.plan.findings import WarnOnce
from vary.rng import EPOCH_LIMIT, check_address
from vary.streams import keras
from vary.streams.batches.task import Inline
from vary.streams.iteration import Iteration
from vary.streams.notebook import preview_of, row_png
from vary.streams.options import Options, whole
from vary.streams.report import Tally
from vary.streams.state import Place, read_state
from vary.streams.workers.pool import Threads
from vary.streams.workers.process.client import Line, Side, copy_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vary.display.fields import BatchSchema
    from vary.display.preview import Preview
    from vary.streams.batch import Batch, Made
    from vary.streams.batches.task import Empty
    from vary.streams.report import Report
    from vary.streams.state import Term
    from vary.streams.workers.pool import Job, WorkerPool

__all__ = ["Epochs"]

KEYWORDS = frozenset({one.name for one in fields(Options)} | {"labels", "weights", "classes"})
"""Keywords of `vary.stream`. They cannot be set on a stream, because that would change nothing."""
FIXED = frozenset({"source", "policy", "options"})
"""Attributes of a stream that cannot be set either."""


class Epochs:
    """Abstract: what `vary.stream` and `vary.mix` return has in common.

    The n-th `iter()` is epoch n, counted from 0, whether or not the one before was finished. Several iterations may be
    under way at once. Between them it is plain data, which pickles; it holds no thread and no file, only batches of
    the next epoch that are ready, and with process=True the process that makes them.
    """

    options: Options

    def __init__(self, options: Options, count: int, terms: Mapping[str, Term]) -> None:
        """
        count: positions in an epoch.
        terms: what must be equal for an epoch to go on the same.
        """
        self.options = options
        self.once = WarnOnce()  # for all iterations together
        self._count = count
        self._next = Place(0, 0, terms)
        self._latest: Place | keras.Feed = self._next
        self._feed: keras.Feed | None = None
        self._tally = Tally()
        self._ahead: Iteration | None = None
        self._side: Side | None = None

    def job(self, epoch: int, empty: Empty | None = None) -> Job:
        """What makes the batches of this epoch. empty: where, if not in memory like any."""
        raise NotImplementedError

    @property
    def schema(self) -> BatchSchema:
        """The meaning of the arrays of its batches."""
        raise NotImplementedError

    def _new_tally(self, epoch: int) -> Tally:
        raise NotImplementedError

    def refresh(self) -> None:
        """Before an epoch."""

    @property
    def fields(self) -> tuple[str, ...]:
        """What a batch holds, in order."""
        raise NotImplementedError

    @property
    def count(self) -> int:
        """Positions in an epoch."""
        return self._count

    @property
    def terms(self) -> Mapping[str, Term]:
        """What must be equal for an epoch to go on the same."""
        return self._next.terms

    @property
    def epoch(self) -> int:
        """Of the next iteration."""
        return self._next.epoch

    @guided("train.set_epoch", leads=False)
    def set_epoch(self, epoch: int) -> None:
        """Make the next iteration this epoch, from its beginning; later ones count on from it."""
        epoch = whole("epoch", epoch, 0)
        check_address(self.options.seed, epoch)
        self._next = self._latest = replace(self._next, epoch=epoch, position=0)

    def state_dict(self) -> dict[str, int | str]:
        """Where the latest iteration's next batch begins: epoch and position, and what a stream must share to go on.

        Numbers and words only, under 1 KB. It counts what was handed over, on all ranks, and nothing that is ahead.
        """
        return self._latest.state_dict()

    @guided("train.load_state_dict", leads=False)
    def load_state_dict(self, state: Mapping[str, int | str]) -> None:
        """Make the next iteration go on where `state_dict` was called; the one after it is the next epoch.

        batch_size, shard, threads and prefetch may be others. `InputError` names what else is not as it was.
        """
        self._next = self._latest = read_state(state, self._next.terms, self._count)

    def __len__(self) -> int:
        """Batches an epoch, of this rank; `len(iterator)` is how many are left of it."""
        return self.options.batches(self._count)

    def __iter__(self) -> Iteration:
        begins, pool = self._next, self._hire()
        check_address(self.options.seed, begins.epoch)
        ahead, self._ahead = self._ahead, None
        if ahead is None or not ahead.is_for(begins):
            if ahead is not None:
                ahead.close()
            ahead = self._iteration(begins)
        self._next = replace(begins, epoch=begins.epoch + 1, position=0)
        self._latest, self._tally = ahead.place, ahead.tally
        return ahead.begin(pool)

    def peek(self) -> Batch:
        """The first batch of the next iteration. `epoch`, `state_dict` and `report` do not change.

        The next `for` begins with the same batch. `SourceError` where every file of that epoch is broken.
        """
        return self._peeked(self.options.batch_size)

    def first(self, most: int) -> Made:
        """At most `most` samples of the batch that `peek` gives, reading only their files (and broken ones before
        them).

        It does not warn, because showing a stream in a prompt or a notebook should have no effects.
        """
        options = self.options
        size = options.batch_size if options.shard else min(most, options.batch_size)  # ranks share out whole batches
        for first in range(0, options.share(self._count - self._next.position), size):
            made = self._made(first, size)
            if made.batch is not None:
                return made
        raise SourceError("all files of this epoch are broken; run an epoch, and report() lists them")

    def _batch_at(self, number: int) -> Batch | None:
        """Batch `number` of the next iteration; None if all its files are skipped, or the iteration has fewer."""
        first, size = number * self.options.batch_size, self.options.batch_size
        if first >= self.options.share(self._count - self._next.position):  # what is left is shorter than an epoch
            return None
        made = self._made(first, size)
        self.once.warn(made.work.findings)
        return made.batch

    def _made(self, first: int, most: int) -> Made:
        """At most `most` samples of the next iteration, from its sample `first` on."""
        options, position = self.options, self._next.position
        check_address(options.seed, self.epoch)
        places = np.arange(first, min(first + most, options.share(self._count - position)), dtype=np.int64)
        made = self.job(self.epoch).make(options.part.positions(places, position, self._count), Inline())
        if made.batch is not None:
            made.batch._schema = self.schema
        return made

    def _peeked(self, most: int) -> Batch:
        """The batch of `first`, with the warnings that it left out."""
        made = self.first(most)
        assert made.batch is not None
        self.once.warn(made.work.findings)
        return made.batch

    def preview(self, n: int = 24) -> Preview:
        """The first samples of the next epoch, at most `n`, as training gets them, with their labels and files.

        A notebook shows the result, `.save(path)` writes it. Values are shown on a fixed scale, which is stated. With
        several views or policies, each row is a sample. `epoch`, `state_dict` and `report` do not change. It raises the
        errors of `peek`.
        """
        n = whole("n", n, 1)
        return preview_of(self, self._peeked(n), n)

    def _repr_png_(self) -> bytes | None:
        return row_png(self)

    def _iteration(self, begins: Place) -> Iteration:
        self.refresh()
        job, tally = self.job(begins.epoch), self._new_tally(begins.epoch)
        return Iteration(self, job, replace(begins), tally, self.schema)

    def _hire(self) -> WorkerPool:
        """Who makes the batches of an iteration."""
        if not self.options.process:
            return Threads(self.options.makers, self.options.each)
        if self._side is None or not self._side.is_alive:
            self._side = Side(copy_of(self))
        return Line(self._side)

    def _follow(self) -> Iteration | None:
        """The next iteration, to be begun by the one that is under way."""
        return self._iteration(self._next) if self._next.epoch < EPOCH_LIMIT else None

    def _keep_next(self, iteration: Iteration) -> None:
        """What `_follow` gave, with its first batches made: kept if it is still what comes next."""
        if self._ahead is not None or not iteration.is_for(self._next):
            iteration.close()
        else:
            self._ahead = iteration

    def close(self) -> None:
        """Let go of what is ready of the next epoch, and end the process of process=True. It can be iterated again."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.close()
        if isinstance(self._latest, keras.Feed):
            self._latest = self._latest.place
        self._feed = None
        side, self._side = self._side, None
        if side is not None:
            side.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def report(self) -> Report:
        """What the last iteration has cost so far, and what limits it."""
        return self._tally.report()

    if not TYPE_CHECKING:  # else a type checker would accept every name

        def __getattr__(self, name: str) -> Any:
            raise missing_attribute(self, name, "stream")

    def __setattr__(self, name: str, value: object) -> None:
        if name in KEYWORDS:
            raise AttributeError(f"a stream keeps its {name}; make a new one: vary.stream(..., {name}={value!r})")
        if name == "epoch":
            raise AttributeError(f"the epoch is set by set_epoch({value!r})")
        if name in FIXED and name in self.__dict__:
            raise AttributeError(f"a stream keeps its {name}; make a new one: vary.stream(source, policy)")
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        latest = self._latest.place if isinstance(self._latest, keras.Feed) else self._latest
        return self.__dict__ | {"_ahead": None, "_side": None, "_feed": None, "_latest": latest}

    def __reduce__(self) -> tuple[Any, ...]:  # pickle's own way fails if __class__ is not the type
        return _blank, (type(self),), self.__getstate__()

    # The methods of a PyDataset, for Keras: see keras.py.

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            return keras.class_seen(type(self))

    workers, use_multiprocessing, max_queue_size = 1, False, 1  # the stream has threads of its own

    @property
    def num_batches(self) -> int:
        feed = self._feed
        return feed.total if feed is not None and feed.is_open and not feed.given else len(self)

    def on_epoch_begin(self) -> None:
        keras.begin(self, sys._getframe(1))

    def on_epoch_end(self) -> None:
        keras.end(self, sys._getframe(1))

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        """Only for Keras, in `model.fit(stream)`: (x, y) of the next batch, or of another one to learn its shape."""
        if not keras.is_keras(sys._getframe(1)):
            raise TypeError(
                "a stream has no batches by number: `for batch in stream` goes through an epoch, peek() gives the first"
            )
        number = operator.index(number)
        if not 0 <= number < len(self):
            raise IndexError(f"{number}: an epoch has {len(self)} batches")
        batch = self._feed.batch(self, number) if self._feed is not None and self._feed.is_open else None
        return keras.packed(batch or self._batch_at(number) or self.peek(), len(self.schema.pictures))


def _blank(kind: type[Epochs]) -> Epochs:
    return kind.__new__(kind)
