"""Stores change no byte of a batch, only which files have to be read and decoded."""

import io
import pickle
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image
from streams.cache_child import block, file

from vary.codecs.decode import HEAD, prepare
from vary.errors import DecodeError, SourceError
from vary.plan.request import Address, Decode, Request
from vary.plan.runner import Runner
from vary.policy import Policy
from vary.sources import Encoded
from vary.streams.cache import budget as module
from vary.streams.cache.blocks import Blocks
from vary.streams.cache.budget import Budget
from vary.streams.cache.disk import Disk
from vary.streams.cache.memory import File, Memory, Store
from vary.transforms import HorizontalFlip, RandomResizedCrop, Rotate

LARGE = 1 << 30


def sized(number: int) -> np.ndarray:
    """A block of another size for each number."""
    return np.full(70 + 13 * number, number, np.uint8)


def test_memory_keeps_what_fits() -> None:
    store = Memory(300)
    for number in (0, 1, 2, 3, 4, 0):  # 70, 83, 96, 109 and 122 bytes
        room = store.put(file(number), 1, sized(number))
        assert store.put(file(number), 1, sized(number)) == room == (store.get(file(number), 1) is not None)
    assert [number for number in range(6) if store.get(file(number), 1) is not None] == [0, 1, 2]
    assert store.held == 70 + 83 + 96
    store.put(file(10), 1, np.ones(51, np.uint8))  # to the last byte, though larger ones were refused
    assert store.held == 300
    store.put(file(11), 1, np.ones(1, np.uint8))
    assert store.get(file(11), 1) is None
    assert np.array_equal(store.get(file(2), 1), sized(2))  # type: ignore[arg-type]


def test_memory_with_a_limit_of_0() -> None:
    store = Memory(0)
    store.put(file(0), 1, block(0))
    assert (store.get(file(0), 1), store.get(file(0), 0), store.held) == (None, None, 0)


def test_memory_pickles_empty() -> None:
    store = Memory(LARGE, demand=700, ranks=2, compact=False)
    store.put(file(0), 1, block(0))
    copy = pickle.loads(pickle.dumps(store))
    assert (copy.limit, copy.held, copy.get(file(0), 1)) == (LARGE, 0, None)
    assert (copy.most, copy.demand, copy.ranks, copy.compact) == (LARGE, 700, 2, False)
    copy.put(file(0), 1, block(0))
    assert copy.held == block(0).nbytes


def test_blocks_of_a_changed_file_are_dropped() -> None:
    """All of its levels, and as if it had never been there: the new one finds room."""
    store = Memory(500)
    for level in (1, 2):
        store.put(File(3, "before"), level, block(level))
    store.put(File(4, "another"), 1, block(4)[:100])
    assert store.held == 500
    assert store.get(File(3, "after"), 0) is None
    assert store.get(File(3, "before"), 1) is None
    assert (store.held, store.get(File(4, "another"), 1) is not None) == (100, True)
    assert store.put(File(3, "after"), 1, block(5))
    assert store.put(File(3, "once more"), 1, block(6)), "also if it was not asked for in between"
    assert np.array_equal(store.get(File(3, "once more"), 1), block(6))  # type: ignore[arg-type]
    assert store.held == 100 + block(6).nbytes


def test_a_file_of_several_samples_is_kept_once() -> None:
    store = Memory(1000)
    for sample in (1, 2, 3):
        assert store.put(File(sample, "one file"), 1, block(1))
    assert store.held == block(1).nbytes
    assert all(store.get(File(sample, "one file"), 1) is not None for sample in (1, 2, 3, 4))
    assert store.get(File(2, "changed"), 1) is None
    assert store.held == 0
    store.put(File(2, "changed"), 1, block(2))
    for sample in (1, 3):
        assert store.get(File(sample, "changed"), 1) is not None
    assert store.held == block(2).nbytes


def test_memory_from_many_threads() -> None:
    """Never over the limit, of one or of two together, and no byte counted twice."""
    budget = Budget()
    stores = [Memory(20_000), Memory(demand=9_000, budget=budget), Memory(demand=9_000, budget=budget)]
    start, over = threading.Barrier(8), list[int]()

    def work(seed: int) -> None:
        start.wait()
        for number in np.random.default_rng(seed).permutation(300).tolist():
            for store in stores:
                store.put(File(number, (number, seed % 2)), 1, block(number))
                store.get(File(number, (number, (seed + number) % 2)), 1)  # of every other sample a former state
            if stores[0].held > 20_000 or stores[1].held + stores[2].held > 20_000:
                over.append(number)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(module, "free_memory", lambda: 80_000)
            patched.setattr(module, "FRESH", 1e9)
            threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not over
    for store in stores:
        kept = [blocks[1].nbytes for blocks in store._blocks.values()]
        assert sum(kept) == store.held > 3_000


