"""The images of a folder with a sub-folder for each class, in Keras' order."""

from __future__ import annotations

import os
from collections.abc import Mapping, Set as AbstractSet
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vary.errors import InputError, SourceError, brief
from vary.keras.faces import Compat, face_of
from vary.keras.traps import warn_of_trap
from vary.paths import searched_in
from vary.sources.walk import JUNK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["FORMATS", "Listed", "classes_of", "formats_of", "listed"]

FORMATS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
MORE = ("gif", "webp")
PARTS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})


class Listed(NamedTuple):
    """classes: names, in the order of their ids. names: of the files of each class, relative to the folder. remarks:
    what to print."""

    classes: list[str]
    names: list[list[str]]
    remarks: list[str]


def formats_of(compat: Compat) -> tuple[str, ...]:
    """Endings of files that are images; the old versions do not ask for a dot."""
    return FORMATS if face_of(compat).old_pixels else tuple(f".{one}" for one in (*FORMATS, *MORE))


def classes_of(classes: object, argument: str = "classes", compat: Compat = None) -> list[str] | None:
    """The argument `classes`: a list, tuple, array or column of names, or None, as a list; None: all classes.

    Without `compat`, a set is an error, because its order, and so the ids, would differ between runs."""
    unordered = compat is None and isinstance(classes, AbstractSet | Mapping)
    if unordered or isinstance(classes, str | bytes) or (classes is not None and not hasattr(classes, "__iter__")):
        raise InputError(f"{argument}={brief(classes)}; give a list of names, each once, in the order of their ids")
    names = [] if classes is None else list(classes)
    for place, one in enumerate(names):
        if not isinstance(one, str | os.PathLike):
            raise InputError(f"{argument}[{place}]={brief(one)} is a {type(one).__name__}; give names, as text")
    names = [str(os.fspath(name)) for name in names]
    if len(set(names)) < len(names):
        raise InputError(f"{argument}={brief(names)}; give a list of names, each once")
    return names or None


def listed(directory: str, classes: Sequence[str] | None, follow_links: bool, compat: Compat) -> Listed:
    """The files of each class, sorted by folder, then by name.

    By default, hidden files and folders, those that systems create, and folders without images are no classes;
    with `compat`, all sub-folders are.
    """
    if not os.path.isdir(directory):  # noqa: PTH112
        raise SourceError(
            f"directory={directory!r} is not a folder{searched_in(directory)}; give one with a folder a class"
        )
    remarks: list[str] = []
    classes = classes_of(classes, compat=compat)
    folders = sorted(entry.name for entry in os.scandir(directory) if entry.is_dir())
    if classes:
        names = _wanted(directory, classes, folders, compat)
    else:
        names = folders if compat is not None else [one for one in folders if not _is_hidden(one)]
    found = {name: list(_images(directory, name, follow_links, compat)) for name in names}
    if compat is None and not classes:
        empty = [name for name in names if not found[name]]
        passed = [*(one for one in folders if _is_hidden(one)), *empty]
        if passed:
            remarks.append(f"No classes, because they are hidden or have no images: {', '.join(passed)}.")
        names = [name for name in names if found[name]]
        if len(names) > 1 and all(name.lower() in PARTS for name in names):
            warn_of_trap(
                f"the classes of {directory!r} would be {brief(names)}, which seem to be parts of the data; give one "
                "of these folders"
            )
    loose = sum(entry.is_file() and _is_image(entry.name, compat) for entry in os.scandir(directory))
    if loose and compat is None:
        remarks.append(
            f"{loose} images directly in {directory} have no class, and are left out; put them into a folder."
        )
    return Listed(list(names), [found[name] for name in names], remarks)


def _wanted(directory: str, names: list[str], folders: list[str], compat: Compat) -> list[str]:
    absent = [name for name in names if not os.path.isdir(os.path.join(directory, name))]  # noqa: PTH112, PTH118
    if absent:
        warn_of_trap(
            f"classes names {brief(absent)}, which {directory!r} has no folder for; it has {brief(folders)}", compat
        )
    return names


def _images(directory: str, name: str, follow_links: bool, compat: Compat) -> Iterator[str]:
    """The paths of a class' images, relative to the folder."""
    top = os.path.join(directory, name)  # noqa: PTH118
    for folder, files in sorted(_walk(top, follow_links, compat)):
        within = os.path.relpath(folder, top)
        if compat is None and any(_is_hidden(part) for part in Path(within).parts):
            continue
        for file in sorted(files):
            if _is_image(file, compat):
                yield os.path.normpath(os.path.join(name, within, file))  # noqa: PTH118


def _walk(top: str, follow_links: bool, compat: Compat) -> Iterator[tuple[str, list[str]]]:
    """(folder, its files) below a folder. Links to a folder that they are in lead nowhere, but with `compat`."""
    for folder, inner, files in os.walk(top, followlinks=follow_links):
        yield folder, files
        if follow_links and compat is None:
            outer = Path(os.path.realpath(folder))
            paths = {name: Path(os.path.realpath(os.path.join(folder, name))) for name in inner}  # noqa: PTH118
            inner[:] = [name for name, path in paths.items() if path != outer and path not in outer.parents]


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name in JUNK


def _is_image(name: str, compat: Compat) -> bool:
    return name.lower().endswith(formats_of(compat)) and (compat is not None or not _is_hidden(name))
