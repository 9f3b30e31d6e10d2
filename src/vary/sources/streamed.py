"""`Streamed`: the rows of a `datasets.IterableDataset`, which come in their order alone and end without notice."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from vary.codecs.wide import FileDtype, file_dtype
from vary.errors import NO_ROWS, InputError, brief
from vary.sample import Array
from vary.sources.base import Item
from vary.sources.features import (
    Cell,
    Dataset,
    Feature,
    class_column,
    encoded_of,
    image_column,
    label_columns,
    named_classes,
    names_of,
    row_name,
    undecoded,
)
from vary.sources.kinds import Kind, files_kind
from vary.sources.labels import read_labels
from vary.sources.tables import label_values

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Row", "Streamed", "Taken"]

Row = Mapping[str, Cell]
BY_ROW = "load the data set with streaming=False"
TEXT = ("string", "large_string")
BEGINNING = threading.Lock()  # of one iteration at a time


class Streamed:
    """What `vary.HuggingFace(dataset)` makes of a data set that is streamed; the arguments are described there.

    It is no `Indexed` source: `vary.stream` alone reads it, from the beginning in each epoch. The index of a sample is
    the number of its row. count: rows of the latest epoch that was read to its end; None before.
    """

    by_item = True  # rows have to be read to get their labels

    def __init__(
        self,
        dataset: Dataset,
        images: str | None = None,
        labels: str | Mapping[str, str] | tuple[()] | None = None,
        *,
        classes: Sequence[str] | None = None,
        dtype: FileDtype = "uint8",
    ) -> None:
        self.file_dtype = file_dtype(dtype)
        features = dataset.features
        if features is None:
            raise InputError(
                "dataset is streamed, and does not know its columns; say what they are: dataset.cast(datasets.Features("
                '{"image": datasets.Image(), "label": datasets.ClassLabel(names=[...])})), or features= of its map()'
            )
        self._images = image_column(features, images)
        self._columns = label_columns(features, labels, self._images)
        own = class_column(self._columns, features)
        self.classes: list[str] | None = named_classes(self._columns, features, own, classes)
        self.class_field = own if self.classes is not None or own == "labels" else None
        self._features = {field: features[name] for field, name in self._columns.items()}
        for field, name in self._columns.items():
            if _holds_text(features[name]) and self._wanted(field) is None:
                raise InputError(
                    f"labels={name!r} holds text, and the classes of a streamed data set are not known before its end; "
                    "give all their names, in the order of their ids, as classes="
                )
        self.fields: tuple[str, ...] = ("images", *self._columns)
        self._rows = undecoded(dataset, self._images, list(self._columns.values()))
        self.count: int | None = None

    def _wanted(self, field: str) -> list[str] | None:
        """The names of the classes, for the field that they belong to."""
        return self.classes if field == self.class_field else None

    @property
    def kind(self) -> Kind:
        return files_kind(self)

    def rows(self, epoch: int, first: int = 0) -> Iterator[Row]:
        """The rows of an epoch from number `first` on. The data set's own shuffle, if it has one, follows the epoch."""
        with BEGINNING:
            self._rows.set_epoch(epoch)  # which is read with the first row
            found = iter(self._rows.skip(first) if first else self._rows)
            begun = list(islice(found, 1))
        return chain(begun, found)

    def encoded(self, row: Row, index: int) -> Item:
        """The picture of a row."""
        return Item(encoded_of(row[self._images], self.name(row, index)))

    def name(self, row: Row, index: int) -> str:
        return row_name(index, row[self._images])

    def labels_of(self, rows: Sequence[Row], numbers: Sequence[int]) -> tuple[Array, ...]:
        """The labels of rows, (n, ...) for each field. numbers: of the rows, for messages."""

        def called(place: int) -> str:
            return f"row {numbers[place]}"

        found: list[Array] = []
        for field, name in self._columns.items():
            wanted = self._wanted(field)
            cells = names_of(self._features[field], [row[name] for row in rows])
            cells, _ = label_values(name, cells, (wanted, None), called)
            found += read_labels({field: cells}, wanted, len(rows), called).columns
        return tuple(found)

    def path(self, index: int) -> str:
        return f"row {index}"

    def label_batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        """The labels of the first row, which are an example of all."""
        if np.asarray(indices).tolist() != [0]:
            self.refuse("labels by number")
        row = next(self.rows(0), None)
        if row is None:
            raise InputError(NO_ROWS)
        return self.labels_of([row], [0])

    def __len__(self) -> int:
        if self.count is None:
            raise TypeError(
                "how many rows a streamed data set has is not known before an epoch was read to its end; go through "
                f"its batches as they come, or {BY_ROW}"
            )
        return self.count

    def __getitem__(self, index: object) -> NoReturn:
        self.refuse(f"source[{brief(index)}]", "take(n) and skip(n) of the data set divide it, or ")

    def split(self, *_: object, **__: object) -> NoReturn:
        self.refuse("split()", "take(n) and skip(n) of the data set divide it, or ")

    def refuse(self, asked: str, cure: str = "") -> NoReturn:
        """Raise the error of what needs rows in any order."""
        raise InputError(f"the rows of a streamed data set come in their order alone, without {asked}: {cure}{BY_ROW}")

    def __repr__(self) -> str:
        kept = f"fields={brief(self.fields)}, classes={brief(self.classes)}"
        return f"HuggingFace(rows as they come, with pictures in {self._images!r}, {kept})"


class Taken:
    """Rows that were read, as an `Indexed` source: index -> row."""

    def __init__(self, source: Streamed, rows: Mapping[int, Row]) -> None:
        self._source, self._rows = source, rows
        self.fields, self.classes, self.class_field = source.fields, source.classes, source.class_field
        self.kind, self.file_dtype, self.labels_are_checked = source.kind, source.file_dtype, True

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Item:
        return self._source.encoded(self._rows[index], index)

    def path(self, index: int) -> str:
        return self._source.name(self._rows[index], index)

    def label_batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        numbers = np.asarray(indices).tolist()
        return self._source.labels_of([self._rows[one] for one in numbers], numbers)


def _holds_text(feature: Feature) -> bool:
    """Is this a feature of text, or of lists of text?"""
    inner = getattr(feature, "feature", feature)
    return getattr(inner, "dtype", None) in TEXT
