"""Thread pools that make do with the threads that the system gives: at a limit on processes that may be fewer than
asked for, or none."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["AtOnce", "begun"]

T = TypeVar("T")


class AtOnce:
    """A pool without a thread: what is submitted has run when `submit` returns."""

    def submit(self, work: Callable[..., T], *args: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(work(*args))
        except BaseException as error:  # noqa: BLE001  it is the future's
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool) -> None:
        """There is nothing to end."""


def begun(count: int, name: str, enter: Callable[[], None], grace: float) -> ThreadPoolExecutor | AtOnce:
    """A pool of up to `count` threads, all of which run already.

    grace: seconds that they wait for one another.
    """
    while count:
        pool, gate, started = ThreadPoolExecutor(count, name, initializer=enter), threading.Barrier(count), 0
        try:
            for _ in range(count):
                pool.submit(gate.wait, grace)
                started += 1
            return pool
        except RuntimeError:  # no thread to be had: those that began end at once
            gate.abort()
            pool.shutdown(wait=True)
            count = started
        except BaseException:  # Ctrl-C: one that has begun would wait for the others, or for work, and keep the program
            gate.abort()
            pool.shutdown(wait=False)
            raise
    return AtOnce()
