"""The client of `process=True`: starts a second process, the server, which makes the batches.

    client                           one socket for each iteration            server
    positions of the next batches  ------------------------------------>  one pool of threads for each iteration
    arrays over shared memory      <--- labels, places in the memory ---   cache, policy, source

`server.py` works on a copy of the stream, so its batches are the same. One server makes the batches of all iterations
of a stream, and keeps its cache between them. It ends when neither the stream nor an iteration is left, or when this
process ends. The client has no threads: a consumer that waits for a batch reads the socket.
"""

from __future__ import annotations

import errno
import itertools
import os
import pickle
import struct
import sys
import weakref
from collections import deque
from concurrent.futures import CancelledError
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from vary.errors import SourceError, StreamTimeoutError
from vary.sample import Array
from vary.streams.workers.pool import IDLE, doing, end_at_exit
from vary.streams.workers.process.memory import ITERATIONS, Arena, unnamed_file
from vary.streams.workers.process.messages import PING, shut_down, write_stream

if TYPE_CHECKING:
    import socket as sockets
    import subprocess
    from collections.abc import Iterator
    from multiprocessing.connection import Connection

    from vary.streams.batch import Made
    from vary.streams.batches.job import EpochJob
    from vary.streams.epochs import Epochs

__all__ = ["Process"]

PATIENCE = 0.4
"""Seconds for the server to end by itself, before it is killed."""
WATCH = 1.0  # seconds between two checks that the server still runs, while a consumer waits for a batch

CODE = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.path[:] = {path!r}; "
    "from vary.streams.workers.process.server import run_server; run_server{arguments}"
)
"""The server ignores Ctrl-C, because the client closes the socket then."""


