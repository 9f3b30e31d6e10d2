"""A folder of pictures, one sub-folder a class. Listed once, or not even once; read a file at a time, never written."""

from __future__ import annotations

import errno
import io
import os
import warnings
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vary import _native
from vary.errors import InputError, SourceError
from vary.sources.base import Encoded, Item
from vary.sources.listing import CURE, Draft, Listing, drafted, load

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["JUNK", "SUFFIXES", "Folder"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
"""What is taken for a picture, in either case. The format is read from the file's first bytes, never from here."""

JUNK = frozenset({"Thumbs.db", "desktop.ini", "__MACOSX", "@eaDir", "$RECYCLE.BIN", "lost+found"})
"""What operating systems leave behind; passed over like every name that begins with a dot."""

PARTS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
"""What the parts of a data set are called, and hardly a class."""

FEW = 10  # classes that are named where a folder is shown

Identity = tuple[int, int]  # device and inode


class Folder:
    """The pictures below `path`, in plain order of their relative paths, which is the same on every machine.

    A picture's class is the sub-folder of `path` that it lies in, at whatever depth; classes are sorted by name.
    Pictures directly in `path` and none below it: unlabelled, with the single field "images".
    classes: names the sub-folders to read and thereby the ids, so that two folders agree; then one may be empty. If it
        names all that there are, it may name others as well, whose ids then stay free.
    listing: a file outside of `path` that keeps what was found. Where there is none yet, the folder is walked and the
        file written. Where there is one, it is mapped into memory, its classes included, and the folder is not walked:
        a million files or a billion are there at once, in memory that processes share, and the source pickles as the
        place of its listing. It is taken at its word: files that came later are not seen, and one that is gone is a
        `SourceError` when it is read. Delete it to list the folder again. It has relative paths: the folder may move.

    A warning where the classes look like the parts of a data set, such as train and val: then `path` is one too high.
    `SourceError` where there is no such folder, no picture, a class without pictures, or pictures beside classes; where
    the listing is damaged, cannot be written, or has other classes than `classes`. `InputError` if it lies in `path`.
    Memory: a file's relative path and 9 bytes more; with `listing` none but the pages of it that are in use.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        classes: Sequence[str] | None = None,
        listing: str | os.PathLike[str] | None = None,
    ) -> None:
        self.root = _text("path", path, "the path of a folder")
        self._absolute = os.path.abspath(self.root)  # noqa: PTH100
        if not os.path.isdir(self.root):  # noqa: PTH112  kept as the string that was given
            what = "is a file" if os.path.exists(self.root) else "does not exist"  # noqa: PTH110
            raise SourceError(f"{self.root!r} {what}; give a folder with one sub-folder of pictures for every class")
        file = None if listing is None else _text("listing", listing, "the path of a file to keep it in, or None")
        self._listing = self._listed(classes, file)
        self.fields: tuple[str, ...] = ("images",) if self.classes is None else ("images", "labels")
        self.paths: Sequence[str] = self._listing
        """Relative paths with forward slashes; a sample's index is its place here."""

    def _listed(self, classes: Sequence[str] | None, file: str | None) -> Listing:
        around = frozenset[Identity]() if file is None else _around(file)
        if _identity(self.root) in around:
            raise InputError(
                f"listing={file!r} lies in {self.root!r}, and vary writes nothing there; give another path"
            )
        name = os.path.basename(self._absolute)  # noqa: PTH119
        if file is None or not os.path.exists(file):  # noqa: PTH110
            with drafted(file) as draft:
                draft.folder = name
                if warning := _fill(draft, self.root, classes, around):
                    warnings.warn(warning, UserWarning, stacklevel=3)
            if file is None:
                return draft.listing()
        found = load(file)
        if classes is not None and list(classes) != found.classes:
            cure = f"give listing= another path, or {CURE}"
            raise SourceError(f"classes={list(classes)}, but the listing {file!r} has {found.classes}; {cure}")
        if found.folder != name:
            text = f"the listing {file!r} was made of a folder {found.folder!r}, this is {name!r}"
            warnings.warn(f"{text}; give each a listing of its own, or {CURE}", UserWarning, stacklevel=3)
        return found

    @property
    def classes(self) -> list[str] | None:
        """Names of the class ids, or None where there are no classes."""
        return self._listing.classes

    @property
    def labels(self) -> np.ndarray[Any, Any] | None:
        """Class ids in index order, int64, or None where there are no classes."""
        return None if self.classes is None else self._listing.labels

    def class_counts(self) -> list[int] | None:
        """Pictures in each class, in the order of `classes`; reads no file, and takes no time for a picture."""
        return None if self.classes is None else self._listing.class_counts()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Item:
        path = self.path(index)
        try:
            with io.FileIO(path) as file:
                data = file.readall()
        except OSError as error:
            cure = f"; delete {self._listing.file!r} to list it again" if self._listing.file else ""
            reason = f"was there when the folder was listed, but {error.strerror or error}{cure}"
            raise SourceError(f"{path}: {reason}") from error
        return Item(Encoded(data or b"", path), () if self.classes is None else (self._listing.class_id(index),))

    def path(self, index: int) -> str:
        return _join(self.root, self.paths[index])

    def identities(self, indices: Sequence[int] | np.ndarray[Any, Any]) -> list[tuple[str, int, int]]:
        """(absolute path, bytes, nanoseconds of the last change) of each: under this a cache keeps what it decoded.

        -1 for both of a file that is not there, which is told when it is read.
        """
        paths = [_join(self._absolute, self.paths[index]) for index in np.asarray(indices).tolist()]
        return [(path, *stamp) for path, stamp in zip(paths, _native.file_stamps(paths), strict=True)]

    def label_batch(self, indices: Sequence[int] | np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], ...]:
        return () if self.classes is None else (self._listing.class_ids(indices),)

    def __repr__(self) -> str:
        many = self.classes is not None and len(self.classes) > FEW
        classes = f"{len(self.classes or ())} classes" if many else f"classes={self.classes}"
        return f"Folder({self.root!r}: {len(self)} pictures, {classes})"


