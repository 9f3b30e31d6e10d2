"""GIF files, block by block (GIF89a)."""

from __future__ import annotations

from vary.plan.bare import Bare

__all__ = ["GIF", "bare_gif"]

GIF = (b"GIF87a", b"GIF89a")
EXTENSION, CONTROL, APPLICATION, XMP = 0x21, 0xF9, 0xFF, b"XMP DataXMP"


def bare_gif(data: bytes) -> Bare:
    """Without what stands before the first picture and says nothing of its pixels."""
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
    """Bytes of the colour table that these flags promise."""
    value = data[flags] if flags < len(data) else 0
    return 3 << (value & 7) + 1 if value & 0x80 else 0


def _end(data: bytes, at: int) -> int:
    """Behind the sub-blocks from there on, of which one without bytes is the last."""
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1
