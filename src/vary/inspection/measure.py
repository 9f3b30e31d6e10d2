"""`inspect`: reads each sample of a source once, with several threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.codecs.decode import MAX_PIXELS, read_image
from vary.codecs.pillow import open_image
from vary.errors import DecodeError, InputError, SourceError
from vary.guidance import guided
from vary.inspection.found import Inspection, Part, Sample, Twins
from vary.inspection.hashes import SIDE, THUMBNAIL, close_pairs, groups_of, hash_of
from vary.plan.arguments import threads_of
from vary.sample import Array
from vary.sources import Encoded, class_ids, item_of, open_source, said_path
from vary.sources.walk import SUFFIXES

if TYPE_CHECKING:
    from vary.sources import Indexed

__all__ = ["inspect"]

SPLITS = ("train", "training", "val", "valid", "validation", "dev", "holdout", "test", "testing")
"""Names of folders that are parts of one data set, and not classes, in any case."""


class _Seen(NamedTuple):
    """What was found of one picture. hash, thumbnail and digest are None if it is broken."""

    sample: Sample
    hash: int | None = None
    thumbnail: Array | None = None
    digest: bytes | None = None


@guided("vary.inspect", suggest=False)
def inspect(
    source: object,
    *,
    against: object = None,
    threads: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> Inspection:
    """What is in a source: counts, classes, formats, sizes, broken files, and pictures that occur more than once.

    source: anything that `vary.stream` accepts, or a dict of several parts, {"train": ..., "val": ...}. A folder that
        holds two of train, val, validation, test and the like, in any case, is taken as parts: each of its folders that
        has pictures is one.
    against: another part, such as the validation set; pictures that are in both are reported first.
    threads: how many read; None: one for each core that the process may use.
    progress: called after each picture, with how many there are in all.

    Every sample is read and decoded once; nothing is written. Pictures are the same if their bytes are, and nearly the
    same if perceptual hashes (64 bits) differ in at most 4 bits and small grey copies look alike: other sizes, formats
    and brightness, but not other crops. `InputError` if there is no sample.
    """
    count = threads_of(threads)
    parts = _parts(source, against)
    total = sum(map(len, parts.values()))
    if not total:
        raise InputError("the source has no samples; give one with at least one picture")
    seen: list[_Seen] = []
    with ThreadPoolExecutor(count, "vary-inspect") as pool:
        for name, part in parts.items():
            classes = _classes(part)
            todo = ((name, part, index, classes[index] if classes else None) for index in range(len(part)))
            for one in _ahead(pool, todo):
                seen.append(one)
                if progress is not None:
                    progress(total)
    samples = [one.sample for one in seen]
    found = tuple(Part(name, repr(part), part.classes or (), samples) for name, part in parts.items())
    return Inspection(found, tuple(_twins(seen)), parts)


def _parts(source: object, against: object) -> dict[str, Indexed]:
    given: dict[str, object] = {}
    if isinstance(source, Mapping):
        given = {str(name): one for name, one in source.items()}
    elif isinstance(source, str | os.PathLike):
        path = os.path.expanduser(os.fspath(source))  # noqa: PTH111  text
        given = {name: os.path.join(path, name) for name in _part_names(path)}  # noqa: PTH118  text
    given = given or {"source": source}
    if against is not None:
        given["against"] = against
    return {name: open_source(one) for name, one in given.items()}


def _part_names(root: str) -> list[str]:
    """The folders in a root that are parts of one data set; none unless two have names of parts."""
    if not os.path.isdir(root):  # noqa: PTH112  text
        return []
    folders = sorted(one.name for one in os.scandir(root) if one.is_dir() and not one.name.startswith("."))
    named = sorted((name for name in folders if name.lower() in SPLITS), key=lambda name: SPLITS.index(name.lower()))
    if len(named) < 2:
        return []
    others = [name for name in folders if name not in named]
    return named + [name for name in others if _has_pictures(os.path.join(root, name))]  # noqa: PTH118  text


def _has_pictures(folder: str) -> bool:
    return any(
        name.lower().endswith(SUFFIXES) and not name.startswith(".")
        for _, _, names in os.walk(folder, followlinks=False)
        for name in names
    )


def _classes(source: Indexed) -> list[str] | None:
    """The name of each sample's class; None if there are no classes."""
    ids = class_ids(source, one_hot=True)
    if ids is None:
        return None
    names = source.classes
    return [str(one) if names is None else names[one] for one in ids.tolist()]


