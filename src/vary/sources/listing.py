"""The names of many files, in one block of bytes: in memory, or mapped read-only from a file that is written once.

Names are UTF-8, with a zero byte before, between and after them; `bounds` has the position of each zero. In plain order
the names of a class are neighbours, so a class needs one row (in `runs`), and a name nothing. The file of a listing,
little-endian:

    head       magic, version, counts and lengths, digest of the names, check of the head and of the last two parts
    names      padded to 8 bytes
    bounds     int64, one more than there are names
    runs       int64: in the order of the names, where each class's names end; then the ids of these classes
    classes    the folder's own name, then those of classes in the order of their ids, a zero byte after each

Opening it reads the head, the runs and the classes; a name is checked when it is read.
"""

from __future__ import annotations

import io
import mmap
import operator
import os
import struct
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, NamedTuple, overload

import numpy as np

from vary.errors import SourceError, VaryError
from vary.paths import absolute
from vary.sample import Array
from vary.sources.walk import joined

__all__ = ["Draft", "Listing", "drafted", "load"]

MAGIC = b"vary listing\n\r\n\0"
VERSION = 1
HEAD = struct.Struct("<16s5Q16s16s")  # magic, version, names, their bytes, runs, bytes of classes, digest, check
LONGEST = 1 << 16  # bytes of a name: no system opens such a path
CHUNK = 4096  # names that are packed at a time
CURE = "delete it, and it is made again"


class Packed(NamedTuple):
    """The names of a listing as bytes, and which of them belong to one class (see the format above)."""

    data: bytes | mmap.mmap
    names: tuple[int, int]  # where in `data` the names begin, and how many bytes they have
    bounds: Array  # (n + 1,): positions of the zero bytes, counted from the beginning of the names
    runs: Array  # (2, k): where each class's names end, and the id of that class


class Listing(Sequence[str]):
    """Relative paths in plain order, a sequence of str, and the class of each. Immutable.

    root: a folder; the items of the sequence are paths in it. Empty: the items are the names as they are stored.
    classes: the names of the classes by id, or None. A name that is damaged in a mapped file is a `SourceError`. A
    mapped listing pickles as the path of its file, and is mapped again.
    """

    def __init__(
        self, packed: Packed, classes: list[str] | None, file: tuple[str, bytes] | None = None, root: str = ""
    ) -> None:
        """file: its path and its check, if the listing is mapped."""
        self._packed, self._file = packed, file
        self._data, self._names, self._bounds, (self._stops, self._ids) = packed
        self._view = self._stops.data  # bisect is twice as fast on it
        self.classes, self.root = classes, root
        self.folder: str | None = None  # the name of the folder that was listed, if it is known
        self._labels: Array | None = None

    def __len__(self) -> int:
        return len(self._bounds) - 1

    @property
    def file(self) -> str | None:
        """The file that this is mapped from, an absolute path; None if it is in memory."""
        return self._file and self._file[0]

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        if isinstance(index, slice):
            return tuple(self[place] for place in range(*index.indices(len(self))))
        return joined(self.root, self.name(index))

    def name(self, index: int) -> str:
        """The name as it is stored, without `root`."""
        place, (at, size) = self._place(index), self._names
        first, last = self._bounds.item(place), self._bounds.item(place + 1)
        if 0 <= first < last < size and last - first <= LONGEST:
            text = str(self._data[at + first : at + last + 1], "utf-8", "surrogateescape")
            name = text[1:-1]
            if text[0] == text[-1] == "\0" and (self._file is None or self._sound(place, name)):
                return name
        raise SourceError(f"{self.file}: this listing is damaged at name {place}; {CURE}")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Listing | tuple | list):
            return NotImplemented
        return len(self) == len(other) and all(map(operator.eq, self, other))

    __hash__ = None  # type: ignore[assignment]  # it may be equal to a list, which has no hash either

    def __repr__(self) -> str:
        return f"<{len(self)} paths: {', '.join(map(repr, self[:3]))}{', ...' if len(self) > 3 else ''}>"

    def __reduce__(self) -> tuple[object, ...]:
        if self._file:
            return _again, (*self._file, self.root)
        return Listing, (self._packed, self.classes, None, self.root)

    @property
    def labels(self) -> Array:
        """(n,) int64, read-only: the class id of every name; computed on the first access."""
        if self._labels is None:
            self._labels = np.repeat(self._ids, np.diff(self._stops, prepend=0))
            self._labels.flags.writeable = False
        return self._labels

    def class_counts(self) -> list[int]:
        """The number of names of each class, found without reading the names."""
        sizes = np.diff(self._stops, prepend=0)
        counts = np.zeros(len(self.classes or ()), np.int64)
        np.add.at(counts, self._ids, sizes)
        found: list[int] = counts.tolist()
        return found

    def class_id(self, index: int) -> int:
        return self._of(self._place(index))

    def class_ids(self, indices: Sequence[int] | Array) -> Array:
        """int64, in the shape of `indices`."""
        places, n = np.asarray(indices, np.int64), len(self)
        if places.size and not -n <= places.min() <= places.max() < n:
            raise IndexError(f"indices from {places.min()} to {places.max()}; there are {n} names")
        found: Array = self._ids[np.searchsorted(self._stops, np.where(places < 0, places + n, places), "right")]
        return found

    def _of(self, place: int) -> int:
        return int(self._ids.item(bisect_right(self._view, place)))

    def _place(self, index: int) -> int:
        place, n = operator.index(index), len(self._bounds) - 1
        if not -n <= place < n:
            raise IndexError(f"index {place}; there are {n} names")
        return place % n

    def _sound(self, place: int, name: str) -> bool:
        """Is this name valid at this place? Hidden files are never listed, and .. would leave the folder."""
        if self.classes and not name.startswith(f"{self.classes[self._of(place)]}/"):
            return False
        return "/." not in f"/{name}" and "\0" not in name


