"""What a call of a compiled policy is given (`Request`) and what it returns (`Result`), as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from vary.errors import DecodeError, InputError
from vary.maps import Map

__all__ = [
    "PLAIN",
    "Address",
    "Counts",
    "Decode",
    "Empty",
    "Failure",
    "IMAGES",
    "Output",
    "Parts",
    "Pictures",
    "Request",
    "Result",
    "Source",
    "raise_first",
]

Empty = Callable[[tuple[int, ...], str], np.ndarray]
Source = object  # np.ndarray, bytes of a JPEG, or a block of codecs/decode.py; the native call refuses anything else


class Parts(NamedTuple):
    """Pictures that are parts of one array: (N, H, W, C) or (N, H, W), and (n,) int64 places along its first axis."""

    array: np.ndarray
    places: np.ndarray

    def each(self) -> list[Source]:
        """As single pictures."""
        return [self.array[place] for place in self.places.tolist()]


Pictures = list[Source] | Parts


class Address(NamedTuple):
    """Whose draws: `indices` is (n,) int64, places in the source; `view` is one number for all, or (n,) int64."""

    seed: int
    epoch: int
    view: int | np.ndarray
    indices: np.ndarray

    @property
    def views(self) -> np.ndarray:
        """(n,) int64."""
        if isinstance(self.view, np.ndarray):
            return self.view
        views = np.empty(len(self.indices), np.int64)
        views.fill(self.view)
        return views

    def part(self, some: slice | list[int]) -> Address:
        """The addresses at these places."""
        return Address(self.seed, self.epoch, self.views[some], self.indices[some])


class Decode(NamedTuple):
    """How encoded pictures are opened."""

    full_decode: bool = False
    allow_truncated: bool = False
    max_pixels: int = 178_956_970


PLAIN = Decode()


class Output(NamedTuple):
    """An array that a call makes, and where it is written.

    source: the number of the input that it is made of.
    role: "image", or "mask": only moved, by the nearest pixel, and of the dtype and form that it has.
    dtype: None: float32 after Rescale or Normalize, else that of the input.
    out: the array to write into, contiguous within each picture. None: one is made, by `empty` from its shape and
        dtype; without that, in memory that is used again.
    """

    source: int = 0
    dtype: str | None = None
    layout: str = "NHWC"
    out: np.ndarray | None = None
    empty: Empty | None = None
    role: str = "image"


IMAGES = (Output(),)


class Request(NamedTuple):
    """One batch: what is made of which pictures, for whose draws.

    inputs: one or more times n pictures; the first are the images.
    views: so many pictures in sequence are the same; a JPEG is then decoded once, at the smallest scale denominator
        that one of them needs.
    rows: the parameters (n, columns) float64, if they were drawn before; `Runner.rows` draws them.
    failed: places without a picture, whatever stands in `inputs`; they are not among the failures of the result.
    check: called before each user function with its sample's index; may raise.
    """

    inputs: tuple[Pictures, ...]
    address: Address
    outputs: tuple[Output, ...] = IMAGES
    threads: int = 1
    decode: Decode = PLAIN
    views: int = 1
    rows: np.ndarray | None = None
    failed: Sequence[int] = ()
    check: Callable[[int], None] | None = None
    maps: bool = False  # are the maps of the images part of the result?


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


class Result(NamedTuple):
    """What came of a `Request`.

    arrays: one for each output, (n, H, W, C) or (n, C, H, W); unspecified at the places of pictures that failed.
    """

    arrays: tuple[np.ndarray, ...]
    failures: list[Failure]
    counts: Counts
    maps: tuple[Map, ...] = ()  # of the pictures that did not fail: how points move; in a failed one's place, of size 0


def raise_first(failures: Sequence[Failure], path: Callable[[int], str | None]) -> None:
    """Turn the first failure of a batch into an error that names its file or place."""
    if failures:
        place, reason = failures[0]
        name = path(place)
        raise DecodeError(reason, name) if name else InputError(f"image {place}: {reason}")
