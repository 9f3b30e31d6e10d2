"""Ranges that were read: in memory within a limit, the least recently used goes first; and perhaps in a folder.

The files are in a sub-folder of vary's own, `OWN`, under names of one form; no other file is counted or deleted, so
the folder may hold the user's files. A file's name is the hash of its key, and it holds a check of its contents. It
appears whole, by a rename, so processes may share the folder. A damaged file is deleted, and counts as absent. If a
file cannot be written (a full disk), a warning says so once, and the folder is only read from then on.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from contextlib import suppress
from threading import Lock
from time import time

from vary.errors import warn_caller

__all__ = ["Kept", "kept_of"]

MAGIC = b"vary range 1\r\n\0\0"
OWN = "vary-ranges"
NAME = re.compile(r"[0-9a-f]+\.range(\.[0-9]+-[0-9a-f]{8}\.tmp)?")
ABANDONED = 3600  # seconds after which an unfinished file is that of a process that ended
TARGET = 0.9  # of the limit: what a folder is brought down to


class Kept:
    """folder: the user's, in which `OWN` is made; None: memory alone. most: bytes, in memory and in the folder each."""

    def __init__(self, most: int, folder: str | None) -> None:
        self.most, self.folder = most, None if folder is None else os.path.join(folder, OWN)  # noqa: PTH118
        self.held = 0
        self._entries: OrderedDict[bytes, bytes] = OrderedDict()
        self._lock = Lock()
        self._writes = folder is not None and most > 0
        self._on_disk: int | None = None  # bytes, by the last look, and what was written since

    def get(self, key: bytes) -> bytes | None:
        with self._lock:
            data = self._entries.get(key)
            if data is not None:
                self._entries.move_to_end(key)
                return data
        data = None if self.folder is None else self._loaded(self._path(key))
        if data is not None:
            self._remember(key, data)
        return data

    def put(self, key: bytes, data: bytes) -> None:
        self._remember(key, data)
        if self._writes and len(data) <= self.most:
            try:
                self._save(self._path(key), data)
            except OSError as error:
                self._writes = False
                warn_caller(
                    f"{self.folder}: ranges cannot be kept here: {error.strerror or error}; storage['cache_folder'] is "
                    "only read from now on; free space, or give another folder",
                    UserWarning,
                )

    def _remember(self, key: bytes, data: bytes) -> None:
        if len(data) > self.most:
            return
        with self._lock:
            self.held += len(data) - len(self._entries.pop(key, b""))
            self._entries[key] = data
            while self.held > self.most:
                self.held -= len(self._entries.popitem(last=False)[1])

    def _path(self, key: bytes) -> str:
        return f"{self.folder}/{key.hex()}.range"

    def _loaded(self, path: str) -> bytes | None:
        from hashlib import blake2b

        try:
            with open(path, "rb") as file:  # noqa: PTH123
                found = file.read()
        except OSError:
            return None
        head = len(MAGIC) + 16
        data = found[head:]
        if found[: len(MAGIC)] == MAGIC and blake2b(data, digest_size=16).digest() == found[len(MAGIC) : head]:
            with suppress(OSError):
                os.utime(path)  # used last now
            return data
        with suppress(OSError):
            os.unlink(path)  # noqa: PTH108
        return None

    def _save(self, path: str, data: bytes) -> None:
        from hashlib import blake2b

        assert self.folder is not None
        os.makedirs(self.folder, mode=0o700, exist_ok=True)  # noqa: PTH103
        temporary = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.tmp"
        try:
            with open(temporary, "xb") as file:  # noqa: PTH123
                file.write(MAGIC + blake2b(data, digest_size=16).digest())
                file.write(data)
            os.replace(temporary, path)  # noqa: PTH105
        finally:
            with suppress(OSError):
                os.unlink(temporary)  # noqa: PTH108
        self._on_disk = None if self._on_disk is None else self._on_disk + len(data)
        if self._on_disk is None or self._on_disk > self.most:
            self._shrink()

    def _shrink(self) -> None:
        """Delete those of our files that were used longest ago, until they are within the limit."""
        assert self.folder is not None
        files = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                own = NAME.fullmatch(entry.name)
                with suppress(OSError):  # another process deleted it meanwhile
                    if own is not None and entry.is_file(follow_symlinks=False):
                        status = entry.stat()
                        files.append((status.st_mtime_ns, status.st_size, entry.path, own[1] is not None))
        total = sum(size for _, size, _, _ in files)
        if total > self.most:
            for changed, size, path, unfinished in sorted(files):
                if total <= TARGET * self.most:
                    break
                if unfinished and changed > (time() - ABANDONED) * 1e9:  # of another process, which would lack it
                    continue
                with suppress(OSError):
                    os.unlink(path)  # noqa: PTH108
                total -= size
        self._on_disk = total


_all: dict[tuple[int, str | None], Kept] = {}


def kept_of(most: int, folder: str | None) -> Kept:
    """The cache of this process with this limit and folder."""
    found = _all.get((most, folder))
    return _all.setdefault((most, folder), Kept(most, folder)) if found is None else found


os.register_at_fork(after_in_child=_all.clear)  # a lock in it may be held by a thread that the child does not have
