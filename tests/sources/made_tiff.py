"""TIFF files written tag by tag, so that a test knows their pixels without a reader."""

import struct
import zlib

import numpy as np

MINIS_WHITE, MINIS_BLACK, RGB, PALETTE, INKS, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
NONE, DEFLATE, PACKBITS = 1, 8, 32773
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 12: 8}  # bytes of a value, by the tag's type
REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))

Entry = tuple[int, int, int, bytes]  # tag, type, count, values


def packed(rows: np.ndarray, bits: int, order: str) -> bytes:
    """(h, w, samples) as rows of `bits` a sample, each row filled up to whole bytes."""
    if bits >= 8 and bits % 8 == 0:
        return rows.astype(f"{order}u{bits // 8}").tobytes()
    flat = rows.reshape(len(rows), -1)
    single = (flat[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    return np.packbits(single.reshape(len(rows), -1).astype(np.uint8), axis=1).tobytes()


def packbits(raw: bytes) -> bytes:
    segments = (raw[at : at + 128] for at in range(0, len(raw), 128))
    return b"".join(bytes([len(segment) - 1]) + segment for segment in segments)


def segments_of(pixels: np.ndarray, rows: int, tile: int, planar: bool) -> list[np.ndarray]:
    """Strips of so many rows, or tiles of so many pixels, in the order of the file."""
    planes = [pixels[..., c : c + 1] for c in range(pixels.shape[2])] if planar else [pixels]
    if not tile:
        return [plane[at : at + rows] for plane in planes for at in range(0, len(pixels), rows)]
    high, wide = (-(-side // tile) * tile for side in pixels.shape[:2])
    filled = [np.pad(p, ((0, high - len(p)), (0, wide - p.shape[1]), (0, 0)), "edge") for p in planes]
    ys, xs = range(0, high, tile), range(0, wide, tile)
    return [plane[y : y + tile, x : x + tile] for plane in filled for y in ys for x in xs]


def tiff(
    pixels: np.ndarray,
    photometric: int,
    bits: int = 8,
    *,
    order: str = "<",
    planar: bool = False,
    rows: int = 1 << 16,
    tile: int = 0,
    compression: int = NONE,
    predictor: int = 1,
    fill_order: int = 1,
    extra: tuple[int, ...] = (),
    sample_format: int = 1,
    colours: np.ndarray | None = None,
    more: tuple[Entry, ...] = (),
) -> bytes:
    """A file of (h, w, samples) unsigned values that use `bits` bits."""
    h, w, samples = pixels.shape
    stored = []
    for segment in segments_of(pixels, min(rows, h), tile, planar):
        steps = np.diff(segment.astype(np.int64), axis=1, prepend=0) & ((1 << bits) - 1)
        raw = packed(steps if predictor == 2 else segment, bits, order)
        coded = {NONE: bytes, DEFLATE: zlib.compress, PACKBITS: packbits}[compression](raw)
        stored.append(coded.translate(REVERSED) if fill_order == 2 else coded)
    at = np.cumsum([8, *map(len, stored)]).tolist()

    def entry(tag: int, kind: int, *values: int) -> Entry:
        letter = {1: "B", 3: "H", 4: "I"}[kind]
        return tag, kind, len(values), struct.pack(f"{order}{len(values)}{letter}", *values)

    lengths = [len(segment) for segment in stored]
    entries = [
        *(entry(256, 4, w), entry(257, 4, h), entry(258, 3, *[bits] * samples), entry(259, 3, compression)),
        *(entry(262, 3, photometric), entry(277, 3, samples), entry(284, 3, 2 if planar else 1)),
        *([entry(322, 3, tile), entry(323, 3, tile)] if tile else [entry(278, 4, min(rows, h))]),
        *(entry(324 if tile else 273, 4, *at[:-1]), entry(325 if tile else 279, 4, *lengths)),
        *([entry(266, 3, fill_order)] if fill_order != 1 else []),
        *([entry(317, 3, predictor)] if predictor != 1 else []),
        *([entry(338, 3, *extra)] if extra else []),
        *([entry(339, 3, *[sample_format] * samples)] if sample_format != 1 else []),
        *([entry(320, 3, *colours.T.ravel().tolist())] if colours is not None else []),
        *more,
    ]
    return framed(b"".join(stored), entries, order)


def framed(data: bytes, entries: list[Entry], order: str) -> bytes:
    """Head, data, values that do not fit into the directory, directory."""
    apart, lines = b"", b""
    for tag, kind, count, values in sorted(entries):
        place = struct.pack(f"{order}I", 8 + len(data) + len(apart))
        if len(values) > 4:
            apart += values + bytes(len(values) % 2)
        lines += struct.pack(f"{order}HHI", tag, kind, count) + (place if len(values) > 4 else values.ljust(4, b"\0"))
    begin = 8 + len(data) + len(apart)
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, begin)
    return head + data + apart + struct.pack(f"{order}H", len(entries)) + lines + bytes(4)
