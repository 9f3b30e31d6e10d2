"""The columns of a table: a DataFrame of pandas or polars, a pyarrow table, a dict of columns, a CSV, Parquet or Arrow
file.

pandas and polars are never imported: their columns are recognised by their methods. Only Parquet and Arrow files need
pyarrow.
Columns are typed `Any`, because these libraries may be absent.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vary.errors import InputError, SourceError, brief
from vary.guidance import close
from vary.paths import absolute, path_text, searched_in
from vary.sample import Array
from vary.sources.arrow import ArrowBytes, ParquetBytes, arrow_table, is_arrow, is_mapped, stamp_of
from vary.sources.remote import kept_url
from vary.stores import Storage, is_url, read, shown, without_query

__all__ = ["BLOBS", "Columns", "columns_of", "is_missing", "plain", "rows_of"]

ACCEPTED = "give a DataFrame, a pyarrow table, a dict of columns, or the path of a CSV, Parquet or Arrow file"
DELIMITERS = (",", "\t", ";", "|")
BLOBS = ("binary", "large_binary", "binary_view", "fixed_size_binary")
"""pyarrow's types of bytes."""
BLANK = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None"})
"""Texts of a CSV file that stand for a missing number."""


class Columns(NamedTuple):
    """A table. said: what messages call it. get: the column of a name, as the table has it. folder: of its file.

    pictures: the column of a name as (bytes of its pictures, by row, and their names or None), if the file can be read
    by row; else None.
    """

    said: str
    names: list[Any]  # texts; those of pandas may be anything
    rows: int
    get: Callable[[str], Any]
    folder: str | None = None
    pictures: Callable[[str], tuple[Any, list[str | None] | None] | None] = lambda _: None

    def column(self, argument: str, name: object) -> Any:
        """The column that an argument names; the errors of `check`."""
        return self.get(self.check(argument, name))

    def check(self, argument: str, name: object) -> str:
        """The name that an argument gives; `InputError` if there is no such column, or several."""
        if not isinstance(name, str):
            raise InputError(f"{argument}={brief(name)}; give the name of a column, as text: {brief(self.names)}")
        if name not in self.names:
            similar = close(name, [one for one in self.names if isinstance(one, str)])
            raise InputError(
                f"{argument}={name!r}: {self.said} has no such column{similar and f'; {similar}'}; its columns are "
                f"{brief(self.names)}"
            )
        if self.names.count(name) > 1:
            raise InputError(f"{argument}={name!r}: {self.said} has several columns of this name; rename the others")
        return name


def columns_of(table: Any, images: object, storage: Storage | None = None) -> Columns:
    """The columns of a table, in any of its forms. images: the name of the column of images, which helps to find the
    delimiter of a CSV file. `InputError` if the table has no rows."""
    if isinstance(table, str | os.PathLike):
        url = kept_url(table)
        if url is not None and is_url(url):
            return _with_rows(_of_url(url, images, storage or Storage()))
        found = _of_file(url or path_text("table", table, "the path of a CSV or Parquet file, or a DataFrame"), images)
    elif all(hasattr(table, name) for name in ("column_names", "num_rows", "column")):
        found = Columns("the pyarrow table", list(table.column_names), int(table.num_rows), table.column)
    elif isinstance(table, Mapping):
        found = _of_mapping(table)
    elif hasattr(table, "collect") and hasattr(table, "collect_schema") and not hasattr(table, "to_numpy"):
        raise InputError(f"table is a {type(table).__name__}, which has no rows yet; give table.collect()")
    elif hasattr(table, "columns") and hasattr(table, "__getitem__") and hasattr(table, "shape"):
        found = Columns("the DataFrame", list(table.columns), int(table.shape[0]), table.__getitem__)
    else:
        raise InputError(f"table is a {type(table).__name__}; {ACCEPTED}")
    return _with_rows(found)


def _with_rows(found: Columns) -> Columns:
    if not found.rows:
        raise InputError(f"{found.said} has no rows; give a table with one row for each image")
    return found


