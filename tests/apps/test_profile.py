"""`vary profile`: its numbers add up, as text and as JSON."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vary.apps.cli import byte_count, main
from vary.apps.profile import as_options


def test_each_epoch_is_reported(
    data: Path, work: Path, snapshot: Callable[[Path], object], capsys: pytest.CaptureFixture[str]
) -> None:
    before = snapshot(data)
    assert main(["profile", str(data), "--epochs", "2", "--batch-size", "3", "--prefetch", "0"]) == 0
    first, second = capsys.readouterr().out.split("\n\n")
    assert first.startswith("epoch 0: 8 images in ")
    assert "8 of 8 samples came from it" in second
    assert "limited by " in first
    assert snapshot(data) == before
    assert list(work.iterdir()) == []


def test_json_output(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
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
    assert "no picture came through: 8 are broken; the first: " in capsys.readouterr().err


def test_on_error_option(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = min(data.rglob("*.*"))
    broken.write_bytes(b"nothing")
    args = ["profile", str(data), "--epochs", "1", "--json"]
    for on_error, images in (("skip", 7), ("replace", 8)):
        assert main([*args, "--on-error", on_error]) == 0
        (one,) = json.loads(capsys.readouterr().out)
        assert one["images"] == images
    assert main([*args, "--on-error", "raise"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"vary: error: {broken}: ")
    assert said.endswith('; --on-error skip goes on without such files, "replace" takes others\n')


def test_messages_name_options_instead_of_keywords(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", str(data), "--cache", "none", "--cache-bytes", "5k"]) == 1
    expected = "vary: error: --cache none and --cache-bytes 5000: nothing is kept; leave out one\n"
    assert capsys.readouterr().err == expected
    assert main(["profile", str(data), "--cache-bytes", "5k"]) == 0
    assert "it may take 0 MB (--cache-bytes); --cache memory keeps what fits\n" in capsys.readouterr().out


def test_only_keywords_are_replaced_in_messages() -> None:
    assert as_options("keep it (cache=), or cache='disk'") == "keep it (--cache), or --cache disk"
    for text in ("a/cache=3/b.jpg: is empty", "a seed=4/b.jpg", "my_cache='disk'", "drop_last=False", "cache=3.jpg"):
        assert as_options(text) == text


@pytest.mark.parametrize(("given", "hits"), [("1k", 0), ("20KB", None), ("0.01G", 8), ("500M", 8), ("2000000000", 8)])
def test_cache_bytes_option(given: str, hits: int | None, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--cache", "memory", "--cache-bytes", given, "--prefetch", "0"]
    assert main(["profile", str(data), *options, "--json"]) == 0
    _, second = json.loads(capsys.readouterr().out)
    assert second["cache_hits"] == hits if hits is not None else 0 < second["cache_hits"] < 8


def test_byte_counts() -> None:
    counts = {"1": 1, "500M": 500_000_000, "2G": 2_000_000_000, "2gb": 2_000_000_000, "1.5k": 1500, "3T": 3 * 10**12}
    assert {text: byte_count(text) for text in counts} == counts
