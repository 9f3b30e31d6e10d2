"""Shared memory: the server makes arrays in it, and the client reads them.

It is one file without a name, so that nothing is left behind, however the processes end:

    | number of buffers | words | offsets | sizes | activity | buffer 0 | buffer 1 | ...

A word says how its buffer is used now: 4 x the number of the use + a state. It is changed only by an atomic
compare-and-exchange. So neither process waits for a lock, and a late change of an earlier use has no effect.
"""

from __future__ import annotations

import errno
import itertools
import mmap
import os
import threading
import weakref
from bisect import bisect, insort
from concurrent.futures import CancelledError
from math import prod
from typing import Any, NamedTuple

import numpy as np

from vary.errors import SourceError
from vary.plan.shared import SharedPart, exchange_word, punch
from vary.sample import Array

__all__ = ["Arena", "BufferPool", "Ref", "unnamed_file"]

FREE, MADE, SENT, HELD = range(4)
"""States of a buffer: not in use; being filled by the server; in a message; in use by the client."""

BUFFERS, ITERATIONS, THREADS = 1 << 16, 256, 256
"""The most for which the header has space. Its unused parts need no memory."""
SMALL, COPIED = 4096, 1 << 16
"""Bytes. Arrays smaller than SMALL are sent in the message itself. Arrays of at least COPIED that are not in a buffer
are copied into one."""
SECTIONS = (1, BUFFERS, BUFFERS, BUFFERS, ITERATIONS * THREADS)  # of the header: number of int64
HEADER = -(-sum(SECTIONS) * 8 // mmap.PAGESIZE) * mmap.PAGESIZE


def unnamed_file() -> int:
    """The descriptor of a new file in memory; if the system has no such files, of a temporary file."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("vary")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Ref(NamedTuple):
    """Some bytes of a buffer, valid for one use of it."""

    buffer: int
    use: int
    start: int
    length: int


class Arena:
    """The file and its header, in either process."""

    def __init__(self, file: int) -> None:
        """file: its descriptor, which this object closes."""
        self.file = file
        weakref.finalize(self, os.close, file)
        os.ftruncate(file, max(HEADER, os.fstat(file).st_size))
        header = np.split(SharedPart(file, 0, HEADER).array.view(np.int64), np.cumsum(SECTIONS))
        self.count, self.words, self.offsets, self.sizes, activity, _ = header
        self.activity = activity.reshape(ITERATIONS, THREADS)
        """A row for each iteration: what each of its threads does now, see `pool.doing`."""
        self._parts: dict[int, SharedPart] = {}  # of the client

    def exchange(self, buffer: int, use: int, expected: int, state: int) -> bool:
        """Change the state of the buffer, if it has this use and the expected state. Returns whether it had."""
        return exchange_word(self.words, buffer, 4 * use + expected, 4 * use + state)

    def arrays(self, refs: list[Ref]) -> list[Array]:
        """The client's uint8 arrays of these bytes. A buffer becomes free when its last array is deleted.

        The client may write to them. A fork turns those in use into private memory of parent and child.
        """
        wholes: dict[int, Array] = {}
        for number, use, _, _ in refs:
            if number not in wholes:
                if not self.exchange(number, use, SENT, HELD):
                    raise CancelledError("this iteration was closed while its batch was read")
                try:
                    wholes[number] = self._held(number, use)
                except BaseException:
                    self.exchange(number, use, HELD, FREE)
                    raise
        return [wholes[number][start : start + length] for number, _, start, length in refs]

    def _held(self, number: int, use: int) -> Array:
        words = self.words, number, 4 * use + HELD, 4 * use + FREE
        part = self._parts.get(number)
        held = None if part is None else part.hold(*words)
        if held is None:  # a fork has made the mapped memory private
            part = self._parts[number] = self.mapped(int(self.offsets[number]), int(self.sizes[number]))
            held = part.hold(*words)
        assert held is not None
        return held

    def mapped(self, offset: int, size: int) -> SharedPart:
        try:
            return SharedPart(self.file, offset, size)
        except OSError as error:
            if error.errno != errno.ENOMEM:
                raise
            cure = "keep copies of batches instead of so many batches, or raise vm.max_map_count"
            raise OSError(error.errno, f"process=True: no memory can be mapped for a batch; {cure}") from error

    def release_memory(self, buffer: int) -> None:
        """Return the memory of a buffer to the system. The buffer remains, and reads as zeros."""
        punch(self.file, int(self.offsets[buffer]), int(self.sizes[buffer]))

    def release_rest(self) -> None:
        """After the server has ended, keep only the memory that the client uses; the file need not stay open for it."""
        for number, word in enumerate(self.words[: self.count[0]].tolist()):
            if word % 4 != HELD and exchange_word(self.words, number, word, word - word % 4 + FREE):
                self.release_memory(number)
        for part in list(self._parts.values()):
            part.detach()


class BufferPool:
    """The server's buffers, for use by any thread. A buffer stays mapped, and has one array at a time."""

    def __init__(self, arena: Arena, kept: int = 0) -> None:
        """kept: free buffers that keep their memory."""
        self._arena, self.kept = arena, kept
        self._lock = threading.Lock()  # guards the attributes below, and changes from the state FREE
        self._uses = itertools.count(1)
        self._memory: list[Array] = []
        self._addresses: list[tuple[int, int]] = []  # and the buffers there, ascending
        self._has_memory = np.zeros(BUFFERS, bool)
        self._end = HEADER

    def empty(self, shape: tuple[int, ...], dtype: str) -> Array:
        """An uninitialised array, like `numpy.empty`. If it is deleted before it is sent, its buffer becomes free."""
        size = prod(shape) * np.dtype(dtype).itemsize
        with self._lock:
            number, use = self._buffer(max(size, 1)), next(self._uses)
            self._arena.words[number] = 4 * use + MADE
        # NumPy makes views refer to the outermost array of its kind: through a memoryview, that is this one.
        memory: Any = self._memory[number]  # Any: to type checkers for Python 3.11, arrays are no buffers
        whole = np.frombuffer(memoryview(memory), np.uint8)
        weakref.finalize(whole, self._arena.exchange, number, use, MADE, FREE).atexit = False
        array: Array = whole[:size].view(dtype).reshape(shape)
        return array

    def _buffer(self, size: int) -> int:
        """A free buffer of at least this size, and at most twice as large; a new one if there is none."""
        free, sizes = self._free(), self._arena.sizes
        fits = free[(sizes[free] >= size) & (sizes[free] <= max(2 * size, mmap.PAGESIZE))]
        if len(fits):  # one with memory, of the best size, used last
            best = int(fits[np.lexsort((-self._arena.words[fits], sizes[fits], ~self._has_memory[fits]))[0]])
        else:
            best = self._new_buffer(-(-size // mmap.PAGESIZE) * mmap.PAGESIZE)
        self._has_memory[best] = True
        return best

    def _free(self) -> Array:
        return np.flatnonzero(self._arena.words[: len(self._memory)] & 3 == FREE)

    def _new_buffer(self, size: int) -> int:
        number = len(self._memory)
        if number == BUFFERS:
            raise SourceError(f"process=True: {BUFFERS} batches or more are held; keep copies of them")
        os.ftruncate(self._arena.file, self._end + size)
        memory = self._arena.mapped(self._end, size).array
        self._arena.offsets[number], self._arena.sizes[number] = self._end, size
        insort(self._addresses, (memory.ctypes.data, number))
        self._memory.append(memory)
        self._arena.count[0] = len(self._memory)
        self._end += size
        return number

    def trim(self) -> None:
        """Return the memory of free buffers to the system, except for `kept` of them. To be called now and then, not
        after each use, because the number of free buffers rises and falls with each batch.
        """
        with self._lock:
            free = self._free()
            idle = free[self._has_memory[free]]
            oldest = idle[np.argsort(self._arena.words[idle])][: max(0, len(idle) - self.kept)]
            for number in oldest.tolist():
                self._arena.release_memory(number)
                self._has_memory[number] = False

    def send(self, raw: memoryview, refs: list[Ref]) -> bool:
        """Add these bytes to the `refs` of a message. False, and no change, if they are to be sent in the message."""
        if raw.nbytes < SMALL:
            return False
        data = np.frombuffer(raw, np.uint8)
        ref = self._ref(data, refs)
        if ref is None and data.size >= COPIED:
            copy = self.empty((data.size,), "uint8")
            copy[:] = data
            ref = self._ref(copy, refs)
        if ref is not None:
            refs.append(ref)
        return ref is not None

    def _ref(self, data: Array, refs: list[Ref]) -> Ref | None:
        """A reference to these bytes, if they are in a buffer that can be sent with this message; else None."""
        address = data.ctypes.data
        with self._lock:
            place = bisect(self._addresses, (address, BUFFERS)) - 1
            start, number = self._addresses[place] if place >= 0 else (0, 0)
        if place < 0 or address + data.nbytes > start + int(self._arena.sizes[number]):
            return None
        use = int(self._arena.words[number]) // 4
        sent = any((ref.buffer, ref.use) == (number, use) for ref in refs)
        if not sent and not self._arena.exchange(number, use, MADE, SENT):
            return None
        return Ref(number, use, address - start, data.nbytes)

    def is_unread(self, refs: list[Ref]) -> bool:
        """Is a message with these references still unread by the client?"""
        return any(self._arena.words[ref.buffer] == 4 * ref.use + SENT for ref in refs)

    def take_back(self, refs: list[Ref]) -> None:
        """Free the buffers of a message that was not read. Those of a message that was read are freed by the client."""
        for number, use, _, _ in refs:
            self._arena.exchange(number, use, SENT, FREE)
