"""`HuggingFace`: the rows of a `datasets.Dataset`, whose pictures are read as encoded bytes, not decoded there."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cached_property

import numpy as np

from vary.codecs.wide import FileDtype, file_dtype
from vary.errors import NO_ROWS, InputError, brief
from vary.guidance import guided
from vary.sample import Array
from vary.sources.base import Item
from vary.sources.columns import plain
from vary.sources.features import (
    Cell,
    Dataset,
    class_column,
    encoded_of,
    image_column,
    label_columns,
    named_classes,
    names_of,
    row_name,
    undecoded,
)
from vary.sources.files import said_dtype, stamped
from vary.sources.kinds import Kind, files_kind
from vary.sources.labels import class_ids, read_labels
from vary.sources.streamed import Streamed
from vary.sources.subset import Source, inherits
from vary.sources.tables import label_values

__all__ = ["HuggingFace", "is_dataset"]

# The package datasets is never imported here.


def is_dataset(obj: object) -> bool:
    """Is this a class of the package datasets?"""
    return any(one.__module__.partition(".")[0] == "datasets" for one in type(obj).__mro__)


def is_streamed_dataset(obj: object) -> bool:
    """Is this a data set of the package datasets whose rows come in their order alone?"""
    return is_dataset(obj) and not isinstance(obj, Mapping) and not hasattr(obj, "__len__")


class HuggingFace(Source):
    """The rows of a Hugging Face data set, in their order.

    dataset: a `datasets.Dataset`, or an `IterableDataset` (streaming=True), whose rows come in their order alone: see
        docs/sources.md. Its format, transform and decoding do not matter.
    images: the name of a column of the feature `Image`, or of bytes. None: the only such column.
    labels: the name of a column, for the field "labels"; or several fields, {"age": "years", "breed": "breed"}. Names
        of a `ClassLabel` become the classes. None: the only `ClassLabel`, if there is one. (): no labels.
    classes: the names of the class ids, in order. None: those of the `ClassLabel`, or the names among the labels.
    dtype: as what the pictures are read, "uint8" or "uint16", as for `Folder`.

    The data set stays mapped from its files, and other processes map it, too. `InputError` for a `DatasetDict`, and
    for columns that do not exist or are not images. Memory: the labels.
    """

    @guided("vary.HuggingFace")
    def __init__(
        self,
        dataset: object,
        images: str | None = None,
        labels: str | Mapping[str, str] | tuple[()] | None = None,
        *,
        classes: Sequence[str] | None = None,
        dtype: FileDtype = "uint8",
    ) -> None:
        if is_streamed_dataset(dataset):  # that is a source of another kind
            self.__class__ = Streamed  # type: ignore[assignment]
            Streamed.__init__(self, dataset, images, labels, classes=classes, dtype=dtype)  # type: ignore[arg-type]
            return
        self.file_dtype = file_dtype(dtype)
        self._dataset: Dataset = _checked(dataset)
        features = self._dataset.features
        self._images = image_column(features, images)
        asked = label_columns(features, labels, self._images)
        self._rows: Dataset = undecoded(self._dataset, self._images)
        if not len(self._rows):
            raise InputError(NO_ROWS)
        own = class_column(asked, features)
        given = named_classes(asked, features, own, classes)
        columns: dict[str, Cell] = {}
        for field, name in asked.items():
            values = names_of(features[name], _values(self._dataset, name))
            wanted = given if field == own else None
            columns[field], found = label_values(name, values, (wanted, None), "row {}".format)
            if found is not None and field != own:
                raise InputError(
                    f"labels[{field!r}] holds lists of names, and the classes of a source are those of one field: call "
                    "it 'labels'"
                )
            given = found if given is None else given
        self._labels = read_labels(columns or None, given, len(self._rows), "row {}".format)
        self.fields: tuple[str, ...] = ("images", *self._labels.fields)
        self.classes = self._labels.classes
        self.class_field = self._labels.field or (None if given is None else own)

    @property
    def labels_are_checked(self) -> bool:
        return inherits(self, HuggingFace, "label_batch")

    @cached_property
    def kind(self) -> Kind | None:  # type: ignore[override]
        """Encoded files; None if a subclass reads them in another way."""
        return files_kind(self) if inherits(self, HuggingFace, "__getitem__", "item") else None

    @property
    def labels(self) -> Array | None:
        """Class ids in index order; None if there are none."""
        return class_ids(self)

    def __len__(self) -> int:
        return len(self._rows)

    def item(self, index: int) -> Item:
        cell = self._rows[index][self._images]
        return Item(encoded_of(cell, row_name(index, cell)), self._labels.of(index))

    def path(self, index: int) -> str:
        """The file that the row names, with the number of the row."""
        return row_name(index, self._rows[index][self._images])

    def fingerprints(self, indices: Sequence[int] | Array) -> list[tuple[Hashable, ...]]:
        """The data set's own fingerprint, which changes with its content, the column, and the row; with size and time
        of files that it only names."""
        known, places = str(self._dataset._fingerprint), np.asarray(indices).tolist()
        if not self._names_files:
            return [(known, self._images, place) for place in places]
        cells = [self._rows[place][self._images] for place in places]
        inside = [isinstance(cell, Mapping) and cell.get("bytes") is None for cell in cells]
        paths = [str(cell["path"]) if named else "" for cell, named in zip(cells, inside, strict=True)]
        return [(known, self._images, place, *stamp) for place, stamp in zip(places, stamped(paths), strict=True)]

    @cached_property
    def _names_files(self) -> bool:
        """Does any row have the path of a file in place of its bytes?"""
        chunks = self._rows.data.column(self._images).chunks
        return any(str(one.type).startswith("struct") and one.field("bytes").null_count for one in chunks)

    def label_batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        return self._labels.batch(indices)

    def column(self, name: str) -> Cell:
        """The values of a column, such as `groups=` of `split` needs."""
        if name not in self._dataset.features:
            raise InputError(f"groups={name!r}: no such column; the columns are {brief(list(self._dataset.features))}")
        return _values(self._dataset, name)

    def __repr__(self) -> str:
        kept = f"fields={brief(self.fields)}, classes={brief(self.classes)}{said_dtype(self)}"
        return f"HuggingFace({len(self)} pictures in {self._images!r}, {kept})"


def _checked(dataset: Dataset) -> Dataset:
    """`InputError` if this is not a `datasets.Dataset`."""
    name = type(dataset).__name__
    if is_dataset(dataset) and isinstance(dataset, Mapping):
        splits = list(dataset)
        one = f"dataset[{splits[0]!r}]" if splits else "one of its splits"
        raise InputError(f"dataset is a {name} of the splits {brief(splits)}; give one of them: {one}")
    if not is_dataset(dataset) or not hasattr(dataset, "features"):
        raise InputError(f"dataset is a {name}; give a datasets.Dataset, such as load_dataset(name, split='train')")
    return dataset


def _values(dataset: Dataset, name: str) -> Cell:
    """A column as an array or a list."""
    return plain(dataset.select_columns([name]).with_format("arrow")[:].column(name))
