"""Samples that cannot be read or decoded: raises their error, leaves them out, or uses other samples instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vary.errors import DecodeError, InputError, SourceError
from vary.rng import permute
from vary.sample import Array
from vary.streams.batches.render import Rendered, render
from vary.streams.report import Skipped, Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vary.streams.batches.job import Job
    from vary.streams.workers.pool import Executor

__all__ = ["ATTEMPTS", "left_out", "replaced"]

ATTEMPTS = 16
"""Samples that are tried instead of a broken one before an error: if all are broken, the source as a whole is wrong."""


def left_out(job: Job, indices: Array, errors: Mapping[int, Exception]) -> tuple[Skipped, ...]:
    """The failed samples as the report lists them; with on_error="raise", raises the first error.

    errors: by place in `indices`.
    """
    if job.options.on_error != "raise":
        return tuple(_skipped(job, int(indices[place]), error) for place, error in errors.items())
    error = errors[min(errors)]
    cure = 'on_error="skip" goes on without such files, "replace" takes others'
    if isinstance(error, DecodeError):
        raise DecodeError(f"{error.reason}; {cure}", error.path) from error.__cause__
    raise SourceError(f"{error}; {cure}") from error.__cause__


def replaced(
    job: Job, indices: Array, repeats: Array, done: Rendered, work: Work, executor: Executor
) -> tuple[Rendered, Work]:
    """A full batch, with other samples at the places without a picture. Writes theirs into `indices` and `repeats`.

    The sample is a function of seed, epoch, the broken sample's index and the attempt. Its repetition number is above
    those of the epoch, and different for each attempt, so no picture occurs twice.
    """
    lost = np.array(sorted(done.errors), np.int64)
    broken, wanted = indices[lost], repeats[lost]
    tried = [(done.places, done.fields)]
    for attempt in range(ATTEMPTS):
        indices[lost] = _others(job, broken, attempt)
        repeats[lost] = wanted + job.max_repeats * (1 + attempt)
        more = render(job, indices[lost], repeats[lost], executor)
        tried.append((lost[more.places], more.fields))
        skipped = left_out(job, indices[lost], more.errors) if more.errors else ()
        work = work.plus(more.work)._replace(skipped=work.skipped + skipped)
        if not more.errors:
            break
        at = np.array(sorted(more.errors), np.int64)
        lost, broken, wanted = lost[at], broken[at], wanted[at]
    else:
        first = ": ".join(_skipped(job, int(broken[0]), done.errors[int(lost[0])]))
        raise SourceError(
            f'on_error="replace" tried {ATTEMPTS} samples in the place of one, all broken; the first: {first}; '
            'mend the source, or on_error="skip" goes on without such files'
        )
    places = np.concatenate([places for places, _ in tried])
    columns = zip(*(fields for _, fields in tried if fields), strict=True)
    fields = [_joined(name, parts)[np.argsort(places)] for name, parts in zip(job.fields, columns, strict=False)]
    return Rendered(np.sort(places), fields, {}, work), work


def _joined(name: str, parts: tuple[Array, ...]) -> Array:
    shapes = sorted({images.shape[1:] for images in parts})
    if len(shapes) > 1:
        raise InputError(
            f"{name} of a batch must come out in one size, but some are {shapes[0]} and others {shapes[1]}; "
            "put Resize(height, width) into the policy"
        )
    return np.concatenate(parts)


def _others(job: Job, broken: Array, attempt: int) -> Array:
    """Another sample for each broken one, by a permutation of all eligible samples."""
    eligible = job.eligible
    n = len(job.source) if eligible is None else len(eligible)
    places = broken if eligible is None else np.searchsorted(eligible, broken)
    places = permute(places, n, job.options.seed, job.epoch, f"replacement {attempt}")
    return places if eligible is None else eligible[places]


def _skipped(job: Job, index: int, error: Exception) -> Skipped:
    name = getattr(error, "path", None) or job.path(index)  # of the mask, if that is broken
    return Skipped(name, str(error).removeprefix(f"{name}: "))
