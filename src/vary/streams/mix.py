"""`vary.mix`: several streams as one, whose batches hold samples of each by ratio."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vary.errors import InputError, brief
from vary.guidance import guided
from vary.plan.infer import output_dtype
from vary.streams.batch import ArraySpec, Specs, specs_of
from vary.streams.batches.mixed import MixedJob, place_held
from vary.streams.epochs import Epochs
from vary.streams.notebook import mixed_html
from vary.streams.options import names_of
from vary.streams.order.interleave import Interleave, whole_ratios
from vary.streams.state import mixed_terms
from vary.streams.stream import Stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vary.display.fields import BatchSchema
    from vary.streams.batches.job import Empty
    from vary.streams.options import Options
    from vary.streams.report import Report

__all__ = ["Mixed", "mix"]

LIMIT = 1 << 61  # positions in an epoch; those of two epochs must be countable in int64


@guided("vary.mix")
def mix(streams: Sequence[Stream], ratios: Sequence[float] | None = None) -> Mixed:
    """Several streams as one, whose batches hold samples of each by ratio.

    streams: what `vary.stream` returned, each with its own source, policy, seed, order, weights, cache and on_error.
        These keywords must be the same in all: batch_size, shard, uneven, layout, one_hot, threads, process, prefetch,
        timeout, and max_errors, which is counted over all. drop_last is on if one stream has it. The batches must
        match: fields, views, dtypes, channels, sizes, and the classes of all streams that have any.
    ratios: one number above 0 for each stream; [6, 3, 1] and [0.6, 0.3, 0.1] are the same. None: the streams' lengths,
        so that every sample occurs once in an epoch (or `repeat` times).

    Samples of the streams alternate evenly, so that every batch, on every rank, has the ratios to within about a sample
    (see docs/streams.md), and over the epochs they are exact. An epoch has as many samples as the epochs of all streams
    together. It may contain several epochs of one stream and a part of an epoch of another, which the next epoch
    continues. So over the epochs, all samples of a stream occur equally often.

    Batches are those of a stream, with two more attributes, both (n,) int64: `.streams`, the number of each sample's
    stream, and `.epochs`, the number of that stream's own epoch. A sample has the same pictures as in its stream alone:
    `mixed.streams[k].replay(index, epoch, view)` makes them again. Streams that do not match are an `InputError` at
    once.
    """
    return Mixed(streams, ratios)


class Mixed(Epochs):
    """What `vary.mix` returns: epochs of batches of several streams, iterated, stopped and resumed like a `Stream`.

    streams: as they were given. They can be iterated by themselves as well, without an effect on the mix.
    ratios: whole numbers without a common factor.
    """

    def __init__(self, streams: Sequence[Stream], ratios: Sequence[float] | None = None) -> None:
        self.streams = _streams(streams)
        counts = [stream._count(0) for stream in self.streams]
        self._interleave = Interleave(whole_ratios(counts if ratios is None else _ratios(ratios, len(counts))))
        options = _options([stream.options for stream in self.streams])
        _check_named(self.streams)
        self._checked = all(stream._prepared is not None for stream in self.streams)
        if self._checked:  # otherwise checked with the first batch, because the kind of a source is not known yet
            _check_fields(self.streams)
        self._positions = sum(counts)
        if self._positions >= LIMIT:
            raise InputError(f"the streams have {self._positions} samples together; the limit is {LIMIT - 1}")
        super().__init__(options, mixed_terms([stream._next.terms for stream in self.streams], self.ratios))

    @property
    def ratios(self) -> tuple[int, ...]:
        return self._interleave.ratios

    @property
    def classes(self) -> list[str] | Any:  # Any stands for None, so that callers need not check for it
        """Names of the class ids, where a source has any."""
        return next((stream.classes for stream in self.streams if stream.classes is not None), None)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of a batch's arrays, in order."""
        return self.streams[0].fields

    @property
    def element_spec(self) -> Specs:
        found = [stream.element_spec for stream in self.streams]
        n = None if any(one.options.on_error == "skip" for one in self.streams) else self._batch_length()
        return specs_of([ArraySpec((n, *one.shape[1:]), one.dtype) for one in found[0]], self.fields)

    def _schema(self) -> BatchSchema:
        return self.streams[0]._schema()._replace(classes=self.classes)

    def _count(self, epoch: int) -> int:  # noqa: ARG002
        return self._positions

    def _job(self, epoch: int, empty: Empty | None = None) -> MixedJob:
        if not self._checked:
            _check_fields(self.streams)
            self._checked = True
        return MixedJob(self.streams, self._interleave, self.options, epoch, self._positions, empty)

    def _new_report(self, epoch: int) -> Report:
        notes = [stream._store_and_note[1] for stream in self.streams]
        notes = list(dict.fromkeys(sorted(notes, key=lambda note: note.startswith("none"))))
        return replace(self.streams[0]._new_report(epoch), cache="; ".join(filter(None, notes)))

    def _preparing(self) -> str:
        numbers = [number for number, one in enumerate(self.streams) if one._sample_read is not None] or [0]
        return f"{self.streams[numbers[0]]._preparing()} of streams[{numbers[0]}]"

    def _cache_limit(self) -> int:
        stores = [stream._store for stream in self.streams]
        return sum({place_held(store): store.limit for store in stores if store is not None}.values())

    def __repr__(self) -> str:
        ratios = ":".join(map(str, self.ratios))
        made = f"{len(self)} batches of {self.options.batch_size}"
        return f"Mixed({len(self.streams)} streams by {ratios}: {made}, epoch={self.epoch})"

    def _repr_html_(self) -> str:
        return mixed_html(self)


