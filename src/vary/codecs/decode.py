"""Opens files: from encoded bytes to what the native executor reads.

The first bytes decide the format, never the file's name. A JPEG stays as it is, for the executor to decode at the scale
it needs; every other format goes through Pillow to height x width x channels, uint8. As uint16
(`wide.py`), JPEGs are decoded here, too.

- Upright, by one rule for all formats, JPEG included: EXIF's orientation, else XMP's (`native/jpeg_orientation.h`).
- Of an animation the first frame; colour profiles not applied.
- Broken metadata is no error: it is removed first (`bare.py`). What determines pixels must be whole,
  unless `allow_truncated`.
- 1 channel: Rec. 601 grey. 3: RGB, alpha dropped, not blended. 4: RGBA, alpha 255 where the file has none.
- More than 8 bits as uint8: the 8 most significant. As uint16: 16 bits as they are, fewer so that white is white.
  Pillow gives 16 bits of grey in all formats, of colours in PNG and TIFF, and 8 bits of colours in all others.
- 32-bit integers and floats state no range, so they are an error.
- A program's settings of Pillow change nothing (`pillow.py`); formats that it registered with Pillow are read.
- Errors are `DecodeError`s with the path and the reason, and name `allow_truncated=True` if it would read the file.
  Pillow's warnings cost no pixel and are dropped. libtiff alone writes on the process's stderr about broken files;
  Pillow offers no way to stop it.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
import warnings
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, cast

import numpy as np

from vary import _native
from vary.codecs.bare import Bare
from vary.codecs.gif import GIF, bare_gif
from vary.codecs.pillow import check_pixels, open_image
from vary.codecs.png import PNG, bare_png
from vary.codecs.stored import JPEG_MASK, stored_values, stretched
from vary.codecs.tiff import ELSEWHERE, TIFF, bare_tiff
from vary.codecs.webp import bare_webp, is_webp
from vary.codecs.wide import WHITE, FileDtype, file_dtype, in_channels, wide_colours, widened, with_raw_mode
from vary.errors import DecodeError, InputError, SourceError
from vary.guidance import guided, word_hint
from vary.paths import expanded, searched_in
from vary.sample import Array
from vary.stores import is_url, local_path, read

if TYPE_CHECKING:
    from mmap import mmap

    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

__all__ = ["MAX_PIXELS", "RULES", "apply_orientation", "is_jpeg", "prepare", "prepare_mask", "read_image", "read_mask"]

MAX_PIXELS = 178_956_970
"""What a file may claim to hold before it is taken for an attack: 2^29 bytes of RGB, Pillow's own limit for errors."""

RULES = 3
"""Version of these rules, part of a disk cache's key. Raise it when some file decodes to other pixels than before."""

JPEG = b"\xff\xd8\xff"
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
STORED = 0  # channels of a mask: its values as they are stored
ORIENTATION = 0x0112  # the EXIF tag

Bytes: TypeAlias = "bytes | bytearray | memoryview | mmap | Array"


class Encoded(Protocol):
    """`vary.sources.Encoded`, as far as it is needed here."""

    @property
    def data(self) -> bytes: ...
    @property
    def path(self) -> str | None: ...


def is_jpeg(encoded: Encoded) -> bool:
    """By its first bytes: is it one for the executor to decode?"""
    return bytes(encoded.data[:3]) == JPEG


def prepare(
    encoded: Encoded,
    channels: int = 3,
    max_pixels: int = MAX_PIXELS,
    allow_truncated: bool = False,
    dtype: str = "uint8",
) -> Array | bytes:
    """The picture as (H, W, channels), uint8 or uint16. For uint8, a JPEG's bytes instead (undecoded: their size is not
    checked here).

    Raises `DecodeError`. With `allow_truncated`, a file that breaks off gives the rows it has; the others are 0, in a
    palette the first colour.
    """
    if not is_jpeg(encoded):
        return _through_pillow(bytes(encoded.data), encoded.path, channels, max_pixels, allow_truncated, dtype)
    if dtype == "uint8":
        return encoded.data
    return widened(_whole_jpeg(encoded.data, encoded.path, channels, max_pixels, allow_truncated))


