"""Blocks on disk: kept, shared, and making room."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from streams.cache_child import ONE, block, disk, files, held, key, put, size

from vary.errors import InputError
from vary.streams.cache import disk as module
from vary.streams.cache import pairs
from vary.streams.cache.disk import Disk, cache_folder

CHILD = Path(__file__).with_name("cache_child.py")
ALL = range(10)


def child(case: str, folder: Path) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, CHILD, case, folder], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_what_is_put_is_there_at_once_and_after_a_restart(tmp_path: Path) -> None:
    store = disk(tmp_path)
    assert store.get(key(0)) is None
    assert list(tmp_path.iterdir()) == []  # who adds nothing makes no files
    put(store, *ALL)
    for one in (store, disk(tmp_path), pickle.loads(pickle.dumps(store))):
        assert held(one, range(12)) == list(ALL)
        assert one.held == size(tmp_path)
        seen = one.get(key(3))
        assert seen is not None
        assert seen.ctypes.data % 64 == 0
        with pytest.raises(ValueError, match="read-only"):
            seen[0] = 1
    put(disk(tmp_path), *ALL)  # what is there is not written again
    assert len(list(tmp_path.iterdir())) == 2


def test_every_part_of_a_key_counts(written: Path) -> None:
    store = disk(written)
    assert store.get(("picture 0", 2)) is None
    assert Disk(written, 1 << 30, (1, "test")).get(key(0)) is None
    assert store.get(("picture 0", 1)) is not None
    twins = pairs.Table(np.zeros(0, pairs.RECORD), np.zeros(0, np.uint8)).plus(
        np.array([(bytes(8) + bytes([n] * 8), n, 1, 0, 0) for n in (1, 2)], pairs.RECORD)
    )
    assert twins.find(bytes(8) + bytes([2] * 8)) == 1
    assert twins.find(bytes(8) + bytes([3] * 8)) is None  # of 16 bytes, the first 8 are alike


def test_a_block_is_checked_once(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(module.zlib, "crc32", lambda data, crc32=zlib.crc32: asked.append(len(data)) or crc32(data))
    store = disk(written)
    for _ in range(3):
        assert held(store, range(2)) == [0, 1]
    assert asked == [70, 83]


def test_pickles_as_its_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Disk(Path("here"), 12345, (3, "test"))
    monkeypatch.chdir("/")
    copy = pickle.loads(pickle.dumps(store))
    assert (copy.folder, copy.limit, copy.setting) == (tmp_path / "here", 12345, (3, "test"))


def test_records_go_into_the_table_and_stay_findable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECENT", 4)
    store = disk(tmp_path)
    for number in range(60):
        put(store, number)
        assert held(store, range(number + 1)) == list(range(number + 1))
    assert 40 < len(store._table.records) <= 60
    store.refresh()
    assert len(store._table.records) == 60
    assert held(store, range(60)) == list(range(60))


def test_two_at_once_learn_from_each_other(tmp_path: Path) -> None:
    one, two = disk(tmp_path), disk(tmp_path)
    for start in (0, 4):
        put(one, start, start + 1)
        put(two, start + 2, start + 3)
        one.refresh()
        two.refresh()
        one.refresh()
        numbers = list(range(start + 4))
        assert held(one, ALL) == held(two, ALL) == numbers
        assert len(one._table.records) == len(numbers)  # each learnt once
    assert len(list(tmp_path.glob("*.index"))) == 2


def test_another_process_sees_them_and_is_seen(tmp_path: Path) -> None:
    mine = disk(tmp_path)
    put(mine, 20)
    with child("write", tmp_path) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "written\n"
            assert held(mine, ALL) == []
            mine.refresh()
            assert held(mine, range(30)) == [*ALL, 20]
        finally:
            other.communicate(timeout=60)
    assert other.returncode == 0


def test_killed_at_any_moment(tmp_path: Path) -> None:
    for part in range(3):
        folder = tmp_path / str(part)
        with child("endless", folder) as other:
            try:
                assert other.stdout is not None
                numbers = [int(next(other.stdout)) for _ in range(200)]
            finally:
                other.kill()
            numbers += [int(line) for line in other.stdout if line.endswith("\n")]
        assert other.returncode == -signal.SIGKILL
        store = disk(folder)
        assert held(store, range(len(numbers) + 2))[: len(numbers)] == numbers
        put(store, 10**6)
        assert held(disk(folder), range(10**6, 10**6 + 1))


@pytest.mark.parametrize("case", ["killed", "fork_disk", "fork_threads", "fork_memory"])
def test_processes(case: str, tmp_path: Path) -> None:
    with child(case, tmp_path) as other:
        try:
            out, err = other.communicate(timeout=60)
        finally:
            other.kill()
    assert (other.returncode, out, err) == (0, "done\n", "")


def pair_of(folder: Path, *numbers: int, age: int) -> set[Path]:
    """The files of a process that has ended, not used since."""
    before = set(folder.iterdir()) if folder.exists() else set()
    put(disk(folder), *numbers)
    new = set(folder.iterdir()) - before
    for path in new:
        os.utime(path, (10**9 - age, 10**9 - age))
    return new


def test_the_longest_unused_makes_room(tmp_path: Path) -> None:
    middle, oldest, newest = (pair_of(tmp_path, n, 10 + n, age=age) for n, age in enumerate((20, 30, 10)))
    assert size(tmp_path) == 6 * ONE
    store = disk(tmp_path, 7 * ONE)
    put(store, 3)
    assert middle | oldest | newest <= set(tmp_path.iterdir())
    put(store, 4)
    assert set(tmp_path.iterdir()) & (middle | oldest | newest) == middle | newest
    assert held(store, range(5)) == [0, 2, 3, 4]  # and with that, all are used
    put(store, 5, 6, 7)
    assert held(store, range(8)) == [0, 2, 3, 4, 5]
    assert store.held == size(tmp_path) <= 7 * ONE
    assert held(disk(tmp_path), range(20)) == [0, 2, 3, 4, 5, 10, 12]


def test_use_makes_young(tmp_path: Path) -> None:
    oldest, newest = pair_of(tmp_path, 0, age=30), pair_of(tmp_path, 1, age=10)
    assert held(disk(tmp_path), range(1)) == [0]
    put(disk(tmp_path, 2 * ONE), 2)
    assert set(tmp_path.iterdir()) & (newest | oldest) == oldest


def test_what_cannot_fit_costs_nobody(written: Path) -> None:
    for limit in (0, 100, ONE - 1):
        store = disk(written, limit)
        put(store, 5)
        assert store.put(key(5), block(5)) is False
        assert held(disk(written), ALL) == [0, 1, 2]
    store = disk(written, 4 * ONE)
    assert store.put(("large", 1), np.zeros(4 * ONE, np.uint8)) is False
    assert store.put(("large", 2), np.zeros(4 * ONE, np.uint8)) is False
    assert held(disk(written), ALL) == [0, 1, 2]
    put(store, 5)  # a smaller one fits
    assert held(store, ALL) == [0, 1, 2, 5]


def test_files_in_use_elsewhere_stay(tmp_path: Path) -> None:
    with child("write", tmp_path) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "written\n"
            theirs = set(tmp_path.iterdir())
            put(disk(tmp_path, size(tmp_path)), 20)
            assert set(tmp_path.iterdir()) == theirs
            other.kill()  # its locks end with it
            other.wait()
            store = disk(tmp_path, size(tmp_path))
            put(store, 20)
            assert not set(tmp_path.iterdir()) & theirs
            assert held(store, range(30)) == [20]
        finally:
            other.kill()


def test_a_pair_that_only_reads_is_in_use_as_well(tmp_path: Path) -> None:
    pair_of(tmp_path, 0, 1, age=10)
    reader = disk(tmp_path)
    assert held(reader, ALL) == [0, 1]
    put(disk(tmp_path, 2 * ONE), 2)
    assert held(disk(tmp_path), ALL) == [0, 1]
    del reader
    put(disk(tmp_path, 2 * ONE), 2)
    assert held(disk(tmp_path), ALL) == [2]


def test_the_limit_is_of_all_together(tmp_path: Path) -> None:
    stores = [disk(tmp_path, 60 * ONE) for _ in range(3)]
    for number in range(120):
        put(stores[number % 3], number)
    assert 58 * ONE < size(tmp_path) <= 60 * ONE


def test_blocks_that_lost_their_index_make_room(tmp_path: Path) -> None:
    pair_of(tmp_path, 0, 1, age=10)
    files(tmp_path)[0].unlink()
    store = disk(tmp_path, 3 * ONE)
    put(store, 2, 3)
    assert held(store, ALL) == [2, 3]
    assert size(tmp_path) == 2 * ONE


def test_no_room_today_may_be_there_tomorrow(tmp_path: Path) -> None:
    other = disk(tmp_path)
    put(other, 0, 1)
    store = disk(tmp_path, 2 * ONE)
    put(store, 2)
    assert held(store, range(2, 3)) == []
    del other
    put(store, 2)  # not asked again so soon
    assert len(list(tmp_path.iterdir())) == 2
    store.refresh()
    put(store, 2)
    assert held(store, range(2, 3)) == [2]


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to("nowhere/at/all")
    for folder in ("file", "file/below", "dangling"):
        with pytest.raises(InputError, match=rf"cache='disk': .*/{folder} cannot be made: .*VARY_CACHE"):
            disk(tmp_path / folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_only_read(written: Path) -> None:
    written.chmod(0o500)
    try:
        store = disk(written)
        with pytest.warns(UserWarning, match="Permission denied"):
            put(store, 5)
        assert held(store, ALL) == [0, 1, 2]
        with pytest.raises(InputError, match="cannot be made: Permission denied"):
            disk(written / "below")
    finally:
        written.chmod(0o700)


def test_only_this_user_may_look(tmp_path: Path) -> None:
    disk(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_a_linked_folder(written: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(written)
    store = disk(tmp_path / "link")
    put(store, 3)
    assert held(store, ALL) == held(disk(written), ALL) == [0, 1, 2, 3]


def test_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("VARY_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("VARY_CACHE")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", "/fast")
    assert cache_folder() == Path("/fast/vary")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("/home/me/.cache/vary")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    with pytest.raises(InputError, match="VARY_CACHE"):
        cache_folder()


def test_threads_that_put_take_learn_and_make_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RECENT", 10)
    stores, errors = [disk(tmp_path, 100 * ONE) for _ in range(2)], []

    def work(seed: int) -> None:
        random = np.random.default_rng(seed)
        try:
            for step in range(150):
                store = stores[int(random.integers(2))]
                number = int(random.integers(200))
                put(store, number)
                held(store, range(number, number + 3))
                if step % 10 == seed:
                    store.refresh()
                if step % 50 == seed:
                    stores[seed % 2] = disk(tmp_path, 100 * ONE)
        except BaseException as error:
            errors.append(error)
            raise

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not errors
    assert len(held(disk(tmp_path), range(200))) > 50
