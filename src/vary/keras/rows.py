"""The rows of a table of images: which files exist, and the labels of each, as Keras' class modes ask for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.errors import InputError, brief
from vary.keras.faces import Compat
from vary.keras.listing import formats_of
from vary.keras.traps import warn_of_trap
from vary.sample import Array
from vary.sources.columns import Columns, is_missing, plain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

__all__ = [
    "VALUES",
    "ColumnTypeError",
    "Labels",
    "array_of",
    "check_targets",
    "check_types",
    "check_weights",
    "class_labels",
    "existing",
    "values_of",
]

VALUES = ("input", "multi_output", "raw", None)  # class modes without classes


class ColumnTypeError(InputError, TypeError):
    """A column has values of the wrong type. The original raises TypeError."""


def values_of(columns: Columns, argument: str, name: Any) -> list[Any]:
    """The values of a column. Any: names of pandas may be numbers, and values are anything."""
    other = not isinstance(name, str) and name in columns.names
    found = plain(columns.get(name) if other else columns.column(argument, name))
    cells = found.tolist() if isinstance(found, np.ndarray) else list(found)
    if cells and isinstance(cells[0], np.ndarray):  # of lists in Arrow's columns
        cells = [one.tolist() if isinstance(one, np.ndarray) else one for one in cells]
    return cells


def array_of(columns: Columns, argument: str, name: Any) -> Array:  # Any: as of values_of
    """A column as an array; `ColumnTypeError` if its values have different lengths."""
    cells = values_of(columns, argument, name)
    try:
        return np.array(cells)
    except ValueError as error:
        raise ColumnTypeError(
            f"{argument}={name!r} has lists of different lengths; pad them to one length, or give lists of names and "
            'class_mode="categorical"'
        ) from error


def check_targets(values: Array, rows: Array, said: str) -> None:
    """`ColumnTypeError` if a value in these rows is missing; warns of numbers that are not finite."""
    some = values[rows]
    if values.dtype.kind == "O":
        for row, one in zip(rows.tolist(), some.tolist(), strict=True):
            if is_missing(one):
                raise ColumnTypeError(f"{said}: row {row} has {one}; give each row a value, or leave it out")
    if values.dtype.kind != "f":
        return
    for place in np.flatnonzero(~np.isfinite(some).reshape(len(some), -1).all(1))[:1].tolist():
        warn_of_trap(
            f"{said}: row {rows[place]} has {brief(some[place].tolist())}, of which most losses make NaN; leave such "
            "rows out: frame.dropna()"
        )


def check_weights(values: Array, rows: Array, said: str) -> None:
    """`ColumnTypeError` if a weight in these rows is not a number; warns of weights below 0, and if all are 0."""
    for row, one in zip(rows.tolist(), values[rows].tolist(), strict=True):
        if not isinstance(one, int | float) or not -np.inf < one < np.inf:
            raise ColumnTypeError(f"{said} must be numeric: row {row} has {brief(one)}; give each row a number")
    low, high = (float(one) for one in (min(values[rows], default=1), max(values[rows], default=1)))
    if low < 0:
        warn_of_trap(f"{said} has {low:g}: training makes the loss of such a sample grow; give weights of 0 or more")
    elif high == 0:
        warn_of_trap(f"{said} is 0 in all rows, so that nothing is learnt; give some weights above 0")


def existing(paths: Sequence[str], compat: Compat) -> list[int]:
    """Which of these paths are files with the ending of an image. Each of their folders is listed once."""
    folders: dict[str, Collection[str]] = {}
    found = []
    for place, path in enumerate(paths):
        folder, slash, name = path.rpartition("/")
        names = folders.get(folder)
        if names is None:
            names = folders[folder] = _images(folder or slash or ".", compat)
        if name in names:
            found.append(place)
    return found


def _images(folder: str, compat: Compat) -> Collection[str]:
    endings = formats_of(compat)
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.name.lower().endswith(endings) and entry.is_file()}
    except OSError:
        return ()


class Labels(NamedTuple):
    """names: of the classes, in the order of their ids. ids: of each row, an array, or a list of ids or lists of ids.
    rows: those with a class that is wanted."""

    names: list[str]
    ids: np.ndarray | list[Any]  # Any: an id, or a list of them
    rows: list[int]


# Any: texts, or lists of texts
def class_labels(values: Sequence[Any], mode: str, classes: Iterable[str] | None, compat: Compat) -> Labels:
    """The class ids of labels: texts, or for "categorical" also lists of texts, see `check_types`.

    classes: the classes that are wanted; others are left out.
    """
    plain = set(map(type, values)) == {str}  # the usual case, which should be fast
    parts: Sequence[Any] = values if plain else [one if isinstance(one, str) else list(one) for one in values]
    if classes:
        wanted = list(dict.fromkeys(classes))
        names = sorted(wanted) if compat == "1.1.2" else wanted
    else:
        names = sorted(set(parts) if plain else {each for one in parts for each in _several(one)})
    if mode == "binary" and len(names) != 2:
        raise InputError(
            f'If class_mode="binary" there must be 2 classes. Found {len(names)} classes, {brief(names)}; pass '
            'class_mode="categorical" or "sparse", or name two as classes='
        )
    ids = {name: number for number, name in enumerate(names)}
    if "" in ids and not classes:
        warn_of_trap(
            'an empty text is a class here, as of rows without a label; leave them out: frame[frame[column] != ""]',
            compat,
        )
    if plain:
        known: list[Any] = list(map(ids.get, parts))
    else:
        # a row without labels is a sample of no class; the old versions leave it out
        kept: list[int] | None = [] if compat is None else None
        known = [
            ids.get(one) if isinstance(one, str) else [ids[e] for e in one if e in ids] or (None if one else kept)
            for one in parts
        ]
    rows = [row for row, one in enumerate(known) if one is not None]
    if known and not rows:
        warn_of_trap(f"classes={brief(names)}: no row has one of these", compat)
    found = known if len(rows) == len(known) else [known[row] for row in rows]
    single = plain or not any(isinstance(one, list) for one in found)
    return Labels(names, np.array(found, np.int32) if single else found, rows)


def _several(one: Any) -> Sequence[str]:
    return [one] if isinstance(one, str) else one


def check_types(values: Sequence[Any], rows: Sequence[int], said: str, mode: str) -> None:
    """Raise `ColumnTypeError` if a label in these rows has another type. said: the column, for the message."""
    if len(rows) == len(values) and set(map(type, values)) == {str}:  # the usual case, which should be fast
        return
    allowed = (str, list, tuple) if mode == "categorical" else (str,)
    for row in rows:
        one = values[row]
        if not isinstance(one, allowed):
            kinds = "strings, lists or tuples" if mode == "categorical" else "strings"
            raise ColumnTypeError(
                f'If class_mode="{mode}", {said} column values must be {kinds}: row {row} has {brief(one)}. For class '
                'numbers, give the column as text: frame["column"].astype(str); class_mode="raw" takes numbers as '
                "they are"
            )
