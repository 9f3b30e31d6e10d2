"""Messages between two processes of one machine, open files among them."""

from __future__ import annotations

import errno
import pickle
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket as sockets
    from collections.abc import Sequence

__all__ = ["Wire"]

HEAD = struct.Struct("<QL")  # bytes of the message, number of files
AT_ONCE = 100  # files; the system takes no more than 253


class Wire:
    """One end of a connected Unix socket. Each direction is for one thread at a time."""

    def __init__(self, socket: sockets.socket) -> None:
        self.socket = socket

    def send(self, message: object, files: Sequence[int] = ()) -> None:
        """`files` are descriptors; they stay open here. `OSError` where nobody is at the other end."""
        self.send_bytes(pickle.dumps(message, 5), files)

    def send_bytes(self, data: bytes, files: Sequence[int] = ()) -> None:
        """A message that is pickled already."""
        import socket

        self.socket.sendall(HEAD.pack(len(data), len(files)))
        self.socket.sendall(data)
        for first in range(0, len(files), AT_ONCE):
            socket.send_fds(self.socket, [b"f"], [*files[first : first + AT_ONCE]])

    def receive(self) -> tuple[Any, list[int]]:
        """The next message and its files; `EOFError` where the other end is closed."""
        import socket

        size, count = HEAD.unpack(self._exactly(HEAD.size))
        data = self._exactly(size)
        files: list[int] = []
        while len(files) < count:
            found = socket.recv_fds(self.socket, 1, AT_ONCE)[1]
            if not found:
                raise OSError(errno.EMFILE, "no descriptor is left for what came: raise the limit (ulimit -n)")
            files += found
        return pickle.loads(data), files

    def _exactly(self, size: int) -> bytearray:
        data = bytearray(size)
        left = memoryview(data)
        while left:
            try:
                got = self.socket.recv_into(left)
            except ConnectionError as error:  # closed there with something unread
                raise EOFError from error
            if not got:
                raise EOFError
            left = left[got:]
        return data

    def wait(self, seconds: float | None = None) -> bool:
        """Is there something to receive? None: as long as it takes."""
        import select

        poll = select.poll()  # of any number, unlike select
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(None if seconds is None else seconds * 1000))

    def shut(self) -> None:
        """Close it at both ends, copies of it in forked processes too."""
        import socket

        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.close()

    def close(self) -> None:
        self.socket.close()
