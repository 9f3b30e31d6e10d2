"""The other end of `side.py`: makes the batches that are asked for, in a process of its own, until it hears no more."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from vary.errors import VaryError
from vary.streams.batch import Made
from vary.streams.cache.budget import started_by_vary
from vary.streams.report import Work
from vary.streams.workers.pool import Threads
from vary.streams.workers.process.memory import SharedBufferPool
from vary.streams.workers.process.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from vary.streams.batches.task import Executor
    from vary.streams.epochs import Epochs
    from vary.streams.workers.pool import Box, Job

__all__ = ["serve"]

APART = 4096  # bytes of an array that goes through shared memory; smaller ones are in the message
WATCH = 1.0  # seconds until it specs whether its parent is still there


def serve(file: int) -> None:
    """file: the descriptor of a connected Unix socket, over which the stream comes, and then the requests."""
    import socket

    started_by_vary()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who closes the socket
    wire = Wire(socket.socket(fileno=file))
    with suppress(EOFError, OSError):
        try:
            epochs, _ = wire.receive()
        except EOFError:
            raise
        except BaseException as error:  # noqa: BLE001  whatever a user's module raises when it is imported
            wire.send((None, _portable(error), b"", [], [], []))
            return
        _Server(wire, epochs).run()
    if threading.active_count() > 1:  # in a user's function that does not return; nobody waits for it
        sys.stdout.flush()
        os._exit(0)


class _Server:
    def __init__(self, wire: Wire, epochs: Epochs) -> None:
        self._wire, self._epochs = wire, epochs
        self._crew = Threads(epochs.options.makers, epochs.options.each)
        self._pieces = SharedBufferPool(kept=epochs.options.prefetch + 2)
        self._futures: dict[int, Future[Box]] = {}
        self._unwanted: set[int] = set()  # tickets of batches in work
        self._jobs: dict[int, Job] = {}
        self._sending = threading.Lock()

    def run(self) -> None:
        parent = os.getppid()
        try:
            while True:
                while not self._wire.wait(WATCH):
                    if os.getppid() != parent:
                        return
                (ticket, epoch, positions, loans, dropped), _ = self._wire.receive()
                self._pieces.back(loans)
                for number in dropped:
                    if (future := self._futures.get(number)) and not future.cancel():
                        self._unwanted.add(number)
                self._make(ticket, epoch, positions)
        finally:
            self._crew.end()

    def _make(self, ticket: int, epoch: int, positions: Any) -> None:
        if epoch not in self._jobs:
            while len(self._jobs) > 1:  # this one and the one before are under way, hardly more
                self._jobs.pop(next(iter(self._jobs)))
            self._epochs.refresh()
            self._jobs[epoch] = self._epochs.job(epoch, self._pieces.empty)
        self._futures = {number: future for number, future in self._futures.items() if not future.done()}
        self._unwanted &= self._futures.keys()
        job = _Answered(self._jobs[epoch], partial(self._send, ticket), lambda: ticket in self._unwanted)
        self._futures[ticket] = self._crew.submit(job, positions)

    def _send(self, ticket: int, made: Made | None = None, error: BaseException | None = None) -> None:
        apart: list[pickle.PickleBuffer] = []

        def in_band(buffer: pickle.PickleBuffer) -> bool:
            if small := buffer.raw().nbytes < APART:
                return small
            apart.append(buffer)
            return False

        told = None if error is None else _portable(error)
        data = b"" if made is None else pickle.dumps(made, 5, buffer_callback=in_band)
        refs = [self._pieces.send(buffer.raw()) for buffer in apart]
        with self._sending, suppress(OSError):  # nobody is there any more: `run` will see it, too
            new, gone = self._pieces.news()
            known = [(buffer.number, buffer.size) for buffer in new]
            message = ticket, told, data, refs, known, gone
            self._wire.send(message, [buffer.file for buffer in new])
            for buffer in new:
                buffer.close()  # it stays mapped


class _Answered:
    """A job whose makers tell what they made; never who reads requests: he must go on reading while they wait."""

    def __init__(self, job: Job, send: Callable[..., None], unwanted: Callable[[], bool]) -> None:
        self.job, self._send, self._unwanted = job, send, unwanted

    def make(self, positions: Any, executor: Executor) -> Made:
        try:
            self._send(self.job.make(positions, _Listening(executor, self._unwanted)))
        except BaseException as error:  # noqa: BLE001  whatever a user's function raised, or cannot be pickled
            self._send(error=error)
        return Made(None, Work())  # it is over there


class _Listening:
    """Executor that also hear when the request is dropped."""

    def __init__(self, executor: Executor, dropped: Callable[[], bool]) -> None:
        self._hands, self._dropped = executor, dropped
        self.spread = executor.spread

    def check(self) -> None:
        self._hands.check()
        if self._dropped():
            raise CancelledError


class _Packed:
    """An error that is pickled already: what holds it is unpickled with the error in its place."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def __reduce__(self) -> tuple[Any, ...]:
        return pickle.loads, (self._data,)


def _by_value(error: BaseException) -> bytes:
    import cloudpickle

    return bytes(cloudpickle.dumps(error))


def _portable(error: BaseException) -> Exception | _Packed:
    """The error as the other process can raise it; with the traceback from here, if it is not for the user."""
    with suppress(Exception):
        if not isinstance(error, VaryError):
            error.add_note("In the other process:\n" + "".join(traceback.format_exception(error)))
    for dumps in (pickle.dumps, _by_value):  # of a class that was defined in the user's script, the latter
        with suppress(Exception):
            data = dumps(error)
            copy = pickle.loads(data)
            if isinstance(copy, Exception) and str(copy) == str(error):
                return _Packed(data)
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  it is for the user to see, whatever it says
        said = "it cannot say what"
    other = RuntimeError(f"{type(error).__name__}: {said}")
    for note in getattr(error, "__notes__", []):
        other.add_note(note)
    return other
