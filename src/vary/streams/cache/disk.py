"""Blocks on disk: written once, mapped into memory, shared by processes and kept for the next one.

Each process that adds anything writes a pair of files of its own (`pairs.py`) and reads everybody's, so nobody waits
for a lock. A block is checked when a process first takes it; one that is damaged counts as absent. Pairs that no living
process uses make room for new ones, those first that were not used for longest.
"""

from __future__ import annotations

import os
import sys
import threading
import warnings
import zlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.errors import InputError
from vary.paths import expanded
from vary.streams.cache.memory import LIVING
from vary.streams.cache.pairs import CHECKED, GONE, NEW, RECORD, Pair, Table, delete, space

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vary.streams.cache.memory import Key

__all__ = ["Disk", "DiskCache", "cache_folder", "disk_cache"]

Array = np.ndarray[Any, Any]
RECENT = 50_000  # records, and a quarter of those in the table: to be sorted in, which keeps that rare


def cache_folder() -> Path:
    """Where this user's caches lie: $VARY_CACHE, or the platform's place for such things."""
    if given := os.environ.get("VARY_CACHE"):
        return Path(expanded(given))
    try:
        home = Path.home()
    except RuntimeError as error:  # a container's user without a name
        raise InputError("cache='disk': this user has no home folder; name a folder with VARY_CACHE") from error
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "vary"
    return Path(expanded(os.environ.get("XDG_CACHE_HOME") or home / ".cache")) / "vary"


class Disk:
    """Blocks below `folder`, `limit` bytes at most; what no longer fits takes the place of pairs not used of late.

    setting: whatever else a block depends on (channels, decoder): part of every key, by its `repr`.
    Pickles as its arguments.
    """

    compact = True

    def __init__(self, folder: Path, limit: int, setting: tuple[Any, ...]) -> None:
        self.folder, self.limit, self.setting = Path(folder).absolute(), limit, setting
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"cache='disk': {folder} cannot be made: {error.strerror}; name another folder with VARY_CACHE"
            ) from error
        self.held = 0
        self._since = 0  # bytes written since `held` was measured
        self._refused = sys.maxsize  # a block of so many bytes found no room; 0 after an error
        self._pairs: list[Pair] = []
        self._table = Table(np.zeros(0, RECORD), np.zeros(0, np.uint8))
        self._recent: dict[bytes, tuple[bytes, int, int, int, int]] = {}  # records of this process, not yet in there
        self._own: Pair | None = None
        self.forked()
        LIVING.add(self)
        self.refresh()

    def forked(self) -> None:
        """What a child must have anew."""
        self._lock = threading.Lock()  # of everything but `get`
        if self._own is not None:
            self._own.close()
            self._own = None

    def refresh(self) -> None:
        """Learn of what other processes have added and deleted."""
        with self._lock, suppress(OSError):  # no such folder any more: nothing to learn
            self._measure()
            known = {pair.index for pair in self._pairs}
            for index in sorted(self.folder.glob("*.index")):
                if index not in known:
                    self._pairs.append(Pair(index, len(self._pairs)))
            self._merge([pair.fresh() for pair in self._pairs])
            self._refused = self._refused and sys.maxsize

    def get(self, key: Key) -> Array | None:
        name = self._name(key)
        block: Array | None
        if own := self._recent.get(name):
            block = self._pairs[own[4]].at(own[1], own[2])
            if block is None:
                self._recent.pop(name, None)
            return block
        table = self._table
        row = table.find(name)
        if row is None:
            return None
        _, place, length, check, number = table.records[row].item()
        block = self._pairs[number].at(place, length)
        if block is None or (table.state[row] == NEW and zlib.crc32(block.data) != check):
            table.state[row] = GONE
            return None
        table.state[row] = CHECKED
        return block

    def put(self, key: Key, block: Array) -> bool:
        if block.nbytes >= self._refused:
            return not self._refused  # an error was told; more room would not help
        name = self._name(key)
        with self._lock:
            if name in self._recent or self._table.find(name) is not None:
                return True
            try:
                if not self._room(space(block)):
                    self._refused = min(self._refused, block.nbytes)
                    return False
                self._write(name, block)
            except OSError as error:
                self._refused = 0
                warnings.warn(f"cache='disk': nothing more is kept in {self.folder}: {error}", stacklevel=2)
        return True

    def _measure(self) -> None:
        """What lies in the folder, by whomever: others write and delete as well."""
        self.held, self._since = sum(found.st_size for _, found in _files(self.folder)), 0
        if self._own is not None and not (self._own.index.exists() and self._own.blocks.exists()):
            self._own = None  # deleted by hand: nobody would see what is added to it

    def _room(self, needed: int) -> bool:
        """Is there room, or can it be made of what nobody uses? Measured now and then: many files may lie there."""
        if needed > self.limit:
            return False
        if self.held + needed <= self.limit and self._since <= self.limit // 64:
            return True
        self._measure()
        if self.held + needed > self.limit:
            for blocks in sorted(self.folder.glob("*.blocks"), key=_age):
                self.held -= delete(blocks)[0]
                if self.held + needed <= self.limit:
                    break
        return self.held + needed <= self.limit

    def _write(self, name: bytes, block: Array) -> None:
        own, self._own = self._own, None  # until all is written: after an interruption a new pair is begun
        if own is None:
            own = Pair.begin(self.folder, len(self._pairs))
            self._pairs.append(own)
        self._recent[name] = own.write(name, block)
        self._own = own
        self.held += space(block)
        self._since += space(block)
        if len(self._recent) > RECENT + len(self._table.state) // 4:
            self._merge([])

    def _merge(self, fresh: list[Array]) -> None:
        more = np.concatenate([np.array(list(self._recent.values()), RECORD), *fresh])
        if len(more):
            self._table = self._table.plus(more)
            self._recent = {}  # in this order: `get` specs here first

    def _name(self, key: Key) -> bytes:
        from hashlib import blake2b

        return blake2b(repr((*self.setting, *key)).encode(), digest_size=16).digest()

    def __reduce__(self) -> tuple[Any, ...]:
        return Disk, (self.folder, self.limit, self.setting)


