"""Whatever happens to the files: what comes out is what was put, or nothing."""

import errno
import itertools
import os
import shutil
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from streams.cache_child import block, disk, files, held, key, put

from vary.streams.cache import pairs

ALL = range(10)


def check_damaged(folder: Path, path: Path, data: bytes, least: int) -> list[int]:
    """With this in the place of the file: nothing wrong comes out, and what is put again stays."""
    good, pair = path.read_bytes(), set(folder.iterdir())
    path.write_bytes(data)
    store = disk(folder)
    seen = held(store, range(3))
    assert len(seen) >= least
    put(store, 0, 1, 2)
    assert held(store, range(3)) == held(disk(folder), range(3)) == [0, 1, 2]
    store.refresh()
    assert held(store, range(3)) == [0, 1, 2]
    for extra in set(folder.iterdir()) - pair:
        extra.unlink()
    path.unlink()
    path.write_bytes(good)
    return seen


@pytest.mark.parametrize("which", [0, 1])
def test_cut_off_at_any_length(written: Path, which: int) -> None:
    path = files(written)[which]
    good = path.read_bytes()
    ends = [(40, 80, 120), (70, 128 + 83, 256 + 96)][which]  # of the three records; of the three blocks
    for length in range(len(good)):
        seen = check_damaged(written, path, good[:length], 0)
        assert seen == [number for number, end in enumerate(ends) if end <= length], length


@pytest.mark.parametrize("which", [0, 1])
def test_any_byte_changed(written: Path, which: int) -> None:
    path = files(written)[which]
    good = path.read_bytes()
    for place, change in itertools.product(range(len(good)), (1, 0xFF)):
        data = bytearray(good)
        data[place] ^= change
        check_damaged(written, path, bytes(data), 2)  # the other two are there


@pytest.mark.parametrize("which", [0, 1])
def test_zeros_where_the_power_went(written: Path, which: int) -> None:
    path = files(written)[which]
    good = path.read_bytes()
    for start in range(0, len(good), 8):
        check_damaged(written, path, good[:start] + bytes(len(good) - start), 0)
    assert check_damaged(written, path, good + bytes(4000), 3) == [0, 1, 2]
    assert check_damaged(written, path, bytes(len(good)) + good, 3 if which == 0 else 0) == [0, 1, 2][: 3 * (not which)]


def test_damage_is_repaired_for_good(written: Path) -> None:
    _, blocks = files(written)
    data = bytearray(blocks.read_bytes())
    data[5] ^= 1
    blocks.write_bytes(data)
    for again in range(4):
        store = disk(written)
        assert held(store, range(3)) == ([0, 1, 2] if again else [1, 2])
        put(store, 0)
        assert held(store, range(3)) == [0, 1, 2]
    assert len(list(written.glob("*.index"))) == 2


def test_records_behind_a_damaged_one_are_learnt_once(written: Path) -> None:
    index, _ = files(written)
    good = index.read_bytes()
    index.write_bytes(bytes(40) + good[40:80])
    store = disk(written)
    assert held(store, ALL) == [1]
    index.write_bytes(bytes(40) + good[40:])  # as if its process went on
    store.refresh()
    store.refresh()
    assert held(store, ALL) == [1, 2]
    assert len(store._table.records) == 2


def test_what_is_no_index_of_ours(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (written / "0.index").write_bytes(np.random.default_rng(1).bytes(40 * 1000 + 7))
    (written / "1.index").write_bytes(b"")
    (written / "2.index").mkdir()
    (written / "3.index").symlink_to("nowhere")
    (written / "notes.txt").write_text("mine")
    store = disk(written)
    assert held(store, ALL) == [0, 1, 2]
    assert len(store._table.records) == 3
    monkeypatch.setattr(pairs, "FORMAT", 2)
    later = disk(written)
    assert held(later, ALL) == []
    put(later, 5)
    assert held(disk(written), ALL) == [5]
    monkeypatch.undo()
    assert held(disk(written), ALL) == [0, 1, 2]


def test_sums_tell_apart_whatever_differs_in_one_byte() -> None:
    records = np.frombuffer(np.random.default_rng(2).bytes(40 * 500), pairs.RECORD)
    told = pairs.sums(records)
    for place in range(36):
        changed = np.frombuffer(records.tobytes(), np.uint8).reshape(-1, 40).copy()
        changed[:, place] ^= np.random.default_rng(place).integers(1, 256, 500, np.uint8)
        assert (pairs.sums(changed.reshape(-1).view(pairs.RECORD)) != told).all()


def test_files_deleted_while_in_use(written: Path) -> None:
    store, late = disk(written), disk(written)
    assert held(store, range(2)) == [0, 1]
    shutil.rmtree(written)
    assert held(store, ALL) == [0, 1, 2]  # it has them mapped
    assert held(late, ALL) == []
    store.refresh()
    assert held(store, ALL) == [0, 1, 2]
    with pytest.warns(UserWarning, match="nothing more is kept in .*No such file"):
        put(store, 5)
    assert store.put(key(6), block(6)), "silently, and not as if more room would help"
    assert held(store, ALL) == [0, 1, 2]
    assert not written.exists()


def test_own_files_deleted(tmp_path: Path) -> None:
    """What is written from then on goes where others see it; what was not mapped is put again."""
    store = disk(tmp_path)
    put(store, 0, 1)
    for path in tmp_path.iterdir():
        path.unlink()
    assert held(store, ALL) == []
    store.refresh()
    put(store, 0, 1, 2)
    assert held(store, ALL) == held(disk(tmp_path), ALL) == [0, 1, 2]


@pytest.mark.parametrize("left", [0, 1, 60, 127, 128, 130, 167])
def test_no_space_left(written: Path, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    write, store = pairs._write_all, disk(written)

    def full(file: BinaryIO, data: Any) -> None:
        nonlocal left
        write(file, memoryview(data)[:left])
        if left < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left -= len(data)

    monkeypatch.setattr(pairs, "_write_all", full)
    with pytest.warns(UserWarning, match="nothing more is kept in .*No space left"):
        put(store, 3)
    monkeypatch.undo()
    put(store, 4)
    store.refresh()
    put(store, 4)  # silently
    assert held(store, ALL) == [0, 1, 2]
    again = disk(written)
    assert held(again, ALL) == [0, 1, 2]
    put(again, 3, 4)
    assert held(disk(written), ALL) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("left", [0, 60, 128, 140, 168])
def test_an_interruption_costs_one_block(tmp_path: Path, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the consumer's own thread writes."""
    write, store = pairs._write_all, disk(tmp_path)

    def interrupted(file: BinaryIO, data: Any) -> None:
        nonlocal left
        write(file, memoryview(data)[:left])
        left -= len(data)
        if left <= 0:
            raise KeyboardInterrupt

    put(store, 0)
    monkeypatch.setattr(pairs, "_write_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        put(store, 1)
    monkeypatch.undo()
    put(store, 2, 3)
    assert held(store, ALL) == [0, 2, 3]
    assert set(held(disk(tmp_path), ALL)) >= {0, 2, 3}


def test_a_write_that_takes_less_than_it_is_given() -> None:
    class Slow:
        seen = b""

        def write(self, data: memoryview) -> int:
            self.seen += bytes(data[:7])
            return min(7, len(data))

    slow: Any = Slow()
    pairs._write_all(slow, bytes(range(100)))
    assert slow.seen == bytes(range(100))
