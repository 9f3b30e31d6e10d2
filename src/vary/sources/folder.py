"""A folder of pictures, with a sub-folder for each class. Its files are listed once, or read from a saved listing."""

from __future__ import annotations

import os
from collections import Counter
from copy import copy
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np

from vary.codecs.wide import FileDtype, file_dtype
from vary.errors import InputError, SourceError, brief, warn_caller
from vary.guidance import guided
from vary.paths import absolute, path_text, searched_in
from vary.sources.base import Item
from vary.sources.files import read_file, said_dtype, stamped
from vary.sources.kinds import Kind, files_kind
from vary.sources.labels import Labels, class_ids, read_labels
from vary.sources.listing import CURE, Draft, Listing, drafted, load
from vary.sources.remote import UrlWalk, kept_url, remote_folder
from vary.sources.subset import Source, inherits
from vary.sources.walk import JUNK, SUFFIXES, Identity, Walk, identity_of, joined
from vary.stores import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Folder"]

PARTS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing"})
"""Usual names of the parts of a data set. Sub-folders with these names are probably not classes."""


class Folder(Source):
    """The pictures below `path`, in plain order of their relative paths, which is the same on every machine.

    The path of the folder is made absolute at once, so the current folder may change later.
    A picture's class is the sub-folder of `path` that contains it, at any depth; classes are sorted by name. If all
    pictures are directly in `path`, there are no labels, and "images" is the only field.
    classes: the names of the sub-folders to read, in the order of their ids, so that two folders have the same ids; one
        of the sub-folders may then be empty. If it names all sub-folders, it may name classes without a sub-folder,
        too; their ids are not used.
    labels: your own labels instead of the sub-folders, for all pictures at any depth, in the order of `paths`: one for
        each, or several fields as {"age": ..., "breed": ...}, as for `Arrays`. `classes` then names their ids.
    listing: a file outside of `path` that keeps the list of pictures. If it does not exist, the folder is walked and
        the file is written. If it exists, it is mapped into memory, its classes included, and the folder is not walked.
        Opening it takes a millisecond for any number of files, processes share its memory, and the source pickles as
        the path of its listing. It is not compared with the folder: files that were added later are not seen, and a
        file that was removed is a `SourceError` when it is read. Delete the listing to list the folder again. Its paths
        are relative, so the folder may be moved.
    dtype: as what the pictures are read. "uint8": of 16 bits, the upper 8. "uint16": all 16 bits of PNG and TIFF files,
        and values of 8 bits times 257, so that white is 65535 in all files. The dtype of the batches is another matter:
        `vary.stream(dtype=)`.

    storage: options of the store, if `path` is a URL, such as s3://bucket/train: see docs/stores.md. It is listed once.

    Pictures are found by their file suffixes, `vary.sources.SUFFIXES`. A folder that several symbolic links lead to is
    read once for each class.

    Warns if the classes have the names of parts of a data set, such as train and val: then give `path` one of these
    folders. Warns if files with other suffixes may be pictures, with their number by suffix.
    `SourceError` if the folder does not exist, has no picture, has a class without pictures, or has pictures beside
    classes; if the listing is damaged, cannot be written, or has other classes than `classes`. `InputError` if the
    listing is in `path`.
    Memory: the relative path of each file and 9 bytes more; with `listing`, only the pages of it that are in use.
    """

    @guided("vary.Folder")
    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        labels: object = None,
        classes: Sequence[str] | None = None,
        listing: str | os.PathLike[str] | None = None,
        dtype: FileDtype = "uint8",
        storage: Mapping[str, object] | None = None,
    ) -> None:
        self.file_dtype = file_dtype(dtype)
        given = kept_url(path) or path_text("path", path, "the path of a folder")
        self._remote = remote_folder(given, storage)
        if self._remote is None and not os.path.isdir(given):  # noqa: PTH112
            what = "is a file" if os.path.exists(given) else f"does not exist{searched_in(given)}"  # noqa: PTH110
            files = "; vary.Files(paths, labels) takes files" if what == "is a file" or "*" in given else ""
            suffix = given.lower().rpartition(".")[2]
            files = f"; {READERS[suffix]}" if suffix in READERS else files
            cure = "give a folder with one sub-folder of pictures for every class"
            cure = cure if labels is None else "give the folder that holds the pictures"
            raise SourceError(f"{given!r} {what}; {cure}{files}")
        self.root = given.rstrip("/") if self._remote is not None else absolute(given)
        file = None if listing is None else path_text("listing", listing, "the path of a file to keep it in, or None")
        file = None if file is None else absolute(file)
        walk = None if self._remote is None else UrlWalk(self.root, self._remote.storage)
        said = given if walk is None else walk.root
        self._listing = _listed(said, classes if labels is None else None, file, labels is not None, walk)
        self._listing.root = self.root
        if self._remote is not None and walk is not None:
            self._remote.set_stamps(self._listing, walk)
        self.paths: Sequence[str] = self._listing
        """Absolute paths; a sample's index is its place here."""
        self._labels: Labels | None = None
        self.fields: tuple[str, ...] = ("images",) if self.classes is None else ("images", "labels")
        self.class_field: str | None = None if self.classes is None else "labels"
        if labels is not None:
            self._set_labels(labels, classes)

    def with_labels(self, labels: object, classes: Sequence[str] | None = None) -> Folder:
        """A copy of this source with other labels, in the order of `paths`."""
        found = copy(self)
        found._set_labels(labels, classes)
        return found

    def without_classes(self) -> Folder:
        """A copy for which sub-folders are no classes; the same if it has your labels or no classes."""
        return self if self._labels is not None or self.classes is None else self.with_labels({})

    def _set_labels(self, labels: object, classes: Sequence[str] | None) -> None:
        names, n = self._listing, len(self._listing)
        some = f"{names.name(0)!r}, {names.name(min(1, n - 1))!r}, ..., {names.name(n - 1)!r}"
        order = f", in the plain order of the paths: {some} (vary.Folder({self._said!r}).paths)"
        self._labels = read_labels(
            labels, classes, n, lambda place: f"sample {place} ({shown(self.path(place))})", order
        )
        self.fields = ("images", *self._labels.fields)
        self.class_field = self._labels.field

    @property
    def classes(self) -> list[str] | None:  # type: ignore[override]
        """Names of the class ids; None if there are no classes."""
        return self._listing.classes if self._labels is None else self._labels.classes

    @property
    def labels_are_checked(self) -> bool:
        return inherits(self, Folder, "label_batch")

    @cached_property
    def kind(self) -> Kind | None:  # type: ignore[override]
        """Encoded files; None if a subclass reads them in another way."""
        return files_kind(self) if inherits(self, Folder, "__getitem__", "item") else None

    @property
    def labels(self) -> np.ndarray | None:
        """Class ids in index order, int64; None if there are no classes."""
        if self._labels is not None:
            return class_ids(self)
        return None if self.classes is None else self._listing.labels

    def class_counts(self) -> list[int] | None:
        """The number of pictures in each sub-folder, in the order of `classes`; None if labels= was given. It reads no
        names, so it is fast."""
        return None if self._labels is not None or self.classes is None else self._listing.class_counts()

    def __len__(self) -> int:
        return len(self.paths)

    def item(self, index: int) -> Item:
        cure = f"; delete {self._listing.file!r} to list it again" if self._listing.file else ""
        if self._remote is not None:
            file = self._remote.read(self.path(index), index)
        else:
            file = read_file(self.path(index), "was there when the folder was listed", cure)
        if self._labels is not None:
            return Item(file, self._labels.of(index))
        return Item(file, () if self.classes is None else (self._listing.class_id(index),))

    def path(self, index: int) -> str:
        if self._remote is not None:
            return self.paths[index]
        return os.path.join(self.root, self.paths[index])  # noqa: PTH118  relative ones may be set as `paths`

    @property
    def _said(self) -> str:
        return self.root if self._remote is None else shown(self.root)

    @property
    def remote(self) -> bool:
        """Are the files at a URL?"""
        return self._remote is not None

    def fingerprints(self, indices: Sequence[int] | np.ndarray) -> list[tuple[str, int, int]]:
        """See `stamped`, and for URLs `Remote.stamped`."""
        if self._remote is not None:
            return self._remote.stamped(self.paths, indices)
        return stamped([self.path(index) for index in np.asarray(indices).tolist()])

    def label_batch(self, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, ...]:
        if self._labels is not None:
            return self._labels.batch(indices)
        return () if self.classes is None else (self._listing.class_ids(indices),)

    def __repr__(self) -> str:
        return f"Folder({self._said!r}: {len(self)} pictures, classes={brief(self.classes)}{said_dtype(self)})"


