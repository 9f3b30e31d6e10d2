"""Samples to fields of pictures: opened, kept for the next time if there is a store, varied in one native call a field.

gather ---- arrays, JPEG bytes ----------------------------> runner.batch
   `------- files that a store lacks ---> blocks ---> store -----^      (also where several views share a decoding)
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.errors import DecodeError, InputError, SourceError
from vary.plan.decode import prepare
from vary.plan.run import Address
from vary.sources import Encoded
from vary.stream.cache import Memory, fetch
from vary.stream.report import Work
from vary.stream.views import numbers

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from vary.plan.run import Failure, Runner
    from vary.sources import Indexed
    from vary.stream.cache import Store
    from vary.stream.options import Options
    from vary.stream.views import Look

__all__ = ["Opened", "Produced", "Task", "array_kind", "open_some", "produce"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Task:
    """All that a batch depends on, its positions aside. Shared by the threads of an iteration, changed by none."""

    source: Indexed
    looks: tuple[tuple[Look, Runner], ...]
    options: Options
    epoch: int
    count: int  # positions in the epoch
    order: Callable[[Array], tuple[Array, Array]]  # positions -> indices, and which of its repetitions each is
    files: bool  # does the source hold files, and not arrays?
    store: Store | None
    eligible: Array | None = None  # indices that may stand in for broken ones, ascending; None: all

    @property
    def each(self) -> int:
        """Pictures made of one."""
        return numbers([look for look, _ in self.looks])


class Opened(NamedTuple):
    """Some pictures as the runner takes them, with what that took; in place of a picture, why it is left out."""

    pictures: list[Array | bytes | DecodeError | SourceError]
    read: int = 0  # nanoseconds
    decode: int = 0


@dataclass
class Produced:
    """Fields of pictures, one row for each of `places`, and why there is none at the others."""

    places: Array
    fields: list[Array]
    errors: dict[int, Exception]
    work: Work


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
    return prepare(image, template.channels, task.options.max_pixels, task.options.tolerant)


def produce(task: Task, indices: Array, repeats: Array, gather: Callable[[Array], Opened]) -> Produced:
    """These samples' pictures, a field for each look. `gather` is `open_some`, spread over threads or not."""
    drawn = _draw(task, indices, repeats)
    # A native call alone decodes once for all views; not several of them, with user functions between.
    one_call = len(task.looks) == 1 and (task.each == 1 or len(task.looks[0][1].stages) == 1)
    plain = not task.files or (task.store is None and one_call)
    sources, errors, work = (_opened if plain else _blocks)(task, indices, drawn, gather)
    places = np.array([place for place in range(len(indices)) if place not in errors], np.int64)
    fields = []
    for (look, _), one, pictures in zip(task.looks, drawn, sources, strict=True):
        if not len(places):
            break
        some = (places[:, None] * look.views + np.arange(look.views)).ravel()
        images, failed, work = _run(task, look, one.part(some), [pictures[i] for i in some.tolist()], work)
        fields.append(images if look.count is None else images.reshape(-1, look.views, *images.shape[1:]))
        for at, reason in failed:
            place = int(places[at // look.views])
            errors[place] = _error(task.source, int(indices[place]), reason)
    good = np.array([place not in errors for place in places.tolist()], bool)
    if not good.all():
        places, fields = places[good], [images[good] for images in fields]
    size = sum(images.nbytes for images in fields) + sum(map(_size, {id(p): p for ps in sources for p in ps}.values()))
    return Produced(places, fields, errors, work._replace(bytes=size))


class Drawn(NamedTuple):
    """The parameters of one look at some samples, and whose they are: a row a picture."""

    runner: Runner
    address: Address
    rows: Array

    def part(self, some: Array) -> Drawn:
        if len(some) == len(self.rows):
            return self
        seed, epoch, _, indices = self.address
        return Drawn(self.runner, Address(seed, epoch, self.address.views[some], indices[some]), self.rows[some])


def _draw(task: Task, indices: Array, repeats: Array) -> list[Drawn]:
    """One for each look; the views of a sample stand next to each other, so that its file is decoded once."""
    o, first, out = task.options, 0, []
    for look, runner in task.looks:
        views = ((repeats * task.each + first)[:, None] + np.arange(look.views)).ravel()
        address = Address(o.seed, 0 if o.frozen else task.epoch, views, indices.repeat(look.views))
        out.append(Drawn(runner, address, runner.rows(address)))
        first += look.views
    return out


Sources = tuple[list[list[Any]], dict[int, Exception], Work]


def _opened(task: Task, indices: Array, _: list[Drawn], gather: Callable[[Array], Opened]) -> Sources:
    opened = gather(indices)
    errors: dict[int, Exception] = {p: one for p, one in enumerate(opened.pictures) if isinstance(one, Exception)}
    each = [[picture for picture in opened.pictures for _ in range(look.views)] for look, _ in task.looks]
    return each, errors, Work(opened.read, opened.decode)


def _blocks(task: Task, indices: Array, drawn: list[Drawn], gather: Callable[[Array], Opened]) -> Sources:
    """Through the store; without one, each file is decoded once for all looks of the batch."""
    o, opened = task.options, Opened([])

    def read(places: list[int]) -> list[Any]:
        nonlocal opened
        more = gather(indices[places])
        opened = Opened([], opened.read + more.read, opened.decode + more.decode)
        return more.pictures

    store = Memory(1 << 62, compact=False) if task.store is None else task.store
    looks = [(runner, rows, look.views) for (look, _), (runner, _, rows) in zip(task.looks, drawn, strict=True)]
    keys = [_identity(task.source, index) for index in indices.tolist()]
    found = fetch(store, looks, keys, read, o.decode, o.allowed)
    errors = {
        place: _error(task.source, int(indices[place]), error) if isinstance(error, str) else error
        for place, error in found.errors.items()
    }
    return found.pictures, errors, Work(opened.read, opened.decode + found.decode, hits=found.hits)


def _identity(source: Indexed, index: int) -> Hashable:
    """What the file is kept under: its own word, else its place in the source, which is good for this process."""
    identity = getattr(source, "identity", None)
    return index if identity is None else identity(index)


def _run(task: Task, look: Look, drawn: Drawn, pictures: list[Any], work: Work) -> tuple[Array, list[Failure], Work]:
    o = task.options
    began = perf_counter_ns()
    images, failures, counts = drawn.runner.batch(
        pictures,
        drawn.address,
        rows=drawn.rows,
        views=look.views,
        dtype=o.dtype,
        layout=o.layout,
        threads=o.allowed,
        decode=o.decode,
    )
    busy = max(counts.total_ns, perf_counter_ns() - began)  # the latter is longer where user functions run
    decode, augment = work.decode + counts.decode_ns, work.augment + busy - counts.decode_ns
    return images, failures, work._replace(decode=decode, augment=augment)


def _error(source: Indexed, index: int, reason: str) -> DecodeError:
    path = source.path(index)
    return DecodeError(reason if path else f"sample {index}: {reason}", path)


def _size(picture: object) -> int:
    return len(picture) if isinstance(picture, bytes) else getattr(picture, "nbytes", 0)
