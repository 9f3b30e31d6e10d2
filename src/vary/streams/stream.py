"""`vary.stream`: epochs of batches, one iteration after the other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vary.errors import InputError, SourceError
from vary.guidance import guided
from vary.plan.check import output_dtype
from vary.plan.hints import hints
from vary.plan.program import GEOMETRY
from vary.plan.watch import Watch
from vary.rng import VIEW_LIMIT, check_address
from vary.sources import array_kind, open_source, whole_of
from vary.streams.batches.job import StreamJob
from vary.streams.batches.task import Inline
from vary.streams.cache.choose import holds_files, store_of
from vary.streams.epochs import Epochs
from vary.streams.masks import mask_findings
from vary.streams.notebook import schema_of, stream_html
from vary.streams.options import Options, whole
from vary.streams.order.samples import Slots, cumulate, weights_of
from vary.streams.order.shuffle import order
from vary.streams.report import Tally
from vary.streams.state import terms_of
from vary.streams.views import fields_of, numbers, view_specs_of
from vary.transforms import Transform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vary.display.fields import BatchSchema
    from vary.plan.run import Runner
    from vary.policy import Policy
    from vary.sample import Dtype, Layout
    from vary.sources import Indexed
    from vary.streams.batch import Batch
    from vary.streams.batches.task import Empty
    from vary.streams.cache.memory import Store
    from vary.streams.order.shards import Uneven
    from vary.streams.views import ViewSpec

__all__ = ["Stream", "stream"]

Array = np.ndarray[Any, Any]


@guided("vary.stream")
def stream(
    source: object,
    policy: Policy | Mapping[str, Policy | tuple[Policy, int]],
    *,
    batch_size: int = 32,
    seed: int = 0,
    shuffle: bool = True,
    repeat: int = 1,
    weights: object = None,
    shuffle_block_size: int | None = None,
    shard: tuple[int, int] | None = None,
    uneven: Uneven = "pad",
    views: int | None = None,
    labels: object = None,
    classes: Sequence[str] | None = None,
    dtype: Dtype | None = None,
    layout: Layout = "NHWC",
    threads: int | None = None,
    process: bool = False,
    prefetch: int = 2,
    on_error: Literal["raise", "skip", "replace"] = "raise",
    max_errors: int | None = None,
    cache: Literal["auto", "memory", "disk"] | None = "auto",
    cache_bytes: int | None = None,
    frozen: bool = False,
    drop_last: bool = False,
    channels: int = 3,
    full_decode: bool = False,
    allow_truncated: bool = False,
    max_pixels: int = 178_956_970,
) -> Stream:
    """Batches of varied pictures, made ahead of the consumer; each `for` over it is one epoch.

    source: a folder with one sub-folder a class, an array (N, H, W, C), a list of arrays, a tuple (images, labels), or
        anything that `vary.sources` describes. It is only ever read.
    policy: one, or several by the names of their fields, `{"global": (policy, 2), "local": (other, 8)}`: 2 and 8 views
        of each sample in place of "images". Without a number, a field has no axis for views.
    seed: of the order and of the pictures. Each is a function of seed, epoch, the sample's index in the source and its
        view; neither threads nor batch_size, prefetch or shuffle change a picture.
    shuffle: a new order every epoch; False: the source's.
    repeat: how often each sample comes in an epoch, each time as another view.
    weights: one number a sample, or "balanced" for every class as often: an epoch is as long, but a sample comes in
        proportion to its weight. Of 1.3 times that it may expect, it gets 1 or 2, over the epochs 1.3.
    shuffle_block_size: shuffle blocks of as many neighbouring samples, then within 8 blocks at a time: for storage
        that reads
        on faster than it jumps. Less mixed than a shuffle of all: a batch holds samples of few blocks.
    shard: (rank, ranks): this stream is one of several, such as one a device, which share each epoch out. All must have
        the same seed, source and options.
    uneven: of an epoch that ranks do not divide: "pad" with its first samples once more, "drop" the rest, or "keep"
        it: every sample once, but some ranks have one more, perhaps a batch more (for evaluation).
    views: pictures made of each sample, which is decoded once: (batch, views, H, W, C).
    labels: one for each picture, if source is an array, a list of arrays, or a folder. Labels of a folder are in the
        order of its sorted paths, and replace the ids of its sub-folders.
    classes: the names of the class ids, in order: `classes=train.classes` gives a validation stream the ids of
        training. A warning names classes without samples; a class of the source that is not in the list is an error.
    dtype, layout: of the pictures: "uint8" or "float32", by default what the policy gives (float32 after Rescale or
        Normalize, else the source's own); "NHWC" or "NCHW".
    threads: for decoding and varying a batch; None takes what affinity and cgroup allow.
    process: make batches in one process beside this one: where Python code keeps the interpreter busy, of the training
        or of a `Lambda`. They come through shared memory, uncopied, with the same bytes. Source and policy go there
        pickled, so arrays in memory are copied once; what is defined in `__main__` takes the package cloudpickle.
    prefetch: batches ready or in work beside the one handed over; of small arrays, runs of up to 16 batches or 8 MB.
        Memory is bounded by prefetch + 1 of them.
    on_error: what a file does that cannot be read or decoded: "raise" its error, which names it and ends the epoch;
        "skip" it: its batch is shorter, or left out, and `report()` lists it; "replace" it by another sample, drawn by
        seed, epoch and index: batches stay full, so with shard it is the only other choice.
    max_errors: as many files of an epoch may be broken, on each rank; one more is an error that names it.
    cache: where decoded files are kept, so that later epochs only vary them: in "memory"; on "disk", in the user's
        cache folder (or $VARY_CACHE), for later runs too; "auto": in memory if all will fit; None: nowhere. It never
        changes a picture, and a file that was changed is decoded again.
    cache_bytes: that it may take; None: a quarter of the memory that is free, or a tenth of the disk that is.
    frozen: the same picture of a sample in every epoch (that of epoch 0); the order still changes.
    drop_last: leave out a last batch that is not full.
    channels: of pictures from files: 1 (grey), 3 or 4. Arrays decide themselves.
    full_decode: decode JPEGs at full size even where the policy shrinks them, so that files and arrays give the same
        bytes.
    allow_truncated: take what there is of a file that breaks off.
    max_pixels: a file that claims more is refused.

    Batches are tuples in the source's field order, `(images, labels)` or `(images,)`, with `.indices`, `.views`,
    `.epoch` and `.paths`. `state_dict` and `load_state_dict` go on within an epoch. `PolicyError`, `InputError` or
    `SourceError` at once for invalid arguments. Values that would train on nonsense are a `ValueWarning`, each kind
    once for each stream.
    """
    options = Options(
        batch_size, seed, shuffle, repeat, shuffle_block_size, shard, uneven, views, dtype, layout, threads, process,
        prefetch, on_error, max_errors, cache, cache_bytes, frozen, drop_last, channels, full_decode, allow_truncated,
        max_pixels,
    )  # fmt: skip
    return Stream(source, policy, options, labels, weights, classes)


class Stream(Epochs):
    """What `vary.stream` returns: epochs of batches of one source.

    The n-th `iter()` is epoch n, counted from 0, whether or not the one before was finished. Several iterations may be
    under way at once. Between them it is plain data, which pickles; it holds no thread and no file, only batches of
    the next epoch that are ready, and with process=True the process that makes them.
    """

    def __init__(
        self,
        source: object,
        policy: object,
        options: Options,
        labels: object = None,
        weights: object = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        _check_places(source)
        self.source: Indexed = open_source(source, labels, classes)
        self.policy = policy
        self._looks = view_specs_of(policy, options.views, self.source.fields[1:])
        self._kind = _kind(self.source, options.channels)
        for spec in self._looks:
            output_dtype(spec.policy.runner(*self._kind).template, options.dtype)
        self._slots = _slots(self.source, options, weights, numbers(self._looks))
        super().__init__(options, self._slots.count, terms_of(self.source, self._looks, self._slots, options))
        if not len(self):
            n, part = len(self.source), "" if options.shard is None else f", shard={tuple(options.part)}"
            cure = "take drop_last=False or a smaller batch_size" if n else "give at least one"
            raise InputError(f"the source has {n} samples and batch_size={options.batch_size}{part}: no batch; {cure}")
        self._schema = schema_of(self.source.classes, self.specs, options)
        self._watches = tuple(Watch() for _ in self._looks)
        for spec, runner in self.specs:
            found = hints(runner.template)
            self.once.warn(one.of(f"policy[{spec.field!r}]") if len(self._looks) > 1 else one for one in found)
        moved = any(i.op in GEOMETRY for _, runner in self.specs for i in runner.template.instructions)
        self.once.warn(mask_findings(self.source) if moved else [])
        self._files = holds_files(self.source)
        self._store, self.kept = store_of(self.source, options, self.specs) if self._files else (None, "")

    @property
    def classes(self) -> list[str] | Any:  # Any stands for None, so that callers need not check for it
        """Names of the class ids, where the source has any."""
        return self.source.classes

    @property
    def fields(self) -> tuple[str, ...]:
        """What a batch holds, in order."""
        return fields_of(self.source, self._looks)

    @property
    def specs(self) -> tuple[tuple[ViewSpec, Runner], ...]:
        """Which pictures are made of a sample, and what makes them."""
        return tuple((spec, spec.policy.runner(*self._kind)) for spec in self._looks)

    @property
    def schema(self) -> BatchSchema:
        return self._schema

    @property
    def store(self) -> Store | None:
        """Where decoded files are kept."""
        return self._store

    def job(self, epoch: int, empty: Empty | None = None) -> StreamJob:
        o, slots = self.options, self._slots
        block = o.shuffle_block_size and o.shuffle_block_size * o.repeat
        ordered = order(slots.count, o.seed, epoch, o.shuffle, block)

        def samples(positions: Array) -> tuple[Array, Array]:
            return slots.samples(ordered(positions), o.seed, epoch)

        return replace(self._job(o, epoch, slots.count, samples), empty=empty)

    def _job(
        self, options: Options, epoch: int, count: int, samples: Callable[[Array], tuple[Array, Array]]
    ) -> StreamJob:
        source, _ = whole_of(self.source)
        eligible = self._slots.eligible if options.on_error == "replace" else None
        return StreamJob(
            source, self.specs, options, epoch, count, samples, self._files, self._store, eligible,
            watches=self._watches,
        )  # fmt: skip

    def _new_tally(self, epoch: int) -> Tally:
        return Tally(epoch, self.options.prefetch, numbers(self._looks), self.kept, makers=self.options.makers)

    def refresh(self) -> None:
        if self._store is not None:
            self._store.refresh()

    @guided("train.replay", leads=False)
    def replay(self, index: int, epoch: int = 0, view: int = 0) -> Batch:
        """The batch of one sample as it was, or will be, in an epoch: by its index in the source and its view number.

        With several views a sample, `view` is that of the first: `batch.views` tells it.
        """
        index, epoch = whole("index", index, 0), whole("epoch", epoch, 0)
        each = numbers(self._looks)
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
        order = np.array([index]), np.array([view // each])
        job = self._job(options, epoch, 1, lambda _: order)
        made = job.make(np.zeros(1, np.int64), Inline())
        assert made.batch is not None  # a failure is raised, not skipped
        made.batch._schema = self._schema
        self.once.warn(made.work.findings)
        return made.batch

    def __repr__(self) -> str:
        o = self.options
        return f"Stream({self.source!r}: {len(self)} batches of {o.batch_size}, seed={o.seed}, epoch={self.epoch})"

    def _repr_html_(self) -> str:
        return stream_html(self)


def _check_places(source: object) -> None:
    """`InputError` if a policy or a stream was given as the source."""
    if isinstance(source, Epochs):
        cure = "vary.mix puts streams together" if "source" not in vars(source) else "give its source, train.source"
        raise InputError(f"the source is a {type(source).__name__}; {cure}")
    first = source[0] if isinstance(source, list | tuple) and source else source
    if isinstance(first, Transform):
        given = "a list of transforms" if first is not source else f"a {type(source).__name__}"
        raise InputError(f"the source is {given}; the source comes first, then the policy: vary.stream(source, policy)")


def _slots(source: Indexed, options: Options, weights: object, each: int) -> Slots:
    """The slots of an epoch; `InputError` where a sample would take more view numbers than there are."""
    n, o = len(source), options
    if weights is not None and o.shuffle_block_size is not None:
        raise InputError(
            f"shuffle_block_size={o.shuffle_block_size} and weights: weighted samples are not read on; leave out one"
        )
    ends = None if weights is None or not n else cumulate(weights_of(weights, source), n * o.repeat)
    slots = Slots(n, o.repeat, ends, whole_of(source)[1])
    if slots.most * each > VIEW_LIMIT:
        raise InputError(
            f"repeat={o.repeat}{'' if ends is None else ' and weights'} let a sample come {slots.most} times with "
            f"{each} views each, over the limit of {VIEW_LIMIT} together; lower repeat, weights or views"
        )
    return slots


def _kind(source: Indexed, channels: int) -> tuple[int, str]:
    """(channels, dtype) of what the policy will see, by the first sample; files are opened as uint8."""
    if not len(source):
        return channels, "uint8"
    try:
        item = source[0]
    except SourceError:  # told, or skipped, when its turn comes
        return channels, "uint8"
    image = getattr(item, "image", None)
    if image is None:
        raise InputError(
            f"sample 0 of the source is a {type(item).__name__}; a source gives vary.sources.Item(image, (label, ...))"
        )
    return array_kind(image, 0) if isinstance(image, np.ndarray) else (channels, "uint8")
