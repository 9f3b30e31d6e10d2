"""A file that is written while it is read gives its old or its new bytes, or an error."""

import io
from pathlib import Path
from typing import Any

import pytest

from vary.errors import SourceError
from vary.sources import Files, files


class Slow(io.FileIO):
    """A file to which another program writes between the halves of a read, for the first few reads."""

    left = 0
    new = b""

    def readall(self) -> bytes:
        half = self.read(len(Slow.new) // 2) or b""
        if Slow.left:
            Slow.left -= 1
            Path(self.name).write_bytes(Slow.new[: len(Slow.new) - Slow.left])
        return half + (super().readall() or b"")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "one.jpg"
    path.write_bytes(b"old " * 1000)
    Slow.new = b"new " * 999
    monkeypatch.setattr(files.io, "FileIO", Slow)
    return path


@pytest.mark.parametrize("times", [0, 1, 2, files.READS - 1])
def test_a_read_is_of_one_state(path: Path, times: int) -> None:
    Slow.left = times
    image: Any = Files([path])[0].image
    assert image.data == (Slow.new if times else b"old " * 1000)


def test_a_file_that_is_written_all_the_time_is_an_error(path: Path) -> None:
    Slow.left = 100
    with pytest.raises(SourceError, match=r"one.jpg: was written to during each of 5 reads"):
        _ = Files([path])[0]
