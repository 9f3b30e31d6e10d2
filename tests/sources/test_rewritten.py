"""A file that is written while it is read gives its old or its new bytes, or an error."""

import os
from pathlib import Path
from typing import Any

import pytest

from vary.errors import SourceError
from vary.sources import Files, files

read = os.read


class Slow:
    """A file to which another program writes between the halves of a read, for the first few reads."""

    left = 0
    new = b""
    path = Path()

    @staticmethod
    def read(file: int, most: int) -> bytes:
        if os.lseek(file, 0, os.SEEK_CUR):
            return read(file, most)
        half = read(file, len(Slow.new) // 2)
        if Slow.left:
            Slow.left -= 1
            Slow.path.write_bytes(Slow.new[: len(Slow.new) - Slow.left])
        return half


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    Slow.path = tmp_path / "one.jpg"
    Slow.path.write_bytes(b"old " * 1000)
    Slow.new = b"new " * 999
    monkeypatch.setattr(files.os, "read", Slow.read)
    return Slow.path


@pytest.mark.parametrize("times", [0, 1, 2, files.READS - 1])
def test_a_read_is_of_one_state(path: Path, times: int) -> None:
    Slow.left = times
    image: Any = Files([path])[0].image
    assert image.data == (Slow.new if times else b"old " * 1000)


def test_a_file_that_is_written_all_the_time_is_an_error(path: Path) -> None:
    Slow.left = 100
    with pytest.raises(SourceError, match=r"one.jpg: was written to during each of 5 reads"):
        _ = Files([path])[0]


@pytest.mark.parametrize("size", [0, 1, 5000])
def test_a_file_without_a_size_is_read_to_its_end(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those in /proc, or on some network file systems."""
    (tmp_path / "one.jpg").write_bytes(bytes(size))
    status = os.fstat

    def without_size(file: int) -> os.stat_result:
        values = list(status(file))
        values[6] = 0
        return os.stat_result(values)

    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fstat", without_size)
        image: Any = Files([tmp_path / "one.jpg"])[0].image
    assert image.data == bytes(size)
