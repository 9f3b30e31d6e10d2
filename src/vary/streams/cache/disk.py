"""Blocks on disk: one file for each, shared by processes and kept for later runs.

    <folder>/v1/<2 digits>/<30 digits>-<level>    digits: of a hash of setting and fingerprint
        HEADER    the block's length, a checksum of its first bytes (the head) and one of all of it
        block

A file is written under another name and then renamed. So a reader never sees a part of one, and no file locks are
needed, which not every file system has. No file stays open. A block is checked when a process first reads it; a damaged
one counts as missing and is written again. If a picture changes, its former block is deleted.

If the folder is full, the files that were not used for longest are deleted. The modification time of a file is the time
of its last use. What this process used within a day is never deleted: an epoch uses every picture once, so the files
that were not used for longest are those that are needed soonest.
"""

from __future__ import annotations

import os
import re
import sys
import time
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.codecs.decode import HEAD
from vary.errors import InputError
from vary.paths import cache_folder
from vary.sample import Array
from vary.streams.workers.threads import ForkLock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vary.streams.cache.memory import File

__all__ = ["Disk", "DiskCache", "check_writable", "disk_cache", "size_of_cache"]

VERSION = "v1"  # of the format; each has its own folder
HEADER, MAGIC = Struct("<8sQII"), b"vary\r\n\x1a\n"
LEVELS = 1, 2, 4, 8
SUBFOLDER, NAME = "[0-9a-f]{2}", r"[0-9a-f]{30}-[1248](\.[0-9a-f]{16}\.tmp)?"
FORMER = r"[0-9a-f]{16}-[0-9a-f]{32}\.(blocks|index)"  # of the format before v1

BEGAN = time.time()  # when this process began, nearly
HOUR, DAY = 3600.0, 86400.0  # a use is noted once an hour; an unfinished file that is an hour old is deleted
MINUTE = 60.0  # seconds until a failed write is tried again
LATEST = 1_000_000  # most blocks that are remembered as checked: about 200 bytes each
SAMPLE = 1000  # files from which the size of a folder is estimated


def check_writable(folder: Path) -> None:
    """`OSError` if the folder, or files in it, cannot be made. Empty files suffice, so a full disk passes."""
    path = folder / VERSION / "00" / f"{0:030}-1"
    _write(folder, path)
    path.unlink(missing_ok=True)