class Draft:
    """Writes a listing: names are added in plain order, then `runs` and `classes` are set."""

    def __init__(self, sink: IO[bytes]) -> None:
        from hashlib import blake2b

        self.count = 0
        self.runs: tuple[list[int], list[int]] = [], []
        self.classes: list[str] | None = None
        self.folder = ""
        self._sink, self._size, self._digest = sink, 1, blake2b(digest_size=16)
        self._bounds = io.BytesIO()
        self._bounds.write(bytes(8))
        sink.write(b"\0")

    def add(self, names: Sequence[str]) -> None:
        for start in range(0, len(names), CHUNK):
            chunk = "\0".join([*names[start : start + CHUNK], ""]).encode("utf-8", "surrogateescape")
            zeros = np.flatnonzero(np.frombuffer(chunk, np.uint8) == 0) + self._size
            self._bounds.write(zeros.astype("<i8").tobytes())
            self._sink.write(chunk)
            self._digest.update(chunk)
            self._size += len(chunk)
        self.count += len(names)

    def listing(self) -> Listing:
        """The listing, if the draft is in memory."""
        assert isinstance(self._sink, io.BytesIO)
        bounds, runs = np.frombuffer(self._bounds.getvalue(), "<i8"), np.array(self.runs, np.int64)
        return Listing(Packed(self._sink.getvalue(), (0, self._size), bounds, runs), self.classes)

    def finish(self) -> None:
        """Write everything but the names, if the draft is a file."""
        runs = np.array(self.runs, "<i8").tobytes()
        classes = "".join(f"{name}\0" for name in (self.folder, *(self.classes or ()))).encode(
            "utf-8", "surrogateescape"
        )
        sizes = (VERSION, self.count, self._size, len(self.runs[0]), len(classes))
        head = HEAD.pack(MAGIC, *sizes, self._digest.digest(), bytes(16))[:-16]
        self._sink.write(bytes(-self._size % 8))
        self._sink.writelines((self._bounds.getbuffer(), runs, classes))
        self._sink.seek(0)
        self._sink.write(head + _check(head, runs + classes))


@contextmanager
def drafted(file: str | None) -> Iterator[Draft]:
    """A draft that becomes the listing `file` when the block ends without an error; None: a draft in memory."""
    if file is None:
        yield Draft(io.BytesIO())
        return
    temporary = f"{file}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
    try:
        with open(temporary, "xb") as sink:  # noqa: PTH123
            sink.write(bytes(HEAD.size))
            draft = Draft(sink)
            yield draft
            draft.finish()
        os.replace(temporary, file)  # noqa: PTH105  not written in place: other processes may have it mapped
    except OSError as error:
        if isinstance(error, VaryError):
            raise
        raise SourceError(
            f"{file}: the listing cannot be written: {error.strerror or error}; give another path"
        ) from error
    finally:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108


def load(file: str) -> Listing:
    """The listing in `file`, mapped read-only; `SourceError` if it is not a listing, or is damaged."""
    try:
        with open(file, "rb") as opened:  # noqa: PTH123
            size = os.fstat(opened.fileno()).st_size
            data = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
    except OSError as error:
        raise SourceError(
            f"{file}: the listing cannot be read: {error.strerror or error}; give another path"
        ) from error
    if len(data) < HEAD.size or data[: len(MAGIC)] != MAGIC:
        raise SourceError(f"{file}: is no listing ({len(data)} bytes); give another path, or {CURE}")
    _, version, count, names, runs, classes, _, check = HEAD.unpack(data[: HEAD.size])
    if version != VERSION:
        raise SourceError(f"{file}: is a listing of version {version}, and this vary reads {VERSION}; {CURE}")
    bounds_at = HEAD.size + names + -names % 8
    runs_at = bounds_at + 8 * (count + 1)
    classes_at = runs_at + 16 * runs
    if len(data) != classes_at + classes:
        raise SourceError(f"{file}: this listing has {len(data)} bytes instead of {classes_at + classes}; {CURE}")
    if check != _check(data[: HEAD.size - 16], data[runs_at:]):
        raise SourceError(f"{file}: this listing is damaged in its head or its classes; {CURE}")
    bounds = np.frombuffer(data, "<i8", count + 1, bounds_at)
    rows = np.frombuffer(data[runs_at:classes_at], "<i8").astype(np.int64).reshape(2, runs)
    folder, *others = str(data[classes_at:], "utf-8", "surrogateescape").split("\0")
    found = others[:-1] or None
    stops, ids = rows
    whole = np.array_equal(np.sort(stops), stops) and (stops[-1:] == count).all() and (ids < len(found or ())).all()
    if not whole or (ids < 0).any() or (found is None) != (runs == 0):
        raise SourceError(f"{file}: this listing counts its classes wrongly; {CURE}")
    listing = Listing(Packed(data, (HEAD.size, names), bounds, rows), found, (absolute(file), check))
    listing.folder = folder
    return listing


def _again(file: str, check: bytes, root: str) -> Listing:
    """A pickled listing, mapped again; `SourceError` if the file has changed since."""
    listing = load(file)
    if listing._file != (file, check):
        raise SourceError(f"{file}: is not the listing that was pickled: it was made again since; pickle the new one")
    listing.root = root
    return listing


def _check(head: bytes, tables: bytes) -> bytes:
    from hashlib import blake2b

    return blake2b(head + tables, digest_size=16).digest()
