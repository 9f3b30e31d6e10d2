"""Memory that two processes see: the server makes arrays in it, the client reads them there.

It is one file without a name, so that nothing is left behind, however the processes end:

    | number of buffers | words | offsets | sizes | activity | buffer 0 | buffer 1 | ...

A word says how its buffer is used now: 4 x the number of the use + a state. It is changed only by an atomic exchange of
what is expected there, so neither process waits for a lock, and what comes late changes nothing.
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

__all__ = ["Arena", "BufferPool", "Ref", "unnamed_file"]

FREE, MADE, SENT, HELD = range(4)
"""States of a buffer: used by nobody; being filled by the server; in a message; mapped by the client."""

BUFFERS, ITERATIONS, THREADS = 1 << 16, 256, 256
"""The most that there is room for in the header. Parts that are not used need no memory."""
SMALL, COPIED = 4096, 1 << 16
"""Bytes: arrays of fewer are in the message itself; of so many, those that are in no buffer are copied into one."""
ROOMS = (1, BUFFERS, BUFFERS, BUFFERS, ITERATIONS * THREADS)
HEADER = -(-sum(ROOMS) * 8 // mmap.PAGESIZE) * mmap.PAGESIZE

Array = np.ndarray[Any, Any]


def unnamed_file() -> int:
    """The descriptor of a new file in memory, or where the system has none such, of a temporary one."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("vary")
    import tempfile

    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class Ref(NamedTuple):
    """Some bytes of a buffer, for one use of it."""

    buffer: int
    use: int
    start: int
    length: int


class Arena:
    """The file and its header, in either process."""

    def __init__(self, file: int) -> None:
        """file: its descriptor, which is this object's to close."""
        self.file = file
        weakref.finalize(self, os.close, file)
        os.ftruncate(file, max(HEADER, os.fstat(file).st_size))
        header = np.split(SharedPart(file, 0, HEADER).array.view(np.int64), np.cumsum(ROOMS))
        self.count, self.words, self.offsets, self.sizes, activity, _ = header
        self.activity = activity.reshape(ITERATIONS, THREADS)
        """A row for each iteration: what each of its threads does, see `pool.doing`."""
        self._parts: dict[int, SharedPart] = {}  # of the client

    def exchange(self, buffer: int, use: int, expected: int, state: int) -> bool:
        """Another state for this use of the buffer, unless it is not in the expected one."""
        return exchange_word(self.words, buffer, 4 * use + expected, 4 * use + state)

    def arrays(self, refs: list[Ref]) -> list[Array]:
        """The client's uint8 arrays of these bytes. With the last array in a buffer, that becomes free.

        They are the client's to write to. A fork makes those in use private memory of parent and child.
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
        if held is None:  # a fork has made what was mapped private
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
        """Give the memory of a buffer back to the system. It stays, and reads as zeros."""
        punch(self.file, int(self.offsets[buffer]), int(self.sizes[buffer]))

    def release_rest(self) -> None:
        """Of a server that is gone, keep only the memory of what is held, for which the file need not stay open."""
        for number, word in enumerate(self.words[: self.count[0]].tolist()):
            if word % 4 != HELD and exchange_word(self.words, number, word, word - word % 4 + FREE):
                self.release_memory(number)
        for part in list(self._parts.values()):
            part.detach()


class BufferPool:
    """The server's buffers; from any thread. A buffer is mapped for good, and holds one array at a time."""

    def __init__(self, arena: Arena, kept: int = 0) -> None:
        """kept: free buffers that keep their memory."""
        self._arena, self.kept = arena, kept
        self._lock = threading.Lock()  # of what follows, and of a change from FREE
        self._uses = itertools.count(1)
        self._memory: list[Array] = []
        self._addresses: list[tuple[int, int]] = []  # and the buffers there, ascending
        self._has_memory = np.zeros(BUFFERS, bool)
        self._end = HEADER

    def empty(self, shape: tuple[int, ...], dtype: str) -> Array:
        """An array with anything in it, like `numpy.empty`. Unless it is sent, its buffer becomes free with it."""
        size = prod(shape) * np.dtype(dtype).itemsize
        with self._lock:
            number, use = self._buffer(max(size, 1)), next(self._uses)
            self._arena.words[number] = 4 * use + MADE
        # NumPy makes views refer to the outermost array of its kind: through a memoryview, that is this one.
        memory: Any = self._memory[number]
        whole = np.frombuffer(memoryview(memory), np.uint8)
        weakref.finalize(whole, self._arena.exchange, number, use, MADE, FREE).atexit = False
        array: Array = whole[:size].view(dtype).reshape(shape)
        return array

    def _buffer(self, size: int) -> int:
        """A free buffer of at least this size, and not twice as large; a new one if there is none."""
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
        """Let only as many free buffers as are to be kept have memory; to be called now and then.

        After each use would be too often: their number rises and falls with each batch.
        """
        with self._lock:
            free = self._free()
            idle = free[self._has_memory[free]]
            oldest = idle[np.argsort(self._arena.words[idle])][: max(0, len(idle) - self.kept)]
            for number in oldest.tolist():
                self._arena.release_memory(number)
                self._has_memory[number] = False

    def send(self, raw: memoryview, refs: list[Ref]) -> bool:
        """Add these bytes to the `refs` of a message. False, and nothing, if they had better be in it."""
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
        """Where these bytes are, in a buffer that goes with this message and no other."""
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
        """Has the client not begun to read a message with these?"""
        return any(self._arena.words[ref.buffer] == 4 * ref.use + SENT for ref in refs)

    def take_back(self, refs: list[Ref]) -> None:
        """Free the buffers of a message that nobody read. Those of one that was read are the client's to free."""
        for number, use, _, _ in refs:
            self._arena.exchange(number, use, SENT, FREE)
