"""Columns of bytes in Arrow and Parquet files, read as rows are asked for and never as a whole.

An Arrow file is mapped, so a row costs no more than a slice; a compressed one is read as a whole. A Parquet file is
read by groups of rows, the smallest part that can be read; the last ones are kept, so rows in order or in blocks
(`shuffle_block_size=`) are read once.
Both are opened again in another process.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from typing import Any

import numpy as np

from vary.errors import InputError, SourceError, warn_caller

__all__ = ["ARROW_MAGIC", "ArrowBytes", "ParquetBytes", "arrow_table", "is_arrow", "is_mapped", "stamp_of"]

ARROW_MAGIC = b"ARROW1"
STREAM = b"\xff\xff\xff\xff"  # how Arrow's stream form begins, which Hugging Face writes
LIMIT = 1 << 29
"""Bytes of row groups that are kept, of each column. At least one group is."""

Column = Any  # Any: of pyarrow, which may be absent
Table = Column
Value = Column


def is_arrow(head: bytes) -> bool:
    """Do the first bytes of a file say that it is an Arrow file, in its random-access or its stream form?"""
    return head.startswith((ARROW_MAGIC, STREAM))


def arrow_table(path: str, data: bytes | None = None) -> tuple[Table, tuple[int, int]]:
    """The pyarrow table in an Arrow file, mapped, and the addresses of the file. data: its bytes, if in memory.

    `InputError` without pyarrow, `SourceError` if it is damaged.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise InputError(f"reading the Arrow file {path!r} needs the package pyarrow: pip install pyarrow") from error
    try:
        file = pa.memory_map(path) if data is None else pa.BufferReader(data)
        is_file = file.read_at(len(ARROW_MAGIC), 0) == ARROW_MAGIC
        table = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(file).read_all()
        file.seek(0)
        whole = file.read_buffer()
        return table, (whole.address, whole.address + whole.size)
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise SourceError(f"table={path!r} is a damaged Arrow file: {error}") from error


def _child(column: Column, leaf: str | None) -> Column:
    """The column, or its part of this name."""
    if leaf is None:
        return column
    from pyarrow import compute

    return compute.struct_field(column, leaf)


class _FileBytes:
    """Abstract: a column of bytes in a file, by row. A pickled copy opens the file again, if it is still the same."""

    def __init__(self, path: str, name: str, leaf: str | None) -> None:
        """leaf: the part of a column of structs; None: the column itself."""
        self.path, self.name, self.leaf = path, name, leaf
        self.stamp = stamp_of(path)
        self._lock = threading.Lock()
        self._open()

    def _open(self) -> None:
        raise NotImplementedError

    def _check(self) -> None:
        """`SourceError` if the file has changed."""
        if stamp_of(self.path) != self.stamp:
            raise SourceError(f"{self.path}: has changed since it was opened; make the source again")

    def __getstate__(self) -> tuple[object, ...]:
        return self.path, self.name, self.leaf, self.stamp

    def __setstate__(self, state: tuple[str, str, str | None, tuple[int, int]]) -> None:
        self.path, self.name, self.leaf, self.stamp = state
        if stamp_of(self.path) != self.stamp:
            raise SourceError(f"{self.path}: has changed since the source was pickled; make it again")
        self._lock = threading.Lock()
        self._open()


class _Chunks:
    """A chunked column. A row is found faster than by pyarrow, and the chunks may be over 2 GB together."""

    def __init__(self, column: Column) -> None:
        self._chunks = column.chunks
        self._first = np.cumsum([0, *map(len, self._chunks)])
        self.nbytes = int(column.nbytes)

    def __len__(self) -> int:
        return int(self._first[-1])

    def __getitem__(self, row: int) -> Value:
        chunk = int(np.searchsorted(self._first, row, "right")) - 1
        return self._chunks[chunk][row - int(self._first[chunk])].as_py()


class ArrowBytes(_FileBytes):
    """Of an Arrow file that is not compressed (see `is_mapped`)."""

    def _open(self) -> None:
        self._rows = _Chunks(_child(arrow_table(self.path)[0][self.name], self.leaf))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> Value:
        self._check()  # before the map is read: pages beyond the end of a shortened file end the process
        return self._rows[row]


def is_mapped(column: Column, span: tuple[int, int]) -> bool:
    """Are this column's values in the mapped file, at the addresses `span`, rather than decompressed?"""
    values = [chunk.buffers()[-1] for chunk in column.chunks if len(chunk)]
    return all(one is None or span[0] <= one.address < span[1] for one in values)


class ParquetBytes(_FileBytes):
    """Of a Parquet file."""

    def __init__(self, path: str, name: str, leaf: str | None) -> None:
        super().__init__(path, name, leaf)
        largest = max((self._bytes(group) for group in range(self._file.metadata.num_row_groups)), default=0)
        if largest > LIMIT:
            warn_caller(
                f"{path}: a row group has {largest >> 20:,} MB of column {name!r}, and is read as a whole for each of "
                "its rows that is needed; write the file with row_group_size= of a few hundred rows",
                UserWarning,
            )

    def _bytes(self, group: int) -> int:
        """Of this column in a row group."""
        row = self._file.metadata.row_group(group)
        columns = [row.column(place) for place in range(row.num_columns)]
        parts = f"{self.name}."
        return sum(one.total_uncompressed_size for one in columns if f"{one.path_in_schema}.".startswith(parts))

    def _open(self) -> None:
        from pyarrow import parquet

        self._pid = os.getpid()
        self._file = parquet.ParquetFile(self.path)
        metadata = self._file.metadata
        self._first = np.cumsum([0, *(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))])
        self._kept: OrderedDict[int, _Chunks] = OrderedDict()
        self._held = 0

    def __len__(self) -> int:
        return int(self._first[-1])

    def __getitem__(self, row: int) -> Value:
        group = int(np.searchsorted(self._first, row, "right")) - 1
        return self._group(group)[row - int(self._first[group])]

    def _group(self, group: int) -> _Chunks:
        if self._pid != os.getpid():  # a forked child shares the file's position, and perhaps a held lock
            self._lock = threading.Lock()
            self._open()
        with self._lock:
            found = self._kept.pop(group, None)
            if found is None:
                found = self._read(group)
                self._held += found.nbytes
            self._kept[group] = found  # as the last used
            while self._held > LIMIT and len(self._kept) > 1:
                self._held -= self._kept.popitem(last=False)[1].nbytes
            return found

    def _read(self, group: int) -> _Chunks:
        try:
            column = self._file.read_row_group(group, columns=[self.name])[self.name]
        except (OSError, ValueError) as error:
            self._check()
            raise SourceError(f"{self.path}: row group {group} cannot be read: {error}") from error
        self._check()
        return _Chunks(_child(column, self.leaf))


def stamp_of(path: str) -> tuple[int, int]:
    """Size and time of a file; `SourceError` if it is gone."""
    try:
        status = os.stat(path)  # noqa: PTH116  text
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror or error}") from error
    return status.st_size, status.st_mtime_ns
