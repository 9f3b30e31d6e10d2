"""The server of `process=True`, started by `client.py`: makes the batches that the client requests.

    main thread                      receives the connection of each new iteration
    two threads for each iteration   one receives positions and submits them to a pool of threads; one sends the
                                     batches, in order

It ends when its control socket is closed, or its parent has ended.
"""

from __future__ import annotations

import os
import pickle
import queue
import select
import socket
import sys
import threading
from collections import deque
from contextlib import suppress
from multiprocessing.connection import Connection
from time import monotonic
from typing import TYPE_CHECKING, Any

from vary.streams.cache.budget import started_by_vary
from vary.streams.workers.pool import WorkerPool
from vary.streams.workers.process.memory import Arena, BufferPool, Ref
from vary.streams.workers.process.messages import PING, load_stream, portable, shut_down

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vary.streams.epochs import Epochs
    from vary.streams.workers.pool import Pending

__all__ = ["run_server"]

WATCH = 1.0  # seconds between two checks that the parent still runs
GRACE = 0.1  # seconds for threads to end, before the process ends without them


def run_server(parent: int, control: int, arena: int, stream: int, arrays: int) -> None:
    """Run until the client has ended or closed the control socket. All arguments but the first are descriptors.

    parent: the process that started this one.
    control: a connected Unix socket, over which connections of iterations come.
    arena: the file in which batches are made.
    stream, arrays: what `write_stream` wrote.
    """
    started_by_vary()
    server = _Server(Arena(arena))
    try:
        server.load(stream, arrays)
    except BaseException as error:  # noqa: BLE001  a user's module may raise anything when it is imported
        server.failed = error
    with socket.socket(fileno=control) as connections:
        server.run(parent, connections)
    if threading.active_count() > 1:  # a thread is in a user's function that does not return
        sys.stdout.flush()
        os._exit(0)


class _Server:
    def __init__(self, arena: Arena) -> None:
        self.arena, self.buffers = arena, BufferPool(arena)
        self.failed: BaseException | None = None
        self._iterations: list[_Iteration] = []

    def load(self, stream: int, arrays: int) -> None:
        self.epochs: Epochs = load_stream(stream, arrays)
        self.buffers.kept = self.epochs.options.prefetch + 2

    def run(self, parent: int, control: socket.socket) -> None:
        poll = select.poll()
        poll.register(control, select.POLLIN)
        while os.getppid() == parent:
            ready = poll.poll(WATCH * 1000)
            self.buffers.trim()
            if not ready:
                continue
            try:
                data, files, *_ = socket.recv_fds(control, 1, 1)
                if data == PING:
                    control.send(PING)
            except ConnectionError:
                break
            if not data:
                break
            if files:  # otherwise no descriptor is left, and the client sees that the connection is closed
                self._begin(Connection(files[0]))
        until = monotonic() + GRACE
        for iteration in self._iterations:
            iteration.end()
        for iteration in self._iterations:
            iteration.join(until)

    def _begin(self, connection: Connection) -> None:
        self._iterations = [one for one in self._iterations if one.is_running]
        try:
            self._iterations.append(_Iteration(self, connection))
        except RuntimeError as error:  # the system allows no more threads
            with suppress(OSError):
                connection.send_bytes(_failed(error))

    def pool(self, epoch: int, row: int) -> WorkerPool:
        """The threads for an iteration of this epoch."""
        if self.failed is not None:
            raise self.failed
        job = self.epochs._job(epoch, self.buffers.empty)
        activity = self.arena.activity[row]
        return WorkerPool(job, activity if WorkerPool.slots(job) <= len(activity) else None)


class _Iteration:
    """One iteration of the client, until the client shuts its connection down."""

    def __init__(self, server: _Server, connection: Connection) -> None:
        self._server, self._connection = server, connection
        self._answers: queue.SimpleQueue[Pending | BaseException | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._send, self._receive)]
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError:  # the system allows no more threads
            self._answers.put(None)
            raise

    @property
    def is_running(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def end(self) -> None:
        shut_down(self._connection)

    def join(self, until: float) -> None:
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))

    def _requests(self) -> Iterator[Any]:  # Any: they were pickled
        with suppress(EOFError, OSError):
            while True:
                yield pickle.loads(self._connection.recv_bytes())

    def _receive(self) -> None:
        requests, pool = self._requests(), None
        try:
            for epoch, row in requests:
                pool = self._server.pool(epoch, row)
                break
            for positions in requests:
                assert pool is not None
                self._answers.put(pool.submit(positions))
        except BaseException as error:  # noqa: BLE001  a user's source may raise anything
            self._answers.put(error)
        finally:
            self._answers.put(None)
            if pool is not None:
                pool.close()

    def _send(self) -> None:
        unread: deque[list[Ref]] = deque()
        while (answer := self._answers.get()) is not None:
            message, refs = self._message(answer)
            del answer  # otherwise its batch would be kept until the next one is made
            unread.append(refs)
            while unread and not self._server.buffers.is_unread(unread[0]):
                unread.popleft()
            with suppress(OSError):  # the client has closed the connection; `_receive` notices it, too
                self._connection.send_bytes(message)
        for refs in unread:
            self._server.buffers.take_back(refs)

    def _message(self, answer: Pending | BaseException) -> tuple[bytes, list[Ref]]:
        """The answer to a request as bytes, and the references to the buffers that are sent with it."""
        buffers, refs = self._server.buffers, list[Ref]()

        def in_band(buffer: pickle.PickleBuffer) -> bool:
            with buffer.raw() as raw:
                return not buffers.send(raw, refs)

        try:
            if isinstance(answer, BaseException):
                raise answer
            data = pickle.dumps(answer.result(), 5, buffer_callback=in_band)
            return pickle.dumps((False, data, [tuple(ref) for ref in refs]), 5), refs
        except BaseException as error:  # noqa: BLE001  a user's function may raise anything, also while it is pickled
            buffers.take_back(refs)
            return _failed(error), []


def _failed(error: BaseException) -> bytes:
    return pickle.dumps((True, portable(error), []), 5)
