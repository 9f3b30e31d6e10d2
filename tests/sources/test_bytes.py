"""Bytes in Parquet and Arrow files: read by row or by group, and never after the file has changed."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import oracle
from sources.formats import CLASSES, COUNT, arrow, batches, given_expected, given_pictures, parquet  # noqa: F401  fixtures

import vary
from vary.errors import InputError, SourceError
from vary.sources.subset import Source


def test_row_groups_are_read_once_in_order(
    pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = parquet(pictures, tmp_path)
    from vary.sources import arrow as module

    read: list[int] = []
    real = module.ParquetBytes._read
    monkeypatch.setattr(module.ParquetBytes, "_read", lambda self, group: (read.append(group), real(self, group))[1])
    monkeypatch.setattr(module, "LIMIT", 1)  # one group is kept
    assert [item.image.data for item in source] == pictures
    assert read == [0, 1, 2, 3]
    [source[place] for place in (0, 12, 0)]
    assert read[4:] == [0, 3, 0]


@pytest.mark.parametrize("maker", [parquet, arrow])
def test_a_changed_table_file(maker: Callable[..., Source], pictures: list[bytes], tmp_path: Path) -> None:
    source = maker(pictures, tmp_path)
    data = pickle.dumps(source)
    (path,) = tmp_path.glob("pets.*")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(SourceError, match="has changed since the source was pickled"):
        pickle.loads(data)


@pytest.mark.parametrize("maker", [parquet, arrow])
@pytest.mark.parametrize("change", ["shorter", "rewritten"])
def test_a_file_that_changes_while_it_is_open(
    maker: Callable[..., Source], pictures: list[bytes], tmp_path: Path, change: str
) -> None:
    """Its pictures would have the labels of others; and beyond the end of a mapped file, a read ends the process."""
    source = maker(pictures, tmp_path)
    (path,) = tmp_path.glob("pets.*")
    data = path.read_bytes()
    with path.open("r+b") as file:
        file.truncate(100) if change == "shorter" else file.write(data[:1])
    os.utime(path, ns=(1, 1))
    with pytest.raises(SourceError, match="has changed since it was opened"):
        source[COUNT - 1]


def test_compressed_arrow_files(pictures: list[bytes], expected: vary.Files, tmp_path: Path) -> None:
    """write_feather compresses by itself. Such a file is in memory once, not twice."""
    oracle("pyarrow")
    import pyarrow as pa
    from pyarrow import feather

    for compression in ("lz4", "zstd", "uncompressed"):
        for column in (pa.array(pictures), pa.array([{"bytes": one, "path": None} for one in pictures])):
            breeds = [CLASSES[number % 2] for number in range(COUNT)]
            path = tmp_path / "pets.arrow"
            feather.write_feather(pa.table({"image": column, "breed": breeds}), path, compression=compression)
            source = vary.table(path, "image", "breed")
            assert batches(source) == batches(expected)
            assert batches(pickle.loads(pickle.dumps(source))) == batches(expected)
            is_mapped = type(source._cells.data).__name__ == "ArrowBytes"  # type: ignore[union-attr]
            assert is_mapped == (compression == "uncompressed")


def test_columns_of_a_table_that_has_changed(
    pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table is read again for split(groups=), from where it was."""
    path = tmp_path / "pets.parquet"
    parquet(pictures, tmp_path)
    monkeypatch.chdir(tmp_path)
    source = vary.table("pets.parquet", "image", "breed")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert len(source.split(0.5, groups="breed")[0])
    source = vary.table(path, "image", "breed")
    os.utime(path, ns=(1, 1))
    with pytest.raises(SourceError, match="has changed since it was opened"):
        source.split(0.5, groups="breed")


def test_large_row_groups(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are a warning, and a column in several chunks, as one over 2 GB is, is read."""
    oracle("pyarrow")
    import pyarrow as pa

    from vary.sources import arrow as module

    monkeypatch.setattr(module, "LIMIT", 100)
    with pytest.warns(UserWarning, match=r"pets\.parquet: a row group has .*row_group_size="):
        parquet(pictures, tmp_path)
    rows = module._Chunks(pa.chunked_array([pictures[:5], [], pictures[5:]]))
    assert [rows[place] for place in range(COUNT)] == pictures
    assert len(rows) == COUNT


@pytest.mark.parametrize("maker", [parquet, arrow])
def test_missing_bytes_are_an_error(maker: Callable[..., Source], pictures: list[bytes], tmp_path: Path) -> None:
    missing: Any = [*pictures[:4], None, *pictures[5:]]
    with pytest.raises(InputError, match="row 4"):
        maker(missing, tmp_path)


def test_damaged_table_files(tmp_path: Path) -> None:
    oracle("pyarrow")
    for head in (b"ARROW1\0\0", b"\xff\xff\xff\xff", b"PAR1"):
        (tmp_path / "pets").write_bytes(head + b"nothing" * 20)
        with pytest.raises(SourceError, match=r"is a damaged (Arrow|Parquet) file"):
            vary.table(tmp_path / "pets", "image")
