"""A sheet: rows of pictures in equal cells, the originals first. Captions stand above the columns, the class and the
file above each row, notes below; white lies between.

A variation's pixels are shown one to one where they fit a cell; they are made smaller where they do not, and tiny ones
are enlarged by a whole factor.
"""

from __future__ import annotations

import io
import os
import tempfile
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import combining, normalize

import numpy as np

import vary

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GUTTER, HEADER, TITLE = 8, 28, 20  # pixels: between cells, above the columns, above each row
NOTE, LINE = 12, 18  # letters and lines of the notes below, pixels
LARGEST, SMALLEST = 240, 96  # of a cell's longer side, pixels
WHITE, INK, DARK = 255, (90, 90, 90), (20, 20, 20)
FONT_SIZE = 13

Size = tuple[int, int]  # height, width
Title = tuple[str, str]  # what stands over a row: its class, in dark letters, and its file; either may be empty


def cell_of(sizes: Sequence[Size]) -> Size:
    """The cell that shows pictures of these sizes, all at one scale."""
    height, width = (max(size[axis] for size in sizes) for axis in (0, 1))
    return scaled((height, width), scale_of((height, width)))


def scale_of(largest: Size) -> float:
    side = max(largest)
    return LARGEST / side if side > LARGEST else float(max(1, SMALLEST // side))


def scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def corner(row: int, column: int, cell: Size) -> Size:
    """Where the cell begins on the sheet: y, x. Its row's title ends there."""
    return HEADER + TITLE + row * (TITLE + cell[0] + GUTTER), GUTTER + column * (cell[1] + GUTTER)


def fitted(image: np.ndarray, cell: Size) -> np.ndarray:
    """The picture in its aspect, centred on a white cell."""
    return vary.Policy([vary.Resize(*cell, mode="letterbox")], fill=WHITE)(image)


def lay_out(
    originals: Sequence[np.ndarray],
    variations: Sequence[Sequence[np.ndarray]],
    captions: Sequence[str],
    titles: Sequence[Title],
) -> np.ndarray:
    """One row a picture: its original, then its variations. All are (H, W, 3) uint8, and so is the sheet."""
    largest = tuple(max(one.shape[axis] for row in variations for one in row) for axis in (0, 1))
    cell = cell_of([largest])
    bottom, right = corner(len(originals), len(captions), cell)
    sheet = np.full((bottom - TITLE, right, 3), WHITE, np.uint8)
    _write(sheet, captions, titles, cell)
    for row, (original, others) in enumerate(zip(originals, variations, strict=True)):
        _paste(sheet, fitted(original, cell), corner(row, 0, cell), cell)
        for column, one in enumerate(others, 1):
            _paste(sheet, _resized(one, scaled(one.shape[:2], scale_of(largest))), corner(row, column, cell), cell)
    return sheet


def _resized(image: np.ndarray, size: Size) -> np.ndarray:
    interpolation = "nearest" if size[0] > image.shape[0] else "bilinear"
    return image if size == image.shape[:2] else vary.Policy([vary.Resize(*size)], interpolation=interpolation)(image)


def _paste(sheet: np.ndarray, image: np.ndarray, at: Size, cell: Size) -> None:
    height, width = image.shape[:2]
    y, x = at[0] + (cell[0] - height) // 2, at[1] + (cell[1] - width) // 2
    sheet[y : y + height, x : x + width] = image


def _write(sheet: np.ndarray, captions: Sequence[str], titles: Sequence[Title], cell: Size) -> None:
    """Captions over the columns, titles over the rows."""
    from PIL import Image, ImageDraw, ImageFont

    page = Image.fromarray(sheet)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(FONT_SIZE)
    for column, caption in enumerate(captions):
        middle = corner(0, column, cell)[1] + cell[1] / 2
        draw.text((middle, HEADER / 2), caption, INK, font, anchor="mm")
    for row, (label, file) in enumerate(titles):
        x, y = float(GUTTER), corner(row, 0, cell)[0] - TITLE / 2
        for text, ink, most in ((label, DARK, page.width / 2), (file, INK, page.width - GUTTER)):
            kept = shortened(text, most - x, font.getlength)
            draw.text((x, y), kept, ink, font, anchor="lm")
            x += font.getlength(kept) + GUTTER if kept else 0
    sheet[:] = np.asarray(page)


def shortened(text: str, room: float, length: Callable[[str], float]) -> str:
    """The text, or as much of its two ends as fits the room, in the letters that Pillow's own font has: ASCII.

    Letters lose their accents, and others become question marks.
    """
    letters = (letter for letter in normalize("NFKD", text) if not combining(letter))
    text = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in letters)
    if length(text) <= room:
        return text
    fits = bisect_right(range(len(text)), room, key=lambda kept: length(_ends(text, kept))) - 1
    return _ends(text, max(fits, 0))


def _ends(text: str, kept: int) -> str:
    return f"{text[: (kept + 1) // 2]}\u2026{text[len(text) - kept // 2 :]}"


def with_notes(sheet: np.ndarray, notes: Sequence[str]) -> np.ndarray:
    """The sheet with lines of text below it, broken where they are too long."""
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(NOTE)
    lines: list[str] = []
    for note in notes:
        lines.append("")
        for word in note.split():
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and font.getlength(longer) > sheet.shape[1] - 2 * GUTTER:
                lines.append(word)
            else:
                lines[-1] = longer
    strip = Image.new("RGB", (sheet.shape[1], len(lines) * LINE + GUTTER), (WHITE,) * 3)
    draw = ImageDraw.Draw(strip)
    for place, line in enumerate(lines):
        draw.text((GUTTER, (place + 0.5) * LINE), line, INK, font, anchor="lm")
    return np.concatenate([sheet, np.asarray(strip)])


def save(sheet: np.ndarray, target: Path) -> None:
    """Whole or not at all: written beside its place, then moved there."""
    from PIL import Image

    buffer = io.BytesIO()
    kind = {".png": "PNG", ".webp": "WEBP"}.get(target.suffix.lower(), "JPEG")
    Image.fromarray(sheet).save(buffer, kind, quality=90, optimize=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".vary-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(buffer.getbuffer())
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