class Disk:
    """A `Store` in `folder`, with at most `limit` bytes, including what other processes wrote.

    setting: what a block depends on besides its file (channels, decoder); its `repr` is part of every name.
    Pickles as its arguments.
    """

    compact = True

    def __init__(self, folder: Path, limit: int, setting: tuple[object, ...]) -> None:
        self.folder, self.limit, self.setting = Path(folder).absolute(), limit, setting
        self._held, self._stale = 0, 0.0  # bytes in the folder, and when they are to be measured again
        self._left = 0  # bytes that may be written before all files are measured again
        self._refused, self._until = sys.maxsize, 0.0  # until that time, blocks of this size or more are refused
        self.error, self._warned = "", False  # `error`: why the last write failed, if it did
        self._latest: dict[
            tuple[int, int], bytes
        ] = {}  # sample and level -> name of the block that was checked, or written, last
        self._lock = ForkLock()  # guards writes and deletions

    @property
    def held(self) -> int:
        """Bytes in the folder, as measured within the last minute: other processes write as well."""
        if time.monotonic() >= self._stale:
            self._note_held(size_of_cache(self.folder))
        return self._held

    def _note_held(self, size: int) -> None:
        self._held, self._stale = size, time.monotonic() + MINUTE

    def get(self, file: File, level: int) -> Array | None:
        name = self._name(file)
        if level == 0:
            return _head(self._path(name, one) for one in LEVELS)
        self._drop_former(file.sample, level, name)
        path = self._path(name, level)
        data, used = _read(path)
        if len(data) < HEADER.size + HEAD:
            return None
        magic, length, _, checksum = HEADER.unpack_from(data)
        block, known = memoryview(data)[HEADER.size :], self._latest.get((file.sample, level)) == name
        if magic != MAGIC or len(block) != length or not (known or zlib.crc32(block) == checksum):
            return None
        self._latest[file.sample, level] = name
        now = time.time()
        if used < max(BEGAN, now - HOUR):
            with suppress(OSError):  # it may be another user's
                os.utime(path, (now, now))
        return np.frombuffer(block, np.uint8)

    def _drop_former(self, sample: int, level: int, name: bytes) -> None:
        """If this sample's file has changed, delete the block of its former content."""
        if self._latest.get((sample, level), name) != name:
            with self._lock, suppress(KeyError, OSError):
                path = Path(self._path(self._latest.pop((sample, level)), level))
                size = path.stat().st_size
                path.unlink()
                self._held -= size
                self._left += size
                self._until = 0.0
        elif len(self._latest) >= LATEST:
            self._latest.clear()

    def put(self, file: File, level: int, block: Array) -> bool:
        name = self._name(file)
        self._drop_former(file.sample, level, name)
        if block.nbytes >= self._refused and time.monotonic() < self._until:
            return False
        path = Path(self._path(name, level))
        with self._lock:
            try:
                more = HEADER.size + block.nbytes - (path.stat().st_size if path.exists() else 0)
                if not self._make_room(more):
                    return self._refuse(block.nbytes)
                header = HEADER.pack(MAGIC, block.nbytes, zlib.crc32(block.data[:HEAD]), zlib.crc32(block.data))
                _write(self.folder, path, header, block.data)
            except OSError as error:
                self._warn(error)
                return self._refuse(0)
            self.error = ""
            self._held += more
            self._left -= more
            self._latest[file.sample, level] = name
        return True

    def _refuse(self, size: int) -> bool:
        now = time.monotonic()
        self._refused = min(self._refused, size) if now < self._until else size
        self._until = now + MINUTE
        return False

    def _warn(self, error: OSError) -> None:
        self.error = error.strerror or str(error)
        if not self._warned:
            self._warned = True
            warnings.warn(
                f"cache='disk': {self.folder} cannot be written: {self.error}; what it does not hold is decoded in "
                "each epoch. Make room, or name another folder with VARY_CACHE",
                stacklevel=3,
            )

    def _make_room(self, needed: int) -> bool:
        """Delete files that were not used lately, if needed. Returns whether `needed` bytes may be written now.

        All files are measured only now and then, because there may be many; other processes write as well.
        """
        if needed <= self._left:
            return True
        if needed > self.limit:
            return False
        files, spare = list(_files(self.folder)), self.limit // 32
        held = sum(file.size for file in files)
        excess = held + needed - self.limit
        since = max(BEGAN, time.time() - DAY)
        unused = sorted((file for file in files if file.used < since), key=lambda file: file.used)
        if 0 < excess <= sum(file.size for file in unused):
            excess += spare
        else:
            unused = []
        for file in unused:
            if excess > 0:
                with suppress(OSError):
                    file.path.unlink(missing_ok=True)
                    held -= file.size
                    excess -= file.size
        self._note_held(held)
        self._left = min(self.limit - held, spare)
        return held + needed <= self.limit

    def _name(self, file: File) -> bytes:
        from hashlib import blake2b

        return blake2b(repr((*self.setting, file.fingerprint)).encode(), digest_size=16).digest()

    def _path(self, name: bytes, level: int) -> str:
        digits = name.hex()
        return f"{self.folder}/{VERSION}/{digits[:2]}/{digits[2:]}-{level}"

    def __reduce__(self) -> tuple[object, ...]:
        return Disk, (self.folder, self.limit, self.setting)