@guided("vary.read_image", suggest=False, former={"tolerant": "allow_truncated"})
def read_image(
    source: str | os.PathLike[str] | Bytes,
    channels: int = 3,
    *,
    max_pixels: int = MAX_PIXELS,
    allow_truncated: bool = False,
    dtype: FileDtype = "uint8",
) -> Array:
    """One picture, whole and upright: (H, W, channels), from a path, a URL (docs/stores.md) or a file's bytes.

    dtype: "uint8"; or "uint16": the 16-bit samples of PNG and TIFF files as they are, and 8-bit samples times 257.
    source: the bytes may be in a bytes, bytearray, memoryview, mmap or one-dimensional uint8 array; a JPEG is read
        there without a copy.
    Raises `SourceError` where the file cannot be read and `DecodeError` where it is not a picture.
    """
    if channels not in MODES:
        cure = word_hint("channels", channels)
        raise InputError(f"channels={channels!r}; a file gives 1 (grey), 3 (RGB) or 4 (RGBA){cure}")
    limit: object = max_pixels
    if not isinstance(limit, int) or limit < 1:
        raise InputError(f"max_pixels={max_pixels!r}; give a whole number of at least 1")
    kind = file_dtype(dtype)
    data: bytes | memoryview
    if not isinstance(source, (str, os.PathLike)):
        data, path = _view(source), None
    else:
        path = local_path(source) or expanded(source) if isinstance(source, str) else expanded(source)
        data = _bytes_of(path)
    if data[:3] != JPEG:
        return _through_pillow(bytes(data), path, channels, max_pixels, allow_truncated, kind)
    pixels = _whole_jpeg(data, path, channels, max_pixels, allow_truncated)
    return pixels if kind == "uint8" else widened(pixels)


def _whole_jpeg(
    data: bytes | memoryview, path: str | None, channels: int, max_pixels: int, allow_truncated: bool
) -> Array:
    try:
        width, height, _, orientation, _ = _native.jpeg_header(data)
        check_pixels(width, height, max_pixels, path)
        pixels = _native.decode_jpeg(data, channels, 1, allow_truncated)
    except DecodeError:
        raise
    except (ValueError, RuntimeError) as error:
        raise DecodeError(str(error), path) from error
    return apply_orientation(pixels, orientation)


