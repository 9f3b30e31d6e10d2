"""`WebDataset`: tar files whose samples are members of one name, such as 0001.jpg with 0001.cls, read at random."""

from __future__ import annotations

import errno
import glob
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import cached_property

import numpy as np

from vary.codecs.wide import FileDtype, file_dtype
from vary.errors import InputError, SourceError, brief
from vary.guidance import guided
from vary.paths import absolute, path_text, searched_in
from vary.sample import Array
from vary.sources.base import Encoded, Item
from vary.sources.files import said_dtype
from vary.sources.kinds import Kind, files_kind
from vary.sources.labels import class_ids, read_labels
from vary.sources.subset import Source, inherits
from vary.sources.tars import Members, Value, keep_values, kept_values, members_of
from vary.sources.walk import SUFFIXES
from vary.stores import Stamp, Storage, identity, is_url, list_files, read_range, shown

__all__ = ["WebDataset"]

CURE = "the path of a tar file, such as 'train-{000..146}.tar' or 'train-*.tar', or a list of them"
BRACES = re.compile(r"\{(?:(\d+)\.\.(\d+)|([^{}]*,[^{}]*))\}")
TEXTS = ("cls", "cls2", "id", "txt", "text", "label")
"""Members that hold one text, such as a class id. Others are JSON."""


class WebDataset(Source):
    """The samples of WebDataset tar files, in the order of the files and of their members.

    Members of one name up to the first dot of its last part are one sample: 0001.jpg and 0001.cls.

    shards: the path of a tar file, with ranges as in "train-{000..146}.tar", choices as in "{train,more}.tar", or "*",
        "?" and "[...]"; or a list of such paths. Files that match "*" are sorted.
    labels: the suffix of the members of class ids or names, such as "cls", for the field "labels"; or of JSON members
        with a key, "json:label" (nested: "json:object.age"). Several fields: {"age": "json:age", "breed": "cls"}.
        None: no labels. Digits are whole numbers, other texts are names of classes.
    images: the suffixes of pictures, of which each sample needs exactly one. None: those that `Folder` knows.
    classes: the names of the class ids, in order. None: the names among the labels, sorted.
    dtype: as what the pictures are read, "uint8" or "uint16", as for `Folder`.
    index: where the list of members is kept for later runs: in the user's cache folder (None; VARY_CACHE names
        another), beside each tar (True), or nowhere (False).
    storage: options of the store, if tars are at URLs, such as "s3://bucket/train-{000..146}.tar": docs/stores.md.
        Of a store that states no versions, only a tar's size is compared, and no index is kept.

    A tar is read once, for its headers and labels; afterwards a sample is one read at a known place. `SourceError` if
    a tar cannot be read, is compressed or cut off, or changes later; if a sample has no picture, several, or no label;
    or if a name occurs twice in a tar. Memory: about 100 bytes a sample, and the labels.
    """

    @guided("vary.WebDataset")
    def __init__(
        self,
        shards: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        labels: str | Mapping[str, str] | None = None,
        *,
        images: Sequence[str] | None = None,
        classes: Sequence[str] | None = None,
        dtype: FileDtype = "uint8",
        index: bool | None = None,
        storage: object = None,
    ) -> None:
        self._storage = Storage.of(storage)
        self.file_dtype = file_dtype(dtype)
        self.shards = _shards(shards, self._storage)
        """Absolute paths, or URLs, of the tar files."""
        self.remote = any(map(is_url, self.shards))
        asked = labels if isinstance(labels, Mapping) else {} if labels is None else {"labels": labels}
        wanted = {str(field): _asked(field, one) for field, one in asked.items()}
        suffixes = {one.lower().lstrip(".") for one in (SUFFIXES if images is None else _suffixes(images))}
        members = [members_of(tar, index, self._storage) for tar in self.shards]
        self._stamps = [one.stamp for one in members]
        self._salt = int.from_bytes(os.urandom(7), "little")
        names, places = list[str](), list[Array]()
        values: dict[str, list[object]] = {field: [] for field in wanted}
        for tar, one in zip(self.shards, members, strict=True):
            chosen, asked_for = _samples(shown(tar), one, (suffixes, wanted), exact=images is not None)
            names += [one.names[place] for place in chosen]
            places.append(one.places[chosen])
            for field, some in asked_for.items():
                values[field] += _values(tar, one, (index, self._storage), some, wanted[field])
        if not names:
            raise SourceError(f"no picture in {len(self.shards)} tar files, the first of them {shown(self.shards[0])}")
        values = {field: column if wanted[field][1] else _numbers(column) for field, column in values.items()}
        self._names, self._places = names, np.concatenate(places)
        self._shard = np.repeat(np.arange(len(places)), [len(one) for one in places])
        called = lambda place: f"sample {place} ({self.path(place)})"  # noqa: E731
        self._labels = read_labels(values or None, classes, len(names), called)
        self.fields: tuple[str, ...] = ("images", *self._labels.fields)
        self.classes = self._labels.classes
        self.class_field = self._labels.field

    @property
    def labels_are_checked(self) -> bool:
        return inherits(self, WebDataset, "label_batch")

    @cached_property
    def kind(self) -> Kind | None:  # type: ignore[override]
        """Encoded files; None if a subclass reads them in another way."""
        return files_kind(self) if inherits(self, WebDataset, "__getitem__", "item") else None

    @property
    def labels(self) -> Array | None:
        """Class ids in index order; None if there are none."""
        return class_ids(self)

    def __len__(self) -> int:
        return len(self._names)

    def item(self, index: int) -> Item:
        shard = int(self._shard[index])
        offset, size = self._places[index].tolist()
        data = _part(self.shards[shard], (offset, size), self._stamps[shard], self._storage)
        return Item(Encoded(data, self.path(index)), self._labels.of(index))

    def path(self, index: int) -> str:
        """The tar's path with the member's name."""
        return f"{shown(self.shards[int(self._shard[index])])}/{self._names[index]}"

    def fingerprints(self, indices: Sequence[int] | Array) -> list[tuple[str, int, int]]:
        """Path, size and time of change of the tar, with the member's name. Of a URL: see `Remote.stamped`."""
        found = []
        for place in np.asarray(indices).tolist():
            shard = int(self._shard[place])
            size, tag = self._stamps[shard]
            is_known = tag or not is_url(self.shards[shard])
            name = f"{identity(self.shards[shard])}/{self._names[place]}"
            found.append((name, size, tag) if is_known else (name, -2, self._salt))
        return found

    def label_batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        return self._labels.batch(indices)

    def __repr__(self) -> str:
        kept = f"fields={brief(self.fields)}, classes={brief(self.classes)}{said_dtype(self)}"
        return f"WebDataset({len(self)} pictures in {len(self.shards)} tar files, {kept})"


