"""A batch as text, HTML or a sheet: shape, dtype and values of its arrays, and its pictures."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.display.page import block, grid, heading, muted, safe, table
from vary.display.pixels import Scale, Stats, reduced, scale_of_values, shown
from vary.display.sheet import Cell, Sheet, as_png
from vary.display.text import plain
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BatchSchema", "Pictures", "batch_html", "batch_png", "batch_sheet", "batch_text", "label_words"]

ACROSS = 8  # pictures in a row of a sheet
MOST = 24  # samples that a batch shows
MASK = "each number is shown as a grey of its own"
CELLS = 48  # pictures that a batch shows, where a sample has several


class Pictures(NamedTuple):
    """A field of pictures: its name and how the pictures lie in its array."""

    field: str
    layout: str = "NHWC"
    views: bool = False  # has an axis for views
    scale: Scale | None = None  # the values shown as black and as white; None: chosen by the values
    masks: bool = False  # class numbers, (n, H, W) or (n, H, W, 1); their scale is their own


class BatchSchema(NamedTuple):
    """What the arrays of a stream's batches mean, the same for all batches: class names, and the fields of pictures."""

    classes: Sequence[str] | None = None
    pictures: tuple[Pictures, ...] = ()


def label_words(name: str, value: object, classes: Sequence[str] | None) -> str:
    """A label as text: the class name of an id or of a one-hot row, else the value."""
    found = np.asarray(value)
    rows = found.dtype.kind == "f" and found.ndim == 1 and bool(((found == 0) | (found == 1)).all())  # one_hot=True
    if name == "labels" and classes is not None and (rows or found.dtype.kind in "iub"):
        ids = [int(found)] if found.ndim == 0 else np.flatnonzero(found).tolist() if found.size == len(classes) else []
        if ids and all(0 <= one < len(classes) for one in ids):
            return plain(", ".join(classes[one] for one in ids[:4]) + (", …" if len(ids) > 4 else ""))
    text = f"{found:.4g}" if found.ndim == 0 and found.dtype.kind == "f" else " ".join(str(found).split())
    return plain(f"{'label' if name == 'labels' else name} {text}", 40)


def batch_text(batch: tuple[object, ...]) -> str:
    """The repr of a batch: shape and dtype of each field, and the range of values of pictures."""
    said = []
    for name, array in _named(batch):
        words = _words(array)
        stats = Stats.of(array) if isinstance(array, np.ndarray) and array.ndim > 2 else None
        said.append(f"{name}: {words} in {stats.range}" if stats else f"{name}: {words}")
    return f"Batch({', '.join(said)})"


def batch_html(batch: tuple[object, ...]) -> str:
    rows = []
    for name, array in _named(batch):
        stats = Stats.of(array) if isinstance(array, np.ndarray) else None
        shape = getattr(array, "shape", "")
        mean = stats.mean if stats else ""
        kind = getattr(array, "dtype", type(array).__name__)
        rows.append([f"<b>{safe(name)}</b>", *map(safe, (shape, kind, stats.range if stats else "", mean))])
    epoch = getattr(batch, "epoch", None)
    title = "<b>Batch</b>" + ("" if epoch is None else muted(f" of epoch {safe(epoch)}"))
    sheet = batch_sheet(batch)
    pictures = grid(sheet) if sheet.rows else ""
    return block(heading(title), table(rows, ["field", "shape", "dtype", "values", "mean"]), pictures)


def batch_png(batch: tuple[object, ...]) -> bytes | None:
    """A sheet of its pictures; None, so that nothing is shown, if it has none."""
    sheet = batch_sheet(batch)
    return as_png(sheet) if sheet.rows else None