def _read(path: str, size: int | None = None) -> tuple[bytes, float]:
    """The first bytes of a file, or all, and when it was last used; no bytes if it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            status = os.fstat(descriptor)
            return os.read(descriptor, size or status.st_size), status.st_mtime
        finally:
            os.close(descriptor)
    except OSError:
        return b"", 0.0


def _head(paths: Iterable[str]) -> Array | None:
    """The first bytes of any of these blocks; they have size and orientation of the file, at every level."""
    for path in paths:
        data, _ = _read(path, HEADER.size + HEAD)
        if len(data) == HEADER.size + HEAD:
            magic, _, checksum, _ = HEADER.unpack_from(data)
            if magic == MAGIC and zlib.crc32(data[HEADER.size :]) == checksum:
                return np.frombuffer(data, np.uint8, offset=HEADER.size)
    return None


def _write(folder: Path, path: Path, *parts: bytes | memoryview) -> None:
    """Write a file below the cache folder completely or not at all."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.urandom(8).hex()}.tmp")
    try:
        with unfinished.open("xb") as file:
            for part in parts:
                file.write(part)
        now = time.time()  # the clock of this machine: that of a file server may differ
        os.utime(unfinished, (now, now))
        unfinished.replace(path)
    except BaseException:  # Ctrl-C as well
        with suppress(OSError):
            unfinished.unlink()
        raise


class StoredFile(NamedTuple):
    """A file in a cache folder."""

    path: Path
    size: int
    used: float  # time of the last use


def _files(folder: Path) -> Iterator[StoredFile]:
    """All files of a cache. Unfinished ones of processes that were killed are deleted."""
    for subfolder in _subfolders(folder):
        for file in _matching(subfolder, NAME):
            if file.path.suffix and file.used < time.time() - HOUR:
                with suppress(OSError):
                    file.path.unlink()
                    continue
            yield file


def _subfolders(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError):
        return [path for path in (folder / VERSION).iterdir() if re.fullmatch(SUBFOLDER, path.name)]
    return []


def _matching(folder: Path, names: str) -> Iterator[StoredFile]:
    """The files in this folder with such names. Other processes may delete some meanwhile."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if re.fullmatch(names, entry.name):
                with suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    yield StoredFile(Path(entry.path), status.st_size, status.st_mtime)


def size_of_cache(folder: Path) -> int:
    """Bytes in the cache. If there are many files, an estimate from some sub-folders: files are spread evenly over
    them."""
    files: list[StoredFile] = []
    with suppress(OSError):
        subfolders = _subfolders(folder)
        for number, subfolder in enumerate(subfolders, 1):
            files += _matching(subfolder, NAME)
            if len(files) >= SAMPLE:
                return sum(file.size for file in files) * len(subfolders) // number
    return sum(file.size for file in files)


class DiskCache(NamedTuple):
    """What `cache="disk"` keeps, as `vary.disk_cache` found it."""

    folder: Path
    bytes: int
    files: int
    """Their number: one for each scale (full size, 1/2, 1/4 or 1/8) at which a picture is kept."""
    used: float | None
    """When any of it was last used, in seconds as `time.time()`; None if nothing is kept."""

    @property
    def pairs(self) -> int:
        """The former name of `files`."""
        return self.files

    def clear(self) -> tuple[int, dict[Path, str]]:
        """Delete what vary wrote into the folder, and nothing else. Streams that use it continue.

        Returns the number of bytes that were freed, and the files that could not be deleted, each with the reason.
        """
        freed, left = 0, {}
        for file in _all_files(self.folder):
            try:
                if file.path.suffix == ".tmp":
                    left[file.path] = "a process is writing it"
                else:
                    file.path.unlink()
                    freed += file.size
            except FileNotFoundError:  # another process has deleted it
                continue
            except OSError as error:
                left[file.path] = error.strerror or str(error)
        for empty in (*_subfolders(self.folder), self.folder / VERSION):
            with suppress(OSError):  # it is not empty
                empty.rmdir()
        return freed, left


def disk_cache() -> DiskCache:
    """What `cache="disk"` keeps in this user's cache folder, or $VARY_CACHE: how much, and when it was last used.

    `.clear()` deletes it. `InputError` if the folder cannot be read.
    """
    folder = cache_folder()
    try:
        files = _all_files(folder)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; name another folder with VARY_CACHE") from error
    used = max((file.used for file in files), default=None)
    return DiskCache(folder, bytes=sum(file.size for file in files), files=len(files), used=used)


def _all_files(folder: Path) -> list[StoredFile]:
    return [*_files(folder), *_matching(folder, FORMER)]
