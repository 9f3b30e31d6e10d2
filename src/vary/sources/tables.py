"""`table`: a source from the rows of a table, a DataFrame or a CSV or Parquet file, with a column of images."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vary.codecs.wide import FileDtype, file_dtype
from vary.errors import InputError, SourceError, brief
from vary.guidance import guided
from vary.paths import absolute, path_text, searched_in
from vary.sample import Array
from vary.sources.base import Encoded, Item
from vary.sources.cells import Cells, Paths, read_cells, read_paths
from vary.sources.columns import Columns, columns_of, is_missing, plain, rows_of
from vary.sources.files import read_file, said_dtype, stamped
from vary.sources.kinds import Kind, files_kind
from vary.sources.labels import Labels, class_ids, class_names, read_labels
from vary.sources.remote import Remote, kept_url, remote_cells
from vary.sources.subset import Source, inherits
from vary.stores import Storage, is_url, shown, without_query

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Table", "label_values", "table"]

WEIGHTS = "sample_weight"  # the field that Keras uses as weights of samples


@guided("vary.table", suggest=False)
def table(
    table: object,
    images: str,
    labels: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    suffix: str = "",
    classes: Sequence[str] | None = None,
    separator: str | None = None,
    weights: str | None = None,
    missing: Literal["raise", "skip"] = "raise",
    dtype: FileDtype = "uint8",
    storage: Mapping[str, object] | None = None,
) -> Table:
    """A source with one sample for each row of a table, in the order of the rows.

    table: a DataFrame of pandas or polars, a pyarrow table, a dict of columns, or the path of a CSV file (UTF-8, with a
        header), or of a Parquet or Arrow (Feather) file, which need the package pyarrow.
    images: the name of the column of images: paths, bytes of encoded files, or dicts of "bytes" and "path".
    labels: the name of a column, for the field "labels": whole numbers, names of classes, or floats (regression). A
        column of lists of names becomes (n, classes) uint8, 1 for each class of a sample; one of lists of numbers, an
        array (n, k). A list of columns of numbers becomes (n, columns); if all are 0 or 1, the columns are the classes.
        Several fields: {"age": "years", "breed": "breed"}. None: no labels.
    root: the folder that relative paths start at. None: the folder of the CSV or Parquet file; else the current one.
    suffix: what is appended to each path, such as ".jpg".
    classes: the names of the class ids, in order. None: the names among the labels, sorted.
    separator: what separates the names in a text of several, such as "|" in "cat|dog".
    weights: the name of a column of weights, 0 or more: the last field, "sample_weight", (n,) float32.
    missing: "raise" an error if files do not exist, or "skip" their rows, with a warning.
    dtype: as what the pictures are read, "uint8" or "uint16", as for `Folder`.

    storage: options of the store, if `table`, `root` or the paths are URLs (docs/stores.md).

    Each folder is listed once, and no file is opened. `SourceError` if the table cannot be read, or files are missing.
    `InputError` if a column does not exist, a value is missing or of the wrong type, or two rows name one file.
    Bytes in an Arrow file are mapped, those in a Parquet file are read a row group at a time, of which 512 MB are kept:
    there, shuffle in blocks (`shuffle_block_size=`) of about a row group.
    Memory: the paths, or the bytes of a DataFrame; the labels; and the table, for `split(groups=)`.
    """
    if missing not in ("raise", "skip"):
        raise InputError(f"missing={brief(missing)}; give 'raise', or 'skip' to leave out rows without a file")
    if not isinstance(suffix, str):
        raise InputError(f"suffix={brief(suffix)}; give a text that is appended to each path, such as '.jpg'")
    options = Storage.of(storage)
    columns = columns_of(table, images, options)
    start = _root(root, columns)
    columns.check("images", images)
    by_row = columns.pictures(images)
    cells = read_cells(images, columns.get(images)) if by_row is None else Cells(*by_row)
    remote = None if isinstance(cells, Cells) else remote_cells(cells, start, options)
    pictures = cells if isinstance(cells, Cells) else read_paths(images, cells, start, suffix, missing, remote)
    rows = pictures.rows if isinstance(pictures, Paths) else None
    found = _read_labels(columns, (labels, weights), (classes, separator), (pictures, rows))
    made = Table(pictures, found, columns, start, file_dtype(dtype))
    made._remote = remote
    return made


class Table(Source):
    """What `vary.table` returns.

    paths: absolute paths, by sample index; for bytes, the "path" of each dict, or None.
    root: the folder that relative paths start at.
    """

    def __init__(self, pictures: Paths | Cells, labels: Labels, columns: Columns, root: str, dtype: str) -> None:
        self._cells = pictures if isinstance(pictures, Cells) else None
        self._rows = pictures.rows if isinstance(pictures, Paths) else None
        self._columns: Columns | None = columns
        self._digests: dict[int, tuple[str, int, int]] = {}  # of bytes, by sample index
        self._count = columns.rows if isinstance(pictures, Cells) else len(pictures.listing)
        self.paths: Any = pictures.names if isinstance(pictures, Cells) else pictures.listing  # Any: None, or sequence
        self.root = root
        self.file_dtype = dtype
        self._remote: Remote | None = None
        self._labels = labels
        self.fields: tuple[str, ...] = ("images", *labels.fields)
        self.classes = labels.classes
        self.class_field = labels.field

    @property
    def labels_are_checked(self) -> bool:
        return inherits(self, Table, "label_batch")

    @cached_property
    def kind(self) -> Kind | None:  # type: ignore[override]
        """Encoded files; None if a subclass reads them in another way."""
        return files_kind(self) if inherits(self, Table, "__getitem__", "item") else None

    @property
    def labels(self) -> Array | None:
        """Class ids in index order; None if there are none."""
        return class_ids(self)

    @property
    def remote(self) -> bool:
        """Are some of the files at a URL?"""
        return self._remote is not None

    def fingerprints(self, indices: Sequence[int] | Array) -> list[tuple[str, int, int]]:
        """See `stamped`; of bytes, their hash and length."""
        places = np.asarray(indices).tolist()
        if self._remote is not None:
            return self._remote.stamped(self.paths, indices)
        if self._cells is None:
            return stamped([self.paths[place] for place in places])
        return [self._digest(place) for place in places]

    def _digest(self, index: int) -> tuple[str, int, int]:
        found = self._digests.get(index)
        if found is None:
            from hashlib import blake2b  # imported here, because it takes a tenth of the time that importing vary does

            data = self._cells.of(index) if self._cells is not None else b""
            found = self._digests[index] = blake2b(data, digest_size=16).hexdigest(), len(data), 0
        return found

    def column(self, name: str) -> Any:  # Any: of any library
        """The values of a column for each sample, such as `groups=` of `split` needs."""
        if self._columns is None:
            raise InputError(
                f"groups={name!r}: a source that was pickled has no other columns; split it before, or give "
                "groups= an array"
            )
        return plain(rows_of(self._columns.column("groups", name), self._rows))

    def __len__(self) -> int:
        return self._count

    def item(self, index: int) -> Item:
        if self._remote is not None and is_url(self.paths[index]):
            file = self._remote.read(self.paths[index], index)
        elif self._cells is None:
            file = read_file(self.paths[index], "was there when the table was read")
        else:
            file = Encoded(self._cells.of(index), self.path(index))
        return Item(file, self._labels.of(index))

    def path(self, index: int) -> str | None:
        return None if self.paths is None else self.paths[index]

    def label_batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        return self._labels.batch(indices)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_columns": None}

    def __repr__(self) -> str:
        kept = f"fields={brief(self.fields)}, classes={brief(self.classes)}{said_dtype(self)}"
        return f"Table({len(self)} pictures, {kept})"


def _root(root: object, columns: Columns) -> str:
    if root is None:
        return columns.folder or absolute("")
    if (url := kept_url(root)) is not None and is_url(url):
        return without_query(url).rstrip("/")
    path = url or path_text("root", root, "the path of the folder that the paths start at")
    if not os.path.isdir(path):  # noqa: PTH112
        raise SourceError(f"root={path!r} is not a folder{searched_in(path)}; give the folder that the paths start at")
    return absolute(path)


def _read_labels(
    columns: Columns,
    names: tuple[Any, object],
    given: tuple[object, str | None],
    seen: tuple[Paths | Cells, Array | None],
) -> Labels:
    """names: the arguments labels= and weights=. given: classes= and separator=. seen: the images, and their rows."""
    (labels, weights), (classes, separator), (pictures, rows) = names, given, seen
    count = columns.rows if rows is None else len(rows)
    paths = pictures.names if isinstance(pictures, Cells) else pictures.listing

    def called(place: int) -> str:
        row = place if rows is None else int(rows[place])
        return f"row {row}" if paths is None else f"row {row} ({shown(str(paths[place]))})"

    wanted = None if classes is None else class_names(classes)
    asked = labels if isinstance(labels, Mapping) else {} if labels is None else {"labels": labels}
    fields, wanted = _label_fields(columns, asked, rows, (wanted, separator), called)
    if weights is not None:
        if WEIGHTS in fields:
            raise InputError(f"labels name the field {WEIGHTS!r}, and weights= makes one; leave out one of them")
        if not fields:
            raise InputError(f"weights={brief(weights)} without labels=; weights of samples go with their labels")
        fields[WEIGHTS] = _weights(columns, weights, rows, called)
    return read_labels(fields or None, wanted, count, called)


def _label_fields(
    columns: Columns,
    asked: Mapping[str, Any],
    rows: Array | None,
    given: tuple[list[str] | None, str | None],
    called: Callable[[int], str],
) -> tuple[dict[str, Any], list[str] | None]:
    """The labels of each field, and the names of the classes, if known. asked: field -> column, or list of columns.
    given: classes= and separator=."""
    wanted, separator = given
    if separator is not None and not any(isinstance(which, str) for which in asked.values()):
        raise InputError(f"separator={brief(separator)} goes with labels= of one column of text; leave it out")
    fields: dict[str, Any] = {}
    for field, which in asked.items():
        argument = "labels" if len(asked) == 1 and field == "labels" else f"labels[{field!r}]"
        own = field == "labels" or len(asked) == 1  # the field that classes= names
        if isinstance(which, list | tuple):
            fields[field], found = _matrix(columns, argument, which, rows)
        else:
            column = plain(rows_of(columns.column(argument, which), rows))
            fields[field], found = label_values(str(which), column, (wanted if own else None, separator), called)
            if found is not None and not own:
                raise InputError(
                    f"labels[{field!r}] holds lists of names, and the classes of a source are those of one field: call "
                    "it 'labels'"
                )
        if own and found is not None and wanted is None:
            wanted = found
    return fields, wanted


def _matrix(
    columns: Columns, argument: str, names: Sequence[object], rows: Array | None
) -> tuple[Array, list[str] | None]:
    """Several columns of numbers as one array (n, columns), and the names of the classes if all are 0 or 1."""
    if not names:
        raise InputError(f"{argument}=[]; give the name of at least one column, or leave it out")
    if len(set(map(str, names))) < len(names):
        raise InputError(f"{argument}={brief(list(names))} names a column twice; name each once")
    found = []
    for name in names:
        values = np.asarray(plain(rows_of(columns.column(argument, name), rows)))
        if values.dtype.kind == "O" and all(isinstance(one, int | float) or one is None for one in values.tolist()):
            values = values.astype(np.float64)  # None: NaN, an error that names the row
        if values.dtype.kind not in "buif" or values.ndim != 1:
            raise InputError(
                f"{argument}={brief(list(names))}: column {name!r} holds {brief(values.tolist()[0])}, and "
                f"several columns become one array of numbers; for a field of each: labels={{{name!r}: {name!r}, ...}}"
            )
        found.append(values)
    whole = np.stack(found, 1)
    if ((whole == 0) | (whole == 1)).all():
        return whole.astype(np.uint8), [str(name) for name in names]
    return whole, None


def label_values(
    name: str, column: Any, given: tuple[list[str] | None, str | None], called: Callable[[int], str]
) -> tuple[Any, list[str] | None]:
    """The labels of one column, and the classes if a sample may have several. given: classes= and separator=."""
    classes, separator = given
    if separator is not None:
        column = _separated(name, column, separator, called)
    first = next((one for one in column if not is_missing(one)), None)
    if not isinstance(first, list | tuple | set | frozenset | np.ndarray):
        return column, None
    cells = [cell.tolist() if isinstance(cell, np.ndarray) else cell for cell in column]
    for place, cell in enumerate(cells):
        if not isinstance(cell, list | tuple | set | frozenset):
            raise InputError(f"{name} of {called(place)} is {brief(cell)}, among lists; give a list, empty for none")
    every = [one for cell in cells for one in cell]
    if not every and classes is None:
        raise InputError(f"{name} holds empty lists alone, so that there are no classes; give their names as classes=")
    if every and not any(isinstance(one, str) for one in every):
        if len({len(cell) for cell in cells}) > 1:
            raise InputError(
                f"{name} holds lists of numbers of different lengths, such as {brief(cells[0])}; where a sample has "
                "several classes, give lists of their names, as text"
            )
        return [list(cell) for cell in cells], None
    lengths = np.array([len(cell) for cell in cells], np.int64)
    owner = np.repeat(np.arange(len(cells)), lengths)
    for place, one in enumerate(every):
        if not isinstance(one, str) or not one:
            raise InputError(
                f"{name} of {called(int(owner[place]))} holds {brief(one)} among names; give names, as text"
            )
    names = sorted(set(every)) if classes is None else classes
    ids = {one: number for number, one in enumerate(names)}
    numbers = np.array([ids.get(one, -1) for one in every], np.int64)
    for place in np.flatnonzero(numbers < 0)[:1].tolist():
        where, wrong = called(int(owner[place])), every[place]
        raise InputError(f"{name} of {where} holds {wrong!r}, which classes={brief(classes)} does not name")
    found = np.zeros((len(cells), len(names)), np.uint8)
    found[owner, numbers] = 1
    return found, names


def _separated(name: str, column: Any, separator: object, called: Callable[[int], str]) -> list[list[str]]:
    """Texts of several names as lists; an empty text is none."""
    if not isinstance(separator, str) or not separator:
        raise InputError(f"separator={brief(separator)}; give the text between two names, such as '|'")
    found = []
    for place, one in enumerate(column):
        if not isinstance(one, str):
            raise InputError(f"{name} of {called(place)} is {brief(one)}; separator= goes with text such as 'cat|dog'")
        found.append([part.strip() for part in one.split(separator) if part.strip()])
    return found


def _weights(columns: Columns, weights: object, rows: Array | None, called: Callable[[int], str]) -> Array:
    cells = plain(rows_of(columns.column("weights", weights), rows))
    values = cells if isinstance(cells, np.ndarray) else np.asarray(cells, object)
    numbers = [np.nan if is_missing(one) else one for one in values.tolist()]
    for one in numbers:
        if not isinstance(one, int | float):
            raise InputError(f"weights={weights!r} holds {brief(one)}; give a column of numbers")
    found = np.array(numbers, np.float32)
    for place in np.flatnonzero(~(found >= 0) | np.isinf(found))[:1].tolist():
        raise InputError(f"weights={weights!r}: that of {called(place)} is {values[place]}; give numbers of 0 or more")
    if not found.any():
        raise InputError(
            f"weights={weights!r} is 0 for all samples, and nothing would be learnt; give some more than 0"
        )
    return found