class Categories(Sequence[str | None]):
    """Texts among known ones, in the form of a pandas categorical: all categories are classes, also those without
    samples, so that parts of one table have the same ids.

    codes: (n,) int64 indices in the categories; -1: missing.
    """

    def __init__(self, categories: list[str], codes: list[int | None]) -> None:
        self.categories = categories
        self.codes = np.array([-1 if code is None else code for code in codes], np.int64)

    @property
    def dtype(self) -> Categories:
        return self

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: Any) -> Any:  # Any: numbers of rows, and texts, as of Sequence
        code = int(self.codes[row])
        return None if code < 0 else self.categories[code]


def _of_dictionary(column: Any) -> Categories | list[str | None]:
    """A column of pyarrow that is dictionary-encoded."""
    if hasattr(column, "unify_dictionaries"):
        column = column.unify_dictionaries().combine_chunks()
        column = column.chunk(0) if hasattr(column, "num_chunks") else column
    names = column.dictionary.to_pylist()
    if None in names or len(set(names)) < len(names):
        texts: list[str | None] = column.to_pylist()
        return texts
    return Categories(names, column.indices.to_pylist())


def plain(column: Any) -> Any:
    """A column as an array or a list; a categorical as it is, or as `Categories`. Missing values are None or NaN."""
    if hasattr(column, "to_pylist"):  # pyarrow
        if str(column.type).startswith(("dictionary<values=string", "dictionary<values=large_string")):
            return _of_dictionary(column)
        return column.to_pylist() if column.null_count else column.to_numpy(zero_copy_only=False)
    if hasattr(column, "null_count") and hasattr(column, "to_list"):  # polars
        if type(column.dtype).__name__ == "Enum":
            return Categories(column.dtype.categories.to_list(), column.to_physical().to_list())
        numbers = not column.null_count() and column.dtype.is_numeric()
        return column.to_numpy() if numbers else column.to_list()
    if hasattr(column, "iloc"):  # pandas
        if hasattr(column.dtype, "categories"):
            return column
        found = np.asarray(column)
        return found.tolist() if found.dtype.kind == "O" else found
    return column if isinstance(column, np.ndarray) else list(column)


def rows_of(column: Any, rows: Array | None) -> Any:
    """These rows of a column; None: all."""
    if rows is None:
        return column
    if hasattr(column, "iloc"):
        return column.iloc[rows]
    if isinstance(column, np.ndarray):
        return column[rows]
    chosen = getattr(column, "take", None) or getattr(column, "gather", None)  # of pyarrow, of polars
    return [column[row] for row in rows.tolist()] if chosen is None else chosen(rows)


def is_missing(one: object) -> bool:
    """None, NaN, and the missing values of pandas."""
    return one is None or type(one).__name__ in ("NAType", "NaTType") or (isinstance(one, float) and one != one)


def _of_mapping(table: Mapping[Any, Any]) -> Columns:
    counts = {}
    for name, column in table.items():
        if isinstance(column, str | bytes | Mapping) or not hasattr(column, "__len__"):
            raise InputError(f"table[{name!r}] is {brief(column)}; give a list or an array with one value for each row")
        counts[name] = len(column)
    if len(set(counts.values())) > 1:
        raise InputError(
            f"the columns of the dict have different lengths: {brief(counts)}; give one value for each row"
        )
    return Columns("the dict", list(counts), next(iter(counts.values()), 0), table.__getitem__)


def _of_file(path: str, images: object) -> Columns:
    if os.path.isdir(path) or not os.path.exists(path):  # noqa: PTH110, PTH112
        what = "is a folder" if os.path.isdir(path) else f"does not exist{searched_in(path)}"  # noqa: PTH112
        raise SourceError(f"table={path!r} {what}; give the path of a CSV or Parquet file")
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            head = file.read(8)
    except OSError as error:
        raise SourceError(f"table={path!r}: {error.strerror or error}") from error
    parquet = head.startswith(b"PAR1")
    if not parquet and path.lower().endswith((".parquet", ".pq")):
        raise SourceError(f"table={path!r} is not a Parquet file: it does not begin with PAR1; download it again")
    found = _of_parquet(path) if parquet else _of_arrow(path) if is_arrow(head) else _of_csv(path, images)
    return found._replace(folder=os.path.dirname(absolute(path)))  # noqa: PTH120


