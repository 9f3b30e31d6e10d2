"""Small HTML for notebooks, without external files, readable on light and dark pages.

All text goes through `safe`. Styles are attributes of the elements, because some notebooks remove style sheets.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from vary.display.sheet import fitted, is_whole, layout_of, scaled, size_in
from vary.display.text import plain
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vary.display.sheet import Cell, Layout, Sheet

__all__ = ["block", "details", "grid", "heading", "lines", "muted", "safe", "table"]

BUDGET = 150_000  # bytes of all pictures of a page together, before base64 makes them a third longer
QUALITIES = (88, 78, 65, 50)  # of JPEG, tried in turn
MOST = 150  # pictures on a page, in whole rows
SHOWN, FEW = 160, 6  # pixels of a picture's longer side; if there are more than `FEW`, they are shown smaller
RULE = "1px solid rgba(128,128,128,.35)"
MONO = "font-family:monospace;white-space:pre-wrap"


def safe(text: object, most: int = 200) -> str:
    from html import escape

    return escape(plain(text, most), quote=True)


def muted(html: str) -> str:
    return f'<span style="opacity:.65">{html}</span>'


def block(*parts: str) -> str:
    """The whole of an object's HTML."""
    return f'<div style="max-width:100%;font-size:13px;line-height:1.45">{"".join(parts)}</div>'


def heading(html: str) -> str:
    return f'<div style="margin-bottom:4px">{html}</div>'


def lines(found: Iterable[tuple[int, str]]) -> str:
    """(depth, HTML) of each line: one below the other, indented by depth."""
    each = (f'<div style="padding-left:{depth * 1.6 + 0.4:g}em">{html}</div>' for depth, html in found)
    return f'<div style="{MONO};border-left:2px solid rgba(128,128,128,.35)">{"".join(each)}</div>'


def table(rows: Iterable[Sequence[str]], head: Sequence[str] = ()) -> str:
    """Cells are HTML already."""
    cell = f"text-align:left;vertical-align:top;padding:2px 14px 2px 0;border:0;border-bottom:{RULE};background:none"
    whole = "".join(_row("th", head, cell) for _ in head[:1]) + "".join(_row("td", row, cell) for row in rows)
    return f'<table style="border-collapse:collapse;border:0;margin:4px 0;font-size:13px">{whole}</table>'


def _row(kind: str, cells: Sequence[str], style: str) -> str:
    return (
        '<tr style="background:none">' + "".join(f'<{kind} style="{style}">{one}</{kind}>' for one in cells) + "</tr>"
    )


def details(summary: str, html: str) -> str:
    return f'<details style="margin:4px 0"><summary style="cursor:pointer">{summary}</summary>{html}</details>'


def grid(sheet: Sheet) -> str:
    """The pictures of a sheet, with their captions; of a very large sheet, the first rows."""
    total = len(sheet.rows)
    sheet = sheet._replace(rows=sheet.rows[: max(1, MOST // max(map(len, sheet.rows), default=1))])
    cells = sheet.cells
    largest = SHOWN if len(cells) <= FEW else int(SHOWN * 0.75)
    layout, limit = layout_of(sheet, largest), BUDGET // max(1, len(cells))
    columns = max(map(len, sheet.rows), default=1)
    width = f"repeat({columns},{layout.cell[1]}px)" if sheet.columns else f"repeat(auto-fill,{layout.cell[1]}px)"
    parts = [f'<div style="text-align:center">{muted(safe(one))}</div>' for one in sheet.columns]
    for number, row in enumerate(sheet.rows):
        if sheet.titles:
            label, file = map(safe, sheet.titles[number])
            parts.append(f'<div style="grid-column:1/-1;margin-top:4px"><b>{label}</b> {muted(file)}</div>')
        parts += [_figure(cell, layout, limit) for cell in row]
    more = [f"and {total - len(sheet.rows):,} more rows"] if total > len(sheet.rows) else []
    notes = "".join(f"<div>{muted(safe(note, 400))}</div>" for note in (*more, *sheet.notes))
    style = f"display:grid;grid-template-columns:{width};gap:8px;overflow-x:auto;margin:6px 0;align-items:start"
    return f'<div style="{style}">{"".join(parts)}</div>{notes}'


def _figure(cell: Cell, layout: Layout, limit: int) -> str:
    height, width = size_in(cell, layout)
    source, edges = _data_uri(cell.image, (height, width), limit)
    pixelated = "image-rendering:pixelated;" if edges else ""
    cut = "overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
    below = "".join(f'<div title="{line}" style="{cut}">{line}</div>' for line in map(safe, cell.lines))
    top = (layout.cell[0] - height) // 2
    image = f'<img alt="" src="{source}" width="{width}" height="{height}" '
    image += f'style="{pixelated}width:{width}px;height:{height}px;max-width:none;margin:{top}px auto;display:block">'
    return f'<div style="width:{layout.cell[1]}px;font-size:11px;text-align:center">{image}{below}</div>'


def _data_uri(image: Array, size: tuple[int, int], limit: int) -> tuple[str, bool]:
    """(the picture at this size as a data: URI, whether a browser should show its pixels with sharp edges). It has at
    most `limit` bytes, unless the picture is very small."""
    from base64 import b64encode

    enlarged = size[0] > image.shape[0]
    found = image if enlarged else fitted(image, size)
    data, kind = _encoded(found, "PNG"), "png"
    while len(data) > limit or (kind == "png" and min(found.shape[:2]) > SHOWN // 4):
        kind = "jpeg"
        for quality in QUALITIES:
            data = _encoded(found, "JPEG", quality)
            if len(data) <= limit:
                break
        if len(data) <= limit or max(found.shape[:2]) <= SHOWN // 10:
            break
        found = fitted(found, scaled(found.shape[:2], 0.7))
    return f"data:image/{kind};base64,{b64encode(data).decode()}", enlarged and is_whole(size, image)


def _encoded(image: Array, kind: str, quality: int = 90) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, kind, quality=quality, optimize=True)
    return buffer.getvalue()
