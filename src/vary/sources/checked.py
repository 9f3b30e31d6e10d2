"""Calls methods of a source and checks what they return, because a user's own source may return anything.

Each function calls one method. A result of another kind than expected is an `InputError` that names the class and the
method. If a method raises StopIteration, that is a RuntimeError: see `vary.errors.stop_iteration_error`. A source is
typed `Any` if it may not have the method, and so are its columns.
"""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping, Set as AbstractSet
from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError, brief, stop_iteration_error
from vary.sample import Array
from vary.sources.base import Item
from vary.stores import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from vary.sources.base import Indexed

__all__ = ["fields_of", "fingerprints_of", "item_of", "label_columns", "length_of", "path_of", "said_path"]

UNORDERED = (str, bytes, Mapping, AbstractSet)  # not sequences with one value for each sample


def item_of(source: Indexed, index: int) -> Item:
    """The sample of this index."""
    try:
        item: object = source[index]
    except StopIteration as error:
        raise stop_iteration_error(_name(source, "__getitem__", index)) from error
    if isinstance(item, Item):
        return item
    method = "__getitem__" if "__getitem__" in vars(type(source)) else "item"
    raise InputError(
        f"sample {index} of the source is a {type(item).__name__}; a source gives vary.sources.Item(image, (label, "
        f"...)): {_name(source, method, index)} returned this"
    )


def path_of(source: Indexed, index: int) -> str | None:
    """The path of its file, or None."""
    path: object = _called(source, "path", source.path, index)
    if path is None or isinstance(path, str):
        return path
    if isinstance(path, os.PathLike) and isinstance(text := os.fspath(path), str):
        return text
    raise InputError(
        f"{_name(source, 'path', index)} returned {brief(path)}, a {type(path).__name__}; return a str, or None if the "
        "picture has no file"
    )


def said_path(source: Indexed, index: int) -> str | None:
    """The path of its file for messages, in which a URL has no password and no signature."""
    path = path_of(source, index)
    return None if path is None else shown(path)


def label_columns(source: Indexed, indices: Sequence[int] | Array) -> tuple[Any, ...]:
    """The labels of these samples: one column for each label field. Their values are not checked."""
    names, said = tuple(source.fields[1:]), f"{type(source).__name__}.label_batch"
    found: object = _called(source, "label_batch", source.label_batch, indices)
    if isinstance(found, (np.ndarray, *UNORDERED)) or not isinstance(found, Iterable):
        raise InputError(f"{said} gave a {type(found).__name__}; return a tuple of one array for each of {names}")
    columns = tuple(found)
    if len(columns) != len(names):
        raise InputError(f"{said} gave {len(columns)} columns; return a tuple of one array for each of {names}")
    for name, column in zip(names, columns, strict=True):
        try:
            length = -1 if isinstance(column, UNORDERED) else len(column)
        except TypeError:  # a number, an array without an axis, an iterator
            length = -1
        if length != len(indices):
            seen = brief(column) if length < 0 else str(length)
            raise InputError(
                f"{said} gave {seen} {name} for {len(indices)} samples; give an array with one of each, in the order "
                "of the indices"
            )
    return columns


def fingerprints_of(source: Any, indices: Sequence[int] | Array) -> list[Hashable]:
    """The fingerprints of these samples, by which later runs recognise their files; for sources that have them."""
    found: object = _called(source, "fingerprints", source.fingerprints, indices)
    said = f"{type(source).__name__}.fingerprints"
    if isinstance(found, UNORDERED) or not isinstance(found, Iterable):
        raise InputError(f"{said} gave a {type(found).__name__}; return a list with one fingerprint for each index")
    keys = list(found)
    if len(keys) != len(indices):
        raise InputError(f"{said} gave {len(keys)} fingerprints for {len(indices)} samples; give one of each")
    for index, key in zip(indices, keys, strict=True):
        try:
            hash(key)
        except TypeError:
            cure = "return something hashable, such as (path, size, time)"
            raise InputError(f"{said} gave {brief(key)} for sample {int(index)}; {cure}") from None
    return keys


def length_of(source: Any) -> int:
    """The number of samples."""
    try:
        found = type(source).__len__(source)
    except StopIteration as error:
        raise stop_iteration_error(_name(source, "__len__")) from error
    try:
        length = operator.index(found)
    except TypeError:
        length = -1
    if length < 0:
        raise InputError(f"{type(source).__name__}.__len__ returned {brief(found)}; return the number of samples")
    return length


def fields_of(source: Any) -> tuple[str, ...]:
    """The names of a batch's arrays."""
    found = source.fields
    names = tuple(found) if isinstance(found, tuple | list) else ()
    if names[:1] == ("images",) and all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
        return names
    raise InputError(
        f'{type(source).__name__}.fields is {brief(found)}; give a tuple of names, each once: "images", then those of '
        'the labels, such as ("images", "labels")'
    )


def _called(source: object, method: str, function: Callable[..., object], *arguments: object) -> object:
    try:
        return function(*arguments)
    except StopIteration as error:
        raise stop_iteration_error(_name(source, method, *arguments)) from error


def _name(source: object, method: str, *arguments: object) -> str:
    return f"{type(source).__name__}.{method}({', '.join(map(brief, arguments))})"
