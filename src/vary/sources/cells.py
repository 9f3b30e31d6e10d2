"""The images column of a table: paths, which are compared with a listing of each folder, or bytes of files.

Cells are typed `Any` until they are checked.
"""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from vary.errors import InputError, SourceError, brief, warn_caller
from vary.paths import absolute, expanded
from vary.sample import Array
from vary.sources.columns import BLOBS, is_missing, plain
from vary.sources.listing import Draft, Listing
from vary.sources.remote import UNKNOWN, Remote
from vary.stores import Stamp, Storage, is_url, list_files, shown

__all__ = ["Cells", "Paths", "read_cells", "read_paths"]

NAMED = 5  # rows in a message
MOST_SUFFIXES = (".jpg", ".jpeg", ".png", ".JPG", ".webp")  # tried for the hint about names without a suffix


class Cells(NamedTuple):
    """Encoded pictures. data: one for each row, perhaps pyarrow's, or read from a file. names: their paths, for
    messages."""

    data: Any
    names: list[str | None] | None

    def of(self, row: int) -> bytes:
        one = self.data[row]
        return bytes(one.as_py() if hasattr(one, "as_py") else one)


class Paths(NamedTuple):
    """Absolute paths, and the rows of the table that they come from; None: all rows."""

    listing: Listing
    rows: Array | None


def read_cells(name: str, column: Any) -> Cells | list[Any]:
    """The column `name` as encoded pictures, or as a list of paths, not yet checked."""
    kind = str(getattr(column, "type", ""))
    if kind.startswith("struct") and hasattr(column, "flatten") and not column.null_count:
        parts = dict(zip([field.name for field in column.type], column.flatten(), strict=True))
        column, names = parts.get("bytes"), parts.get("path")
        if column is not None and not column.null_count:
            return Cells(_contiguous(column), None if names is None else names.to_pylist())
        if names is None:
            raise InputError(f"column {name!r} is a {brief(kind)}; give paths, bytes, or dicts of 'bytes' and 'path'")
        column = names if column is None or column.null_count == len(column) else parts["bytes"]
        kind = str(column.type)
    if kind.startswith(BLOBS) and not column.null_count:
        return Cells(_contiguous(column), None)
    found = plain(column)
    cells: list[Any] = found.tolist() if isinstance(found, np.ndarray) else list(found)
    first = next((one for one in cells if not is_missing(one)), None)
    if isinstance(first, Mapping):
        return _of_dicts(name, cells)
    if isinstance(first, bytes | bytearray | memoryview):
        _check(name, cells, (bytes, bytearray, memoryview), "bytes of a picture's file")
        return Cells(cells, None)
    return cells


def read_paths(
    name: str, texts: list[Any], root: str, suffix: str, missing: Literal["raise", "skip"], remote: Remote | None = None
) -> Paths:
    """The files of a column of paths. Each of their folders is listed once, and no file is asked for.

    `SourceError` if files are missing; with "skip", their rows are left out, with a warning. `InputError` if a file
    occurs twice.
    """
    names = _texts(name, texts, suffix)
    listed: dict[str, Folder] = {}
    found = None if remote is not None else _all_there(names, root, listed)
    rows = None
    if found is None:
        found, rows = _those_there(name, names, (root, suffix, missing), listed, remote)
    draft = Draft(io.BytesIO())
    draft.add(found)
    return Paths(draft.listing(), rows)


UNLISTED = frozenset({""})
"""In the place of names in a folder that cannot be listed (http): only reading tells whether a file exists."""


class Folder(NamedTuple):
    """A folder's absolute path, with a slash, and the names in it: none if it does not exist. Of a URL, each name with
    its version."""

    path: str
    names: Collection[str]


def _all_there(names: list[str], root: str, listed: dict[str, Folder]) -> list[str] | None:
    """The absolute paths, if all exist, none occurs twice, and they need no more than `root` before them; else None.

    It works on whole columns, because a loop over a million rows takes a second. listed: is filled with the folders.
    """
    files: dict[str, list[str]] = {}
    first = names[0].rpartition("/")[0] + "/"
    text = "\0".join(["", *names])
    if len(first) > 1 and text.count(f"\0{first}") == len(names) and text.count("/") == first.count("/") * len(names):
        files[first] = text.split(f"\0{first}")[1:]  # of one folder
    else:
        for name in names:
            folder, slash, file = name.rpartition("/")
            folder += slash
            if folder in files:
                files[folder].append(file)
            else:
                files[folder] = [file]
    start = f"{root.rstrip('/')}/"
    for folder, some in files.items():
        known = listed[folder] = _listing(folder, root, Storage())
        absent = set(some)
        is_plain = known.path == start + folder and len(absent) == len(some)
        absent.difference_update(known.names)
        if absent or not is_plain:
            return None
    return [start + name for name in names]


def _those_there(
    name: str,
    names: list[str],
    given: tuple[str, str, Literal["raise", "skip"]],
    listed: dict[str, Folder],
    remote: Remote | None = None,
) -> tuple[list[str], Array | None]:
    """The absolute paths that exist, and their rows; the errors of `read_paths`. given: root, suffix, missing. remote:
    gets the versions."""
    known: dict[str, Folder] = {}
    stamps: list[Stamp] = []
    storage = Storage() if remote is None else remote.storage
    found: list[str] = []
    absent: list[int] = []
    for row, text in enumerate(names):
        folder, slash, file = text.rpartition("/")
        folder += slash
        if folder not in known:
            one = listed[folder] = listed.get(folder) or _listing(folder, given[0], storage)
            known[folder] = one._replace(names=frozenset(one.names)) if isinstance(one.names, list) else one
        path, others = known[folder]
        if file in others or others is UNLISTED:
            found.append(path + file)
            stamps.append(others[file] if isinstance(others, dict) else UNKNOWN)
        else:
            absent.append(row)
    if absent:
        _say_absent(name, [names[row] for row in absent], given, (len(names), listed))
    rows = np.delete(np.arange(len(names)), absent) if absent else None
    _check_unique(name, found, rows)
    if remote is not None:
        remote.listed = True
        remote.stamps = np.array(stamps, np.int64).reshape(-1, 2)
    return found, rows


