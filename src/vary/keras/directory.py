"""`image_dataset_from_directory`: Keras' function of this name, on every backend and with a policy."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from dataclasses import fields
from itertools import pairwise
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from vary.errors import InputError, SourceError, brief
from vary.guidance import close
from vary.keras.dataset import ImageDataset, LabelMode
from vary.keras.files import CHANNELS
from vary.keras.listing import classes_of
from vary.keras.policy import plain_policy
from vary.keras.resizing import INTERPOLATIONS, Resizing, checked_size, resized
from vary.keras.seeds import drawn_seed
from vary.paths import path_text
from vary.policy import Policy
from vary.sample import Array
from vary.sources import Folder, Subset
from vary.sources.walk import Walk
from vary.stores import shown
from vary.streams.options import Arguments
from vary.streams.stream import stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vary.sources.subset import Source

__all__ = ["image_dataset_from_directory"]

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
    shuffle: a new order in every epoch; False: the order of the files. seed: of order, split and variations. None: one
        that Python's `random` draws, which `keras.utils.set_random_seed` seeds; the split is then that of seed 0.
    validation_split: the fraction for validation, the same of every class, chosen by `seed` alone.
    subset: "training", "validation", or "both" for a pair of datasets. The pictures for validation are not varied: of
        the policy, only what it does to every picture alike is done. In a pair, they come in the order of their files.
    interpolation: bilinear, nearest, bicubic, area, lanczos3, lanczos5, gaussian or mitchellcubic. All but nearest
        average pixels where a picture shrinks, which Keras does not do.
    follow_links: also read sub-folders of classes that are symbolic links.
    crop_to_aspect_ratio, pad_to_aspect_ratio: keep the aspect ratio, by cutting or by adding black.
    data_format: "channels_last" or "channels_first"; None: that of Keras, if it was imported, else channels last.
    format: "tf" or "grain", without an effect: the dataset needs neither TensorFlow nor Grain.
    verbose: print the numbers of files and classes.
    policy: how pictures are varied, after the resize and mostly in the same pass.
    options: further keywords of `vary.stream`, such as `on_error="skip"`, `threads=2` and `dtype="uint8"`.

    `InputError` for invalid arguments; `SourceError` if there are no pictures, or no sub-folders to infer labels from.
    """
    _check_options(options)
    _check_words(label_mode, color_mode, interpolation, data_format, format)
    _check_switches(shuffle, follow_links, crop_to_aspect_ratio, pad_to_aspect_ratio)
    _check_subset(validation_split, subset)
    resize = Resizing(*checked_size(image_size), interpolation.lower(), crop_to_aspect_ratio, pad_to_aspect_ratio)
    label_mode = None if labels is None else label_mode
    found = _listed(directory, labels if label_mode else None, class_names, (label_mode, follow_links))
    parts = _parts(found.source, validation_split, subset, 0 if seed is None else seed)
    if verbose:
        print("\n".join([*found.remarks, *_counted(found, parts)]))  # noqa: T201  as Keras does
    options = _form(color_mode, data_format, label_mode, batch_size, seed) | options
    made = []
    for name, source in parts.items():
        kept = shuffle and not (subset == "both" and name == "validation")
        batches = stream(source, _policy_for(name, resize, policy), shuffle=kept, **options)
        made.append(ImageDataset(batches, label_mode, found.class_names, batch_size is not None))
    return tuple(made) if subset == "both" else made[0]


def _form(
    color_mode: str, data_format: str | None, label_mode: LabelMode, batch_size: int | None, seed: int | None
) -> dict[str, Any]:
    """The keywords of `vary.stream` that these arguments stand for."""
    return {
        "dtype": "float32",
        "channels": CHANNELS[color_mode],
        "layout": LAYOUTS[data_format or _data_format_of_keras()],
        "one_hot": label_mode == "categorical",
        "batch_size": 1 if batch_size is None else batch_size,
        "seed": drawn_seed() if seed is None else seed,
    }


def _policy_for(part: str, resize: Resizing, policy: Policy | None) -> Policy:
    given: object = policy
    if not isinstance(given, Policy | None):
        raise InputError(f"policy is a {type(given).__name__}; give a policy: policy=vary.Policy([...])")
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


def _check_words(
    label_mode: object, color_mode: object, interpolation: object, data_format: object, form: object
) -> None:
    given = {
        "label_mode": (label_mode, LABEL_MODES),
        "color_mode": (color_mode, tuple(CHANNELS)),
        "interpolation": (interpolation.lower() if isinstance(interpolation, str) else interpolation, INTERPOLATIONS),
        "data_format": (data_format, (*LAYOUTS, None)),
        "format": (form, ("tf", "grain")),
    }
    for name, (value, words) in given.items():
        if not isinstance(value, str | None) or value not in words:
            raise InputError(f"{name}={value!r}; give one of {', '.join(map(repr, words))}")


