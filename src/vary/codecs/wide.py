"""Image files as uint16: 16-bit samples as they are stored, 8-bit samples times 257, so that white is white.

Pillow has grey pictures of 16 bits, and of 16-bit colours it keeps the high bytes. If it is told the other byte order,
it keeps the low bytes instead. So a file with 16-bit colours is decoded twice.
"""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vary.codecs.png import PNG
from vary.codecs.tiff import ELSEWHERE, PLANAR
from vary.errors import DecodeError, InputError, brief
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Iterable

    from PIL.ImageFile import ImageFile

__all__ = ["WHITE", "FileDtype", "file_dtype", "in_channels", "wide_colours", "widened", "with_raw_mode"]

FileDtype = Literal["uint8", "uint16"] | type[np.uint8 | np.uint16] | np.dtype[np.uint8 | np.uint16]

WHITE = {"uint8": 255, "uint16": 65535}
COLOURS = ("RGB", "RGBX", "RGBA", "RGBa", "CMYK")  # of Pillow's raw modes; RGBa: colours multiplied by alpha
LUMA = np.array([19595, 38470, 7471], np.uint32)
"""Rec. 601, 65536 times 0.299, 0.587, 0.114, as Pillow rounds them. Sums of 16-bit values fit 32 bits."""

Load = Callable[[bytes, str, bool], Array]
"""(file, raw mode or "", may all be zero, in a file that breaks off?) -> the samples that Pillow decodes."""


def file_dtype(dtype: object, name: str = "dtype") -> str:
    """`dtype` as a name; `InputError` if it is not one of those that files can be read as. name: of the argument."""
    try:
        found = str(np.dtype(dtype).name)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        found = ""
    if dtype is None or found not in WHITE:
        raise InputError(
            f"{name}={brief(dtype)}: files are read as 'uint8', or as 'uint16' for all 16 bits of PNG and TIFF; "
            "the dtype of batches is vary.stream(..., dtype=)"
        )
    return found


def widened(pixels: Array) -> Array:
    """uint8 as uint16, 255 as 65535."""
    wide: Array = np.multiply(pixels, 257, dtype=np.uint16)
    return wide


def wide_colours(image: ImageFile, data: bytes, load: Load) -> Array | None:
    """The colours of a file with 16-bit samples, (H, W, 2 to 4) uint16, the last of 2 or 4 being alpha; None for other
    files, and for grey without alpha.

    image: opened, not yet loaded; data: its file.
    """
    if not image.tile:
        return None
    args = image.tile[0][-1]
    raw = args[0] if isinstance(args, tuple) and args else args
    name, deep, order = str(raw).rpartition(";16")
    if not deep or order not in ("B", "L", "N"):
        return None
    if name == "LA" and data.startswith(PNG):
        return load(_as_rgba(data), "", False).view(">u2").astype(np.uint16)
    if name not in COLOURS:
        return None
    if getattr(image, "tag_v2", {}).get(PLANAR) == 2:
        raise DecodeError(f"its 16-bit colours lie in separate planes{ELSEWHERE}")
    first = "LB"[sys.byteorder == "big"] if order == "N" else order
    stored = name.replace("a", "A")
    high = load(data, f"{stored};16{first}", True)
    low = load(data, f"{stored};16{'B' if first == 'L' else 'L'}", bool(high.any()))
    colours = np.left_shift(high, 8, dtype=np.uint16) | low
    if name == "CMYK":
        return _without_inks(colours)
    if name == "RGBa":
        return _divided(colours)
    return _with_clear(colours, image.info.get("transparency"))


def _as_rgba(data: bytes) -> bytes:
    """A PNG of 16-bit grey and alpha as one of 8-bit RGBA: both have 4 bytes a pixel, which PNG's filters work on."""
    header = b"IHDR" + data[16:24] + b"\x08\x06" + data[26:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


def with_raw_mode(tiles: Iterable[Any], raw: str) -> list[Any]:  # Any: tuples, which later Pillows name
    """Pillow's tiles, to be decoded with another raw mode."""
    return [
        getattr(tile, "_make", tuple)([*tile[:-1], (raw, *tile[-1][1:]) if isinstance(tile[-1], tuple) else raw])
        for tile in tiles
    ]


def _without_inks(inks: Array) -> Array:
    """CMYK as RGB, by Pillow's formula."""
    left = (65535 - inks[..., 3:]).astype(np.int64)
    found: Array = (left - (inks[..., :3] * left + 32767) // 65535).astype(np.uint16)
    return found


def _divided(colours: Array) -> Array:
    """RGBA of colours that are multiplied by alpha."""
    alpha = colours[..., 3:].astype(np.int64)
    whole = (colours[..., :3] * np.int64(65535) + alpha // 2) // np.maximum(alpha, 1)
    return np.concatenate([np.minimum(whole, 65535).astype(np.uint16), colours[..., 3:]], axis=2)


def _with_clear(colours: Array, clear: object) -> Array:
    """clear: the colour that is transparent, as PNG's tRNS says, if any."""
    if not isinstance(clear, tuple) or len(clear) != 3 or colours.shape[2] != 3:
        return colours
    alpha = np.where((colours == np.array(clear)).all(axis=2), 0, 65535).astype(np.uint16)
    return np.dstack([colours, alpha])


def in_channels(colours: Array, channels: int) -> Array:
    """(H, W, 2 to 4) uint16 in 1 channel (grey), 3 (RGB) or 4 (RGBA)."""
    has_alpha = colours.shape[2] in (2, 4)
    colour = colours[..., : colours.shape[2] - has_alpha]
    if channels == 1:
        grey: Array = colour if colour.shape[2] == 1 else ((colour @ LUMA + 0x8000) >> 16).astype(np.uint16)[..., None]
        return grey
    rgb = colour.repeat(3, axis=2) if colour.shape[2] == 1 else colour
    if channels == 3:
        return rgb
    alpha = colours[..., -1] if has_alpha else np.full(colours.shape[:2], 65535, np.uint16)
    return np.dstack([rgb, alpha])
