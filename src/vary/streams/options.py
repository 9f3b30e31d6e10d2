"""What `stream` was told. Whatever cannot be meant is refused here, before anything is read."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vary.errors import InputError
from vary.guidance import word_hint
from vary.plan.run import Decode, default_threads
from vary.rng import check_address
from vary.sample import Layout, dtype_name, layout_name
from vary.streams.order.shards import UNEVEN, Shard, Uneven, shard_of
from vary.streams.report import MAKERS

__all__ = ["ON_ERROR", "Options", "whole"]

ON_ERROR = ("raise", "skip", "replace")
CACHES = (None, "memory", "disk", "auto")
LEAST = {"batch_size": 1, "seed": 0, "repeat": 1, "prefetch": 0, "max_pixels": 1}
CURES = {
    "batch_size": ": 1 makes batches of one picture",
    "seed": ": the same seed gives the same pictures and order; for new ones in each run, give random.randrange(2**64)",
    "prefetch": ": 0 makes each batch when it is asked for",
}
LEAST_OR_NONE = {  # None means
    "shuffle_block_size": "shuffle over the whole epoch",
    "views": "a single one, without an axis of its own",
    "threads": "all there are",
    "cache_bytes": "what can be spared",
}
SWITCHES = ("shuffle", "process", "frozen", "drop_last", "full_decode", "allow_truncated")


@dataclass(frozen=True)
class Options:
    """The keywords of `vary.stream`, which describes them."""

    batch_size: int = 32
    seed: int = 0
    shuffle: bool = True
    repeat: int = 1
    shuffle_block_size: int | None = None
    shard: tuple[int, int] | None = None
    uneven: Uneven = "pad"
    views: int | None = None
    dtype: Any = None
    layout: Layout = "NHWC"
    threads: int | None = None
    process: bool = False
    prefetch: int = 2
    on_error: Literal["raise", "skip", "replace"] = "raise"
    max_errors: int | None = None
    cache: Literal["auto", "memory", "disk"] | None = "auto"
    cache_bytes: int | None = None
    frozen: bool = False
    drop_last: bool = False
    channels: int = 3
    full_decode: bool = False
    allow_truncated: bool = False
    max_pixels: int = Decode().max_pixels

    def __post_init__(self) -> None:
        for name, least in LEAST.items():
            object.__setattr__(self, name, whole(name, getattr(self, name), least, CURES.get(name, "")))
        for name, otherwise in LEAST_OR_NONE.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, whole(name, value, 1, f", or None: {otherwise}"))
        for name in SWITCHES:
            if not _is_one_of(getattr(self, name), (True, False)):
                raise InputError(f"{name}={getattr(self, name)!r}; give True or False")
        if not _is_one_of(self.channels, (1, 3, 4)):
            cure = word_hint("channels", self.channels)
            raise InputError(f"channels={self.channels!r}; a file gives 1 (grey), 3 (RGB) or 4 (RGBA){cure}")
        for name, words in (("on_error", ON_ERROR), ("uneven", UNEVEN), ("cache", CACHES)):
            given = getattr(self, name)
            if not _is_one_of(given, words):
                cure = f"choose one of {', '.join(map(str, words))}{word_hint(name, given)}"
                raise InputError(f"{name}={given!r}; {cure}")
        if self.dtype is not None:
            object.__setattr__(self, "dtype", dtype_name(self.dtype))
        layout_name(self.layout)
        check_address(self.seed, 0)
        self._check_limits()
        self._check_order()

    def _check_limits(self) -> None:
        if self.max_errors is not None:
            object.__setattr__(self, "max_errors", whole("max_errors", self.max_errors, 0, ", or None: any number"))
            if self.on_error == "raise":
                raise InputError(f'max_errors={self.max_errors} goes with on_error="skip" or "replace"')
        if self.cache is None and self.cache_bytes is not None:
            raise InputError(f"cache=None and cache_bytes={self.cache_bytes}: nothing is kept; leave out one")

    def _check_order(self) -> None:
        if self.shuffle_block_size is not None and not self.shuffle:
            raise InputError(
                f"shuffle_block_size={self.shuffle_block_size} is a way to shuffle; take shuffle=True, or leave it out"
            )
        if self.shard is None:
            return
        object.__setattr__(self, "shard", shard_of(self.shard))
        if self.on_error == "skip":
            raise InputError(
                f'shard={self.shard!r} and on_error="skip": the rank with a broken file would have a sample, perhaps a '
                f'batch, less than the others, which then wait for it; on_error="replace" takes another sample'
            )

    @property
    def decode(self) -> Decode:
        return Decode(self.full_decode, self.allow_truncated, self.max_pixels)

    @property
    def allowed(self) -> int:
        """Threads: found out where the stream runs, not where it was made."""
        return self.threads or default_threads()

    @property
    def makers(self) -> int:
        """Batches in work at once."""
        return min(MAKERS, max(1, self.prefetch), self.threads or MAKERS)

    @property
    def each(self) -> int:
        """Threads of each of them: together as many as were asked for. Where none were, the system shares cores out."""
        return max(1, self.threads // self.makers) if self.threads else default_threads()

    @property
    def part(self) -> Shard:
        return Shard(*self.shard or ())

    def share(self, left: int) -> int:
        """How many of the `left` positions of an epoch are handed out here."""
        return self.part.share(left, self.uneven)

    def batches(self, left: int) -> int:
        """How many batches they make."""
        n = self.share(left)
        return n // self.batch_size if self.drop_last else -(-n // self.batch_size)


def _is_one_of(value: Any, known: tuple[Any, ...]) -> bool:
    """`value in known`, and False for objects, such as arrays, that cannot be compared so."""
    return isinstance(value, str | int | np.bool_ | None) and value in known


def whole(name: str, value: Any, least: int, cure: str = "") -> int:
    """`value` as an int; `InputError` where it is none or too small."""
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise InputError(f"{name}={value!r}; give a whole number of at least {least}{cure}")
    return number
