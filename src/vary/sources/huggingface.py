"""`HuggingFace`: the rows of a `datasets.Dataset`, whose pictures are read as encoded bytes, not decoded there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from vary.codecs.wide import FileDtype, file_dtype
from vary.errors import InputError, SourceError, brief
from vary.guidance import close, guided
from vary.sample import Array
from vary.sources.base import Encoded, Item
from vary.sources.columns import plain
from vary.sources.files import read_file, said_dtype
from vary.sources.kinds import Kind, files_kind
from vary.sources.labels import class_ids, read_labels
from vary.sources.subset import Source, inherits
from vary.sources.tables import label_values

__all__ = ["HuggingFace", "is_dataset"]

# Objects of the package datasets are `Any`, because it may be absent. It is never imported here.


def is_dataset(obj: object) -> bool:
    """Is this a class of the package datasets?"""
    return any(one.__module__.partition(".")[0] == "datasets" for one in type(obj).__mro__)


class HuggingFace(Source):
    """The rows of a Hugging Face data set, in their order.

    dataset: a `datasets.Dataset`. Its format, transform and decoding do not matter.
    images: the name of a column of the feature `Image`, or of bytes. None: the only such column.
    labels: the name of a column, for the field "labels"; or several fields, {"age": "years", "breed": "breed"}. Names
        of a `ClassLabel` become the classes. None: the only `ClassLabel`, if there is one. (): no labels.
    classes: the names of the class ids, in order. None: those of the `ClassLabel`, or the names among the labels.
    dtype: as what the pictures are read, "uint8" or "uint16", as for `Folder`.

    The data set stays mapped from its files, and other processes map it, too. `InputError` for a `DatasetDict` or an
    `IterableDataset`, and for columns that do not exist or are not images. Memory: the labels.
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
        self.file_dtype = file_dtype(dtype)
        self._dataset: Any = _checked(dataset)
        features = self._dataset.features
        self._images = _images_column(features, images)
        asked = _label_columns(features, labels, self._images)
        self._rows: Any = _undecoded(self._dataset, self._images)
        if not len(self._rows):
            raise InputError("the data set has no rows; give one with at least one picture")
        names = [features[name].names for name in asked.values() if _kind(features[name]) == "ClassLabel"]
        given = classes if classes is not None or len(names) != 1 else names[0]
        columns: dict[str, Any] = {}
        for field, name in asked.items():
            wanted = list(given) if given is not None and (field == "labels" or len(asked) == 1) else None
            columns[field], found = label_values(name, _values(self._dataset, name), (wanted, None), "row {}".format)
            given = found if given is None else given  # of lists of names
        self._labels = read_labels(columns or None, given, len(self._rows), "row {}".format)
        self.fields: tuple[str, ...] = ("images", *self._labels.fields)
        self.classes = self._labels.classes
        self.class_field = self._labels.field

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
        path = self._name(index, cell)
        data = cell.get("bytes") if isinstance(cell, Mapping) else cell
        if data is not None:
            return Item(Encoded(bytes(data), path), self._labels.of(index))
        stored = cell.get("path") if isinstance(cell, Mapping) else None
        if stored is None:
            raise SourceError(f"{path}: the row has no picture; leave it out: dataset.filter")
        return Item(read_file(stored, "the data set names it"), self._labels.of(index))

    def path(self, index: int) -> str:
        """The file that the row names, with the number of the row."""
        return self._name(index, self._rows[index][self._images])

    def _name(self, index: int, cell: object) -> str:
        stored = cell.get("path") if isinstance(cell, Mapping) else None
        return f"row {index} ({stored})" if stored else f"row {index}"

    def fingerprints(self, indices: Sequence[int] | Array) -> list[tuple[str, str, int]]:
        """The data set's own fingerprint, which changes with its content, the column, and the row."""
        known = str(self._dataset._fingerprint)
        return [(known, self._images, place) for place in np.asarray(indices).tolist()]

    def label_batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        return self._labels.batch(indices)

    def column(self, name: str) -> Any:  # Any: of any kind
        """The values of a column, such as `groups=` of `split` needs."""
        if name not in self._dataset.features:
            raise InputError(f"groups={name!r}: no such column; the columns are {brief(list(self._dataset.features))}")
        return _values(self._dataset, name)

    def __repr__(self) -> str:
        kept = f"fields={brief(self.fields)}, classes={brief(self.classes)}{said_dtype(self)}"
        return f"HuggingFace({len(self)} pictures in {self._images!r}, {kept})"


