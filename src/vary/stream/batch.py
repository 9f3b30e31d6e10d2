"""One batch, made from the indices of its samples: read, open, a native call for each view, labels."""

from __future__ import annotations

import itertools
from concurrent.futures import CancelledError
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from vary.errors import DecodeError, InputError, SourceError
from vary.plan.decode import prepare, read_image
from vary.plan.run import Address
from vary.sources import Encoded
from vary.stream.report import Skipped, Work
from vary.stream.views import fields_of, numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from vary.plan.run import Failure, Runner
    from vary.sources import Indexed
    from vary.stream.options import Options
    from vary.stream.views import Look

__all__ = ["Batch", "Made", "Opened", "Task", "array_kind", "make", "open_some"]

CUT_OFF = ("Premature end of JPEG file", "image file is truncated")
"""What libjpeg and Pillow say of a file that ends too early; it alone is one that `tolerant` can take."""

Array = np.ndarray[Any, Any]


class Batch(tuple[Array, ...]):  # noqa: SLOT001  a tuple's subclass has attributes in a dict or not at all
    """(images, labels, ...) in the source's field order; (images,) where there are no labels. `batch.images` works too.

    fields: the names of its arrays. One that a tuple or a batch has already, such as `count`, goes by place alone.
    indices: (n,) int64, each sample's index in its source.
    views: (n,) int64, the view number of each, or of the first of its several: 0 unless a sample comes repeatedly.
    epoch: the iteration it belongs to.
    paths: where the n pictures lie, or None where they lie in memory.
    """

    fields: tuple[str, ...] = ()  # of the class, too: unpickling asks for attributes before it has set any
    indices: Array
    views: Array
    epoch: int
    paths: list[str] | None

    def __new__(
        cls,
        arrays: Iterable[Array],
        fields: tuple[str, ...],
        indices: Array,
        views: Array,
        epoch: int,
        paths: list[str] | None,
    ) -> Self:
        batch = super().__new__(cls, arrays)
        batch.fields, batch.indices, batch.views, batch.epoch, batch.paths = fields, indices, views, epoch, paths
        return batch

    def __getnewargs__(self) -> tuple[tuple[Array, ...], tuple[str, ...], Array, Array, int, list[str] | None]:
        return tuple(self), self.fields, self.indices, self.views, self.epoch, self.paths

    def __getattr__(self, name: str) -> Array:
        for field, array in zip(self.fields, self, strict=False):  # a source may name more than it gives
            if field == name:
                return array
        raise AttributeError(f"a batch has no {name!r}; its fields are {', '.join(self.fields)}, as in batch.images")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.fields]


@dataclass(frozen=True)
class Task:
    """All that a batch depends on, its positions aside. Shared by the threads of an iteration, changed by none."""

    source: Indexed
    looks: tuple[tuple[Look, Runner], ...]
    options: Options
    epoch: int
    count: int  # positions in the epoch
    order: Callable[[Array], tuple[Array, Array]]  # positions -> indices, and which of its repetitions each is

    @property
    def fields(self) -> tuple[str, ...]:
        return fields_of(self.source, [look for look, _ in self.looks])

    @property
    def each(self) -> int:
        """Pictures made of one."""
        return numbers([look for look, _ in self.looks])


class Made(NamedTuple):
    batch: Batch | None  # None where every sample was left out
    work: Work


class Opened(NamedTuple):
    """Some pictures as the runner takes them, with what that took; in place of a picture, why it is left out."""

    pictures: list[Array | bytes | DecodeError | SourceError]
    read: int = 0  # nanoseconds
    decode: int = 0


