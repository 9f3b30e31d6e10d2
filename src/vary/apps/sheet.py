"""A sheet: rows of pictures in equal cells, the originals first, captions above, white between.

A variation's pixels are shown one to one where they fit a cell; they are made smaller where they do not, and tiny ones
are enlarged by a whole factor.
"""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import vary

if TYPE_CHECKING:
    from collections.abc import Sequence

GUTTER, HEADER = 8, 28  # pixels
LARGEST, SMALLEST = 240, 96  # of a cell's longer side, pixels
WHITE, INK = 255, (90, 90, 90)

Size = tuple[int, int]  # height, width


def shown(policy: vary.Policy, image: np.ndarray, seed: int, epoch: int, index: int) -> np.ndarray:
    """The variation of a uint8 picture in the picture's own values: what Rescale and Normalize did is taken back."""
    out = policy(image, seed=seed, epoch=epoch, index=index)
    if out.dtype == np.uint8:
        return out
    for step in reversed(policy.program(image.shape, seed=seed, epoch=epoch, index=index).instructions):
        if step.op == "rescale":
            scale, offset = step.args
            out = (out - np.float32(offset)) / np.float32(scale)
        elif step.op == "normalize":
            mean, std = np.array(step.args, np.float32).reshape(2, -1)
            out = out * std + mean
    levels: np.ndarray = np.clip(np.rint(out), 0, 255)
    return levels.astype(np.uint8)


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
    """Where the cell begins on the sheet: y, x."""
    return HEADER + row * (cell[0] + GUTTER), GUTTER + column * (cell[1] + GUTTER)


def fitted(image: np.ndarray, cell: Size) -> np.ndarray:
    """The picture in its aspect, centred on a white cell."""
    return vary.Policy([vary.Resize(*cell, mode="letterbox")], fill=WHITE)(image)


def lay_out(
    originals: Sequence[np.ndarray], variations: Sequence[Sequence[np.ndarray]], captions: Sequence[str]
) -> np.ndarray:
    """One row a picture: its original, then its variations. All are (H, W, 3) uint8, and so is the sheet."""
    largest = tuple(max(one.shape[axis] for row in variations for one in row) for axis in (0, 1))
    cell = cell_of([largest])
    bottom, right = corner(len(originals), len(captions), cell)
    sheet = np.full((bottom, right, 3), WHITE, np.uint8)
    _write_captions(sheet, captions, cell)
    for row, (original, others) in enumerate(zip(originals, variations, strict=True)):
        _paste(sheet, fitted(original, cell), corner(row, 0, cell), cell)
        for column, one in enumerate(others, 1):
            _paste(sheet, _resized(one, scaled(one.shape[:2], scale_of(largest))), corner(row, column, cell), cell)
    return sheet


def _resized(image: np.ndarray, size: Size) -> np.ndarray:
    if size == image.shape[:2]:
        return image
    return vary.Policy([vary.Resize(*size)], interpolation="nearest" if size[0] > image.shape[0] else "bilinear")(image)


def _paste(sheet: np.ndarray, image: np.ndarray, at: Size, cell: Size) -> None:
    height, width = image.shape[:2]
    y, x = at[0] + (cell[0] - height) // 2, at[1] + (cell[1] - width) // 2
    sheet[y : y + height, x : x + width] = image


def _write_captions(sheet: np.ndarray, captions: Sequence[str], cell: Size) -> None:
    from PIL import Image, ImageDraw, ImageFont

    strip = Image.new("RGB", (sheet.shape[1], HEADER), (WHITE,) * 3)
    draw, font = ImageDraw.Draw(strip), ImageFont.load_default(13)
    for column, caption in enumerate(captions):
        middle = corner(0, column, cell)[1] + cell[1] / 2
        draw.text((middle, HEADER / 2), caption, INK, font, anchor="mm")
    sheet[:HEADER] = np.asarray(strip)


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
