"""However an iteration ends, no thread and no file handle of it are left, and nothing hangs. conftest.py checks this
after each test."""

import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from vary.policy import Policy
from vary.sources import Arrays, Item
from vary.streams import Stream, stream
from vary.streams.workers.pool import WorkerPool
from vary.transforms import Lambda

CHILD = Path(__file__).with_name("child.py")
SOON = 60.0


EARLIER: set[threading.Thread] = set()
"""Threads that were there before this test: another test of the process may have left an iteration open."""


@pytest.fixture(autouse=True)
def _of_this_test() -> None:
    EARLIER.clear()
    EARLIER.update(threading.enumerate())


def ours() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("vary-") and one not in EARLIER]


def handles() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH112, PTH208


def collect() -> None:
    """Collect until no thread of ours is left; once is not enough where a thread is at it already."""
    until = time.monotonic() + SOON
    while ours() and time.monotonic() < until:
        gc.collect()
        time.sleep(0.001)
    assert not ours()


def end_by_themselves() -> None:
    until = time.monotonic() + SOON
    while ours() and time.monotonic() < until:
        time.sleep(0.001)
    assert not ours()


def test_cancelled_batches_end_between_user_functions(images: np.ndarray) -> None:
    began, go_on = threading.Event(), threading.Event()
    called: list[int] = []

    def slow(image: np.ndarray) -> np.ndarray:
        called.append(1)
        began.set()
        assert go_on.wait(SOON)
        return image

    batches = iter(stream(images, Policy([Lambda(slow)]), batch_size=8))
    assert began.wait(SOON)
    assert isinstance(batches._workers, WorkerPool)
    stop = batches._workers._stop
    waiting = threading.Thread(target=lambda: stop.wait(SOON) and go_on.set())
    waiting.start()
    batches.close()
    waiting.join()
    end_by_themselves()
    assert len(called) <= 2, "one a maker, and not the seven others"


def exhausted(train: Stream) -> None:
    for place, _ in enumerate(train, 1):
        assert ours() or place == len(train)
    end_by_themselves()


def counted(train: Stream) -> None:
    batches = iter(train)
    for _ in range(len(train)):
        next(batches)
    end_by_themselves()
    assert next(batches, None) is None


def broken_off(train: Stream) -> None:
    for _ in train:
        break


def failed(train: Stream) -> None:
    def consume() -> None:
        for _ in train:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        consume()


def dropped_unused(train: Stream) -> None:
    iter(train)


def closed(train: Stream) -> None:
    batches = iter(train)
    next(batches)
    batches.close()
    assert not ours()
    batches.close()
    assert next(batches, None) is None


def left_to_the_collector(train: Stream) -> None:
    cycle: list[object] = [iter(train)]
    next(cycle[0])  # type: ignore[call-overload]
    cycle.append(cycle)
    del cycle
    assert ours(), "nothing but the collector could know"
    collect()


def wrapped_in_generators(train: Stream) -> None:
    def inner() -> Iterator[object]:
        yield from train

    for _ in zip(inner(), range(2), strict=False):
        pass


@pytest.mark.parametrize(
    "end",
    [exhausted, counted, broken_off, failed, dropped_unused, closed, left_to_the_collector, wrapped_in_generators],
)
@pytest.mark.parametrize("prefetch", [0, 2, 6])
def test_every_end_is_clean(folder: Path, policy: Policy, end: Callable[[Stream], None], prefetch: int) -> None:
    train = stream(folder, policy, batch_size=5, threads=3, prefetch=prefetch)
    broken_off(train)  # what a first use opens for good
    gc.collect()  # what other tests left to the collector
    before = handles()
    end(train)
    assert not ours()
    assert handles() == before
    assert len(list(train)) == 5


@pytest.mark.parametrize("drop_last", [True, False])
def test_an_iteration_without_a_batch_is_closed(numbered: np.ndarray, drop_last: bool) -> None:
    train = stream(numbered, Policy([]), batch_size=3, drop_last=drop_last)
    batches = iter(train)
    for _ in range(2):
        next(batches)
    state = train.state_dict()
    batches.close()
    rest = stream(numbered, Policy([]), batch_size=5, drop_last=True)  # of which there are none left
    rest.load_state_dict(state)
    batches = iter(rest)
    assert (list(batches), len(batches)) == ([], 0)
    assert not ours()
    assert rest.state_dict()["epoch"] == 1
    assert len(list(rest)) == 2