def _check_switches(shuffle: object, follow_links: object, crop: object, pad: object) -> None:
    given = {"shuffle": shuffle, "follow_links": follow_links, "crop_to_aspect_ratio": crop}
    for name, value in {**given, "pad_to_aspect_ratio": pad}.items():
        if not isinstance(value, int | np.bool_) or value not in (0, 1):
            raise InputError(f"{name}={brief(value)}; give True or False")


def _check_subset(validation_split: Any, subset: object) -> None:  # `Any`: checked here
    if subset not in SUBSETS:
        raise InputError(f"subset={subset!r}; give 'training', 'validation', or 'both' for a pair of datasets")
    if subset and not validation_split:
        raise InputError(f"subset={subset!r} goes with validation_split=, a fraction between 0 and 1, such as 0.2")
    if validation_split and not subset:
        raise InputError(
            f"validation_split={validation_split} goes with subset=: 'training', 'validation', or 'both' for a pair"
        )
    if validation_split and not (isinstance(validation_split, Real) and 0 < float(validation_split) < 1):
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
    directory = path_text("directory", directory, "the path of a folder with one sub-folder for each class")
    if not directory:
        raise InputError("directory='' is empty; give the path of a folder, '.' for the current one")
    inferred = isinstance(labels, str) and labels == "inferred"
    if class_names is not None:
        if not inferred:
            raise InputError("class_names= names sub-folders, so it goes with labels='inferred'; leave it out")
        class_names = _class_names(directory, class_names)
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
            folder, names = Folder(directory, labels={}), None
        places = _in_order_of_keras(folder, follow_links, 1 if inferred else 0)
        if labels is not None and not inferred:
            folder, names = _with_labels(folder, places, labels, label_mode)
    if label_mode == "binary" and len(names or ()) != 2:
        raise InputError(f"label_mode='binary' is for 2 classes, and there are {brief(names)}; give 'int'")
    source = folder if np.array_equal(places, np.arange(len(folder))) else Subset(folder, places)
    return _Found(source, names, [" ".join(str(one.message).split()) for one in caught])


def _class_names(directory: str | os.PathLike[str], given: object) -> list[str]:
    """The argument class_names, checked: `InputError` if a sub-folder is missing, or named twice."""
    names = classes_of(given, "class_names")
    if names is None:
        raise InputError("class_names=[] names no sub-folder; leave it out to read all of them")
    top = Path(directory)
    there = sorted(one.name for one in top.iterdir() if one.is_dir()) if top.is_dir() else names
    absent = sorted({*names} - {*there})
    if absent and not {*there} <= {*names}:
        raise InputError(
            f"class_names names {brief(absent)}, and the sub-folders of {os.fspath(directory)!r} are {brief(there)}; "
            "give names of these"
        )
    return names


def _in_order_of_keras(folder: Folder, follow_links: bool, depth: int) -> Array:
    """The indices of the files in Keras' order: by class, by the path of their folder, and by name.

    Without follow_links, files in a linked folder are left out. depth: 1 if the folders of classes may be links.
    """
    ids = np.zeros(len(folder), np.int64) if folder.labels is None else folder.labels
    root = folder.root.rstrip("/")
    known = {root: False, "": False, "/": False}

    def is_linked(path: str) -> bool:
        if path not in known:
            may_be = path.count("/") - root.count("/") <= depth
            known[path] = is_linked(os.path.dirname(path)) or (not may_be and os.path.islink(path))  # noqa: PTH114, PTH120
        return known[path]

    def key(place: int) -> tuple[int, str, str]:
        return int(ids[place]), *os.path.split(folder.path(place))

    every = range(len(folder))
    kept = every if follow_links else [place for place in every if not is_linked(key(place)[1])]
    is_sorted = all(one <= other for one, other in pairwise(map(key, kept)))  # the usual case, without a list of paths
    return np.array(kept if is_sorted else sorted(kept, key=key), np.int64)


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


def _with_labels(folder: Folder, places: Array, labels: object, label_mode: LabelMode) -> tuple[Folder, list[str]]:
    """The folder with a user's labels, and the names of the classes. places: of the files, in the order of the
    labels."""
    ids = np.asarray(labels) if isinstance(labels, list | tuple | np.ndarray) else np.zeros(0, object)
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise InputError(
            f"labels={brief(labels)}; give 'inferred', None, or a list of whole numbers, one for each file. "
            "vary.stream(folder, labels=) takes any other labels"
        )
    if len(ids) != len(places):
        raise InputError(
            f"labels has {len(ids)} entries, and {shown(folder.root)!r} {len(places)} files; give one for each"
        )
    arranged = np.full(len(folder), ids[0])
    arranged[places] = ids
    names = [str(one) for one in np.unique(ids).tolist()]
    if ids.min() >= 0 and ids.max() < len(names):
        return folder.with_labels(arranged, names), names
    if label_mode != "int":
        raise InputError(
            f"labels hold {brief(np.unique(ids).tolist())}, and label_mode={label_mode!r} needs 0 .. "
            f"{len(names) - 1}; number the classes from 0, or give label_mode='int'"
        )
    return folder.with_labels(arranged), names


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
