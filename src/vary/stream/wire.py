"""Messages between two processes of one machine, open files among them."""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket as sockets
    from collections.abc import Sequence

__all__ = ["Wire"]

HEAD = struct.Struct("<QB")  # bytes of the message, number of files


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
        if files:
            socket.send_fds(self.socket, [b"f"], [*files])

    def receive(self) -> tuple[Any, list[int]]:
        """The next message and its files; `EOFError` where the other end is closed."""
        import socket

        size, count = HEAD.unpack(self._exactly(HEAD.size))
        data = self._exactly(size)
        files = list(socket.recv_fds(self.socket, 1, count)[1]) if count else []
        if len(files) != count:
            raise EOFError
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

    def close(self) -> None:
        self.socket.close()