def _of_url(url: str, images: object, storage: Storage) -> Columns:
    data, said = read(url, storage), shown(url)
    parquet = data.startswith(b"PAR1")
    if not parquet and said.lower().endswith((".parquet", ".pq")):
        raise SourceError(f"table={said!r} is not a Parquet file: it does not begin with PAR1; upload it again")
    reader = _of_parquet if parquet else _of_arrow if is_arrow(data[:8]) else None
    found = _of_csv(said, images, data) if reader is None else reader(said, data)
    return found._replace(folder=without_query(url).rpartition("/")[0])


def _of_parquet(path: str, data: bytes | None = None) -> Columns:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(
            f"reading the Parquet file {path!r} needs the package pyarrow: pip install pyarrow; or give a DataFrame"
        ) from error

    whole = absolute(path) if data is None else ""
    stamp = stamp_of(whole) if data is None else None

    def opened() -> Any:
        return whole if data is None else io.BytesIO(data)

    try:
        schema, count = parquet.read_schema(opened()), parquet.read_metadata(opened()).num_rows
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise SourceError(f"table={path!r} is a damaged Parquet file: {error}") from error

    def pictures(name: str) -> tuple[Any, list[str | None] | None] | None:
        if data is not None:  # of a URL: it is in memory
            return None
        leaf = _leaf_of_bytes(schema.field(name).type)
        if leaf is None or _has_missing(parquet.read_metadata(whole), f"{name}.{leaf}".rstrip(".")):
            return None
        paths = None
        if leaf and _has_paths(schema, name):
            with parquet.ParquetFile(whole) as file:
                paths = [one["path"] for one in file.read(columns=[f"{name}.path"])[name].to_pylist()]
        return ParquetBytes(whole, name, leaf or None), paths

    def get(name: str) -> Any:  # Any: of pyarrow
        if data is None and stamp_of(whole) != stamp:  # labels and pictures would not belong together
            raise SourceError(f"table={whole!r} has changed since it was opened; make the source again")
        return parquet.read_table(opened(), columns=[name])[name]

    return Columns(repr(path), list(schema.names), count, get, pictures=pictures)


def _of_arrow(path: str, data: bytes | None = None) -> Columns:
    whole = absolute(path) if data is None else path
    table, span = arrow_table(whole, data)

    def pictures(name: str) -> tuple[Any, list[str | None] | None] | None:
        if data is not None:  # of a URL: it is in memory
            return None
        leaf, column = _leaf_of_bytes(table.schema.field(name).type), table[name]
        if leaf is None or column.null_count:
            return None
        names, values = None, column
        if leaf:
            from pyarrow import compute

            values = compute.struct_field(column, leaf)
        if values.null_count or not is_mapped(values, span):  # compressed: it is in memory now
            return None
        if leaf and _has_paths(table.schema, name):
            names = compute.struct_field(column, "path").to_pylist()
        return ArrowBytes(whole, name, leaf or None), names

    return Columns(repr(path), list(table.column_names), int(table.num_rows), table.column, pictures=pictures)


def _leaf_of_bytes(kind: Any) -> str | None:
    """Where a column of this type of pyarrow has bytes: "" for itself, "bytes" for that part of a struct; else None."""
    if str(kind).startswith(BLOBS):
        return ""
    names = [kind.field(place).name for place in range(kind.num_fields)] if str(kind).startswith("struct") else []
    return "bytes" if "bytes" in names else None


def _has_paths(schema: Any, name: str) -> bool:
    kind = schema.field(name).type
    return "path" in [kind.field(place).name for place in range(kind.num_fields)]


