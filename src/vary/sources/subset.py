"""`Source`, the base class, and its subsets: by slices, index arrays and masks, or split into training and validation.

A subset keeps the indices of its samples in the whole source, and a stream draws by these. So a sample gives the same
pictures in a subset as in the whole source.
"""

from __future__ import annotations

import operator
from functools import cached_property
from types import EllipsisType
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, SupportsIndex, overload

import numpy as np

from vary.errors import InputError, brief, stop_iteration_error, warn_caller
from vary.guidance import guided
from vary.sample import Array
from vary.sources.checked import fingerprints_of, item_of, label_columns, length_of, path_of
from vary.sources.groups import file_names, group_names
from vary.sources.kinds import stated_kind
from vary.sources.labels import class_field, class_ids
from vary.sources.shares import named_parts, parts, parts_of_groups

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from vary.sources.base import Indexed, Item
    from vary.sources.kinds import Kind

__all__ = ["Division", "Source", "Subset", "inherits", "pick", "split_of", "whole_of"]


class _Arraylike(Protocol):
    """An array, a Series or a tensor."""

    def __array__(self, *args: object, **kwargs: object) -> Array: ...


class Source:
    """Abstract base of vary's sources, and of your own.

    A subclass defines `__len__` and `item(index) -> Item`, and sets `fields`, and `classes` if it has class ids. It may
    define `path` and `label_batch`; without `label_batch`, samples are read to get their labels. It may set `kind`:
    "files" for encoded pictures, or (dtype, channels) for arrays, such as ("uint8", 3); without it, a stream reads
    sample 0 to find out. `file_dtype = "uint16"` reads encoded pictures as uint16, as `Folder` does with this dtype.

    `source[3]` is a sample; `source[10:20]`, `source[[3, 1]]` and `source[mask]` are subsets, see `Subset`.
    """

    fields: tuple[str, ...] = ("images",)
    classes: list[str] | None = None
    kind: Literal["files"] | tuple[object, int] | Kind | None = None
    file_dtype: str = "uint8"

    def __len__(self) -> int:
        raise NotImplementedError

    def item(self, index: int) -> Item:
        """The sample of this index; `SourceError` with the path if its file cannot be read."""
        raise NotImplementedError

    def path(self, index: int) -> str | None:  # noqa: ARG002
        """The path of the picture's file; None if there is no file."""
        return None

    def label_batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        """The labels of `indices`, one array for each field after "images"."""
        return labels_by_item(self, indices)

    @overload
    def __getitem__(self, index: SupportsIndex, /) -> Item: ...
    @overload
    def __getitem__(self, index: slice | EllipsisType | Sequence[int] | _Arraylike, /) -> Subset: ...
    def __getitem__(self, index: object, /) -> Item | Subset:
        if isinstance(index, int | np.integer) and not isinstance(index, bool):
            place, n = operator.index(index), len(self)
            if not -n <= place < n:
                raise IndexError(f"source[{place}]: the source has {n} samples, 0 .. {n - 1}, or -{n} .. -1")
            try:
                return self.item(place % n)
            except StopIteration as error:
                raise stop_iteration_error(f"{type(self).__name__}.item({place % n})") from error
        return pick(self, index)

    def __iter__(self) -> Iterator[Item]:
        """Every sample, in order. An IndexError of `item` does not end the loop, as it would without this method."""
        for index in range(len(self)):
            yield item_of(self, index)

    @guided("source.split")
    def split(
        self,
        validation: float,
        *,
        stratify: bool = True,
        seed: int = 0,
        groups: object = None,
        by: Literal["name"] | None = None,
    ) -> tuple[Subset, Subset]:
        """Two subsets, (training, validation). Every sample is in exactly one of them, in the order of the source.

        validation: the size of the second, as a fraction between 0 and 1, or as a number of samples, 2 or more.
        stratify: give each class the same share in both parts. A class of two or more samples has at least one in each
            part; a class of one sample is in the training part. Without class ids (or one-hot labels), or if False,
            classes are ignored.
        seed: chooses which samples. The same seed gives the same parts on every machine.
        groups: samples of one group, such as pictures of one patient, are in the same part: the name of a label field
            or of a column of `vary.table`, or one text or whole number for each sample. Sizes and shares of classes are
            then as close as whole groups allow.
        by: "name": a hash of the name decides, so that a sample stays in its part when others are added. The name is
            that of the group, or the file's path below the folder of a `Folder` or `vary.table`; of other sources, the
            file's own name. `validation` is a fraction, which the sizes meet on average; classes are ignored.

        `InputError` if a part would be empty.
        """
        return split_of(self, validation, Division(stratify, seed, groups, by))


