"""Processes that use one cache, by name: `python cache_child.py write FOLDER`; and what the tests of it share."""

import os
import resource
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import default_rng  # now: not in a thread while another forks

from vary.streams.cache.disk import HEADER, Disk
from vary.streams.cache.memory import File, Memory

warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)  # Python 3.12 on; it is the point

LIMIT = 1 << 30
SETTING = (3, "test")
SIZE = 200  # bytes of a block
ONE = SIZE + HEADER.size  # bytes that it takes on disk


def block(number: int) -> np.ndarray:
    """Another content for each number."""
    return default_rng(number).integers(0, 256, SIZE, np.uint8)


def disk(folder: Path | str, limit: int = LIMIT) -> Disk:
    return Disk(Path(folder), limit, SETTING)


def file(number: int) -> File:
    return File(number, ("picture", number))


def put(store: Disk, *numbers: int) -> None:
    for number in numbers:
        store.put(file(number), 1, block(number))


def held(store: Disk | Memory, numbers: range) -> list[int]:
    """Which of them it has; each is what was put."""
    found = [(number, store.get(file(number), 1)) for number in numbers]
    for number, seen in found:
        assert seen is None or np.array_equal(seen, block(number)), number
    return [number for number, seen in found if seen is not None]


def files(folder: Path) -> list[Path]:
    """All of them, those that are not finished included."""
    return [path for path in folder.rglob("*") if path.is_file()]


def path_of(folder: Path, number: int, level: int = 1) -> Path:
    store = disk(folder)
    return Path(store._path(store._name(file(number)), level))


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in files(folder))


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


def endless(folder: str) -> None:
    """Until it is killed."""
    store = disk(folder)
    for number in range(10**9):
        put(store, number)
        print(number, flush=True)


def again(folder: str) -> None:
    """The same blocks over and over, until its input ends."""
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    store = disk(folder)
    print("begun", flush=True)
    while True:
        put(store, *range(5))


def killed(folder: str) -> None:
    """Killed at each byte that is written, and around each step. What was whole is there after, and more can be put."""

    def at_byte(left: int) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # the system kills who writes beyond
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (left, left))
        put(disk(here), 1)

    def at_step(owner: Any, name: str, before: bool) -> None:
        step = getattr(owner, name)

        def done(*args: Any, **options: Any) -> None:
            if not before:
                step(*args, **options)
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(owner, name, done)
        put(disk(here), 1)

    def check(work: Callable[[], None], sign: int, there: bool) -> None:
        nonlocal here
        here = Path(folder) / f"{len(list(Path(folder).iterdir()))}"
        put(disk(here), 0)
        assert in_child(work) == sign
        assert held(disk(here), range(3)) == ([0, 1] if there else [0])
        put(disk(here), 1, 2)
        assert held(disk(here), range(3)) == [0, 1, 2]

    here = Path(folder)
    for left in range(ONE + 1):
        check(lambda left=left: at_byte(left), signal.SIGXFSZ if left < ONE else 0, left == ONE)  # type: ignore[misc]
    for owner, name in ((Path, "mkdir"), (Path, "open"), (os, "utime"), (Path, "replace")):
        for before in (True, False):
            there = name == "replace" and not before
            check(lambda *all_: at_step(owner, name, before), signal.SIGKILL, there)  # noqa: B023  called at once
    print("done")


def full(folder: str) -> None:
    """What fits on the disk is kept, what does not is counted; what was there stays."""
    store = disk(folder)
    with warnings.catch_warnings(record=True) as reported:
        warnings.simplefilter("always")
        large = np.zeros(100_000, np.uint8)
        results = [store.put(file(number), 1, large) for number in range(20)]
    kept = results.count(True)
    assert results == [True] * kept + [False] * (20 - kept)
    assert 5 < kept < 11
    (one,) = reported
    assert "No space left" in str(one.message)
    assert [store.get(file(number), 1) is not None for number in range(20)] == results
    assert not [path for path in files(Path(folder)) if path.suffix]
    assert Path(folder).stat().st_mode & 0o777 == 0o700
    print("done")


def fork_disk(folder: str) -> None:
    """A child puts and gets, though the lock was held when it was forked."""
    store = disk(folder)
    put(store, 0, 1)

    def child(number: int) -> None:
        assert held(store, range(2)) == [0, 1]
        put(store, number)
        assert number in held(store, range(10))

    for number in (2, 3):
        with store._lock:  # by what would be another thread
            assert in_child(lambda number=number: child(number)) == 0  # type: ignore[misc]
    put(store, 4)
    assert held(store, range(10)) == held(disk(folder), range(10)) == [0, 1, 2, 3, 4]
    print("done")


def fork_threads(folder: str) -> None:
    """Threads of a child put at once, while threads of the parent did."""
    store, stop = disk(folder), threading.Event()

    def work(base: int) -> None:
        for number in range(base, base + 10**9 if base < 1000 else base + 20):
            if stop.is_set():
                return
            put(store, number)

    def child(base: int) -> None:
        threads = [threading.Thread(target=work, args=(base,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert held(store, range(base, base + 20)) == list(range(base, base + 20))

    parents = [threading.Thread(target=work, args=(base,)) for base in (0, 400)]
    for thread in parents:
        thread.start()
    try:
        for base in range(10_000, 10_200, 20):
            assert in_child(lambda base=base: child(base)) == 0  # type: ignore[misc]
    finally:
        stop.set()
        for thread in parents:
            thread.join()
    assert held(disk(folder), range(10_000, 10_200)) == list(range(10_000, 10_200))
    print("done")


def fork_memory(_: str) -> None:
    store = Memory(1000)
    store.put(file(0), 1, block(0))

    def child() -> None:
        store.put(file(1), 1, block(1))
        assert store.held == 2 * SIZE
        assert Memory().limit > 0

    with store._budget.lock:
        assert in_child(child) == 0
    assert store.get(file(1), 1) is None
    print("done")


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
