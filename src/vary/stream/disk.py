"""Blocks on disk: written once, mapped into memory, shared by processes and kept for the next one.

    FOLDER/<name>.blocks   blocks, each at a multiple of 64 bytes, one behind the other
    FOLDER/<name>.index    for each of them a record: key, place, length, checksum, and a checksum of the record itself

Each process that adds anything writes a pair of files of its own and reads everybody's, so nobody waits for a lock. A
block is written before its record. A process killed at any moment leaves at worst a block without a record, or a piece
of a record, which nobody reads. A block is checked when a process first takes it; one that is damaged counts as absent.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
import warnings
import zlib
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from uuid import uuid4

import numpy as np

from vary.errors import InputError

if TYPE_CHECKING:
    from vary.stream.cache import Key

__all__ = ["Disk", "cache_folder"]

Array = np.ndarray[Any, Any]
RECORD = np.dtype([("key", "V16"), ("place", "<u8"), ("length", "<u8"), ("check", "<u4"), ("own", "<u4")])
FACTORS = np.array([2 * (0x9E3779B1 * k % 2**31) + 1 for k in range(1, RECORD.itemsize // 4)], np.uint32)
ALIGN = 64


def cache_folder() -> Path:
    """Where this user's caches lie: $VARY_CACHE, or the platform's place for such things."""
    if given := os.environ.get("VARY_CACHE"):
        return Path(given)
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "vary"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "vary"


def _sums(records: Array) -> Array:
    """A checksum of each record, its last number aside: told over all of them at once."""
    words = np.frombuffer(records.tobytes(), "<u4").reshape(-1, RECORD.itemsize // 4)[:, :-1]
    sums: Array = (words * FACTORS).sum(1, np.uint32)
    return sums


class Pair:
    """One process' blocks and their index, as far as they were read."""

    def __init__(self, index: Path) -> None:
        self.index = index
        self.read = 0  # records
        self.bytes = 0
        self.used = False  # by this process
        self._blocks: mmap.mmap | None = None

    def fresh(self) -> Array:
        """Records that were added since the last time, up to the first that is not whole."""
        try:
            found = np.fromfile(self.index, RECORD, offset=self.read * RECORD.itemsize)
        except OSError:  # deleted meanwhile
            found = np.zeros(0, RECORD)
        wrong = np.flatnonzero(_sums(found) != found["own"])
        found = found[: wrong[0]] if len(wrong) else found
        self.read += len(found)
        self.bytes += int(found["length"].sum())
        return found

    def at(self, place: int, length: int) -> Array | None:
        """The block; None where the file is gone or does not reach so far."""
        if self._blocks is None or place + length > len(self._blocks):
            try:
                with self.index.with_suffix(".blocks").open("rb") as file:
                    self._blocks = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError):  # ValueError: of no bytes
                return None
        return np.frombuffer(self._blocks, np.uint8, length, place) if place + length <= len(self._blocks) else None

    def delete(self) -> None:
        """Processes that have it mapped keep what they have."""
        for path in (self.index, self.index.with_suffix(".blocks")):
            path.unlink(missing_ok=True)


class Disk:
    """Blocks below `folder`, `limit` bytes at most; what no longer fits takes the place of pairs not used of late.

    setting: whatever else a block depends on (channels, decoder): part of every key. Pickles as its arguments.
    """

    compact = True

    def __init__(self, folder: Path, limit: int, setting: tuple[Any, ...]) -> None:
        self.folder, self.limit, self.setting = Path(folder), limit, setting
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cache='disk': {folder} cannot be made: {error.strerror}; name another folder with VARY_CACHE"
            ) from error
        self._pairs: dict[str, Pair] = {}
        self._known: dict[bytes, tuple[Pair, int, int, int]] = {}
        self._checked: set[bytes] = set()
        self._begin()
        self.refresh()

    def _begin(self) -> None:
        """What a forked child must have anew."""
        self._pid = os.getpid()
        self._lock = threading.Lock()  # of writing
        self._own: tuple[Pair, BinaryIO, BinaryIO] | None = None
        self._full = False

    @property
    def held(self) -> int:
        return sum(pair.bytes for pair in list(self._pairs.values()))

    def refresh(self) -> None:
        """Learn of what other processes have added."""
        for index in sorted(self.folder.glob("*.index")):
            pair = self._pairs.setdefault(index.name, Pair(index))
            if self._own is None or pair is not self._own[0]:
                for key, place, length, check, _ in pair.fresh().tolist():
                    self._known.setdefault(key, (pair, place, length, check))

    def get(self, key: Key) -> Array | None:
        name = self._name(key)
        found = self._known.get(name)
        if found is None:
            return None
        pair, place, length, check = found
        block = pair.at(place, length)
        if block is None or (name not in self._checked and zlib.crc32(block.data) != check):
            self._known.pop(name, None)
            return None
        self._checked.add(name)
        if not pair.used:
            pair.used = True
            with suppress(OSError):
                os.utime(pair.index)
        return block

    def put(self, key: Key, block: Array) -> None:
        name = self._name(key)
        if self._pid != os.getpid():
            self._begin()
        with self._lock:
            if self._full or name in self._known:
                return
            try:
                self._full = not self._room(block.nbytes)
                if not self._full:
                    self._known[name] = self._write(name, block)
                    self._checked.add(name)
            except OSError as error:
                self._full = True
                warnings.warn(f"cache='disk': nothing more is kept in {self.folder}: {error}", stacklevel=2)

    def _room(self, needed: int) -> bool:
        """Make room, by the pairs that were used longest ago, and never by this process."""
        while self.held + needed > self.limit:
            idle = [pair for pair in self._pairs.values() if not pair.used and pair.index.exists()]
            if not idle:
                return False
            oldest = min(idle, key=lambda pair: pair.index.stat().st_mtime)
            oldest.delete()
            del self._pairs[oldest.index.name]
            self._known = {name: found for name, found in self._known.items() if found[0] is not oldest}
        return True

    def _write(self, name: bytes, block: Array) -> tuple[Pair, int, int, int]:
        if self._own is None:
            index = self.folder / f"{uuid4().hex}.index"
            pair = self._pairs[index.name] = Pair(index)
            pair.used = True
            self._own = pair, index.with_suffix(".blocks").open("ab", buffering=0), index.open("ab", buffering=0)
        pair, blocks, index_file = self._own
        place, check = blocks.tell(), zlib.crc32(block.data)
        _write_all(blocks, block.tobytes() + bytes(-block.nbytes % ALIGN))
        record = np.array([(name, place, block.nbytes, check, 0)], RECORD)
        record["own"] = _sums(record)
        _write_all(index_file, record.tobytes())
        pair.bytes += block.nbytes
        return pair, place, block.nbytes, check

    def _name(self, key: Key) -> bytes:
        return blake2b(repr((*self.setting, *key)).encode(), digest_size=16).digest()

    def __reduce__(self) -> tuple[Any, ...]:
        return Disk, (self.folder, self.limit, self.setting)


def _write_all(file: BinaryIO, data: bytes) -> None:
    """An unbuffered file may take less than it is given."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
