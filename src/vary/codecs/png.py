"""PNG files, chunk by chunk (PNG 3rd edition, section 5)."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress

from vary.codecs.bare import Bare

__all__ = ["PNG", "bare_png"]

PNG = b"\x89PNG\r\n\x1a\n"
LONGEST = 1 << 20
"""Most bytes of EXIF or XMP that are searched for an orientation."""
KEYWORDS = {  # of text chunks that may hold an orientation
    b"XML:com.adobe.xmp": "xmp",
    b"Raw profile type exif": "profile",  # as ImageMagick wrote EXIF before PNG had the chunk eXIf
    b"Raw profile type APP1": "profile",
}


def bare_png(data: bytes) -> Bare:
    """The file without ancillary chunks; tRNS, which holds transparency, is kept unless it is damaged."""
    pieces: list[bytes] = []
    found = {"exif": b"", "profile": b"", "xmp": b""}
    begin = at = len(PNG)  # everything before `begin` is in `pieces` already, or left out
    opaque = False
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if not kind.isalpha() or kind == b"IEND":
            break
        if kind[0] & 0x20:  # ancillary
            if kind == b"tRNS" and _sound(data, at, end):
                at = end
                continue
            opaque = opaque or kind == b"tRNS"
            found |= _said(data, at, end)
            pieces.append(data[begin:at])
            begin = end
        at = end
    bare = b"".join([PNG, *pieces, data[begin:]]) if pieces else data
    return Bare(bare, found["exif"] or found["profile"], found["xmp"], opaque)


def _body(data: bytes, at: int, end: int) -> bytes:
    """The body of the chunk at data[at:end], if its checksum is right; else nothing."""
    check = zlib.crc32(memoryview(data)[at + 4 : end - 4])
    return data[at + 8 : end - 4] if data[end - 4 : end] == struct.pack(">I", check) else b""


def _sound(data: bytes, at: int, end: int) -> bool:
    """Has this tRNS the length that the picture's colour type requires?"""
    kind, size = data[25], len(_body(data, at, end))
    return 1 <= size <= 256 if kind == 3 else size == {0: 2, 2: 6}.get(kind)


def _said(data: bytes, at: int, end: int) -> dict[str, bytes]:
    """The EXIF or XMP in this chunk, as an entry of `found` in `bare_png`; else nothing."""
    kind = data[at + 4 : at + 8]
    if kind == b"eXIf":
        return {"exif": _body(data, at, end)}
    keyword = data[at + 8 : at + 88].partition(b"\0")[0]
    name = KEYWORDS.get(keyword) if kind in (b"tEXt", b"zTXt", b"iTXt") else None
    if name is None:
        return {}
    with suppress(zlib.error, ValueError, IndexError):
        text = _text(kind, _body(data, at, end)[len(keyword) + 1 :])
        if name == "xmp":
            return {name: text}
        lines = text.split(b"\n")  # nothing, the kind, the length, and bytes as hexadecimal digits
        return {name: bytes.fromhex(b"".join(lines[3:]).decode("ascii"))}
    return {}


def _text(kind: bytes, body: bytes) -> bytes:
    """The text after the keyword, decompressed, at most LONGEST bytes of it."""
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed = body[0] == 1
        body = body[2:].split(b"\0", 2)[2]  # after the language tag and the translated keyword
    else:
        body = body[1:] if packed else body
    return zlib.decompressobj().decompress(body, LONGEST) if packed else body[:LONGEST]