def batch_sheet(batch: tuple[object, ...], most: int = MOST, total: int | None = None, across: int = ACROSS) -> Sheet:
    """A sheet of at most `most` samples. total: samples of the whole batch, if `batch` is only a part of it."""
    parts = [_Part.of(array, about, most) for about, array in _pictures(batch)]
    parts = [part for part in parts if part.samples]
    if not parts:
        return Sheet(())
    wide = [
        f"{part.field} {view}".rstrip() if len(parts) > 1 else f"view {view}" for part in parts for view in part.views
    ]
    several = len(wide) > 1 or parts[0].views != [""]
    count = min(most, parts[0].samples, max(1, CELLS // len(wide)) if several else most)
    lines = [_lines(batch, place) for place in range(count)]
    cells = [[cell for part in parts for cell in part.cells(place)] for place in range(count)]
    left = (parts[0].samples if total is None else total) - count
    notes = [f"and {left:,} more of the batch"] if left > 0 else []
    notes += [part.description for part in parts]
    if several:
        titles = tuple((said[0] if len(said) > 1 else "", ", ".join(said[1:] or said)) for said in lines)
        return Sheet(tuple(map(tuple, cells)), tuple(wide), titles, tuple(notes))
    flat = [row[0]._replace(lines=said) for row, said in zip(cells, lines, strict=True)]
    rows = tuple(tuple(flat[first : first + across]) for first in range(0, count, across))
    return Sheet(rows, notes=tuple(notes))


class _Part(NamedTuple):
    """A field of pictures, (n, views, H, W, C): only the samples that are shown."""

    field: str
    array: Array
    views: list[str]
    samples: int  # in the whole array
    stats: Stats
    scale: Scale

    @classmethod
    def of(cls, array: Array, about: Pictures, most: int) -> _Part:
        stats = Stats.of(array) or Stats(array.dtype.name)
        some = array[:most] if about.views else array[:most, None]
        if about.masks:
            some, about = _greys(
                some if some.ndim == 5 else np.expand_dims(some, -1 if about.layout == "NHWC" else 2), about
            )
        views = list(map(str, range(some.shape[1]))) if about.views else [""]
        some = np.moveaxis(some, -3, -1) if about.layout == "NCHW" else some
        scale = about.scale or scale_of_values(stats.low, stats.high)
        return cls(about.field, some, views, len(array), stats, scale)

    @property
    def description(self) -> str:
        if self.scale.reason == MASK:
            return f"{self.field}: {self.stats.dtype}, {self.stats.range}; {MASK}"
        return self.stats.description(self.field, self.scale, self.array.shape[-1])

    def cells(self, place: int) -> list[Cell]:
        pictures = self.array[place]
        return [Cell(shown(reduced(one), self.scale), one.shape[:2]) for one in pictures]


def _greys(masks: Array, about: Pictures) -> tuple[Array, Pictures]:
    """Each number of these masks as a grey of its own, and the scale of greys."""
    numbers, ranks = np.unique(masks, return_inverse=True)
    greys = ranks.reshape(masks.shape).astype(np.float32)
    return greys, about._replace(scale=Scale(0, max(1, len(numbers) - 1), MASK))


def _lines(batch: tuple[object, ...], place: int) -> tuple[str, ...]:
    """The caption of a sample: its labels, its file or number, its stream."""
    schema, drawn = _schema(batch), {about.field for about, _ in _pictures(batch)}
    said = [
        label_words(name, array[place], schema.classes)
        for name, array in _named(batch)
        if name not in drawn and isinstance(array, np.ndarray) and array.ndim and len(array) > place
    ]
    paths, indices, streams = (getattr(batch, name, None) for name in ("paths", "indices", "streams"))
    if paths is not None:
        said.append(plain(os.path.basename(paths[place]), 60))  # noqa: PTH119
    elif indices is not None:
        said.append(f"sample {indices[place]}")
    if streams is not None:
        said.append(f"stream {streams[place]}")
    return tuple(said)


def _named(batch: tuple[object, ...]) -> list[tuple[str, object]]:
    names = list(getattr(batch, "fields", ()))
    names += [f"field {place}" for place in range(len(names), len(batch))]
    return list(zip(names, batch, strict=False))


def _schema(batch: tuple[object, ...]) -> BatchSchema:
    return getattr(batch, "_schema", None) or BatchSchema()


def _pictures(batch: tuple[object, ...]) -> list[tuple[Pictures, Array]]:
    known = {one.field: one for one in _schema(batch).pictures}
    found = []
    for name, array in _named(batch):
        about = known.get(name) if known else _guess(name, array)
        if (
            about is not None
            and isinstance(array, np.ndarray)
            and array.ndim in (4 + about.views, 4 + about.views - about.masks)
        ):
            found.append((about, array))
    return found


def _guess(name: str, array: object) -> Pictures | None:
    """Guess from its shape whether an array of a batch without a schema has pictures."""
    if not isinstance(array, np.ndarray) or array.ndim not in (4, 5) or array.dtype.kind not in "buif":
        return None
    layout = "NHWC" if array.shape[-1] in (1, 3, 4) else "NCHW" if array.shape[-3] in (1, 3, 4) else None
    return None if layout is None else Pictures(name, layout, array.ndim == 5)


def _words(array: Any) -> str:  # Any: it may lack them
    """Shape and dtype; the type's name for objects without them, which frameworks may put in an array's place."""
    try:
        return f"{tuple(array.shape)} {array.dtype}"
    except (AttributeError, TypeError, ValueError):
        return type(array).__name__
