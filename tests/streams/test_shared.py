"""Shared buffers: who holds them, and when they are used again."""

import gc
import os
from typing import Any

import numpy as np
import pytest

from vary.streams.workers.process.memory import SharedBufferPool, SharedView


class Both:
    """Maker and reader in one process, with what lies between them."""

    def __init__(self, kept: int = 3) -> None:
        self.maker, self.reader = SharedBufferPool(kept), SharedView()

    def hand_over(self, *arrays: np.ndarray) -> list[np.ndarray]:
        refs = [self.maker.send(memoryview(array).cast("B")) for array in arrays]
        new, gone = self.maker.news()
        for buffer in new:
            self.reader.learn(buffer.number, os.dup(buffer.file), buffer.size)
        found = self.reader.arrays(refs)
        self.reader.forget(gone)
        return found

    def give_back(self) -> None:
        ended = self.reader.ended
        self.maker.back([ended.popleft() for _ in range(len(ended))])


@pytest.fixture
def both() -> Both:
    return Both()


def place(array: np.ndarray) -> int:
    return int(array.ctypes.data)


@pytest.mark.parametrize(("shape", "floats"), [((2, 3, 4, 3), False), ((5, 70, 40), True), ((0, 3), True)])
def test_what_is_written_there_is_read_here(both: Both, shape: tuple[int, ...], floats: bool) -> None:
    array = both.maker.empty(shape, floats)
    assert (array.shape, array.dtype) == (shape, np.float32 if floats else np.uint8)
    array[...] = np.random.default_rng(1).integers(0, 256, shape)
    if array.size:
        (got,) = both.hand_over(array)
        assert got.tobytes() == array.tobytes()
        assert place(got) != place(array), "another view of the same memory"
        got[:] = 3
        assert set(array.tobytes()) == {3}


def test_what_is_never_sent_is_used_again(both: Both) -> None:
    places = set()
    for _ in range(20):
        array = both.maker.empty((100, 100), floats=False)
        places.add(place(array))
        del array
    assert len(places) == 1


def test_what_was_sent_waits_for_the_reader(both: Both) -> None:
    array = both.maker.empty((100, 100), floats=False)
    first = place(array)
    (got,) = both.hand_over(array)
    view = got[50:]
    del array, got
    both.give_back()
    assert place(both.maker.empty((100, 100), floats=False)) != first, "a view holds it"
    del view
    assert place(both.maker.empty((100, 100), floats=False)) != first, "nobody has said so"
    both.give_back()
    others = [both.maker.empty((100, 100), floats=False) for _ in range(2)]
    assert first in map(place, others)


def test_the_word_may_come_before_the_array_goes(both: Both) -> None:
    """The reader is done while the maker's own array is about to go: later that must not end the next loan."""
    array = both.maker.empty((100, 100), floats=False)
    first = place(array)
    both.hand_over(array)
    both.give_back()
    again = both.maker.empty((100, 100), floats=False)
    assert place(again) == first
    del array
    assert place(both.maker.empty((100, 100), floats=False)) != first


def test_two_arrays_of_one_piece(both: Both) -> None:
    array = both.maker.empty((100, 100), floats=False)
    array[:] = np.arange(100)[:, None]
    first = place(array)
    top, below = both.hand_over(array[:50], array[50:])
    assert (top[0], below[0]) == (0, 50)
    del array, top
    both.give_back()
    assert place(both.maker.empty((100, 100), floats=False)) != first
    assert below[0] == 50


def test_other_memory_is_copied(both: Both) -> None:
    other = np.arange(10_000)
    (got,) = both.hand_over(other)
    assert np.array_equal(got.view(other.dtype), other)


def test_few_lie_idle(both: Both) -> None:
    arrays: list[Any] = [both.maker.empty((100, n), floats=False) for n in range(100, 1000, 100)]
    got = both.hand_over(*arrays)
    assert len(both.reader._memory) == 9
    del arrays, got
    gc.collect()
    both.give_back()
    both.hand_over(both.maker.empty((10, 1000), floats=False))
    assert len(both.reader._memory) <= 4
    assert len(both.maker._idle) <= 3


def test_sizes_are_kept_apart(both: Both) -> None:
    small = both.maker.empty((10, 10), floats=False)
    first = place(small)
    del small
    assert place(both.maker.empty((500, 500), floats=False)) != first
    assert place(both.maker.empty((9, 9), floats=False)) == first
