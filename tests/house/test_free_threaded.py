"""Python without a GIL: the native module states that it needs none, and threads may change what others pass to it.

What threads share in Python is tested in `streams/test_sharing.py`, what they share in the core in
`native/tests/test_threads.cc`. Tests that are marked need a free-threaded Python: make PYTHON=python3.14t test-core
"""

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vary import _native
from vary.plan.request import Address, Request
from vary.policy import Policy
from vary.transforms import HorizontalFlip, Rotate

ROOT = Path(__file__).resolve().parents[2]
POLICY = Policy([Rotate(30), HorizontalFlip()])
CALLS = 300


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def while_changing(change: Callable[[int], Any], work: Callable[[], Any]) -> list[Any]:
    """What each of many calls of `work` returns, while another thread makes one change after the other."""
    stop = threading.Event()

    def keep_changing() -> None:
        number = 0
        while not stop.is_set():
            change(number := number + 1)

    other = threading.Thread(target=keep_changing)
    other.start()
    try:
        return [work() for _ in range(CALLS)]
    finally:
        stop.set()
        other.join()


def flat(value: int) -> np.ndarray:
    return np.full((20, 30, 3), value % 256, np.uint8)


def test_the_module_states_that_it_needs_no_gil() -> None:
    text = (ROOT / "CMakeLists.txt").read_text()
    assert re.search(r"nanobind_add_module\(_native\b[^)]*\bFREE_THREADED\b", text)


@pytest.mark.needs("free-threading")
def test_importing_vary_leaves_the_gil_off(tmp_path: Path) -> None:
    code = (
        "import sys, numpy, vary; from PIL import Image; assert not sys._is_gil_enabled()\n"
        "for name in ('a.png', 'b.jpg'): Image.new('RGB', (9, 8)).save(name)\n"
        "for batch in vary.stream('.', vary.Policy([vary.Rotate(9), vary.Resize(5, 5)]), threads=4): print(batch)\n"
        "vary.Policy.load('policy.yaml'); assert not sys._is_gil_enabled()"
    )
    (tmp_path / "policy.yaml").write_text("- Rotate: 9\n")
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=tmp_path, check=True)


@pytest.mark.parametrize("kind", ["arrays", "bytes"])
def test_a_list_of_pictures_may_change_during_a_call(kind: str) -> None:
    """Each call sees every picture whole, as it was or as it is: none is freed while it is read."""
    sources: list[Any] = [flat(i) for i in range(4)]
    runner, wanted = Policy([Rotate(30)]).runner(3, "uint8"), 4
    if kind == "bytes":

        def encoded(value: int) -> bytes:
            buffer = BytesIO()
            Image.fromarray(flat(value)).save(buffer, "JPEG")
            return buffer.getvalue()

        files = [encoded(value) for value in range(8)]
        sources = [file + bytes(9) for file in files[:4]]

    def change(number: int) -> None:
        sources[number % 4] = (
            flat(number) if kind == "arrays" else files[number % 8] + bytes(9)
        )  # another object each time

    def work() -> bool:
        made = runner.batch(Request((sources,), Address(1, 0, 0, np.arange(4)), threads=2))
        (out,) = made.arrays
        return len(out) == wanted and not made.failures and all(np.ptp(picture) == 0 for picture in out)

    assert all(while_changing(change, work))


def test_a_list_of_paths_may_change_during_a_call(tmp_path: Path) -> None:
    for size in range(4):
        (tmp_path / str(size)).write_bytes(bytes(size))
    paths = [str(tmp_path / str(size)) for size in range(4)]

    def change(number: int) -> None:
        paths[number % 4] = str(tmp_path / str(number % 4))  # another object of the same text

    found = while_changing(change, lambda: tuple(size for size, _ in _native.file_stamps(paths)))
    assert set(found) == {(0, 1, 2, 3)}


def test_threads_share_a_policy() -> None:
    images = np.random.default_rng(2).integers(0, 256, (4, 20, 30, 3), np.uint8)
    expected = POLICY.batch(images, seed=5)

    def one(number: int) -> bool:
        index = number % 4
        picture = POLICY(images[index], seed=5, epoch=0, index=index)
        return np.array_equal(picture, expected[index]) and np.array_equal(POLICY.batch(images, seed=5), expected)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(one, range(CALLS)))
