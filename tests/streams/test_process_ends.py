"""`process=True` if the process dies, is stopped, or runs out of something: an error says so; nothing waits forever."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streams import functions
from streams.test_process import children, gone

from vary.errors import SourceError, StreamTimeoutError
from vary.policy import Policy
from vary.streams import stream
from vary.streams.workers.process import client
from vary.transforms import Lambda, Rotate

PLAIN = Policy([])
SOON = 60.0
LONG = 4.0  # seconds in which even a busy machine has the process started


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    before = children()
    yield
    left = children() - before
    for pid in left:  # so that other tests do not fail, too
        os.kill(pid, signal.SIGKILL)
    assert not left


@pytest.fixture
def large() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (24, 64, 64, 3), np.uint8)


def stop(pid: int) -> None:
    """Stop the process, and wait until each of its threads is: until then, one may go on writing."""
    os.kill(pid, signal.SIGSTOP)
    until = time.monotonic() + SOON
    while time.monotonic() < until:
        states = [task.read_text().rpartition(") ")[2][0] for task in Path(f"/proc/{pid}/task").glob("*/stat")]
        if set(states) == {"T"}:
            return
    raise AssertionError(f"process {pid} goes on: {states}")


def test_a_server_killed_between_epochs_is_replaced(large: np.ndarray) -> None:
    """Though nobody has waited for its end."""
    train, plain = (stream(large, PLAIN, batch_size=4, process=process) for process in (True, False))
    for _ in range(8):
        expected = [batch.images.tobytes() for batch in plain]
        assert [batch.images.tobytes() for batch in train] == expected
        (pid,) = children()
        os.kill(pid, signal.SIGKILL)


def test_a_server_killed_at_any_moment(large: np.ndarray) -> None:
    """What was handed over is right, and a state goes on behind it."""
    expected = [batch.images.tobytes() for batch in stream(large, PLAIN, batch_size=2)]
    for moment in range(6):
        train = stream(large, PLAIN, batch_size=2, process=True)
        batches = iter(train)
        (pid,) = children()
        timer = threading.Timer(0.04 * moment, os.kill, (pid, signal.SIGKILL))
        timer.start()
        found = []
        try:
            for batch in batches:
                found.append(batch.images.tobytes())
                timer.join(0.01)
        except SourceError as error:
            assert "ended by signal 9; memory may have run out" in str(error)  # noqa: PT017
            train.load_state_dict(batches.state_dict())
            found += [batch.images.tobytes() for batch in train]
        timer.join()
        assert found == expected


def test_its_end_is_noticed_even_if_another_process_has_its_files(
    numbered: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forked = tmp_path / "forked"
    monkeypatch.setenv("VARY_TEST_FORKED", str(forked))
    train = stream(numbered, Policy([Lambda(functions.forks)]), batch_size=1, prefetch=1, process=True)
    batches = iter(train)
    next(batches)
    (pid,) = children()
    try:
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(SourceError, match="ended by signal 9"):
            list(batches)
        del batches, train
    finally:
        for line in forked.read_text().splitlines():
            os.kill(int(line), signal.SIGKILL)


def test_a_stopped_process_is_named(large: np.ndarray) -> None:
    train = stream(large, PLAIN, batch_size=2, prefetch=0, process=True, timeout=LONG)
    expected = [batch.images.tobytes() for batch in train]
    train.set_epoch(0)
    batches = iter(train)
    found = [next(batches).images.tobytes()]
    (pid,) = children()
    stop(pid)
    named = rf"batch 1 of epoch 0 .* timeout=4 .*: the process .* \(pid {pid}\) is stopped; `kill -CONT {pid}` lets"
    with pytest.raises(StreamTimeoutError, match=named):
        next(batches)
    train.load_state_dict(batches.state_dict())
    with pytest.raises(StreamTimeoutError, match=rf"kill -CONT {pid}"):  # the same process, for it is not lost
        list(train)
    os.kill(pid, signal.SIGCONT)
    train.load_state_dict(batches.state_dict())
    assert found + [batch.images.tobytes() for batch in train] == expected
    assert children() == {pid}
    stop(pid)  # and it can be ended
    train.close()
    assert gone(pid)


def test_a_timeout_within_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is stopped when the first half of a message is on its way."""
    images = np.zeros((8, 1, 1, 3), np.uint8)
    labels = np.array(["x" * 1_000_000] * 8, object)
    labels[:] = [{"x": one} for one in labels]
    train = stream((images, labels), PLAIN, batch_size=4, process=True, prefetch=1, timeout=LONG)
    batches = iter(train)
    (pid,) = children()
    wait = client.ProcessWorkers._wait

    def stopped(*arguments: Any) -> None:
        wait(*arguments)
        stop(pid)

    monkeypatch.setattr(client.ProcessWorkers, "_wait", stopped)
    with pytest.raises(StreamTimeoutError, match="is stopped"):
        next(batches)
    monkeypatch.setattr(client.ProcessWorkers, "_wait", wait)
    os.kill(pid, signal.SIGCONT)
    assert sum(len(batch.labels) for batch in train) == 8


