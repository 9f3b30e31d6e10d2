"""However large a batch is, only some of its files are decoded in memory at a time; pictures do not change by this."""

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import name_of
from PIL import Image

from vary.policy import Policy
from vary.streams import stream
from vary.streams.batches import fetch, render
from vary.streams.batches.render import PER_THREAD
from vary.streams.cache import blocks
from vary.transforms import HorizontalFlip, Lambda, RandomCrop, Resize, Rotate

SMALL = Policy([HorizontalFlip(), Resize(8, 8)])
WAYS: list[dict[str, Any]] = [
    {"cache": None},
    {"cache": "memory", "cache_bytes": 1},  # nothing fits
    {"cache": None, "policy": {"images": Policy([Rotate(9), Resize(24, 20)]), "small": (SMALL, 2)}},
    {"cache": None, "views": 2, "policy": Policy([Lambda(np.flipud), Resize(24, 20)])},
]


class Alive:
    """How many of the arrays that were made are there at once, at most."""

    def __init__(self) -> None:
        self.now: set[int] = set()
        self.most = 0

    def see(self, array: Any) -> Any:
        if isinstance(array, np.ndarray):
            key = id(array)
            self.now.add(key)
            weakref.finalize(array, self.now.discard, key)
            self.most = max(self.most, len(self.now))
        return array


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> Alive:
    found, prepare, keep = Alive(), fetch.prepare, blocks.keep
    monkeypatch.setattr(render, "BYTES", 0)
    monkeypatch.setattr(fetch, "prepare", lambda *given: found.see(prepare(*given).copy()))
    monkeypatch.setattr(blocks, "keep", lambda *given: [found.see(block) for block in keep(*given)])
    return found


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("way", WAYS, ids=name_of)
def test_memory_is_bounded_by_threads(
    folder: Path, policy: Policy, alive: Alive, threads: int, way: dict[str, Any]
) -> None:
    options = {"policy": policy, "batch_size": 22, "threads": threads, "shuffle": False, "prefetch": 0, **way}
    (batch,) = stream(folder, **options)
    made_of_each = 2 if way.get("cache_bytes") or "views" in way or isinstance(way.get("policy"), dict) else 1
    assert PER_THREAD * threads <= alive.most <= PER_THREAD * threads * made_of_each
    assert not alive.now
    one_by_one = [tuple(small) for small in stream(folder, **{**options, "batch_size": 1})]
    for field, whole in enumerate(batch):
        assert np.array_equal(whole, np.concatenate([small[field] for small in one_by_one]))


def test_more_small_files_are_decoded_at_a_time(
    folder: Path, policy: Policy, alive: Alive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoded they take 6.6 to 8.4 kB each."""
    for limit, most in ((1 << 20, 14), (40_000, 5)):
        monkeypatch.setattr(render, "BYTES", limit)
        alive.most = 0
        list(stream(folder, policy, batch_size=22, threads=1, cache=None, prefetch=0))
        assert alive.most == most


def test_batches_are_not_sliced_if_pictures_decide_the_size(folder: Path, alive: Alive) -> None:
    for path in folder.rglob("*.png"):
        path.write_bytes((folder / "cat" / "01.png").read_bytes())
    for path in folder.rglob("*.jpg"):
        path.unlink()
    (batch,) = stream(folder, Policy([HorizontalFlip()]), threads=1, cache=None, prefetch=0)
    assert batch.images.shape == (14, 69, 41, 3)
    assert alive.most == 14


@pytest.mark.parametrize("cache", [None, "memory"])
def test_broken_files_among_them(folder: Path, policy: Policy, cache: Any) -> None:
    for name in ("cat/01.png", "cat/03.jpg", "dog/04.png", "dog/20.png"):
        (folder / name).write_bytes((folder / name).read_bytes()[:60])
    options: dict[str, Any] = {"shuffle": False, "threads": 1, "cache": cache, "views": 2, "on_error": "skip"}
    train = stream(folder, policy, batch_size=22, **options)
    (batch,) = train
    assert len(batch.indices) == 18
    assert len(train.report().skipped) == 4
    singles = np.concatenate([small.images for small in stream(folder, policy, batch_size=1, **options)])
    assert np.array_equal(batch.images, singles)


def test_one_file_in_several_slices(folder: Path, policy: Policy) -> None:
    """It is decoded where it is first needed and let go after the last."""
    weights = np.zeros(22)
    weights[:5] = 1
    options: dict[str, Any] = {"weights": weights, "shuffle": False, "threads": 1}
    (batch,) = stream(folder, policy, batch_size=22, cache="memory", cache_bytes=1, **options)
    singles = [small.images for small in stream(folder, policy, batch_size=1, cache=None, **options)]
    assert np.array_equal(batch.images, np.concatenate(singles))


def test_a_damaged_file_may_fail_in_some_crops_only(tmp_path: Path, alive: Alive) -> None:
    """Of a crop only what it shows is decoded, so one file may fail at some of its places and not at others."""
    random = np.random.default_rng(0)
    for number in range(6):
        path = tmp_path / f"{number}.jpg"
        Image.fromarray(random.integers(0, 256, (200, 200, 3), np.uint8)).save(path, quality=95)
        if number in (1, 4):
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    policy = Policy([RandomCrop(40, 40)])
    options: dict[str, Any] = {"repeat": 8, "on_error": "skip", "cache": "memory", "prefetch": 0}
    plain = stream(tmp_path, policy, batch_size=1, **{**options, "cache": None})
    expected = {(int(b.indices[0]), int(b.views[0])): b.images[0] for b in plain}
    of_damaged = sum(index in (1, 4) for index, _ in expected)
    assert 0 < of_damaged < 16
    for threads in (1, 2):
        train = stream(tmp_path, policy, batch_size=48, threads=threads, **options)
        (batch,) = train
        found = dict(zip(zip(batch.indices.tolist(), batch.views.tolist(), strict=True), batch.images, strict=True))
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[key], expected[key]) for key in found)
        assert {Path(path).name for path, _ in train.report().skipped} == {"1.jpg", "4.jpg"}
    assert alive.most > 0
