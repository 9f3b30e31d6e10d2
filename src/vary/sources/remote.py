"""Sources of files at URLs: reads them with their versions, and walks through a list of them as through a folder."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from vary.errors import InputError, SourceError
from vary.sample import Array
from vary.sources.base import Encoded
from vary.sources.walk import JUNK, OTHER, SUFFIXES
from vary.stores import Stamp, Storage, identity, is_url, list_files, local_path, read_stamped, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["UNKNOWN", "Remote", "UrlWalk", "kept_url", "remote_cells", "remote_files", "remote_folder"]

UNKNOWN = Stamp(-1, 0)


def kept_url(path: object) -> str | None:
    """A URL as it is, a file:// URL as a path; None for anything else."""
    if not isinstance(path, str) or not is_url(path):
        return None
    return local_path(path) or path


class Remote:
    """Reads the files of a source, some of which are URLs.

    stamps: (n, 2) int64: size and tag of each version, by sample index; -1 and 0: not known. A version is that of the
    list, or of the first read; an object with another one is a `SourceError`.
    """

    def __init__(self, storage: Storage, count: int = 0) -> None:
        self.storage = storage
        self.stamps: Array = np.tile(np.array(UNKNOWN, np.int64), (count, 1))
        self.listed = False  # do the stamps come from a list?
        self._salt = int.from_bytes(os.urandom(7), "little")

    def set_stamps(self, names: Sequence[str], walk: UrlWalk) -> None:
        """The versions of a walk. With a listing of an earlier time, the walk has not been made: they stay unknown."""
        self.listed = True
        known, start = walk.stamps or {}, len(walk.url) + 1
        self.stamps = np.array([known.get(name[start:], UNKNOWN) for name in names], np.int64).reshape(-1, 2)

    def read(self, url: str, index: int) -> Encoded:
        known = Stamp(*self.stamps[index].tolist())
        data, stamp = read_stamped(url, self.storage, known)
        if stamp != known:
            self.stamps[index] = stamp
        return Encoded(data, shown(url))

    def stamped(self, paths: Sequence[str], indices: Sequence[int] | Array) -> list[tuple[str, int, int]]:
        """(URL, size, tag) of versions that were listed. Others are only recognised by this source and its copies:
        to ask for the version would cost a request for each."""
        found = []
        for index in np.asarray(indices).tolist():
            size, tag = self.stamps[index].tolist() if self.listed else UNKNOWN
            name = identity(paths[index])
            found.append((name, size, tag) if tag else (name, -2, self._salt))
        return found


class UrlWalk:
    """What `Walk` is for a local folder: `keys`, `pictures`, `passed` and `doubtful` mean the same. The store is
    asked once, when they are first needed."""

    def __init__(self, root: str, storage: Storage) -> None:
        self.root = shown(root)
        """For messages."""
        self.url, self._storage = root, storage
        self.passed: Counter[str] = Counter()
        self.stamps: dict[str, Stamp] | None = None
        """Name -> version, of the pictures, in plain order."""

    def keys(self, _: str) -> list[str]:
        names = self._names()
        return sorted({f"{name.partition('/')[0]}/" if "/" in name else name for name in names})

    def pictures(self, below: str) -> Iterator[list[str]]:
        names = self._sorted
        first, last = (bisect_left(names, f"{below}/"), bisect_left(names, f"{below}0")) if below else (0, len(names))
        yield names[first:last]  # "0" is next to "/"

    def doubtful(self) -> Counter[str]:
        return Counter({ending: count for ending, count in self.passed.items() if ending and ending not in OTHER})

    @cached_property
    def _sorted(self) -> list[str]:
        return list(self._names())

    def _names(self) -> dict[str, Stamp]:
        if self.stamps is not None:
            return self.stamps
        found = list_files(self.url, self._storage)
        if not found:
            raise SourceError(
                f"{self.root}: no object has a name that begins so; give the URL of a folder, such as s3://bucket/train"
            )
        self.stamps = {}
        for name, stamp in found:
            parts = name.split("/")
            if any(part.startswith(".") or part in JUNK or not part for part in parts):
                continue
            if name.lower().endswith(SUFFIXES):
                self.stamps[name] = stamp
            else:
                self.passed[os.path.splitext(parts[-1])[1].lower()] += 1  # noqa: PTH122
        return self.stamps


def remote_folder(root: str, storage: object) -> Remote | None:
    """For `Folder`: None if its root is no URL."""
    if is_url(root):
        return Remote(Storage.of(storage))
    if storage is not None:
        raise InputError(f"storage= goes with a URL, such as s3://bucket/folder, and {root!r} is a path; leave it out")
    return None


def remote_files(paths: Sequence[str], storage: object) -> Remote | None:
    """For `Files`: None if no path is a URL."""
    if any(map(is_url, paths)):
        return Remote(Storage.of(storage), len(paths))
    if storage is not None:
        raise InputError("storage= goes with URLs, such as s3://bucket/1.jpg, and paths= has none; leave it out")
    return None


def remote_cells(cells: Sequence[object], root: str, storage: Storage) -> Remote | None:
    """For a column of paths: None if none is a URL and `root` is none."""
    try:
        local = "://" not in "\0".join(cells)  # type: ignore[arg-type]  # of texts alone, which is fast
    except TypeError:
        local = False
    return Remote(storage) if is_url(root) or (not local and any(map(is_url, cells))) else None
