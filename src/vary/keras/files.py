"""Images in files, in one size, kept in memory once they were read.

Each image equals that of `load_img`. JPEG files in colour are read faster, above all those that are resized by
"nearest", the default.
"""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from vary.codecs.decode import nearest_thumbnails, read_image
from vary.errors import DecodeError, InputError, SourceError
from vary.keras.feed import Threads
from vary.keras.images import COLOR_MODES, METHODS, load_img, resized
from vary.keras.kept import Kept
from vary.plan.machine import default_threads
from vary.sample import Array
from vary.sources.files import read_file, stamped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vary.keras.faces import Compat
    from vary.plan.request import Pictures

__all__ = ["CHANNELS", "FileImages", "Loading", "loading_of"]

CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
OnError = Literal["raise", "skip"]
JPEG = b"\xff\xd8\xff"


class Loading(NamedTuple):
    """How files are read."""

    target_size: tuple[int, int]
    color_mode: str
    interpolation: str
    keep_aspect_ratio: bool
    compat: Compat

    @property
    def takes_nearest(self) -> bool:
        """Is it resized by taking the nearest pixels of the whole picture?"""
        plain = self.color_mode == "rgb" and self.compat is None
        return plain and self.interpolation == "nearest" and not self.keep_aspect_ratio


def loading_of(
    target_size: object, color_mode: str, interpolation: str, keep_aspect_ratio: bool, compat: Compat
) -> Loading:
    """The arguments, checked."""
    listed = target_size if isinstance(target_size, tuple | list | np.ndarray) else ()
    if len(listed) != 2 or not all(isinstance(one, int | np.integer) and one > 0 for one in listed):
        raise InputError(f"target_size={target_size!r}; give (height, width) in pixels, such as (150, 150)")
    size = int(listed[0]), int(listed[1])
    if color_mode not in COLOR_MODES:
        raise InputError(f"color_mode={color_mode!r}; expected 'rgb', 'rgba', or 'grayscale'")
    if interpolation not in METHODS:
        raise InputError(f"interpolation={interpolation!r}; give one of {', '.join(METHODS)}")
    return Loading(size, color_mode, interpolation, bool(keep_aspect_ratio), compat)


class FileImages:
    """`Images` in files, uint8. paths: called for the paths, by index. skipped: path -> reason, of broken files.

    An image is kept as long as the budget of vary's caches allows, and read again if its file has changed.
    """

    shape: tuple[int, int, int]

    def __init__(self, paths: Callable[[], Sequence[str]], loading: Loading, on_error: OnError) -> None:
        if on_error not in ("raise", "skip"):
            raise InputError(f"on_error={on_error!r}; give 'raise', or 'skip' to leave broken files out and list them")
        self._paths, self._loading, self._on_error = paths, loading, on_error
        self.shape = (*loading.target_size, CHANNELS[loading.color_mode])
        self.skipped: dict[str, str] = {}
        self.in_memory = False
        self._kept = Kept(int(np.prod(self.shape)))
        self._threads = Threads(None, "vary-keras-read")

    def read(self, indices: Array) -> tuple[Pictures, Array]:
        every = self._paths()
        paths = [os.fspath(every[index]) for index in indices.tolist()]
        stamps = stamped(paths)
        found = [self._kept.get(stamp) for stamp in stamps]
        missing = [place for place, one in enumerate(found) if one is None]
        if missing:
            self._kept.expect(len(every))
            for place, one in zip(missing, self._loaded([paths[place] for place in missing]), strict=True):
                if isinstance(one, Exception):
                    self._fail(paths[place], one)
                else:
                    found[place] = one
                    self._kept.put(stamps[place], one)
        good = [place for place, one in enumerate(found) if one is not None]
        return [found[place] for place in good], indices[good]

    def _fail(self, path: str, error: Exception) -> None:
        if self._on_error == "raise":
            raise error
        if path not in self.skipped:
            self.skipped[path] = str(error)
            print(f"Skipped {error}")  # noqa: T201  as the original says what it finds

    def _loaded(self, paths: list[str]) -> list[Array | Exception]:
        """By threads. Each gets one equal part of the files, because submitting them one by one costs time."""
        parts = min(len(paths), default_threads())
        if parts < 2:
            return _loaded(paths, self._loading)
        futures = [self._threads.submit(_loaded, paths[part::parts], self._loading) for part in range(parts)]
        each = [future.result() for future in futures]
        return [each[place % parts][place // parts] for place in range(len(paths))]


def _loaded(paths: list[str], how: Loading) -> list[Array | Exception]:
    """The image in each file, or why there is none."""
    every = [_data(path) for path in paths]
    jpegs = [one for one in every if isinstance(one, bytes) and one[:3] == JPEG] if how.takes_nearest else []
    thumbnails = dict(zip(map(id, jpegs), nearest_thumbnails(jpegs, *how.target_size), strict=True))
    return [_image(path, data, thumbnails.get(id(data)), how) for path, data in zip(paths, every, strict=True)]


def _data(path: str) -> bytes | Exception:
    try:
        return read_file(path, "is one of the images").data
    except (SourceError, FileNotFoundError) as error:
        return error if isinstance(error, SourceError) else SourceError(f"{path}: {error.strerror or error}")


def _image(path: str, data: bytes | Exception, thumbnail: Array | str | None, how: Loading) -> Array | Exception:
    if isinstance(data, Exception):
        return data
    if isinstance(thumbnail, str):
        return DecodeError(thumbnail, path)
    if thumbnail is not None:
        return thumbnail
    try:
        words = how.target_size, how.interpolation, how.keep_aspect_ratio
        if data[:3] == JPEG and how.color_mode == "rgb" and how.compat is None:
            from PIL import Image

            return np.asarray(resized(Image.fromarray(read_image(data)), *words))
        img = load_img(BytesIO(data), False, how.color_mode, *words, compat=how.compat)
        return np.asarray(img).reshape(*how.target_size, -1)
    except Exception as error:  # noqa: BLE001  Pillow raises errors of many classes
        from PIL import UnidentifiedImageError

        said = "it is not an image of a known format" if isinstance(error, UnidentifiedImageError) else error
        return error if how.compat is not None else DecodeError(f"cannot be read: {said}", path)
