"""Sources return samples by index: encoded bytes or arrays, and labels. They never decode. They never write, except the
listing that a `Folder` is asked to keep, outside of its data.

    Arrays   pictures in memory or in a memory map
    Folder   a folder with one sub-folder for each class, or with your own labels
    Files    files at any paths, with your own labels
    Subset   some samples of another source: source[10:20], source.split(0.2)

Each is in a module of its own, and is an `Indexed` (base.py) of `Item`s. Any other object with these methods is a
source, too (docs/streams.md).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, cast

import numpy as np

from vary.errors import InputError, brief
from vary.guidance import missing_name
from vary.sample import is_one_picture
from vary.sources.arrays import Arrays
from vary.sources.base import Encoded, Indexed, Item
from vary.sources.checked import fields_of, fingerprints_of, item_of, length_of, path_of
from vary.sources.files import Files
from vary.sources.folder import Folder, check_others
from vary.sources.kinds import Kind, array_kind, asked_kind, stated_kind
from vary.sources.labels import batch_labels, class_ids, class_names
from vary.sources.own import Adapted, warn_of_absent, with_classes
from vary.sources.subset import Source, Subset, pick, reads_for_labels, split_of, whole_of
from vary.sources.walk import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "SUFFIXES",
    "Adapted",
    "Arrays",
    "Encoded",
    "Files",
    "Folder",
    "Indexed",
    "Item",
    "Kind",
    "Source",
    "Subset",
    "array_kind",
    "asked_kind",
    "batch_labels",
    "class_ids",
    "fingerprints_of",
    "item_of",
    "open_source",
    "path_of",
    "reads_for_labels",
    "split",
    "stated_kind",
    "subset",
    "whole_of",
]

REQUIRED = ("fields", "__len__", "__getitem__")
OPTIONAL = ("classes", "path", "label_batch")

if not TYPE_CHECKING:  # with `__getattr__`, a type checker would accept every name

    def __getattr__(name: str) -> object:
        raise missing_name("vary.sources", name, __all__)


def open_source(obj: object, labels: object = None, classes: Sequence[str] | None = None) -> Indexed:
    """The argument `source` of `vary.stream` as a source.

    A path becomes a `Folder`; an array, a list of arrays, or a tuple (images, labels) becomes `Arrays`; a source is
    returned itself. labels: only for a path, an array or a list of arrays; other sources have their own.
    classes: the names of the class ids, in order. Warns if some have no samples.
    `InputError` for any other `obj`, and if the source has a class that is not in `classes`.
    """
    if classes is None:
        return _opened(obj, labels, None)
    names = class_names(classes)
    source = with_classes(_opened(obj, labels, names), names)
    warn_of_absent(source)
    return source


def subset(source: object, which: object) -> Subset:
    """`source[which]` for anything that `vary.stream` accepts as a source, also if it does not derive from `Source`."""
    return pick(open_source(source), which)


def split(source: object, validation: float, *, stratify: bool = True, seed: int = 0) -> tuple[Subset, Subset]:
    """`Source.split` for anything that `vary.stream` accepts as a source, also if it does not derive from `Source`."""
    return split_of(open_source(source), validation, stratify, seed)


def _opened(obj: object, labels: object, classes: list[str] | None) -> Indexed:
    _check_paths(obj[0] if isinstance(obj, tuple) and len(obj) == 2 else obj)
    if isinstance(obj, np.ndarray | list):
        return Arrays(obj, labels, classes=classes)
    if isinstance(obj, str | os.PathLike):
        folder = Folder(obj, labels=labels, classes=classes)
        if classes is not None and labels is None:
            check_others(folder)
        return folder
    if labels is not None and isinstance(obj, Folder):
        return obj.with_labels(labels, classes)
    if labels is not None:
        raise InputError(
            f"labels= goes with a path, an array or a list of arrays; a {type(obj).__name__} brings its own"
        )
    if isinstance(obj, tuple):
        _check_pair(obj)
        return Arrays(*obj, classes=classes)
    if hasattr(obj, "__array_interface__"):  # such as Pillow's pictures
        return Arrays(cast("np.ndarray", obj))  # says what to give instead
    missing = [name for name in (*REQUIRED, *OPTIONAL) if not hasattr(obj, name)]
    if needed := [name for name in missing if name in REQUIRED]:
        cure = "list(...) of it, if it gives pictures, " if isinstance(obj, Iterator) else ""
        raise InputError(
            f"{type(obj).__name__} is no source: it lacks {', '.join(needed)}; give {cure}a folder's path, an array "
            "(N, H, W, C), a tuple (images, labels), or a source of your own, derived from vary.sources.Source"
        )
    length_of(obj)
    fields_of(obj)
    return Adapted(obj) if missing else cast("Indexed", obj)


def _check_paths(obj: object) -> None:
    """`InputError` if the source is an array or Series of paths; `Arrays` does so for a list."""
    if (
        isinstance(obj, str | bytes | os.PathLike | Mapping | list)
        or hasattr(obj, "fields")
        or not hasattr(obj, "__len__")
    ):
        return
    pictures = isinstance(obj, np.ndarray) and obj.dtype.kind not in "OUS"
    first = next(iter(obj), None) if isinstance(obj, Iterable) and not pictures else None
    if isinstance(first, str | os.PathLike):
        raise InputError(
            f"the source is a {type(obj).__name__} of paths, such as {brief(str(first))}; vary.Files(paths, labels) "
            "streams files, and vary.read_image(path) makes an array"
        )


def _check_pair(obj: tuple[object, ...]) -> None:
    """`InputError` if a tuple is not (images, labels)."""
    if len(obj) != 2:
        raise InputError(
            f"a tuple of {len(obj)} is no source; give (images, labels), or a list of pictures; several fields of "
            'labels go by name: labels={"age": ages, "breed": breeds}'
        )
    if isinstance(obj[0], str | os.PathLike):
        raise InputError(
            f"({brief(str(obj[0]))}, labels) is no source; give the path of a folder alone, and your own labels as "
            "labels=; vary.Files(paths, labels) is a source of files"
        )
    shapes = [one.shape for one in obj if isinstance(one, np.ndarray) and (one.ndim == 2 or is_one_picture(one.shape))]
    if len(shapes) == 2:
        raise InputError(
            f"a tuple of two arrays of shape {shapes[0]} and {shapes[1]} would be (images, labels); "
            "pictures come as a list: [first, second]"
        )
