"""What lies on disk can be looked at and deleted, except what somebody uses."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from streams.cache_child import ONE, disk, files, held, put, size

import vary
from vary.errors import InputError
from vary.streams.cache import pairs
from vary.streams.cache.disk import DiskCache, disk_cache

CHILD = Path(__file__).with_name("cache_child.py")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """This user's cache folder, not made yet."""
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_nothing_is_there(folder: Path) -> None:
    found = disk_cache()
    assert found == DiskCache(folder, bytes=0, pairs=0, blocks=0, used=None)
    assert found.clear() == (0, {})
    assert not folder.exists()
    folder.mkdir()
    assert disk_cache() == found


def test_what_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(disk(folder), 0, 1, 2)
    put(disk(folder), 3)
    for number, path in enumerate(sorted(folder.glob("*.blocks"))):
        os.utime(path, (10**9 - number, 10**9 - number))
    (folder / "of somebody else.txt").write_text("x" * 1000)
    found = vary.disk_cache()
    assert found == DiskCache(folder, bytes=4 * ONE, pairs=2, blocks=4, used=10**9)
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("VARY_CACHE", "kept")
    assert disk_cache() == found


def test_use_is_seen(folder: Path) -> None:
    put(disk(folder), 0)
    os.utime(next(folder.glob("*.blocks")), (10**9, 10**9))
    assert held(disk(folder), range(1)) == [0]
    used = disk_cache().used
    assert used is not None
    assert abs(used - time.time()) < 100


def test_it_deletes_what_nobody_uses(folder: Path) -> None:
    put(disk(folder), 0, 1, 2)
    put(disk(folder), 3)
    (folder / "of somebody else.txt").write_text("x")
    assert disk_cache().clear() == (4 * ONE, {})
    assert [path.name for path in folder.iterdir()] == ["of somebody else.txt"]
    put(disk(folder), 3)
    assert held(disk(folder), range(5)) == [3]


def test_it_leaves_what_is_used(folder: Path) -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, CHILD, "write", folder], stdin=pipe, stdout=pipe, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "written\n"
        (theirs,) = folder.glob("*.blocks")
        before = size(folder)
        put(disk(folder), 20)
        mine = disk(folder)
        put(mine, 21)
        own = {*folder.glob("*.blocks")} - {theirs}
        freed, left = disk_cache().clear()
        assert freed == ONE
        assert left.keys() == {theirs, *(path for path in own if path.exists())}
        assert len(left) == 2
        assert {*left.values()} == {"a living process uses it"}
        assert held(disk(folder), range(30)) == [*range(10), 21]
        other.communicate(timeout=60)
    assert other.returncode == 0
    del mine
    assert disk_cache().clear() == (before + ONE, {})


def test_halves_are_deleted_too(folder: Path) -> None:
    for number in range(2):
        put(disk(folder), number)
    first, second = sorted(folder.glob("*.blocks"))
    first.unlink()
    second.with_suffix(".index").unlink()
    left = size(folder)
    assert disk_cache().clear() == (left, {})
    assert list(folder.iterdir()) == []


def test_why_a_file_stays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(disk(folder), 0)
    index, blocks = files(folder)

    def without_locks(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    with monkeypatch.context() as patched:
        patched.setattr(pairs.fcntl, "flock", without_locks)
        assert disk_cache().clear() == (0, {blocks: "Operation not supported"})
    assert index.exists()
    assert pairs.delete(folder / "gone.blocks") == (0, ""), "deleted by somebody else meanwhile"


def test_a_folder_that_is_none(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(InputError, match=rf"^{folder}: Not a directory; name another folder with VARY_CACHE$"):
        disk_cache()
