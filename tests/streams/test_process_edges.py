"""`process=True` in rare cases: forks, interrupts, strange errors, and how long memory is in use."""

import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streams import functions
from streams.test_process import CHILD, alive, children, gone

from vary.errors import SourceError
from vary.policy import Policy
from vary.streams import stream
from vary.streams.workers.process import client
from vary.transforms import Lambda

PLAIN = Policy([])
SOON = 60.0


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    before = children()
    yield
    assert children() <= before, "without a collection"


@pytest.fixture
def large() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (24, 64, 64, 3), np.uint8)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (functions.cancels, r"raised in Lambda\(cancels\)"),
        (functions.fails_silently, "SilentError: it cannot say what"),
        (functions.leaves, "SystemExit: 3"),
    ],
)
def test_strange_errors_are_raised_in_the_client(numbered: np.ndarray, function: Any, says: str) -> None:
    train = stream(numbered, Policy([Lambda(function)]), process=True)
    for _ in range(2):
        with pytest.raises(Exception, match=says):
            list(train)


def test_a_fork_keeps_its_batches(large: np.ndarray) -> None:
    """The forked process holds a batch after this one has let go of it."""
    train = stream(large, PLAIN, batch_size=4, process=True, prefetch=1)
    batches = iter(train)
    batch = next(batches)
    before = batch.images.copy()
    (ready, say), (go, wait) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.write(say, b"1")
            os.read(go, 1)
            code = int(not np.array_equal(batch.images, before))
        finally:
            os._exit(code)
    os.read(ready, 1)
    del batch
    for _ in range(4):
        for _ in train:
            pass
    os.write(wait, b"1")
    assert os.waitpid(pid, 0)[1] == 0
    for file in (ready, say, go, wait):
        os.close(file)


