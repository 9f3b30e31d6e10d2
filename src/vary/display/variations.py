"""The preview of a policy: each original beside its variations, as training gets them in the first epochs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vary.display.originals import picked
from vary.display.pixels import Stats, reduced, shown
from vary.display.preview import Preview
from vary.display.sheet import Cell, Sheet
from vary.display.text import counted, plain
from vary.errors import InputError
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Callable

    from vary.display.originals import Original
    from vary.display.pixels import Scale

    Vary = Callable[[Array, int, int], Array]  # picture, epoch, index -> variation
    Scales = Callable[[Array], tuple[Scale, Scale]]  # picture -> how it is shown, and how its variations are

__all__ = ["variations"]


def variations(images: object, n: object, rows: object, channels: int, vary: Vary, scales: Scales) -> Preview:
    """n: variations of each picture. rows: pictures at most. vary, scales: see the types above."""
    n, rows = _at_least_one("n", n), _at_least_one("rows", rows)
    chosen = picked(images, rows, channels)
    given, made = _Gathered(), _Gathered()
    for one in chosen.originals:
        given.add(one.image)
        for epoch in range(n):
            made.add(_made(vary, one, epoch))
    before, after = scales(chosen.originals[0].image)
    originals, others = given.cells(before, fits=True), made.cells(after)
    each = [tuple(others[first : first + n]) for first in range(0, len(others), n)]
    sheet_rows = tuple((original, *row) for original, row in zip(originals, each, strict=True))
    titles = tuple((plain(label), plain(file)) for label, file in (one.title for one in chosen.originals))
    notes = given.description("originals", before), made.description("variations", after)
    columns = ("original", *(f"epoch {epoch}" for epoch in range(n)))
    some = f"{len(originals)} of " if chosen.total > len(originals) else ""
    text = f"{some}{counted(chosen.total, 'picture')}, each in {counted(n, 'variation')}"
    return Preview(text, Sheet(sheet_rows, columns, titles if any(map(any, titles)) else (), notes), chosen.skipped)


def _made(vary: Vary, original: Original, epoch: int) -> Array:
    try:
        return vary(original.image, epoch, original.number)
    except InputError as error:
        which = ", ".join(filter(None, original.title)) or f"image {original.number}"
        text = str(error)
        raise InputError(which + text.removeprefix("image 0") if text.startswith("image 0") else text) from error


def _at_least_one(name: str, value: object) -> int:
    if not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{name}={value!r}; give a whole number of at least 1")
    return int(value)


class _Gathered:
    """Pictures that are shown on one scale, with statistics of all together."""

    def __init__(self) -> None:
        self._pictures: list[tuple[Array, tuple[int, int]]] = []
        self._stats: Stats | None = None
        self._channels = 1

    def add(self, picture: Array) -> None:
        found = Stats.of(picture)
        self._stats = found if self._stats is None or found is None else self._stats.plus(found)
        self._channels = max((self._channels, *picture.shape[2:]))
        self._pictures.append((reduced(picture), (picture.shape[0], picture.shape[1])))

    def cells(self, scale: Scale, fits: bool = False) -> list[Cell]:
        return [Cell(shown(picture, scale), size, fits=fits) for picture, size in self._pictures]

    def description(self, name: str, scale: Scale) -> str:
        return self._stats.description(name, scale, self._channels) if self._stats else name
