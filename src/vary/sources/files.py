"""`Files`: a source of files at any paths, with the user's labels. Files are read one at a time, never written."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property

import numpy as np

from vary.codecs.stamps import file_stamps
from vary.codecs.wide import FileDtype, file_dtype
from vary.errors import InputError, SourceError, brief
from vary.guidance import guided
from vary.paths import absolute, path_text
from vary.sample import Array
from vary.sources.base import Encoded, Item
from vary.sources.kinds import Kind, files_kind
from vary.sources.labels import class_ids, read_labels
from vary.sources.listing import Draft, Listing
from vary.sources.remote import Remote, kept_url, remote_files
from vary.sources.subset import Source, inherits
from vary.stores import is_url, shown

__all__ = ["Files", "read_file", "said_dtype", "stamped"]

CURE = "the path of a picture's file"
READS = 5  # attempts to read a file that another process writes meanwhile


class Files(Source):
    """Pictures in files at any paths, in the order of `paths`, with your own labels.

    paths: a list, array or Series of `str` or `os.PathLike`. Relative paths are made absolute at once, `~` is expanded.
        A path may occur more than once, each time as another sample.
    labels: one label for each path, or several fields as {"age": ..., "breed": ...}, as for `Arrays`. None: no labels.
    classes: the names of the class ids, in order. None: the names among the labels, sorted.
    dtype: as what the pictures are read, "uint8" or "uint16", as for `Folder`.

    storage: options of the store, for `paths` that are URLs, such as s3://bucket/1.jpg: see docs/stores.md.

    Making the source opens no file. A file that does not exist when it is read is a `SourceError` with its path.
    `InputError` if an entry is not a path or not a label, or if there are more or fewer labels than paths.
    Memory: each path and 9 bytes more, and the labels.
    """

    @guided("vary.Files")
    def __init__(
        self,
        paths: object,
        labels: object = None,
        *,
        classes: Sequence[str] | None = None,
        dtype: FileDtype = "uint8",
        storage: Mapping[str, object] | None = None,
    ) -> None:
        self.file_dtype = file_dtype(dtype)
        self.paths: Sequence[str] = _listed(paths)
        """Absolute paths, or URLs, by sample index."""
        self._remote: Remote | None = remote_files(self.paths, storage)
        self._labels = read_labels(
            labels, classes, len(self.paths), lambda place: f"sample {place} ({shown(self.paths[place])})"
        )
        self.fields: tuple[str, ...] = ("images", *self._labels.fields)
        self.classes = self._labels.classes
        self.class_field = self._labels.field

    @property
    def labels_are_checked(self) -> bool:
        return inherits(self, Files, "label_batch")

    @cached_property
    def kind(self) -> Kind | None:  # type: ignore[override]
        """Encoded files; None if a subclass reads them in another way."""
        return files_kind(self) if inherits(self, Files, "__getitem__", "item") else None

    @property
    def labels(self) -> Array | None:
        """Class ids in index order; None if there are none."""
        return class_ids(self)

    def __len__(self) -> int:
        return len(self.paths)

    def item(self, index: int) -> Item:
        path = self.paths[index]
        remote = self._remote if is_url(path) else None  # some may be local files
        file = read_file(path, "was listed") if remote is None else remote.read(path, index)
        return Item(file, self._labels.of(index))

    def path(self, index: int) -> str:
        return self.paths[index]

    @property
    def remote(self) -> bool:
        """Are some of the files at a URL?"""
        return self._remote is not None

    def fingerprints(self, indices: Sequence[int] | Array) -> list[tuple[str, int, int]]:
        """See `stamped`, and for URLs `Remote.stamped`."""
        if self._remote is not None:
            return self._remote.stamped(self.paths, indices)
        return stamped([self.paths[index] for index in np.asarray(indices).tolist()])

    def label_batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        return self._labels.batch(indices)

    def __repr__(self) -> str:
        return (
            f"Files({len(self)} pictures, fields={brief(self.fields)}, classes={brief(self.classes)}{said_dtype(self)})"
        )


def read_file(path: str, known: str, cure: str = "") -> Encoded:
    """The bytes of a file. `SourceError` if it cannot be read; `OSError` if no file descriptor is left.

    A file that is written while it is read is read again; otherwise its parts might be of two pictures.

    known: where the path comes from, for the message.
    """
    try:
        file = os.open(path, os.O_RDONLY)  # a file object would take 5 us longer
        try:
            for _ in range(READS):
                before = os.fstat(file)
                data = _all_bytes(file, before.st_size)
                after = os.fstat(file)
                if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
                    return Encoded(data, path)
                os.lseek(file, 0, os.SEEK_SET)
        finally:
            os.close(file)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):  # the file is not broken, so on_error= must not skip it
            cure = "raise the limit (ulimit -n)"
            raise OSError(error.errno, f"no file descriptor is left to read {path}; {cure}") from error
        raise SourceError(f"{path}: {known}, but {error.strerror or error}{cure}") from error
    raise SourceError(f"{path}: was written to during each of {READS} reads, so its bytes are of several states")


def _all_bytes(file: int, size: int) -> bytes:
    """The rest of a file that is said to have `size` bytes."""
    data = os.read(file, size + 1)
    if len(data) == size:  # one more would have been read
        return data
    parts = [data]
    while parts[-1]:
        parts.append(os.read(file, 1 << 20))
    return b"".join(parts)


def said_dtype(source: Source) -> str:
    """For the repr of a source of files: what they are read as, if not uint8."""
    return "" if source.file_dtype == "uint8" else f", dtype={source.file_dtype!r}"


def stamped(paths: list[str]) -> list[tuple[str, int, int]]:
    """(path, size in bytes, time of the last change in nanoseconds) of each file: its key in a cache of decoded files.

    Size and time are -1 for a file that does not exist; reading it raises the error.
    """
    return [(path, *stamp) for path, stamp in zip(paths, file_stamps(paths), strict=True)]


def _listed(paths: object) -> Listing:
    if isinstance(paths, str | bytes | os.PathLike):
        raise InputError(
            f"paths={brief(paths)} is a single path; give a list of paths, or vary.Folder(path) for a folder"
        )
    unordered = isinstance(paths, set | frozenset | Mapping)
    if unordered or not hasattr(paths, "__iter__") or getattr(paths, "ndim", 1) != 1:
        raise InputError(
            f"paths is a {type(paths).__name__}; give a list, a 1-D array or a Series of paths, in their order"
        )
    found, here = [], ""
    with suppress(OSError):  # the current folder was deleted, which is an error only for a relative path
        here = os.getcwd()  # noqa: PTH109  asked once
    for place, path in enumerate(paths):
        text = kept_url(path) or path_text(f"paths[{place}]", path, CURE)
        if not text:
            raise InputError(f"paths[{place}]=''; give {CURE}")
        found.append(text if is_url(text) else absolute(text, here))
    if not found:
        raise InputError("paths is empty; give at least one path of a picture's file")
    draft = Draft(io.BytesIO())
    draft.add(found)
    return draft.listing()
