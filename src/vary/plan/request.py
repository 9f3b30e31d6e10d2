"""What goes into a native call and what comes out of it, as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from vary.errors import DecodeError, InputError

__all__ = ["PLAIN", "Address", "Counts", "Decode", "Empty", "Failure", "Parts", "Source", "raise_first"]

Empty = Callable[[tuple[int, ...], bool], np.ndarray]
Source = Any  # np.ndarray, bytes of a JPEG, or a block of codecs/decode.py


class Parts(NamedTuple):
    """Pictures that are parts of one array: (N, H, W, C) or (N, H, W), and (n,) int64 places along its first axis."""

    array: np.ndarray
    places: np.ndarray

    def each(self) -> list[Source]:
        """As single pictures."""
        return [self.array[place] for place in self.places.tolist()]


class Address(NamedTuple):
    """Whose draws: `indices` is (n,) int64, places in the source; `view` is one number for all, or (n,) int64."""

    seed: int
    epoch: int
    view: int | np.ndarray
    indices: np.ndarray

    @property
    def views(self) -> np.ndarray:
        view = self.view
        return view if isinstance(view, np.ndarray) else np.full(len(self.indices), view, np.int64)


class Decode(NamedTuple):
    """How encoded pictures are opened."""

    full_decode: bool = False
    allow_truncated: bool = False
    max_pixels: int = 178_956_970


PLAIN = Decode()


class Counts(NamedTuple):
    """What a native call did; times are summed over threads, in nanoseconds."""

    pictures: int = 0
    decodes: int = 0
    resamples: int = 0
    sweeps: int = 0
    reductions: int = 0
    growths: int = 0
    decode_ns: int = 0
    total_ns: int = 0
    damaged: tuple[int, ...] = ()  # places of pictures whose file is damaged, but has every row that was read

    def plus(self, other: Counts) -> Counts:
        """Both calls together; `pictures` is that of the later one."""
        return Counts(other.pictures, *(a + b for a, b in zip(self[1:], other[1:], strict=True)))  # type: ignore[operator]


class Failure(NamedTuple):
    place: int  # in the batch
    reason: str


def raise_first(failures: Sequence[Failure], path: Callable[[int], str | None]) -> None:
    """Turn the first failure of a batch into an error that names its file or place."""
    if failures:
        place, reason = failures[0]
        name = path(place)
        raise DecodeError(reason, name) if name else InputError(f"image {place}: {reason}")