def _text(name: str, path: object, cure: str) -> str:
    """The argument as a path that is text; `InputError` where it is none."""
    found = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(found, str):
        raise InputError(f"{name}={path!r}; give {cure}")
    return found


def _join(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}" if folder and name else folder or name


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry for entry in entries if not entry.name.startswith(".") and entry.name not in JUNK)
    except OSError as error:
        raise SourceError(f"{folder}: cannot be listed: {error.strerror or error}") from error


def _kind(entry: os.DirEntry[str]) -> Literal["folder", "file", "neither"]:
    """What an entry is, links followed; a link to nothing or to itself is neither."""
    try:
        return "folder" if entry.is_dir() else "file" if entry.is_file() else "neither"
    except OSError as error:
        if error.errno == errno.ELOOP:
            return "neither"
        raise SourceError(f"{entry.path}: {error.strerror or error}") from error


def _keys(folder: str) -> list[str]:
    """Pictures, and sub-folders with a slash behind them, sorted: so that whole paths come out in plain order."""
    found = []
    for entry in _entries(folder):
        kind = _kind(entry)
        if kind == "folder":
            found.append(f"{entry.name}/")
        elif kind == "file" and entry.name.lower().endswith(SUFFIXES):
            found.append(entry.name)
    found.sort()
    return found


def _identity(folder: str) -> Identity:
    try:
        status = os.stat(folder)  # noqa: PTH116
    except OSError as error:
        raise SourceError(f"{folder}: cannot be listed: {error.strerror or error}") from error
    return status.st_dev, status.st_ino


