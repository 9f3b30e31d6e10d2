"""`image_dataset_from_directory`: Keras' function of this name, on every backend and with a policy."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from vary.errors import InputError, SourceError, brief
from vary.guidance import close
from vary.keras.dataset import ImageDataset, LabelMode
from vary.keras.policy import plain_policy
from vary.keras.resizing import INTERPOLATIONS, Resizing, checked_size, resized
from vary.policy import Policy
from vary.sources import Folder, Subset
from vary.sources.walk import Walk
from vary.streams.options import Arguments
from vary.streams.stream import stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vary.sources.subset import Source

__all__ = ["image_dataset_from_directory"]

CHANNELS = {"rgb": 3, "rgba": 4, "grayscale": 1}
LAYOUTS = {"channels_last": "NHWC", "channels_first": "NCHW"}
SAID_OTHERWISE = {
    "source": "the folder comes first: directory=",
    "classes": "give class_names=",
    "channels": "give color_mode=, such as 'grayscale'",
    "layout": "give data_format=, such as 'channels_first'",
    "one_hot": "give label_mode='categorical'",
}
"""Arguments of `vary.stream` that have another name here, and what to write."""
SUBSETS = ("training", "validation", "both", None)
LABEL_MODES = ("int", "categorical", "binary", None)


def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Literal["inferred"] | Sequence[int] | None = "inferred",
    label_mode: LabelMode = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: tuple[int, int] | int = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Literal["training", "validation", "both"] | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",  # noqa: A002  Keras' name
    verbose: bool = True,
    *,
    policy: Policy | None = None,
    **options: Any,  # `Any`: each keyword of vary.stream has a type of its own
) -> Any:  # an ImageDataset, or a pair of them with subset="both"
    """A dataset of the pictures in a folder, for `model.fit` on each backend of Keras, and for loops.

    directory: a folder with one sub-folder for each class. Hidden and empty sub-folders are no classes.
    labels: "inferred" from the sub-folders; None; or one whole number for each file, sorted by folder, then by name.
    label_mode: "int": (n,) int32. "categorical": one-hot, (n, classes) float32. "binary": (n, 1) float32 of 2 classes.
        None: no labels.
    class_names: the sub-folders to read, in the order of their ids.
    color_mode: "rgb", "rgba" or "grayscale". image_size: (height, width) in pixels.
    batch_size: None: single samples, for loops alone.
    shuffle: a new order in every epoch. seed: of order, split and variations; None is 0, so runs are alike.
    validation_split: the fraction for validation, the same of every class, chosen by `seed` alone.
    subset: "training", "validation", or "both" for a pair of datasets. The pictures for validation are not varied: of
        the policy, only what it does to every picture alike is done. In a pair, they come in the order of their files.
    interpolation: bilinear, nearest, bicubic, area, lanczos3, lanczos5, gaussian or mitchellcubic. All but nearest
        average pixels where a picture shrinks, which Keras does not do.
    follow_links: also read sub-folders of classes that are symbolic links.
    crop_to_aspect_ratio, pad_to_aspect_ratio: keep the aspect ratio, by cutting or by adding black.
    data_format: "channels_last" or "channels_first"; None: that of Keras, if it was imported, else channels last.
    format: ignored: the dataset needs neither TensorFlow nor Grain. verbose: print the numbers of files and classes.
    policy: how pictures are varied, after the resize and mostly in the same pass.
    options: further keywords of `vary.stream`, such as `on_error="skip"`, `threads=2` and `dtype="uint8"`.

    `InputError` for invalid arguments; `SourceError` if there are no pictures, or no sub-folders to infer labels from.
    """
    del format
    _check_options(options)
    _check_words(label_mode, color_mode, interpolation, data_format)
    _check_subset(validation_split, subset)
    resize = Resizing(*checked_size(image_size), interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio)
    label_mode = None if labels is None else label_mode
    found = _listed(directory, labels if label_mode else None, class_names, (label_mode, follow_links))
    parts = _parts(found.source, validation_split, subset, seed or 0)
    if verbose:
        print("\n".join([*found.remarks, *_counted(found, parts)]))  # noqa: T201  as Keras does
    options = _form(color_mode, data_format, label_mode, batch_size) | {"seed": seed or 0} | options
    made = []
    for name, source in parts.items():
        kept = shuffle and not (subset == "both" and name == "validation")
        batches = stream(source, _policy_for(name, resize, policy), shuffle=kept, **options)
        made.append(ImageDataset(batches, label_mode, found.class_names, batch_size is not None))
    return tuple(made) if subset == "both" else made[0]


def _form(color_mode: str, data_format: str | None, label_mode: LabelMode, batch_size: int | None) -> dict[str, Any]:
    """The keywords of `vary.stream` that say what form the batches have."""
    return {
        "dtype": "float32",
        "channels": CHANNELS[color_mode],
        "layout": LAYOUTS[data_format or _data_format_of_keras()],
        "one_hot": label_mode == "categorical",
        "batch_size": 1 if batch_size is None else batch_size,
    }


def _policy_for(part: str, resize: Resizing, policy: Policy | None) -> Policy:
    if policy is not None and part == "validation":
        policy = plain_policy(policy, (resize.height, resize.width))
    return resized(resize, policy)


def _check_options(options: Mapping[str, object]) -> None:
    """`InputError` for arguments that neither this function nor `vary.stream` has."""
    own = list(inspect.signature(image_dataset_from_directory).parameters)[:-1]
    known = {one.name for one in fields(Arguments)} - SAID_OTHERWISE.keys()
    for name in options:
        if name not in known:
            cure = SAID_OTHERWISE.get(name) or close(name, [*own, *known]) or f"it has {', '.join(own)}"
            raise InputError(f"image_dataset_from_directory has no argument {name!r}; {cure}")


def _check_words(label_mode: object, color_mode: object, interpolation: object, data_format: object) -> None:
    given = {
        "label_mode": (label_mode, LABEL_MODES),
        "color_mode": (color_mode, tuple(CHANNELS)),
        "interpolation": (interpolation, INTERPOLATIONS),
        "data_format": (data_format, (*LAYOUTS, None)),
    }
    for name, (value, words) in given.items():
        if not isinstance(value, str | None) or value not in words:
            raise InputError(f"{name}={value!r}; give one of {', '.join(map(repr, words))}")


def _check_subset(validation_split: float | None, subset: object) -> None:
    if subset not in SUBSETS:
        raise InputError(f"subset={subset!r}; give 'training', 'validation', or 'both' for a pair of datasets")
    if subset and not validation_split:
        raise InputError(f"subset={subset!r} goes with validation_split=, a fraction between 0 and 1, such as 0.2")
    if validation_split and not subset:
        raise InputError(
            f"validation_split={validation_split} goes with subset=: 'training', 'validation', or 'both' for a pair"
        )
    if validation_split and not 0 < validation_split < 1:
        raise InputError(f"validation_split={validation_split}; give a fraction between 0 and 1, such as 0.2")


def _data_format_of_keras() -> str:
    config = getattr(sys.modules.get("keras"), "config", None)
    return "channels_last" if config is None else str(config.image_data_format())


class _Found(NamedTuple):
    source: Folder | Subset
    class_names: list[str] | None
    remarks: list[str]  # what the folder warns of


def _listed(
    directory: str | os.PathLike[str],
    labels: object,
    class_names: Sequence[str] | None,
    how: tuple[LabelMode, bool],
) -> _Found:
    """how: label_mode and follow_links."""
    label_mode, follow_links = how
    inferred = isinstance(labels, str) and labels == "inferred"
    if class_names is not None and not inferred:
        raise InputError("class_names= names sub-folders, so it goes with labels='inferred'; leave it out")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if inferred:
            folder = _folder(directory, class_names)
            if folder.classes is None:
                raise SourceError(
                    f"{os.fspath(directory)!r} has no sub-folders to infer labels from; give the folder that holds one "
                    "for each class, or read the pictures without labels: labels=None"
                )
            names: list[str] | None = list(folder.classes)
        else:
            folder = Folder(directory, labels={})
            names = None
            if labels is not None:
                folder, names = _with_labels(folder, labels, label_mode)
        source = folder if follow_links else _without_links(folder, 1 if inferred else 0)
    if label_mode == "binary" and len(names or ()) != 2:
        raise InputError(f"label_mode='binary' is for 2 classes, and there are {brief(names)}; give 'int'")
    return _Found(source, names, [" ".join(str(one.message).split()) for one in caught])


def _folder(directory: str | os.PathLike[str], class_names: Sequence[str] | None) -> Folder:
    """The folder with its classes. Empty sub-folders, and pictures beside the sub-folders, are left out."""
    try:
        return Folder(directory, classes=class_names)
    except SourceError:
        if class_names is not None or not Path(directory).is_dir():
            raise
        walk = Walk(os.fspath(directory), frozenset())
        keys = walk.keys(walk.root)
        folders = sorted(key[:-1] for key in keys if key.endswith("/"))
        filled = [name for name in folders if any(walk.pictures(name))]
        if not filled:
            raise
        empty, beside = sorted({*folders} - {*filled}), [key for key in keys if not key.endswith("/")]
        said = ", and ".join(
            [f"{brief(empty)}, which are empty"] * bool(empty) + [f"{brief(beside)}, beside the classes"] * bool(beside)
        )
        warnings.warn(f"left out: {said}", UserWarning, stacklevel=2)
        return Folder(directory, classes=filled)


def _with_labels(folder: Folder, labels: object, label_mode: LabelMode) -> tuple[Folder, list[str]]:
    """The folder with a user's labels, which are in Keras' order of the files, and the names of the classes."""
    ids = np.asarray(labels) if isinstance(labels, list | tuple | np.ndarray) else np.zeros(0, object)
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise InputError(
            f"labels={brief(labels)}; give 'inferred', None, or a list of whole numbers, one for each file. "
            "vary.stream(folder, labels=) takes any other labels"
        )
    if len(ids) != len(folder):
        raise InputError(f"labels has {len(ids)} entries, and {folder.root!r} {len(folder)} files; give one for each")
    paths = [os.path.split(folder.path(place)) for place in range(len(folder))]
    order = sorted(range(len(folder)), key=paths.__getitem__)
    arranged = np.empty_like(ids)
    arranged[order] = ids
    names = [str(one) for one in np.unique(ids).tolist()]
    if ids.min() >= 0 and ids.max() < len(names):
        return folder.with_labels(arranged, names), names
    if label_mode != "int":
        raise InputError(
            f"labels hold {brief(np.unique(ids).tolist())}, and label_mode={label_mode!r} needs 0 .. "
            f"{len(names) - 1}; number the classes from 0, or give label_mode='int'"
        )
    return folder.with_labels(arranged), names


def _without_links(folder: Folder, depth: int) -> Folder | Subset:
    """Without files that are reached by symbolic links to folders. depth: 1 if the folders of classes may be links."""
    known = {"": False}

    def is_linked(below: str) -> bool:
        if below not in known:
            parent, _ = os.path.split(below)
            may_be = below.count("/") < depth
            known[below] = is_linked(parent) or (not may_be and Path(folder.root, below).is_symlink())
        return known[below]

    below = [Path(folder.path(place)).relative_to(folder.root).parent.as_posix() for place in range(len(folder))]
    kept = [place for place, one in enumerate(below) if not is_linked("" if one == "." else one)]
    return folder if len(kept) == len(folder) else folder[kept]


def _parts(
    source: Source, validation_split: float | None, subset: str | None, seed: int
) -> dict[str, Folder | Subset | Source]:
    """The name of each part to read, and its source."""
    if not validation_split:
        return {"": source}
    training, validation = source.split(validation_split, seed=seed)
    parts: dict[str, Folder | Subset | Source] = {"training": training, "validation": validation}
    return parts if subset == "both" else {str(subset): parts[str(subset)]}


def _counted(found: _Found, parts: dict[str, Folder | Subset | Source]) -> list[str]:
    names = found.class_names
    belonging = "" if names is None else f" belonging to {len(names)} classes"
    lines = [f"Found {len(found.source)} files{belonging}."]
    return lines + [f"Using {len(source)} files for {name}." for name, source in parts.items() if name]