ENDINGS = 8  # in a message
TABLE = "vary.table(path, images=, labels=) reads the rows of a table"
READERS = dict.fromkeys(("csv", "tsv", "parquet", "pq", "arrow", "feather"), TABLE) | {
    "tar": "vary.WebDataset(path, labels=) reads tar files",
    "npy": "vary.Arrays(path, labels) maps an array",
    "npz": "vary.Arrays.from_npz(path, images=, labels=) reads arrays",
}
"""Suffix of a file that is no picture -> what reads it."""


def _listed(
    root: str, classes: Sequence[str] | None, file: str | None, flat: bool, remote: UrlWalk | None = None
) -> Listing:
    """The list of files below the folder `root`: by a walk, or from the listing `file`. root: as the user wrote it, for
    messages."""
    around = frozenset[Identity]() if file is None else _around(file)
    if remote is None and identity_of(root) in around:
        raise InputError(f"listing={file!r} lies in {root!r}, and vary writes nothing there; give another path")
    name = os.path.basename(os.path.abspath(root))  # noqa: PTH100, PTH119
    if file is None or not os.path.exists(file):  # noqa: PTH110
        with drafted(file) as draft:
            draft.folder = name
            walk = Walk(root, around) if remote is None else remote
            said = None
            if flat:
                _fill_flat(draft, walk)
            else:
                said = _fill(draft, walk, classes)
            for warning in filter(None, (said, _passed_over(walk))):
                warn_caller(warning, UserWarning)
        if file is None:
            return draft.listing()
    found = load(file)
    if classes is not None and list(classes) != found.classes:
        cure = f"give listing= another path, or {CURE}"
        here, there = brief(list(classes)), brief(found.classes)
        raise SourceError(f"classes={here}, but the listing {file!r} has {there}; {cure}")
    if found.folder != name:
        text = f"the listing {file!r} was made of a folder {found.folder!r}, this is {name!r}"
        warn_caller(f"{text}; give each a listing of its own, or {CURE}", UserWarning)
    return found


