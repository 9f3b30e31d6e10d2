"""Samples -> fields of pictures: parameters are drawn, then each slice of a field is varied in one native call."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.errors import DecodeError
from vary.plan.request import Address, Parts
from vary.sources import path_of
from vary.streams.batches.fetch import inputs_of, size_of
from vary.streams.report import Work
from vary.streams.workers.pool import CALLING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vary.plan.request import Counts, Failure
    from vary.plan.runner import Runner
    from vary.plan.watch import Watch
    from vary.sources import Indexed
    from vary.streams.batches.fetch import Inputs
    from vary.streams.batches.job import Job
    from vary.streams.workers.pool import Executor

__all__ = ["BYTES", "PER_THREAD", "Rendered", "render"]

PER_THREAD, BYTES = 4, 16 << 20
"""However large a batch is, only so many of its files are decoded in memory for each thread, or more if they have fewer
bytes. A JPEG that is not cached does not count: the thread that varies it decodes it in its working memory."""

Array = np.ndarray[Any, Any]


@dataclass
class Rendered:
    """Fields of pictures, one row for each of `places`; `errors` says why there is none at the other places."""

    places: Array
    fields: list[Array]
    errors: dict[int, Exception]
    work: Work


def render(job: Job, indices: Array, repeats: Array, executor: Executor) -> Rendered:
    """These samples' pictures, a field for each spec."""
    n, drawn = len(indices), _draw(job, indices, repeats)
    inputs = inputs_of(job, indices, [one.rows for one in drawn], executor)
    fields: list[Any] = [None] * len(drawn)
    work, damaged = Work(), set[int]()
    for some in _slices(job, n, inputs):
        pictures = inputs.open(some)
        if inputs.missing:
            work = work._replace(decoded=max(work.decoded, sum(map(size_of, pictures))))
        lost = [place for place in some if place in inputs.errors] if inputs.errors else []
        for number, one in enumerate(drawn if len(lost) < len(some) else ()):
            fields[number], failed, counts, work = _run(job, one, some, pictures, lost, fields[number], work, executor)
            for at, reason in failed:
                inputs.errors.setdefault(some[at // one.views], reason)
            damaged |= {some[at // one.views] for at in counts.damaged}
        del pictures  # before the next ones are opened
    work = work._replace(damaged=len(damaged - inputs.errors.keys()))
    errors = {place: _error(job.source, int(indices[place]), one) for place, one in inputs.errors.items()}
    places = np.delete(np.arange(n), list(errors)) if errors else np.arange(n)
    fields = [_rows(job, number, images, places, n) for number, images in enumerate(fields) if len(places)]
    return Rendered(places, fields, errors, work.plus(inputs.work))


class Drawn(NamedTuple):
    """The parameters of one spec for some samples, and their addresses: one row for each of `views` pictures."""

    runner: Runner
    address: Address
    rows: Array
    views: int
    watch: Watch

    def part(self, some: range) -> Drawn:
        """Those of the samples at these places."""
        rows = slice(some.start * self.views, some.stop * self.views)
        seed, epoch, _, indices = self.address
        return self._replace(
            address=Address(seed, epoch, self.address.views[rows], indices[rows]), rows=self.rows[rows]
        )


def _draw(job: Job, indices: Array, repeats: Array) -> list[Drawn]:
    """One for each spec. The views of a sample are neighbours, so that its file is decoded once."""
    o, first, out = job.options, 0, []
    for (spec, runner), watch in zip(job.specs, job.watches, strict=True):
        views, samples = repeats * job.views + first, indices
        if spec.views > 1:
            views, samples = (views[:, None] + np.arange(spec.views)).ravel(), indices.repeat(spec.views)
        address = Address(o.seed, 0 if o.frozen else job.epoch, views, samples)
        out.append(Drawn(runner, address, runner.rows(address), spec.views, watch))
        first += spec.views
    return out


def _slices(job: Job, n: int, inputs: Inputs) -> Iterator[range]:
    """The places of a batch, divided where enough files would be decoded at once. Not divided if pictures decide the
    size of the output.

    At the end of each slice, threads wait for each other.
    """
    threads = job.threads
    start = files = size = 0
    if len(inputs.missing) > PER_THREAD * threads and all(runner.size for _, runner in job.specs):
        for place in sorted(inputs.missing):
            if files >= PER_THREAD * threads and size > BYTES * threads:
                yield range(start, place)
                start, files, size = place, 0, 0
            files, size = files + 1, size + inputs.expected(place)
    yield range(start, n)


def _run(
    job: Job,
    drawn: Drawn,
    some: range,
    pictures: list[Any] | Parts,
    lost: list[int],
    images: Array | None,
    work: Work,
    executor: Executor,
) -> tuple[Array, list[Failure], Counts, Work]:
    """Write the pictures of the samples at `some`, except those `lost`, into `images`; None: not allocated yet."""
    o, v, n = job.options, drawn.views, len(drawn.rows)
    out = None
    if len(some) * v < n:  # one of several slices: the size of the output is known
        images = drawn.runner.empty(n, o.output, o.layout, job.empty) if images is None else images
        out, drawn = images[some.start * v : some.stop * v], drawn.part(some)
    pictures = pictures if v == 1 else _repeated(pictures, v)
    failed = [(place - some.start) * v + view for place in lost for view in range(v)]
    began = perf_counter_ns()
    made, failures, counts = drawn.runner.batch(
        pictures,
        drawn.address,
        rows=drawn.rows,
        views=v,
        failed=failed,
        dtype=o.output,
        layout=o.layout,
        threads=1 if len(some) > o.batch_size else job.threads,  # of a light group: the training needs the cores
        decode=o.decode,
        out=out,
        empty=job.empty,
        check=lambda index: executor.note(CALLING, index, job.number),
    )
    busy = max(counts.total_ns, perf_counter_ns() - began)  # the latter includes user functions
    decode, augment = work.decode + counts.decode_ns, work.augment + busy - counts.decode_ns
    if drawn.watch.left > 0:
        failed += [failure.place for failure in failures]
        drawn.watch.inspect(
            drawn.runner, pictures, drawn.address, made, o.layout, views=v, decode=o.decode, failed=failed
        )
    return made if images is None else images, failures, counts, work._replace(decode=decode, augment=augment)


def _repeated(pictures: list[Any] | Parts, views: int) -> list[Any] | Parts:
    if isinstance(pictures, Parts):
        return pictures._replace(places=pictures.places.repeat(views))
    return [picture for picture in pictures for _ in range(views)]


def _rows(job: Job, number: int, images: Array, places: Array, n: int) -> Array:
    """The pictures of the samples at `places`, with an axis for views where there is one."""
    spec, _ = job.specs[number]
    if spec.count is not None:
        images = images.reshape(n, spec.views, *images.shape[1:])
    return images if len(places) == n else images[places]


def _error(source: Indexed, index: int, reason: Any) -> Exception:
    """What to raise for this sample: an error as it is, a reason with its path."""
    if isinstance(reason, Exception):
        return reason
    path = path_of(source, index)
    return DecodeError(reason if path else f"sample {index}: {reason}", path)
