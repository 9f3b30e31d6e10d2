"""Processes that use one cache, by name: `python cache_child.py write FOLDER`; and what the tests of it share."""

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.random import default_rng  # now: not in a thread while another forks

from vary.streams.cache import pairs
from vary.streams.cache.disk import Disk
from vary.streams.cache.memory import Memory

warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)  # Python 3.12 on; it is the point

LIMIT = 1 << 30
SETTING = (3, "test")
WRITE = pairs._write_all
ONE = 128 + 40  # bytes that each block takes, with its record


def block(number: int) -> np.ndarray:
    """Another content and length for each number; of some, no whole multiple of 64."""
    return default_rng(number).integers(0, 256, 70 + 13 * (number % 5), np.uint8)


def disk(folder: Path | str, limit: int = LIMIT) -> Disk:
    return Disk(Path(folder), limit, SETTING)


def key(number: int) -> tuple[str, int]:
    return f"picture {number}", 1


def put(store: Disk, *numbers: int) -> None:
    for number in numbers:
        store.put(key(number), block(number))


def held(store: Disk, numbers: range) -> list[int]:
    """Which of them it has; each is what was put."""
    found = [(number, store.get(key(number))) for number in numbers]
    for number, seen in found:
        assert seen is None or np.array_equal(seen, block(number)), number
    return [number for number, seen in found if seen is not None]


def files(folder: Path) -> tuple[Path, Path]:
    """Index and blocks of the only pair."""
    (index,), (blocks,) = folder.glob("*.index"), folder.glob("*.blocks")
    return index, blocks


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def in_child(work: Callable[[], None]) -> int:
    """The status with which a forked child ended that did this."""
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            signal.alarm(20)  # a child that hangs is a failure
            work()
            code = 0
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1]


def write(folder: str) -> None:
    """Writes 0 .. 9, then stays, its files open and mapped, until its input ends."""
    store = disk(folder)
    put(store, *range(10))
    assert held(store, range(10)) == list(range(10))
    print("written", flush=True)
    sys.stdin.read()


def endless(folder: str) -> None:
    """Until it is killed."""
    store = disk(folder)
    for number in range(10**9):
        put(store, number)
        print(number, flush=True)


def killed(folder: str) -> None:
    """kill -9 at each byte of what two blocks write. What was whole before is there after, and more can be put."""

    def until(left: int) -> None:
        def some(file: BinaryIO, data: Any) -> None:
            nonlocal left
            WRITE(file, memoryview(data)[:left])
            left -= len(data)
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

        pairs._write_all = some
        put(disk(here), 0, 1)

    one, both = 70 + 58 + 40, 70 + 58 + 40 + 83 + 45 + 40
    for left in range(1, both + 2):
        here = Path(folder) / str(left)
        status = in_child(lambda left=left: until(left))  # type: ignore[misc]
        assert status == (signal.SIGKILL if left <= both else 0), (left, status)
        store = disk(here)
        assert held(store, range(3)) == list(range((left >= one) + (left >= both))), left
        put(store, 0, 1, 2)
        assert held(store, range(3)) == [0, 1, 2], left
        assert held(disk(here), range(3)) == [0, 1, 2], left
    print("done")


def fork_disk(folder: str) -> None:
    """A child writes files of its own, though the lock was held when it was forked, and counts nothing twice."""
    store = disk(folder)
    put(store, 0, 1)

    def child(number: int) -> None:
        assert held(store, range(2)) == [0, 1]
        put(store, number)
        store.refresh()
        assert held(store, range(10))[:2] == [0, 1]
        assert number in held(store, range(10))
        assert store.held == sum(path.stat().st_size for path in Path(folder).iterdir())
        assert len(store._table.records) == number + 1  # none twice

    for number in (2, 3):
        with store._lock:  # by what would be another thread
            assert in_child(lambda number=number: child(number)) == 0  # type: ignore[misc]
    put(store, 4)
    store.refresh()
    assert held(store, range(10)) == held(disk(folder), range(10)) == [0, 1, 2, 3, 4]
    assert len(list(Path(folder).glob("*.index"))) == 3
    print("done")


def fork_threads(folder: str) -> None:
    """Threads of a child put at once, while threads of the parent did."""
    store, stop = disk(folder), threading.Event()

    def work(base: int) -> None:
        for number in range(base, base + 10**9 if base < 1000 else base + 50):
            if stop.is_set():
                return
            put(store, number)

    def child(base: int) -> None:
        threads = [threading.Thread(target=work, args=(base,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert held(store, range(base, base + 50)) == list(range(base, base + 50))

    parents = [threading.Thread(target=work, args=(base,)) for base in (0, 400)]
    for thread in parents:
        thread.start()
    try:
        for base in range(10_000, 10_500, 50):
            assert in_child(lambda base=base: child(base)) == 0  # type: ignore[misc]
    finally:
        stop.set()
        for thread in parents:
            thread.join()
    assert held(disk(folder), range(10_000, 10_500)) == list(range(10_000, 10_500))
    print("done")


def fork_memory(_: str) -> None:
    store = Memory(1000)
    store.put(key(0), block(0))

    def child() -> None:
        store.put(key(1), block(1))
        assert store.held == block(0).nbytes + block(1).nbytes

    with store._lock:
        assert in_child(child) == 0
    assert store.get(key(1)) is None
    print("done")


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