def _around(file: str) -> frozenset[Identity]:
    """The folders that a file lies in, links followed, whether it is there or will be."""
    ends = {os.path.realpath(os.path.dirname(file)), os.path.dirname(os.path.realpath(file))}  # noqa: PTH120
    folders = {str(folder) for end in ends for folder in (PurePath(end), *PurePath(end).parents)}
    return frozenset(_identity(folder) for folder in folders if os.path.exists(folder))  # noqa: PTH110


def _pictures(root: str, below: str, above: frozenset[Identity], around: frozenset[Identity]) -> Iterator[list[str]]:
    """Relative paths of the pictures in root/below. A link back to a folder of the path so far ends there."""
    folder = _join(root, below)
    identity = _identity(folder)
    if identity in above:
        return
    if identity in around:
        raise InputError(f"the listing lies in {folder!r}, a folder of the pictures; give another path")
    names: list[str] = []
    for key in _keys(folder):
        if key.endswith("/"):
            yield names
            names = []
            yield from _pictures(root, _join(below, key[:-1]), above | {identity}, around)
        else:
            names.append(_join(below, key))
    yield names


def _fill(draft: Draft, root: str, wanted: Sequence[str] | None, around: frozenset[Identity]) -> str | None:
    """Every picture below root into the draft, with its class; what to warn of, if anything."""
    keys = _keys(root)
    folders, loose = [key[:-1] for key in keys if key.endswith("/")], [key for key in keys if not key.endswith("/")]
    if wanted is not None:
        _check_wanted(root, folders, wanted)
    above, filled, deep = frozenset({_identity(root)}), [], []
    for folder in folders if wanted is None else sorted(set(wanted) & set(folders), key=lambda name: f"{name}/"):
        before, depth = draft.count, 0
        for names in _pictures(root, folder, above, around):
            draft.add(names)
            depth = max(depth, names[0].count("/") if names else 0)
        if draft.count > before:
            filled.append(folder)
            draft.runs[0].append(draft.count)
        if depth > 1:
            deep.append(folder)
    if wanted is None and filled:
        _check_filled(root, loose, filled, folders)
    elif wanted is None and loose:
        draft.add(loose)
    if not draft.count:
        raise SourceError(_nothing(root))
    classes = list(wanted) if wanted is not None else sorted(filled)
    draft.classes = classes or None
    ids = {name: place for place, name in enumerate(classes)}
    draft.runs[1].extend(ids[folder] for folder in filled)
    return _too_high(root, classes, sorted(deep)) if wanted is None else None


def _check_wanted(root: str, folders: list[str], wanted: Sequence[str]) -> None:
    if isinstance(wanted, str) or not wanted:
        raise SourceError(f"classes={wanted!r}; give a list of sub-folders' names, at least one, or leave it out")
    if len(set(wanted)) < len(wanted):
        raise SourceError(f"classes={list(wanted)} names a sub-folder twice; an id belongs to one class")
    missing = sorted(set(wanted) - set(folders))
    if missing and not set(wanted) > set(folders):  # then one may be misspelt
        raise SourceError(
            f"classes names {missing}, but {root!r} has the sub-folders {sorted(folders)}; name all of those as well, "
            "if classes that are not here are to have ids"
        )


def _check_filled(root: str, loose: list[str], filled: list[str], folders: list[str]) -> None:
    if loose:
        raise SourceError(
            f"{root!r} holds {len(loose)} pictures directly (such as {loose[0]!r}) beside the classes {sorted(filled)}"
            "; move them into a class, or name the sub-folders to read: classes=[...]"
        )
    if empty := sorted(set(folders) - set(filled)):
        raise SourceError(
            f"{root!r} has sub-folders without pictures: {empty}; remove them, or fix the ids by "
            f"classes=[...] (with pictures: {sorted(filled)})"
        )


def _too_high(root: str, classes: list[str], deep: list[str]) -> str | None:
    """What to say where the classes are the parts of a data set; deep: those with the true classes inside."""
    if len(classes) < 2 or not deep or not PARTS.issuperset(map(str.lower, classes)):
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
