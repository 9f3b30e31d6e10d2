"""`process=True`: batches are made in one process beside this one, which has an interpreter lock of its own.

    here    positions, loans that ended  ------ socket ----->  there: a pool of threads, cache, policy, source
            arrays over shared memory  <--- where, labels ---

What runs there is `serve.py`, on a copy of the stream; so its batches are the same. One process serves all iterations
of a stream and keeps what it has decoded between them. It ends when neither stream nor iteration is left, and with this
process.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import weakref
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError, SourceError

Box = list
from vary.streams.workers.process.memory import SharedView
from vary.streams.workers.process.wire import Wire

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from vary.streams.workers.pool import Job

__all__ = ["Line", "Side", "copy_of"]

PATIENCE = 5.0
"""Seconds that the process is given to end by itself; in a user's function or on a slow disk it may not."""

CODE = "import sys; sys.path[:] = {path!r}; from vary.streams.workers.process.server import serve; serve({file})"

Array = np.ndarray[Any, Any]


def copy_of(epochs: object) -> bytes:
    """The pickled stream. What was defined in `__main__`, such as a notebook's functions, takes cloudpickle."""
    cure = 'define it in a module of its own and import it, or install "cloudpickle"'
    try:
        data = pickle.dumps(epochs, 5)
        if b"__main__" not in data:
            return data
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        data, why = b"", f": {error}"
    else:
        why = ", but something in it is defined in __main__, which that process does not run"
    try:
        import cloudpickle
    except ImportError:
        raise InputError(f"process=True gives source and policy to another process{why}; {cure}") from None
    return bytes(cloudpickle.dumps(epochs, 5))


class Reply(Future[Box]):
    """What comes back for some positions. Whoever waits for it reads all that comes until then."""

    def __init__(self, side: Side, ticket: int) -> None:
        super().__init__()
        self.ticket = ticket
        self._side = side

    def result(self, timeout: float | None = None) -> Box:
        while not self.done():
            self._side.read(self)
        try:
            return super().result(timeout)
        finally:
            del self  # or an error, this frame in its traceback and this reply would hold each other


class Side:
    """The process, from here: begun when it is made. For consumers in any thread."""

    def __init__(self, data: bytes) -> None:
        """data: what `copy_of` gave."""
        import socket
        import subprocess

        self.pid = os.getpid()
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with there:
            code = CODE.format(path=list(map(str, sys.path)), file=there.fileno())
            command = [sys.executable, "-c", code]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[there.fileno()])
        self._wire = Wire(here)
        self._reading, self._writing = threading.Lock(), threading.Lock()
        self._seen = SharedView()
        self._waiting: dict[int, Reply] = {}
        self._tickets = 0
        self._dropped: deque[int] = deque()
        self._lost: Exception | None = None
        self._end = weakref.finalize(self, _end, self.pid, self._wire, self._process)
        with suppress(OSError):  # told with the first batch
            self._wire.send_bytes(data)

    def ask(self, job: Job, positions: Array) -> Reply:
        """Have a batch made."""
        with self._writing:
            try:
                ticket, self._tickets = self._tickets, self._tickets + 1
                reply = self._waiting[ticket] = Reply(self, ticket)
                told = ([some.popleft() for _ in range(len(some))] for some in (self._seen.ended, self._dropped))
                with suppress(OSError):  # told where the reply is read
                    self._wire.send((ticket, job.epoch, positions, *told))
            except BaseException:  # Ctrl-C, perhaps within a message
                self._fail(SourceError("process=True: the other process was not told all"))
                self._end()
                raise
        return reply

    def forget(self, ticket: int) -> None:
        """Nobody wants it any more. Told with the next request: a finalizer, which this may be, must not write."""
        if self._waiting.pop(ticket, None) is not None:
            self._dropped.append(ticket)

    def awaits(self, ticket: int) -> bool:
        """Is it still to come?"""
        return ticket in self._waiting

    def read(self, reply: Reply) -> None:
        """Take in the next message, unless `reply` has come meanwhile."""
        with self._reading:
            if reply.done():
                return
            if self._lost is not None:
                reply.set_exception(self._lost)
                return
            self._wire.wait()  # here, not within a message, does Ctrl-C arrive nearly always
            try:
                self._take_in()
            except EOFError:
                self._fail(self._death())
            except BaseException:
                self._fail(SourceError("process=True: what the other process sent was not read to its end"))
                self._end()
                raise

    def _take_in(self) -> None:
        (ticket, error, data, refs, new, gone), files = self._wire.receive()
        for (number, size), file in zip(new, files, strict=True):
            self._seen.learn(number, file, size)
        arrays = self._seen.arrays(refs)
        self._seen.forget(gone)
        if ticket is None:
            self._fail(error)
        reply = self._waiting.pop(ticket, None)
        if reply is None:
            return  # of an iteration that has ended: with the arrays, the loans go back
        if error is not None:
            reply.set_exception(error)
        else:
            reply.set_result([pickle.loads(data, buffers=arrays)])

    def _fail(self, error: Exception) -> None:
        self._lost = error
        while self._waiting:
            with suppress(KeyError):
                self._waiting.popitem()[1].set_exception(error)

    def _death(self) -> SourceError:
        try:
            code = self._process.wait(PATIENCE)
        except Exception:  # noqa: BLE001  whatever it is, it is gone
            code = 0
        how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        cure = "memory may have run out: see the system's log" if code == -9 else "it may have said why on stderr"
        return SourceError(f"process=True: the process that makes the batches ended {how}; {cure}")

    @property
    def is_alive(self) -> bool:
        """Can it be asked, from this process?"""
        return self.pid == os.getpid() and self._lost is None and self._end.alive and self._process.poll() is None

    def close(self) -> None:
        """End the process."""
        self._end()


def _end(pid: int, wire: Wire, process: subprocess.Popen[bytes]) -> None:
    """Closing the socket is the word, whatever forked child holds a copy. In such a child nothing is said."""
    if pid != os.getpid():
        wire.close()
        return
    wire.shut()
    try:
        process.wait(PATIENCE)
    except Exception:  # noqa: BLE001  it must not stay, whatever keeps it or interrupts here
        process.kill()
        process.wait()


class Line:
    """A pool over there: what one iteration has asked for."""

    def __init__(self, side: Side) -> None:
        self.pid = side.pid
        self._side = side
        self._asked: list[int] = []  # tickets: a reply would hold its batch

    def submit(self, job: Job, positions: Array) -> Reply:
        self._asked = [ticket for ticket in self._asked if self._side.awaits(ticket)]
        reply = self._side.ask(job, positions)
        self._asked.append(reply.ticket)
        return reply

    def retire(self, futures: Sequence[Future[Box]]) -> None:
        """It makes them without being asked again, and has no threads to end."""

    def end(self) -> None:
        if self.pid == os.getpid():
            for ticket in self._asked:
                self._side.forget(ticket)
            self._asked = []


Process, pickled = Side, copy_of
