"""`Epochs`, the base of `Stream` and `Mixed`: each `iter()` is an epoch. Begins iterations, saves and loads states."""

from __future__ import annotations

import dataclasses
import operator
import sys
from copy import copy
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np

from vary.errors import NO_ROWS, InputError, SourceError, StreamTimeoutError
from vary.guidance import guided, missing_attribute
from vary.plan.findings import WarnOnce
from vary.rng import check_address
from vary.streams import keras
from vary.streams.iteration import Iteration, positions_of
from vary.streams.notebook import preview_of, row_png
from vary.streams.options import Arguments, Options, whole
from vary.streams.report import Report
from vary.streams.state import Place, read_state
from vary.streams.workers.pool import Inline, WorkerPool, park_at_exit
from vary.streams.workers.process.client import Process
from vary.streams.workers.threads import ForkLock, in_a_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vary.display.fields import BatchSchema
    from vary.display.preview import Preview
    from vary.streams.batch import Batch, Made, Specs
    from vary.streams.batches.job import Empty, EpochJob
    from vary.streams.state import Term
    from vary.streams.workers.pool import Workers

__all__ = ["Epochs"]

FIXED = frozenset({"source", "policy", "options"})
"""Attributes of a stream that are set once."""
KEYWORDS = frozenset(one.name for one in dataclasses.fields(Arguments)) - FIXED
"""Keywords of `vary.stream`. They cannot be set on a stream, because that would change nothing."""


