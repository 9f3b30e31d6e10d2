"""One batch, made from the indices of its samples: read, open, one native call, labels."""

from __future__ import annotations

from concurrent.futures import CancelledError
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.errors import DecodeError, InputError, SourceError
from vary.plan.decode import prepare
from vary.plan.run import Address, Failure, Runner
from vary.sources import Encoded, Indexed
from vary.stream.report import Skipped, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vary.stream.options import Options

__all__ = ["Batch", "Made", "Opened", "Task", "array_kind", "make", "open_some"]

Array = np.ndarray[Any, Any]


class Batch(tuple[Array, ...]):  # noqa: SLOT001  a tuple's subclass has attributes in a dict or not at all
    """(images, labels, ...) in the source's field order; (images,) where there are no labels.

    indices: (n,) int64, each sample's index in its source.
    epoch: the iteration it belongs to.
    paths: where the n pictures lie, or None where they lie in memory.
    """

    indices: Array
    epoch: int
    paths: list[str] | None

    def __new__(cls, arrays: Iterable[Array], indices: Array, epoch: int, paths: list[str] | None) -> Batch:
        batch = super().__new__(cls, arrays)
        batch.indices, batch.epoch, batch.paths = indices, epoch, paths
        return batch

    def __getnewargs__(self) -> tuple[tuple[Array, ...], Array, int, list[str] | None]:  # type: ignore[override]
        return tuple(self), self.indices, self.epoch, self.paths


@dataclass(frozen=True)
class Task:
    """All that a batch depends on, its positions aside. Shared by the threads of an iteration, changed by none."""

    source: Indexed
    runner: Runner
    options: Options
    epoch: int
    order: Callable[[Array], Array]


class Made(NamedTuple):
    batch: Batch | None  # None where no sample was left of it
    images: int
    work: Work


class Opened(NamedTuple):
    """Some pictures as the runner takes them, with what that took; in place of a picture, why it is left out."""

    pictures: list[Array | bytes | DecodeError | SourceError]
    read: int = 0  # nanoseconds
    decode: int = 0
    bytes: int = 0


def array_kind(image: Array, index: int) -> tuple[int, str]:
    """(channels, dtype) of an array that is a picture; `InputError` for one that is none, with its sample's index."""
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.ndim not in (2, 3) or channels not in (1, 3, 4) or image.size == 0:
        raise InputError(f"sample {index} has shape {image.shape}; give height x width x 1, 3 or 4 channels")
    if image.dtype not in (np.uint8, np.float32):
        raise InputError(f"sample {index} is {image.dtype}; give uint8 or float32, e.g. images.astype('float32')")
    return channels, image.dtype.name


def open_some(task: Task, indices: Sequence[int] | Array, stopped: Callable[[], bool]) -> Opened:
    """Read and open these samples, one after the other. JPEGs are only read: the native call decodes them."""
    pictures: list[Any] = []
    read = decode = size = 0
    for index in map(int, indices):
        if stopped():
            raise CancelledError
        began = got = perf_counter_ns()
        try:
            image = task.source[index].image
            got = perf_counter_ns()
            picture = _open(task, image, index)
            size += len(picture) if isinstance(picture, bytes) else picture.nbytes if picture is not image else 0
            decode += perf_counter_ns() - got
        except (DecodeError, SourceError) as error:
            if task.options.on_error == "raise":
                raise
            picture = error
        pictures.append(picture)
        read += got - began
    return Opened(pictures, read, decode, size)


def _open(task: Task, image: object, index: int) -> Array | bytes:
    template = task.runner.template
    if isinstance(image, np.ndarray):
        if array_kind(image, index) != (template.channels, template.dtype):
            raise InputError(
                f"sample {index} is {image.dtype} of shape {image.shape}, sample 0 was {template.dtype} with "
                f"{template.channels} channels; make them one kind"
            )
        return image
    if not isinstance(image, Encoded):
        raise InputError(f"sample {index} is a {type(image).__name__}; a source gives NumPy arrays or vary.sources.Encoded")
    return prepare(image, template.channels, task.options.max_pixels, task.options.tolerant)


def make(task: Task, positions: Array, gather: Callable[[Array], Opened]) -> Made:
    """The batch at these positions of the epoch. `gather` is `open_some`, on as many threads as there are."""
    indices = task.order(positions)
    opened = gather(indices)
    lost = {place: str(error) for place, error in enumerate(opened.pictures) if isinstance(error, Exception)}
    images, decode, augment = None, 0, 0
    if len(lost) < len(indices):
        images, failures, decode, augment = _vary(task, indices, opened.pictures, lost)
        if failures and task.options.on_error == "raise":
            place, reason = failures[0]
            raise _told(task, int(indices[place]), reason)
    return None  # type: ignore[return-value]
