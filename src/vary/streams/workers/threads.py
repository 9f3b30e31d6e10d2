"""Daemon threads, whose work does not delay the end of the program, and a lock that is free in a forked child."""

from __future__ import annotations

import os
import threading
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from vary.plan.machine import BatchThreads

__all__ = ["DaemonThreads", "ForkLock", "in_a_thread"]

T = TypeVar("T")
Task = tuple["Future[Any]", "Callable[..., Any]", tuple[object, ...]]  # Any: each has a result of its own kind


class DaemonThreads:
    """Up to `count` threads, all started at once. If the system allows none, `submit` does the work itself.

    They end when nothing refers to this object any more, even if Ctrl-C came before `stop` or within it.

    `concurrent.futures.ThreadPoolExecutor` is not used, because it starts threads later, and joins them when the
    interpreter ends.
    """

    _is_stopped, _pid = False, -1

    def __init__(
        self, count: int, name: str, enter: Callable[[int], None], helping: BatchThreads | None = None
    ) -> None:
        """enter: called first in each thread, with the thread's number; the threads keep it, so it must not refer to
        the owner of this object. helping: threads that wait for a task help the native calls of the others."""
        self._tasks: SimpleQueue[Task | None] = SimpleQueue()
        self._helping = helping
        self._threads: list[threading.Thread] = []
        self._pid = os.getpid()
        try:
            for number in range(count):
                thread = threading.Thread(
                    target=_work, args=(self._tasks, enter, number, helping), name=f"{name}-{number}", daemon=True
                )
                thread.start()
                self._threads.append(thread)
        except RuntimeError:  # the system allows no more threads
            pass
        except BaseException:  # Ctrl-C, perhaps after a thread has been started, but before it is in the list
            self._put(None)
            self.stop()
            raise

    def submit(self, work: Callable[..., T], *args: object) -> Future[T]:
        future: Future[T] = Future()
        if self._threads:
            self._put((future, work, args))
        else:
            _do(future, work, args)
        return future

    def stop(self) -> None:
        """Make the threads end after the work that was submitted."""
        for _ in self._threads:
            self._put(None)
        self._is_stopped = True

    def _put(self, task: Task | None) -> None:
        if self._helping is not None:  # first: after Ctrl-C between the two, a task without it would wait for ever
            self._helping.submit()
        self._tasks.put(task)

    def __del__(self) -> None:
        if not self._is_stopped and self._pid == os.getpid():
            self.stop()

    def join(self, until: float) -> None:
        """Wait for their end, at most until this time of `time.monotonic`."""
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))


def _work(
    tasks: SimpleQueue[Task | None], enter: Callable[[int], None], number: int, helping: BatchThreads | None
) -> None:
    enter(number)
    while True:
        if helping is not None:
            helping.await_batch()
        task = tasks.get()
        if task is None:
            return
        _do(*task)
        del task  # while the thread waits, it must not hold the result, which is large


def _do(future: Future[T], work: Callable[..., T], args: tuple[object, ...]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work(*args)
    except BaseException as error:  # noqa: BLE001  it is raised by `Future.result`
        with suppress(InvalidStateError):  # cancelled meanwhile
            future.set_exception(error)
    else:
        with suppress(InvalidStateError):
            future.set_result(result)
    finally:
        del future  # otherwise the error and this frame would form a reference cycle


def in_a_thread(work: Callable[[], T], name: str) -> Future[T]:
    """Begin this work in a daemon thread of its own."""
    thread = DaemonThreads(1, name, lambda _: None)
    future = thread.submit(work)
    thread.stop()
    return future


class ForkLock:
    """A reentrant lock that is free in a forked child and in a pickled copy, even if a thread held it at that time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        LOCKS.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        with suppress(RuntimeError):  # this is a forked child, in which the lock was replaced meanwhile
            self._lock.release()

    def __reduce__(self) -> tuple[type[ForkLock], tuple[()]]:
        return ForkLock, ()


def _forked() -> None:
    for lock in list(LOCKS):
        lock._lock = threading.RLock()


LOCKS: WeakSet[ForkLock] = WeakSet()
os.register_at_fork(after_in_child=_forked)
