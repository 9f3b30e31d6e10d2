"""A sheet: rows of pictures in equal cells on white, with captions for columns, rows and pictures.

Pictures that fit a cell are shown pixel by pixel, larger ones are reduced, and tiny ones enlarged by a whole factor.
"""

from __future__ import annotations

import io
import os
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.errors import InputError
from vary.paths import path_text, to_write
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "FORMATS",
    "Cell",
    "Sheet",
    "as_png",
    "draw",
    "fitted",
    "is_whole",
    "layout_of",
    "save",
    "scaled",
    "shortened",
    "size_in",
]

Size = tuple[int, int]  # height, width

GUTTER, HEADER, TITLE, CAPTION = 8, 28, 20, 15  # pixels: between cells, above the columns, above a row, below a cell
NOTE, LINE = 12, 18  # heights of letters and of lines of the notes, pixels
LARGEST, SMALLEST = 240, 96  # of a cell's longer side, pixels
PIXELS = 250_000  # of all cells together, for a small sheet
NARROWEST = 200  # width of a sheet, pixels, so that a note fits
WHITE, INK, DARK = 255, (90, 90, 90), (20, 20, 20)
LETTERS, SMALL = 13, 11  # heights of letters: of captions, and of those below a cell, pixels
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


class Cell(NamedTuple):
    """A picture and its place on a sheet."""

    image: Array  # (H, W, 3) uint8, perhaps smaller than the picture was
    size: Size  # of the picture
    lines: tuple[str, ...] = ()  # below it
    fits: bool = False  # scaled to fill its cell; else shown at the scale of the other pictures


class Sheet(NamedTuple):
    """Pictures in rows, with captions and notes."""

    rows: tuple[tuple[Cell, ...], ...]
    columns: tuple[str, ...] = ()
    titles: tuple[tuple[str, str], ...] = ()  # for each row: its label and its file; either may be empty
    notes: tuple[str, ...] = ()  # below all

    @property
    def cells(self) -> list[Cell]:
        return [cell for row in self.rows for cell in row]


class Layout(NamedTuple):
    """Sizes of the parts of a sheet, in pixels."""

    cell: Size
    scale: float
    header: int
    title: int
    captions: int  # below each picture

    def corner(self, row: int, column: int) -> Size:
        """The upper left corner of a cell: (y, x)."""
        height, width = self.cell
        top = self.header + row * (self.title + height + self.captions + GUTTER) + self.title
        return top, GUTTER + column * (width + GUTTER)


def layout_of(sheet: Sheet, largest: int = LARGEST) -> Layout:
    """largest: pixels of a cell's longer side."""
    sized = [cell.size for cell in sheet.cells if not cell.fits] or [cell.size for cell in sheet.cells] or [(1, 1)]
    height, width = (max(size[axis] for size in sized) for axis in (0, 1))
    scale = scale_of((height, width), largest)
    lines = max((len(cell.lines) for cell in sheet.cells), default=0)
    header = HEADER if sheet.columns else GUTTER
    return Layout(scaled((height, width), scale), scale, header, TITLE if sheet.titles else 0, CAPTION * lines)


