"""PNG files written chunk by chunk, so that a test knows their pixels without a reader."""

import struct
import zlib

import numpy as np

GREY, RGB, GREY_ALPHA, RGBA = 0, 2, 4, 6
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""Of Adam7: first row and column, and the steps between them."""


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def filtered(pixels: np.ndarray) -> bytes:
    """The rows of (h, w, samples) uint16, each by another of the five filters (PNG 3rd edition, section 9)."""
    h, w, samples = pixels.shape
    step = 2 * samples
    rows = np.frombuffer(pixels.astype(">u2").tobytes(), np.uint8).reshape(h, w * step).astype(int)
    grid = np.pad(rows, ((1, 0), (step, 0)))
    left, up, corner = grid[1:, :-step], grid[:-1, step:], grid[:-1, :-step]
    guess = left + up - corner
    near = np.stack([left, up, corner])
    nearest = np.abs(near - guess).argmin(axis=0)
    paeth = np.take_along_axis(near, nearest[None], axis=0)[0]
    predicted = [np.zeros_like(rows), left, up, (left + up) // 2, paeth]
    return b"".join(
        bytes([y % 5]) + ((rows[y] - predicted[y % 5][y]) & 255).astype(np.uint8).tobytes() for y in range(h)
    )


def png(pixels: np.ndarray, *, interlaced: bool = False, more: bytes = b"") -> bytes:
    """A file of (h, w, samples) uint16; 1: grey, 2: with alpha, 3: RGB, 4: RGBA. more: chunks before the pixels."""
    h, w, samples = pixels.shape
    colours = {1: GREY, 2: GREY_ALPHA, 3: RGB, 4: RGBA}[samples]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 16, colours, 0, 0, interlaced))
    parts = [pixels[y::down, x::across] for y, x, down, across in PASSES] if interlaced else [pixels]
    raw = b"".join(filtered(part) for part in parts if part.size)
    return b"\x89PNG\r\n\x1a\n" + header + more + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
