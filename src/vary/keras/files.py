"""Images in files, in one size, kept in memory once they were read.

An image is that of `load_img`. JPEG files in colour that are resized by "nearest", the default, take a shorter way to
the same result.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from vary.codecs.decode import read_image
from vary.errors import DecodeError, InputError, SourceError
from vary.keras.feed import Threads
from vary.keras.images import COLOR_MODES, METHODS, load_img
from vary.keras.kept import Kept
from vary.plan.machine import default_threads
from vary.sample import Array
from vary.sources.files import read_file, stamped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vary.keras.faces import Compat
    from vary.plan.request import Pictures

__all__ = ["FileImages", "Loading", "loading_of"]

CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
OnError = Literal["raise", "skip"]


class Loading(NamedTuple):
    """How files are read."""

    target_size: tuple[int, int]
    color_mode: str
    interpolation: str
    keep_aspect_ratio: bool
    compat: Compat


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
    """`Images` in files. paths: called for the paths, by index. skipped: broken files, with the reason.

    An image is kept as long as the budget of vary's caches allows, and read again if its file has changed.
    """

    def __init__(self, paths: Callable[[], Sequence[str]], loading: Loading, on_error: OnError) -> None:
        if on_error not in ("raise", "skip"):
            raise InputError(f"on_error={on_error!r}; give 'raise', or 'skip' to leave broken files out and list them")
        self._paths, self._loading, self._on_error = paths, loading, on_error
        self.shape = (*loading.target_size, CHANNELS[loading.color_mode])
        self.skipped: dict[str, str] = {}
        self.in_memory = False
        self._kept = Kept(int(np.prod(self.shape)))
        self._threads = Threads(None, "vary-keras-read")

    shape: tuple[int, int, int]

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
        parts = min(len(paths), default_threads())
        if parts < 2:
            return [_loaded(path, self._loading) for path in paths]
        futures = [self._threads.submit(_loaded, path, self._loading) for path in paths]
        return [future.result() for future in futures]


def _loaded(path: str, how: Loading) -> Array | Exception:
    """The image in a file, or why there is none."""
    try:
        if how.color_mode == "rgb" and how.interpolation == "nearest" and how.compat is None:
            data = read_file(path, "is one of the images").data
            if data[:3] == b"\xff\xd8\xff" and not how.keep_aspect_ratio:
                return _nearest(read_image(data), how.target_size)
        words = how.color_mode, how.target_size, how.interpolation, how.keep_aspect_ratio
        return np.asarray(load_img(path, False, *words, compat=how.compat)).reshape(*how.target_size, -1)
    except (SourceError, FileNotFoundError) as error:
        return error if isinstance(error, SourceError) else SourceError(f"{path}: {error.strerror or error}")
    except Exception as error:  # noqa: BLE001  Pillow raises errors of many classes
        from PIL import UnidentifiedImageError

        said = "it is no image of a known format" if isinstance(error, UnidentifiedImageError) else error
        return error if how.compat is not None else DecodeError(f"cannot be read: {said}", path)


def _nearest(image: Array, size: tuple[int, int]) -> Array:
    rows, columns = (_places(*sides) for sides in zip(image.shape, size, strict=False))
    return np.asarray(image.reshape(-1, image.shape[2]).take(rows[:, None] * image.shape[1] + columns, axis=0))


@lru_cache(maxsize=256)
def _places(side: int, wanted: int) -> Array:
    """Which of the pixels along a side Pillow takes, (wanted,): where two are equally near, rounding errors decide."""
    from PIL import Image

    line = Image.fromarray(np.arange(side, dtype=np.int32)[None])
    return np.asarray(np.asarray(line.resize((wanted, 1), Image.Resampling.NEAREST), np.int64)[0])
