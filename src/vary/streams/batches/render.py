"""Samples -> fields of pictures and masks: parameters are drawn, then each slice is varied in one native call."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.errors import DecodeError
from vary.plan.request import Address, Output, Parts, Request
from vary.sample import Array
from vary.sources import said_path
from vary.streams.batches.fetch import inputs_of, size_of
from vary.streams.batches.masks import MaskInputs
from vary.streams.report import Work
from vary.streams.workers.pool import CALLING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    """The pictures of these samples, a field for each spec, and then their masks, if there are any."""
    n, drawn = len(indices), _draw(job, indices, repeats)
    inputs = inputs_of(job, indices, [one.rows for one in drawn], executor)
    masks = None if job.masks is None else MaskInputs(job, job.masks, indices, executor)
    arrays: list[tuple[Array, ...]] = [()] * len(drawn)
    work, damaged = Work(), set[int]()
    for some in _slices(job, n, [inputs] if masks is None else [inputs, masks]):
        opened = _opened(job, drawn[0].part(some, n), some, inputs, masks)
        if inputs.missing or (masks is not None and masks.missing):
            work = work._replace(decoded=max(work.decoded, sum(size_of(one) for part in opened for one in part)))
        lost = [place for place in some if place in inputs.errors] if inputs.errors else []
        for number, one in enumerate(drawn if len(lost) < len(some) else ()):
            arrays[number], made, spent = _run(job, one, Slice(some, opened, lost), arrays[number], executor)
            work = work._replace(decode=work.decode + spent.decode, augment=work.augment + spent.augment)
            for at, reason in made.failures:
                inputs.errors.setdefault(some[at // one.views], reason)
            damaged |= {some[at // one.views] for at in made.counts.damaged}
        del opened  # before the next ones are opened
    work = work._replace(damaged=len(damaged - inputs.errors.keys()))
    errors = {place: _error(job.source, int(indices[place]), one) for place, one in inputs.errors.items()}
    places = np.delete(np.arange(n), list(errors)) if errors else np.arange(n)
    roles = [list(enumerate(role)) for role in zip(*arrays, strict=True)]  # pictures, and masks
    fields = [_rows(job, number, one, places, n) for role in roles for number, one in role if len(places)]
    work = work.plus(inputs.work)
    return Rendered(places, fields, errors, work if masks is None else work.plus(masks.work))


def _opened(job: Job, drawn: Drawn, some: range, inputs: Inputs, masks: MaskInputs | None) -> tuple[Pictures, ...]:
    """The pictures at these places, and the masks. Errors of masks become those of `inputs`."""
    pictures = inputs.open(some)
    if masks is None:
        return (pictures,)
    found = masks.open(some)
    inputs.errors |= {place: error for place, error in masks.errors.items() if place not in inputs.errors}
    good = [place - some.start for place in some if place not in inputs.errors]
    rows = drawn.rows[:: drawn.views][good]
    each = pictures if isinstance(pictures, Parts) else [pictures[number] for number in good]
    own = found if isinstance(found, Parts) else [found[number] for number in good]
    sizes = drawn.runner.sizes(each, rows, job.options.max_pixels)
    inputs.errors |= masks.misfits([some[number] for number in good], own, sizes)
    return pictures, found


class Drawn(NamedTuple):
    """The parameters of one spec for some samples, and their addresses: one row for each of `views` pictures."""

    runner: Runner
    address: Address
    rows: Array
    views: int
    watch: Watch

    def part(self, some: range, n: int) -> Drawn:
        """Those of the samples at these places, of `n`."""
        if len(some) == n:
            return self
        rows = slice(some.start * self.views, some.stop * self.views)
        return self._replace(address=self.address.part(rows), rows=self.rows[rows])


class Slice(NamedTuple):
    """A part of a batch that is varied at once: its places, their inputs (pictures, and perhaps masks), and the places
    that have none."""

    places: range
    inputs: tuple[Pictures, ...]
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


def _slices(job: Job, n: int, inputs: Sequence[Inputs]) -> Iterator[range]:
    """The places of a batch, divided so that only a few files are decoded at a time (see `PER_THREAD`). Not divided if
    pictures decide the size of the output. At the end of each slice, threads wait for each other.
    """
    threads = job.threads
    start = files = size = 0
    missing = set[int]().union(*(one.missing for one in inputs))
    if len(missing) > PER_THREAD * threads and all(runner.size for _, runner in job.specs):
        for place in sorted(missing):
            if files >= PER_THREAD * threads and size > BYTES * threads:
                yield range(start, place)
                start, files, size = place, 0, 0
            files += 1
            size += sum(one.expected(place) for one in inputs if place in one.missing)
    yield range(start, n)


def _run(
    job: Job, drawn: Drawn, part: Slice, arrays: tuple[Array, ...], executor: Executor
) -> tuple[tuple[Array, ...], Result, Work]:
    """Write the pictures of a slice, and its masks, into `arrays`, those of the whole batch; empty: they are allocated
    here. Returns these arrays, the result of the slice, and how long it took."""
    o, v, n, some = job.options, drawn.views, len(drawn.rows), part.places
    outputs = [Output(0, o.output, o.layout, empty=job.empty)]
    rows = slice(some.start * v, some.stop * v)
    in_slices = len(some) * v < n
    if in_slices:  # the size of the output is known
        arrays = arrays or (drawn.runner.empty(n, outputs[0]),)
        outputs[0] = outputs[0]._replace(out=arrays[0][rows])
    outputs += [Output(number, layout=o.layout, empty=job.empty, role="mask") for number in range(1, len(part.inputs))]
    drawn = drawn.part(some, n // v)
    request = Request(
        tuple([one if v == 1 else _repeated(one, v) for one in part.inputs]),
        drawn.address,
        tuple(outputs),
        1 if len(some) > o.batch_size else job.most_threads,  # one for a group of small batches: training needs cores
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
    return _joined(arrays, made.arrays, rows, n) if in_slices else made.arrays, made, spent


def _joined(arrays: tuple[Array, ...], made: tuple[Array, ...], rows: slice, n: int) -> tuple[Array, ...]:
    """The arrays of the whole batch, with the masks of a slice; its pictures are there already."""
    joined = arrays[:1]
    for number, masks in enumerate(made[1:], 1):
        whole = arrays[number] if number < len(arrays) else np.empty((n, *masks.shape[1:]), masks.dtype)
        whole[rows] = masks
        joined += (whole,)
    return joined


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
    path = said_path(source, index)
    return DecodeError(reason if path else f"sample {index}: {reason}", path)
