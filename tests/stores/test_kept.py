"""The cache of ranges: never other bytes than the object's, never more than its limit, whatever befalls its folder."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from stores.conftest import World

import vary
from vary import stores
from vary.stores.kept import Kept

URL = "s3://pets/big.bin"
OWN = "vary-ranges"


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=40), st.integers(0, 150))
def test_memory_stays_within_the_limit(puts: list[tuple[int, int]], most: int) -> None:
    kept, model = Kept(most, None), {}
    for key, size in puts:
        data = bytes([key]) * size
        kept.put(bytes([key]), data)
        model[bytes([key])] = data
        assert kept.held <= most
        for name, expected in model.items():
            found = kept.get(name)
            assert found is None or found == expected or len(expected) > most


def test_the_longest_unused_goes_first() -> None:
    kept = Kept(3, None)
    for key in b"abc":
        kept.put(bytes([key]), b"x")
    assert kept.get(b"a") == b"x"
    kept.put(b"d", b"x")
    assert [kept.get(one) for one in (b"a", b"b", b"c", b"d")] == [b"x", None, b"x", b"x"]


def test_a_damaged_file_is_absent(tmp_path: Path) -> None:
    draw = random.Random(0)
    for _ in range(50):
        Kept(10_000, str(tmp_path)).put(b"key", bytes(range(200)))
        (file,) = (tmp_path / OWN).iterdir()
        data = bytearray(file.read_bytes())
        if draw.random() < 0.5:
            data = data[: draw.randrange(len(data))]
        else:
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
        file.write_bytes(data)
        assert Kept(10_000, str(tmp_path)).get(b"key") is None
        assert not list((tmp_path / OWN).iterdir())


def test_a_folder_stays_within_the_limit(tmp_path: Path) -> None:
    kept = Kept(20_000, str(tmp_path))
    for number in range(100):
        kept.put(bytes([number]), bytes(1000))
        assert sum(file.stat().st_size for file in (tmp_path / OWN).iterdir()) <= 21_100
    assert Kept(20_000, str(tmp_path)).get(bytes([99])) == bytes(1000)


def test_files_of_the_user_are_neither_counted_nor_deleted(tmp_path: Path) -> None:
    (tmp_path / OWN / "aa.range.dir").mkdir(parents=True)
    foreign = [tmp_path / "thesis.doc", tmp_path / "61", tmp_path / OWN / "notes.txt", tmp_path / OWN / "61"]
    for path in foreign:
        path.write_bytes(bytes(30_000))
        os.utime(path, (0, 0))
    kept = Kept(5_000, str(tmp_path))
    for number in range(30):
        kept.put(bytes([number]), bytes(1000))
    assert all(path.read_bytes() == bytes(30_000) for path in foreign)
    assert Kept(5_000, str(tmp_path)).get(bytes([29])) == bytes(1000)
    assert Kept(5_000, str(tmp_path)).get(b"a") is None
    assert len(list((tmp_path / OWN).glob("*.range"))) in (3, 4)


def test_an_unfinished_file_is_deleted_when_its_process_has_ended(tmp_path: Path) -> None:
    (tmp_path / OWN).mkdir()
    old, new = (tmp_path / OWN / f"61.range.{number}-0123abcd.tmp" for number in (1, 2))
    for path in (old, new):
        path.write_bytes(bytes(3000))
    os.utime(old, (0, 0))
    for number in range(5):
        Kept(5_000, str(tmp_path)).put(bytes([number]), bytes(1000))
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize("wrong", [5, "", b"a"])
def test_a_folder_that_is_no_path(wrong: object) -> None:
    with pytest.raises(vary.InputError, match=r"storage\['cache_folder'\]=.*give the path of a folder"):
        stores.Storage.of({"cache_folder": wrong})


def test_a_full_disk_warns_once_and_reads_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept(10_000, str(tmp_path))
    kept.put(b"a", b"1")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vary.stores.kept.os.replace", full)
    with pytest.warns(UserWarning, match="No space left.*only read from now on"):
        kept.put(b"b", b"2")
    kept.put(b"c", b"3")
    assert [kept.get(one) for one in (b"a", b"b", b"c")] == [b"1", b"2", b"3"]
    assert len(list((tmp_path / OWN).iterdir())) == 1


TWO = """
import sys
from vary.stores.kept import Kept
for turn in range(300):
    kept = Kept(5_000, sys.argv[1])
    for key in range(8):
        found = kept.get(bytes([key]))
        assert found in (None, bytes([key]) * 900), found
        kept.put(bytes([key]), bytes([key]) * 900)
"""


def test_two_processes_share_a_folder(tmp_path: Path) -> None:
    both = [subprocess.Popen([sys.executable, "-c", TWO, tmp_path]) for _ in range(2)]
    assert [one.wait(60) for one in both] == [0, 0]
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.needs("store")
def test_ranges_are_those_of_the_object_and_are_not_downloaded_twice(world: World, tmp_path: Path) -> None:
    whole = (world.folder / "big.bin").read_bytes()
    storage = world.storage(cache_bytes=10_000_000, cache_folder=str(tmp_path))
    draw = random.Random(1)
    for _ in range(50):
        start, stop = draw.randrange(310_000), draw.randrange(310_000)
        assert stores.read_range(URL, start, stop, storage) == whole[start:stop]
    assert stores.read_range(URL, 0, 400_000, storage) == whole
    before = world.requests()
    assert before <= 5  # as many as there are blocks
    with stores.open_file(URL, storage) as file:
        assert file.read() == whole
        assert file.seek(-7, 2) == 300_000 - 7
        assert file.read() == whole[-7:]
    assert world.requests() == before
    again = world.storage(cache_bytes=10_000_001, cache_folder=str(tmp_path))  # another cache, the same folder
    assert stores.read_range(URL, 5, 200_000, again) == whole[5:200_000]
    assert world.requests() == before
