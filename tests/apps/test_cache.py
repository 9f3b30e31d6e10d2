"""`vary cache` says what is kept on disk, and deletes it."""

import os
import re
from pathlib import Path

import pytest
from streams.cache_child import ONE, disk, files, path_of, put

from vary.apps import cache
from vary.apps.cli import main


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def reported(capsys: pytest.CaptureFixture[str], *args: str) -> list[str]:
    assert main(["cache", *args]) == 0
    out, err = capsys.readouterr()
    assert not err
    return out.splitlines()


def test_empty_cache(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reported(capsys) == [f"folder     {folder}", "size       nothing is kept there"]
    assert reported(capsys, "--clear") == [f"freed 0 bytes in {folder}"]
    assert not folder.exists()


def test_what_a_run_kept(folder: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(data), "--epochs", "1", "--cache", "disk"]) == 0
    capsys.readouterr()
    for path in files(folder):
        os.utime(path, (10**9, 10**9))
    first, second, third = reported(capsys)
    assert first == f"folder     {folder}"
    assert re.fullmatch(r"size       \d+\.\d kB in \d+ files", second)
    assert re.fullmatch(r"last used  2001-09-0[89] \d\d:\d\d", third)
    kept = second.split(" in ")[0].split(maxsplit=1)[1]
    assert reported(capsys, "--clear") == [f"freed {kept} in {folder}"]
    assert list(folder.iterdir()) == []


def test_files_that_cannot_be_deleted_are_listed_with_the_reason(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(disk(folder), 0, 1, 2)
    writing = path_of(folder, 0).with_name(f"{path_of(folder, 0).name}.{0:016}.tmp")
    writing.write_bytes(bytes(50))
    assert reported(capsys)[1] == f"size       {3 * ONE + 50} bytes in 4 files"
    assert reported(capsys, "--clear") == [
        f"freed {3 * ONE} bytes in {folder}",
        f"left {writing.name}, 50 bytes: a process is writing it",
    ]
    assert reported(capsys)[1] == "size       50 bytes in 1 file"


def test_a_cache_folder_that_is_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.write_text("")
    assert main(["cache"]) == 1
    assert capsys.readouterr().err == (f"vary: error: {folder}: Not a directory; name another folder with VARY_CACHE\n")


def test_amounts() -> None:
    counts = 0, 999, 1000, 1_234_567, 2 * 10**9, 3_456 * 10**9
    assert [*map(cache.amount, counts)] == ["0 bytes", "999 bytes", "1.0 kB", "1.2 MB", "2.0 GB", "3,456.0 GB"]
