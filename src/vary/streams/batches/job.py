"""`Job` makes the batches of one epoch of a stream: positions -> samples -> pictures and labels -> batch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from vary.elements import ELEMENTS
from vary.errors import stop_iteration_error
from vary.plan.infer import output_dtype, output_size
from vary.sample import Array
from vary.sources import Adapted, Arrays, path_of, reads_for_labels, said_path, whole_of
from vary.streams.batch import LazyPaths, Made, batch_of, labels_of
from vary.streams.batches.failures import left_out, replaced
from vary.streams.batches.fetch import size_of
from vary.streams.batches.render import render
from vary.streams.views import fields_of, views_of

if TYPE_CHECKING:
    from vary.plan.findings import Finding
    from vary.plan.runner import Runner
    from vary.plan.watch import Watch
    from vary.sources import Indexed
    from vary.streams.batches.masks import Masks
    from vary.streams.cache.memory import Store
    from vary.streams.onehot import OneHot
    from vary.streams.options import Options
    from vary.streams.views import ViewSpec
    from vary.streams.workers.pool import Executor

__all__ = ["Empty", "EpochJob", "Job"]

Empty = Callable[[tuple[int, ...], str], Array]
"""(shape, dtype) -> an uninitialised array for outputs."""

GROUP_BYTES, GROUP_BATCHES, ALIGNED = 8 << 20, 16, 64
"""Small batches are made as a group: one large batch that is then divided. A group has at most `GROUP_BYTES` and
`GROUP_BATCHES`, and each batch must begin at a multiple of `ALIGNED` bytes. Waking a thread, and loading its code and
data into caches that the training uses, takes more time than making a small batch."""


class EpochJob:
    """Abstract: makes the batches of one epoch from their positions. Immutable; threads share it."""

    epoch: int
    options: Options
    count: int  # positions in the epoch
    group: int  # how many neighbouring batches are best made at once

    @property
    def is_remote(self) -> bool:
        """Are some of the pictures at URLs?"""
        raise NotImplementedError

    def make(self, positions: Array, executor: Executor) -> Made:
        """The batch at these positions, (n,) int64."""
        raise NotImplementedError

    def path(self, index: int, stream: int) -> str:
        """The name of a sample in messages. stream: its number in a mix, else 0."""
        raise NotImplementedError

    def has_ended(self, count: int) -> None:
        """Learn how many samples an epoch has whose length was not known."""

    def with_options(self, options: Options) -> EpochJob:
        """The same job with other options about ranks and threads."""
        raise NotImplementedError

    def batches(self, positions: Array, executor: Executor) -> list[Made]:
        """The batches at these positions: several, if there are more positions than `batch_size`."""
        try:
            return self.make(positions, executor).parts(self.options.batch_size)
        except StopIteration as error:  # in an iterator, it would end the epoch as if it were complete
            raise stop_iteration_error("a source, policy or function of the stream") from error


@dataclass(frozen=True)
class Job(EpochJob):
    """All batches of one epoch of a stream."""

    source: Indexed
    specs: tuple[tuple[ViewSpec, Runner], ...]
    options: Options
    epoch: int
    count: int
    samples: Callable[[Array], tuple[Array, Array]]  # see `Samples.samples`
    max_repeats: int  # see `Samples.max_repeats`
    encoded: bool  # are the pictures files, rather than arrays?
    store: Store | None = None  # cache of decoded files
    eligible: Array | None = None  # indices that may replace broken ones, ascending; None: all
    empty: Empty | None = None  # allocates outputs; None: ordinary memory
    watches: tuple[Watch, ...] = ()  # one for each of `specs`
    number: int = 0  # of its stream, in a mix
    masks: Masks | None = None  # of the images in `source`
    one_hot: OneHot | None = None  # of its class ids; None: labels as the source has them

    @property
    def is_remote(self) -> bool:
        return getattr(whole_of(self.source)[0], "remote", False) is True

    def with_options(self, options: Options) -> Job:
        return replace(self, options=options)

    def make(self, positions: Array, executor: Executor) -> Made:
        indices, repeats = self.samples(positions)
        done = render(self, indices, repeats, executor)
        work = done.work
        if done.errors:
            work = work._replace(skipped=left_out(self, indices, done.errors))
            if self.options.on_error == "replace":
                indices, repeats = indices.copy(), repeats.copy()
                done, work = replaced(self, indices, repeats, done, work, executor)
        work = work._replace(findings=self.findings)
        if self.store is not None:
            work = work._replace(held=self.store.held, cache_error=self.store.error)
        if not len(done.places):
            return Made(None, work)
        indices, repeats = indices[done.places], repeats[done.places]
        arrays = (*done.fields, *self._labels(indices))
        paths = None if path_of(self.source, int(indices[0])) is None else LazyPaths(self._file, indices.copy())
        batch = batch_of(
            arrays,
            self.fields,
            indices=indices,
            views=repeats * self.views,
            epoch=self.epoch,
            paths=paths,
            streams=None,
            epochs=None,
        )
        return Made(batch, work._replace(batch=sum(map(size_of, arrays))))

    def _file(self, index: int) -> str:
        return path_of(self.source, index) or f"sample {index}"

    def _labels(self, indices: Array) -> tuple[Array, ...]:
        return labels_of(self.source, indices, self.one_hot)

    @property
    def group(self) -> int:  # type: ignore[override]
        whole, o = self.whole, self.options
        if (
            whole is None
            or self.masks is not None
            or o.on_error != "raise"
            or o.prefetch == 0
            or reads_for_labels(self.source)
        ):
            return 1
        index, _ = self.samples(np.zeros(1, np.int64))
        labels = sum(column.nbytes for column in self._labels(index))
        inputs, outputs = o.batch_size * (whole.nbytes // len(whole)), o.batch_size * labels
        for spec, runner in self.specs:
            t = runner.template
            size = output_size(t, whole.shape[1:3])
            picture = prod(size or ()) * t.channels * np.dtype(output_dtype(t, o.output)).itemsize
            bytes_ = o.batch_size * spec.views * picture
            if size is None or len(runner.stages) > 1 or bytes_ % ALIGNED:  # sizes vary, or there is a user function
                return 1
            outputs += bytes_
        return max(1, min(GROUP_BYTES // max(inputs, outputs), GROUP_BATCHES))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Mistakes of values found so far, with the name of the policy if there are several."""
        names = [f"policy[{spec.field!r}]" if len(self.specs) > 1 else "" for spec, _ in self.specs]
        found = [(name, one) for name, watch in zip(names, self.watches, strict=True) for one in watch.findings]
        return tuple(one.of(name) if name else one for name, one in found)

    @property
    def channels(self) -> int:
        return self.specs[0][1].template.channels

    @property
    def dtype(self) -> str:
        """Of the pictures, before they are varied."""
        return self.specs[0][1].template.dtype

    @property
    def pixel(self) -> int:
        """Bytes of a pixel, before it is varied."""
        return self.channels * ELEMENTS[self.dtype].size

    @property
    def whole(self) -> Array | None:
        """The array of which all pictures are parts, if there is one."""
        return self.source.whole if isinstance(self.source, Adapted | Arrays) else None

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """The names of a batch's arrays."""
        return fields_of(self.source.fields[1:], [spec for spec, _ in self.specs], self.masks is not None)

    @cached_property
    def views(self) -> int:
        """Pictures made of each sample."""
        return views_of([spec for spec, _ in self.specs])

    @cached_property
    def threads(self) -> int:
        """Threads that vary a batch."""
        return self.options.threads_per_batch

    @cached_property
    def most_threads(self) -> int:
        """Of a batch, with those of the other workers that help."""
        return self.options.total_threads

    def path(self, index: int, stream: int = 0) -> str:  # noqa: ARG002
        return said_path(self.source, index) or f"sample {index}"
