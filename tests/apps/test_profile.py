"""`vary profile`: numbers that add up, for people and for programs."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vary.apps.cli import main


def test_it_tells_each_epoch(
    data: Path, work: Path, snapshot: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(data)
    assert main(["profile", str(data), "--epochs", "2", "--batch-size", "3"]) == 0
    first, second = capsys.readouterr().out.split("\n\n")
    assert first.startswith("epoch 0: 8 images in ")
    assert "8 of 8 samples came from it" in second
    assert "limited by " in first
    assert snapshot(data) == before
    assert list(work.iterdir()) == []


def test_for_programs(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(data), "--cache", "none", "--views", "2", "--json", "--epochs", "3"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["epoch"] for one in found] == [0, 1, 2]
    assert {(one["images"], one["cache_hits"]) for one in found} == {(8, 0)}


def test_broken_files_are_listed(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = sorted(data.rglob("*.*"))
    files[0].write_bytes(b"nothing")
    assert main(["profile", str(data), "--epochs", "1"]) == 0
    assert f"skipped: 1\n  {files[0]}: " in capsys.readouterr().out
    for file in files:
        file.write_bytes(b"nothing")
    assert main(["profile", str(data)]) == 1
    assert "no picture came through; the first: " in capsys.readouterr().err
