"""`open_source`: whatever a user gives as a source becomes one; and subsets and splits of it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from vary.errors import InputError, brief
from vary.sample import is_one_picture
from vary.sources.arrays import Arrays
from vary.sources.checked import fields_of, length_of
from vary.sources.folder import Folder, check_others
from vary.sources.huggingface import HuggingFace, is_dataset, is_streamed_dataset
from vary.sources.labels import class_names
from vary.sources.own import Adapted, warn_of_absent, with_classes
from vary.sources.streamed import Streamed
from vary.sources.subset import Division, Subset, pick, split_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.sources.base import Indexed

__all__ = ["open_source", "split", "subset"]

REQUIRED = ("fields", "__len__", "__getitem__")
OPTIONAL = ("classes", "path", "label_batch")


def open_source(
    obj: object, labels: object = None, classes: Sequence[str] | None = None, *, in_order: bool = False
) -> Indexed:
    """The argument `source` of `vary.stream` as a source.

    A path becomes a `Folder`, or `Arrays` if it ends in .npy; an array, a list of arrays, or a tuple (images, labels)
    becomes `Arrays`; a data set of Hugging Face, `HuggingFace`; a source is returned itself. labels: only for a path,
    an array or a list of arrays; other sources have their own.
    classes: the names of the class ids, in order. Warns if some have no samples.
    in_order: may it be a streamed data set, which is no `Indexed`?
    `InputError` for any other `obj`, and if the source has a class that is not in `classes`.
    """
    if is_streamed_dataset(obj) or isinstance(obj, Streamed):
        return _streamed(obj, labels, classes, in_order)
    if classes is None:
        return _opened(obj, labels, None)
    names = class_names(classes)
    source = with_classes(_opened(obj, labels, names), names)
    warn_of_absent(source)
    return source


def subset(source: object, which: object) -> Subset:
    """`source[which]` for anything that `vary.stream` accepts as a source, also if it does not derive from `Source`."""
    return pick(open_source(source), which)


def split(
    source: object,
    validation: float,
    *,
    stratify: bool = True,
    seed: int = 0,
    groups: object = None,
    by: Literal["name"] | None = None,
) -> tuple[Subset, Subset]:
    """`Source.split` for anything that `vary.stream` accepts as a source, also if it does not derive from `Source`."""
    return split_of(open_source(source), validation, Division(stratify, seed, groups, by))


def _streamed(obj: object, labels: object, classes: Sequence[str] | None, in_order: bool) -> Indexed:
    """A streamed data set, for those who can read rows in their order alone."""
    if isinstance(obj, Streamed) and (labels is not None or classes is not None):
        raise InputError("labels= and classes= are given to vary.HuggingFace(dataset, labels=..., classes=...)")
    made = obj if isinstance(obj, Streamed) else HuggingFace(obj, labels=labels, classes=classes)  # type: ignore[arg-type]
    found = cast("Streamed", made)
    if not in_order:
        found.refuse("reading them in another order")
    return cast("Indexed", found)


def _opened(obj: object, labels: object, classes: list[str] | None) -> Indexed:
    if is_dataset(obj) and labels is None:
        return HuggingFace(obj, classes=classes)
    if hasattr(obj, "shape") and (hasattr(obj, "columns") or hasattr(obj, "column_names")):
        raise InputError(
            f"the source is a {type(obj).__name__}; vary.table(frame, images=, labels=) is a source of its rows; give "
            "the names of the columns of paths and of labels"
        )
    _check_paths(obj[0] if isinstance(obj, tuple) and len(obj) == 2 else obj)
    if isinstance(obj, np.ndarray | list):
        return Arrays(obj, labels, classes=classes)
    if isinstance(obj, str | os.PathLike) and os.fspath(obj).lower().endswith(".npy"):
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
            f"{type(obj).__name__} is not a source: it lacks {', '.join(needed)}; give {cure}a folder's path, an array "
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
            f"a tuple of {len(obj)} is not a source; give (images, labels), or a list of pictures; several fields of "
            'labels go by name: labels={"age": ages, "breed": breeds}'
        )
    if isinstance(obj[0], str | os.PathLike) and not os.fspath(obj[0]).lower().endswith(".npy"):
        raise InputError(
            f"({brief(str(obj[0]))}, labels) is not a source; give the path of a folder alone, and your own labels as "
            "labels=; vary.Files(paths, labels) is a source of files"
        )
    shapes = [one.shape for one in obj if isinstance(one, np.ndarray) and (one.ndim == 2 or is_one_picture(one.shape))]
    if len(shapes) == 2:
        raise InputError(
            f"a tuple of two arrays of shape {shapes[0]} and {shapes[1]} would be (images, labels); "
            "pictures come as a list: [first, second]"
        )