def _checked(dataset: Any) -> Any:
    """`InputError` if this is not a `datasets.Dataset`."""
    name = type(dataset).__name__
    if is_dataset(dataset) and isinstance(dataset, Mapping):
        splits = list(dataset)
        one = f"dataset[{splits[0]!r}]" if splits else "one of its splits"
        raise InputError(f"dataset is a {name} of the splits {brief(splits)}; give one of them: {one}")
    if is_dataset(dataset) and not hasattr(dataset, "__len__"):
        raise InputError(
            f"dataset is a {name}, whose rows come in their order alone, and a stream shuffles and resumes by row; "
            "load it with streaming=False, or its first rows: datasets.Dataset.from_list(list(dataset.take(10_000)))"
        )
    if not is_dataset(dataset) or not hasattr(dataset, "features"):
        raise InputError(f"dataset is a {name}; give a datasets.Dataset, such as load_dataset(name, split='train')")
    return dataset


def _kind(feature: object) -> str:
    return type(feature).__name__


def _is_image(feature: Any) -> bool:
    return _kind(feature) == "Image" or getattr(feature, "dtype", None) in ("binary", "large_binary")


def _images_column(features: Mapping[str, Any], name: object) -> str:
    found = [one for one, feature in features.items() if _is_image(feature)]
    if name is None:
        images = [one for one in found if _kind(features[one]) == "Image"] or found
        if len(images) == 1:
            return images[0]
        cure = "name one as images=" if images else "cast the column of paths: dataset.cast_column(name, Image())"
        raise InputError(f"the data set has {len(images)} columns of images among {brief(list(features))}; {cure}")
    if not isinstance(name, str) or name not in features:
        raise InputError(_no_column("images", name, features))
    if name not in found:
        cure = f"dataset.cast_column({name!r}, datasets.Image()) makes it one"
        raise InputError(f"images={name!r} is a column of {brief(str(features[name]))}, not of images; {cure}")
    return name


def _label_columns(features: Mapping[str, Any], labels: object, images: str) -> dict[str, str]:
    """field -> column."""
    if labels is None:
        found = [one for one, feature in features.items() if _kind(feature) == "ClassLabel"]
        if len(found) > 1:
            raise InputError(f"the data set has several columns of classes, {brief(found)}; name one as labels=")
        return {"labels": found[0]} if found else {}
    asked = labels if isinstance(labels, Mapping) else {} if labels == () else {"labels": labels}
    for field, name in asked.items():
        if not isinstance(name, str) or name not in features or name == images:
            raise InputError(_no_column("labels" if len(asked) == 1 else f"labels[{field!r}]", name, features))
    return {str(field): str(name) for field, name in asked.items()}


def _no_column(argument: str, name: object, features: Mapping[str, Any]) -> str:
    similar = close(name, list(features)) if isinstance(name, str) else ""
    said = f"the data set has no such column{similar and f'; {similar}'}"
    return f"{argument}={brief(name)}: {said}; its columns are {brief(list(features))}"


def _undecoded(dataset: Any, images: str) -> Any:
    """The rows with that column alone, as bytes and path."""
    plain_rows = dataset.with_format(None).select_columns([images])
    feature = plain_rows.features[images]
    if _kind(feature) != "Image":
        return plain_rows
    return plain_rows.cast_column(images, type(feature)(decode=False))


def _values(dataset: Any, name: str) -> Any:
    """A column as an array or a list."""
    return plain(dataset.select_columns([name]).with_format("arrow")[:].column(name))