class DiskCache(NamedTuple):
    """What `cache="disk"` keeps, as `vary.disk_cache` found it."""

    folder: Path
    bytes: int
    pairs: int
    """Of files: one of blocks and its index, for each process that added anything."""
    blocks: int
    used: float | None
    """When any of it was last used, as `time.time()` counts; None where there is none."""

    def clear(self) -> tuple[int, dict[Path, str]]:
        """Delete what no living process uses (this one's streams use theirs until they are gone).

        Gives the bytes that this freed, and the files that had to stay, each with the reason.
        """
        freed, left = 0, {}
        for blocks in sorted(self.folder.glob("*.blocks")):
            more, why = delete(blocks)
            freed += more
            if why:
                left[blocks] = why
        for index in self.folder.glob("*.index"):
            if not index.with_suffix(".blocks").exists():  # deleted by hand
                with suppress(OSError):
                    more = index.stat().st_size
                    index.unlink()
                    freed += more
        return freed, left


def disk_cache() -> DiskCache:
    """What `cache="disk"` keeps in this user's cache folder, or $VARY_CACHE: how much, and when it was last used.

    `.clear()` deletes what no living process uses. `InputError` where the folder cannot be read.
    """
    folder = cache_folder().absolute()
    try:
        files = list(_files(folder))
    except FileNotFoundError:
        files = []
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}; name another folder with VARY_CACHE") from error
    pairs = [found for name, found in files if name.endswith(".blocks")]
    return DiskCache(
        folder,
        bytes=sum(found.st_size for _, found in files),
        pairs=len(pairs),
        blocks=sum(found.st_size // RECORD.itemsize for name, found in files if name.endswith(".index")),
        used=max((found.st_mtime for found in pairs), default=None),
    )


def _files(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Those of pairs: others delete meanwhile, and may keep their own files here."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith((".blocks", ".index")):
                with suppress(FileNotFoundError):
                    yield entry.name, entry.stat()


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