class Epochs:
    """Abstract: the common part of `Stream` and `Mixed`.

    The n-th `iter()` is epoch n, counted from 0, even if the one before was not finished. Several iterations may run at
    once, in several threads. Between iterations it is plain data, which can be pickled; it has no threads and no open
    files, and only with process=True a process, which makes the batches.
    """

    options: Options

    def __init__(self, options: Options, terms: Mapping[str, Term]) -> None:
        """terms: values that must be equal in a saved state, so that it can be loaded."""
        self.options = options
        self._once = WarnOnce()  # for all iterations together
        self._lock = ForkLock()  # guards the attributes below
        self._next = Place(0, 0, terms)
        self._latest: Place | keras.Feed = self._next
        self._feed: keras.Feed | None = None
        self._last_report: Report | None = None
        self._process: Process | None = None

    def _job(self, epoch: int, empty: Empty | None = None) -> EpochJob:
        """The job that makes the batches of this epoch. empty: allocates outputs; None: ordinary memory."""
        raise NotImplementedError

    def _count(self, epoch: int) -> int:
        """Positions in this epoch."""
        raise NotImplementedError

    def _schema(self) -> BatchSchema:
        """How to show the arrays of its batches."""
        raise NotImplementedError

    def _new_report(self, epoch: int) -> Report:
        raise NotImplementedError

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of a batch's arrays, in order."""
        raise NotImplementedError

    @property
    def element_spec(self) -> Specs:
        """A batch with an `ArraySpec`, `.shape` and `.dtype`, in place of each array; no picture is decoded.

        None in a shape: it differs between batches, such as the size of the last one, or depends on files or draws.
        """
        raise NotImplementedError

    def _batch_length(self) -> int | None:
        """Samples in each batch; None where they differ."""
        o, begins = self.options, self._next
        if o.drop_last and o.on_error != "skip":
            return o.batch_size
        shares = self._left(begins), o.share(self._count(begins.epoch))
        is_same = o.on_error != "skip" and not self._counts_differ() and not any(n % o.batch_size for n in shares)
        return o.batch_size if is_same else None

    def _counts_differ(self) -> bool:
        """May epochs have different numbers of samples?"""
        return False

    @property
    def epoch(self) -> int:
        """The number of the next iteration's epoch."""
        return self._next.epoch

    @guided("train.set_epoch", suggest=False)
    def set_epoch(self, epoch: int) -> None:
        """Make the next iteration this epoch, from its beginning; later ones count on from it."""
        epoch = whole("epoch", epoch, 0)
        check_address(self.options.seed, epoch)
        with self._lock:
            self._next = self._latest = replace(self._next, epoch=epoch, position=0)

    def state_dict(self) -> dict[str, int | str]:
        """Where the next batch of the latest iteration begins: epoch and position, and values by which
        `load_state_dict` recognises the same stream.

        Numbers and words only, under 1 KB. Batches that the consumer received count, on all ranks; those ahead do not.
        """
        return self._latest.state_dict()

    @guided("train.load_state_dict", suggest=False)
    def load_state_dict(self, state: Mapping[str, int | str]) -> None:
        """Make the next iteration continue where `state_dict` was called; the one after it is the next epoch.

        batch_size, shard, threads and prefetch may be different. Any other difference is an `InputError` that names it.
        """
        found = read_state(state, self._next.terms, self._count)
        with self._lock:
            self._next = self._latest = found

    def __len__(self) -> int:
        """Batches in the next epoch, on this rank. (`len(iterator)` is the number of batches that are left.)

        With on_error="skip" there may be fewer: a batch whose files are all broken is left out. `TypeError` for a data
        set that is streamed, whose end is not known.
        """
        return self.options.batches(self._known_count(self.epoch))

    def _known_count(self, epoch: int) -> int:
        """Positions in this epoch; `TypeError` if that is not known before its end."""
        return self._count(epoch)

    def __iter__(self) -> Iteration:
        try:
            return self._begin()
        finally:
            park_at_exit()

    def _begin(self, options: Options | None = None, turn: tuple[int, int] | None = None) -> Iteration:
        """The next iteration. options: others than the stream's, for this one. turn: see `Iteration._begin`."""
        while True:
            epoch = self._next.epoch
            check_address(self.options.seed, epoch)
            job, report, schema = self._prepared_epoch(epoch)  # without the lock: it may call a user's functions
            if options is not None:
                job = job.with_options(options)
            with self._lock:
                if self._next.epoch == epoch:  # else another thread has begun it
                    return self._started(job, report, schema, turn)

    def _started(self, job: EpochJob, report: Report, schema: BatchSchema, turn: tuple[int, int] | None) -> Iteration:
        """The next iteration, under the lock."""
        begins = self._next
        if not begins.position and not job.options.batches(job.count, rank=0):
            cure = "take drop_last=False or a smaller batch_size"
            raise InputError(f"epoch {begins.epoch} has {job.count} samples, for no batch; {cure}")
        place = replace(begins)
        iteration = Iteration(job, place, report, schema, self._once)
        iteration._begin(lambda: self._workers(job), turn)
        self._next = replace(begins, epoch=begins.epoch + 1, position=0)
        self._latest, self._last_report = place, report
        return iteration

    def _prepared_epoch(self, epoch: int) -> tuple[EpochJob, Report, BatchSchema]:
        """Job, report and schema for an iteration of this epoch; `StreamTimeoutError` after `timeout=` seconds."""

        def prepare() -> tuple[EpochJob, Report, BatchSchema]:
            return self._job(epoch), self._new_report(epoch), self._schema()

        timeout = self.options.timeout
        if timeout is None:
            return prepare()
        future = in_a_thread(prepare, "vary-prepare")
        try:
            return future.result(timeout)
        except TimeoutError:
            if future.done():  # it is an error of a user's function or source
                return future.result()
            raise StreamTimeoutError(
                f"epoch {epoch} has not begun within timeout={timeout:g} seconds: {self._preparing()}"
            ) from None

    def _preparing(self) -> str:
        """What is being done before the epoch can begin, in words, for the error of a timeout."""
        raise NotImplementedError

    def _with(self, **options: Any) -> Self:  # `Any`: each option has a type of its own
        """The same stream with other options about batches, and with epochs of its own."""
        made = copy(self)
        vars(made)["options"] = replace(self.options, **options)
        return made

    def _workers(self, job: EpochJob) -> Workers:
        if not job.options.process:
            return WorkerPool(job)
        if self._process is None or not self._process.is_alive or self._process.part != job.options.part:
            self._process = Process(self._with(shard=job.options.shard))
        return self._process.workers(job)

    @guided("train.batches", suggest=False)
    def batches(self, epochs: int | None = None) -> Iterator[Batch]:
        """The batches of `epochs` epochs, one after the other; None: without an end, for loops that count steps.

        Threads may share the iterator. `state_dict()` of the stream has its position.
        """
        return Batches(self, None if epochs is None else whole("epochs", epochs, 0, ", or None: without an end"))

    def peek(self) -> Batch:
        """The first batch of the next iteration. `epoch`, `state_dict` and `report` do not change.

        The next `for` begins with the same batch. `SourceError` if every file of that epoch is broken.
        """
        return self._first(self.options.batch_size)

    def _first(self, most: int, warn: bool = True) -> Batch:
        """At most `most` samples of the batch that `peek` returns. Only their files are read, and broken ones before
        them.

        warn: False to show a stream in a prompt or a notebook, which should have no effects.
        """
        options, begins = self.options, self._next
        # with ranks, the samples of a batch depend on its size
        size = options.batch_size if options.shard else min(most, options.batch_size)
        left = self._left(begins)
        for first in range(0, left, size):
            made = self._made(begins, first, size, warn)
            if made is not None and made.batch is not None:
                return made.batch
            if made is not None and made.end is not None:
                if not made.end:
                    raise InputError(NO_ROWS)
                break
        if not left:
            raise InputError(
                f"this rank has had all its batches of epoch {begins.epoch}; for the next epoch's: "
                f"set_epoch({begins.epoch + 1})"
            )
        raise SourceError("all files of this epoch are broken; run an epoch, and report() lists them")

    def _left(self, begins: Place) -> int:
        """Samples of an iteration that begins there, on this rank."""
        return self.options.share(self._count(begins.epoch) - begins.position)

    def _batch_at(self, number: int) -> Batch | None:
        """Batch `number` of the next iteration; None if all its files are skipped, or the iteration has fewer."""
        size = self.options.batch_size
        made = self._made(self._next, number * size, size)
        return None if made is None else made.batch

    def _made(self, begins: Place, first: int, most: int, warn: bool = True) -> Made | None:
        """At most `most` samples of an iteration that begins there, from its sample `first` on; None if there are
        none."""
        options = self.options
        check_address(options.seed, begins.epoch)
        places = np.arange(first, min(first + most, self._left(begins)), dtype=np.int64)
        if not len(places):  # what is left is shorter than an epoch
            return None
        job = self._job(begins.epoch)
        (made,) = job.batches(positions_of(options.part, places, begins.position, job.count), Inline())
        if made.batch is not None:
            made.batch._schema = self._schema()
        if warn:
            self._once.warn(made.work.findings)
        return made

    def preview(self, n: int = 24) -> Preview:
        """The first samples of the next epoch, at most `n`, as training gets them, with their labels and files.

        A notebook shows the result, `.save(path)` writes it. Values are shown on a fixed scale, which is stated below.
        With several views or policies, each row is a sample. `epoch`, `state_dict` and `report` do not change. Raises
        the errors of `peek`.
        """
        n = whole("n", n, 1)
        return preview_of(self, self._first(n), n)

    def _repr_png_(self) -> bytes | None:
        return row_png(self)

    def close(self) -> None:
        """End the process of process=True. The stream can be iterated again."""
        with self._lock:
            if isinstance(self._latest, keras.Feed):
                self._latest = self._latest.place
            self._feed = None
            process, self._process = self._process, None
        if process is not None:
            process.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def report(self) -> Report:
        """The times and memory of the last iteration so far, and what limits its speed. Before the first iteration, it
        has only threads and cache."""
        report = self._last_report or self._new_report(self.epoch)
        return report.copy(self._cache_limit())

    def _cache_limit(self) -> int:
        """Bytes that the cache may hold now."""
        raise NotImplementedError

    if not TYPE_CHECKING:  # with this method, a type checker would accept every name

        def __getattr__(self, name: str) -> NoReturn:
            raise missing_attribute(self, name, "stream")

    def __setattr__(self, name: str, value: object) -> None:
        if name in KEYWORDS:
            raise AttributeError(f"a stream keeps its {name}; make a new one: vary.stream(..., {name}={value!r})")
        if name == "epoch":
            raise AttributeError(f"the epoch is set by set_epoch({value!r})")
        if name in FIXED and name in self.__dict__:
            raise AttributeError(f"a stream keeps its {name}; make a new one: vary.stream(source, policy)")
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, object]:
        latest = self._latest.place if isinstance(self._latest, keras.Feed) else self._latest
        return self.__dict__ | {"_process": None, "_feed": None, "_latest": replace(latest)}  # iterations change it

    def __reduce__(self) -> tuple[object, ...]:  # the default fails, because __class__ may differ from the type
        return _without_init, (type(self),), self.__getstate__()

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

    def __getitem__(self, number: int) -> tuple[object, ...]:
        """Only for Keras, in `model.fit(stream)`: (x, y) of the next batch, or of another one to learn its shape."""
        if not keras.is_keras(sys._getframe(1)):
            raise TypeError(
                "a stream has no batches by number: `for batch in stream` goes through an epoch, peek() gives the first"
            )
        pictures = sum(not one.masks for one in self._schema().pictures)
        return keras.packed(self._batch_for_keras(number), pictures)

    def _batch_for_keras(self, number: int, most: float | None = None) -> Batch:
        """most: the number of batches, if they are of several epochs."""
        number, count = operator.index(number), len(self)
        if not 0 <= number < (count if most is None else most):
            raise IndexError(f"{number}: an epoch has {count} batches")
        batch = self._feed.batch(self, number) if self._feed is not None and self._feed.is_open else None
        return batch or self._batch_at(number % count) or self.peek()

    def as_keras(self) -> Self:
        """The stream itself: Keras 3.8 or newer takes it as it is, as training and validation data on each backend.

            model.fit(train.as_keras(), validation_data=validation.as_keras(), epochs=20)

        Keras is not imported. `InputError` if an older version of it was imported, which cannot use a stream.
        """
        keras.check_version()
        try:
            len(self)
        except TypeError as error:
            raise InputError(
                f"Keras needs the number of batches of an epoch: {error}; or take model.fit(train.as_tf()), or "
                "model.fit(train.batches(), steps_per_epoch=...)"
            ) from None
        return self

    # The frameworks' modules are imported by name, when they are asked for: they are made of streams, not the reverse.

    def as_torch(self) -> Any:  # of torch, which may be absent; below as well
        """An `IterableDataset` of PyTorch, of whole batches: named tuples of tensors, for loops and for DataLoaders.

            for images, labels in train.as_torch(): ...
            loader = DataLoader(train.as_torch(), batch_size=None, num_workers=4, persistent_workers=True)

        Images are (n, channels, height, width) in channels_last memory, without a copy; labels are int64. Each `iter`
        is an epoch. In torch.distributed, each rank has its share. `ImportError` without PyTorch.
        """
        return import_module("vary.frameworks.torch").TorchBatches(self)

    def as_jax(self, sharding: object = None) -> Any:
        """An iterable of whole batches for JAX: named tuples of `jax.Array`.

            for batch in train.as_jax(): weights = step(weights, batch)

        sharding: a `jax.sharding.Sharding` of the arrays over devices; None: the default device. With
        jax.distributed, each process has its share of the samples. Each `iter` is an epoch. `ImportError` without JAX.
        """
        return import_module("vary.frameworks.jax").JaxBatches(self, sharding)

    def as_tf(self) -> Any:
        """A `tf.data.Dataset` of whole batches: named tuples of tensors, with a static element_spec.

            model.fit(train.as_tf(), epochs=20)

        Each iteration is an epoch. `ImportError` without TensorFlow.
        """
        return import_module("vary.frameworks.tensorflow").dataset_of(self)


def _without_init(kind: type[Epochs]) -> Epochs:
    return kind.__new__(kind)


class Batches:
    """The iterator of `Epochs.batches`. It ends with an error, as an epoch's iterator does."""

    def __init__(self, epochs: Epochs, left: int | None) -> None:
        self._epochs, self._left = epochs, left
        self._iteration: Iteration | None = None
        self._closed = False
        self._lock = ForkLock()

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> Batch:
        with self._lock:
            try:
                while not self._closed:
                    if self._iteration is None and self._left == 0:
                        break
                    if self._iteration is None:
                        self._iteration = iter(self._epochs)
                        self._left = None if self._left is None else self._left - 1
                    for batch in self._iteration:
                        return batch
                    self._iteration = None
            except BaseException:
                self.close()
                raise
        raise StopIteration

    def close(self) -> None:
        """End it now, as `Iteration.close`."""
        self._closed = True
        iteration = self._iteration
        if iteration is not None:
            iteration.close()