def array_kind(image: Array, index: int) -> tuple[int, str]:
    """(channels, dtype) of an array that is a picture; `InputError` for one that is none, with its sample's index."""
    channels = image.shape[2] if image.ndim == 3 else 1
    if image.ndim not in (2, 3) or channels not in (1, 3, 4) or image.size == 0:
        raise InputError(f"sample {index} has shape {image.shape}; give height x width x 1, 3 or 4 channels")
    if image.dtype not in (np.uint8, np.float32):
        cure = "astype('uint8') if its values are 0 .. 255" if image.dtype.kind in "iub" else "astype('float32')"
        raise InputError(f"sample {index} is {image.dtype}; give uint8 or float32, e.g. images.{cure}")
    return channels, image.dtype.name


def open_some(task: Task, indices: Sequence[int] | Array, stopped: Callable[[], bool]) -> Opened:
    """Read and open these samples, one after the other. JPEGs are only read: the native call decodes them."""
    pictures: list[Any] = []
    picture: Any
    read = decode = 0
    for index in map(int, indices):
        if stopped():
            raise CancelledError
        began = got = perf_counter_ns()
        try:
            image = task.source[index].image
            got = perf_counter_ns()
            picture = _open(task, image, index)
            decode += 0 if picture is image else perf_counter_ns() - got
        except (DecodeError, SourceError) as error:
            picture = error
        pictures.append(picture)
        read += got - began
    return Opened(pictures, read, decode)


def _open(task: Task, image: object, index: int) -> Array | bytes:
    template = task.looks[0][1].template
    if isinstance(image, np.ndarray):
        kind = template.channels, template.dtype
        usual = image.ndim == 3 and image.shape[2] == kind[0] and image.dtype == kind[1] and image.size  # told fast
        if usual or array_kind(image, index) == kind:
            return image
        raise InputError(
            f"sample {index} is {image.dtype} of shape {image.shape}, sample 0 was {template.dtype} with "
            f"{template.channels} channels; make them one kind"
        )
    if not isinstance(image, Encoded):
        raise InputError(f"sample {index} is a {type(image).__name__}; give NumPy arrays or vary.sources.Encoded")
    if template.dtype != "uint8":
        raise InputError(f"sample {index} is a file, sample 0 was a {template.dtype} array; make them one kind")
    o = task.options
    if task.each == 1:
        return prepare(image, template.channels, o.max_pixels, o.tolerant)
    try:  # once for all views
        return read_image(image.data, template.channels, max_pixels=o.max_pixels, tolerant=o.tolerant)
    except DecodeError as error:
        raise DecodeError(error.reason, image.path) from error.__cause__


def make(task: Task, positions: Array, gather: Callable[[Array], Opened]) -> Made:
    """The batch at these positions of the epoch. `gather` is `open_some`, spread over threads or not."""
    indices, repeats = task.order(positions)
    opened = gather(indices)
    lost = {place: error for place, error in enumerate(opened.pictures) if isinstance(error, Exception)}
    work = Work(opened.read, opened.decode, skipped=_leave_out(task, indices, lost))
    indices, repeats = np.delete((indices, repeats), list(lost), axis=1)
    pictures = [picture for picture in opened.pictures if not isinstance(picture, Exception)]
    fields, failures, work = _vary(task, indices, repeats, pictures, work)
    if failures:
        errors = {place: _error(task.source, int(indices[place]), reason) for place, reason in failures.items()}
        work = work._replace(skipped=work.skipped + _leave_out(task, indices, errors))
        fields = [np.delete(images, list(errors), axis=0) for images in fields]
        indices, repeats = np.delete((indices, repeats), list(errors), axis=1)
    if not len(indices):
        return Made(None, work)
    arrays = (*fields, *task.source.label_batch(indices))
    paths = _paths(task.source, indices)
    return Made(Batch(arrays, task.fields, indices, repeats * task.each, task.epoch, paths), work)