@guided("vary.read_mask", suggest=False)
def read_mask(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Array:
    """The numbers of a mask file as they are stored: (H, W) uint8, or uint16 where they have more than 8 bits.

    A palette (PNG, GIF) gives its indices, grey its values, 1 bit gives 0 and 1. `DecodeError` for a file with colours
    instead of numbers, for a JPEG, which has lost its numbers, and for a file that is not a picture; `SourceError`
    where the file cannot be read.
    """
    name = expanded(path)
    return prepare_mask(_File(_bytes_of(name), name), max_pixels)


def prepare_mask(encoded: Encoded, max_pixels: int = MAX_PIXELS, allow_truncated: bool = False) -> Array:
    """As `read_mask`; upright, by the orientation in the file, if any."""
    if is_jpeg(encoded):
        raise DecodeError(JPEG_MASK, encoded.path)
    return _through_pillow(bytes(encoded.data), encoded.path, STORED, max_pixels, allow_truncated)


class _File(NamedTuple):
    data: bytes
    path: str | None


def _bytes_of(path: str) -> bytes:
    if is_url(path):
        return read(path)
    try:
        with io.FileIO(path) as file:
            return file.readall() or b""
    except OSError as error:
        cure = "; vary.Folder(path) reads folders" if isinstance(error, IsADirectoryError) else ""
        where = searched_in(path) if isinstance(error, FileNotFoundError) else ""
        raise SourceError(f"{path}: {error.strerror or error}{where}{cure}") from error


def _view(source: Bytes) -> bytes | memoryview:
    if isinstance(source, bytes):
        return source
    if getattr(source, "ndim", 1) > 1:
        raise InputError(
            f"read_image was given an array of shape {source.shape}, a picture already; it reads files"  # type: ignore[union-attr]
        )
    try:
        return memoryview(cast("bytearray", source)).cast("B")
    except (TypeError, ValueError):  # no buffer, or one with gaps
        raise InputError(
            f"read_image was given a {type(source).__name__}; give a path, or the file's bytes in contiguous memory"
        ) from None


HEAD = _native.LEVEL_HEAD
"""Bytes of a block that say a file's size and orientation; `Runner.levels` needs no more."""


def keep(
    pictures: list[object], levels: list[int], channels: int, allow_truncated: bool, compact: bool, threads: int
) -> list[Array | str]:
    """JPEGs (bytes) at 1/level of their size, and (H, W, channels) uint8 arrays at level 1, as blocks to keep.

    A block is a 1-D uint8 array that a `Runner` takes in the place of what it was made from, with the same result. In
    place of one that cannot be made stands the reason. compact: half the memory where chroma was coded at half the
    size, for a little more work each time; otherwise finished pixels.
    """
    return _native.keep_levels(pictures, levels, channels, allow_truncated, compact, threads)


def nearest_thumbnails(files: list[bytes], height: int, width: int) -> list[Array | str | None]:
    """JPEGs in colour, resized as by Pillow's `resize((width, height), NEAREST)`: (height, width, 3) uint8.

    In place of one that cannot be decoded stands the reason; None: it is turned, or coded in an unusual way, and has to
    be read by `read_image`. The GIL is released meanwhile.
    """
    return _native.nearest_thumbnails(files, height, width, MAX_PIXELS)


def picture_bytes(encoded: Encoded, pixel: int | None = 3) -> int:
    """What a file takes when it is kept in full, by its header; `DecodeError` where it has none that can be read.

    pixel: bytes of a pixel; None: those of a mask as it is stored.
    """
    jpeg = is_jpeg(encoded)
    try:
        with _quiet():
            width, height, stored = (*_native.jpeg_header(encoded.data)[:2], 1) if jpeg else _size(bytes(encoded.data))
    except Exception as error:
        raise DecodeError(f"has no header that can be read: {error}", encoded.path) from error
    halved = jpeg and pixel == 3  # chroma of uint8 is nearly always stored at half the width and height
    return int(width * height * (pixel or stored)) // (2 if halved else 1)


def _size(data: bytes) -> tuple[int, int, int]:
    """Width, height, and the bytes of a stored number of grey or of a palette."""
    image = _opened(_bare(data).data, MAX_PIXELS)
    return *image.size, 2 if image.mode[0] == "I" else 1


def apply_orientation(pixels: Array, orientation: int) -> Array:
    """The picture as it is meant to be seen, for an EXIF orientation 1..8 (EXIF 2.3, tag 0x0112); contiguous."""
    if orientation >= 5:  # rows and columns change places
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def _through_pillow(
    data: bytes, path: str | None, channels: int, max_pixels: int, allow_truncated: bool, dtype: str = "uint8"
) -> Array:
    try:
        return _decoded(data, channels, max_pixels, allow_truncated, dtype)
    except DecodeError as error:
        reason, cause = error.reason, error.__cause__
    except MemoryError as error:
        raise DecodeError("needs more memory than there is", path) from error
    except Exception as error:  # noqa: BLE001  whatever a plugin raises of a broken file
        reason, cause = f"cannot be read: {str(error) or type(error).__name__}", error
    if not allow_truncated:
        with contextlib.suppress(Exception):
            _decoded(data, channels, max_pixels, True, dtype)
            reason += "; allow_truncated=True reads the part that can be decoded"
    raise DecodeError(reason, path) from cause


def _decoded(data: bytes, channels: int, max_pixels: int, allow_truncated: bool, dtype: str) -> Array:
    if not data:
        raise DecodeError("the file is empty")
    bare = _bare(data)
    if bare.opaque and channels == 4 and not allow_truncated:
        raise DecodeError("its transparency (the chunk tRNS) is damaged")
    with _quiet():
        image = _opened(bare.data, max_pixels)
        width, height = image.size
        check_pixels(width, height, max_pixels, None)
        # Of 16-bit colours, Pillow compares the high bytes alone with the transparent colour.
        clear = channels == 4 and isinstance(image.info.get("transparency"), tuple)
        if channels != STORED and (dtype == "uint16" or clear):
            load = partial(_loaded, max_pixels=max_pixels, allow_truncated=allow_truncated)
            colours = wide_colours(image, bare.data, load)
            if colours is not None:
                pixels = in_channels(colours, channels)
                pixels = pixels if dtype == "uint16" else (pixels >> 8).astype(np.uint8)
                return apply_orientation(pixels, _orientation(image, bare))
        stretch = stretched(image.tile)
        _load(image, allow_truncated)
        width, height = image.size  # an icon's picture may be another than its header said
        check_pixels(width, height, max_pixels, None)
        if channels == STORED:
            pixels = stored_values(image, stretch, bare.inverted)
        elif image.mode[0] in "IF":
            pixels = _deep(image, channels, bare.inverted, dtype)
        else:
            pixels = _pixels(image, channels)
            pixels = pixels if dtype == "uint8" else widened(pixels)
        return apply_orientation(pixels, _orientation(image, bare))


def _bare(data: bytes) -> Bare:
    """The file without metadata, if its format is one of those that are known here; else unchanged."""
    if data.startswith(PNG):
        return bare_png(data)
    if data.startswith(TIFF):
        return bare_tiff(data)
    if data.startswith(GIF):
        return bare_gif(data)
    return bare_webp(data) if is_webp(data) else Bare(data)


def _opened(data: bytes, max_pixels: int) -> ImageFile:
    try:
        return open_image(data, max_pixels)
    except DecodeError as error:
        if data.startswith(TIFF) and error.reason.startswith("not a picture"):
            raise DecodeError(f"a TIFF of a kind that is not read, or broken in its directory{ELSEWHERE}") from error
        raise


def _loaded(data: bytes, raw: str, may_be_zero: bool, max_pixels: int, allow_truncated: bool) -> Array:
    """The picture in Pillow's raw mode `raw`, if one is given."""
    image = _opened(data, max_pixels)
    image.tile = with_raw_mode(image.tile, raw) if raw else image.tile
    _load(image, allow_truncated, may_be_zero)
    return np.asarray(image)


def _load(image: ImageFile, allow_truncated: bool, may_be_zero: bool = False) -> None:
    try:
        image.load()
    except Exception as error:
        if "raw mode" in str(error):  # Pillow knows the format, but not this layout of its pixels
            raise DecodeError(f"its pixels are of a kind that is not read{ELSEWHERE}") from error
        if not allow_truncated:
            raise
        image.tile = []  # nothing more to decode: the next load() takes what the first one got
        image.load()
        if not may_be_zero and not np.asarray(image).any():  # which was nothing
            raise


def _orientation(image: Image, bare: Bare) -> int:
    """1..8, by the rule of native/jpeg_orientation.h: EXIF, else XMP, else 1. Tags that cannot be read are ignored."""
    exif, xmp = bare.exif, bare.xmp
    if exif is None or xmp is None:
        exif = image.info.get("exif")
        xmp = image.info.get("xmp")
    found = 0
    with contextlib.suppress(Exception):
        found = _native.exif_orientation(exif) if isinstance(exif, bytes) else image.getexif().get(ORIENTATION, 0)
    if found not in range(1, 9) and isinstance(xmp, bytes):
        found = _native.xmp_orientation(xmp)
    return found if found in range(1, 9) else 1


def _pixels(image: Image, channels: int) -> Array:
    if image.mode in ("P", "PA"):
        image = image.convert("RGBA")  # whatever the palette holds
    elif image.mode == "LAB":
        image = image.convert("RGB")  # which alone has a way to the others
    elif image.mode == "La":
        image = image.convert("LA")  # colours not multiplied by alpha
    if image.mode != MODES[channels]:
        image = image.convert(MODES[channels])
    pixels = np.asarray(image)
    return pixels[:, :, None] if channels == 1 else pixels


def _deep(image: Image, channels: int, inverted: bool, dtype: str) -> Array:
    """A grey picture of more than 8 bits. inverted: 0 is white in it."""
    bits = getattr(image, "tag_v2", {}).get(258, 16)  # TIFF's BitsPerSample: Pillow keeps 12-bit values as they are
    bits = bits[0] if isinstance(bits, tuple) else bits
    integer = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if not integer or bits > 16:
        raise DecodeError(
            "its pixels are signed, 32-bit or floating-point numbers without a stated range; "
            "load it as an array and say value_range="
        )
    values = np.asarray(image)
    white, most = WHITE[dtype], (1 << int(bits)) - 1
    if dtype == "uint8":
        grey = (values >> (int(bits) - 8)).astype(np.uint8)
    else:  # of 12 bits, as TIFF may have, the largest value is white
        grey = ((values.astype(np.uint32) * white + most // 2) // most).astype(np.uint16)
    grey = white - grey if inverted else grey
    if channels < 4:
        return np.repeat(grey[:, :, None], channels, axis=2)
    clear = image.info.get("transparency")  # PNG's tRNS: one value that is not there
    alpha = np.where(values == clear, 0, white) if isinstance(clear, int) else np.full(grey.shape, white)
    return np.dstack([grey, grey, grey, alpha.astype(grey.dtype)])


def _quiet() -> contextlib.AbstractContextManager[object]:
    """Drops the warnings of the thread that is inside, and of no other."""
    if getattr(sys.flags, "context_aware_warnings", 0):  # as in free-threaded Python: these are the thread's own
        return warnings.catch_warnings(action="ignore")
    return _QUIET


class _Quiet(threading.local):
    """`_quiet` where `warnings.catch_warnings` swaps a list that all threads share.

    This instead is the message pattern of one lasting filter: the warnings module asks it, in the warning thread,
    whether it matches.
    """

    inside = False

    def match(self, text: str) -> bool:  # noqa: ARG002  any text
        return self.inside

    def __enter__(self) -> None:
        filters = cast("list[object]", warnings.filters)
        if not filters or filters[0] is not _FILTER:  # at first, or after someone else came or restored
            with _LOCK:
                filters.insert(0, _FILTER)
                for place in reversed(range(1, len(filters))):
                    if filters[place] is _FILTER:
                        del filters[place]
        self.inside = True

    def __exit__(self, *failure: object) -> None:
        self.inside = False


_QUIET = _Quiet()
_FILTER = ("ignore", _QUIET, Warning, None, 0)
_LOCK = threading.Lock()
