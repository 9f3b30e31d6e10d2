"""Batches are made ahead of the consumer: in order, at most `prefetch` of them, and in memory that is reused."""

import gc
import threading
import tracemalloc
import weakref
from typing import Any

import numpy as np
import pytest

from vary.policy import Policy
from vary.sources import Arrays, Item
from vary.streams import mix, stream
from vary.streams.batches.job import GROUP_BATCHES, GROUP_BYTES
from vary.streams.workers.pool import WorkerPool
from vary.transforms import HorizontalFlip, Lambda, Resize

SOON = 60.0  # seconds until a hang is a failure


class Watched(Arrays):
    """Notes which samples were asked for."""

    def __init__(self, images: np.ndarray) -> None:
        super().__init__(images)
        self.asked: list[int] = []
        self.changed = threading.Condition()

    def __getitem__(self, index: int) -> Item:
        with self.changed:
            self.asked.append(index)
            self.changed.notify_all()
        return super().__getitem__(index)

    def reach(self, count: int) -> None:
        """Wait until `count` different samples were asked for."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(set(self.asked)) >= count, SOON), self.asked


def test_a_slow_sample_delays_its_own_batch_only(numbered: np.ndarray) -> None:
    release, done = threading.Event(), threading.Semaphore(0)
    begun: list[int] = []
    meanwhile: list[int] = []

    def slow(image: np.ndarray) -> np.ndarray:
        begun.append(int(image[0, 0, 0]))
        if image[0, 0, 0] == 0:
            assert release.wait(SOON)
            meanwhile.extend(begun)
        else:
            done.release()
        return image

    batches = iter(stream(numbered, Policy([Lambda(slow)]), shuffle=False, batch_size=1, prefetch=4))
    for _ in range(3):  # of the four under way, all but the slow one
        assert done.acquire(timeout=SOON)
    threading.Timer(0.05, release.set).start()
    assert [int(batch.indices[0]) for batch in batches] == list(range(10)), "batches keep their order"
    assert sorted(meanwhile) == [0, 1, 2, 3], "the consumer's waiting begins no fifth"


@pytest.mark.parametrize("prefetch", [0, 1, 2, 5])
def test_what_is_ahead_is_bounded(numbered: np.ndarray, prefetch: int) -> None:
    source = Watched(numbered)
    train = stream(source, Policy([]), shuffle=False, batch_size=2, prefetch=prefetch)
    assert train.element_spec.images.dtype == np.uint8  # asks the first sample what there is
    source.asked.clear()
    batches = iter(train)
    for taken in range(1, 6):
        next(batches)
        source.reach(min(10, 2 * (taken + prefetch)))
        assert max(source.asked) < 2 * (taken + prefetch)
    assert next(batches, None) is None
    assert sorted(source.asked) == list(range(10)), "each sample is read once"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many samples each maker was asked for, one number each time."""
    asked: list[int] = []

    def submit(pool: WorkerPool, positions: Any, submit: Any = WorkerPool.submit) -> Any:
        asked.append(len(positions))
        return submit(pool, positions)

    monkeypatch.setattr(WorkerPool, "submit", submit)
    return asked


