"""`Preview`: what `policy.preview()` and `stream.preview()` return."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vary.display.page import block, grid, heading, safe
from vary.display.sheet import Sheet, as_png, draw, save
from vary.guidance import guided

if TYPE_CHECKING:
    import os

__all__ = ["Preview"]


@dataclass(frozen=True, repr=False, eq=False)
class Preview:
    """A sheet of pictures with captions, and notes on their values. A notebook shows it; `save` writes it to a file.

    text: what the sheet shows, in one line.
    skipped: (path, reason) of each file that could not be read; another file is shown in its place.
    """

    text: str
    sheet: Sheet
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """The lines below the pictures: dtype, range and mean of the values, and the scale on which they are shown."""
        return self.sheet.notes

    @guided("preview.save", suggest=False)
    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the sheet as PNG, JPEG or WebP, by the suffix of `path`; `InputError` for another suffix, or if the
        folder does not exist."""
        save(draw(self.sheet), path)

    def __repr__(self) -> str:
        return "\n  ".join([f"Preview({self.text})", *self.notes])

    def _repr_html_(self) -> str:
        left_out = [f"{path}: {reason}" for path, reason in self.skipped[:3]]
        left_out += [f"and {len(self.skipped) - 3} more in .skipped"] if len(self.skipped) > 3 else []
        said = [f"<div>skipped: {safe(one, 400)}</div>" for one in left_out]
        return block(heading(f"<b>Preview</b> {safe(self.text)}"), grid(self.sheet), *said)

    def _repr_png_(self) -> bytes:
        return as_png(self.sheet)
