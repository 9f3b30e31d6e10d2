"""The keywords of `vary.stream`, each listed once: type, default, check and description.

From this list come the signature and docstring of `vary.stream`, the table in docs/streams.md (tools/keywords.py writes
it), the checks made before anything is read, what a saved state must share, and the hints about former names.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from math import isfinite
from numbers import Real
from typing import Any, Literal, TypeVar, dataclass_transform

import numpy as np

from vary.errors import InputError
from vary.guidance import word_hint
from vary.plan.machine import default_threads
from vary.plan.request import Decode
from vary.policy import Policy
from vary.rng import check_address
from vary.sample import Dtype, Layout, dtype_name, layout_name
from vary.streams.order.shards import Shard, Uneven, shard_of
from vary.streams.report import BATCH_WORKERS

__all__ = ["Arguments", "Options", "described", "former_names", "names_of", "whole"]

T = TypeVar("T")
Where = Literal["state", "mix"]
Check = Callable[[str, object], object]
"""(keyword, value) -> the value that is used; `InputError` for an invalid one."""


def keyword(
    *,
    default: T,
    doc: str,
    check: Check | None = None,
    more: str = "",
    was: str = "",
    same_in: tuple[Where, ...] = (),
) -> Any:  # as of dataclasses.field: to type checkers it is the default, of the type that the annotation says
    """A keyword of `vary.stream`.

    doc: its description; the first sentence is also in docs/streams.md, with a link to the heading `more` there.
    was: its former name.
    same_in: "state": a saved state can be loaded only with the same value. "mix": all streams of a mix must have it.
    """
    metadata = {"doc": doc, "check": check, "more": more, "was": was, "same_in": same_in}
    return field(default=default, kw_only=True, metadata=metadata)


@dataclass_transform(field_specifiers=(keyword, field), frozen_default=True, kw_only_default=True)
def _keywords(kind: type[T]) -> type[T]:
    return dataclass(frozen=True, kw_only=True)(kind)


def whole(name: str, value: Any, least: int, cure: str = "") -> int:  # Any: operator.index refuses the rest
    """`value` as an int; `InputError` if it is not a whole number, or is too small."""
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise InputError(f"{name}={value!r}; give a whole number of at least {least}{cure}")
    return number


def _at_least(least: int, cure: str = "") -> Check:
    return lambda name, value: whole(name, value, least, cure)


def _none_or_at_least(least: int, none: str) -> Check:
    """None is allowed and means `none`, in the words of the error."""
    return lambda name, value: None if value is None else whole(name, value, least, f", or None: {none}")


def _switch(name: str, value: object) -> object:
    if not _is_one_of(value, (True, False)):
        raise InputError(f"{name}={value!r}; give True or False")
    return value


def _one_of(*words: object) -> Check:
    def check(name: str, value: object) -> object:
        if not _is_one_of(value, words):
            cure = f"choose one of {', '.join(map(str, words))}{word_hint(name, value)}"
            raise InputError(f"{name}={value!r}; {cure}")
        return value

    return check


def _is_one_of(value: object, known: tuple[object, ...]) -> bool:
    """`value in known`; False for arrays and the like, for which `in` would fail."""
    return isinstance(value, str | int | np.bool_ | None) and value in known


def _channels(name: str, value: object) -> object:
    if not _is_one_of(value, (1, 3, 4)):
        cure = word_hint(name, value)
        raise InputError(f"{name}={value!r}; a file gives 1 (grey), 3 (RGB) or 4 (RGBA){cure}")
    return value


LONGEST = 1e9  # seconds: more would exceed limits of system calls


def _seconds(name: str, value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, Real) or float(value) <= 0 or not isfinite(value):
        raise InputError(f"{name}={value!r}; give a number of seconds above 0, or None to wait as long as it takes")
    return min(float(value), LONGEST)


def _shard(_: str, value: object) -> tuple[int, int] | None:
    found = shard_of(value, os.environ)
    return None if found is None else (found.rank, found.ranks)


NEW_SEED = ": the same seed gives the same pictures and order; for new ones in each run, give random.randrange(2**64)"


@_keywords
class Options:
    """The keywords of `vary.stream` about making batches; `Arguments` adds those about source and samples."""

    batch_size: int = keyword(
        default=32,
        doc="Samples in a batch. The last batch of an epoch may hold fewer.",
        check=_at_least(1, ": 1 makes batches of one picture"),
        same_in=("mix",),
    )
    seed: int = keyword(
        default=0,
        doc="Seed of the order and of the variations. Each is a function of seed, epoch, the sample's index in the "
        "source and its view number; neither threads nor batch_size, prefetch or shuffle change a picture.",
        check=_at_least(0, NEW_SEED),
        same_in=("state",),
    )
    shuffle: bool = keyword(
        default=True, doc="A new order every epoch; False: the source's own order.", check=_switch, same_in=("state",)
    )
    repeat: int = keyword(
        default=1,
        doc="How often each sample occurs in an epoch, each time as another view.",
        check=_at_least(1),
        same_in=("state",),
    )
    shuffle_block_size: int | None = keyword(
        default=None,
        doc="Shuffle blocks of this many neighbouring samples. Then the samples of 8 blocks at a time are shuffled, so "
        "that reads are nearly sequential, as some storage prefers. A batch has samples of few blocks only.",
        check=_none_or_at_least(1, "shuffle over the whole epoch"),
        more="shuffling-in-blocks",
        was="block_size",
        same_in=("state",),
    )
    shard: tuple[int, int] | Literal["auto"] | None = keyword(
        default=None,
        doc='This stream\'s part of an epoch that several devices share: (rank, ranks), or "auto". "auto" reads RANK '
        "and WORLD_SIZE, or else SLURM_PROCID and SLURM_NTASKS; without them the stream has all of the epoch. All "
        "ranks need the same seed, source and options.",
        check=_shard,
        more="several-devices",
        same_in=("mix",),
    )
    uneven: Uneven = keyword(
        default="pad",
        doc='If the ranks do not divide an epoch evenly: "pad", "drop" or "keep". "pad" uses its first samples once '
        'more, "drop" leaves out the rest, "keep" uses every sample once, but some ranks have one sample more, and '
        "perhaps one batch more (for evaluation).",
        check=_one_of("pad", "drop", "keep"),
        more="several-devices",
        was="remainder",
        same_in=("mix",),
    )
    views: int | None = keyword(
        default=None,
        doc="Pictures made of each sample, which is decoded once: (batch, views, H, W, C).",
        check=_none_or_at_least(1, "a single one, without an axis of its own"),
        more="several-views",
    )
    dtype: Dtype | None = keyword(
        default=None,
        doc='"uint8", "uint16", "int16", "float16" or "float32"; None: float32 after Rescale or Normalize, else the '
        "dtype of the source.",
        check=lambda _, value: None if value is None else dtype_name(value),
        same_in=("state",),
    )
    layout: Layout = keyword(
        default="NHWC",
        doc='Channels last, "NHWC", or first, "NCHW".',
        check=lambda _, value: layout_name(value),
        same_in=("state", "mix"),
    )
    one_hot: bool = keyword(
        default=False,
        doc="Class ids as rows of 0 and 1, float32 (n, classes). Without names of classes, there are as many as the "
        "largest id of the whole source says. Rows of 0 and 1, as of samples with several classes, become float32.",
        check=_switch,
        more="labels-and-classes",
        same_in=("mix",),
    )
    threads: int | None = keyword(
        default=None,
        doc="Threads for decoding and varying; None: as many as affinity and cgroup allow.",
        check=_none_or_at_least(1, "all there are"),
        same_in=("mix",),
    )
    process: bool = keyword(
        default=False,
        doc="Make batches in a process of its own. Use it if Python code of the training or of a `Lambda` keeps "
        "the interpreter busy. Batches come through shared memory, with the same bytes. Source and policy are "
        "pickled once; functions and classes of `__main__` need the package cloudpickle.",
        check=_switch,
        more="a-process-of-its-own",
        same_in=("mix",),
    )
    prefetch: int = keyword(
        default=2,
        doc="Batches that are prepared ahead of the one in use. Memory is bounded by prefetch + 1 of them. Batches of "
        "small arrays are prepared in groups of up to 16 batches or 8 MB.",
        check=_at_least(0, ": 0 makes each batch when it is asked for"),
        more="ahead",
        same_in=("mix",),
    )
    timeout: float | None = keyword(
        default=None,
        doc="Seconds to wait for a batch before `StreamTimeoutError`, which says what is stuck; None: without an end.",
        check=_seconds,
        same_in=("mix",),
    )
    on_error: Literal["raise", "skip", "replace"] = keyword(
        default="raise",
        doc='What happens with a broken file: "raise" its error, "skip" it or "replace" it. The error names the file '
        'and ends the epoch. With "skip" its batch is shorter, or is left out. With "replace" another sample is used, '
        'chosen by seed, epoch and index, so batches stay full. With shard, "skip" is not allowed. `report()` lists '
        "broken files.",
        check=_one_of("raise", "skip", "replace"),
        more="broken-files",
    )
    max_errors: int | None = keyword(
        default=None,
        doc="The most broken files in an epoch, on each rank. One more is an error that names it.",
        check=_none_or_at_least(0, "any number"),
        more="broken-files",
    )
    cache: Literal["auto", "memory", "disk"] | None = keyword(
        default="auto",
        doc='Where decoded files are kept for later epochs: "memory", "disk", "auto" or None. "disk" is the user\'s '
        'cache folder (or $VARY_CACHE), also for later runs; "auto" is memory if all files will fit; None keeps '
        "nothing. It never changes a picture, and a file that was changed is decoded again.",
        check=_one_of(None, "memory", "disk", "auto"),
        more="the-cache",
    )
    cache_bytes: int | None = keyword(
        default=None,
        doc="The most bytes for the cache; None: a share of the free memory or disk. All caches of a process together "
        "use at most a quarter of the free memory; a cache on disk, a tenth of the free disk.",
        check=_none_or_at_least(1, "what can be spared"),
        more="the-cache",
    )
    frozen: bool = keyword(
        default=False,
        doc="Vary a picture in the same way in every epoch, as in epoch 0. The order still changes.",
        check=_switch,
        same_in=("state",),
    )
    drop_last: bool = keyword(default=False, doc="Leave out a last batch that is not full.", check=_switch)
    channels: int = keyword(
        default=3,
        doc="Channels of pictures from files: 1 (grey), 3 (RGB) or 4 (RGBA). Arrays have their own.",
        check=_channels,
        same_in=("state",),
    )
    full_decode: bool = keyword(
        default=False,
        doc="Decode JPEGs at full size, even if the policy shrinks them. Then files and arrays give the same bytes.",
        check=_switch,
        was="exact",
        same_in=("state",),
    )
    allow_truncated: bool = keyword(
        default=False,
        doc="Decode the intact part of a file with missing rows; the rest is grey or black.",
        check=_switch,
        more="broken-files",
        was="tolerant",
        same_in=("state",),
    )
    max_pixels: int = keyword(
        default=Decode().max_pixels,
        doc="A file that claims more pixels is an error, because it may be an attack.",
        check=_at_least(1),
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            if (check := one.metadata.get("check")) is not None:
                object.__setattr__(self, one.name, check(one.name, getattr(self, one.name)))
        check_address(self.seed, 0)
        if self.max_errors is not None and self.on_error == "raise":
            raise InputError(f'max_errors={self.max_errors} goes with on_error="skip" or "replace"')
        if self.cache is None and self.cache_bytes is not None:
            raise InputError(f"cache=None and cache_bytes={self.cache_bytes}: nothing is kept; leave out one")
        if self.shuffle_block_size is not None and not self.shuffle:
            raise InputError(
                f"shuffle_block_size={self.shuffle_block_size} is a way to shuffle; give shuffle=True, or leave it out"
            )
        if self.part.ranks > 1 and self.on_error == "skip":
            raise InputError(
                f'shard={self.shard!r} and on_error="skip": the rank with a broken file would have a sample, perhaps a '
                f'batch, less than the others, which then wait for it; on_error="replace" takes another sample'
            )

    @cached_property
    def output(self) -> str | None:
        """`dtype` as a plain string: the checks have made it a name."""
        return None if self.dtype is None else str(self.dtype)

    @cached_property
    def decode(self) -> Decode:
        return Decode(self.full_decode, self.allow_truncated, self.max_pixels)

    @property
    def total_threads(self) -> int:
        """Threads of an iteration. Not stored, because the stream may run on another machine than it was made on."""
        return self.threads or default_threads()

    @cached_property
    def batch_workers(self) -> int:
        """Batches that are made at the same time."""
        return min(BATCH_WORKERS, max(1, self.prefetch), self.threads or BATCH_WORKERS)

    @property
    def threads_per_batch(self) -> int:
        """Threads of each batch worker: together `threads`. By default each has as many as there are cores. A batch
        worker that waits for a batch is one more thread for another one."""
        return max(1, self.threads // self.batch_workers) if self.threads else default_threads()

    @cached_property
    def part(self) -> Shard:
        return Shard(*self.shard) if isinstance(self.shard, tuple) else Shard()

    def share(self, left: int) -> int:
        """How many of the last `left` positions of an epoch belong to this rank."""
        return self.part.share(left, self.uneven)

    def batches(self, left: int, rank: int | None = None) -> int:
        """How many batches this rank, or another one, makes of the last `left` positions of an epoch."""
        part = self.part if rank is None else self.part._replace(rank=rank)
        n = part.share(left, self.uneven)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


@_keywords
class Arguments(Options):
    """All arguments of `vary.stream`."""

    source: object = field(
        kw_only=False,
        metadata={
            "doc": "A folder with one sub-folder for each class, an array (N, H, W, C), a list of arrays, a tuple "
            "(images, labels), or anything that `vary.sources` describes. It is only read."
        },
    )
    policy: Policy | Mapping[str, Policy | tuple[Policy, int]] = field(
        kw_only=False,
        metadata={
            "doc": 'One policy, or several by the names of their fields: {"global": (policy, 2), "local": (other, 8)} '
            'gives 2 and 8 views of each sample in place of "images". Without a number, a field has no axis for views.'
        },
    )
    labels: object = keyword(
        default=None,
        doc="One label for each picture, if the source is an array, a list of arrays or a folder. Labels of a folder "
        "are in the order of its sorted paths, and replace the ids of its sub-folders.",
        more="labels-and-classes",
    )
    classes: Sequence[str] | None = keyword(
        default=None,
        doc="The names of the class ids, in order. `classes=train.classes` gives a validation stream the ids of "
        "training. A warning names classes without samples; a class of the source that is not in the list is an "
        "error.",
        more="labels-and-classes",
    )
    weights: object = keyword(
        default=None,
        doc='How often each sample occurs: one number for each, or "balanced" for all classes equally often. The '
        "length of an epoch does not change; a sample occurs in proportion to its weight. If its share of an epoch is "
        "1.3 places, it gets 1 or 2 in each epoch, and 1.3 on average.",
        more="how-often-a-sample-comes",
    )
    order: Callable[[int], object] | None = keyword(
        default=None,
        doc="A function from the epoch's number to the indices of its samples, in order. It must return the same for "
        "the same number, on every rank and in every process. An index may occur more than once, each time as "
        "another view. It replaces shuffle, repeat, weights and shuffle_block_size.",
        more="an-order-of-your-own",
    )


def names_of(where: Where) -> tuple[str, ...]:
    """The keywords that must have the same value in a saved state, or in a mix."""
    return tuple(one.name for one in fields(Options) if where in one.metadata["same_in"])


def former_names() -> dict[str, str]:
    """Former name -> keyword."""
    return {one.metadata["was"]: one.name for one in fields(Options) if one.metadata["was"]}


def described() -> str:
    """The description of each argument, for the docstring of `vary.stream`."""
    import textwrap

    ordered = sorted(fields(Arguments), key=lambda one: bool(one.kw_only))
    lines = [
        textwrap.fill(
            f"{one.name}: {one.metadata['doc']}",
            116,
            initial_indent="    ",
            subsequent_indent=" " * 8,
            break_long_words=False,
        )
        for one in ordered
    ]
    return "\n".join(lines)
