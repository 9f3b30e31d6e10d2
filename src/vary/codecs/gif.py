"""GIF files, block by block (GIF89a)."""

from __future__ import annotations

from vary.codecs.bare import Bare

__all__ = ["GIF", "bare_gif"]

GIF = (b"GIF87a", b"GIF89a")
EXTENSION, CONTROL, APPLICATION, XMP = 0x21, 0xF9, 0xFF, b"XMP DataXMP"


def bare_gif(data: bytes) -> Bare:
    """The file without extensions before the first picture; its graphic control extension is kept."""
    pieces: list[bytes] = []
    begin = at = 13 + _table(data, 10)
    xmp = b""
    while data[at : at + 1] == bytes([EXTENSION]):
        end = _end(data, at + 2)
        sound = data[at + 1 : at + 3] == bytes([CONTROL, 4]) and end == at + 8
        if not sound:
            pieces.append(data[begin:at])
            begin = end
            if data[at + 1 : at + 14] == bytes([APPLICATION, len(XMP)]) + XMP:
                xmp = data[at + 14 : end]
        at = end
    return Bare(b"".join([data[: 13 + _table(data, 10)], *pieces, data[begin:]]) if pieces else data, b"", xmp)


def _table(data: bytes, flags: int) -> int:
    """Length in bytes of the colour table that the byte `flags` announces."""
    value = data[flags] if flags < len(data) else 0
    return 3 << (value & 7) + 1 if value & 0x80 else 0


def _end(data: bytes, at: int) -> int:
    """The position after the sub-blocks that begin at `at`; an empty one is the last."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1
