"""Files without what says nothing of their pixels, so that broken or large metadata costs no picture.

Text, colour profiles, camera data, thumbnails: readers may fail on them, and nothing of it is used here but the
orientation. PNG, TIFF, GIF and WebP files are read without them (`png.py`, `tiff.py`, `gif.py`, `webp.py`). Whatever
makes pixels stays as it is, damage included.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Bare"]


class Bare(NamedTuple):
    """A file's bytes, and what of its metadata is used.

    exif, xmp: that say the orientation, None where the file cannot have them here: Pillow is asked then.
    opaque: the file's transparency is damaged and was left out.
    inverted: its greys mean the opposite of what the reader will make of them.
    """

    data: bytes
    exif: bytes | None = None
    xmp: bytes | None = None
    opaque: bool = False
    inverted: bool = False
