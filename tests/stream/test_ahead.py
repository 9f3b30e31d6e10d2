"""Ahead of the consumer, never out of order, never further than was agreed, and in memory that is used again."""

import gc
import threading
import tracemalloc

import numpy as np
import pytest

from vary.policy import Policy
from vary.sources import Arrays, Item
from vary.stream import stream
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
    source.asked.clear()
    batches = iter(train)
    del train  # nobody can ask for a next epoch
    for taken in range(1, 6):
        next(batches)
        source.reach(min(10, 2 * (taken + prefetch)))
        assert max(source.asked) < 2 * (taken + prefetch)
    assert next(batches, None) is None
    assert sorted(source.asked) == list(range(10)), "each sample is read once"


def test_prefetch_begins_with_the_iteration(numbered: np.ndarray) -> None:
    source = Watched(numbered)
    batches = iter(stream(source, Policy([]), batch_size=2, prefetch=3))
    source.reach(6)
    assert len(list(batches)) == 5


def test_batches_are_built_in_memory_that_is_used_again() -> None:
    images = np.zeros((64, 8, 8, 3), np.uint8)
    train = stream(images, Policy([HorizontalFlip(), Resize(64, 64)]), batch_size=4)
    places = {batch[0].ctypes.data for _ in range(20) for batch in train}
    assert len(places) <= 8, "320 batches; 2 ahead, 1 or 2 with the consumer"
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