class Subset(Source):
    """Some samples of the source `parent`, made by `source[...]`: sample k is sample `numbers[k]` of `parent`.

    Streams of a subset draw by the indices in `parent`: `batch.indices` and `replay` use these, and the pictures are
    those of a stream of `parent`. Everything else, such as `weights=`, `len` and `path`, uses the subset's own indices,
    0 .. len - 1. A subset of a subset has the whole source as `parent`.
    """

    def __init__(self, parent: Indexed, numbers: Array) -> None:
        """numbers: (m,) int64, each within 0 .. len(parent) - 1 and none twice."""
        self.parent = parent
        self.numbers = numbers
        self.numbers.flags.writeable = False
        self.class_field = class_field(parent)
        self.labels_are_checked: bool = getattr(parent, "labels_are_checked", False)

    @property
    def fields(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.parent.fields

    @property
    def classes(self) -> list[str] | None:  # type: ignore[override]
        """Names of the class ids, as in `parent`: includes classes without samples in this subset."""
        return self.parent.classes

    @property
    def kind(self) -> Kind | None:  # type: ignore[override]
        """The kind of `parent`, if it states one."""
        return stated_kind(self.parent)

    @property
    def file_dtype(self) -> str:  # type: ignore[override]
        found: str = getattr(self.parent, "file_dtype", "uint8")
        return found

    @cached_property
    def paths(self) -> Sequence[str]:
        """The paths of these samples, as `parent.paths` has them, if the source is one of files."""
        paths: Sequence[str] = self.parent.paths  # type: ignore[attr-defined]
        return tuple(paths[number] for number in self.numbers.tolist())

    @property
    def labels(self) -> Array | None:
        """Class ids in the order of the subset; None if there are none."""
        return class_ids(self)

    @property
    def fingerprints(self) -> Callable[[Sequence[int] | Array], list[Hashable]] | None:
        """See `Indexed`; None if the whole source has none."""
        if getattr(self.parent, "fingerprints", None) is None:
            return None
        return lambda indices: fingerprints_of(self.parent, self.numbers[np.asarray(indices, np.int64)])

    def __len__(self) -> int:
        return len(self.numbers)

    def item(self, index: int) -> Item:
        return item_of(self.parent, int(self.numbers[index]))

    def path(self, index: int) -> str | None:
        return path_of(self.parent, int(self.numbers[index]))

    def label_batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        return label_columns(self.parent, self.numbers[np.asarray(indices, np.int64)])

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "paths"}

    def __repr__(self) -> str:
        return f"Subset({len(self)} of {len(self.parent)} samples: {self.parent!r})"


def whole_of(source: Indexed) -> tuple[Indexed, Array | None]:
    """(the whole source, the (m,) int64 indices of the subset in it), or (source, None) if it is not a subset."""
    return (source.parent, source.numbers) if isinstance(source, Subset) else (source, None)


def pick(source: Indexed, which: object) -> Subset:
    """The subset `source[which]`, by a slice, a list of indices, or a mask. Warns if it has a single class."""
    places = _places(which, length_of(source))
    if len(places) > 1 and not reads_for_labels(source):
        _warn_of_one_class(source, places)
    return _subset(source, places)


class Division(NamedTuple):
    """How to split: the arguments of `Source.split`, not yet checked."""

    stratify: object
    seed: int
    groups: object
    by: object


def split_of(source: Indexed, validation: object, how: Division) -> tuple[Subset, Subset]:
    """See `Source.split`."""
    if not isinstance(how.stratify, bool):
        raise InputError(
            f"stratify={brief(how.stratify)}; give True, which goes by the source's own class ids, or False"
        )
    if how.by not in (None, "name"):
        raise InputError(f"by={brief(how.by)}; give 'name', for a hash of each name, or None for a drawn split")
    groups = None if how.groups is None else group_names(source, how.groups)
    if how.by == "name":
        names = file_names(source) if groups is None else list(map(str, groups.tolist()))
        first, second = named_parts(names, validation, how.seed)
    else:
        n, ids = length_of(source), class_ids(source, one_hot=True) if how.stratify else None
        if groups is None:
            first, second = parts(n, validation, ids, how.seed)
        else:
            numbers = np.unique(groups, return_inverse=True)[1]
            first, second = parts_of_groups(n, validation, ids, how.seed, numbers)
    return _subset(source, first), _subset(source, second)


