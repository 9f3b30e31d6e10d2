"""Input (`Request`) and output (`Result`) of a compiled policy, as data."""

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
Source = object  # an array, the bytes of a JPEG, or a block of codecs/decode.py; the core checks which


class Parts(NamedTuple):
    """n pictures that are parts of one array: (N, H, W, C) or (N, H, W), and (n,) int64 indices into it."""

    array: np.ndarray
    places: np.ndarray

    def each(self) -> list[Source]:
        """The pictures as a list of arrays."""
        return [self.array[place] for place in self.places.tolist()]


Pictures = list[Source] | Parts


class Address(NamedTuple):
    """Which draws: `indices` (n,) int64 are those of the samples; `view` is one number for all, or (n,) int64."""

    seed: int
    epoch: int
    view: int | np.ndarray
    indices: np.ndarray

    @property
    def views(self) -> np.ndarray:
        """The view of each sample: (n,) int64."""
        if isinstance(self.view, np.ndarray):
            return self.view
        views = np.empty(len(self.indices), np.int64)
        views.fill(self.view)
        return views

    def part(self, some: slice | list[int]) -> Address:
        """The addresses at these places."""
        return Address(self.seed, self.epoch, self.views[some], self.indices[some])


class Decode(NamedTuple):
    """How files are decoded: the options of `vary.stream` with these names."""

    full_decode: bool = False
    allow_truncated: bool = False
    max_pixels: int = 178_956_970


PLAIN = Decode()


class Output(NamedTuple):
    """An array that a call makes, and where it is written.

    source: the index in `Request.inputs` of the pictures that it is made from.
    role: "image", or "mask": moved by the geometry alone, with nearest sampling, in the dtype and form of the input.
    dtype: None: float32 after Rescale or Normalize, else that of the input.
    out: the array to write into, contiguous within each picture. None: a new one, made by `empty(shape, dtype)`, or
        if that is None too, in memory that is reused between batches.
    """

    source: int = 0
    dtype: str | None = None
    layout: str = "NHWC"
    out: np.ndarray | None = None
    empty: Empty | None = None
    role: str = "image"


IMAGES = (Output(),)


class Request(NamedTuple):
    """One batch: what to make of which pictures, with which draws.

    inputs: n pictures each; the first input is the images.
    views: each run of this many pictures is the same one; a JPEG is then decoded once, at the smallest scale
        denominator that any of them needs.
    rows: the parameters (n, columns) float64, if they were drawn before, by `Runner.rows`.
    failed: places in the batch that have no picture, whatever `inputs` holds there; `Result.failures` leaves them out.
    check: called with the sample's index before each call of a user function; may raise.
    maps: True: the result contains the maps of the images.
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
    maps: bool = False


class Counts(NamedTuple):
    """What native calls did.

    resamples: pictures sampled, once for each cut and for the result. sweeps: over pictures, after the first.
    reductions: pictures filtered and made smaller before a warp. growths: buffers of threads that had to grow.
    decode_ns, total_ns: nanoseconds, summed over threads.
    """

    pictures: int = 0
    decodes: int = 0
    resamples: int = 0
    sweeps: int = 0
    reductions: int = 0
    growths: int = 0
    decode_ns: int = 0
    total_ns: int = 0
    damaged: tuple[int, ...] = ()  # places of pictures whose file is damaged, although no row that was read is lost

    def plus(self, other: Counts) -> Counts:
        """Both calls together; `pictures` is that of `other`, the later one."""
        return Counts(other.pictures, *(a + b for a, b in zip(self[1:], other[1:], strict=True)))  # type: ignore[operator]


class Failure(NamedTuple):
    place: int  # in the batch
    reason: str


class Result(NamedTuple):
    """The output of a `Request`.

    arrays: one for each output, (n, H, W, C) or (n, C, H, W); unspecified at the places of pictures that failed.
    """

    arrays: tuple[np.ndarray, ...]
    failures: list[Failure]
    counts: Counts
    maps: tuple[Map, ...] = ()  # how points of each image move; of one that failed, a map of size 0


def raise_first(failures: Sequence[Failure], path: Callable[[int], str | None]) -> None:
    """Raise the first failure of a batch, if any, as an error that names its file or its place."""
    if failures:
        place, reason = failures[0]
        name = path(place)
        raise DecodeError(reason, name) if name else InputError(f"image {place}: {reason}")
