"""Blocks on disk: kept, shared, and making room."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from streams.cache_child import ONE, block, disk, file, files, held, path_of, put, size

from vary.codecs.decode import HEAD
from vary.errors import InputError
from vary.paths import cache_folder
from vary.streams.cache import disk as module
from vary.streams.cache.disk import Disk, size_of_cache
from vary.streams.cache.memory import File

CHILD = Path(__file__).with_name("cache_child.py")
ALL = range(10)


def child(case: str, folder: Path) -> "subprocess.Popen[str]":
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, CHILD, case, folder], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def test_blocks_are_found_at_once_and_after_a_restart(tmp_path: Path) -> None:
    store = disk(tmp_path)
    assert store.get(file(0), 1) is None
    assert list(tmp_path.iterdir()) == []  # who adds nothing makes no files
    put(store, *ALL)
    for one in (store, disk(tmp_path), pickle.loads(pickle.dumps(store))):
        assert held(one, range(12)) == list(ALL)
        assert one.held == size(tmp_path) == 10 * ONE
        seen = one.get(file(3), 1)
        assert seen is not None
        with pytest.raises(ValueError, match="read-only"):
            seen[0] = 1
    put(disk(tmp_path), *ALL)  # in the place of what is there
    assert len(files(tmp_path)) == 10
    assert store.held == size(tmp_path)


def test_every_part_of_a_name_counts(written: Path) -> None:
    store = disk(written)
    assert store.get(file(0), 2) is None
    assert store.get(File(7, ("picture", 0)), 1) is not None, "the index in the source does not"
    assert store.get(File(0, ("picture", 9)), 1) is None
    assert Disk(written, 1 << 30, (1, "test")).get(file(0), 1) is None


def test_the_head_is_that_of_any_level(tmp_path: Path) -> None:
    store = disk(tmp_path)
    for number, level in enumerate((8, 2, 1, 4)):
        assert store.get(file(number), 0) is None
        store.put(file(number), level, block(number))
        head = store.get(file(number), 0)
        assert head is not None
        assert np.array_equal(head, block(number)[:HEAD])


def test_a_block_is_checked_once(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(module.zlib, "crc32", lambda data, crc32=zlib.crc32: asked.append(len(data)) or crc32(data))
    store = disk(written)
    for _ in range(3):
        assert held(store, range(2)) == [0, 1]
    assert asked == [200, 200]
    monkeypatch.setattr(module, "LATEST", 2)
    assert held(store, range(3)) == [0, 1, 2]
    assert len(store._latest) < 3, "it does not grow without end"


def test_pickles_as_its_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = Disk(Path("here"), 12345, (3, "test"))
    monkeypatch.chdir("/")
    copy = pickle.loads(pickle.dumps(store))
    assert (copy.folder, copy.limit, copy.setting) == (tmp_path / "here", 12345, (3, "test"))


def test_two_stores_share_a_folder(tmp_path: Path) -> None:
    one, two = disk(tmp_path), disk(tmp_path)
    for start in (0, 4):
        put(one, start, start + 1)
        put(two, start + 2, start + 3)
        assert held(one, ALL) == held(two, ALL) == list(range(start + 4))


def test_processes_that_write_the_same_pictures(tmp_path: Path) -> None:
    """Whoever reads meanwhile sees each of them whole, always."""
    with child("again", tmp_path) as one, child("again", tmp_path) as two:
        try:
            for other in (one, two):
                assert other.stdout is not None
                assert other.stdout.readline() == "begun\n"
            until = time.monotonic() + 20
            while held(disk(tmp_path), range(5)) != list(range(5)):
                assert time.monotonic() < until
            store = disk(tmp_path)
            for _ in range(200):
                store._latest.clear()
                assert held(store, range(5)) == list(range(5))
        finally:
            for other in (one, two):
                other.communicate(timeout=60)
    assert {path.suffix for path in files(tmp_path)} <= {"", ".tmp"}
    assert len([path for path in files(tmp_path) if not path.suffix]) == 5


def test_killed_at_any_moment(tmp_path: Path) -> None:
    for part in range(3):
        folder = tmp_path / str(part)
        with child("endless", folder) as other:
            try:
                assert other.stdout is not None
                numbers = [int(next(other.stdout)) for _ in range(100 + 37 * part)]
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
            out, err = other.communicate(timeout=120)
        finally:
            other.kill()
    assert (other.returncode, out, err) == (0, "done\n", "")


def age(folder: Path, **seconds: int) -> None:
    """As if the blocks with these numbers were last used so long before this process began."""
    for number, ago in seconds.items():
        used = module.BEGAN - ago
        os.utime(path_of(folder, int(number[1:])), (used, used))


def test_the_longest_unused_makes_room(tmp_path: Path) -> None:
    put(disk(tmp_path), *range(6))
    age(tmp_path, n0=20, n1=50, n2=10, n3=40, n4=30)
    store = disk(tmp_path, 6 * ONE)
    put(store, 6)
    assert held(disk(tmp_path), range(8)) == [0, 2, 4, 5, 6], "a little more than is needed, so that this is rare"
    assert store.held == size(tmp_path)
    put(store, 7)  # there is room now
    assert held(disk(tmp_path), range(8)) == [0, 2, 4, 5, 6, 7]


def test_a_use_renews_a_block(tmp_path: Path) -> None:
    put(disk(tmp_path), 0, 1, 2)
    age(tmp_path, n0=50, n1=40, n2=30)
    before = time.time()
    assert held(disk(tmp_path), range(1)) == [0]
    assert path_of(tmp_path, 0).stat().st_mtime >= before - 1
    put(disk(tmp_path, 3 * ONE), 3)
    assert path_of(tmp_path, 0).exists()
    assert not path_of(tmp_path, 1).exists()


def test_use_is_noted_once_an_hour(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    noted: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(module.os, "utime", lambda path, _: noted.append(str(path)))
        store = disk(written)
        assert held(store, range(1)) == [0]
        assert noted == [], "it was just written"
        hour_ago = time.time() - module.HOUR - 10
        patched.undo()
        os.utime(path_of(written, 0), (hour_ago, hour_ago))
    assert held(store, range(1)) == [0]
    assert path_of(written, 0).stat().st_mtime > hour_ago + 10


def test_what_this_process_used_stays(tmp_path: Path) -> None:
    """Epochs come by every picture once: what makes room for the newest would be needed next."""
    store = disk(tmp_path, 3 * ONE)
    put(store, *range(10))
    assert held(store, ALL) == [0, 1, 2]
    assert store.put(file(3), 1, block(3)) is False
    age(tmp_path, n0=50, n1=40)
    assert held(store, ALL) == [0, 1, 2]
    other = disk(tmp_path, 3 * ONE)  # another stream of this process
    put(other, 5)
    assert held(other, ALL) == [0, 1, 2]


def test_what_this_process_used_yesterday_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEGAN", module.BEGAN - 10 * module.DAY)
    put(disk(tmp_path), 0, 1)
    age(tmp_path, n0=-9 * 86400 + 20_000, n1=-9 * 86400 - 20_000)
    put(disk(tmp_path, 2 * ONE), 2)
    assert held(disk(tmp_path), ALL) == [1, 2]


def test_a_block_over_the_limit_deletes_nothing(written: Path) -> None:
    age(written, n0=10, n1=10)
    for limit in (0, 100, ONE - 1):
        store = disk(written, limit)
        put(store, 5)
        assert store.put(file(5), 1, block(5)) is False
        assert len(files(written)) == 3
    store = disk(written, 4 * ONE)
    assert store.put(File(0, "large"), 1, np.zeros(4 * ONE, np.uint8)) is False
    assert store.put(File(0, "large too"), 1, np.zeros(4 * ONE - 30, np.uint8)) is False, "of three, one is in use"
    assert len(files(written)) == 3
    put(store, 5)  # a smaller one fits
    assert held(store, ALL) == [0, 1, 2, 5]


def test_refused_blocks_are_tried_again_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = disk(tmp_path, 2 * ONE)
    put(store, 0, 1, 2)
    path_of(tmp_path, 0).unlink()
    measured: list[Path] = []
    monkeypatch.setattr(module, "_files", lambda folder, all_=module._files: measured.append(folder) or all_(folder))
    put(store, *range(2, 10))  # not asked again so soon: many files may lie there
    assert measured == []
    store._until = 0
    put(store, 2)
    assert held(store, ALL) == [1, 2]


def test_files_are_not_measured_at_every_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[Path] = []
    monkeypatch.setattr(module, "_files", lambda folder, all_=module._files: measured.append(folder) or all_(folder))
    put(disk(tmp_path, 3200 * ONE), *range(150))
    assert len(measured) == 2, "at first, and after a part of the limit"


def test_files_of_other_processes_count(tmp_path: Path) -> None:
    """The limit is of all together."""
    stores = [disk(tmp_path, 300 * ONE) for _ in range(3)]
    for number in range(450):
        put(stores[number % 3], number)
    assert 298 * ONE < size(tmp_path) <= 330 * ONE


def test_a_former_state_is_deleted_when_its_file_is_asked_for(tmp_path: Path) -> None:
    """At the level that is asked for; whether it was read or written before."""
    put(disk(tmp_path), 0, 1)
    store = disk(tmp_path, 3 * ONE)
    assert store.get(file(0), 1) is not None
    put(store, 2, 3)
    assert store.put(file(4), 1, block(4)) is False
    for number in (0, 2):
        after = File(number, ("after", number))
        assert store.get(after, 0) is None
        assert store.get(after, 2) is None
        assert path_of(tmp_path, number).exists()
        assert store.get(after, 1) is None
        assert not path_of(tmp_path, number).exists()
        assert store.put(after, 1, block(9)), "there is room for it at once"
    assert store.put(File(2, "once more"), 1, block(8)), "also if it was not asked for in between"
    assert held(disk(tmp_path), ALL) == [1]
    assert len(files(tmp_path)) == 3
    assert store.held == size(tmp_path)


def test_a_file_of_several_samples(tmp_path: Path) -> None:
    store = disk(tmp_path)
    for sample in range(3):
        store.put(File(sample, "one file"), 1, block(1))
    assert len(files(tmp_path)) == 1
    for sample in range(4):
        store.put(File(sample, "changed"), 1, block(2))
    assert len(files(tmp_path)) == 1
    assert all(store.get(File(sample, "changed"), 1) is not None for sample in range(5))


def test_eviction_does_not_disturb_readers(tmp_path: Path) -> None:
    put(disk(tmp_path), 0)
    reader = disk(tmp_path)
    seen = reader.get(file(0), 1)
    age(tmp_path, n0=50)
    put(disk(tmp_path, ONE), 1)
    assert held(reader, ALL) == [1]
    assert seen is not None
    assert np.array_equal(seen, block(0))


def test_what_a_killed_process_left_is_deleted(written: Path) -> None:
    path = path_of(written, 1)
    old, new = (path.with_name(f"{path.name}.{digit * 16}.tmp") for digit in "0f")
    for left in (old, new):
        left.write_bytes(bytes(500))
    long_ago = time.time() - module.HOUR - 10
    os.utime(old, (long_ago, long_ago))
    put(disk(written), 5)
    assert not old.exists()
    assert new.exists(), "its process may live"
    assert held(disk(written), ALL) == [0, 1, 2, 5]


def descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    """However many blocks are held."""
    store = disk(tmp_path)
    put(store, *range(40))
    before = descriptors()
    kept = [store.get(file(number), 1) for number in range(40)]
    assert all(one is not None for one in kept)
    assert descriptors() == before


def test_the_size_of_many_files_is_estimated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(disk(tmp_path), *range(900))
    assert size_of_cache(tmp_path) == size(tmp_path) == 900 * ONE
    monkeypatch.setattr(module, "SAMPLE", 300)
    assert size_of_cache(tmp_path) == pytest.approx(900 * ONE, rel=0.2)
    reader = disk(tmp_path)
    assert reader.held == size_of_cache(tmp_path)
    monkeypatch.setattr(module, "size_of_cache", lambda _: 5)
    assert reader.held > 5, "not asked at every batch"
    reader._stale = 0
    assert reader.held == 5
    store = disk(tmp_path)
    put(store, 900)
    assert store.held == 901 * ONE, "who writes knows it exactly"
    assert size_of_cache(tmp_path / "nowhere") == 0


def test_only_this_user_may_read(tmp_path: Path) -> None:
    put(disk(tmp_path / "a" / "b"), 0)
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
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VARY_CACHE", "relative")
    assert cache_folder() == tmp_path / "relative"
    monkeypatch.delenv("VARY_CACHE")
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_CACHE_HOME", "/fast")
    assert cache_folder() == Path("/fast/vary")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path("/home/me/.cache/vary")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    with pytest.raises(InputError, match="VARY_CACHE"):
        cache_folder()


def test_threads_that_put_get_and_make_room(tmp_path: Path) -> None:
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
                    store._until = 0
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
