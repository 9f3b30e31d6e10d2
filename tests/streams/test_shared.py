"""Shared buffers: which process uses them, when they are reused, and which process sees what is written to them."""

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import CancelledError

import numpy as np
import pytest

from vary.streams.workers.process import memory
from vary.streams.workers.process.memory import FREE, HELD, MADE, SENT, Arena, BufferPool, Ref, unnamed_file


class Both:
    """Server and client in one process."""

    def __init__(self, kept: int = 3) -> None:
        file = unnamed_file()
        self.client, self.server = Arena(file), Arena(os.dup(file))
        self.pool = BufferPool(self.server, kept)

    def made(self, value: int = 0, size: int = 10_000) -> np.ndarray:
        array = self.pool.empty((size // 100, 100), "uint8")
        array[:] = value
        return array

    def send(self, *arrays: np.ndarray) -> list[Ref]:
        refs: list[Ref] = []
        for array in arrays:
            self.pool.send(memoryview(array).cast("B"), refs)  # type: ignore[arg-type]
        return refs

    def hand_over(self, *arrays: np.ndarray) -> list[np.ndarray]:
        return self.client.arrays(self.send(*arrays))

    def states(self) -> list[int]:
        return [int(word % 4) for word in self.client.words[: self.client.count[0]]]

    def pages(self) -> int:
        return os.fstat(self.client.file).st_blocks * 512 // 4096


@pytest.fixture
def both() -> Both:
    return Both()


def place(array: np.ndarray) -> int:
    return int(array.ctypes.data)


@pytest.mark.parametrize(("shape", "dtype"), [((2, 30, 40, 3), "uint8"), ((5, 70, 40), "float16"), ((0, 3), "float32")])
def test_the_client_reads_what_the_server_wrote(both: Both, shape: tuple[int, ...], dtype: str) -> None:
    array = both.pool.empty(shape, dtype)
    assert (array.shape, array.dtype) == (shape, dtype)
    array[...] = np.random.default_rng(1).integers(0, 256, shape)
    if array.size:
        (got,) = both.hand_over(array)
        assert got.tobytes() == array.tobytes()
        assert place(got) != place(array), "another view of the same memory"


def test_states(both: Both) -> None:
    array = both.made()
    assert both.states() == [MADE]
    refs = both.send(array)
    assert both.states() == [SENT]
    assert both.pool.is_unread(refs)
    (got,) = both.client.arrays(refs)
    assert both.states() == [HELD]
    assert not both.pool.is_unread(refs)
    del array, got
    assert both.states() == [FREE]


def test_unsent_buffers_are_reused(both: Both) -> None:
    assert len({place(both.made()) for _ in range(20)}) == 1
    assert both.states() == [FREE]


def test_sent_buffers_are_not_reused_before_they_are_read(both: Both) -> None:
    array = both.made(9)
    first = place(array)
    (got,) = both.hand_over(array)
    view = got.reshape(100, 100)[50:, ::3].view(np.int8)
    del array, got
    assert place(both.made(1)) != first, "a view holds it"
    assert set(view.ravel().tolist()) == {9}
    del view
    others = [both.made(), both.made()]
    assert first in map(place, others)


def test_a_buffer_may_be_freed_before_the_servers_array_is_deleted(both: Both) -> None:
    """That one goes later, and must not end the next use."""
    array = both.made()
    first = place(array)
    both.hand_over(array)
    again = both.made()
    assert place(again) == first
    del array
    assert both.states() == [MADE]
    assert place(both.made()) != first


def test_two_arrays_of_one_buffer(both: Both) -> None:
    array = both.made()
    array[:] = np.arange(100)[:, None]
    top, below = both.hand_over(array[:50], array[50:])
    assert (top[0], below[0]) == (0, 50)
    del array, top
    assert both.states() == [HELD]
    assert below[0] == 50
    del below
    assert both.states() == [FREE]


def test_other_memory_is_copied(both: Both) -> None:
    other = np.arange(10_000)
    (got,) = both.hand_over(other)
    assert np.array_equal(got.view(other.dtype), other)


def test_small_arrays_stay_in_the_message(both: Both) -> None:
    assert both.send(np.arange(100)) == []
    refs = both.send(array := both.made(3, 5_000))
    assert len(refs) == 1, "unless they are in a buffer already"
    assert set(both.client.arrays(refs)[0].tolist()) == set(array.ravel().tolist())


def test_an_array_that_is_sent_twice_is_copied(both: Both) -> None:
    """The first message's reader may be done, and the buffer be in use again, before the second one is read."""
    array = both.made(5, 100_000)
    first, second = both.send(array), both.send(array)
    assert first[0].buffer != second[0].buffer
    for refs in (first, second):
        assert set(both.client.arrays(refs)[0].tolist()) == {5}


def test_unread_buffers_are_freed(both: Both) -> None:
    read, unread = both.send(both.made(1)), both.send(both.made(2))
    (got,) = both.client.arrays(read)
    for refs in (read, unread):
        both.pool.take_back(refs)
    assert both.states() == [HELD, FREE]
    both.made(3)
    assert set(got.tolist()) == {1}
    with pytest.raises(CancelledError):  # it is read after all, by a thread that another one has overtaken
        both.client.arrays(unread)
    later = both.send(both.made(4))
    assert later[0].buffer == unread[0].buffer
    with pytest.raises(CancelledError):
        both.client.arrays(unread)
    assert set(both.client.arrays(later)[0].tolist()) == {4}


def test_few_free_buffers_keep_their_memory(both: Both) -> None:
    arrays = [both.made(size=size) for size in range(10_000, 100_000, 10_000)]
    full = both.pages()
    got = both.hand_over(*arrays)
    for array in got:
        array.sum()
    del arrays, array, got
    both.pool.trim()
    assert both.states() == [FREE] * 9
    assert sum(both.pool._has_memory) == 3
    assert both.pages() <= full - 6 * 3
    assert set(both.hand_over(both.made(8, 30_000))[0].tolist()) == {8}, "with memory once more"


def test_buffers_in_use_keep_their_memory(both: Both) -> None:
    held = [both.hand_over(both.made(n))[0] for n in range(40)]
    free = [both.made() for _ in range(10)]
    del free
    both.pool.trim()
    full = both.pages()
    both.client.release_rest()
    assert both.pages() <= full - 3 * 3
    assert [set(array.tolist()) for array in held] == [{n} for n in range(40)]


def test_sizes_are_kept_apart(both: Both) -> None:
    small = both.made(size=10_000)
    first = place(small)
    del small
    assert place(both.made(size=250_000)) != first
    assert place(both.made(size=8_000)) == first


def test_too_many_buffers(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "BUFFERS", 3)
    held = [both.made() for _ in range(3)]
    with pytest.raises(OSError, match="3 batches or more are held; keep copies"):
        both.made()
    del held[0]
    both.made()


def test_no_descriptor_is_used_by_what_is_mapped(both: Both) -> None:
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    held = [both.hand_over(both.made(n))[0] for n in range(40)]
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208
    del held


def _libc_fork() -> int:
    return int(ctypes.PyDLL(None).fork())


@pytest.mark.parametrize("fork", [os.fork, _libc_fork])
def test_a_fork_has_memory_of_its_own(both: Both, fork: Callable[[], int]) -> None:
    """Of both, what they had or write stays theirs; and the buffer is free for the server at once."""
    server_array = both.made(7, 50_000)
    (got,) = both.hand_over(server_array)
    got[:100] = 1
    go, wait = os.pipe()
    pid = fork()
    if pid == 0:
        code = 1
        try:
            os.close(wait)
            grandchild = fork()
            os.read(go, 1)  # or the parent has failed
            right = set(got[:100].tolist()) == {1} and set(got[100:].tolist()) == {7}
            got[:] = 2
            right &= grandchild == 0 or os.waitpid(grandchild, 0)[1] == 0
            del got
            code = int(not right or both.states() != [MADE])
        finally:
            os._exit(code)
    try:
        assert both.states() == [FREE]
        server_array[:] = 9  # the server's, which uses the buffer again
        again = both.made(10, 50_000)
        assert place(again) == place(server_array)
        assert (set(got[:100].tolist()), set(got[100:].tolist())) == ({1}, {7})
        got[:200] = 3
    finally:
        os.close(wait)
        code = os.waitpid(pid, 0)[1]
        os.close(go)
    assert code == 0
    assert (set(got[:200].tolist()), set(got[200:].tolist())) == ({3}, {7})
    del got
    assert both.states() == [MADE], "which is not that array's any more"


def fork_and_write(array: np.ndarray) -> None:
    """A child that writes to the array and ends."""
    pid = os.fork()
    if pid == 0:
        array[:] = 255
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0


def test_a_buffer_is_shared_again_after_a_fork(both: Both) -> None:
    (got,) = both.hand_over(both.made(1))
    fork_and_write(got)
    for value in (2, 3):
        array = both.made(value)
        place_there = place(array)
        (later,) = both.hand_over(array)
        assert set(later.tolist()) == {value}
        fork_and_write(later)
        assert set(later.tolist()) == {value}
        assert both.states() == [FREE]
        assert place(both.made()) == place_there
    assert set(got.tolist()) == {1}


def test_buffers_in_use_outlive_server_and_file(both: Both) -> None:
    (got,) = both.hand_over(both.made(6))
    unread = both.send(both.made(7))
    both.client.release_rest()
    with pytest.raises(CancelledError):  # its memory is gone: zeros would come
        both.client.arrays(unread)
    del both.client, both.server, both.pool
    got[:50] = 5
    fork_and_write(got)
    assert (set(got[:50].tolist()), set(got[50:].tolist())) == ({5}, {6})


def test_a_descriptor_that_is_another_file_now(both: Both) -> None:
    """Closed by the program, as one that makes itself a daemon does."""
    (got,) = both.hand_over(both.made(6))
    saved = os.dup(both.client.file)
    os.dup2(other := unnamed_file(), both.client.file)
    os.close(other)
    os.ftruncate(both.client.file, 1 << 24)
    pid = os.fork()
    if pid == 0:
        os._exit(int(set(got.tolist()) != {6}))
    assert os.waitpid(pid, 0)[1] == 0
    assert set(got.tolist()) == {6}
    del got
    assert both.states() == [HELD], "for good: another process may see it"
    os.dup2(saved, both.client.file)
    os.close(saved)