def encoded(number: int, form: str = "jpeg", **options: Any) -> bytes:
    random = np.random.default_rng(number)
    small = Image.fromarray(random.integers(0, 256, (6, 5, 3), np.uint8))
    file = io.BytesIO()
    small.resize((150 + 7 * number, 200 - number), Image.Resampling.BICUBIC).save(file, form, **options)
    return file.getvalue()


class Files:
    """Six files: JPEG, PNG, one turned by EXIF; and how often each was read."""

    def __init__(self) -> None:
        turned = Image.Exif()
        turned[0x0112] = 6
        self.data = [encoded(0), encoded(1, "png"), encoded(2, exif=turned), encoded(3), encoded(4, "png"), encoded(5)]
        self.stamps = [0] * 6
        self.reads: list[int] = []
        self.refused: dict[int, DecodeError | SourceError] = {}

    def files(self) -> list[File]:
        return [File(sample, one) for sample, one in enumerate(zip("abcdef", self.stamps, strict=True))]

    def read(self, places: list[int]) -> list[Any]:
        self.reads += places
        return [self.refused.get(p) or prepare(Encoded(self.data[p]), 3) for p in places]


POLICY = Policy([RandomResizedCrop(40, 40, scale=(0.02, 1)), Rotate(20), HorizontalFlip(p=0.5)])
RUNNER: Runner = POLICY.runner(3, "uint8")


def address(epoch: int) -> Address:
    return Address(7, epoch, 0, np.arange(6))


class Got(NamedTuple):
    pictures: list[Any]  # blocks, or why there is none
    hits: int
    decode: int


def one_batch(store: Store, rows: np.ndarray, files: list[File], read: Any, decode: Decode) -> Got:
    out = Blocks(store, [(RUNNER, rows, 1)], files, read, lambda some: [files[p].fingerprint for p in some], decode)
    half, n = len(files) // 2, len(files)
    blocks = out.open(range(half), list, 2) + out.open(range(half, n), list, 2)
    return Got([out.errors.get(place, block) for place, block in enumerate(blocks)], out.hits, out.decode)


def get(store: Store, files: Files, epoch: int, decode: Decode = Decode()) -> Got:  # noqa: B008  immutable
    return one_batch(store, RUNNER.rows(address(epoch)), files.files(), files.read, decode)


def levels(epoch: int) -> list[int | str]:
    return RUNNER.levels(Files.read(Files(), [*range(6)]), RUNNER.rows(address(epoch)))


def varied(pictures: list[Any], epoch: int) -> np.ndarray:
    (images,), failures, *_ = RUNNER.batch(Request((pictures,), address(epoch)))
    assert not failures
    return images


class Nothing:
    """A store that loses everything."""

    held = limit = 0
    compact = True

    def get(self, file: File, level: int) -> None: ...
    def put(self, file: File, level: int, block: np.ndarray) -> None: ...


STORES: dict[str, Callable[[Path], Store]] = {
    "memory": lambda folder: Memory(LARGE),
    "little": lambda folder: Memory(100_000),
    "disk": lambda folder: Disk(folder, LARGE, ()),
    "nothing": lambda folder: Nothing(),
}


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return STORES[request.param](tmp_path)


@pytest.mark.parametrize("kind", STORES)
def test_the_same_batches_with_any_store(kind: str, tmp_path: Path) -> None:
    store, files = STORES[kind](tmp_path), Files()
    for epoch in range(12):
        if epoch == 8 and kind == "disk":
            store = STORES[kind](tmp_path)  # in the next process
        plain = varied(Files.read(files, [*range(6)]), epoch)
        assert np.array_equal(varied(get(store, files, epoch).pictures, epoch), plain)


def test_what_is_kept_is_not_read_again(store: Store) -> None:
    files = Files()
    out = get(store, files, 0)
    assert files.reads == [*range(6)]
    assert out.hits == 0
    assert out.decode > 0
    held = store.held
    again = get(store, files, 0)
    assert files.reads == [*range(6)]
    assert (again.hits, again.decode, store.held) == (6, 0, held)
    for one, two in zip(out.pictures, again.pictures, strict=True):
        assert np.array_equal(one, two)


