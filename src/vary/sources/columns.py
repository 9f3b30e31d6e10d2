"""The columns of a table: a DataFrame of pandas or polars, a pyarrow table, a dict of columns, a CSV or Parquet file.

pandas and polars are never imported: their columns are recognised by their methods. Only a Parquet file needs pyarrow.
Columns are typed `Any`, because these libraries may be absent.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TextIO

import numpy as np

from vary.errors import InputError, SourceError, brief
from vary.guidance import close
from vary.paths import absolute, path_text, searched_in
from vary.sample import Array
from vary.sources.remote import kept_url
from vary.stores import Storage, is_url, read, shown

__all__ = ["Columns", "columns_of", "is_missing", "plain", "rows_of"]

ACCEPTED = "give a DataFrame, a pyarrow table, a dict of columns, or the path of a CSV or Parquet file"
DELIMITERS = (",", "\t", ";", "|")
BLANK = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None"})
"""Texts of a CSV file that stand for a missing number."""


class Columns(NamedTuple):
    """A table. said: what messages call it. get: the column of a name, as the table has it. folder: of its file."""

    said: str
    names: list[Any]  # texts; those of pandas may be anything
    rows: int
    get: Callable[[str], Any]
    folder: str | None = None

    def column(self, argument: str, name: object) -> Any:
        """The column that an argument names; `InputError` if there is none, or several of this name."""
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
        return self.get(name)


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
            parquet = file.read(4) == b"PAR1"
    except OSError as error:
        raise SourceError(f"table={path!r}: {error.strerror or error}") from error
    if not parquet and path.lower().endswith((".parquet", ".pq")):
        raise SourceError(f"table={path!r} is not a Parquet file: it does not begin with PAR1; download it again")
    found = _of_parquet(path) if parquet else _of_csv(path, images)
    return found._replace(folder=os.path.dirname(absolute(path)))  # noqa: PTH120


def _of_url(url: str, images: object, storage: Storage) -> Columns:
    data = read(url, storage)
    parquet = data[:4] == b"PAR1"
    if not parquet and url.lower().endswith((".parquet", ".pq")):
        raise SourceError(f"table={shown(url)!r} is not a Parquet file: it does not begin with PAR1; upload it again")
    found = _of_parquet(url, data) if parquet else _of_csv(url, images, data)
    return found._replace(folder=url.rpartition("/")[0])


def _of_parquet(path: str, data: bytes | None = None) -> Columns:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(
            f"reading the Parquet file {path!r} needs the package pyarrow: pip install pyarrow; or give a DataFrame"
        ) from error

    def opened() -> Any:
        return path if data is None else io.BytesIO(data)

    try:
        schema, count = parquet.read_schema(opened()), parquet.read_metadata(opened()).num_rows
    except (OSError, ValueError) as error:  # pyarrow's errors derive from these
        raise SourceError(f"table={path!r} is a damaged Parquet file: {error}") from error
    return Columns(
        repr(path), list(schema.names), count, lambda name: parquet.read_table(opened(), columns=[name])[name]
    )


def _of_csv(path: str, images: object, data: bytes | None = None) -> Columns:
    import csv

    try:
        with _text_of(path, data) as file:
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

    columns = dict(zip(header, zip(*rows, strict=True), strict=False))

    def get(name: str) -> object:
        texts = list(columns[name])
        return texts if name == images else _typed(texts)

    return Columns(repr(path), header, len(rows), get)


def _text_of(path: str, data: bytes | None) -> TextIO:
    if data is None:
        return open(path, newline="", encoding="utf-8-sig")  # noqa: PTH123
    return io.TextIOWrapper(io.BytesIO(data), newline="", encoding="utf-8-sig")


def _typed(texts: list[str]) -> Sequence[Any] | Array:
    """Whole numbers or floats, if all texts are such, apart from missing ones; else the texts."""
    known = [text for text in texts if text.strip() not in BLANK]
    if not known or any("_" in text or (text[:1] == "0" and text[1:2].isdigit()) for text in known):
        # 007 and 1_0 are names
        return texts
    for kind in (np.int64, np.float64):
        try:
            values = np.array(known).astype(kind)
        except (ValueError, OverflowError):
            continue
        if len(known) == len(texts):
            return values
        numbers = iter(values.tolist())
        return [None if text.strip() in BLANK else next(numbers) for text in texts]
    return texts
