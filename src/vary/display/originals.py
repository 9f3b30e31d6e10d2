"""The originals of a preview, chosen from what `policy.preview` accepts: pictures, files, a folder, a source."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.codecs.decode import read_image
from vary.display.fields import label_words
from vary.errors import DecodeError, InputError, SourceError
from vary.paths import expanded
from vary.sample import Array, is_one_picture
from vary.sources import Arrays, files_kind, images_of, item_of, open_source, path_of, said_path, whole_of

if TYPE_CHECKING:
    from vary.sources import Indexed

__all__ = ["Original", "Picked", "picked"]


class Original(NamedTuple):
    """A picture to preview. `number` is its index in the images that were given; its variations are drawn by it."""

    number: int
    image: Array
    title: tuple[str, str]  # its labels, and its file; either may be empty


class Picked(NamedTuple):
    """The chosen pictures, how many there are in all, and the files that could not be read."""

    originals: list[Original]
    total: int
    skipped: tuple[tuple[str, str], ...] = ()  # (path, reason)


def picked(images: object, rows: int, channels: int) -> Picked:
    """At most `rows` pictures of `images`, evenly spaced, so that all classes of a folder appear.

    Instead of a file that cannot be read, the next one is chosen. `SourceError` if none can be read.
    """
    if isinstance(images, str | os.PathLike):
        images = expanded(images)
    if isinstance(images, str) and not os.path.isdir(images):  # noqa: PTH112
        images = [images]
    if isinstance(images, list | tuple) and any(isinstance(one, str | os.PathLike) for one in images):
        places = _evenly(rows, len(images))
        return Picked([_of_list(images[place], place, channels) for place in places], len(images))
    if hasattr(images, "peek"):
        raise InputError("images is a stream; stream.preview() shows it, and stream.source is what it reads")
    if isinstance(images, np.ndarray) and _is_one(images):
        images = Arrays([images])
    if isinstance(images, list | tuple | np.ndarray) and not len(images):
        raise InputError("images is empty; give at least one")
    return _spread(images_of(open_source(images)), rows, channels)


def _is_one(images: Array) -> bool:
    if images.ndim == 3 and images.shape[0] in (1, 3, 4) and images.shape[2] not in (1, 3, 4):
        raise InputError(
            f"images has shape {images.shape}, which looks like (C, H, W); vary takes channels last: "
            "numpy.moveaxis(images, 0, -1); a batch of grey pictures is images[..., None]"
        )
    return images.ndim == 2 or (images.ndim == 3 and images.shape[2] in (1, 3, 4)) or is_one_picture(images.shape)


def _of_list(image: Array | str | os.PathLike[str], place: int, channels: int) -> Original:
    if isinstance(image, str | os.PathLike):
        return Original(place, read_image(image, channels), ("", os.path.basename(image)))  # noqa: PTH119
    return Original(place, image, ("", ""))


def _spread(source: Indexed, rows: int, channels: int) -> Picked:
    total = len(source)
    if not total:
        raise InputError("images holds no picture; give at least one")
    wanted = _evenly(rows, total)
    found: list[Original] = []
    skipped: list[tuple[str, str]] = []
    seen = {*wanted}
    for place in wanted:  # grows in the loop
        try:
            found.append(_opened(source, place, channels))
        except (DecodeError, SourceError) as error:
            path = said_path(source, place) or f"sample {place}"
            skipped.append((path, " ".join(str(error).split()).removeprefix(f"{path}: ")))
            if (other := _free(seen, place, total)) is not None:
                wanted.append(other)
                seen.add(other)
    if not found:
        path, reason = skipped[-1]
        raise SourceError(f"none of the {total} pictures can be opened; the last: {path}: {reason}")
    return Picked(sorted(found, key=lambda one: one.number), total, tuple(skipped))


def _evenly(most: int, total: int) -> list[int]:
    """At most `most` of the places 0 .. total - 1, evenly spaced."""
    count = min(most, total)
    return [(2 * i + 1) * total // (2 * count) for i in range(count)]


def _free(seen: set[int], place: int, total: int) -> int | None:
    """The next place after `place`, cyclically, that is not in `seen`; None if there is none."""
    return next((other for step in range(1, total) if (other := (place + step) % total) not in seen), None)


def _opened(source: Indexed, index: int, channels: int) -> Original:
    item = item_of(source, index)
    image = item.image
    if not isinstance(image, np.ndarray):
        image = read_image(image.data, channels, dtype=files_kind(source).dtype)  # type: ignore[arg-type]
    fields = zip(source.fields[1:], item.labels, strict=False)
    labels = ", ".join(label_words(name, value, source.classes) for name, value in fields)
    _, numbers = whole_of(source)
    number = index if numbers is None else int(numbers[index])  # a stream draws by the number in the whole source
    return Original(number, image, (labels, os.path.basename(path_of(source, index) or "")))  # noqa: PTH119