def test_an_end_does_not_wait_for_a_fork(large: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which holds a copy of the socket. To be killed after a while would be an end as well, but no clean one."""
    train = stream(large, PLAIN, batch_size=4, process=True)
    list(train)
    (pid,) = children()
    forked = os.fork()
    if forked == 0:
        time.sleep(SOON)
        os._exit(0)
    killed: list[int] = []
    monkeypatch.setattr(client, "PATIENCE", SOON)
    monkeypatch.setattr(subprocess.Popen, "kill", lambda process: killed.append(process.pid))
    del train
    assert not killed
    assert not alive(pid)
    os.kill(forked, 9)
    os.waitpid(forked, 0)


@pytest.mark.parametrize("at", ["before", "within"])
@pytest.mark.parametrize("method", ["send_bytes", "recv_bytes"])
def test_an_interrupt_in_a_message(large: np.ndarray, monkeypatch: pytest.MonkeyPatch, method: str, at: str) -> None:
    """It ends that iteration: another one, and the process, go on."""
    train = stream(list(large), PLAIN, batch_size=4, process=True)
    expected = [[batch.images.tobytes() for batch in train] for _ in range(2)]
    (pid,) = children()
    train.set_epoch(0)
    batches, other = iter(train), iter(train)
    next(batches), next(other)

    def interrupted(connection: Connection, *_: object) -> None:
        if at == "within" and method == "recv_bytes":
            os.read(connection.fileno(), 2)
        elif at == "within":
            os.write(connection.fileno(), b"ab")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Connection, method, interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(batches)
    assert [batch.images.tobytes() for batch in other] == expected[1][1:]
    train.set_epoch(0)
    assert [batch.images.tobytes() for batch in train] == expected[0]
    assert children() == {pid}


@pytest.mark.parametrize("prefetch", [0, 1, 3])
def test_the_server_keeps_no_batch_that_was_received(large: np.ndarray, prefetch: int) -> None:
    train = stream(large, PLAIN, batch_size=2, process=True, prefetch=prefetch)
    seen: list[weakref.ref[Any]] = []
    for _ in range(3):
        for batch in train:
            seen.append(weakref.ref(batch.images))
            assert sum(ref() is not None for ref in seen) == 1
    del batch
    assert not any(ref() is not None for ref in seen)


def test_cancelled_batches_end_between_user_functions(
    numbered: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = tmp_path / "calls"
    calls.touch()
    monkeypatch.setenv("VARY_TEST_COUNT", str(calls))
    train = stream(numbered, Policy([Lambda(functions.counts)]), process=True, prefetch=1)
    given_up = iter(train)
    while not calls.stat().st_size:
        time.sleep(0.001)
    given_up.close()
    next(iter(train))
    assert calls.stat().st_size < 20, "two epochs of ten would be this many"


def test_an_error_keeps_no_reference_to_the_stream(numbered: np.ndarray) -> None:
    train = stream(numbered, Policy([Lambda(functions.fails)]), process=True)
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(ZeroDivisionError):
            list(train)
        (pid,) = children()
        del train
        assert not alive(pid)
    finally:
        gc.enable()


def test_strange_entries_of_sys_path(numbered: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, tmp_path, 'it\'s "odd"\\'])
    assert len(list(stream(numbered, PLAIN, batch_size=2, process=True))) == 5


def test_one_that_died_while_idle_is_replaced(numbered: np.ndarray) -> None:
    train = stream(numbered, PLAIN, batch_size=2, process=True, prefetch=0)
    list(train)
    (pid,) = children()
    os.kill(pid, 9)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # all of its threads
    assert len(list(train)) == 5
    train._process.close()  # type: ignore[union-attr]
    assert len(list(train)) == 5


def test_an_orphan_in_a_function_that_never_returns() -> None:
    with subprocess.Popen([sys.executable, CHILD, "wait_for_ever"], stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        pid = int(one.stdout.readline())
        time.sleep(0.5)  # it is in the function
        assert alive(pid)
        one.kill()
    assert gone(pid)


def test_two_threads_share_it(large: np.ndarray) -> None:
    train, plain = (stream(large, PLAIN, batch_size=2, process=process) for process in (True, False))
    expected = [[batch.images.tobytes() for batch in plain] for _ in range(2)]
    found: dict[int, list[bytes]] = {}

    def consume(epoch: int, batches: Any) -> None:
        found[epoch] = [batch.images.tobytes() for batch in batches]

    threads = [threading.Thread(target=consume, args=(epoch, iter(train))) for epoch in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert [found[0], found[1]] == expected


def test_more_than_the_sockets_hold() -> None:
    """Requests and labels of a megabyte each way: neither end waits for the other to read."""
    images = np.zeros((60_000, 1, 1, 3), np.uint8)
    labels = np.array([f"label {n:>40}" for n in range(60_000)], object)
    train = stream((images, labels), PLAIN, batch_size=20_000, process=True, prefetch=4)
    for _ in range(2):
        assert sum(len(batch.labels) for batch in train) == 60_000


def test_held_batches_take_no_descriptors(numbered: np.ndarray) -> None:
    train = stream(np.repeat(numbered, 30, axis=0).repeat(20, axis=1), PLAIN, batch_size=1, process=True)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    batches = iter(train)
    held = [next(batches)]
    (pid,) = children()
    counts = [len(os.listdir(f"/proc/{one}/fd")) for one in ("self", pid)]  # noqa: PTH208
    assert counts[0] - before <= 3, "the arena, the control socket, the iteration's"
    held += list(batches)
    assert len(held) == 300
    after = [len(os.listdir(f"/proc/{one}/fd")) for one in ("self", pid)]  # noqa: PTH208
    assert [after[0] + 1, after[1]] <= counts
    list(train)  # another epoch uses no memory of theirs
    assert [batch.images[0, 0, 0, 0] for batch in held] == [batch.indices[0] // 30 for batch in held]


def test_a_process_that_cannot_start_costs_no_epoch(numbered: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    train = stream(numbered, PLAIN, batch_size=2, process=True)

    def refused(*_: object) -> Any:
        raise SourceError("no process can be started")

    monkeypatch.setattr(sys.modules["vary.streams.epochs"], "Process", refused)
    with pytest.raises(SourceError, match="no process can"):
        iter(train)
    assert train.epoch == 0


def test_unread_batches_return_their_memory(large: np.ndarray) -> None:
    """Batches of iterations that ended before they were read: their buffers are used again."""
    train = stream(list(large), PLAIN, batch_size=2, prefetch=4, process=True)
    for _ in range(20):
        batches = iter(train)
        next(batches)
        batches.close()
    list(train)
    assert train._process is not None
    assert train._process.arena.count[0] <= 20
