"""One batch, made at some positions of an epoch: pictures, labels, and others in the place of files that are broken."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import DecodeError, InputError, SourceError
from vary.rng import permute
from vary.sources import batch_labels, path_of
from vary.streams.batch import Made, batch_of
from vary.streams.batches.fetch import size_of
from vary.streams.batches.render import Rendered, render
from vary.streams.batches.task import Task
from vary.streams.report import Skipped, Work
from vary.streams.views import fields_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vary.sources import Indexed
    from vary.streams.batches.task import Executor

__all__ = ["StreamJob"]

ATTEMPTS = 16
"""Samples tried in the place of a broken one, before it is given up: so many broken ones in a row are no accident."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class StreamJob(Task):
    """The job of a stream, see `pool.Job`."""

    def make(self, positions: Array, executor: Executor) -> Made:
        """The batch at these positions of the epoch."""
        indices, repeats = self.order(positions)
        done = render(self, indices, repeats, executor)
        work = done.work
        if done.errors:
            work = work._replace(skipped=_leave_out(self, indices, done.errors))
            if self.options.on_error == "replace":
                indices = indices.copy()
                done, work = _replace(self, indices, repeats, done, work, executor)
        if not len(done.places):
            return Made(None, work._replace(findings=self.findings), self.held)
        indices, repeats = indices[done.places], repeats[done.places]
        arrays = (*done.fields, *batch_labels(self.source, indices))
        names = fields_of(self.source, [spec for spec, _ in self.specs])
        paths = None if path_of(self.source, int(indices[0])) is None else partial(_paths, self.source, indices.copy())
        views = repeats * self.each
        batch = batch_of(
            arrays, names, indices=indices, views=views, epoch=self.epoch, paths=paths, streams=None, epochs=None
        )
        work = work._replace(batch=sum(map(size_of, arrays)), findings=self.findings)
        return Made(batch, work, self.held)


def _replace(
    task: Task, indices: Array, repeats: Array, done: Rendered, work: Work, executor: Executor
) -> tuple[Rendered, Work]:
    """Other samples at the places that have none, and so a full batch; `indices` are changed to theirs.

    Which one is a function of seed, epoch, the broken sample's index and the attempt.
    """
    lost = np.array(sorted(done.errors), np.int64)
    broken = indices[lost]
    buffers = [(done.places, done.fields)]
    for attempt in range(ATTEMPTS):
        indices[lost] = _others(task, broken, attempt)
        more = render(task, indices[lost], repeats[lost], executor)
        buffers.append((lost[more.places], more.fields))
        skipped = _leave_out(task, indices[lost], more.errors) if more.errors else ()
        work = work.plus(more.work)._replace(skipped=work.skipped + skipped)
        if not more.errors:
            break
        at = np.array(sorted(more.errors), np.int64)
        lost, broken = lost[at], broken[at]
    else:
        first = ": ".join(_skipped(task.source, int(broken[0]), done.errors[int(lost[0])]))
        raise SourceError(
            f'on_error="replace" tried {ATTEMPTS} samples in the place of one, all broken; the first: {first}; '
            'mend the source, or on_error="skip" goes on without such files'
        )
    shapes = sorted({images.shape[1:] for _, fields in buffers for images in fields[:1]})
    if len(shapes) > 1:
        raise InputError(
            f"pictures of a batch must come out in one size, but some are {shapes[0]} and others {shapes[1]}; "
            "put Resize(height, width) into the policy"
        )
    places = np.concatenate([places for places, _ in buffers])
    columns = zip(*(fields for _, fields in buffers if fields), strict=True)
    fields = [np.concatenate(parts)[np.argsort(places)] for parts in columns]
    return Rendered(np.sort(places), fields, {}, work), work


def _others(task: Task, broken: Array, attempt: int) -> Array:
    """For each broken sample another one that may come, by a permutation of all that may."""
    eligible = task.eligible
    n = len(task.source) if eligible is None else len(eligible)
    places = broken if eligible is None else np.searchsorted(eligible, broken)
    places = permute(places, n, task.options.seed, task.epoch, f"replacement {attempt}")
    return places if eligible is None else eligible[places]


def _leave_out(task: Task, indices: Array, errors: Mapping[int, Exception]) -> tuple[Skipped, ...]:
    """What failed at these places, as the report lists it; where nothing may fail, the first as an error."""
    if task.options.on_error != "raise":
        return tuple(_skipped(task.source, int(indices[place]), error) for place, error in errors.items())
    error = errors[min(errors)]
    cure = 'on_error="skip" goes on without such files, "replace" takes others'
    if isinstance(error, DecodeError):
        raise DecodeError(f"{error.reason}; {cure}", error.path) from error.__cause__
    raise SourceError(f"{error}; {cure}") from error.__cause__


def _skipped(source: Indexed, index: int, error: Exception) -> Skipped:
    name = path_of(source, index) or f"sample {index}"
    return Skipped(name, str(error).removeprefix(f"{name}: "))


def _paths(source: Indexed, indices: Array) -> list[str]:
    return [path_of(source, index) or f"sample {index}" for index in map(int, indices)]
