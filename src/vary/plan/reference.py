"""What a Program means, in float64 NumPy: slow and complete, written for readers.

    canvas    a View: its height and width, and the map from its points to points of the picture
    maps      each instruction makes the next View: maps multiply in listed order
    sampling  reads the picture along that map. Maps along the axes that shrink are one triangle filter; all others
              first filter the picture and make it smaller, and then interpolate, or take the nearest pixel
    others    colour, filters and noise in listed order, on the sampled picture
    cut       sample, run the others, store; then go on from the stored picture with a new View

`vary.ops` defines what each instruction means.

Tests compare the native core, the fast implementation, with this one. The core computes values in float32 or 16 bits,
but coordinates exactly as `_positions` does, so nearest pixels agree. x runs to the right, y down; pixel (i, j) covers
the half-open square from (j, i) to (j + 1, i + 1), and its centre is at (j + .5, i + .5).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vary.elements import DTYPES, ELEMENTS
from vary.ops import OPS, Floats, View
from vary.plan.program import Instruction, Program, Settings

__all__ = ["reference"]

GRID = 1 << 15  # steps per pixel, to which positions are rounded
FURTHEST = 5e8  # pixels: positions beyond are clamped to it
TOLERANCE = 1e-6  # so that the rounding of a map changes no decision


def reference(program: Program, image: np.ndarray, *, dtype: str | None = None) -> np.ndarray:
    """`image` (height x width x channels, of any dtype in `DTYPES`) after `program`.

    Returns height x width x channels: in `dtype`, or None: in float64, before any cast.
    User functions are called with the picture alone, without a generator.
    """
    stored, segment = np.atleast_3d(image), list[Instruction]()
    for instruction in program.instructions:
        if instruction.op not in ("cut", "call"):
            segment.append(instruction)
            continue
        *which, kept = instruction.args  # of `cut` and `call`
        stored = _cast(_run(stored, segment, program.settings), DTYPES[int(kept)])
        if which:
            stored = np.asarray(program.functions[int(which[0])](stored))
        segment = []
    picture = _run(stored, segment, program.settings)
    return picture if dtype is None else _cast(picture, dtype)


def _run(stored: np.ndarray, segment: list[Instruction], s: Settings) -> Floats:
    """All maps of a segment as one, then the other instructions on what was sampled."""
    view = View(stored.shape[0], stored.shape[1], np.eye(2, 3))
    for op, args, *_ in segment:
        view = OPS[op].reference(view, *args) if OPS[op].kind == "map" else view
    picture = _sample(stored, view, s)
    for op, args, *_ in segment:
        picture = picture if OPS[op].kind == "map" else OPS[op].reference(picture, *args)
    return picture


def _cast(picture: Floats, dtype: str) -> np.ndarray:
    """Integers: round half to even, saturate, NaN becomes 0. Floats: to the nearest. Never rescale."""
    element = ELEMENTS[dtype]
    if not element.whole:
        with np.errstate(over="ignore"):  # beyond the largest float16: infinity
            return picture.astype(dtype)
    return np.rint(np.nan_to_num(picture, nan=0.0)).clip(element.low, element.high).astype(dtype)


# ---- sampling: picture, View -> picture -----------------------------------------------------------------------------


def _sample(picture: np.ndarray, view: View, s: Settings) -> Floats:
    """With antialias, maps that shrink filter: along the axes alone, or before the picture is interpolated."""
    if s.antialias and s.interpolation == "bilinear":
        steps = view.steps()
        (a, b), (c, d) = np.abs(steps)
        if view.is_affine and a == d == 0:  # the map swaps the axes
            return _sample(picture.swapaxes(0, 1), view._replace(map=view.map[::-1]), s)
        if view.is_affine and b == c == 0 and max(a, d) > 1:
            return _filtered(picture, view, s)
        picture, view = _reduced(picture, view, steps, s.fill)
    return _warped(picture, view, s)


def _filtered(picture: np.ndarray, view: View, s: Settings) -> Floats:
    """A triangle filter on each axis, as wide as a pixel of the canvas, or of the picture if that is larger."""

    def weights(step: float, shift: float, size: int, count: int) -> tuple[Floats, NDArray[np.bool_]]:
        at, inside = _resolved(step * np.arange(0.5, count) + shift, size, s.fill)
        distance = np.abs(np.arange(0.5, size) - at[:, None])
        triangle = np.maximum(
            0, 1 - distance / max(1, abs(step))
        )  # taps beyond the edge are dropped, the rest normalised
        return triangle / triangle.sum(axis=1, keepdims=True), inside

    (step_x, _, left), (_, step_y, top) = view.map
    x, inside_x = weights(step_x, left, picture.shape[1], view.width)
    y, inside_y = weights(step_y, top, picture.shape[0], view.height)
    rows = _weighted_sums(y, picture.astype(np.float64))
    pixels = _weighted_sums(x, rows.swapaxes(0, 1)).swapaxes(0, 1)
    return _filled(pixels, inside_y[:, None] & inside_x, s)


def _weighted_sums(weights: Floats, lines: Floats) -> Floats:
    """The weighted sum of `lines` for each row of weights. Lines of weight 0 are left out: they may hold a NaN."""
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        return np.stack([np.tensordot(w[w != 0], lines[w != 0], 1) for w in weights])


class _Axis(NamedTuple):
    """How one axis of a picture is reduced: boxes of pixels are averaged, then filtered by a triangle."""

    boxes: int  # how many
    box: int  # pixels in each, an odd number; 1: no averages
    centres: NDArray[np.floating]  # of the reduced pixels, in boxes from the centre of the picture
    half: float  # half-width of the triangle, in boxes


def _reduced(picture: np.ndarray, view: View, steps: Floats, fill: str) -> tuple[np.ndarray, View]:
    """The picture filtered and made smaller along its axes, and the view of that. uint8 stays uint8."""
    shrink = np.sqrt((steps * steps).sum(axis=1))
    axes = {n: _axis(picture.shape[n], shrink[1 - n], fill) for n in (0, 1) if shrink[1 - n] > 1 + TOLERANCE}
    rows, sizes = view.map.copy(), picture.shape[:2]
    picture = _boxes(picture, axes)
    for n in (1, 0) if _columns_first(steps, shrink) else (0, 1):
        if n in axes:
            picture = _triangle(picture.swapaxes(0, n), axes[n]).swapaxes(0, n)
    for n, (_, box, centres, _) in axes.items():
        step = box * (centres[1] - centres[0]) if len(centres) > 1 else sizes[n]
        rows[1 - n] = rows[1 - n] / step + (len(centres) / 2 - sizes[n] / 2 / step) * view.denominator
    return picture, view._replace(map=rows)


def _axis(size: int, shrink: float, fill: str) -> _Axis:
    """The sizes of boxes and triangle for an axis that shrinks: "Reduce" in native/README.md gives the rules."""
    box = max(1, int(shrink / 4 + TOLERANCE)) if shrink >= 12 else 1
    box -= box % 2 == 0
    boxes = -(-size // box)
    boxes += (boxes - size) % 2  # so that the boxes extend equally far beyond both ends
    half = shrink / box
    count = boxes if half < 1.7 - TOLERANCE else max(1, math.ceil(size / box / (0.8 * half) - TOLERANCE))
    step = size / box / count
    if fill == "reflect101" and count > 1 and size > 1:  # mirrored about the centres of the outermost pixels
        step = (size - 1) / box / (count - 1)
    return _Axis(boxes, box, (np.arange(count) - (count - 1) / 2) * step, half)


def _columns_first(steps: Floats, shrink: Floats) -> bool:
    """Columns are filtered before rows if the map turns by over 45 degrees, or by 45 and x shrinks more than y."""
    (a, b), (c, d) = np.abs(steps)
    if abs(b * c - a * d) > 1e-9 * a * d:
        return bool(b * c > a * d)
    return bool(shrink[0] > shrink[1] * (1 + 1e-9))


def _boxes(picture: np.ndarray, axes: dict[int, _Axis]) -> np.ndarray:
    """Averages of boxes that lie symmetrically about the centre; boxes at the edges average the pixels they contain."""
    if all(axis.box == 1 for axis in axes.values()):
        return picture

    def box_sums(values: np.ndarray) -> Floats:
        out = values.astype(np.float64)
        for n, (boxes, box, *_) in axes.items():
            lines = out.swapaxes(0, n)
            box_of_line = (np.arange(len(lines)) + (boxes * box - len(lines)) // 2) // box
            out = np.stack([lines[box_of_line == i].sum(axis=0) for i in range(boxes)]).swapaxes(0, n)
        return out

    return _stored(box_sums(picture) / box_sums(np.ones_like(picture)), picture.dtype)


def _triangle(lines: np.ndarray, axis: _Axis) -> np.ndarray:
    """Weighted sums of lines, one for each centre of the axis."""
    boxes = np.arange(0.5, axis.boxes) - axis.boxes / 2
    heights = axis.half - np.abs(boxes - axis.centres[:, None])
    heights[heights <= 1e-9] = 0
    weights = [_quantised(h) if lines.dtype == np.uint8 else h / h.sum() for h in heights]
    return _stored(_weighted_sums(np.stack(weights), lines.astype(np.float64)), lines.dtype)


def _stored(values: Floats, dtype: np.dtype) -> np.ndarray:
    """uint8 is rounded half up, other types stay float64."""
    return np.floor(values + 0.5).astype(np.uint8) if dtype == np.uint8 else values


def _quantised(weights: Floats) -> Floats:
    """Weights rounded to 128ths. The remainder is added to the largest, or in halves to two equally large ones."""
    used = np.flatnonzero(weights)
    parts = np.floor(weights * (128 / weights.sum()) + 0.5 + TOLERANCE)
    left = int(128 - parts.sum())
    first, *_, last = np.flatnonzero(weights > weights.max() - TOLERANCE).repeat(2)
    more_before = first - used[0] > used[-1] - last  # only at an edge can the rest be odd
    odd, even = (first, last) if more_before else (last, first)
    parts[even] += math.trunc(left / 2)
    parts[odd] += left - math.trunc(left / 2)
    shares: Floats = parts / 128
    return shares


def _warped(picture: np.ndarray, view: View, s: Settings) -> Floats:
    """Bilinear or nearest, along any map."""
    height, width = picture.shape[:2]
    x, inside_x = _resolved(_positions(view, 0, s), width, s.fill)
    y, inside_y = _resolved(_positions(view, 1, s), height, s.fill)
    left, top = np.floor(x - 0.5).astype(int), np.floor(y - 0.5).astype(int)
    wx, wy = (x - 0.5 - left)[..., None], (y - 0.5 - top)[..., None]

    def tap(i: NDArray[np.int_], j: NDArray[np.int_]) -> Floats:  # beyond the edge: the edge pixel
        return np.asarray(picture[i.clip(0, height - 1), j.clip(0, width - 1)], np.float64)

    def interpolate(a: Floats, b: Floats, weight: Floats) -> Floats:  # a value of weight 0 is left out: it may be a NaN
        with np.errstate(invalid="ignore"):  # infinity minus infinity
            return np.where(weight > 0, a + (b - a) * weight, a)

    upper = interpolate(tap(top, left), tap(top, left + 1), wx)
    lower = interpolate(tap(top + 1, left), tap(top + 1, left + 1), wx)
    return _filled(interpolate(upper, lower, wy), inside_y & inside_x, s)


def _positions(view: View, axis: int, s: Settings) -> Floats:
    """Where the pixels of the canvas fall along one axis of the picture, on a grid: height x width.

    The position of the first of every 128 columns is computed and rounded; so is the distance from it to each of the
    others; their sum is the position.
    """

    def grid(x: Floats) -> Floats:
        return np.floor(x * GRID + 0.5) / GRID

    i, j = np.ogrid[: view.height, : view.width]
    first = j - j % 128
    if view.is_affine:
        m = view.map[axis]
        at = grid((m[0] * (first + 0.5) + (m[1] * (i + 0.5) + m[2])) - 0.5) + grid((j - first) * m[0])
    else:  # each pixel by itself; behind the horizon, outside of the picture
        x, y = np.broadcast_arrays(j + 0.5, i + 0.5)
        at = view.points(x, y)[axis] - 0.5
        at = grid(np.where(np.isnan(at), 2 * FURTHEST, at))
    at = at.clip(-FURTHEST, FURTHEST)
    return np.floor(at + 0.5) + 0.5 if s.interpolation == "nearest" else at + 0.5


def _resolved(at: Floats, size: int, fill: str) -> tuple[Floats, NDArray[np.bool_]]:
    """Positions after the fill moved them into 0 .. size, and which were inside (all, unless fill is constant)."""
    inside = (at >= 0) & (at < size) if fill == "constant" else np.full(at.shape, True)
    if fill == "wrap":
        at = at % size
    elif fill == "reflect":  # dcba|abcd|dcba
        at = size - np.abs(at % (2 * size) - size)
    elif fill == "reflect101" and size > 1:  # dcb|abcd|cba
        at = size - 0.5 - np.abs((at - 0.5) % (2 * size - 2) - (size - 1))
    return at.clip(0, size), inside


def _filled(picture: Floats, inside: NDArray[np.bool_], s: Settings) -> Floats:
    return np.where(inside[..., None], picture, s.fill_value or 0.0)
