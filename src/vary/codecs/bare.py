"""Image files without their metadata, so that broken or huge metadata is no reason to lose a picture.

Decoders may fail on text, colour profiles, EXIF and thumbnails, and vary uses none of these except the orientation. So
PNG, TIFF, GIF and WebP files are decoded without them (`png.py`, `tiff.py`, `gif.py`, `webp.py`). Everything that
determines pixels is kept as it is, damage included.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Bare"]


class Bare(NamedTuple):
    """A file without metadata, and what was read from its metadata.

    exif, xmp: blocks that may hold the orientation, empty if there are none. None: this format was not searched for
        them, so ask Pillow.
    opaque: the file's transparency is damaged and was left out.
    inverted: black and white are swapped in `data`, so the decoded greys have to be inverted.
    """

    data: bytes
    exif: bytes | None = None
    xmp: bytes | None = None
    opaque: bool = False
    inverted: bool = False