Todo = tuple[str, "Indexed", int, str | None]


def _ahead(pool: ThreadPoolExecutor, todo: Iterable[Todo]) -> Iterable[_Seen]:
    """The results in order. Samples are not submitted all at once, because each result that waits holds a picture."""
    waiting = []
    for one in todo:
        waiting.append(pool.submit(_measured, *one))
        if len(waiting) > 64:
            yield waiting.pop(0).result()
    yield from (one.result() for one in waiting)


def _measured(part: str, source: Indexed, index: int, label: str | None) -> _Seen:
    path = said_path(source, index)
    try:
        image = item_of(source, index).image
        if isinstance(image, Encoded):
            return _of_file(Sample(part, index, path, label), image)
        sample = Sample(part, index, path, label, "array", (image.shape[0], image.shape[1]), str(image.dtype))
        return _Seen(sample, *_hashes(_grey(image)), _digest_of(image))
    except (SourceError, DecodeError) as error:
        fault = str(error) if path is None or path in str(error) else f"{path}: {error}"
        return _Seen(Sample(part, index, path, label, fault=fault))


def _digest_of(image: Array) -> bytes:
    """Equal for arrays of one shape, dtype and values."""
    known = f"{image.shape} {image.dtype} ".encode()
    return blake2b(known + image.tobytes(), digest_size=16).digest()


def _of_file(sample: Sample, file: Encoded) -> _Seen:
    grey = read_image(file.data, 1)[..., 0]  # by the rules of training, which read what Pillow alone would not
    known = replace(sample, format="?", size=(grey.shape[0], grey.shape[1]), mode="")
    with suppress(DecodeError, OSError, ValueError):
        picture = open_image(file.data, MAX_PIXELS)
        known = replace(known, format=picture.format or "?", size=picture.size[::-1], mode=picture.mode)
    return _Seen(known, *_hashes(grey), blake2b(file.data, digest_size=16).digest())


def _grey(image: Array) -> Array:
    """(H, W) uint8, for hashes alone: the mean of the channels, from the smallest to the largest value."""
    grey = np.asarray(image, np.float64).reshape(*image.shape[:2], -1).mean(2)
    low, high = float(grey.min()), float(grey.max())
    scaled: Array = ((grey - low) * (255 / (high - low) if high > low else 0)).astype(np.uint8)
    return grey.astype(np.uint8) if image.dtype == np.uint8 else scaled


def _hashes(grey: Array) -> tuple[int, Array]:
    from PIL import Image

    small = Image.fromarray(np.ascontiguousarray(grey)).resize((SIDE, SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small)
    side = SIDE // THUMBNAIL
    thumbnail = pixels.reshape(THUMBNAIL, side, THUMBNAIL, side).mean((1, 3)).astype(np.uint8)
    return hash_of(pixels), thumbnail


def _twins(seen: list[_Seen]) -> Iterable[Twins]:
    """Groups of pictures that are the same or nearly so: first those in several parts, then in several classes."""
    sound = [one for one in seen if one.hash is not None]
    if not sound:
        return []
    equal: dict[bytes | None, list[int]] = {}  # digest -> places
    for place, one in enumerate(sound):
        equal.setdefault(one.digest, []).append(place)
    same = list(equal.values())
    firsts = [sound[places[0]] for places in same]
    hashes = np.array([one.hash for one in firsts], np.uint64)
    thumbnails = np.stack([one.thumbnail for one in firsts if one.thumbnail is not None])
    near = groups_of(close_pairs(hashes, thumbnails), len(firsts))
    groups = [(places, True) for places in same if len(places) > 1]
    groups += [(sorted(place for number in group for place in same[number]), False) for group in near]
    found = [Twins(tuple(sound[place].sample for place in places), is_same) for places, is_same in groups]
    return sorted(found, key=lambda one: (len(one.parts) == 1, len(one.classes) < 2, not one.is_same))