def test_batches_that_were_not_begun_are_not_made(numbered: np.ndarray) -> None:
    begun: list[int] = []
    entered, release = threading.Event(), threading.Event()

    def slow(image: np.ndarray) -> np.ndarray:
        begun.append(int(image[0, 0, 0]))
        entered.set()
        assert release.wait(SOON)
        return image

    batches = iter(stream(numbered, Policy([Lambda(slow)]), shuffle=False, batch_size=1, prefetch=8))
    assert entered.wait(SOON)
    threading.Timer(0.05, release.set).start()
    batches.close()
    assert not ours()
    assert len(begun) <= 2, "the other six were only planned"


def test_an_end_does_not_read_on(numbered: np.ndarray) -> None:
    entered, release, asked = threading.Event(), threading.Event(), []

    class Slow(Arrays):
        def __getitem__(self, index: int) -> Item:
            if asked or index:
                asked.append(index)
                entered.set()
                assert release.wait(SOON)
            return super().__getitem__(index)

    train = stream(Slow(numbered), Policy([]), batch_size=5)
    batches = iter(train)
    assert entered.wait(SOON)
    threading.Timer(0.05, release.set).start()
    batches.close()
    assert len(asked) <= 2, "of ten"


def test_workers_may_collect_another_iteration_and_its_own(numbered: np.ndarray) -> None:
    cycles: list[object] = []

    def collects(image: np.ndarray) -> np.ndarray:
        cycles.clear()
        gc.collect()
        return image

    train = stream(numbered, Policy([Lambda(collects)]), batch_size=1)
    gc.collect()
    gc.freeze()  # what was there before is not looked through each time
    try:
        for _ in range(20):
            cycle: list[object] = [iter(train)]
            cycle.append(cycle)
            cycles.append(cycle)
            del cycle
            list(train)
        cycle = [iter(train)]
        cycle.append(cycle)
        del cycle  # its own makers may be the ones who find it
        collect()
    finally:
        gc.unfreeze()


def test_the_folder_is_left_as_it_was(folder: Path, policy: Policy) -> None:
    def state() -> list[tuple[str, int, int, bytes]]:
        paths = sorted(folder.rglob("*"))
        return [(str(p), p.stat().st_mtime_ns, p.stat().st_mode, p.read_bytes() if p.is_file() else b"") for p in paths]

    for path in (folder / "cat", folder / "dog", folder):
        path.chmod(0o555)
    before = state()
    assert len(list(stream(folder, policy))) == 1
    assert state() == before
    for path in (folder / "cat", folder / "dog", folder):
        path.chmod(0o755)


def run(case: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, CHILD, case], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


EXITS = ["exit_alive", "exit_busy", "exit_stuck", "exit_after_an_epoch", "exit_in_a_thread"]
FORKS = ["fork_in_an_order", "fork_fresh", "fork_live", "fork_collected", "fork_pool", "spawn"]


@pytest.mark.parametrize("case", [*EXITS, *FORKS])
def test_processes(case: str) -> None:
    with run(case) as child:
        try:
            out, err = child.communicate(timeout=SOON)
        finally:
            child.kill()
    if case == "exit_in_a_thread":  # Python leaves what a daemon thread holds; nanobind lists it
        err = re.sub(r"^(nanobind:| - leaked|See https://nanobind).*\n?", "", err, flags=re.MULTILINE)
    assert (child.returncode, err) == (0, ""), err
    assert out.splitlines()[-1] == "done"


def test_an_interrupt_is_honoured_at_once_while_waiting() -> None:
    with run("interrupt") as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "waiting\n"
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=SOON)
        finally:
            child.kill()
    assert (child.returncode, err) == (0, ""), err
    assert out.split() == ["interrupted", "released", "clean"]