def test_another_level_is_another_block(store: Store) -> None:
    """Which one is needed is known from what is kept, whichever that is; each is decoded once."""
    files, seen = Files(), set()
    for epoch in range(30):
        wanted = [(p, level) for p, level in enumerate(levels(epoch))]
        expected = [p for p, level in wanted if (p, level) not in seen]
        files.reads.clear()
        out = get(store, files, epoch)
        assert files.reads == expected
        assert out.hits == 6 - len(expected)
        seen.update(wanted)
    assert {level for _, level in seen} >= {1, 2, 4}
    assert all(level == 1 for p, level in seen if p in (1, 4))  # no JPEGs
    for p, level in seen:
        whole, head = store.get(files.files()[p], level), store.get(files.files()[p], 0)
        assert whole is not None
        assert head is not None
        assert len(head) == HEAD


def test_full_decode_keeps_full_size(store: Store) -> None:
    files = Files()
    get(store, files, 0)
    out = get(store, files, 0, Decode(full_decode=True))
    both = [
        RUNNER.batch(Request((pictures,), address(0), decode=Decode(full_decode=True))).arrays[0]
        for pictures in (out.pictures, Files.read(Files(), [*range(6)]))
    ]
    assert np.array_equal(*both)


def test_a_changed_file_is_decoded_again(store: Store) -> None:
    files = Files()
    get(store, files, 0)
    files.data[3], files.stamps[3] = encoded(9), 1
    files.reads.clear()
    out = get(store, files, 0)
    assert files.reads == [3]
    assert np.array_equal(varied(out.pictures, 0), varied(Files.read(files, [*range(6)]), 0))


def test_errors_are_at_their_places(store: Store) -> None:
    files = Files()
    gone, strange = SourceError("a file is gone"), DecodeError("no picture", "b")
    files.refused = {0: gone, 4: strange}
    files.data[2], files.data[5] = files.data[2][:-300], b"\xff\xd8\xffnothing"
    for _ in range(2):
        files.reads.clear()
        out = get(store, files, 0)
        assert out.pictures[0] is gone
        assert out.pictures[4] is strange
        assert out.pictures[2] is files.data[2]  # cut off: what a draw shows of it may be there
        assert isinstance(out.pictures[5], str)
        assert isinstance(out.pictures[1], np.ndarray)
        assert isinstance(out.pictures[3], np.ndarray)
        assert set(files.reads) >= {0, 2, 4, 5}  # nothing is kept of them
    assert (files.reads, out.hits) == ([0, 2, 4, 5], 2)
    files = Files()
    files.stamps[2] = files.stamps[5] = 1
    assert np.array_equal(varied(get(store, files, 0).pictures, 0), varied(Files.read(files, [*range(6)]), 0))


def test_too_many_pixels_is_a_reason_kept_or_not(store: Store) -> None:
    files, decode = Files(), Decode(max_pixels=10_000)
    before = get(store, files, 0, decode)
    refused = RUNNER.levels([files.data[0]], RUNNER.rows(address(0))[:1], decode)
    assert before.pictures[0] == refused[0]
    assert "over the limit of 10000" in before.pictures[0]
    get(store, files, 0)
    files.reads.clear()
    after = get(store, files, 0, decode)
    assert after.pictures[0] == before.pictures[0]
    assert files.reads == []


def test_one_file_twice_in_a_batch(store: Store) -> None:
    files = Files()
    rows = RUNNER.rows(address(0))
    out = one_batch(store, rows, [File(0, "a")] * 6, lambda places: [files.data[0]] * len(places), Decode())
    assert np.array_equal(varied(out.pictures, 0), varied([files.data[0]] * 6, 0))


def test_a_block_that_vanished_is_read_again(tmp_path: Path) -> None:
    """Between its head and itself, another process made room."""

    class Forgetful(Disk):
        def get(self, file: File, level: int) -> Any:
            return None if level and file.sample in (1, 3) else super().get(file, level)

    files = Files()
    get(Disk(tmp_path, LARGE, ()), files, 0)
    files.reads.clear()
    out = get(Forgetful(tmp_path, LARGE, ()), files, 0)
    assert (files.reads, out.hits) == ([1, 3], 4)
    assert np.array_equal(varied(out.pictures, 0), varied(Files.read(files, [*range(6)]), 0))


def test_a_batch_of_no_files(store: Store) -> None:
    out = one_batch(store, RUNNER.rows(address(0))[:0], [], Files().read, Decode())
    assert out == ([], 0, 0)
