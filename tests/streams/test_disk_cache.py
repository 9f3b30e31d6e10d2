"""`vary.disk_cache()`: says what is kept on disk, and deletes it."""

import os
import time
from pathlib import Path

import pytest
from streams.cache_child import ONE, block, disk, file, files, held, path_of, put

import vary
from vary.errors import InputError
from vary.streams.cache import disk as module
from vary.streams.cache.disk import DiskCache, disk_cache


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """This user's cache folder, not made yet."""
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def test_an_empty_cache(folder: Path) -> None:
    found = disk_cache()
    assert found == DiskCache(folder, bytes=0, files=0, used=None)
    assert found.clear() == (0, {})
    assert not folder.exists()
    folder.mkdir()
    assert disk_cache() == found


def test_folder_size_and_number(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(disk(folder), 0, 1, 2, 3)
    for number in range(4):
        os.utime(path_of(folder, number), (10**9 - number, 10**9 - number))
    (folder / "of somebody else.txt").write_text("x" * 1000)
    found = vary.disk_cache()
    assert found == DiskCache(folder, bytes=4 * ONE, files=4, used=10**9)
    monkeypatch.chdir(folder.parent)
    monkeypatch.setenv("VARY_CACHE", "kept")
    assert disk_cache() == found


def test_last_use(folder: Path) -> None:
    put(disk(folder), 0)
    os.utime(path_of(folder, 0), (10**9, 10**9))
    assert held(disk(folder), range(1)) == [0]
    used = disk_cache().used
    assert used is not None
    assert abs(used - time.time()) < 100


def test_it_deletes_what_vary_wrote_and_nothing_else(folder: Path) -> None:
    store = disk(folder)
    put(store, 0, 1, 2)
    store.put(file(2), 8, block(2))
    subfolder = path_of(folder, 0).parent
    foreign = [folder / "a.txt", folder / "mine.blocks", folder / "v1" / "b", subfolder / "c", subfolder / f"{0:030}-3"]
    for path in foreign:
        path.write_text("x")
    former = [folder / f"{7:016x}-{8:032x}.{kind}" for kind in ("blocks", "index")]
    for path in former:
        path.write_bytes(bytes(100))
    assert disk_cache().bytes == 4 * ONE + 200
    assert disk_cache().clear() == (4 * ONE + 200, {})
    assert sorted(files(folder)) == sorted(foreign)
    put(store, 3)
    assert held(store, range(5)) == [3], "who uses it goes on"
    for path in foreign:
        path.unlink()
    assert disk_cache().clear() == (ONE, {})
    assert list(folder.iterdir()) == []


def test_unfinished_files_stay(folder: Path) -> None:
    put(disk(folder), 0)
    path = path_of(folder, 0)
    writing, left = (path.with_name(f"{path.name}.{digit * 16}.tmp") for digit in "0f")
    for one in (writing, left):
        one.write_bytes(bytes(10))
    long_ago = time.time() - module.HOUR - 10
    os.utime(left, (long_ago, long_ago))
    assert disk_cache().clear() == (ONE, {writing: "a process is writing it"})
    assert files(folder) == [writing]


def test_files_that_stay_have_a_reason(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(disk(folder), 0, 1)
    stays, gone = path_of(folder, 0), path_of(folder, 1)
    unlink = Path.unlink

    def refuse(path: Path) -> None:
        if path == stays:
            raise PermissionError(1, "Operation not permitted")
        unlink(path)
        if path == gone:
            raise FileNotFoundError(2, "deleted by another process meanwhile")

    monkeypatch.setattr(Path, "unlink", refuse)
    assert disk_cache().clear() == (0, {stays: "Operation not permitted"})
    assert files(folder) == [stays]


def test_a_cache_folder_that_is_a_file(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(InputError, match=rf"^{folder}: Not a directory; name another folder with VARY_CACHE$"):
        disk_cache()