class Process:
    """The server, started by the constructor. Consumers in any thread may use it."""

    def __init__(self, epochs: Epochs) -> None:
        """epochs: the stream whose batches it makes."""
        self.pid = os.getpid()
        self.timeout: float | None = epochs.options.timeout
        self.part = epochs.options.part
        self.has_answered = False
        self._rows = itertools.count()
        with _limit_named(), ExitStack() as closed, ExitStack() as closed_on_failure:
            import socket
            import subprocess

            files = []
            for _ in range(2):
                files.append(unnamed_file())
                closed.callback(os.close, files[-1])
            write_stream(epochs, *files)
            self._control, there = socket.socketpair()
            closed_on_failure.enter_context(self._control)
            closed.enter_context(there)
            self.arena = Arena(unnamed_file())
            passed = (there.fileno(), self.arena.file, *files)
            code = CODE.format(path=list(map(str, sys.path)), arguments=(self.pid, *passed))
            command = [sys.executable, "-c", code]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=passed)
            closed_on_failure.pop_all()
        self._end = weakref.finalize(self, _end, self.pid, self._control, self._process, self.arena)
        self._end.atexit = False  # all processes end at once: see `pool`
        end_at_exit(self)

    @property
    def process_id(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Can this process use it? A server that does not answer counts as alive: it may be stopped, or busy."""
        import select
        import socket

        if self.pid != os.getpid() or not self._end.alive or self._process.poll() is not None:
            return False
        if not self.has_answered:  # it was started just now
            return True
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        with suppress(ConnectionError):
            while poll.poll(0):  # an answer that came too late
                if not self._control.recv(64):
                    return False
            self._control.send(PING)
            # A server that was killed just now may still seem to run, but the socket is closed.
            return not poll.poll(WATCH * 1000) or bool(self._control.recv(64, socket.MSG_DONTWAIT))
        return False

    def workers(self, job: EpochJob) -> ProcessWorkers:
        """The workers for an iteration of this epoch, with a connection of their own."""
        with _limit_named():
            import socket

            here, there = socket.socketpair()
            with there, suppress(ConnectionError):  # raised where the first batch is awaited
                socket.send_fds(self._control, [b"i"], [there.fileno()])
            return ProcessWorkers(self, here, job, next(self._rows) % ITERATIONS)

    def ending(self) -> SourceError | None:
        """The error if the server has ended; None while it runs."""
        code = self._process.poll()
        if code is None:
            return None
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        cure = "memory may have run out: see the system's log" if code == -9 else "it may have said why on stderr"
        return SourceError(f"process=True: the process that makes the batches ended {how}; {cure}")

    def lost_connection(self) -> SourceError:
        """The error if a connection was closed at its other end."""
        with suppress(Exception):
            self._process.wait(WATCH)
        return self.ending() or SourceError(
            "process=True: the process that makes the batches had no file descriptor left for an iteration; "
            "raise the limit (ulimit -n)"
        )

    @property
    def is_stopped(self) -> bool:
        """Has a signal stopped it?"""
        try:
            return Path(f"/proc/{self.process_id}/stat").read_text().rpartition(") ")[2][0] in "tT"
        except OSError:
            return False

    def stop(self) -> None:
        """Make the server end by itself."""
        _stop(self._control)

    def close(self, grace: float = PATIENCE) -> None:
        """End the server: by itself within `grace` seconds, else it is killed."""
        if self._end.detach() is not None:
            _end(self.pid, self._control, self._process, self.arena, grace)


def _stop(control: sockets.socket) -> None:
    """Shut the socket down, which ends the server, even if a forked child has a copy of the socket."""
    import socket

    with suppress(OSError):
        control.shutdown(socket.SHUT_RDWR)


def _end(
    pid: int, control: sockets.socket, process: subprocess.Popen[bytes], arena: Arena, grace: float = PATIENCE
) -> None:
    """In a forked child nothing ends."""
    if pid == os.getpid():
        _stop(control)
        try:
            process.wait(grace)
        except BaseException as error:  # it must end, even if it hangs, or Ctrl-C interrupts the waiting
            process.kill()
            process.wait()
            if not isinstance(error, Exception):
                raise
        finally:
            arena.release_rest()
            control.close()
        return
    control.close()


@contextmanager
def _limit_named() -> Iterator[None]:
    """Makes errors of missing file descriptors name the limit."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.EMFILE, errno.ENFILE):
            raise
        cure = "raise the limit (ulimit -n), or close streams that you do not use"
        raise OSError(error.errno, f"process=True: no file descriptor is left; {cure}") from error


class ProcessWorkers:
    """`Workers` in the server: one connection to it. For one thread at a time, except `close`.

    After an error or Ctrl-C, which may interrupt a message, it can only be closed.
    """

    def __init__(self, process: Process, socket: sockets.socket, job: EpochJob, row: int) -> None:
        """row: in `Arena.activity`."""
        import select
        from multiprocessing.connection import Connection

        self.pid, self._job = process.pid, job
        self._activity = process.arena.activity[row]
        self._process: Process | None = process
        self._waiting: deque[_Answer] = deque()  # answers come in the order of the requests
        if process.timeout is not None:
            _limit_waiting(socket, process.timeout)
        self._activity[:] = IDLE
        self._poll = select.poll()  # unlike `select.select`, it allows descriptors above 1023
        self._poll.register(socket, select.POLLIN)
        self._connection: Connection | None = Connection(socket.detach())
        self._send((job.epoch, row))

    def submit(self, positions: Array) -> _Answer:
        """Have the batches at these positions made."""
        pending = _Answer(self)
        self._waiting.append(pending)
        self._send(positions)
        return pending

    def _send(self, message: object) -> None:
        connection = self._connection
        if connection is None:  # closed by another thread, as it may be at any time
            raise _closed()
        try:
            with suppress(ConnectionError):  # raised by `receive`
                connection.send_bytes(pickle.dumps(message, 5))
        except BlockingIOError:
            raise StreamTimeoutError(f"positions were not read within timeout= seconds: {self.stuck()}") from None

    def receive(self, until: float | None) -> None:
        """Read the next answer, which belongs to the oldest request. until: a time of `monotonic`."""
        connection, process = self._connection, self._process
        if connection is None or process is None:
            raise _closed()
        self._wait(process, until)
        try:
            message = connection.recv_bytes()
        except BlockingIOError:
            raise TimeoutError from None
        except (EOFError, OSError):
            if self._connection is None:  # by another thread
                raise _closed() from None
            raise process.lost_connection() from None
        self._waiting.popleft().answer = message
        process.has_answered = True

    def _wait(self, process: Process, until: float | None) -> None:
        """Wait until there is something to read. So Ctrl-C rarely interrupts a message."""
        while True:
            left = WATCH if until is None else min(WATCH, max(0.0, until - monotonic()))
            if self._poll.poll(left * 1000):
                return
            if error := process.ending():  # checked, because a child of the server may keep the socket open
                raise error
            if until is not None and monotonic() >= until:
                raise TimeoutError

    def made(self, answer: bytes) -> list[Made]:
        """The batches of an answer; raises the error of one that is an error."""
        process = self._process
        if process is None:
            raise _closed()
        is_error, data, refs = pickle.loads(answer)
        if is_error:
            raise pickle.loads(data)
        made: list[Made] = pickle.loads(data, buffers=process.arena.arrays(refs))
        return made

    def stuck(self) -> str:
        process = self._process
        if process is None:
            return "it was closed"
        name = f"the process that makes the batches (pid {process.process_id})"
        if process.is_stopped:
            return f"{name} is stopped; `kill -CONT {process.process_id}` lets it go on"
        if not process.has_answered:
            return f"{name} is still importing and loading what it was given"
        return f"{name}: {doing(self._activity, self._job)}"

    def close(self, grace: float = 0.0) -> None:  # noqa: ARG002  there is nothing to wait for
        """End the iteration in the server. May be called from any thread or in a finalizer.

        The descriptor is closed when nothing refers to it any more: another thread may be reading.
        """
        connection, self._connection, self._process = self._connection, None, None
        self._waiting.clear()
        if connection is not None and self.pid == os.getpid():
            shut_down(connection)


def _limit_waiting(socket: sockets.socket, seconds: float) -> None:
    """Limit each read and write of the socket, also within a message; they then raise BlockingIOError."""
    import socket as sockets

    limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6) or 1)
    for option in (sockets.SO_RCVTIMEO, sockets.SO_SNDTIMEO):
        socket.setsockopt(sockets.SOL_SOCKET, option, limit)


def _closed() -> CancelledError:
    return CancelledError("this iteration is closed")


class _Answer:
    """Batches that are being made."""

    def __init__(self, workers: ProcessWorkers) -> None:
        self.answer: bytes | None = None
        self._workers = workers

    def done(self) -> bool:
        """Has the answer come? If so, a TimeoutError of `result` is a user's."""
        return self.answer is not None

    def result(self, timeout: float | None = None) -> list[Made]:
        """The batches, or the error of making them; `TimeoutError` if they do not come within `timeout` seconds."""
        until = None if timeout is None else monotonic() + timeout
        while self.answer is None:
            self._workers.receive(until)
        return self._workers.made(self.answer)