def _streams(streams: object) -> tuple[Stream, ...]:
    if not isinstance(streams, list | tuple) or not streams:
        raise InputError(f"streams={streams!r}; give a list of what vary.stream(...) returned, at least one")
    for place, one in enumerate(streams):
        if isinstance(one, Mixed):
            raise InputError(f"streams[{place}] is a mix itself; give its streams, each with its ratio")
        if not isinstance(one, Stream):
            raise InputError(f"streams[{place}] is a {type(one).__name__}; give what vary.stream(...) returned")
        if one._in_order:
            raise InputError(
                f"streams[{place}] is of a streamed data set, which has no length and no order but its own; "
                "datasets.interleave_datasets([...]) mixes such data sets, or load it with streaming=False"
            )
    return tuple(streams)


def _ratios(ratios: Any, count: int) -> list[object]:  # Any: `list` refuses what is none
    try:
        found = [] if isinstance(ratios, str | dict) else list(ratios)
    except TypeError:
        found = []
    if len(found) != count:
        raise InputError(f"ratios={ratios!r}; give a list of {count} numbers, one for each stream")
    return found


def _options(options: Sequence[Options]) -> Options:
    """The options of the mix; `InputError` if its streams differ in one that must be equal."""
    for name in names_of("mix"):
        _agree(name, [getattr(o, name) for o in options], f"give all streams of a mix the same {name}=")
    failing = [place for place, o in enumerate(options) if o.on_error != "raise"]  # the others end at the first error
    cure = "it is counted over all streams of a mix: give them the same max_errors="
    _agree("max_errors", [options[place].max_errors for place in failing], cure, failing)
    return replace(options[failing[0] if failing else 0], drop_last=any(o.drop_last for o in options))


def _check_named(streams: Sequence[Stream]) -> None:
    """`InputError` unless all streams have the same fields, numbers of views and classes."""
    _agree("fields", [one.fields for one in streams], "give all the same labels= and names of views")
    for number, first in enumerate(streams[0]._view_specs):
        counts = [one._view_specs[number].count for one in streams]
        _agree(f"{first.field} with views", counts, "give all as many views")
    named = [place for place, one in enumerate(streams) if one.classes is not None]
    cure = "ids would mean different things: name them alike, vary.Folder(path, classes=[...])"
    _agree("classes", [streams[place].classes for place in named], cure, named)


def _check_fields(streams: Sequence[Stream]) -> None:
    """`InputError` unless samples of all streams fit into one array for each field."""
    for number, (spec, _) in enumerate(streams[0]._specs):
        runners, what = [one._specs[number][1] for one in streams], spec.field
        dtypes = [output_dtype(run.template, one.options.output) for one, run in zip(streams, runners, strict=True)]
        _agree(f"{what} of dtype", dtypes, "give all the same dtype=, or Rescale in each policy")
        cure = "give all arrays as many, or the same channels= for files"
        _agree(f"{what} with channels", [runner.template.channels for runner in runners], cure)
        known = [(place, runner.size) for place, runner in enumerate(runners) if runner.size is not None]
        cure = "put the same Resize(height, width) into each policy"
        _agree(f"{what} of size", [size for _, size in known], cure, [place for place, _ in known])
    masks = [one._masks for one in streams]
    _agree("masks of dtype and form", [one and one.kind for one in masks], "give masks of one kind")
    rows = [one._first_labels() for one in streams]
    for number, name in enumerate(streams[0]._images.fields[1:]):
        kinds = [(row[number].dtype.name, row[number].shape[1:]) for row in rows]
        _agree(f"{name} of dtype and shape", kinds, "give labels= of one kind")


def _agree(name: str, values: Sequence[object], cure: str, places: Iterable[int] | None = None) -> None:
    """`InputError` if the values are not all equal. places: the numbers of their streams, if these are not all."""
    known = list(zip(range(len(values)) if places is None else places, values, strict=True))
    for place, value in known[1:]:
        first, expected = known[0]
        if value != expected:
            here, there = f"{name}={brief(value)}", f"{name}={brief(expected)}"
            raise InputError(
                f"streams[{place}] has {here}, streams[{first}] has {there}{_where(value, expected)}; {cure}"
            )


def _where(value: object, expected: object) -> str:
    """Where two long lists differ; empty if they are short enough to be shown."""
    if not isinstance(value, list) or not isinstance(expected, list) or max(map(len, (value, expected))) < 8:
        return ""
    pairs = zip(value, expected, strict=False)
    place = next((place for place, (one, other) in enumerate(pairs) if one != other), None)
    if place is None:
        return f", of {len(value):,} and {len(expected):,}"
    return f", which differ first at number {place}: {brief(value[place], 100)}, {brief(expected[place], 100)}"
