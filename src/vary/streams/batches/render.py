"""Samples -> fields of pictures: parameters are drawn, then each slice of a field is varied in one native call."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.errors import DecodeError
from vary.plan.request import Address, Output, Parts, Request
from vary.sample import Array
from vary.sources import path_of
from vary.streams.batches.fetch import inputs_of, size_of
from vary.streams.report import Work
from vary.streams.workers.pool import CALLING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vary.plan.request import Pictures, Result
    from vary.plan.runner import Runner
    from vary.plan.watch import Watch
    from vary.sources import Indexed
    from vary.streams.batches.fetch import Inputs
    from vary.streams.batches.job import Job
    from vary.streams.workers.pool import Executor

__all__ = ["BYTES", "PER_THREAD", "Rendered", "render"]

PER_THREAD, BYTES = 4, 16 << 20
"""However large a batch is, only `PER_THREAD` decoded files are in memory at a time for each thread, or more if they
have fewer than `BYTES` together. A JPEG that is not cached does not count: the thread that varies it decodes it in its
working memory."""


@dataclass
class Rendered:
    """Fields of pictures, one row for each of `places`; `errors` has the reasons for the other places."""

    places: Array
    fields: list[Array]
    errors: dict[int, Exception]
    work: Work


def render(job: Job, indices: Array, repeats: Array, executor: Executor) -> Rendered:
    """The pictures of these samples, a field for each spec."""
    n, drawn = len(indices), _draw(job, indices, repeats)
    inputs = inputs_of(job, indices, [one.rows for one in drawn], executor)
    arrays: list[Array | None] = [None] * len(drawn)
    work, damaged = Work(), set[int]()
    for some in _slices(job, n, inputs):
        pictures = inputs.open(some)
        if inputs.missing:
            work = work._replace(decoded=max(work.decoded, sum(map(size_of, pictures))))
        lost = [place for place in some if place in inputs.errors] if inputs.errors else []
        for number, one in enumerate(drawn if len(lost) < len(some) else ()):
            arrays[number], made, spent = _run(job, one, Slice(some, pictures, lost), arrays[number], executor)
            work = work._replace(decode=work.decode + spent.decode, augment=work.augment + spent.augment)
            for at, reason in made.failures:
                inputs.errors.setdefault(some[at // one.views], reason)
            damaged |= {some[at // one.views] for at in made.counts.damaged}
        del pictures  # before the next ones are opened
    work = work._replace(damaged=len(damaged - inputs.errors.keys()))
    errors = {place: _error(job.source, int(indices[place]), one) for place, one in inputs.errors.items()}
    places = np.delete(np.arange(n), list(errors)) if errors else np.arange(n)
    fields = [
        _rows(job, number, one, places, n) for number, one in enumerate(arrays) if one is not None and len(places)
    ]
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
        return self._replace(address=self.address.part(rows), rows=self.rows[rows])


class Slice(NamedTuple):
    """A part of a batch that is varied at once: its places, their pictures, and the places that have none."""

    places: range
    pictures: Pictures
    lost: list[int]


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
    """The places of a batch, divided so that only a few files are decoded at a time (see `PER_THREAD`). Not divided if
    pictures decide the size of the output. At the end of each slice, threads wait for each other.
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


def _run(job: Job, drawn: Drawn, part: Slice, images: Array | None, executor: Executor) -> tuple[Array, Result, Work]:
    """Write the pictures of a slice into `images`, the array of the whole batch; None: it is allocated here. Returns
    this array, the result of the slice, and how long it took."""
    o, v, n, some = job.options, drawn.views, len(drawn.rows), part.places
    output = Output(0, o.output, o.layout, empty=job.empty)
    if len(some) * v < n:  # one of several slices: the size of the output is known
        images = drawn.runner.empty(n, output) if images is None else images
        drawn = drawn.part(some)
        output = output._replace(out=images[some.start * v : some.stop * v])
    request = Request(
        (part.pictures if v == 1 else _repeated(part.pictures, v),),
        drawn.address,
        (output,),
        1 if len(some) > o.batch_size else job.threads,  # one for a group of small batches: training needs the cores
        o.decode,
        v,
        drawn.rows,
        [(place - some.start) * v + view for place in part.lost for view in range(v)],
        lambda index: executor.note(CALLING, index, job.number),
    )
    began = perf_counter_ns()
    made = drawn.runner.batch(request)
    busy = max(made.counts.total_ns, perf_counter_ns() - began)  # the latter includes user functions
    if drawn.watch.left > 0:
        drawn.watch.inspect(drawn.runner.template, request, made)
    spent = Work(decode=made.counts.decode_ns, augment=busy - made.counts.decode_ns)
    return made.arrays[0] if images is None else images, made, spent


def _repeated(pictures: Pictures, views: int) -> Pictures:
    if isinstance(pictures, Parts):
        return pictures._replace(places=pictures.places.repeat(views))
    return [picture for picture in pictures for _ in range(views)]


def _rows(job: Job, number: int, images: Array, places: Array, n: int) -> Array:
    """The pictures of the samples at `places`, with an axis for views where there is one."""
    spec, _ = job.specs[number]
    if spec.count is not None:
        images = images.reshape(n, spec.views, *images.shape[1:])
    return images if len(places) == n else images[places]


def _error(source: Indexed, index: int, reason: Exception | str) -> Exception:
    """What to raise for this sample: an error as it is, a reason with its path."""
    if isinstance(reason, Exception):
        return reason
    path = path_of(source, index)
    return DecodeError(reason if path else f"sample {index}: {reason}", path)
