"""Small sources for the stream's tests, and the rule that each test leaves no thread behind."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streams import cache_child

from vary.policy import Policy
from vary.transforms import HorizontalFlip, Resize, Rotate

POLICY = Policy([Rotate(30), HorizontalFlip(p=0.5), Resize(24, 20)])


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    until = time.monotonic() + 60
    while not set(threading.enumerate()) <= before and time.monotonic() < until:
        time.sleep(0.001)  # they are making what comes next of a stream that something still holds
    assert set(threading.enumerate()) <= before


@pytest.fixture
def policy() -> Policy:
    return POLICY


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (23, 9, 8, 3), np.uint8)


@pytest.fixture
def numbered() -> np.ndarray:
    """Ten pictures of 4 x 4; every value of the n-th is n."""
    return np.broadcast_to(np.arange(10, dtype=np.uint8)[:, None, None, None], (10, 4, 4, 3)).copy()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of eleven smooth pictures of different sizes: JPEG and PNG, colour and grey."""
    random = np.random.default_rng(5)
    for number in range(22):
        path = tmp_path / "data" / ("cat" if number % 2 else "dog") / f"{number:02}.{'png' if number % 3 else 'jpg'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(random.integers(0, 256, (4, 5, 3), np.uint8))
        image = small.resize((40 + number, 70 - number), Image.Resampling.BICUBIC)
        (image.convert("L") if number % 5 == 0 else image).save(path)
    return tmp_path / "data"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A cache that holds the blocks 0, 1 and 2, in one pair of files."""
    cache_child.put(cache_child.disk(tmp_path / "cache"), 0, 1, 2)
    return tmp_path / "cache"
