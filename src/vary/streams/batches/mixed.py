"""`MixedJob` makes the batches of one epoch of a mix. Each stream's own job makes a part; the parts are joined."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from vary.errors import InputError
from vary.plan.request import Output
from vary.rng import EPOCH_LIMIT
from vary.sample import Array
from vary.sources import path_of
from vary.streams.batch import Made, batch_of
from vary.streams.batches.job import EpochJob
from vary.streams.report import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vary.streams.batch import Batch
    from vary.streams.batches.job import Empty, Job
    from vary.streams.cache.memory import Store
    from vary.streams.options import Options
    from vary.streams.order.interleave import Interleave
    from vary.streams.stream import Stream
    from vary.streams.workers.pool import Executor

__all__ = ["MixedJob", "place_held", "rank_positions"]

JOBS = 4
"""Jobs that are kept for each stream: each of two batch workers may need those of two epochs, for a batch that contains
the end of one and the beginning of the next."""


class Part(NamedTuple):
    """The samples in a batch that are from one epoch of one stream."""

    stream: int
    epoch: int
    places: Array  # in the batch
    positions: Array  # in that epoch


@dataclass(frozen=True)
class MixedJob(EpochJob):
    """All batches of one epoch of a mix."""

    streams: Sequence[Stream]
    interleave: Interleave
    options: Options
    epoch: int
    count: int  # positions in the epoch
    empty: Empty | None = None  # allocates outputs; None: ordinary memory
    group: ClassVar[int] = 1  # type: ignore[misc]
    jobs: list[Callable[[int], Job]] = field(init=False)

    def __post_init__(self) -> None:
        jobs = [lru_cache(JOBS)(partial(_job_of, stream, number)) for number, stream in enumerate(self.streams)]
        object.__setattr__(self, "jobs", jobs)

    @property
    def held(self) -> int:
        """Bytes in all stores."""
        stores = [stream._store for stream in self.streams]
        return sum({place_held(store): store.held for store in stores if store is not None}.values())

    def with_options(self, options: Options) -> MixedJob:
        return replace(self, options=options)

    def make(self, positions: Array, executor: Executor) -> Made:
        """The batch at these positions, its samples in their order.

        In place of a skipped sample comes the next one of its stream.
        """
        work, made = Work(), []
        parts = list(self._parts(rank_positions(positions, self.options, self.count)))
        for part in parts:
            job = self.jobs[part.stream](part.epoch)
            if len(parts) == 1:
                job = replace(job, empty=self.empty)
            batch, spent, _ = job.make(part.positions, executor)
            name = f"streams[{part.stream}]"
            skipped = tuple(
                one if one.path[:7] != "sample " else one._replace(path=f"{one.path} of {name}")
                for one in spent.skipped
            )
            findings = tuple(one.of(name) for one in spent.findings)
            work = work.plus(spent._replace(skipped=skipped, findings=findings))
            if batch is not None:
                made.append((part, batch))
        return Made(self._joined(made) if made else None, work._replace(held=self.held))

    @property
    def is_remote(self) -> bool:
        return any(job(0).is_remote for job in self.jobs)

    def path(self, index: int, stream: int) -> str:
        return f"{self.jobs[stream](0).path(index)} of streams[{stream}]"

    def _parts(self, positions: Array) -> Iterator[Part]:
        """One for each stream and epoch. A stream's positions are counted over its epochs, so that all its samples come
        equally often."""
        which, numbers, cycles = self.interleave.members(self.epoch * self.count, positions)
        for number, (stream, ratio) in enumerate(zip(self.streams, self.interleave.ratios, strict=True)):
            places, count = np.flatnonzero(which == number), stream._count(0)
            begun, start = divmod(cycles * ratio, count)
            reached = numbers[places] + start
            epochs = ((reached // count + begun % EPOCH_LIMIT) % EPOCH_LIMIT).astype(np.int64)
            within = (reached % count).astype(np.int64)
            for epoch in np.unique(epochs).tolist():
                of_epoch = epochs == epoch
                yield Part(number, epoch, places[of_epoch], within[of_epoch])

    def _joined(self, made: list[tuple[Part, Batch]]) -> Batch:
        batches = [batch for _, batch in made]
        sizes = [len(batch.indices) for batch in batches]
        order = np.concatenate([part.places[:size] for (part, _), size in zip(made, sizes, strict=True)]).argsort()
        rows = np.split(order.argsort(), np.cumsum(sizes)[:-1])
        streams, epochs = np.array([part[:2] for part, _ in made], np.int64).repeat(sizes, axis=0)[order].T.copy()
        arrays = [self._field(number, made, rows) for number in range(len(batches[0]))]
        indices, views = (np.concatenate([getattr(b, name) for b in batches])[order] for name in ("indices", "views"))
        paths = [path for batch in batches for path in batch.paths or map("sample {}".format, batch.indices)]
        named = any(path_of(stream.source, 0) is not None for stream in self.streams)
        found = [paths[place] for place in order] if named else None
        return batch_of(
            arrays,
            batches[0].fields,
            indices=indices,
            views=views,
            epoch=self.epoch,
            paths=found,
            streams=streams,
            epochs=epochs,
        )

    def _field(self, number: int, made: list[tuple[Part, Batch]], rows: list[Array]) -> Array:
        """The arrays of one field as one, each with its rows."""
        arrays = [batch[number] for _, batch in made]
        if len(arrays) == 1:
            return arrays[0]
        first = arrays[0]
        for (part, _), array in zip(made, arrays, strict=True):
            if array.shape[1:] != first.shape[1:]:
                name, one, other = made[0][1].fields[number], made[0][0].stream, part.stream
                raise InputError(
                    f"{name} of a batch must come out in one size, but those of streams[{one}] are {first.shape[1:]} "
                    f"and those of streams[{other}] {array.shape[1:]}; put the same "
                    "Resize(height, width) into each policy"
                )
        stream = self.streams[made[0][0].stream]
        joined = self._empty(stream, number, (sum(map(len, arrays)), *first.shape[1:]), first.dtype)
        for array, at in zip(arrays, rows, strict=True):
            joined[at] = array
        return joined

    def _empty(self, stream: Stream, number: int, shape: tuple[int, ...], dtype: np.dtype) -> Array:
        """An array for a field: for pictures, allocated as this stream allocates them."""
        specs, o = stream._specs, stream.options
        if number >= len(specs):
            return np.empty(shape, dtype)
        spec, runner = specs[number]
        if runner.size is not None:
            return runner.empty(shape[0] * spec.views, Output(0, o.output, o.layout, empty=self.empty)).reshape(shape)
        return np.empty(shape, dtype) if self.empty is None else self.empty(shape, dtype.name)


def place_held(store: Store) -> object:
    """A value that is equal for stores with the same folder, so that their bytes are counted once."""
    return getattr(store, "folder", id(store))


def _job_of(stream: Stream, number: int, epoch: int) -> Job:
    job = stream._job(epoch)
    if job.count != stream._count(0):
        raise InputError(
            f"streams[{number}] has {job.count} samples in epoch {epoch} and {stream._count(0)} in epoch 0; in a mix, "
            "order= has to give equally many in every epoch"
        )
    return replace(job, number=number)


def rank_positions(positions: Array, options: Options, count: int) -> Array:
    """Divides the positions that all ranks use in one step in another way: a rank gets neighbouring ones instead of
    every `ranks`-th one.

    Streams alternate, so every second position might belong to one stream. With neighbours, each rank's batch has the
    streams by ratio, and all ranks together have the same samples.
    """
    (rank, ranks), n = options.part, len(positions)
    if ranks == 1:
        return positions
    step = (int(positions[0]) - rank) % count  # where the step begins
    before = rank * n  # positions of the ranks before this one
    if options.uneven == "keep":  # some ranks may have one more
        share, more = divmod(min(count - step, options.batch_size * ranks), ranks)
        before = rank * share + min(rank, more)
    return (step + before + np.arange(n)) % count
