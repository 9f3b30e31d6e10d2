"""Batches: named tuples of arrays, one class for each list of fields.

Libraries for trees of arrays (`jax.tree`, `torch.utils._pytree`, dm-tree, `tf.nest`, optree, ...) see the arrays of a
named tuple, and rebuild one from arrays alone: `type(batch)(*arrays)`. Other attributes are in the batch's `__dict__`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, TypedDict, Unpack

import numpy as np

from vary.display.fields import batch_html, batch_png, batch_text
from vary.sample import Array, Leaf
from vary.sources import batch_labels
from vary.streams.report import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from vary.display.fields import BatchSchema
    from vary.sources import Indexed
    from vary.streams.onehot import OneHot

__all__ = ["ArraySpec", "Batch", "LazyPaths", "Made", "batch_of", "labels_of", "specs_of"]

ATTRIBUTES = ("indices", "views", "epoch", "paths", "streams", "epochs")

Specs = Any  # a batch with an `ArraySpec` in place of each array, which no type can say
Paths = list[str] | Any  # here and below, Any stands for None, so that callers need not check for it


class Batch(tuple[Array, ...]):  # noqa: SLOT001  attributes are in a dict
    """(images, labels, ...) in the order of the source's fields; (images,) without labels. Also `batch.images`.

    fields: the names of its arrays. An array named like an attribute of tuples, such as `count`, is reached by index.
    indices: (n,) int64, each sample's index in its source.
    views: (n,) int64, the view number of each sample, or of the first of its views: 0 unless a sample is repeated.
    epoch: the number of the epoch.
    paths: the paths of the n files; None if the pictures are in memory.
    streams, epochs: (n,) int64, of a batch of `vary.mix`: the number of each sample's stream, and the number of that
        stream's own epoch; else None.

    Batches work like named tuples, with `_make`, `_replace` and `_asdict`. A batch that was made from arrays alone, for
    example by `jax.tree.map`, has `fields`, but none of the other attributes; they raise `AttributeError`. Copies,
    pickles and `_replace` keep them.
    """

    fields: ClassVar[tuple[str, ...]] = ()
    _fields: ClassVar[tuple[str, ...]]  # as `fields`, but "_2" for the third one if its name is an attribute already
    indices: Array
    views: Array
    epoch: int
    streams: Array | Any
    epochs: Array | Any
    _schema: BatchSchema | None = None  # how to show its arrays
    _paths: Paths | Callable[[], list[str]]

    def __new__(cls, /, *arrays: Leaf, **named: Leaf) -> Self:
        """arrays: in the order of the fields, or by name, or, if there are several, all in one list or iterator."""
        count = len(cls.fields)
        if cls is Batch:
            raise TypeError(
                "a batch comes from a stream: for batch in vary.stream(...); type(batch)(*arrays) makes another"
            )
        if len(arrays) == 1 < count and not named and isinstance(arrays[0], list | tuple | Iterator):
            arrays = tuple(arrays[0])
        if named:
            arrays += cls._pick(named, range(len(arrays), count))
        if named or len(arrays) != count:
            raise TypeError(
                f"a batch of {', '.join(cls.fields)} needs {count} arrays; "
                + (f"{', '.join(named)}: no such field, or given twice" if named else f"{len(arrays)} were given")
            )
        return super().__new__(cls, arrays)

    @classmethod
    def _pick(cls, named: dict[str, Leaf], places: range) -> tuple[Leaf, ...]:
        """Remove the values of the fields at these places from `named`, and return them."""
        names = ((cls._fields[place], cls.fields[place]) for place in places)
        # a field may be called by its generated name, or by its own unless another field is generated that name
        names = ((own, own if name in cls._fields else name) for own, name in names)
        found = (next((name for name in both if name in named), None) for both in names)
        return tuple([named.pop(name) for name in found if name is not None])

    @classmethod
    def _make(cls, arrays: Iterable[object]) -> Self:
        return cls(*arrays)

    def _asdict(self) -> dict[str, Array]:
        return dict(zip(self._fields, self, strict=True))

    def _replace(self, /, **named: object) -> Self:
        """The same batch with other arrays in some fields."""
        values = [self._pick(named, range(place, place + 1)) or (array,) for place, array in enumerate(self)]
        other = type(self)(*(value for (value,) in values), **named)
        other.__dict__.update(self.__dict__)
        return other

    @property
    def paths(self) -> Paths:
        """Made on the first access, because few users need them."""
        paths = self._paths
        if callable(paths):
            paths = self._paths = paths()
        return paths

    @paths.setter
    def paths(self, paths: Paths) -> None:
        self._paths = paths

    def __getnewargs__(self) -> tuple[Array, ...]:
        return tuple(self)

    def __getstate__(self) -> dict[str, object]:
        state = self.__dict__
        return state | {"_paths": self.paths} if "_paths" in state else dict(state)

    def __getattr__(self, name: str) -> Array:
        if name in ATTRIBUTES:
            raise AttributeError(
                f"this batch was made from arrays alone, by a framework or a function over trees, and has no {name!r}; "
                f"read .{name} of the batch that came from the stream"
            )
        raise AttributeError(f"a batch has no {name!r}; its fields are {', '.join(self.fields)}, as in batch.images")

    def __repr__(self) -> str:
        return batch_text(self)

    def _repr_html_(self) -> str:
        return batch_html(self)

    def _repr_png_(self) -> bytes | None:
        return batch_png(self)


CLASSES: dict[tuple[str, ...], type[Batch]] = {}


def _class_of(fields: tuple[str, ...]) -> type[Batch]:
    """The class of batches with these fields. Its name contains them, so that `pickle` finds it by `__getattr__`."""
    made = CLASSES.get(fields)
    if made is None:
        names = tuple([f"_{place}" if _is_taken(name) else name for place, name in enumerate(fields)])
        space: dict[str, object] = {name: property(itemgetter(place)) for place, name in enumerate(names)}
        space |= {"fields": fields, "_fields": names, "__match_args__": names, "_field_defaults": {}}
        space |= {"__module__": __name__, "__doc__": Batch.__doc__}
        made = type(f"Batch({', '.join(map(_escaped, fields))})", (Batch,), space)
        made = CLASSES.setdefault(fields, made)  # another thread may have made one meanwhile
    return made


def _is_taken(name: str) -> bool:
    """Is this the name of an attribute of every batch, or one that is generated for a field?"""
    return name in ATTRIBUTES or hasattr(Batch, name) or re.fullmatch(r"_\d+", name) is not None


def _escaped(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]", lambda found: f"%{ord(found[0]):x};", name)


def __getattr__(name: str) -> type[Batch]:
    """Classes of batches by name, for `pickle`."""
    if not (name.startswith("Batch(") and name.endswith(")")):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    fields = name[6:-1].split(", ")
    return _class_of(tuple(re.sub(r"%([0-9a-f]+);", lambda found: chr(int(found[1], 16)), field) for field in fields))


class Attributes(TypedDict):
    """Attributes of a batch."""

    indices: Array
    views: Array
    epoch: int
    paths: Paths | Callable[[], list[str]]
    streams: Array | None
    epochs: Array | None


def batch_of(arrays: Sequence[Array], fields: tuple[str, ...], **known: Unpack[Attributes]) -> Batch:
    """A batch with its attributes. If `arrays` are more or fewer than `fields`, names are added or left out."""
    count = len(arrays)
    if len(fields) != count:
        fields = (*fields[:count], *(f"_{place}" for place in range(len(fields), count)))
    batch = tuple.__new__(_class_of(fields), arrays)
    attributes: dict[str, object] = {**known}
    attributes["_paths"] = attributes.pop("paths")
    batch.__dict__ = attributes
    return batch


@dataclass(frozen=True)
class ArraySpec:
    """Shape and dtype of an array of a batch, known beforehand. None in the shape: it differs between batches."""

    shape: tuple[int | None, ...]
    dtype: np.dtype


def specs_of(specs: Sequence[ArraySpec], fields: tuple[str, ...]) -> Specs:
    """A batch with these specs in place of its arrays."""
    return _class_of(fields)._make(specs)


class LazyPaths:
    """The paths of samples, made on the first access."""

    def __init__(self, path: Callable[[int], str], indices: Array) -> None:
        self._path, self._indices = path, indices

    def __call__(self) -> list[str]:
        return list(map(self._path, self._indices.tolist()))

    def part(self, some: slice) -> LazyPaths:
        return LazyPaths(self._path, self._indices[some])


class Made(NamedTuple):
    """A batch, or None if every sample was left out, and what it cost."""

    batch: Batch | None
    work: Work
    end: int | None = None  # samples of the epoch, whose length was not known before this, its last batch

    def parts(self, size: int) -> list[Made]:
        """Divided into batches of `size` samples, whose arrays are parts of these, without a copy."""
        batch = self.batch
        if batch is None or len(batch.indices) <= size:
            return [self]
        n = len(batch.indices)
        work = self.work._replace(batch=self.work.batch * size // n, encoded=self.work.encoded * size // n)
        made = []
        for first in range(0, n, size):
            some = slice(first, first + size)
            part = tuple.__new__(type(batch), [array[some] for array in batch])
            paths = batch._paths.part(some) if isinstance(batch._paths, LazyPaths) else None
            part.__dict__.update(batch.__dict__, indices=batch.indices[some], views=batch.views[some], _paths=paths)
            made.append(Made(part, work))
            work = Work(held=work.held, findings=work.findings)
        return made


def labels_of(source: Indexed, indices: Sequence[int] | Array, one_hot: OneHot | None) -> tuple[Array, ...]:
    """The labels of these samples, as a batch has them; () if the source has none."""
    columns = batch_labels(source, indices) if len(source.fields) > 1 else ()
    if one_hot is None:
        return columns
    return tuple(one_hot.rows(one) if place == one_hot.place else one for place, one in enumerate(columns))