def _vary(
    task: Task, indices: Array, repeats: Array, pictures: list[Any], work: Work
) -> tuple[list[Array], dict[int, str], Work]:
    """The fields of pictures, and the places that failed: a native call for every view number in the batch."""
    fields: list[Array] = []
    failures: dict[int, str] = {}
    present = sorted(set(repeats.tolist()))  # np.unique would import a module, here in a thread, which a fork may cut
    groups = [(repeat, np.flatnonzero(repeats == repeat)) for repeat in present]
    first = 0
    for look, runner in task.looks:
        parts = []
        for number, (repeat, rows) in itertools.product(range(look.views), groups):
            view = repeat * task.each + first + number
            some = [pictures[row] for row in rows]
            images, failed, work = _run(task, runner, view, indices[rows], some, work)
            failures |= {int(rows[place]): reason for place, reason in failed}
            if len(failed) < len(rows):  # else it has no size
                parts.append((rows, number, images))
        fields.append(_put_together(look, len(indices), parts))
        first += look.views
    size = sum(images.nbytes for images in fields)
    size += sum(len(p) if isinstance(p, bytes) else p.nbytes for p in pictures)
    return fields, dict(sorted(failures.items())), work._replace(bytes=size)


def _put_together(look: Look, count: int, parts: list[tuple[Array, int, Array]]) -> Array:
    """(count, views, ...), or (count, ...) without an axis for views, of parts (rows, number of the view, pictures)."""
    shapes = sorted({images.shape[1:] for _, _, images in parts})
    if len(shapes) > 1:
        raise InputError(
            f"{look.field}: pictures of a batch must come out in one size, but some are {shapes[0]} and others "
            f"{shapes[1]}; put Resize(height, width) into the policy"
        )
    if not parts:
        return np.empty((count, 0))
    rows, _, images = parts[0]
    if look.views == 1 and len(rows) == count:  # the usual case: nothing is copied
        return images if look.count is None else images[:, None]
    whole = np.empty((count, look.views, *shapes[0]), images.dtype)
    for rows, number, images in parts:
        whole[rows, number] = images
    return whole[:, 0] if look.count is None else whole


def _run(
    task: Task, runner: Runner, view: int, indices: Array, pictures: list[Any], work: Work
) -> tuple[Array, list[Failure], Work]:
    o = task.options
    began = perf_counter_ns()
    images, failures, counts = runner.batch(
        pictures,
        Address(o.seed, 0 if o.frozen else task.epoch, view, indices),
        dtype=o.dtype,
        layout=o.layout,
        threads=o.allowed,
        decode=o.decode,
    )
    busy = max(counts.total_ns, perf_counter_ns() - began)  # the latter is longer where user functions run
    decode, augment = work.decode + counts.decode_ns, work.augment + busy - counts.decode_ns
    return images, failures, work._replace(decode=decode, augment=augment)


def _leave_out(task: Task, indices: Array, errors: Mapping[int, DecodeError | SourceError]) -> tuple[Skipped, ...]:
    """These places of the batch, as the report lists them; where none may be left out, the first as an error."""
    if not errors or task.options.on_error == "skip":
        return tuple(_skipped(task.source, int(indices[place]), error) for place, error in errors.items())
    error = next(iter(errors.values()))
    cure = 'on_error="skip" goes on without such files'
    if not task.options.tolerant and any(text in str(error) for text in CUT_OFF):
        cure += ", tolerant=True takes what there is of this one"
    if isinstance(error, DecodeError):
        raise DecodeError(f"{error.reason}; {cure}", error.path) from error.__cause__
    raise SourceError(f"{error}; {cure}") from error.__cause__


def _error(source: Indexed, index: int, reason: str) -> DecodeError:
    path = source.path(index)
    return DecodeError(reason if path else f"sample {index}: {reason}", path)


def _skipped(source: Indexed, index: int, error: Exception) -> Skipped:
    name = source.path(index) or f"sample {index}"
    return Skipped(name, str(error).removeprefix(f"{name}: "))


def _paths(source: Indexed, indices: Array) -> list[str] | None:
    if source.path(int(indices[0])) is None:
        return None
    return [source.path(index) or f"sample {index}" for index in map(int, indices)]
