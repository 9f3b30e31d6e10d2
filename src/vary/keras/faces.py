"""The three faces of `vary.keras`: which behaviour `compat=` asks for, as data."""

from __future__ import annotations

from typing import Literal, NamedTuple

from vary.errors import InputError

__all__ = ["Compat", "Face", "face_of"]

Compat = Literal["keras-2", "1.1.2"] | None


class Face(NamedTuple):
    """What differs between the faces.

    pivot: added to half of a side, in pixels, gives the point that turns and zooms leave in place.
    x_first: a matrix acts on (column, row); else on (row, column).
    swapped_pivot: the pivot's coordinates are those of (row, column), although the matrix acts on (column, row).
    x_is_width: `tx` is drawn from width_shift_range; else from height_shift_range.
    old_pixels: SciPy's rules at the edges, for fill modes constant and wrap, and brightness in 8 bits.
    """

    pivot: float
    x_first: bool
    swapped_pivot: bool
    x_is_width: bool
    old_pixels: bool


FACES: dict[str | None, Face] = {
    None: Face(-0.5, x_first=True, swapped_pivot=False, x_is_width=True, old_pixels=False),
    "keras-2": Face(-0.5, x_first=True, swapped_pivot=True, x_is_width=False, old_pixels=True),
    "1.1.2": Face(0.5, x_first=False, swapped_pivot=False, x_is_width=False, old_pixels=True),
}


def face_of(compat: Compat) -> Face:
    """The face of this name; `InputError` if there is none."""
    if compat not in FACES:
        names = ", ".join(repr(name) for name in FACES)
        raise InputError(f"compat={compat!r}; give one of {names}: None is right, the others repeat old versions")
    return FACES[compat]