def labels_by_item(source: Indexed, indices: Sequence[int] | Array) -> tuple[Array, ...]:
    """The labels of `indices`, read sample by sample, as arrays of objects, one for each label field."""
    fields = len(source.fields) - 1
    numbers = np.asarray(indices, np.int64).tolist()
    labels: list[object] = [item_of(source, index).labels for index in numbers]
    rows: list[Sequence[object]] = []
    for number, row in zip(numbers, labels, strict=True):
        if not isinstance(row, tuple | list):
            raise InputError(f"sample {number} has the labels {brief(row)}; give a tuple of them, such as (label,)")
        if len(row) != fields:
            raise InputError(
                f"sample {number} has {len(row)} labels, and the source names {fields} field{'s'[: fields != 1]} of "
                "them; give one of each"
            )
        rows.append(row)
    columns = []
    for place in range(fields):
        column = np.empty(len(rows), object)
        column[:] = [row[place] for row in rows]
        columns.append(column)
    return tuple(columns)


def reads_for_labels(source: Indexed) -> bool:
    """Does the source have to read samples to get their labels?"""
    whole, _ = whole_of(source)
    return getattr(type(whole), "label_batch", None) is Source.label_batch or getattr(whole, "by_item", False)


def inherits(source: Source, base: type[Source], *methods: str) -> bool:
    """Are these methods inherited from `base`, and not redefined by a subclass?"""
    return all(getattr(type(source), name) is getattr(base, name) for name in methods)


def _subset(source: Indexed, places: Array) -> Subset:
    parent, numbers = whole_of(source)
    return Subset(parent, places if numbers is None else numbers[places])


def _places(which: object, n: int) -> Array:
    """(m,) int64 within 0 .. n - 1."""
    seen = f"source[{'...' if which is Ellipsis else brief(which)}]"
    cure = "give a slice, whole numbers, or a mask with one truth value for each sample"
    if which is Ellipsis:
        which = slice(None)
    if isinstance(which, slice):
        try:
            found = np.arange(*which.indices(n), dtype=np.int64)
        except (TypeError, ValueError) as error:
            raise InputError(f"{seen}: {error}; {cure}") from None
    else:
        found = _numbers(which, n, seen, cure)
    if not len(found):
        raise InputError(f"{seen} picks none of the {n} samples; {cure}")
    return found


def _numbers(which: object, n: int, seen: str, cure: str) -> Array:
    if isinstance(which, tuple):
        raise InputError(f"{seen} has several indices, as for an array of several axes; write source[[1, 2]]")
    try:
        found = np.asarray(which)
    except ValueError:
        found = np.zeros(0, object)
    if found.ndim != 1 or (found.size and found.dtype.kind not in "biu"):
        raise InputError(f"{seen} is a {type(which).__name__} of shape {found.shape} and dtype {found.dtype}; {cure}")
    if found.dtype.kind == "b":
        if len(found) != n:
            raise InputError(f"{seen} has {len(found)} truth values, and the source {n} samples; give one of each")
        return np.flatnonzero(found)
    wrong = found[(found >= n) | (found < -n)]
    if wrong.size:
        raise InputError(f"{seen} names sample {wrong[0]}, and the source has {n}: 0 .. {n - 1}, or -{n} .. -1")
    numbers = found.astype(np.int64)
    numbers[numbers < 0] += n
    values, counts = np.unique(numbers, return_counts=True)
    if len(values) < len(numbers):
        twice = values[counts > 1][0]
        raise InputError(
            f"{seen} names sample {twice} more than once, which would give the same picture each time; use repeat= or "
            "weights= of vary.stream, which vary a sample differently each time"
        )
    return numbers


def _warn_of_one_class(source: Indexed, places: Array) -> None:
    ids = class_ids(source, places, True)
    if ids is None or (ids != ids[0]).any():
        return
    every = class_ids(source, one_hot=True)
    if every is None or (every == ids[0]).all():
        return
    names, number = source.classes, int(ids[0])
    known = names is not None and 0 <= number < len(names)
    which = brief(names[number]) if names is not None and known else str(number)
    warn_caller(
        f"these {len(places)} of {len(source)} samples are all of class {which}, and the source has "
        f"{len(np.unique(every))} classes, perhaps one after the other; source.split(0.2) takes some of each, "
        "source[::5] every fifth",
        UserWarning,
    )
