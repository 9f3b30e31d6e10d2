"""Thread pools that also work if the system gives fewer threads than asked for, or none, as at a limit on processes."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["InlinePool", "started_pool"]

T = TypeVar("T")


class InlinePool:
    """An executor without threads: `submit` runs the work before it returns."""

    def submit(self, work: Callable[..., T], *args: Any) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(work(*args))
        except BaseException as error:  # noqa: BLE001  it is the future's
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool) -> None:
        """There is nothing to end."""


def started_pool(count: int, name: str, enter: Callable[[], None], grace: float) -> ThreadPoolExecutor | InlinePool:
    """A pool of up to `count` threads, all started already; an `InlinePool` if the system gives none.

    grace: seconds that each waits for all to be started.
    """
    while count:
        pool, gate, started = ThreadPoolExecutor(count, name, initializer=enter), threading.Barrier(count), 0
        try:
            for _ in range(count):
                pool.submit(gate.wait, grace)
                started += 1
            return pool
        except RuntimeError:  # the system gives no more threads: end those that started, and try with their number
            gate.abort()
            pool.shutdown(wait=True)
            count = started
        except BaseException:  # Ctrl-C: threads that wait for the others, or for work, would keep the program alive
            gate.abort()
            pool.shutdown(wait=False)
            raise
    return InlinePool()
