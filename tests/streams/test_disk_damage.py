"""Damaged files of the disk cache: a block is returned as it was written, or not at all."""

import errno
import itertools
import os
import shutil
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streams.cache_child import block, disk, file, files, held, path_of, put

from vary.codecs.decode import HEAD
from vary.streams.cache import disk as module

CHILD = Path(__file__).with_name("cache_child.py")
ALL = range(10)


@pytest.fixture
def good(written: Path) -> bytes:
    """The file of block 1."""
    return path_of(written, 1).read_bytes()


def check_damaged(folder: Path, data: bytes) -> None:
    """With this in the place of block 1, it is not there; what is put again stays."""
    path = path_of(folder, 1)
    path.write_bytes(data)
    store = disk(folder)
    head = store.get(file(1), 0)
    assert head is None or np.array_equal(head, block(1)[:HEAD])
    assert held(store, range(3)) == [0, 2]
    put(store, 1)
    assert held(store, range(3)) == held(disk(folder), range(3)) == [0, 1, 2]


def test_cut_off_at_any_length(written: Path, good: bytes) -> None:
    for length in range(len(good)):
        check_damaged(written, good[:length])


def test_any_byte_changed(written: Path, good: bytes) -> None:
    of_head = range(16, 20)  # a checksum that says nothing of the block
    for place, change in itertools.product(range(len(good)), (1, 0xFF)):
        data = bytearray(good)
        data[place] ^= change
        if place not in of_head:
            check_damaged(written, bytes(data))
        else:
            path_of(written, 1).write_bytes(data)
            assert held(disk(written), range(3)) == [0, 1, 2]
            assert disk(written).get(file(1), 0) is None


def test_zeros_after_a_power_failure(written: Path, good: bytes) -> None:
    for start in range(0, len(good), 8):
        check_damaged(written, good[:start] + bytes(len(good) - start))
    check_damaged(written, good + bytes(4000))
    check_damaged(written, bytes(len(good)) + good)


def test_cut_off_after_it_was_checked(written: Path, good: bytes) -> None:
    store, path = disk(written), path_of(written, 1)
    assert held(store, ALL) == [0, 1, 2]
    for length in (0, 10, 24, 100, len(good) - 1):
        path.write_bytes(good[:length])
        assert held(store, ALL) == [0, 2]
    put(store, 1)
    assert held(store, ALL) == [0, 1, 2]


def test_files_that_are_not_blocks(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (3, 4, 5):
        path_of(written, number).parent.mkdir(exist_ok=True)
    path_of(written, 3).write_bytes(np.random.default_rng(1).bytes(1000))
    path_of(written, 4).symlink_to("nowhere")
    path_of(written, 5).mkdir()
    (written / "v1" / "notes.txt").write_text("mine")
    (written / "v1" / "zz").mkdir()
    store = disk(written)
    assert held(store, ALL) == [0, 1, 2]
    put(store, 3, 4)
    assert held(store, ALL) == [0, 1, 2, 3, 4]
    monkeypatch.setattr(module, "VERSION", "v2")
    later = disk(written)
    assert held(later, ALL) == []
    put(later, 5)
    assert held(disk(written), ALL) == [5]
    monkeypatch.undo()
    assert held(disk(written), ALL) == [0, 1, 2, 3, 4]


def test_a_folder_deleted_while_in_use(written: Path) -> None:
    store = disk(written)
    seen = store.get(file(0), 1)
    shutil.rmtree(written)
    assert held(store, ALL) == []
    assert np.array_equal(seen, block(0))  # type: ignore[arg-type]
    put(store, 5)
    assert held(store, ALL) == held(disk(written), ALL) == [5]
    assert written.stat().st_mode & 0o777 == 0o700


FAILURES = {
    "full": ("write", errno.ENOSPC),
    "quota": ("write", errno.EDQUOT),
    "broken": ("write", errno.EIO),
    "told late": ("close", errno.EIO),
    "no descriptors": ("open", errno.EMFILE),
    "no name": ("replace", errno.EIO),
    "only read": ("mkdir", errno.EROFS),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_write_errors(written: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One warning with the folder and the error; each block counts as refused; what is there stays and comes out."""
    step, number = FAILURES[kind]

    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    class Broken:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *failure: object) -> None:
            self.inner.close()
            if step == "close" and failure[0] is None:
                fail()

        def write(self, data: bytes) -> int:
            return fail() if step == "write" and len(data) > 100 else self.inner.write(data)  # type: ignore[no-any-return]

    store, opened = disk(written), Path.open
    if step in ("write", "close"):
        monkeypatch.setattr(Path, "open", lambda path, mode: Broken(opened(path, mode)))
    else:
        monkeypatch.setattr(Path, step, fail)
    with pytest.warns(UserWarning, match=f"{written} cannot be written: {os.strerror(number)}.*VARY_CACHE") as reported:
        results = [store.put(file(number), 1, block(number)) for number in (3, 4, 5)]
    assert (len(reported), results) == (1, [False] * 3)
    assert held(store, ALL) == held(disk(written), ALL) == [0, 1, 2]
    monkeypatch.undo()
    assert len(files(written)) == 3, "nothing unfinished is left"
    assert store.put(file(3), 1, block(3)) is False, "not tried again so soon"
    store._until = 0
    put(store, 3, 4, 5)
    assert held(store, ALL) == [0, 1, 2, 3, 4, 5]


def test_a_disk_that_fails_for_good_warns_once(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, tried = disk(written), []

    def fail(*_: Any, **__: Any) -> None:
        tried.append(1)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.warns(UserWarning, match="No space left"):
        put(store, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(3):
            store._until = 0
            put(store, 3, 4)
    assert len(tried) == 4


def test_a_disk_that_cannot_be_read_holds_nothing(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(module.os, "read", fail)
    store = disk(written)
    assert (held(store, ALL), store.get(file(0), 0)) == ([], None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_is_only_read(written: Path) -> None:
    for folder in (*(written / "v1").iterdir(), written / "v1", written):
        folder.chmod(0o500)
    try:
        store = disk(written)
        with pytest.warns(UserWarning, match="Permission denied"):
            put(store, 5)
        assert held(store, ALL) == [0, 1, 2]
    finally:
        for folder in (written, written / "v1", *(written / "v1").iterdir()):
            folder.chmod(0o700)


@pytest.mark.needs("mounts")
def test_a_full_disk(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=1m tmpfs "$1" && exec "$2" "$3" full "$1/cache"'
    command = ["unshare", "-m", "sh", "-ec", script, "sh", str(tmp_path), sys.executable, str(CHILD)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


@pytest.mark.parametrize("step", ["write", "rename", "utime"])
def test_an_interruption_costs_one_block(tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the consumer's own thread writes."""

    def interrupted(*_: Any, **__: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    store = disk(tmp_path / "here")
    put(store, 0)
    owner, name = {"write": (Path, "open"), "rename": (Path, "replace"), "utime": (module.os, "utime")}[step]
    with monkeypatch.context() as patched:
        patched.setattr(owner, name, interrupted)
        with pytest.raises(KeyboardInterrupt):
            put(store, 1)
    assert len(files(tmp_path / "here")) == 1
    put(store, 2, 3)
    assert held(store, ALL) == held(disk(tmp_path / "here"), ALL) == [0, 2, 3]
