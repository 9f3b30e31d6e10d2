"""Labels as arrays for training: numbers, or class ids with the names of the classes.

    integers                    int64; with two dimensions or more, such as one-hot, their own dtype
    truth values                int64; with two dimensions or more uint8
    floats                      float32
    str, pandas' categoricals   int64 ids; `classes` are the names, sorted
    an array of other objects   as they are, such as a dict each

A label that is missing (None, NaN, an empty name), infinite, of another shape than the first, or not a number causes an
error that names the sample. pandas is not imported: a categorical is recognised by its attribute `categories`. Labels
are typed `Any` until they are checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, time, timedelta
from numbers import Number
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.errors import InputError, brief, counted
from vary.sample import Array
from vary.sources.checked import label_columns, said_path

if TYPE_CHECKING:
    from vary.sources.base import Indexed

__all__ = ["Labels", "batch_labels", "class_field", "class_ids", "class_names", "read_labels"]

LARGEST = np.iinfo(np.int64).max
TEXT = (str, bytes)
NUMBERS = (Number, np.generic, date, time, timedelta)
MISSING = "give every sample one, or leave the sample out"

Called = Callable[[int], str]
"""Place of a sample -> what messages call it: its number, and its path if it has one."""


class Named(NamedTuple):
    """Labels that were given as names: (n,) int64 indices into `names`, which are sorted."""

    ids: Array
    names: list[str]


class Labels(NamedTuple):
    """The label fields of a source, and one column for each."""

    fields: tuple[str, ...] = ()
    columns: tuple[Array, ...] = ()
    classes: list[str] | None = None
    field: str | None = None  # the field whose ids `classes` names

    def of(self, index: int) -> tuple[object, ...]:
        return tuple(column[index] for column in self.columns)

    def batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        return tuple(column[np.asarray(indices, np.int64)] for column in self.columns)


def read_labels(labels: object, classes: object, count: int, called: Called, order: str = "") -> Labels:
    """The labels of `count` pictures, from the arguments labels= and classes= of a source.

    labels: one for each picture, or several fields as {"age": ..., "breed": ...}. classes: the names of the class ids,
    in order. order: says which label belongs to which picture, for messages.
    """
    wanted = None if classes is None else class_names(classes)
    named = labels if isinstance(labels, Mapping) else {} if labels is None else {"labels": labels}
    if wanted is not None and not named:
        raise InputError(f"classes={brief(wanted)} name the ids of labels; give labels=, or leave it out")
    columns: dict[str, Array | Named] = {}
    for key, values in named.items():
        name = str(key)
        if name == "images":
            raise InputError("labels={'images': ...}: the field of pictures has this name; choose another")
        columns[name] = column_of(name, values, called)
        length = len(ids_of(columns[name]))
        if length != count:
            raise InputError(f"{counted(count, 'image')} but {length} {name}; give one of each for a sample{order}")
    field = _class_field(columns, wanted is not None)
    if field is not None:
        found, wanted = classified(field, columns[field], wanted, called)
        columns[field] = found
    arrays = tuple(np.array(one.names)[one.ids] if isinstance(one, Named) else one for one in columns.values())
    return Labels(tuple(columns), arrays, wanted, field)


def _class_field(columns: Mapping[str, Array | Named], named: bool) -> str | None:
    """The field that the classes belong to: "labels", else the only one with names, else the only one if classes= was
    given (`named`)."""
    texts = [name for name, column in columns.items() if isinstance(column, Named)]
    if "labels" in columns:
        return "labels"
    if len(columns) == 1 and named:
        return next(iter(columns))
    if len(texts) > 1:
        raise InputError(
            f"{' and '.join(map(repr, texts[:2]))} hold names, and a source has one list of classes; call one of them "
            "'labels', or turn the others into ids: numpy.unique(names, return_inverse=True)[1]"
        )
    return texts[0] if texts else None


def classified(
    name: str, column: Array | Named, classes: list[str] | None, called: Called
) -> tuple[Array, list[str] | None]:
    """The column as class ids, and the names of the classes. classes: None: the names in the column, sorted."""
    if isinstance(column, Named):
        if classes is None:
            return column.ids, column.names
        places = {one: place for place, one in enumerate(classes)}
        lookup = np.array([places.get(one, -1) for one in column.names], np.int64)
        ids = lookup[column.ids]
        for place in np.flatnonzero(ids < 0)[:1].tolist():
            wrong = column.names[column.ids[place]]
            raise InputError(f"{name} of {called(place)} is {wrong!r}, which classes={brief(classes)} does not name")
        return ids, classes
    if classes is not None and column.dtype.kind in "iu":
        if column.ndim == 1:
            for place in np.flatnonzero((column < 0) | (column >= len(classes)))[:1].tolist():
                raise InputError(
                    f"{name} of {called(place)} is {column[place]}, and classes={brief(classes)} names the ids 0 .. "
                    f"{len(classes) - 1}"
                )
        elif column.ndim == 2 and column.shape[1] not in (1, len(classes)):
            raise InputError(f"{name} has {column.shape[1]} columns, and classes={brief(classes)} names others")
    elif classes is not None and column.ndim == 1:
        raise InputError(
            f"{name} has dtype {column.dtype}, and classes={brief(classes)} names ids, which are whole numbers; give "
            "labels.astype(int), or leave out classes="
        )
    return column, classes


def class_names(classes: object) -> list[str]:
    """The argument classes= as a list of names; `InputError` if it is anything else."""
    cure = "give a list of the classes' names, in the order of their ids"
    if isinstance(classes, str | bytes | Mapping | set | frozenset) or not hasattr(classes, "__iter__"):
        raise InputError(f"classes={brief(classes)}; {cure}")
    found = list(classes)
    for place, one in enumerate(found):
        if not isinstance(one, str):
            raise InputError(f"classes[{place}]={brief(one)} is a {type(one).__name__}; {cure}")
    if not found:
        raise InputError(f"classes=[] names none; {cure}")
    names = [str(one) for one in found]
    if len(set(names)) < len(names):
        twice = next(one for place, one in enumerate(names) if names.index(one) < place)
        raise InputError(f"classes={brief(names)} names {twice!r} twice; an id belongs to one class")
    return names


def ids_of(column: Array | Named) -> Array:
    return column.ids if isinstance(column, Named) else column


def column_of(name: str, values: Any, called: Called) -> Array | Named:
    """The labels of one field, by the table at the top of this file; `InputError` names the field and the sample."""
    categories = getattr(getattr(values, "dtype", None), "categories", None)
    if categories is not None and (hasattr(values, "codes") or hasattr(values, "cat")):
        return _categorical(name, values, list(categories), called)
    column = _array(name, values, called)
    if column.ndim == 0:
        raise InputError(
            f"{name}={brief(values)}: give a sequence with one label for every picture; several fields go as "
            '{"age": [...], "breed": [...]}'
        )
    kind = column.dtype.kind
    if kind == "O":
        return _names(name, column, called) if _has_text(column) else column
    if kind not in "buif":
        raise InputError(f"{name} has dtype {column.dtype}; give whole numbers, floats, or names of classes")
    if kind == "f":
        return _floats(name, column, called)
    if column.ndim > 1:
        return column.astype(np.uint8, copy=False) if kind == "b" else column
    if column.dtype == np.uint64 and column.size and column.max() > LARGEST:
        place = int(np.argmax(column > LARGEST))
        raise InputError(f"{name} of {called(place)} is {column[place]}; ids go up to {LARGEST}")
    return column.astype(np.int64, copy=False)


def _floats(name: str, column: Array, called: Called) -> Array:
    with np.errstate(over="ignore"):
        found: Array = column.astype(np.float32, copy=False)
    finite = np.isfinite(found)
    if not finite.all():
        place = int(np.argmax(~finite.reshape(len(found), -1).all(1)))
        seen = brief(column[place].tolist())
        raise InputError(f"{name} of {called(place)} is {seen}, not a number within float32; {MISSING}")
    return found


def _array(name: str, values: Any, called: Called) -> Array:
    """The labels as an array, (n,) or (n, ...): of numbers if all are numbers, else of objects."""
    if isinstance(values, np.ma.MaskedArray):
        for place in np.flatnonzero(np.ma.getmaskarray(values).reshape(len(values), -1).any(1))[:1].tolist():
            raise InputError(f"{name} of {called(place)} is masked; {MISSING}")
    try:
        column = np.asarray(values)
    except ValueError:  # rows of different lengths
        _check_rows(name, values, called)
        raise
    if column.dtype.kind in "UST" or (column.dtype.kind == "O" and column.ndim):
        column = np.asarray(values, object)  # because NumPy turns None, NaN and numbers among text into text
        if not _has_text(column):
            return _numbers(name, column, called, isinstance(values, np.ndarray))
    return column


def _has_text(column: Array) -> bool:
    return any(isinstance(one, TEXT) for one in column.ravel().tolist())


def _numbers(name: str, column: Array, called: Called, keep_objects: bool) -> Array:
    """An array of objects, none of them text, as an array of numbers. keep_objects: return other objects unchanged."""
    _check_rows(name, column, called)
    found = np.array(column.tolist())
    if found.dtype.kind != "O":
        return found
    if keep_objects and not any(isinstance(one, NUMBERS) for one in column.ravel().tolist()):
        return column
    for place, one in enumerate(column.tolist()):
        if not isinstance(one, int | float | np.number | np.bool_) or abs(float(one)) > LARGEST:
            kind = "beyond int64" if isinstance(one, int) else f"a {type(one).__name__}"
            raise InputError(
                f"{name} of {called(place)} is {brief(one)}, {kind}; give whole numbers, floats, or names of classes"
            )
    raise InputError(f"{name} has no dtype of numbers: {brief(column.tolist())}; give whole numbers, or floats")


def _check_rows(name: str, values: Any, called: Called) -> None:
    """`InputError` if a label is missing, or has another shape than the first."""
    first: tuple[int, ...] | None = None
    for place, one in enumerate(values):
        if _missing(one):
            raise InputError(f"{name} of {called(place)} is {one!r}; {MISSING}")
        try:
            shape = np.shape(one)
        except ValueError:
            raise InputError(f"{name} of {called(place)} has rows of different lengths: {brief(one)}") from None
        first = shape if first is None else first
        if shape != first:
            raise InputError(
                f"{name} of {called(place)} has shape {shape}, and that of {called(0)} {first}; the labels of a batch "
                "are one array: pad them to one length"
            )


def _missing(one: object) -> bool:
    if one is None or type(one).__name__ in ("NAType", "NaTType"):  # pandas' own
        return True
    return isinstance(one, float | np.floating) and bool(np.isnan(one))


def _names(name: str, column: Array, called: Called) -> Named:
    if column.ndim > 1:
        raise InputError(
            f"{name} has shape {column.shape} of {type(column.flat[0]).__name__}; give one name for each sample, or, "
            "where a sample has several classes, a row of 0 and 1"
        )
    cells = column.tolist()
    texts: list[str] = cells if _are_texts(cells) else []
    for place, one in enumerate(cells[len(texts) :]):
        if _missing(one) or one in ("", b""):
            raise InputError(f"{name} of {called(place)} is {one!r}; {MISSING}")
        if not isinstance(one, TEXT):
            raise InputError(f"{name} of {called(place)} is {brief(one)}, a {type(one).__name__}, among names")
        texts.append(one.decode("utf-8", "surrogateescape") if isinstance(one, bytes) else str(one))
    names = sorted(map(str, set(texts)))
    places = {one: place for place, one in enumerate(names)}
    return Named(np.fromiter(map(places.__getitem__, texts), np.int64, len(texts)), names)


def _are_texts(cells: list[Any]) -> bool:
    """Are all of these `str`, none of them empty?"""
    try:
        "".join(cells)  # a TypeError otherwise; much faster than a loop
    except TypeError:
        return False
    return "" not in cells


def _categorical(name: str, values: Any, categories: list[Any], called: Called) -> Named:
    """Ids of all categories, also of those without samples, so that parts of one table have the same ids."""
    codes = np.asarray(values.codes if hasattr(values, "codes") else values.cat.codes, np.int64)
    for place in np.flatnonzero(codes < 0)[:1].tolist():
        raise InputError(f"{name} of {called(place)} is missing; {MISSING}")
    try:
        order = sorted(range(len(categories)), key=categories.__getitem__)
    except TypeError:  # of several types
        order = sorted(range(len(categories)), key=lambda place: str(categories[place]))
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    return Named(places[codes], [str(categories[place]) for place in order])


def class_field(source: Indexed) -> str | None:
    """The field whose ids `source.classes` names."""
    field: str | None = getattr(source, "class_field", None)
    if field is None:
        field = "labels" if "labels" in source.fields else None
    if field is None and source.classes is not None and len(source.fields) == 2:
        field = source.fields[1]
    return field


def batch_labels(source: Indexed, indices: Sequence[int] | Array) -> tuple[Array, ...]:
    """`source.label_batch(indices)`; labels of a user's own source are checked and converted like those of `Arrays`."""
    columns = label_columns(source, indices)
    if getattr(source, "labels_are_checked", False):
        return columns
    numbers = np.asarray(indices, np.int64)

    def called(place: int) -> str:
        number = int(numbers[place])
        path = said_path(source, number)
        return f"sample {number}" if path is None else f"sample {number} ({path})"

    out = []
    for name, values in zip(source.fields[1:], columns, strict=True):
        column = column_of(name, values, called)
        if isinstance(column, Named) and name != class_field(source):
            column = np.array(column.names)[column.ids]
        if isinstance(column, Named) and source.classes is None:
            seen, kind = brief(column.names[column.ids[0]]), type(getattr(source, "given", source)).__name__
            raise InputError(
                f"{name} of {called(0)} is {seen}, a name, but {kind} has no classes; set its "
                "attribute classes = [...], in the order of the ids"
            )
        out.append(classified(name, column, source.classes, called)[0] if name == class_field(source) else column)
    return tuple(map(ids_of, out))


def class_ids(source: Indexed, indices: Array | None = None, one_hot: bool = False) -> Array | None:
    """(m,) class ids of these samples, or of all; None if there are none. one_hot: also read them from one-hot rows."""
    field, n = class_field(source), len(source)
    if field is None or not n:
        return None
    ids = batch_labels(source, np.arange(n) if indices is None else indices)[source.fields.index(field) - 1]
    if one_hot and ids.ndim == 2 and ids.shape[1] > 1:
        single = ((ids == 0) | (ids == 1)).all() and (ids.sum(1) == 1).all()
        return ids.argmax(1) if single else None
    return ids if ids.ndim == 1 and ids.dtype.kind in "iu" else None
