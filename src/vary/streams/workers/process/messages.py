"""Pickles between client and server: the stream, which is sent once, and errors.

Arrays of the stream are not in its pickle, but in a second file in memory, as [length][bytes] for each. The server maps
that file. So each process has an array in memory only once, at every moment.
"""

from __future__ import annotations

import mmap
import os
import pickle
import struct
import traceback
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from vary.errors import InputError, VaryError
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

__all__ = ["PING", "load_stream", "portable", "shut_down", "write_stream"]

PING = b"p"
"""The server's main thread answers with the same byte."""
SMALL = 4096  # bytes; arrays of fewer are in the pickle
CHUNK, ALIGNED = 8 << 20, 64  # bytes that are copied at once; each array begins at a multiple of ALIGNED bytes
LENGTH = struct.Struct(f"<q{ALIGNED - 8}x")


def write_stream(epochs: object, stream: int, arrays: int) -> None:
    """Write the pickle and the arrays into two files, given by their descriptors.

    Functions and classes of `__main__`, such as a notebook's, need cloudpickle: `InputError` without it.
    """
    try:
        return _write(epochs, stream, arrays, pickle.Pickler)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        why = error
    try:
        import cloudpickle
    except ImportError:
        raise InputError(
            f"process=True gives source and policy to another process: {why}; "
            'define it in a module of its own and import it, or install "cloudpickle"'
        ) from None
    return _write(epochs, stream, arrays, cloudpickle.Pickler)


def _write(epochs: object, stream: int, arrays: int, base: type[pickle.Pickler]) -> None:
    for file in (stream, arrays):
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
    with open(stream, "wb", closefd=False) as pickled, open(arrays, "wb", closefd=False) as beside:
        pickler = _pickler(base, pickled, beside)
        try:
            pickler.dump(epochs)
        finally:
            pickler.clear_memo()  # the pickler is part of a reference cycle, and would keep the stream alive
        beside.write(LENGTH.pack(0))  # because an empty file cannot be mapped


def _pickler(
    base: Any, pickled: BinaryIO, beside: BinaryIO
) -> pickle.Pickler:  # Any: it is a base class, in a variable
    class Pickler(base):  # type: ignore[misc]
        """Writes arrays into the second file, also those that NumPy would copy first; refuses objects of `__main__`
        if plain pickle is used, because the server would not find them."""

        def __init__(self) -> None:
            super().__init__(pickled, 5, buffer_callback=self.write_beside)
            self.rows: Array | None = None  # an array that NumPy would copy, until `write_beside` writes it

        def reducer_override(self, value: object) -> object:
            if base is pickle.Pickler and getattr(value, "__module__", None) == "__main__":
                name = getattr(value, "__qualname__", value)
                raise pickle.PicklingError(f"{name} is defined in __main__, which that process does not run")
            if type(value) is np.ndarray and value.nbytes >= SMALL and not (value.flags.forc or value.dtype.hasobject):
                axes = sorted(range(value.ndim), key=lambda axis: -abs(value.strides[axis]))
                self.rows = value.transpose(axes)
                return _array, (pickle.PickleBuffer(bytearray()), value.dtype, self.rows.shape, axes)
            return super().reducer_override(value) if hasattr(super(), "reducer_override") else NotImplemented

        def write_beside(self, buffer: pickle.PickleBuffer) -> bool:
            rows, self.rows = self.rows, None
            with buffer.raw() as raw:
                size = raw.nbytes if rows is None else rows.nbytes
                if size < SMALL:
                    return True
                beside.write(LENGTH.pack(size))
                beside.writelines([raw] if rows is None else _chunks(rows))
                beside.write(bytes(-size % ALIGNED))
            return False

    made: pickle.Pickler = Pickler()
    return made


def _chunks(rows: Array) -> Iterator[Any]:  # Any: to type checkers for Python 3.11, arrays are no buffers
    """The bytes of an array, in copies of a few at a time."""
    step = max(1, CHUNK * len(rows) // rows.nbytes)
    for first in range(0, len(rows), step):
        yield np.ascontiguousarray(rows[first : first + step])


def _array(buffer: memoryview, dtype: np.dtype, shape: tuple[int, ...], axes: list[int]) -> Array:
    return np.frombuffer(buffer, dtype).reshape(shape).transpose(np.argsort(axes))


def load_stream(stream: int, arrays: int) -> Any:  # Any: it was pickled
    """What `write_stream` was given. Closes the files."""
    with os.fdopen(arrays, "rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)

    def buffers() -> Iterator[memoryview]:
        start = 0
        while True:
            (size,) = LENGTH.unpack_from(memory, start)
            start += ALIGNED
            yield memoryview(memory)[start : start + size]
            start += size + -size % ALIGNED

    with os.fdopen(stream, "rb") as file:
        file.seek(0)
        return pickle.load(file, buffers=buffers())


def portable(error: BaseException) -> bytes:
    """The error as a pickle that the other process can raise, with its traceback, unless it is one of vary's own."""
    with suppress(Exception):
        if not isinstance(error, VaryError):
            error.add_note("In the other process:\n" + "".join(traceback.format_exception(error)))
    for dumps in (pickle.dumps, _dumped_by_value):  # the latter for a class of the user's script
        with suppress(Exception):
            data = dumps(error)
            copy = pickle.loads(data)
            if isinstance(copy, Exception) and not isinstance(copy, StopIteration) and str(copy) == str(error):
                return data
    try:
        text = str(error)
    except Exception:  # noqa: BLE001  a user's class may raise anything
        text = "it cannot say what"
    other = RuntimeError(f"{type(error).__name__}: {text}")
    for note in getattr(error, "__notes__", []):
        other.add_note(note)
    return pickle.dumps(other)


def _dumped_by_value(error: BaseException) -> bytes:
    import cloudpickle

    return bytes(cloudpickle.dumps(error))


def shut_down(connection: Connection) -> None:
    """Shut a connection down at both ends, even if a forked process has a copy. Its descriptor stays open."""
    import socket

    whole = socket.socket(fileno=connection.fileno())
    try:
        with suppress(OSError):
            whole.shutdown(socket.SHUT_RDWR)
    finally:
        whole.detach()
