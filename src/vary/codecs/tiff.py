"""TIFF files, as far as their first directory goes (TIFF 6.0, and BigTIFF).

Pillow decodes some kinds of TIFF wrongly. Three of them are decoded right after a change of the directory: one sample a
pixel in "planes", WhiteIsZero of more than 8 bits, and colour tables of 8 bits. The others are refused.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from vary.codecs.bare import Bare
from vary.errors import DecodeError

__all__ = ["ELSEWHERE", "TIFF", "bare_tiff"]

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"II\0*", b"MM*\0")  # the last two are not valid, but Pillow reads them
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
SAMPLES, PLANAR, COLOURS, EXTRA, FORMAT, SUBSAMPLING = 277, 284, 320, 338, 339, 530
ORIENTATION, XMP = 274, 700
PIXELS = {
    *(WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER, SAMPLES, PLANAR, COLOURS, EXTRA, FORMAT),
    *(254, 255),  # kind of picture
    *(273, 278, 279, 322, 323, 324, 325),  # strips and tiles
    *(292, 293, 317, 332, 333, 336, 340, 341, 347, *range(512, 522), 50674),  # of compressions and inks
    *(529, SUBSAMPLING, 531, 532),  # YCbCr
    *(32995, 32996, 32997, 32998, 33421, 33422, 34908, 34909, 34910),
}
"""Tags that determine the pixels; all others are left out."""
LETTERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q", 18: "Q"}
ELSEWHERE = "; load it with tifffile, as an array"
"""What to do with a kind that is not read here."""


class Field(NamedTuple):
    kind: int  # of its values
    length: int
    place: int  # of its values in the file


class Directory(NamedTuple):
    data: bytes
    order: str
    big: bool
    begin: int
    lines: list[tuple[int, bytes]]  # (tag, its whole entry), in file order; broken files may hold a tag twice
    fields: dict[int, Field]

    def values(self, tag: int, *missing: int) -> tuple[int, ...]:
        """The integers of a tag; `missing` if it is absent, or its values lie outside of the file."""
        field = self.fields.get(tag)
        letter = LETTERS.get(field.kind) if field else None
        if field is None or letter is None or field.place + field.length * struct.calcsize(letter) > len(self.data):
            return missing
        return struct.unpack_from(f"{self.order}{field.length}{letter}", self.data, field.place) or missing

    def value(self, tag: int, missing: int) -> int:
        return self.values(tag, missing)[0]


def bare_tiff(data: bytes) -> Bare:
    """The file with only the tags that determine pixels, and only its first page.

    `DecodeError` for kinds that Pillow decodes wrongly.
    """
    try:
        directory = _directory(data)
    except (struct.error, OverflowError):  # damaged: Pillow says what is wrong
        return Bare(data)
    _refuse(directory)
    inverted = directory.value(PHOTOMETRIC, 0) == 0 and max(directory.values(BITS, 1)) > 8
    changes = {PHOTOMETRIC: 1} if inverted else {}
    if directory.value(SAMPLES, 1) == 1:
        changes[PLANAR] = 1
    orientation, xmp = directory.value(ORIENTATION, 0), directory.fields.get(XMP)
    orientation = orientation if 1 <= orientation <= 8 else 0
    exif = struct.pack("<2sHIHHHIHH", b"II", 42, 8, 1, ORIENTATION, 3, 1, orientation, 0)
    packet = data[xmp.place : xmp.place + xmp.length] if xmp and xmp.kind in (1, 2, 7) else b""
    return Bare(_written(directory, changes), exif, packet, inverted=inverted)


def _directory(data: bytes) -> Directory:
    order, big = "<" if data[:1] == b"I" else ">", data[2:4] in (b"+\0", b"\0+")
    begin = struct.unpack_from(f"{order}Q", data, 8)[0] if big else struct.unpack_from(f"{order}I", data, 4)[0]
    count = struct.unpack_from(f"{order}{'Q' if big else 'H'}", data, begin)[0]
    size, inline, word = (20, 8, "Q") if big else (12, 4, "I")
    lines: list[tuple[int, bytes]] = []
    fields: dict[int, Field] = {}
    for number in range(count):
        at = begin + (8 if big else 2) + number * size
        tag, kind, length = struct.unpack_from(f"{order}HH{word}", data, at)
        fits = length * struct.calcsize(LETTERS.get(kind, "B")) <= inline
        place = at + size - inline
        if not fits:
            place = struct.unpack_from(f"{order}{word}", data, place)[0]
        fields[tag] = Field(kind, length, place)
        lines.append((tag, data[at : at + size]))
    return Directory(data, order, big, begin, lines, fields)


def _written(directory: Directory, changes: dict[int, int]) -> bytes:
    """The file with its directory rewritten in place.

    A colour table of 8-bit values becomes one of 16-bit values, which is what TIFF prescribes.
    """
    data, order, big, begin, lines, fields = directory
    short, size = f"{order}HH{'Q' if big else 'I'}H", 20 if big else 12
    kept = [
        struct.pack(short, tag, 3, 1, changes[tag]).ljust(size, b"\0") if tag in changes else line
        for tag, line in lines
        if tag in PIXELS
    ]
    head, after = (struct.pack(f"{order}Q", len(kept)), 8) if big else (struct.pack(f"{order}H", len(kept)), 4)
    written = b"".join([head, *kept, bytes(after)])
    pieces = [data[:begin], written, data[begin + len(written) :]]
    colours = directory.values(COLOURS)
    if colours and fields[COLOURS].kind == 3 and 0 < max(colours) < 256:
        place = fields[COLOURS].place
        table = struct.pack(f"{order}{len(colours)}H", *(257 * value for value in colours))
        whole = b"".join(pieces)
        pieces = [whole[:place], table, whole[place + len(table) :]]
    return b"".join(pieces)


def _refuse(directory: Directory) -> None:
    bits, samples = directory.values(BITS, 1), directory.value(SAMPLES, 1)
    photometric, plain = directory.value(PHOTOMETRIC, 0), directory.value(COMPRESSION, 1) == 1
    if directory.value(FORMAT, 1) == 2 and max(bits) == 8:
        raise DecodeError(f"its pixels are signed numbers{ELSEWHERE} and give the policy a value_range=")
    if directory.value(PLANAR, 1) == 2 and samples > 1:
        if photometric == 2 and samples > 3 and EXTRA not in directory.fields:
            raise DecodeError(f"it has {samples} colour planes and does not say what the last is{ELSEWHERE}")
        if plain and (max(bits) != 8 or directory.value(FILL_ORDER, 1) != 1):
            raise DecodeError(f"its colours lie in separate planes of {max(bits)} bits, not compressed{ELSEWHERE}")
    if photometric == 6 and plain and directory.values(SUBSAMPLING, 2, 2) != (1, 1):
        raise DecodeError(f"its colour is YCbCr of fewer samples than its brightness, not compressed{ELSEWHERE}")