def _part(path: str, place: tuple[int, int], stamp: tuple[int, int], storage: Storage) -> bytes:
    """The bytes at (offset, size) of a file; `SourceError` if it has changed since its stamp was taken."""
    offset, size = place
    if is_url(path):
        return read_range(path, offset, offset + size, storage, Stamp(*stamp))
    try:
        file = os.open(path, os.O_RDONLY)
        try:
            data = os.pread(file, size, offset)
            status = os.fstat(file)
        finally:
            os.close(file)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE):  # the file is not broken, so on_error= must not skip it
            cure = "raise the limit (ulimit -n)"
            raise OSError(error.errno, f"no file descriptor is left to read {path}; {cure}") from error
        raise SourceError(f"{path}: was listed, but {error.strerror or error}") from error
    if (status.st_size, status.st_mtime_ns) != stamp or len(data) != size:
        raise SourceError(f"{path}: has changed since it was listed; make the source again")
    return data


def _shards(given: object, storage: Storage) -> list[str]:
    if isinstance(given, str | os.PathLike):
        given = [given]
    if not isinstance(given, Sequence) or isinstance(given, bytes) or not given:
        raise InputError(f"shards={brief(given)}; give {CURE}")
    found: list[str] = []
    for one in given:
        for text in _expanded(path_text("shards", one, CURE)):
            if is_url(text):
                found += _urls(text, storage)
                continue
            matches = sorted(glob.glob(text)) if glob.has_magic(text) and not os.path.exists(text) else [text]  # noqa: PTH110, PTH207
            if not matches or not os.path.isfile(matches[0]):  # noqa: PTH113
                raise SourceError(f"shards={text!r}: there is no such file{searched_in(text)}; give {CURE}")
            found += [absolute(path) for path in matches]
    if len(set(found)) < len(found):
        twice = next(path for place, path in enumerate(found) if path in found[:place])
        raise InputError(f"shards name {shown(twice)!r} twice; name each tar once")
    return found


def _urls(text: str, storage: Storage) -> list[str]:
    """The URL, or those that match it, of a store that lists its objects. A "*" matches no slash, as in a path."""
    if not glob.has_magic(text) or text.lower().startswith(("http:", "https:")):
        return [text]
    folder, _, pattern = text.rpartition("/")
    listed = [one.name for one in list_files(folder, storage) if "/" not in one.name]
    if pattern in listed:
        return [text]
    names = [name for name in listed if fnmatchcase(name, pattern)]
    if not names:
        raise SourceError(f"shards={shown(text)!r}: no object matches it; give {CURE}")
    return [f"{folder}/{name}" for name in sorted(names)]


def _expanded(text: str) -> Iterator[str]:
    """The paths that a text with braces stands for: "{00..12}" is 00, 01, ..., 12, and "{a,b}" is a, b."""
    found = BRACES.search(text)
    if found is None:
        yield text
        return
    first, last, words = found.groups()
    if not words and int(first) > int(last):
        raise InputError(f"shards={text!r}: the range {found.group()} is empty; give the smaller number first")
    choices = words.split(",") if words else [f"{n:0{len(first)}}" for n in range(int(first), int(last) + 1)]
    for choice in choices:
        yield from _expanded(text[: found.start()] + choice + text[found.end() :])