@pytest.mark.parametrize(
    ("size", "run"), [(8, GROUP_BATCHES), (600, GROUP_BYTES // (600 * 600 * 3)), (1024, 2), (1600, 1), (1800, 1)]
)
def test_batches_of_small_pictures_are_made_in_groups(runs: list[int], size: int, run: int) -> None:
    images = np.arange(100, dtype=np.uint8)[:, None, None, None] * np.ones((4, 4, 3), np.uint8)
    policy = Policy([Resize(size, size)])
    seen = [*stream(images, policy, batch_size=1, shuffle=False)]
    assert runs == [*[run] * (100 // run), *[100 % run] * (100 % run > 0)]
    assert [batch.images[0, 0, 0, 0] for batch in seen] == list(range(100))
    assert {batch.images.shape for batch in seen} == {(1, size, size, 3)}
    assert all(batch.images.ctypes.data % 64 == 0 for batch in seen)


def test_a_group_is_divided_into_the_same_batches() -> None:
    images, labels = np.random.default_rng(3).integers(0, 256, (70, 8, 8, 3), np.uint8), np.arange(70)
    views = {"one": (Policy([HorizontalFlip()]), 2), "other": (Policy([Resize(16, 16)]), 1)}
    for policy, more in (
        (Policy([HorizontalFlip()]), {"layout": "NCHW", "dtype": "float32"}),
        (Policy([HorizontalFlip()]), {"shard": (1, 3), "repeat": 2}),
        (views, {"drop_last": True, "weights": np.linspace(0, 1, 70)}),
    ):
        options: Any = {"batch_size": 4, "seed": 5, **more}
        several = stream((images, labels), policy, **options)  # type: ignore[arg-type]
        single = stream((list(images), labels), policy, **options)  # type: ignore[arg-type]
        for _ in range(2):
            for one, other in zip(several, single, strict=True):
                assert all(a.tobytes() == b.tobytes() and a.shape == b.shape for a, b in zip(one, other, strict=True))
                assert (one.fields, one.epoch, one.paths) == (other.fields, other.epoch, other.paths)
                assert one.indices.tolist() == other.indices.tolist()
                assert one.views.tolist() == other.views.tolist()
        for name in ("images", "batches", "in_flight"):
            assert name == "in_flight" or getattr(several.report(), name) == getattr(single.report(), name)


def test_unaligned_batches_are_not_grouped(runs: list[int]) -> None:
    assert len([*stream(np.zeros((40, 5, 5, 3), np.uint8), Policy([]), batch_size=2)]) == 20
    assert set(runs) == {2}


def test_groups_are_sized_by_full_batches(runs: list[int]) -> None:
    images, masks = np.zeros((9, 4, 4, 3), np.uint8), np.zeros((9, 640, 640, 3), np.uint8)
    for source, policy in (
        (images, Policy([Resize(640, 640)])),  # the last batch alone is small, and what follows it is not
        ((images, {"masks": masks}), Policy([])),
        (masks, Policy([Resize(8, 8)])),  # little comes out, but much goes in
    ):
        for prefetch in (1, 2):
            train = stream(source, policy, batch_size=4, prefetch=prefetch)
            for _ in range(3):
                assert len([*train]) == 3
            held = 4 * (masks[0].nbytes + images[0].nbytes) * (prefetch + 1)
            assert train.report().in_flight["batches"] <= held
    assert max(runs) == 4


def test_no_groups_without_prefetch(runs: list[int]) -> None:
    assert len([*stream(np.zeros((10, 8, 8, 3), np.uint8), Policy([]), batch_size=1, prefetch=0)]) == 10
    assert runs == [1] * 10


def test_slow_or_failing_batches_are_not_grouped(runs: list[int]) -> None:
    images = np.zeros((10, 8, 8, 3), np.uint8)
    for source, policy, more in (
        (list(images), Policy([]), {}),
        (Watched(images), Policy([]), {}),
        (images, Policy([Lambda(lambda image: image)]), {}),
        (images, Policy([]), {"on_error": "skip"}),
    ):
        assert len([*stream(source, policy, batch_size=1, **more)]) == 10  # type: ignore[arg-type]
    both = mix([stream(images, Policy([]), batch_size=1), stream(images, Policy([]), batch_size=1)])
    assert len([*both]) == 20
    assert set(runs) == {1}


def test_failed_or_cancelled_batches_free_their_memory(numbered: np.ndarray) -> None:
    def fails(_: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError

    class Model: ...

    models: list[weakref.ref[Model]] = []

    def train() -> None:
        model = Model()
        models.append(weakref.ref(model))
        for _ in stream(numbered, Policy([Lambda(fails)])):
            pass

    gc.collect()
    gc.disable()
    try:
        with pytest.raises(ZeroDivisionError):
            train()
        many = stream(np.zeros((400, 4, 4, 3), np.uint8), Policy([Resize(64, 64)]), batch_size=5)
        for _ in range(3):
            batches = iter(many)
            models += [weakref.ref(next(batches)[0]) for _ in range(20)]
            batches.close()
        del batches
        assert [model for model in models if model() is not None] == []
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_prefetch_begins_with_the_iteration(numbered: np.ndarray) -> None:
    source = Watched(numbered)
    batches = iter(stream(source, Policy([]), batch_size=2, prefetch=3))
    source.reach(6)
    assert len(list(batches)) == 5


def test_batches_are_built_in_memory_that_is_used_again() -> None:
    images = np.zeros((64, 8, 8, 3), np.uint8)
    policy = Policy([HorizontalFlip(), Resize(64, 64)])
    train = stream(images, policy, batch_size=4)
    unlike = stream(list(images), policy, batch_size=4)  # pictures of their own: one batch at a time
    assert len({batch[0].ctypes.data for _ in range(20) for batch in train}) <= 4 * GROUP_BATCHES, "of 320 batches"
    assert len({batch[0].ctypes.data for _ in range(20) for batch in unlike}) <= 8, "2 ahead, 1 or 2 with the consumer"
    held = [batch[0] for batch in train]
    assert len({array.ctypes.data for array in held}) == 16, "what is held is left alone"
    view = next(iter(train))[0][1:]
    before = view.copy()
    for _ in range(3):
        list(train)
    assert np.array_equal(view, before)


def test_many_epochs_take_no_more_memory_than_a_few(images: np.ndarray) -> None:
    train = stream(images, Policy([Resize(64, 64)]), labels=np.arange(23), batch_size=4, threads=2)

    def after(epochs: int) -> int:
        for _ in range(epochs):
            for _ in train:
                pass
            for _ in train:
                break
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        few = after(5)
        assert after(100) - few < 20_000, "bytes, over 800 batches"
    finally:
        tracemalloc.stop()
