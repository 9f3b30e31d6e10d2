"""WebP files, chunk by chunk (RFC 9649)."""

from __future__ import annotations

import struct

from vary.codecs.bare import Bare

__all__ = ["bare_webp", "is_webp"]

PIXELS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF"}
METADATA = 0x20 | 0x08 | 0x04  # the flags of VP8X that announce ICCP, EXIF and XMP


def is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def bare_webp(data: bytes) -> Bare:
    """The file without chunks that determine no pixels. Lengths in the file may be wrong."""
    pieces: list[bytes] = []
    said = {b"EXIF": b"", b"XMP ": b""}
    at, other = 12, False
    while at + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, at)
        end = at + 8 + length + length % 2
        if kind in PIXELS:
            piece = data[at:end]
            if kind == b"VP8X" and len(piece) > 8:
                piece = piece[:8] + bytes([piece[8] & ~METADATA]) + piece[9:]
            pieces.append(piece)
        else:
            other = True
            if kind in said and not said[kind]:
                said[kind] = data[at + 8 : at + 8 + length]
        at = end
    if not other or not pieces:
        return Bare(data, said[b"EXIF"], said[b"XMP "])
    size = 4 + sum(map(len, pieces))
    return Bare(b"".join([b"RIFF", struct.pack("<I", size), b"WEBP", *pieces]), said[b"EXIF"], said[b"XMP "])
