"""`vary.stream`: epochs of batches of one source."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

import numpy as np

from vary.errors import InputError, brief
from vary.guidance import guided
from vary.ops import MAPS
from vary.plan.findings import Finding
from vary.plan.hints import hints
from vary.plan.infer import output_dtype, output_size
from vary.plan.watch import Watch
from vary.rng import VIEW_LIMIT, check_address
from vary.sample import Array, batch_shape
from vary.sources import (
    Arrays,
    asked_kind,
    batch_labels,
    images_of,
    masks_of,
    open_source,
    said_path,
    stated_kind,
    whole_of,
)
from vary.sources.streamed import Streamed
from vary.streams.batch import ArraySpec, Specs, labels_of, specs_of
from vary.streams.batches.failures import ATTEMPTS
from vary.streams.batches.job import Job
from vary.streams.batches.masks import Masks, found_masks
from vary.streams.batches.sequential import check_in_order, in_order
from vary.streams.cache.choose import place_of, store_of
from vary.streams.epochs import Epochs
from vary.streams.notebook import schema_of, stream_html
from vary.streams.onehot import one_hot_of
from vary.streams.options import Arguments, Options, described, former_names, whole
from vary.streams.order.samples import GivenOrder, InOrder, Samples, Slots, cumulate, weights_of
from vary.streams.report import Report
from vary.streams.state import terms_of
from vary.streams.views import fields_of, view_specs_of, views_of
from vary.streams.workers.pool import Inline
from vary.streams.workers.threads import ForkLock
from vary.transforms import Transform

if TYPE_CHECKING:
    from vary.display.fields import BatchSchema
    from vary.plan.runner import Runner
    from vary.sources import Indexed, Kind
    from vary.streams.batch import Batch
    from vary.streams.batches.job import Empty
    from vary.streams.cache.memory import Store
    from vary.streams.order.samples import Samples
    from vary.streams.views import ViewSpec

__all__ = ["Stream", "stream"]

SMALLEST_MASK = 8  # rows and columns: smaller labels may be anything
P = ParamSpec("P")
R = TypeVar("R")


def _with_arguments(arguments: Callable[P, Arguments]) -> Callable[[Callable[[Arguments], R]], Callable[P, R]]:
    """A decorator: callers see the signature of `arguments`; the function gets the object that `arguments` makes."""

    def decorate(function: Callable[[Arguments], R]) -> Callable[P, R]:
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            return function(arguments(*args, **kwargs))

        call.__name__, call.__qualname__, call.__module__ = function.__name__, function.__name__, __name__
        call.__doc__ = (function.__doc__ or "").replace("{arguments}", described().lstrip())
        signature = inspect.signature(arguments)
        call.__signature__ = signature.replace(return_annotation="Stream")  # type: ignore[attr-defined]
        return call

    return decorate


@guided("vary.stream", former=former_names())
@_with_arguments(Arguments)
def stream(arguments: Arguments) -> Stream:
    """Batches of varied pictures, made ahead of the consumer; each `for` over it is one epoch.

    {arguments}

    Batches are tuples in the order of the source's fields, `(images, labels)` or `(images,)`, with `.indices`,
    `.views`, `.epoch` and `.paths`. `state_dict` and `load_state_dict` resume within an epoch. Invalid arguments are a
    `PolicyError`, `InputError` or `SourceError` at once. Values that would train on nonsense cause a `ValueWarning`,
    each kind once for each stream. No file is opened before the first batch.
    """
    return Stream(arguments)


class Stream(Epochs):
    """What `vary.stream` returns: epochs of batches of one source.

    The n-th `iter()` is epoch n, counted from 0, even if the one before was not finished. Several iterations may run at
    once, in several threads. Between iterations it is plain data, which can be pickled; it has no threads and no open
    files, and only with process=True a process, which makes the batches.

    source, policy, options: as they were given; options are the other keywords.
    """

    def __init__(self, arguments: Arguments) -> None:
        _check_source(arguments.source)
        options = Options(**{one.name: getattr(arguments, one.name) for one in fields(Options)})
        self.source: Indexed = open_source(arguments.source, arguments.labels, arguments.classes, in_order=True)
        self.policy = arguments.policy
        self._images, masks = images_of(self.source), masks_of(self.source)
        self._one_hot = one_hot_of(self._images) if options.one_hot else None
        self._view_specs = view_specs_of(self.policy, options.views, self.source.fields[1:], masks is not None)
        self._watches = tuple(Watch() for _ in self._view_specs)
        self._samples = _samples(self.source, arguments, views_of(self._view_specs))
        self._in_order = isinstance(self.source, Streamed)
        super().__init__(options, terms_of(self.source, self._view_specs, self._samples, options))
        self._prepared: _Prepared | None = None
        self._masks_found: Masks | None = None
        self._cache: tuple[Store | None, str] | None = None
        self._cache_place = None if self._in_order else place_of(self.source, options)
        # guards these, apart from the lock of `Epochs`: reading a file for them may take forever
        self._preparation = ForkLock()
        self._sample_read: int | None = None  # the sample that is being read for these, for the error of a timeout
        if not self._in_order and not len(self):
            n, part = len(self.source), "" if options.shard is None else f", shard={options.shard}"
            cure = "take drop_last=False or a smaller batch_size" if n else "give at least one"
            raise InputError(f"the source has {n} samples and batch_size={options.batch_size}{part}: no batch; {cure}")
        self._kind = stated_kind(self.source)  # None: found from the first sample, when it is needed
        if self._kind is not None:
            self._prepare(self._kind)

    @property
    def classes(self) -> list[str] | Any:  # Any stands for None, so that callers need not check for it
        """Names of the class ids, if the source has any."""
        return self.source.classes

    @property
    def fields(self) -> tuple[str, ...]:
        return fields_of(self._images.fields[1:], self._view_specs, masks_of(self.source) is not None)

    @property
    def element_spec(self) -> Specs:
        o, specs, n, masks = self.options, self._specs, self._batch_length(), self._masks
        whole_array = getattr(whole_of(self._images)[0], "whole", None)
        size_in = None if whole_array is None else whole_array.shape[1:3]
        found, moved = [], []
        for spec, runner in specs:
            size = output_size(runner.template, size_in) or (None, None)
            shape = batch_shape(n, size, runner.template.channels, o.layout)  # type: ignore[arg-type]
            axis = () if spec.count is None else (spec.count,)
            found.append(ArraySpec((n, *axis, *shape[1:]), np.dtype(output_dtype(runner.template, o.output))))
            if masks is not None:
                shape = (n, *size) if masks.kind.flat else batch_shape(n, size, 1, o.layout)  # type: ignore[arg-type]
                moved.append(ArraySpec((n, *axis, *shape[1:]), masks.kind.dtype))
        found += [*moved, *(ArraySpec((n, *column.shape[1:]), column.dtype) for column in self._first_labels())]
        return specs_of(found, self.fields)

    def _first_labels(self) -> tuple[Array, ...]:
        """The labels of the first sample, (1, ...) each."""
        return labels_of(self._images, [0], self._one_hot)

    @property
    def _masks(self) -> Masks | None:
        """The masks, with their kind, which is found when it is first needed; None if there are none."""
        masks = masks_of(self.source)
        if masks is not None and self._masks_found is None:
            self._masks_found = found_masks(masks, self.options)
        return self._masks_found

    @property
    def _specs(self) -> tuple[tuple[ViewSpec, Runner], ...]:
        """Each view spec with the runner of its policy."""
        return self._ready.specs

    @property
    def _ready(self) -> _Prepared:
        """`_prepared`, made now if the source did not state its kind."""
        if self._prepared is None:
            with self._preparation:
                if self._prepared is None:
                    self._sample_read = 0
                    self._kind = self._kind or asked_kind(self.source)
                    self._sample_read = None
                    return self._prepare(self._kind)
        return self._prepared

    def _prepare(self, kind: Kind) -> _Prepared:
        """Check policy and options against the kind of the source, and warn of values that would train on nonsense."""
        channels = self.options.channels if kind.channels is None else kind.channels
        specs = tuple((spec, spec.policy.runner(channels, kind.dtype)) for spec in self._view_specs)
        for spec, runner in specs:
            output_dtype(runner.template, self.options.output)
            found = hints(runner.template)
            self._once.warn(one.of(f"policy[{spec.field!r}]") if len(specs) > 1 else one for one in found)
        moved = any(i.op in MAPS for _, runner in specs for i in runner.template.instructions)
        self._once.warn(_mask_findings(self.source) if moved else [])
        self._once.warn(_file_findings(kind, self.options))
        prepared = _Prepared(kind, specs, schema_of(self.source, specs, self.options))
        self._prepared = prepared
        return prepared

    def _schema(self) -> BatchSchema:
        return self._ready.schema

    @property
    def _store(self) -> Store | None:
        """The store of decoded files; None if nothing is kept."""
        return self._store_and_note[0]

    @property
    def _store_and_note(self) -> tuple[Store | None, str]:
        """The cache, and the report's note on it. Chosen when the first batch, or a report, needs it."""
        if self._cache is None:
            with self._preparation:
                if self._cache is None:
                    place = self._cache_place if self._ready.kind.encoded else None
                    self._cache = store_of(self.source, self.options, self._specs, place, self._note_sample)
                    # an unused `Memory` must not count in the budget
                    self._cache_place = self._sample_read = None
        return self._cache

    def _note_sample(self, index: int) -> None:
        self._sample_read = index

    def _preparing(self) -> str:
        index = self._sample_read
        if index is not None:
            return f"reading {said_path(self.source, index) or f'sample {index}'}, to learn what the source holds"
        return "calling order=" if self._counts_differ() else "opening its cache"

    def _cache_limit(self) -> int:
        return 0 if self._store is None else self._store.limit

    def _count(self, epoch: int) -> int:
        return self._samples.count(epoch)

    def _known_count(self, epoch: int) -> int:
        return len(self.source) if self._in_order else self._count(epoch)

    def _counts_differ(self) -> bool:
        return isinstance(self._samples, GivenOrder | InOrder)

    def _job(self, epoch: int, empty: Empty | None = None) -> Job:
        return self._job_of(self.options, epoch, self._samples.samples(self.options, epoch), empty)

    def _job_of(
        self,
        options: Options,
        epoch: int,
        samples: Callable[[Array], tuple[Array, Array]],
        empty: Empty | None = None,
    ) -> Job:
        source, _ = whole_of(self._images)
        job = Job(
            source,
            self._specs,
            options,
            epoch,
            self._count(epoch),
            samples,
            max_repeats=self._samples.max_repeats(epoch),
            encoded=self._ready.kind.encoded,
            store=self._store,
            eligible=self._samples.eligible(epoch) if options.on_error == "replace" else None,
            empty=empty,
            watches=self._watches,
            masks=self._masks,
            one_hot=self._one_hot,
        )
        return in_order(job, source) if isinstance(source, Streamed) else job

    def _new_report(self, epoch: int) -> Report:
        o, views, (_, cache) = self.options, views_of(self._view_specs), self._store_and_note
        workers, ahead = o.batch_workers, o.prefetch
        return Report(epoch, views=views, threads=o.total_threads, cache=cache, _batch_workers=workers, _ahead=ahead)

    @guided("train.replay", suggest=False)
    def replay(self, index: int, epoch: int = 0, view: int = 0) -> Batch:
        """A batch of one sample, as it was or will be in an epoch. index: in the source.

        With several views of each sample, `view` is the number of the first one, as in `batch.views`.
        """
        index, epoch = whole("index", index, 0), whole("epoch", epoch, 0)
        each = views_of(self._view_specs)
        if isinstance(self.source, Streamed):
            self.source.refuse("replay()")
        source, members = whole_of(self.source)
        if index >= len(source):
            raise InputError(f"index={index}; the source has {len(source)} samples, the first is number 0")
        if members is not None and index not in members:
            raise InputError(
                f"index={index} is not in this subset of {len(members)} samples; give one of batch.indices"
            )
        if whole("view", view, 0) % each:
            raise InputError(f"view={view}; samples have {each} views here, so give a multiple of it")
        check_address(self.options.seed, epoch, view)
        options = replace(self.options, on_error="raise", max_errors=None)
        sample = np.array([index]), np.array([view // each])
        (made,) = self._job_of(options, epoch, lambda _: sample).batches(np.zeros(1, np.int64), Inline())
        assert made.batch is not None  # a failure is raised, not skipped
        made.batch._schema = self._schema()
        self._once.warn(made.work.findings)
        return made.batch

    def __getstate__(self) -> dict[str, object]:
        return super().__getstate__() | {"_prepared": None}

    def __repr__(self) -> str:
        o = self.options
        batches = "batches" if self._in_order else f"{len(self)} batches"
        return f"Stream({self.source!r}: {batches} of {o.batch_size}, seed={o.seed}, epoch={self.epoch})"

    def _repr_html_(self) -> str:
        return stream_html(self)


class _Prepared(NamedTuple):
    """The part of a stream that depends on the kind of its source."""

    kind: Kind
    specs: tuple[tuple[ViewSpec, Runner], ...]
    schema: BatchSchema


def _check_source(source: object) -> None:
    """`InputError` if the source is a stream or a policy, as when arguments are in the wrong order."""
    if isinstance(source, Epochs):
        cure = "vary.mix puts streams together" if "source" not in vars(source) else "give its source, train.source"
        raise InputError(f"the source is a {type(source).__name__}; {cure}")
    first = source[0] if isinstance(source, list | tuple) and source else source
    if isinstance(first, Transform):
        given = "a list of transforms" if first is not source else f"a {type(source).__name__}"
        raise InputError(f"the source is {given}; the source comes first, then the policy: vary.stream(source, policy)")


def _mask_findings(source: Indexed) -> list[Finding]:
    """Findings for labels in memory that are as high and wide as their pictures: these are probably masks, which the
    policy does not move."""
    array, _ = whole_of(source)
    if not isinstance(array, Arrays):
        return []
    size = np.shape(array._images[0])[:2]
    found = []
    for name, column in zip(array.fields[1:], batch_labels(array, [0]), strict=True):
        if column.ndim > 2 and column.shape[1:3] == size and min(size) >= SMALLEST_MASK:
            text = (
                f"{name} are as high and wide as the pictures, {size[0]} x {size[1]}, as masks are: labels come out as "
                "they are and do not follow what the policy moves. vary.Pairs(images, masks) is a source whose masks do"
            )
            found.append(Finding(f"masks {name}", text))
    return found


def _file_findings(kind: Kind, options: Options) -> list[Finding]:
    """A finding for files that are read as uint8 where the batches are uint16, which is probably meant of the files."""
    if not kind.encoded or kind.dtype != "uint8" or options.output != "uint16":
        return []
    text = (
        "dtype='uint16' is the type of the batches; the files are read as uint8, and their values stay 0 .. 255. "
        "vary.Folder(path, dtype='uint16') or vary.Files(paths, dtype='uint16') reads all 16 bits"
    )
    return [Finding("file dtype", text)]


def _samples(source: Indexed, arguments: Arguments, views: int) -> Samples:
    """Which samples occur in an epoch; `InputError` if a sample would need more view numbers than there are."""
    if isinstance(source, Streamed):
        check_in_order(arguments)
        return InOrder()
    n, numbers, a = len(source), whole_of(source)[1], arguments
    if a.order is not None:
        return _given_order(a, n, numbers, VIEW_LIMIT // (views * (1 + ATTEMPTS if a.on_error == "replace" else 1)))
    if a.weights is not None and a.shuffle_block_size is not None:
        raise InputError(
            f"shuffle_block_size={a.shuffle_block_size} and weights: weighted samples are not neighbours; leave out one"
        )
    ends = None if a.weights is None or not n else cumulate(weights_of(a.weights, source), n * a.repeat)
    slots = Slots(n, a.repeat, ends, numbers)
    most = slots.max_repeats(0) * (1 + ATTEMPTS if a.on_error == "replace" else 1)
    if most * views > VIEW_LIMIT:
        raise InputError(
            f"repeat={a.repeat}{'' if ends is None else ' and weights'} let a sample come {most} times with "
            f"{views} views each, over the limit of {VIEW_LIMIT} together; lower repeat, weights or views"
        )
    return slots


def _given_order(arguments: Arguments, n: int, numbers: Array | None, most: int) -> GivenOrder:
    if not callable(arguments.order):
        cure = "give a function from the epoch's number to a list of indices"
        raise InputError(f"order={brief(arguments.order)}; {cure}")
    defaults = {one.name: one.default for one in fields(Arguments)}
    for name in ("repeat", "weights", "shuffle_block_size"):
        if (value := getattr(arguments, name)) is not defaults[name] and value != defaults[name]:
            raise InputError(f"order= and {name}={brief(value)}: the order alone says what comes; leave out one")
    return GivenOrder(arguments.order, n, numbers, most)