def _contiguous(column: Any) -> Any:
    """A chunked column of pyarrow as one array, if it fits; that finds a row faster."""
    return column.chunk(0) if getattr(column, "num_chunks", 0) == 1 else column


def _of_dicts(name: str, cells: list[Any]) -> Cells | list[Any]:
    _check(name, cells, (Mapping,), "a dict of 'bytes' and 'path', as Hugging Face writes them")
    data = [one.get("bytes") for one in cells]
    names = [one.get("path") for one in cells]
    if all(one is None for one in data):
        return names
    _check(name, data, (bytes, bytearray, memoryview), "bytes in each dict, or in none")
    return Cells(data, names)


def _check(name: str, cells: list[Any], kinds: tuple[type, ...], cure: str) -> None:
    for row, one in enumerate(cells):
        if not isinstance(one, kinds) or (isinstance(one, bytes) and not one):
            raise InputError(f"column {name!r}, row {row}: {brief(one)}; give {cure}")


def _texts(name: str, cells: list[Any], suffix: str) -> list[str]:
    """The paths as text; `InputError` if one is missing or is anything else."""
    try:
        "".join(cells)  # all are text
        texts: list[str] = cells
    except TypeError:
        texts = []
        for row, one in enumerate(cells):
            text = os.fspath(one) if isinstance(one, str | os.PathLike) else None
            if not isinstance(text, str):
                what = "is missing" if is_missing(one) else f"is {brief(one)}, a {type(one).__name__}"
                cure = "leave the row out" if is_missing(one) else "give paths of files, or their bytes"
                if isinstance(one, int):
                    cure += f"; numbers become names as text, with suffix=: frame[{name!r}].astype(str)"
                raise InputError(f"column {name!r}, row {row}, {what}; {cure}") from None
            texts.append(text)
    if "" in texts:
        raise InputError(f"column {name!r}, row {texts.index('')}, is an empty text; leave the row out")
    return [text + suffix for text in texts] if suffix else texts


def _listing(folder: str, root: str, storage: Storage) -> Folder:
    start = folder if "://" in folder else f"{root.rstrip('/')}/{folder}" if is_url(root) else ""
    if is_url(start):
        start = f"{start.rstrip('/')}/"
        if start.partition(":")[0].lower() in ("http", "https"):
            return Folder(start, UNLISTED)
        return Folder(start, {one.name: one.stamp for one in list_files(start.rstrip("/"), storage)})
    path = absolute(expanded(folder) if folder[:1] == "~" else folder, root)
    try:
        return Folder(f"{path.rstrip('/')}/", os.listdir(path))  # noqa: PTH208  names alone
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: a zero byte
        return Folder("", [])
    except OSError as error:
        raise SourceError(f"{path}: cannot be listed: {error.strerror or error}") from error


def _say_absent(
    name: str,
    absent: list[str],
    given: tuple[str, str, Literal["raise", "skip"]],
    seen: tuple[int, Mapping[str, Folder]],
) -> None:
    """Raise, or warn of, the missing files. given: root, suffix, missing. seen: the number of rows, and the folders."""
    (root, suffix, missing), (count, listed) = given, seen
    some = ", ".join(repr(shown(one)) for one in absent[:NAMED]) + (
        f", and {len(absent) - NAMED:,} more" * (len(absent) > NAMED)
    )
    said = f"{len(absent):,} of the {count:,} files in column {name!r} do not exist below {shown(root)!r}: {some}"
    if missing == "skip" and len(absent) < count:
        warn_caller(f"{said}; missing='skip' leaves them out", UserWarning)
        return
    cures = ["give root=, the folder that the paths start at"]
    if missing == "raise":
        cures.append("correct the table, or leave these rows out: missing='skip'")
    folder, slash, file = absent[0].rpartition("/")
    endings = [one for one in MOST_SUFFIXES if f"{file}{one}" in listed[folder + slash].names]
    if endings and not suffix:
        cures = [f"the names have no suffix: give suffix={endings[0]!r}"]
    if "\\" in absent[0]:
        cures = [f"the paths have backslashes, as on Windows: frame[{name!r}].str.replace('\\\\', '/')", *cures]
    raise SourceError(f"{said}; {'; '.join(cures)}")


def _check_unique(name: str, paths: Sequence[str], rows: Array | None) -> None:
    if len(set(paths)) == len(paths):
        return
    first: dict[str, int] = {}
    for place, path in enumerate(paths):
        if path in first:
            one, other = (where if rows is None else int(rows[where]) for where in (first[path], place))
            twice = len(paths) - len(set(paths))
            raise InputError(
                f"column {name!r} names a file twice, in rows {one} and {other}: {shown(path)!r} ({twice:,} such rows);"
                " leave out the second row, or use vary.Files(paths, labels), which takes a file as several samples"
            )
        first[path] = place