def _around(file: str) -> frozenset[Identity]:
    """All folders that contain a file, with links resolved. The file need not exist yet."""
    ends = {os.path.realpath(os.path.dirname(file)), os.path.dirname(os.path.realpath(file))}  # noqa: PTH120
    folders = {str(folder) for end in ends for folder in (PurePath(end), *PurePath(end).parents)}
    return frozenset(identity_of(folder) for folder in folders if os.path.exists(folder))  # noqa: PTH110


def _fill(draft: Draft, walk: Walk | UrlWalk, wanted: Sequence[str] | None) -> str | None:
    """Add every picture below the walk's root to the draft, with its class. Returns a warning, or None."""
    root, keys = walk.root, walk.keys(walk.root)
    folders, loose = [key[:-1] for key in keys if key.endswith("/")], [key for key in keys if not key.endswith("/")]
    if wanted is not None:
        _check_wanted(root, folders, wanted)
    filled, deep, instead = [], [], Counter[str]()  # instead: the files in sub-folders without pictures
    for folder in folders if wanted is None else sorted(set(wanted) & set(folders), key=lambda name: f"{name}/"):
        before, depth, passed = draft.count, 0, walk.passed.copy()
        for names in walk.pictures(folder):
            draft.add(names)
            depth = max(depth, names[0].count("/") if names else 0)
        if draft.count > before:
            filled.append(folder)
            draft.runs[0].append(draft.count)
        else:
            instead += walk.passed - passed
        if depth > 1:
            deep.append(folder)
    if wanted is None and filled:
        _check_filled(root, loose, (filled, folders), instead)
    elif wanted is None and loose:
        draft.add(loose)
    if not draft.count:
        cure = "give the folder that holds one sub-folder of pictures for every class"
        raise SourceError(f"{_nothing(walk)}; {cure}")
    classes = list(wanted) if wanted is not None else sorted(filled)
    draft.classes = classes or None
    ids = {name: place for place, name in enumerate(classes)}
    draft.runs[1].extend(ids[folder] for folder in filled)
    return _too_high(root, classes, sorted(deep)) if wanted is None else None


def _fill_flat(draft: Draft, walk: Walk | UrlWalk) -> None:
    """Add every picture below the walk's root to the draft, without classes."""
    for names in walk.pictures(""):
        draft.add(names)
    if not draft.count:
        raise SourceError(f"{_nothing(walk)}; give the folder that holds the pictures")


