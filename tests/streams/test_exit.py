"""A program may end while its threads are in native calls: they are cancelled, or go on, and nothing crashes."""

import subprocess
import sys
from pathlib import Path

import pytest

CHILD = Path(__file__).with_name("exit_child.py")
CANCELLED = "the program is ending, and vary does not finish the work of other threads\n"
CALLS = ["files", "arrays", "small", "blocks", "decode", "stamps"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHILD), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("call", CALLS)
def test_calls_that_are_cancelled_return(call: str) -> None:
    done = run("return", call, "cancel")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", CANCELLED)


@pytest.mark.parametrize("call", CALLS)
def test_a_thread_that_returns_too_late_does_not_crash(call: str) -> None:
    for _ in range(3):
        done = run("return", call, "leave")
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("cancel", ["cancel", "leave"])
@pytest.mark.parametrize(("ending", "code"), [("os._exit", 0), ("thread", 0), ("error", 3)])
def test_ways_to_end(ending: str, code: int, cancel: str) -> None:
    done = run(ending, "files", cancel)
    assert (done.returncode, done.stderr) == (code, "")
    assert done.stdout == (CANCELLED if cancel == "cancel" and ending != "os._exit" else "")


SPARED = """
import os, threading, numpy as np
from vary import Policy, Rotate, _native, read_image
from concurrent.futures import ThreadPoolExecutor

policy, images = Policy([Rotate(30)]), np.random.default_rng(0).integers(0, 256, (40, 300, 300, 3), np.uint8)

def vary():
    return policy.batch(images, seed=3, threads=4).tobytes()

with ThreadPoolExecutor(1) as others:
    expected = vary()
    assert others.submit(vary).result() == expected
    _native.cancel_all()
    assert vary() == expected, "the thread that cancels goes on, and so do its helpers"
    assert "the program is ending" in str(others.submit(vary).exception())
    assert vary() == expected
if (child := os.fork()) == 0:
    with ThreadPoolExecutor(1) as others:
        os._exit(int(others.submit(vary).result() != expected or vary() != expected))
assert os.waitpid(child, 0)[1] == 0, "a forked child begins anew"
"""


def test_the_thread_that_cancels_and_a_forked_child_go_on() -> None:
    done = subprocess.run([sys.executable, "-c", SPARED], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


CONSUMERS = """
import os, sys, threading, time, numpy as np
from vary import Lambda, Policy, stream

def slow(image):
    time.sleep(0.002)
    return image

how, process = sys.argv[1], sys.argv[2] == "process"
train = stream(np.zeros((400, 8, 8, 3), np.uint8), Policy([Lambda(slow)]), batch_size=16, process=process)
seen = threading.Semaphore(0)

def consume():
    if how == "begin":
        while True:
            next(iter(train))
            seen.release()
    for _ in train.batches() if how == "batches" else iter(train):
        seen.release()
    print("the epoch has ended")

threads = [threading.Thread(target=consume, daemon=True) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in threads:
    seen.acquire()
"""


@pytest.mark.parametrize("process", ["threads", "process"])
@pytest.mark.parametrize("how", ["batches", "epoch", "begin"])
def test_waiting_daemon_threads_print_nothing(how: str, process: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(CONSUMERS)
    if process == "process":
        pytest.importorskip("cloudpickle")
    for _ in range(1 if process == "process" else 3):
        command = [sys.executable, str(script), how, process]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


SHARED_GRACE = """
import os
from vary.streams.workers import pool

class Slow:
    pid = os.getpid()

    def stop(self):
        said.append("stop")

    def close(self, grace):
        global now
        said.append(round(grace, 3))
        now += 0.2

now, said = 100.0, []
pool.monotonic = lambda: now
slow = [Slow() for _ in range(3)]
for one in slow:
    pool.end_at_exit(one)
pool._exit()
assert said == ["stop"] * 3 + [0.3, 0.1, 0.0], said
"""


def test_all_streams_share_the_time_at_exit() -> None:
    done = subprocess.run([sys.executable, "-c", SHARED_GRACE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_process_ends_with_the_program_in_that_time() -> None:
    script = """
import numpy as np
from vary import Policy, stream
from vary.streams.workers import pool
train = stream(np.zeros((9, 8, 8, 3), np.uint8), Policy([]), process=True)
list(train)
assert train._process in pool.AT_EXIT.values() and not train._process._end.atexit
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
