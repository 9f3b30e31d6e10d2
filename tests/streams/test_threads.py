"""If the system gives fewer threads than asked for, or none (a limit on processes), batches are the same."""

import subprocess
import sys
import threading
from itertools import count, takewhile
from pathlib import Path
from time import monotonic
from types import FrameType
from typing import Any

import numpy as np
import pytest

from vary.plan.machine import BatchThreads
from vary.plan.request import Request, Result
from vary.plan.runner import Runner
from vary.policy import Policy
from vary.streams import stream
from vary.streams.workers.threads import DaemonThreads


def limit(monkeypatch: pytest.MonkeyPatch, most: int) -> list[threading.Thread]:
    """Let only so many threads start from now on; the list of those refused."""
    start, refused, left = threading.Thread.start, list[threading.Thread](), [None] * most

    def limited(thread: threading.Thread) -> None:
        if not left:
            refused.append(thread)
            raise RuntimeError("can't start new thread")
        left.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    return refused


@pytest.mark.parametrize("most", [0, 1, 2, 3])
@pytest.mark.parametrize("files", [False, True])
def test_a_stream_works_with_fewer_threads(
    most: int, files: bool, policy: Policy, images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source: Any = images
    if files:
        from PIL import Image

        for number, image in enumerate(images):
            Image.fromarray(image).save(tmp_path / f"{number:02}.png")
        source = tmp_path
    made = stream(source, policy=policy, batch_size=6, seed=1, threads=4)
    expected = [batch.images.copy() for batch in made]
    refused = limit(monkeypatch, most)
    seen = [batch.images.copy() for batch in stream(source, policy=policy, batch_size=6, seed=1, threads=4)]
    monkeypatch.undo()
    assert refused or (most >= 2 and not files)  # two make batches; files are opened by more
    assert len(seen) == len(expected)
    assert all(np.array_equal(a, b) for a, b in zip(seen, expected, strict=True))


def test_errors_come_through_without_threads(images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    from vary.transforms import Lambda

    def broken(image: np.ndarray) -> np.ndarray:
        raise ValueError(f"of {image.shape}")

    limit(monkeypatch, 0)
    with pytest.raises(ValueError, match="of"):
        list(stream(images, policy=Policy([Lambda(broken)]), batch_size=6))


@pytest.mark.parametrize(("side", "together"), [(900, 3), (8, 1)])
def test_batch_workers_that_wait_help_with_a_batch(
    side: int, together: int, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All threads of a stream may work on one batch: but not on a group of small ones, which takes no time."""
    seen = set[int]()
    batch = Runner.batch

    def noted(runner: Runner, request: Request) -> Result:
        seen.add(request.threads)
        return batch(runner, request)

    monkeypatch.setattr(Runner, "batch", noted)
    images = np.zeros((12, side, side, 3), np.uint8)
    made = stream(images, policy=policy, batch_size=4, seed=1, threads=3)
    assert made.options.threads_per_batch == 1
    assert sum(len(batch.images) for batch in made) == 12
    assert max(seen) == together  # a check of values uses one thread


def test_threads_end_though_ctrl_c_came_between_a_task_and_its_count() -> None:
    """Whichever of the two is done first, every thread gets its order to end."""
    code = DaemonThreads._put.__code__

    def interrupt(at: int) -> bool:
        """At instruction `at` of `_put`. Did it have so many?"""
        left = [at]

        def trace(frame: FrameType, event: str, _: object) -> Any:
            if frame.f_code is not code:
                return None
            frame.f_trace_opcodes = True
            left[0] -= event == "opcode"
            if left[0] < 0:
                sys.settrace(None)
                raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        threads = DaemonThreads(2, "vary-test", lambda _: None, BatchThreads(1))
        try:
            sys.settrace(trace)
            threads.submit(int)
        except KeyboardInterrupt:
            return True
        finally:
            sys.settrace(before)
            threads.stop()
            threads.join(monotonic() + 5)
            assert not any(thread.is_alive() for thread in threads._threads), f"instruction {at}"
        return False

    assert sum(takewhile(bool, map(interrupt, count()))) > 2


LIMITED = """
import os, resource, sys
import numpy as np, vary
images = np.random.default_rng(0).integers(0, 256, (64, 300, 300, 3), dtype=np.uint8)
policy = vary.Policy([vary.Rotate(30), vary.Resize(64, 64)])
expected = policy.batch(images, seed=1, threads=1)
stream = vary.stream  # imported now: the other user may not read this one's Python
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
os.setuid(61235)
assert np.array_equal(policy.batch(images, seed=1, threads=8), expected)
batches = list(stream(images, policy=policy, batch_size=16, shuffle=False, threads=8))
assert sum(len(batch.images) for batch in batches) == 64
print("made")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit counts otherwise elsewhere")
def test_a_real_limit_on_processes() -> None:
    import os

    if os.geteuid() != 0:
        pytest.skip("only root can become a user who has no process yet")
    done = subprocess.run([sys.executable, "-c", LIMITED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-1000:]
    assert done.stdout == "made\n"