def _check_wanted(root: str, folders: list[str], wanted: Sequence[str]) -> None:
    if isinstance(wanted, str) or not hasattr(wanted, "__iter__") or not len(wanted):
        raise SourceError(f"classes={brief(wanted)}; give a list of sub-folders' names, at least one, or leave it out")
    for kind in map(type, wanted):
        if not issubclass(kind, str):
            raise SourceError(f"classes={brief(list(wanted))} holds a {kind.__name__}; give names, as text")
    if len(set(wanted)) < len(wanted):
        raise SourceError(f"classes={brief(list(wanted))} names a sub-folder twice; an id belongs to one class")
    missing = sorted(set(wanted) - set(folders))
    if missing and not set(wanted) > set(folders):  # then one may be misspelt
        raise SourceError(
            f"classes names {brief(missing)}, but {root!r} has the sub-folders {brief(sorted(folders))}; classes may "
            "name classes without a sub-folder only if it names all of these as well"
        )


def check_others(folder: Folder) -> None:
    """`SourceError` if the folder has sub-folders with pictures that are not in its `classes`."""
    remote = folder._remote
    walk = Walk(folder.root, frozenset()) if remote is None else UrlWalk(folder.root, remote.storage)
    named = set(folder.classes or ())
    others = [key[:-1] for key in walk.keys(folder.root) if key.endswith("/") and key[:-1] not in named]
    extra = [name for name in others if any(walk.pictures(name))]
    if extra:
        raise SourceError(
            f"{folder._said!r} has sub-folders of pictures that classes= does not name: {brief(extra)}; name them as "
            "well, or read without them: vary.Folder(path, classes=[...])"
        )


def _check_filled(root: str, loose: list[str], found: tuple[list[str], list[str]], instead: Counter[str]) -> None:
    """found: the sub-folders with pictures, and all of them."""
    filled, folders = found
    if loose:
        raise SourceError(
            f"{root!r} holds {len(loose)} pictures directly (such as {loose[0]!r}) beside the classes "
            f"{brief(sorted(filled))}; move them into a class, or name the sub-folders to read: classes=[...]"
        )
    if empty := sorted(set(folders) - set(filled)):
        raise SourceError(
            f"{root!r} has sub-folders without pictures: {brief(empty)}{_counted(instead, ', with ')}; remove them, or "
            f"name the sub-folders to read: classes=[...] (with pictures: {brief(sorted(filled))})"
        )


def _too_high(root: str, classes: list[str], deep: list[str]) -> str | None:
    """A warning if the classes are the parts of a data set. deep: those parts that have sub-folders of their own."""
    if len(classes) < 2 or not deep or not PARTS.issuperset(map(str.lower, classes)):
        return None
    part = next((name for name in deep if name.lower().startswith("train")), deep[0])
    return (
        f"{root!r} is taken for a folder of the classes {classes}, which look like the parts of a data set; "
        f"give one part, {joined(root, part)!r}, or say that they are classes: vary.Folder(..., classes={classes})"
    )


def _passed_over(walk: Walk | UrlWalk) -> str | None:
    """A warning about files that may be pictures, but have other suffixes; None if there are none."""
    if not (found := walk.doubtful()):
        return None
    return (
        f"{walk.root!r}: skipped {_counted(found)}; pictures are found by their suffixes, such as "
        f"{' '.join(SUFFIXES[:8])} (all: vary.sources.SUFFIXES): convert or rename these files if they are pictures, "
        "or move them out of the folder"
    )


def _counted(passed: Counter[str], before: str = "") -> str:
    """Such as "3 .heic, 2 without a suffix"; empty if there are none."""
    found = sorted(passed.items(), key=lambda pair: (-pair[1], pair[0] or "~"))
    most = [f"{count:,} {ending or 'without a suffix'}" for ending, count in found[:ENDINGS]]
    rest = sum(count for _, count in found[ENDINGS:])
    return before + ", ".join([*most, *([f"{rest:,} of others"] if rest else [])]) if passed else ""


def _nothing(walk: Walk | UrlWalk) -> str:
    return (
        f"{walk.root!r} holds no pictures: searched at every depth for names ending in {' '.join(SUFFIXES[:8])} "
        f"and so on (all: vary.sources.SUFFIXES; hidden names and {', '.join(sorted(JUNK))} skipped"
        f"{_counted(walk.passed, ', and ')})"
    )