def _has_missing(metadata: Any, path: str) -> bool:
    """May a column of a Parquet file have missing values? Read from the statistics in its metadata."""
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        column = next(one for one in map(rows.column, range(rows.num_columns)) if one.path_in_schema == path)
        known = column.statistics is not None and column.statistics.has_null_count
        if not known or column.statistics.null_count:
            return True
    return False


def _of_csv(path: str, images: object, data: bytes | None = None) -> Columns:
    content = Path(path).read_bytes() if data is None else data
    header, columns = _plain_csv(content, images) or _read_csv(path, content, images)

    def get(name: str) -> object:
        texts = columns[header.index(name)]
        return texts if name == images else _typed(texts)

    return Columns(repr(path), header, len(columns[0]) if columns else 0, get)


def _plain_csv(content: bytes, images: object) -> tuple[list[str], list[list[str]]] | None:
    """Header and columns of a file without quotes, spaces after delimiters or rows of other lengths; None of others.

    Much faster than the module csv, which makes a list for each row.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    first, _, rest = text.replace("\r\n", "\n").rstrip("\n").partition("\n")
    delimiter = next((one for one in DELIMITERS if images in first.split(one)), None)
    if delimiter is None or not rest or any(mark in text for mark in ('"', f"{delimiter} ", "\n ", "\n\n", "\0")):
        return None
    header = first.split(delimiter)
    if "\r" in rest or "\r" in first or len(header) < 2 or first.startswith(" "):
        return None
    data = np.frombuffer(f"{rest}\n".encode(), np.uint8)
    ends = np.flatnonzero((data == ord(delimiter)) | (data == ord("\n")))
    rows = np.flatnonzero(data[ends] == ord("\n"))  # the n-th row ends at this one of `ends`
    if (np.diff(rows, prepend=-1) != len(header)).any():
        return None
    cells = rest.replace("\n", delimiter).split(delimiter)
    return header, [cells[place :: len(header)] for place in range(len(header))]


def _read_csv(path: str, content: bytes, images: object) -> tuple[list[str], list[list[str]]]:
    import csv

    try:
        with io.TextIOWrapper(io.BytesIO(content), newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            fits = [
                one
                for one in DELIMITERS
                if images in next(csv.reader([first], delimiter=one, skipinitialspace=True), [])
            ]
            most = max(DELIMITERS, key=first.count)
            reader = csv.reader(file, delimiter=fits[0] if fits else most, skipinitialspace=True)
            header = next(reader, [])
            rows, wrong = [], None
            for row in filter(None, reader):
                rows.append(row)
                if len(row) != len(header) and wrong is None:
                    wrong = reader.line_num, len(row)
    except UnicodeDecodeError as error:
        raise SourceError(
            f"table={path!r} is not UTF-8 text ({error.reason}); save it as a CSV file in UTF-8"
        ) from error
    except csv.Error as error:
        raise SourceError(f"table={path!r} is not a CSV file: {error}") from error
    if wrong is not None:
        raise SourceError(
            f"{path}, line {wrong[0]}: {wrong[1]} values, and the header names {len(header)} columns; edit the line, "
            "or put text with a delimiter in quotes"
        )

    columns = [list(column) for column in zip(*rows, strict=True)]
    return header, columns or [[] for _ in header]


def _typed(texts: list[str]) -> Sequence[Any] | Array:
    """Whole numbers or floats, if all texts are such, apart from missing ones; else the texts."""
    known = [text for text in set(texts) if text.strip() not in BLANK]
    if not known or any("_" in text or (text[:1] == "0" and text[1:2].isdigit()) for text in known):
        # 007 and 1_0 are names
        return texts
    for kind in (np.int64, np.float64):
        try:
            np.array(known).astype(kind)
        except (ValueError, OverflowError):
            continue
        given = [text for text in texts if text.strip() not in BLANK]
        values = np.array(given).astype(kind)
        if len(given) == len(texts):
            return values
        numbers = iter(values.tolist())
        return [None if text.strip() in BLANK else next(numbers) for text in texts]
    return texts