def test_a_request_that_is_not_read() -> None:
    """Of more bytes than a socket holds."""
    images = np.zeros((400_000, 1, 1, 3), np.uint8)
    train = stream(images, PLAIN, batch_size=100_000, process=True, prefetch=1, timeout=LONG)
    next(iter(train))
    (pid,) = children()
    stop(pid)
    with pytest.raises(StreamTimeoutError, match="is stopped; `kill -CONT"):
        list(train)
    os.kill(pid, signal.SIGCONT)
    assert sum(len(batch) for (batch,) in train) == 400_000


def test_a_stuck_function_is_named(numbered: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wait = tmp_path / "wait"
    wait.touch()
    monkeypatch.setenv("VARY_TEST_WAIT", str(wait))
    images = numbered.copy()
    images[6] = 255
    policy = Policy([Lambda(functions.waits)])
    train = stream(images, policy, batch_size=2, shuffle=False, process=True, timeout=LONG)
    batches = iter(train)
    assert [next(batches).indices.tolist() for _ in range(3)] == [[0, 1], [2, 3], [4, 5]]
    (pid,) = children()
    with pytest.raises(StreamTimeoutError, match=rf"batch 3 .* \(pid {pid}\): in a user function for sample 6"):
        next(batches)
    wait.unlink()
    train.load_state_dict(batches.state_dict())
    assert [batch.indices.tolist() for batch in train] == [[6, 7], [8, 9]]


@pytest.mark.parametrize("timeout", [None, SOON])
def test_a_users_own_timeout_is_an_error_like_others(numbered: np.ndarray, timeout: float | None) -> None:
    train = stream(numbered, Policy([Lambda(functions.runs_out_of_time)]), process=True, timeout=timeout)
    with pytest.raises(TimeoutError, match="the user's own") as raised:
        list(train)
    assert not isinstance(raised.value, StreamTimeoutError)
    del raised  # which holds this frame


def test_iterations_do_not_wait_for_each_other(
    numbered: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait = tmp_path / "wait"
    wait.touch()
    monkeypatch.setenv("VARY_TEST_WAIT", str(wait))
    images = numbered.copy()
    images[0] = 255
    policy = Policy([Lambda(functions.waits)])
    train = stream(images, policy, batch_size=1, shuffle=False, process=True, threads=1)
    state = train.state_dict()
    waiting = iter(train)
    found: list[list[int]] = []
    thread = threading.Thread(target=lambda: found.append(next(waiting).indices.tolist()))
    thread.start()
    for position in (5, 3):
        train.load_state_dict({**state, "position": position})
        assert [batch.indices.tolist() for batch in train] == [[n] for n in range(position, 10)]
    assert not found
    wait.unlink()
    thread.join(SOON)
    assert found == [[0]]


def test_three_iterations_in_three_threads(large: np.ndarray) -> None:
    plain = stream(large, PLAIN, batch_size=2)
    expected = [[batch.images.tobytes() for batch in plain] for _ in range(9)]
    train = stream(large, PLAIN, batch_size=2, process=True)
    found: dict[int, list[bytes]] = {}

    def consume() -> None:
        for _ in range(3):
            batches = list(train)
            found[batches[0].epoch] = [batch.images.tobytes() for batch in batches]

    threads = [threading.Thread(target=consume) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert [found[epoch] for epoch in range(9)] == expected
    assert len(children()) == 1


def test_closed_by_another_thread(numbered: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a batch is told so at once."""
    wait = tmp_path / "wait"
    wait.touch()
    monkeypatch.setenv("VARY_TEST_WAIT", str(wait))
    train = stream(numbered * 0 + 255, Policy([Lambda(functions.waits)]), batch_size=1, process=True)
    batches, found = iter(train), []
    thread = threading.Thread(target=lambda: found.extend(batches))
    thread.start()
    batches.close()
    thread.join(SOON)
    assert not thread.is_alive()
    assert not found
    wait.unlink()


def test_a_stop_iteration_is_an_error(numbered: np.ndarray) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(stream(numbered, Policy([Lambda(functions.stops)]), process=True))


def test_forks_under_load(large: np.ndarray) -> None:
    """Children read what they had, write to it, and fork on; here nothing changes."""
    train, plain = (stream(large, Policy([Rotate(9)]), batch_size=2, process=process) for process in (True, False))
    held, expected = [], []
    for _ in range(4):
        for batch, same in zip(train, plain, strict=True):
            held.append(batch)
            expected.append(same.images.copy())
            pid = os.fork()
            if pid == 0:
                right = all(np.array_equal(one.images, same) for one, same in zip(held, expected, strict=True))
                for one in held:
                    one.images[:] = 0
                grandchild = os.fork()
                del held[:], batch
                os._exit(int(not right) if grandchild == 0 else os.waitpid(grandchild, 0)[1] or int(not right))
            if len(held) > 5:
                del held[0], expected[0]
            held[0].images[0] = expected[0][0] = 1  # to which the child has no access
            assert os.waitpid(pid, 0)[1] == 0
            assert all(np.array_equal(one.images, same) for one, same in zip(held, expected, strict=True))


LIMITED = """
import os, resource, sys
import vary
def limit(pid, spare):
    taken = set(map(int, os.listdir(f"/proc/{pid or 'self'}/fd")))
    free = [number for number in range(1000) if number not in taken]
    most = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[spare], most))
    return most
where, spare = sys.argv[1], int(sys.argv[2])
policy = vary.Policy([vary.Resize(8, 8)])
train = vary.stream(sys.argv[3], policy, batch_size=2, threads=2, process=True, cache=None, on_error="skip")
try:
    if where == "before":
        most = limit(0, spare)
    iterations = [iter(train)]
    batches = [next(iterations[0])]
    if where != "before":
        most = limit(train._process.process_id if where == "there" else 0, spare)
    if where != "under way":
        iterations += [iter(train) for _ in range(3)]
    for iteration in iterations:
        batches += iteration
    said = len(batches)
except OSError as error:
    said = error
resource.prlimit(0, resource.RLIMIT_NOFILE, (1000, 1000))
print(said)
"""


@pytest.mark.parametrize("where", ["before", "under way", "more", "there"])
def test_descriptors_run_out(folder: Path, where: str) -> None:
    """An error that names the limit, or all batches; never fewer, and never a wait without an end."""
    said = []
    for spare in (0, 1, 2, 3, 5, 7, 9, 15) if where in ("before", "there") else (0, 2, 15):
        command = [sys.executable, "-c", LIMITED, where, str(spare), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SOON)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    every = f"{11 if where == 'under way' else 44}\n"
    assert said[-1] == every
    assert all(one == every or "ulimit -n" in one for one in said), said
    assert where == "under way" or said[0] != every
