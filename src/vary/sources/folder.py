"""A folder of pictures, one sub-folder a class. Listed once, read a file at a time, never written."""

from __future__ import annotations

import errno
import io
import os
import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vary.errors import SourceError
from vary.sources.base import Encoded, Item

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["JUNK", "SUFFIXES", "Folder"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""What is taken for a picture, in either case. The format is read from the file's first bytes, never from here."""

JUNK = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found"})
"""What operating systems leave behind; passed over like every name that begins with a dot."""

PARTS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
"""What the parts of a data set are called, and hardly a class."""

Identity = tuple[int, int]  # device and inode


class Folder:
    """The pictures below `path`, in plain order of their relative paths, which is the same on every machine.

    A picture's class is the sub-folder of `path` that it lies in, at whatever depth; classes are sorted by name.
    Pictures directly in `path` and none below it: unlabelled, with the single field "images".
    classes: names the sub-folders to read and thereby the ids, so that two folders agree; then one may be empty.

    A warning where the classes look like the parts of a data set, such as train and val: then `path` is one too high.
    `SourceError` where there is no such folder, no picture, a class without pictures, or pictures beside classes.
    Memory: about 100 bytes a file, for its relative path and its class id.
    """

    def __init__(self, path: str | os.PathLike[str], *, classes: Sequence[str] | None = None) -> None:
        self.root = os.fspath(path)
        self._absolute = os.path.abspath(self.root)  # noqa: PTH100
        if not os.path.isdir(self.root):  # noqa: PTH112  kept as the string that was given
            what = "is a file" if os.path.exists(self.root) else "does not exist"  # noqa: PTH110
            raise SourceError(f"{self.root!r} {what}; give a folder with one sub-folder of pictures for every class")
        found = sorted(_pictures(self.root))
        folders = sorted(_folders(self.root))
        self.classes = _classes(self.root, found, folders, classes)
        if classes is None and (warning := _too_high(self.root, found, self.classes or [])):
            warnings.warn(warning, UserWarning, stacklevel=2)
        if self.classes is None:
            self.fields: tuple[str, ...] = ("images",)
            self._ids = np.zeros(0, np.int64)
        else:
            ids = {name: index for index, name in enumerate(self.classes)}
            found = [name for name in found if _top(name) in ids]
            self.fields = ("images", "labels")
            self._ids = np.fromiter((ids[_top(name)] for name in found), np.int64, len(found))
        self._ids.flags.writeable = False
        self.paths = tuple(found)
        """Relative paths with forward slashes; a sample's index is its place here."""
        if not found:
            raise SourceError(_nothing(self.root))

    @property
    def labels(self) -> np.ndarray[Any, Any] | None:
        """Class ids in index order, int64, or None where there are no classes."""
        return None if self.classes is None else self._ids

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Item:
        path = self.path(index)
        try:
            with io.FileIO(path) as file:
                data = file.readall()
        except OSError as error:
            raise SourceError(f"{path}: was there when the folder was listed, but {error.strerror or error}") from error
        return Item(Encoded(data or b"", path), () if self.classes is None else (int(self._ids[index]),))

    def path(self, index: int) -> str:
        return _join(self.root, self.paths[index])

    def identity(self, index: int) -> tuple[str, int, int]:
        """(absolute path, bytes, nanoseconds of the last change): under this a cache keeps what it decoded."""
        path = _join(self._absolute, self.paths[index])
        try:
            status = os.stat(path)  # noqa: PTH116
        except OSError:  # told when it is read
            return path, -1, -1
        return path, status.st_size, status.st_mtime_ns

    def label_batch(self, indices: Sequence[int] | np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], ...]:
        return () if self.classes is None else (self._ids[np.asarray(indices, np.int64)],)

    def __repr__(self) -> str:
        return f"Folder({self.root!r}: {len(self)} pictures, classes={self.classes})"


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if folder and name else folder or name


def _top(name: str) -> str:
    """The first folder of a relative path; "" for a file that lies in none."""
    return name.partition("/")[0] if "/" in name else ""


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith(".") and entry.name not in JUNK)
    except OSError as error:
        raise SourceError(f"{folder}: cannot be listed: {error.strerror or error}") from error


def _folders(root: str) -> list[str]:
    return [entry.name for entry in _entries(root) if _kind(entry) == "folder"]


def _kind(entry: os.DirEntry[str]) -> Literal["folder", "file", "neither"]:
    """What an entry is, links followed; a link to nothing or to itself is neither."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else "neither"
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "neither"
        raise SourceError(f"{entry.path}: {error.strerror or error}") from error


def _pictures(root: str, below: str = "", above: frozenset[Identity] = frozenset()) -> Iterator[str]:
    """Relative paths of the pictures in root/below. A link back to a folder of the path so far ends there."""
    folder = _join(root, below)
    status = os.stat(folder)  # noqa: PTH116
    identity = (status.st_dev, status.st_ino)
    if identity in above:
        return
    for entry in _entries(folder):
        name = _join(below, entry.name)
        kind = _kind(entry)
        if kind == "folder":
            yield from _pictures(root, name, above | {identity})
        elif kind == "file" and entry.name.lower().endswith(SUFFIXES):
            yield name


def _classes(root: str, found: list[str], folders: list[str], wanted: Sequence[str] | None) -> list[str] | None:
    if wanted is not None:
        if len(set(wanted)) < len(wanted):
            raise SourceError(f"classes={list(wanted)} names a sub-folder twice; an id belongs to one class")
        if missing := sorted(set(wanted) - set(folders)):
            raise SourceError(f"classes names {missing}, but {root!r} has the sub-folders {folders}")
        return list(wanted)
    filled = sorted({_top(name) for name in found})
    if not found or filled == [""]:
        return None
    if filled[0] == "":
        loose = [name for name in found if "/" not in name]
        raise SourceError(
            f"{root!r} holds {len(loose)} pictures directly (such as {loose[0]!r}) beside the classes {filled[1:]}; "
            "move them into a class, or name the sub-folders to read: classes=[...]"
        )
    if empty := sorted(set(folders) - set(filled)):
        raise SourceError(
            f"{root!r} has sub-folders without pictures: {empty}; remove them, or fix the ids by "
            f"classes=[...] (with pictures: {filled})"
        )
    return filled


def _too_high(root: str, found: list[str], classes: list[str]) -> str | None:
    """What to say where the classes are the parts of a data set, with the true classes inside."""
    if len(classes) < 2 or not PARTS.issuperset(map(str.lower, classes)):
        return None
    deep = sorted({_top(name) for name in found if name.count("/") > 1})
    if not deep:
        return None
    part = next((name for name in deep if name.lower().startswith("train")), deep[0])
    return (
        f"{root!r} is taken for a folder of the classes {classes}, which look like the parts of a data set; "
        f"give one part, {_join(root, part)!r}, or say that they are classes: vary.Folder(..., classes={classes})"
    )


def _nothing(root: str) -> str:
    return (
        f"{root!r} holds no pictures: looked at every depth for names ending in {' '.join(SUFFIXES)} (hidden names and "
        f"{', '.join(sorted(JUNK))} passed over); give the folder that holds one sub-folder of pictures for every class"
    )
