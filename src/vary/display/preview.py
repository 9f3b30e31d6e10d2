"""What `preview()` returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vary.display.page import block, grid, heading, safe
from vary.display.sheet import Sheet, as_png, draw, save

if TYPE_CHECKING:
    import os

__all__ = ["Preview"]


@dataclass(frozen=True, repr=False, eq=False)
class Preview:
    """Pictures in rows with their captions, and how their values are shown. A notebook shows it by itself.

    text: what it shows, in a line.
    skipped: (path, reason) of each file that could not be read, whose place another took.
    """

    text: str
    sheet: Sheet
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What is said of the values, and how they are shown."""
        return self.sheet.notes

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the sheet as PNG, JPEG or WebP, by the ending of the name; `InputError` for another, or no folder."""
        save(draw(self.sheet), path)

    def __repr__(self) -> str:
        return "\n  ".join([f"Preview({self.text})", *self.notes])

    def _repr_html_(self) -> str:
        left_out = [f"{path}: {reason}" for path, reason in self.skipped[:3]]
        left_out += [f"and {len(self.skipped) - 3} more in .skipped"] if len(self.skipped) > 3 else []
        said = [f"<div>passed over: {safe(one, 400)}</div>" for one in left_out]
        return block(heading(f"<b>Preview</b> {safe(self.text)}"), grid(self.sheet), *said)

    def _repr_png_(self) -> bytes:
        return as_png(self.sheet)
