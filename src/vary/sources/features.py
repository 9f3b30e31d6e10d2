"""Columns of a Hugging Face data set by their features, and the pictures in its rows. `datasets` is not imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vary.errors import InputError, SourceError, brief
from vary.guidance import close
from vary.sources.base import Encoded
from vary.sources.files import read_file
from vary.sources.labels import class_names

__all__ = [
    "Cell",
    "Dataset",
    "Feature",
    "class_column",
    "encoded_of",
    "image_column",
    "kind_of",
    "label_columns",
    "named_classes",
    "names_of",
    "row_name",
    "undecoded",
]

Feature = Any  # Any: of a package that may be absent, as all below
Features = Mapping[str, Feature]
Dataset = Feature
Cell = Feature


def kind_of(feature: object) -> str:
    return type(feature).__name__


def _is_image(feature: Feature) -> bool:
    return kind_of(feature) == "Image" or getattr(feature, "dtype", None) in ("binary", "large_binary")


def image_column(features: Features, name: object) -> str:
    found = [one for one, feature in features.items() if _is_image(feature)]
    if name is None:
        images = [one for one in found if kind_of(features[one]) == "Image"] or found
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


def label_columns(features: Features, labels: object, images: str) -> dict[str, str]:
    """field -> column."""
    if labels is None:
        found = [one for one, feature in features.items() if kind_of(feature) == "ClassLabel"]
        if len(found) > 1:
            raise InputError(f"the data set has several columns of classes, {brief(found)}; name one as labels=")
        return {"labels": found[0]} if found else {}
    asked = labels if isinstance(labels, Mapping) else {} if labels == () else {"labels": labels}
    for field, name in asked.items():
        if not isinstance(name, str) or name not in features or name == images:
            raise InputError(_no_column("labels" if len(asked) == 1 else f"labels[{field!r}]", name, features))
    return {str(field): str(name) for field, name in asked.items()}


def class_column(asked: Mapping[str, str], features: Features) -> str | None:
    """The field that the classes belong to: "labels", else the only one, else the only one that has names."""
    if "labels" in asked or len(asked) == 1:
        return "labels" if "labels" in asked else next(iter(asked))
    named = [field for field, name in asked.items() if _class_names(features[name]) is not None]
    return named[0] if len(named) == 1 else None


def named_classes(
    asked: Mapping[str, str], features: Features, own: str | None, classes: Sequence[str] | None
) -> list[str] | None:
    """The names of the classes: as given, else those of the feature of the field that they belong to."""
    if classes is not None:
        return class_names(classes)
    return None if own is None else _class_names(features[asked[own]])


def names_of(feature: Feature, values: Cell) -> Cell:
    """Labels in lists of class ids as lists of names, so that a sample may have several; other values as they are."""
    inner = getattr(feature, "feature", None)
    if inner is None or kind_of(inner) != "ClassLabel":
        return values
    return [None if cell is None else [inner.names[number] for number in cell] for cell in values]


def _class_names(feature: Feature) -> list[str] | None:
    """The names of a ClassLabel, or of a list of them."""
    inner: Feature = getattr(feature, "feature", feature)
    return list(inner.names) if kind_of(inner) == "ClassLabel" else None


def _no_column(argument: str, name: object, features: Features) -> str:
    similar = close(name, list(features)) if isinstance(name, str) else ""
    said = f"the data set has no such column{similar and f'; {similar}'}"
    return f"{argument}={brief(name)}: {said}; its columns are {brief(list(features))}"


def undecoded(dataset: Dataset, images: str, others: Sequence[str] = ()) -> Dataset:
    """The data set with these columns alone, the pictures as bytes and path."""
    rows = dataset.with_format(None).select_columns([images, *others])
    feature = rows.features[images]
    return rows if kind_of(feature) != "Image" else rows.cast_column(images, type(feature)(decode=False))


def encoded_of(cell: Cell, path: str) -> Encoded:
    """The picture of a row. path: what messages call it. `SourceError` if the row has none, or its file is gone."""
    data = cell.get("bytes") if isinstance(cell, Mapping) else cell
    if data is not None:
        return Encoded(bytes(data), path)
    stored = cell.get("path") if isinstance(cell, Mapping) else None
    if stored is None:
        raise SourceError(f"{path}: the row has no picture; leave it out: dataset.filter")
    return read_file(stored, "the data set names it")


def row_name(index: int, cell: Cell) -> str:
    """The number of a row, with the file that it names."""
    stored = cell.get("path") if isinstance(cell, Mapping) else None
    return f"row {index} ({stored})" if stored else f"row {index}"
