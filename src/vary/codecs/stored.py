"""Masks: the numbers of an image file as they are stored, without colours.

A palette gives its indices, grey its values, 1 bit gives 0 and 1 (white). Grey of 2 or 4 bits is not stretched to 0 ..
255 as for pictures, nor is a PGM whose largest value is another than 255.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vary.errors import DecodeError
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

__all__ = ["JPEG_MASK", "stored_values", "stretched"]

JPEG_MASK = "is a JPEG, whose compression changes class numbers; save masks as PNG"
BITS = 258  # the TIFF tag BitsPerSample
RAW = {"L;2": 85, "L;4": 17}
"""How Pillow stretches grey of few bits: its raw mode -> the factor."""


def stretched(tiles: Sequence[tuple[object, ...]]) -> tuple[int, int]:
    """(a, b): Pillow decodes these tiles, of an image not yet loaded, to its stored values times a / b, rounded."""
    if not tiles:
        return 1, 1
    codec, args = tiles[0][0], tiles[0][-1]
    first = args[0] if isinstance(args, tuple) and args else args
    if str(codec).startswith("ppm") and isinstance(args, tuple):  # (raw mode, largest value)
        return (255 if args[-1] < 256 else 65535), args[-1]
    return RAW.get(str(first)[:3], 1), 1


def stored_values(image: Image, stretch: tuple[int, int], inverted: bool) -> Array:
    """(H, W) uint8, or uint16 of more than 8 bits. stretch: see `stretched`. inverted: 0 is white in the file."""
    deep = image.mode.startswith("I;16") or (image.mode == "I" and image.format in ("PNG", "PPM"))
    if not deep and image.mode not in ("1", "L", "P"):
        raise DecodeError(_refusal(image))
    values = np.asarray(image).astype(np.uint16 if deep else np.uint8)
    if stretch[0] != stretch[1]:
        values = np.rint(np.multiply(values, stretch[1] / stretch[0])).astype(values.dtype)
    return _largest(image) - values if inverted else values


def _largest(image: Image) -> int:
    """The largest value that a TIFF of more than 8 bits may have."""
    bits = getattr(image, "tag_v2", {}).get(BITS, 16)
    return (1 << int(bits[0] if isinstance(bits, tuple) else bits)) - 1


def _refusal(image: Image) -> str:
    if image.mode[0] in "IF":
        return "has 32-bit or floating-point values; masks in files have whole numbers of 1 to 16 bits"
    colours = np.asarray(image.convert("RGB"))
    if (colours == colours[:, :, :1]).all():
        return (
            f"is a mask in colours ({image.mode}), all of them grey; save it as grey: "
            "vary.read_image(path, channels=1)[:, :, 0] has its values"
        )
    return (
        f"is a mask in colours ({image.mode}), not in class numbers; convert it once: with an array `colours` of shape "
        "(classes, 3), (vary.read_image(path)[:, :, None] == colours).all(-1).argmax(-1).astype('uint8') is the mask "
        "to save as PNG"
    )
