"""The files below `disk.py`'s folder, and what they hold, by key.

    <name>.blocks   blocks, each at a multiple of 64 bytes, one behind the other
    <name>.index    for each of them a record: key, place, length, checksum, and a checksum of the record itself

A block is written before its record. A process killed at any moment leaves at worst a block without a record, or a
buffer of a record, which nobody reads. No file is ever cut or written over, so what is mapped stays whole.

Who writes or maps blocks holds a shared flock on them, which ends with the process; `delete` leaves those alone.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import time
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CHECKED", "GONE", "NEW", "RECORD", "Pair", "Table", "delete", "space"]

Array = np.ndarray[Any, Any]
RECORD = np.dtype([("key", "V16"), ("place", "<u8"), ("length", "<u8"), ("check", "<u4"), ("own", "<u4")])
FACTORS = np.array([2 * (0x9E3779B1 * k % 2**31) + 1 for k in range(1, RECORD.itemsize // 4)], np.uint32)
FORMAT = 1  # of records and blocks; records of another are not whole
ALIGN = 64
NEW, CHECKED, GONE = range(3)


def space(block: Array) -> int:
    """Bytes it takes, with its record."""
    return int(block.nbytes + -block.nbytes % ALIGN + RECORD.itemsize)


def sums(records: Array) -> Array:
    """A checksum of each record, its last number aside: told over all of them at once. That of zeros is not 0."""
    words = records.view("<u4").reshape(-1, RECORD.itemsize // 4)[:, :-1]
    told: Array = (words * FACTORS).sum(1, np.uint32) ^ np.uint32(0x7A5700 + FORMAT)
    return told


class Table:
    """Records by key, `own` being the number of their pair: 49 bytes each, in a dictionary 300; there are millions."""

    def __init__(self, records: Array, state: Array) -> None:
        first = records.view("<u8").reshape(-1, RECORD.itemsize // 8)[:, 0]
        order = np.argsort(first, kind="stable")
        self.first, self.records, self.state = first[order], records[order], state[order]

    def plus(self, more: Array) -> Table:
        kept = self.state != GONE
        state = np.concatenate([self.state[kept], np.full(len(more), NEW, np.uint8)])
        return Table(np.concatenate([self.records[kept], more]), state)

    def find(self, name: bytes) -> int | None:
        """Its row; of several the newest, which was written because an older one is damaged."""
        row = int(np.searchsorted(self.first, np.frombuffer(name, "<u8", 1)[0], side="right")) - 1
        if row < 0 or self.state[row] == GONE or self.records["key"][row].tobytes() != name:
            return None
        return row


class Pair:
    """Blocks and index that one process has written, as far as they were read here."""

    def __init__(self, index: Path, number: int) -> None:
        self.index, self.blocks, self.number = index, index.with_suffix(".blocks"), number
        self.read = 0  # records
        self._mapped: mmap.mmap | None = None
        self._writes: tuple[BinaryIO, ...] = ()

    @classmethod
    def begin(cls, folder: Path, number: int) -> Pair:
        """A new one, to be written: names sort by age."""
        pair = cls(folder / f"{time.time_ns():016x}-{os.urandom(16).hex()}.index", number)
        blocks = pair.blocks.open("ab", buffering=0)
        pair._writes = (blocks,)
        _lock(blocks)
        pair._writes = blocks, pair.index.open("ab", buffering=0)
        return pair

    def write(self, name: bytes, block: Array) -> tuple[bytes, int, int, int, int]:
        """Its record, with the pair's number. Where this raises, nothing may be written any more."""
        blocks, index = self._writes
        place, check = blocks.tell(), zlib.crc32(block.data)
        _write_all(blocks, block.data)
        _write_all(blocks, bytes(-block.nbytes % ALIGN))
        record = np.array([(name, place, block.nbytes, check, 0)], RECORD)
        record["own"] = sums(record)
        _write_all(index, record.tobytes())
        self.read += 1
        return name, place, block.nbytes, check, self.number

    def fresh(self) -> Array:
        """Records added since the last time, those aside that are not whole."""
        try:
            found = np.fromfile(self.index, RECORD, offset=self.read * RECORD.itemsize)
        except OSError:  # deleted meanwhile
            return np.zeros(0, RECORD)
        whole = np.flatnonzero(sums(found) == found["own"])
        self.read += int(whole[-1]) + 1 if len(whole) else 0
        found = found[whole]
        found["own"] = self.number
        return found

    def at(self, place: int, length: int) -> Array | None:
        """The block; None where the file is gone or does not reach so far."""
        mapped = self._mapped
        if mapped is None or place + length > len(mapped):
            try:
                with self.blocks.open("rb") as file:
                    _lock(file)  # as long as it is mapped: that holds a copy of the handle
                    mapped = self._mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError):  # ValueError: of no bytes
                return None
            with suppress(OSError):
                os.utime(self.blocks)
        return np.frombuffer(mapped, np.uint8, length, place) if place + length <= len(mapped) else None

    def close(self) -> None:
        for file in self._writes:
            file.close()

    __del__ = close


def delete(blocks: Path) -> tuple[int, str]:
    """The bytes that this made free, and why the pair had to stay: a process uses it, or what the file system says."""
    index = blocks.with_suffix(".index")
    try:
        with blocks.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            freed = blocks.stat().st_size
            with suppress(FileNotFoundError):
                freed += index.stat().st_size
                index.unlink()  # first: blocks without an index are found again, by the next who needs room
            blocks.unlink()
            return freed, ""
    except FileNotFoundError:  # somebody else did
        return 0, ""
    except BlockingIOError:
        return 0, "a living process uses it"
    except OSError as error:
        return 0, error.strerror or str(error)


def _lock(file: BinaryIO) -> None:
    """Until it is closed; where the file system knows no flock, nothing is deleted either."""
    with suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)


def _write_all(file: BinaryIO, data: bytes | memoryview) -> None:
    """An unbuffered file may take less than it is given."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