def scale_of(size: Size, largest: int = LARGEST) -> float:
    side = max(size)
    return largest / side if side > largest else float(max(1, min(SMALLEST, largest) // side))


def scaled(size: Size, scale: float) -> Size:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def size_in(cell: Cell, layout: Layout) -> Size:
    """The size at which the picture is shown."""
    if not cell.fits:
        return scaled(cell.size, layout.scale)
    scale = min(most / side for most, side in zip(layout.cell, cell.size, strict=True))
    height, width = (max(1, int(side * scale + 1e-9)) for side in cell.size)
    return height, width


def draw(sheet: Sheet, largest: int = LARGEST) -> Array:
    """The sheet as one picture, (H, W, 3) uint8. largest: pixels of a cell's longer side."""
    layout = layout_of(sheet, largest)
    columns = max(1, len(sheet.columns), *map(len, sheet.rows))
    right = max(layout.corner(0, columns)[1], NARROWEST if sheet.notes else 0)
    bottom = layout.corner(len(sheet.rows), 0)[0] - layout.title
    pen = _Pen(bottom, right, sheet.notes)
    for column, caption in enumerate(sheet.columns):
        pen.centred(caption, layout.corner(0, column)[1], layout.header / 2, layout.cell[1], LETTERS)
    for number, title in enumerate(sheet.titles):
        y, x = layout.corner(number, 0)
        pen.title(title, x, y - layout.title / 2)
    for number, row in enumerate(sheet.rows):
        for column, cell in enumerate(row):
            y, x = layout.corner(number, column)
            pen.paste(fitted(cell.image, size_in(cell, layout)), y, x, layout.cell)
            for place, line in enumerate(cell.lines):
                pen.centred(line, x, y + layout.cell[0] + CAPTION * (place + 0.5), layout.cell[1], SMALL)
    pen.notes()
    return np.asarray(pen.canvas)


def fitted(image: Array, size: Size) -> Array:
    """(H, W, 3) uint8 at another size: by nearest neighbour for a whole factor, else bilinear."""
    from PIL import Image

    if size == image.shape[:2]:
        return image
    how = Image.Resampling.NEAREST if is_whole(size, image) else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(size[::-1], how))


def is_whole(size: Size, image: Array) -> bool:
    """Is this size a whole multiple of the picture's?"""
    return not any(shown % side for shown, side in zip(size, image.shape, strict=False))


class _Pen:
    """A white canvas to write and paste on, with space at the bottom for `notes`, which are wrapped to its width."""

    def __init__(self, bottom: int, right: int, notes: Sequence[str]) -> None:
        from PIL import Image, ImageDraw, ImageFont

        self._image, self._font = Image, ImageFont.load_default
        self._bottom = bottom
        self._lines = [line for note in notes for line in self._wrapped(note, right - 2 * GUTTER)]
        height = bottom + (LINE * len(self._lines) + GUTTER if notes else 0)
        self.canvas = Image.new("RGB", (right, height), (WHITE,) * 3)
        self._draw = ImageDraw.Draw(self.canvas)

    def paste(self, image: Array, y: int, x: int, cell: Size) -> None:
        """Put the picture in the middle of the cell whose corner is (y, x)."""
        height, width = image.shape[:2]
        at = x + (cell[1] - width) // 2, y + (cell[0] - height) // 2
        self.canvas.paste(self._image.fromarray(np.ascontiguousarray(image)), at)

    def centred(self, text: str, x: float, y: float, width: int, size: int) -> None:
        kept = shortened(text, width, self._font(size).getlength)
        self._write(kept, (x + width / 2, y), INK, size, "mm")

    def title(self, title: tuple[str, str], x: float, y: float) -> None:
        """A label in dark letters, then a file."""
        length, right = self._font(LETTERS).getlength, self.canvas.width
        for text, ink, most in zip(title, (DARK, INK), (right / 2, right - GUTTER), strict=True):
            kept = shortened(text, most - x, length)
            self._write(kept, (x, y), ink, LETTERS, "lm")
            x += length(kept) + GUTTER if kept else 0

    def notes(self) -> None:
        for number, line in enumerate(self._lines):
            self._write(line, (GUTTER, self._bottom + LINE * (number + 0.5)), INK, NOTE, "lm")

    def _write(self, text: str, at: tuple[float, float], ink: tuple[int, int, int], size: int, anchor: str) -> None:
        self._draw.text(at, text, ink, self._font(size), anchor=anchor)

    def _wrapped(self, text: str, width: int) -> list[str]:
        lines, length = [""], self._font(NOTE).getlength
        for word in text.split():
            longer = f"{lines[-1]} {word}".lstrip()
            if lines[-1] and length(longer) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines


def shortened(text: str, width: float, length: Callable[[str], float]) -> str:
    """The text in at most `width` pixels, without its middle if it is too long. length: pixels of a text.

    It becomes ASCII, because Pillow's built-in font has no other characters: letters lose their accents, and other
    characters become question marks.
    """
    from unicodedata import combining, normalize

    letters = (letter for letter in normalize("NFKD", text) if not combining(letter))
    text = "".join(letter if letter.isascii() and letter.isprintable() else "?" for letter in letters)
    if length(text) <= width:
        return text
    fits = bisect_right(range(len(text)), width, key=lambda kept: length(_ends(text, kept))) - 1
    return _ends(text, max(fits, 0))


def _ends(text: str, kept: int) -> str:
    return f"{text[: (kept + 1) // 2]}\u2026{text[len(text) - kept // 2 :]}"


def as_png(sheet: Sheet) -> bytes:
    """The sheet as a small PNG, because notebooks store it."""
    each = int((PIXELS / max(1, len(sheet.cells))) ** 0.5)
    return _encoded(draw(sheet, max(48, min(LARGEST, each))), "PNG")


def _encoded(picture: Array, kind: str) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, kind, quality=90, optimize=True)
    return buffer.getvalue()


def save(picture: Array, path: str | os.PathLike[str]) -> None:
    """Write the file completely or not at all: to a temporary file, which is then renamed. `InputError` if `path` has
    an unknown suffix, is a folder, or its folder does not exist."""
    import tempfile

    target = Path(path_text("path", path, "the path of a file to write"))
    kind = FORMATS.get(target.suffix.lower())
    if kind is None:
        raise InputError(f"path={str(path)!r}: the sheet needs a name that ends in {', '.join(FORMATS)}")
    target = to_write(path)
    data = _encoded(picture, kind)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".vary-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
