"""Memory that two processes see: one makes arrays in it, the other executor them on without a copy.

The maker owns it, in buffers of one array each. A buffer that was sent is the reader's until no array, view or DLPack
capsule there holds it any more; then it is used again. Buffers are files without a name:
nothing is left behind, however the processes end.
"""

from __future__ import annotations

import mmap
import os
import sys
import threading
import weakref
from collections import deque
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["SharedBufferPool", "Ref", "SharedView"]

Array = np.ndarray[Any, Any]


class Ref(NamedTuple):
    """Some bytes of a buffer, and the loan under which they are the reader's."""

    buffer: int
    loan: int
    start: int
    length: int


class _Buffer:
    def __init__(self, number: int, size: int) -> None:
        self.number, self.size = number, size
        self.file = -1
        self.file = _unnamed(size)
        self.memory = _mapped(self.file, size)
        self.address = np.frombuffer(self.memory, np.uint8).ctypes.data

    def close(self) -> None:
        """The file alone; the memory goes with the last array in it."""
        if self.file >= 0:
            os.close(self.file)
            self.file = -1

    __del__ = close


def _mapped(file: int, size: int) -> mmap.mmap:
    """Without a descriptor of its own, where Python can do that: many batches may be held."""
    if sys.version_info >= (3, 13):
        return mmap.mmap(file, size, trackfd=False)
    return mmap.mmap(file, size)


def _unnamed(size: int) -> int:
    if hasattr(os, "memfd_create"):
        file = os.memfd_create("vary")
    else:
        import tempfile

        with tempfile.TemporaryFile() as named:
            file = os.dup(named.fileno())
    os.ftruncate(file, size)
    return file


class SharedBufferPool:
    """The maker's side; from any thread. Each use of a buffer is a loan, with a number of its own."""

    def __init__(self, kept: int) -> None:
        """kept: buffers that may lie idle."""
        self._kept = kept
        self._lock = threading.Lock()  # of what follows, `_ended` aside
        self._idle: list[_Buffer] = []  # the last one used at the end
        self._lent: dict[int, _Buffer] = {}
        self._sent: set[int] = set()  # loans, of which the reader says the end
        self._loans = self._made = 0
        self._new: list[_Buffer] = []
        self._known: set[int] = set()
        self._gone: list[int] = []
        self._ended: deque[tuple[int, bool]] = deque()  # (loan, by the reader): finalizers must not wait for a lock

    def empty(self, shape: tuple[int, ...], floats: bool) -> Array:
        """An array with anything in it, like `numpy.empty`."""
        dtype = np.dtype(np.float32 if floats else np.uint8)
        size = prod(shape) * dtype.itemsize
        with self._lock:
            self._settle()
            buffer = self._take(max(size, 1))
            loan, self._loans = self._loans, self._loans + 1
            self._lent[loan] = buffer
        whole = np.frombuffer(buffer.memory, np.uint8)
        weakref.finalize(whole, self._ended.append, (loan, False)).atexit = False
        array: Array = whole[:size].view(dtype).reshape(shape)
        return array

    def _take(self, size: int) -> _Buffer:
        size = -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
        for place in reversed(range(len(self._idle))):
            if size <= self._idle[place].size <= 2 * size:
                return self._idle.pop(place)
        self._made += 1
        return _Buffer(self._made, size)

    def _settle(self) -> None:
        """See which loans have ended. One that was sent ends with the reader's word, be it before the array here."""
        while self._ended:
            loan, by_reader = self._ended.popleft()
            if loan < 0:  # a forked process may see it for as long as it lives
                if buffer := self._lent.pop(~loan, None):
                    self._sent.discard(~loan)
                    self._drop(buffer)
            elif (by_reader or loan not in self._sent) and (buffer := self._lent.pop(loan, None)):
                self._sent.discard(loan)
                self._idle.append(buffer)
        while len(self._idle) > self._kept:
            self._drop(self._idle.pop(0))

    def _drop(self, buffer: _Buffer) -> None:
        if buffer.number in self._known:
            self._known.discard(buffer.number)
            self._gone.append(buffer.number)

    def send(self, raw: memoryview) -> Ref:
        """These bytes as the reader's: where they lie, or copied if they lie in no buffer."""
        bytes_ = np.frombuffer(raw, np.uint8)
        with self._lock:
            ref = self._find(bytes_.ctypes.data, raw.nbytes)
            if ref is not None:
                return ref
        copy = self.empty((raw.nbytes,), floats=False)
        copy[:] = bytes_
        with self._lock:
            ref = self._find(copy.ctypes.data, raw.nbytes)
        assert ref is not None
        return ref

    def _find(self, address: int, length: int) -> Ref | None:
        for loan, buffer in self._lent.items():
            start = address - buffer.address
            if start >= 0 and start + length <= buffer.size:
                self._sent.add(loan)
                if buffer.number not in self._known:
                    self._known.add(buffer.number)
                    self._new.append(buffer)
                return Ref(buffer.number, loan, start, length)
        return None

    def news(self) -> tuple[list[_Buffer], list[int]]:
        """SharedBufferPool that the reader has not seen, and numbers of those it may forget, since the last time."""
        with self._lock:
            found = self._new, self._gone
            self._new, self._gone = [], []
            return found

    def back(self, loans: Iterable[int]) -> None:
        """What the reader gives back."""
        self._ended.extend((loan, True) for loan in loans)


LIVING: weakref.WeakSet[SharedView] = weakref.WeakSet()


def _forked() -> None:
    for seen in list(LIVING):
        seen.forked()


os.register_at_fork(after_in_parent=_forked)


class SharedView:
    """The reader's side; `ended` are the loans to give back, added to from any thread."""

    def __init__(self) -> None:
        self.ended: deque[int] = deque()
        self._memory: dict[int, mmap.mmap] = {}
        self._out: dict[int, int] = {}  # loans -> as what they go back
        LIVING.add(self)

    def forked(self) -> None:
        """What is on loan is seen by another process from now on: it must stay as it is."""
        for loan in list(self._out):
            self._out[loan] = ~loan

    def _back(self, loan: int) -> None:
        self.ended.append(self._out.pop(loan))

    def learn(self, number: int, file: int, size: int) -> None:
        """Take over an open file as a buffer."""
        try:
            self._memory[number] = _mapped(file, size)
        finally:
            os.close(file)

    def forget(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            del self._memory[number]

    def arrays(self, refs: Sequence[Ref]) -> list[Array]:
        """uint8 arrays of these bytes. A loan ends when nothing holds any of its arrays."""
        wholes: dict[int, Array] = {}
        for ref in refs:
            if ref.loan not in wholes:
                whole = wholes[ref.loan] = np.frombuffer(self._memory[ref.buffer], np.uint8)
                self._out[ref.loan] = ref.loan
                weakref.finalize(whole, self._back, ref.loan).atexit = False
        return [wholes[ref.loan][ref.start : ref.start + ref.length] for ref in refs]