def _suffixes(images: object) -> list[str]:
    names = [images] if isinstance(images, str) else list(images) if isinstance(images, Sequence) else []
    if not names or not all(isinstance(one, str) and one for one in names):
        raise InputError(f"images={brief(images)}; give the suffixes of pictures, such as ['jpg', 'png']")
    return names


def _asked(field: object, label: object) -> tuple[str, list[str]]:
    """The suffix of the members of a field, and the keys within their JSON."""
    suffix, _, keys = label.lower().lstrip(".").partition(":") if isinstance(label, str) else ("", "", "")
    if isinstance(label, str):
        keys = label.partition(":")[2]  # as written
    if not suffix or (keys == "") != (suffix in TEXTS):
        cure = f"'cls' or another of {', '.join(TEXTS)}, or a suffix with a key within its JSON: 'json:label'"
        raise InputError(f"labels[{field!r}]={brief(label)}; give the suffix of members that hold a text, {cure}")
    return suffix, keys.split(".") if keys else []


def _samples(
    tar: str, members: Members, asked: tuple[set[str], Mapping[str, tuple[str, list[str]]]], exact: bool
) -> tuple[list[int], dict[str, list[int]]]:
    """The places of the pictures of a tar, one for each sample, and those of their labels, by field.

    asked: suffixes of pictures, and of each field the suffix and the keys. exact: a suffix that is among them as a
    whole, such as "input.png", comes before one whose last part is.
    """
    suffixes, wanted = asked
    chosen: list[int] = []
    labels: dict[str, list[int]] = {field: [] for field in wanted}
    seen: set[str] = set()
    for key, sample in _grouped(tar, members.names):
        if key in seen:
            raise SourceError(f"{tar}: {key} occurs twice; the members of a sample must follow each other")
        seen.add(key)
        whole = [suffix for suffix in sample if suffix in suffixes] if exact else []
        pictures = whole or [suffix for suffix in sample if suffix.rpartition(".")[2] in suffixes]
        if len(pictures) != 1:
            what = "several pictures; name one suffix as images=" if pictures else "no picture"
            raise SourceError(f"{tar}: {key} has {what}; its members are {brief(sorted(sample))}")
        chosen.append(sample[pictures[0]])
        for field, (suffix, _) in wanted.items():
            place = sample.get(suffix)
            if place is None:
                raise SourceError(f"{tar}: {key} has no .{suffix} for {field}; its members are {brief(sorted(sample))}")
            labels[field].append(place)
    return chosen, labels


def _values(
    tar: str, members: Members, kept: tuple[bool | None, Storage], places: list[int], asked: tuple[str, list[str]]
) -> list[Value]:
    """The labels in these members, from an earlier run if they were kept. kept: where (`index`), and the store."""
    (index, storage), (suffix, keys) = kept, asked
    what = json.dumps([suffix, keys, len(places)])
    found = kept_values(tar, index, members.stamp, what)
    if found is None or len(found) != len(places):
        with _reader(tar, members.stamp, storage) as read:
            found = [
                _value(f"{shown(tar)}/{members.names[place]}", read(*members.places[place].tolist()), keys)
                for place in places
            ]
        keep_values(tar, index, members.stamp, what, found)
    return found


def _numbers(values: list[Value]) -> list[Value]:
    """Texts as whole numbers, if all are; 007 is a name, as in a table."""
    texts = [one for one in values if isinstance(one, str)]
    if len(texts) < len(values) or not all(re.fullmatch(r"-?(0|[1-9][0-9]*)", one) for one in texts):
        return values
    return [int(one) for one in texts]


@contextmanager
def _reader(tar: str, stamp: tuple[int, int], storage: Storage) -> Iterator[Callable[[int, int], bytes]]:
    """Reads (offset, size) of a tar that stays open, for a million labels."""
    if is_url(tar):
        yield lambda offset, size: _part(tar, (offset, size), stamp, storage)
        return
    with open(tar, "rb") as file:  # noqa: PTH123  text
        yield lambda offset, size: os.pread(file.fileno(), size, offset)


def _grouped(tar: str, names: Sequence[str]) -> Iterator[tuple[str, dict[str, int]]]:
    """The samples of a tar: (name without suffix, suffix -> place) of members that follow each other."""
    last: str | None = None
    sample: dict[str, int] = {}
    for place, name in enumerate(names):
        folder, slash, file = name.rpartition("/")
        stem, _, suffix = file.partition(".")
        if not stem:  # a hidden file, such as ._0001.jpg of macOS
            continue
        key = f"{folder}{slash}{stem}"
        if key != last and last is not None:
            yield last, sample
            sample = {}
        last = key
        if suffix.lower() in sample:
            raise SourceError(f"{tar}: {key} has two members .{suffix.lower()}; name each member once")
        sample[suffix.lower()] = place
    if last is not None:
        yield last, sample


def _value(said: str, data: bytes, keys: list[str]) -> Value:
    """The label in a member: its text, or what JSON has under the keys."""
    try:
        if not keys:
            return data.decode("utf-8").strip()
        value = json.loads(data)
        for key in keys:
            value = value[key]
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{said}: no {'.'.join(keys) or 'text'} in {brief(data)}: {type(error).__name__}") from error
    return value
