"""What a Program means, in float64 NumPy: slow, whole, and written to be read.

    canvas    a View: its height and width, and the map from its points to points of the picture
    geometry  each instruction makes the next View: maps multiply in listed order
    sampling  the picture along that map: a triangle filter, or box averages and then the nearest pixels on either axis
    colour    pointwise, in listed order, on what was sampled
    cut       sample, colour, store; then go on from the stored picture with a fresh View

The native core is this, made fast; tests hold the two together. It computes values in float32 or in 16 bits, but its
coordinates are one arithmetic with `_positions`, so that nearest picks agree. x runs to the right, y down; pixel (i, j)
covers the half-open square from (j, i), and its centre is at (j + .5, i + .5).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vary.plan.program import COLOUR, GEOMETRY, Instruction, Program, Settings

__all__ = ["reference"]

GRID = 1 << 15  # positions per pixel
FURTHEST = 5e8  # pixels: positions beyond are clamped to it
Floats = NDArray[np.float64]  # a picture on its way: height x width x channels; or positions along an axis


def reference(program: Program, image: np.ndarray, *, dtype: str | None = None) -> np.ndarray:
    """`image` (height x width x channels, uint8 or float32) after `program`.

    Returns height x width x channels: as `dtype` ("uint8" or "float32"), or in float64 as it is before that cast.
    User functions are called with the picture alone.
    """
    stored, segment = np.atleast_3d(image), list[Instruction]()
    for instruction in program.instructions:
        if instruction.op in GEOMETRY | COLOUR:
            segment.append(instruction)
            continue
        *which, floats = instruction.args  # of `cut` and `call`
        stored = _cast(_run(stored, segment, program.settings), "float32" if floats else "uint8")
        if which:
            stored = program.functions[int(which[0])](stored)
        segment = []
    picture = _run(stored, segment, program.settings)
    return picture if dtype is None else _cast(picture, dtype)


def _run(stored: np.ndarray, segment: list[Instruction], s: Settings) -> Floats:
    """All geometry of a segment as one map, then its colour."""
    view = View(stored.shape[0], stored.shape[1], np.eye(2, 3))
    for op, args, *_ in segment:
        view = MAPS[op](view, *args) if op in GEOMETRY else view
    picture = _sample(stored, view, s)
    for op, args, *_ in segment:
        picture = _colour(picture, op, args) if op in COLOUR else picture
    return picture


def _cast(picture: Floats, dtype: str) -> np.ndarray:
    """Round half to even, saturate; never rescale."""
    return picture.astype(np.float32) if dtype == "float32" else np.rint(picture).clip(0, 255).astype(np.uint8)


# ---- geometry: View -> View -----------------------------------------------------------------------------------------


class View(NamedTuple):
    height: int
    width: int
    map: Floats  # 2 x 3: takes (x, y, 1) on this canvas to (x, y) in the picture


def _next(view: View, height: float, width: float, x: list[float], y: list[float]) -> View:
    """A canvas whose points the rows `x` and `y` take to points of the canvas before."""
    product = view.map[:, [0]] * np.array(x) + view.map[:, [1]] * np.array(y)
    product[:, 2] += view.map[:, 2]
    return View(int(height), int(width), product)


def _window(view: View, top: float, left: float, height: float, width: float) -> View:
    return _next(view, height, width, [1, 0, left], [0, 1, top])


def _stretch(view: View, height: float, width: float) -> View:
    return _next(view, height, width, [view.width / width, 0, 0], [0, view.height / height, 0])


def _about_centre(view: View, a: float, b: float, c: float, d: float) -> View:
    """[a b; c d] takes new points to old ones, as seen from the centre of the canvas."""
    x, y = view.width / 2, view.height / 2
    return _next(view, view.height, view.width, [a, b, x - (a * x + b * y)], [c, d, y - (c * x + d * y)])


def _rotate(view: View, degrees: float) -> View:
    """Counter-clockwise as seen; exact at quarter turns."""
    quarters = round(degrees / 90)
    rest = math.radians(degrees - 90 * quarters)
    s, c = math.sin(rest), math.cos(rest)
    s, c = [(s, c), (c, -s), (-s, -c), (-c, s)][quarters % 4]
    return _about_centre(view, c, -s, s, c)


def _shear(view: View, x: float, y: float) -> View:
    d = 1 - x * y
    return _about_centre(view, 1 / d, -x / d, -y / d, 1 / d)  # the inverse of [1 x; y 1]


def _rotate90(view: View, turns: float) -> View:
    h, w, quarter = view.height, view.width, int(turns) % 4
    if quarter in (0, 2):
        return _next(view, h, w, [-1, 0, w], [0, -1, h]) if quarter else view
    return _next(view, w, h, [0, -1, w], [1, 0, 0]) if quarter == 1 else _next(view, w, h, [0, 1, 0], [-1, 0, h])


def _resize(view: View, height: float, width: float, mode: float) -> View:
    """Modes: 0 stretch, 1 fit (all of the picture inside), 2 letterbox (fit, then centred), 3 cover (no gap)."""
    h, w = int(height), int(width)
    flatter = view.height * w <= view.width * h  # than the size asked for
    if mode and flatter != (mode == 3):  # the width is met and the height follows
        h = max(1, view.height * w // view.width)
    elif mode:
        w = max(1, view.width * h // view.height)
    scaled = _stretch(view, h, w)
    return _window(scaled, (h - int(height)) // 2, (w - int(width)) // 2, height, width) if mode == 2 else scaled


def _crop(view: View, height: float, width: float, y: float, x: float) -> View:
    """Every whole offset as likely under y and x in [0, 1); a window larger than the canvas hangs over it."""

    def place(draw: float, room: float) -> float:
        return math.copysign(math.floor(draw * (abs(room) + 1)), room)

    return _window(view, place(y, view.height - height), place(x, view.width - width), height, width)


def _resized_crop(view: View, height: float, width: float, share: float, ratio: float, y: float, x: float) -> View:
    """A share of the area, of this width / height, stretched; a side that does not fit is cut to the canvas."""
    area = share * view.height * view.width
    h = min(max(round(math.sqrt(area / ratio)), 1), view.height)
    w = min(max(round(math.sqrt(area * ratio)), 1), view.width)
    return _stretch(_crop(view, h, w, y, x), height, width)


MAPS: dict[str, Callable[..., View]] = {
    "resize": _resize,
    "crop": _crop,
    "center_crop": lambda v, h, w: _window(v, round((v.height - h) / 2), round((v.width - w) / 2), h, w),
    "resized_crop": _resized_crop,
    "pad": lambda v, top, right, bottom, left: _window(v, -top, -left, top + v.height + bottom, left + v.width + right),
    "rotate": _rotate,
    "shear": _shear,
    "shear_degrees": lambda v, x, y: _shear(v, math.tan(math.radians(x)), math.tan(math.radians(y))),
    "zoom": lambda v, x, y: _about_centre(v, 1 / x, 0, 0, 1 / y),
    "translate": lambda v, x, y: _window(v, -y * v.height, -x * v.width, v.height, v.width),
    "flip_horizontal": lambda v: _next(v, v.height, v.width, [-1, 0, v.width], [0, 1, 0]),
    "flip_vertical": lambda v: _next(v, v.height, v.width, [1, 0, 0], [0, -1, v.height]),
    "transpose": lambda v: _next(v, v.width, v.height, [0, 1, 0], [1, 0, 0]),
    "rotate90": _rotate90,
}

# ---- sampling: picture, View -> picture -----------------------------------------------------------------------------


def _sample(picture: np.ndarray, view: View, s: Settings) -> Floats:
    """With antialias, where the map shrinks the picture: filtered if it keeps to the axes, else averaged in boxes."""
    if s.antialias and s.interpolation == "bilinear":
        (a, b), (c, d) = np.abs(view.map[:, :2])
        if a == d == 0:  # the axes change places
            return _sample(picture.swapaxes(0, 1), view._replace(map=view.map[::-1]), s)
        if b == c == 0 and max(a, d) > 1:
            return _filtered(picture, view, s)
        boxes = (max(1, int(math.hypot(a, b) + 1e-6)), max(1, int(math.hypot(c, d) + 1e-6)))
        picture, view = _boxes(picture, *boxes), view._replace(map=view.map / np.reshape(boxes, (2, 1)))
    return _warped(picture, view, s)


def _filtered(picture: np.ndarray, view: View, s: Settings) -> Floats:
    """On either axis a triangle as wide as a pixel of the canvas, or of the picture if that is larger."""

    def weights(step: float, shift: float, size: int, count: int) -> tuple[Floats, NDArray[np.bool_]]:
        at, inside = _resolved(step * np.arange(0.5, count) + shift, size, s.fill)
        away = np.abs(np.arange(0.5, size) - at[:, None])
        triangle = np.maximum(0, 1 - away / max(1, abs(step)))  # no taps beyond the edge: the rest makes up for them
        return triangle / triangle.sum(axis=1, keepdims=True), inside

    (across, _, left), (_, down, top) = view.map
    x, inside_x = weights(across, left, picture.shape[1], view.width)
    y, inside_y = weights(down, top, picture.shape[0], view.height)
    across_rows = _mixed(y, picture.astype(np.float64))
    both = _mixed(x, across_rows.swapaxes(0, 1)).swapaxes(0, 1)
    return _filled(both, inside_y[:, None] & inside_x, s)


def _mixed(weights: Floats, lines: Floats) -> Floats:
    """Sums of `lines` by each row of weights. Lines of weight 0 are left out, because they may hold a NaN."""
    with np.errstate(invalid="ignore"):  # infinity less infinity
        return np.stack([np.tensordot(w[w != 0], lines[w != 0], 1) for w in weights])


def _boxes(picture: np.ndarray, columns: int, rows: int) -> np.ndarray:
    """Averages of columns x rows pixels from the top left, of what there is at the far edges; stored as the picture."""

    def sums(values: np.ndarray) -> Floats:
        lines = np.add.reduceat(values, np.arange(0, values.shape[0], rows), axis=0, dtype=np.float64)
        return np.add.reduceat(lines, np.arange(0, values.shape[1], columns), axis=1)

    means = sums(picture) / sums(np.ones_like(picture))
    return np.floor(means + 0.5) if picture.dtype == np.uint8 else means  # a stored byte: rounded half up


def _warped(picture: np.ndarray, view: View, s: Settings) -> Floats:
    """Bilinear or nearest, along any map."""
    height, width = picture.shape[:2]
    x, inside_x = _resolved(_positions(view, 0, s), width, s.fill)
    y, inside_y = _resolved(_positions(view, 1, s), height, s.fill)
    left, top = np.floor(x - 0.5).astype(int), np.floor(y - 0.5).astype(int)
    wx, wy = (x - 0.5 - left)[..., None], (y - 0.5 - top)[..., None]

    def tap(i: NDArray[np.int_], j: NDArray[np.int_]) -> Floats:  # beyond the edge, the edge
        return np.asarray(picture[i.clip(0, height - 1), j.clip(0, width - 1)], np.float64)

    def blend(a: Floats, b: Floats, weight: Floats) -> Floats:  # a value of weight 0 may be a NaN
        with np.errstate(invalid="ignore"):  # infinity less infinity
            return np.where(weight > 0, a + (b - a) * weight, a)

    upper = blend(tap(top, left), tap(top, left + 1), wx)
    lower = blend(tap(top + 1, left), tap(top + 1, left + 1), wx)
    return _filled(blend(upper, lower, wy), inside_y & inside_x, s)


def _positions(view: View, axis: int, s: Settings) -> Floats:
    """Where the pixels of the canvas fall along one axis of the picture, on a grid: height x width.

    The first of every 128 columns is found and rounded by itself; so is the way from it to each of the others.
    """

    def grid(x: Floats) -> Floats:
        return np.floor(x * GRID + 0.5) / GRID

    i, j = np.ogrid[: view.height, : view.width]
    first = j - j % 128
    m = view.map[axis]
    at = grid((m[0] * (first + 0.5) + (m[1] * (i + 0.5) + m[2])) - 0.5) + grid((j - first) * m[0])
    at = at.clip(-FURTHEST, FURTHEST)
    return np.floor(at + 0.5) + 0.5 if s.interpolation == "nearest" else at + 0.5


def _resolved(at: Floats, size: int, fill: str) -> tuple[Floats, NDArray[np.bool_]]:
    """Positions brought into 0 .. size by the fill, and which of them the picture itself covers."""
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


# ---- colour: picture -> picture -------------------------------------------------------------------------------------


def _colour(picture: Floats, op: str, args: tuple[float, ...]) -> Floats:
    """A tint sees fractions of the value range, clips to it, and leaves alpha alone; grey has no hue to change."""
    if op == "rescale":
        return picture * args[0] + args[1]
    if op == "normalize":
        mean, std = np.array(args, np.float64).reshape(2, -1)
        return (picture - mean) / std
    *amounts, low, high = args
    x, alpha = (picture[..., :3] - low) / (high - low), picture[..., 3:]
    if x.shape[2] == 3 or op not in ("saturation", "hue"):
        x = TINTS[op](x, *amounts)
    return np.concatenate([low + x.clip(0, 1) * (high - low), alpha], axis=2)


def _grey(x: Floats) -> Floats:
    return x @ np.array([[0.299], [0.587], [0.114]]) if x.shape[2] == 3 else x  # Rec. 601


def _contrast(x: Floats, factor: float) -> Floats:
    """Contrast about the mean grey of the finite pixels, which is summed in units of 2^-20."""
    grey = _grey(x)
    counted = np.trunc(grey[np.isfinite(grey)].clip(-8, 9) * (1 << 20))
    mean = float(counted.mean()) / (1 << 20) if counted.size else 0.0
    return mean + (x - mean) * factor


def _hue(x: Floats, turns: float) -> Floats:
    """HSV (A. R. Smith, "Color Gamut Transform Pairs", 1978): value and chroma stay; hue is counted in sixths."""
    red, green, blue = np.split(x, 3, axis=2)
    value: Floats = x.max(axis=2, keepdims=True)
    chroma: Floats = value - x.min(axis=2, keepdims=True)
    tops = [value == red, value == green]
    sixths = np.select(tops, [green - blue, blue - red + 2 * chroma], red - green + 4 * chroma)
    k = (sixths / np.where(chroma > 0, chroma, 1) + 6 * turns + np.array([5, 3, 1])) % 6
    trapezium: Floats = np.minimum(k, 4 - k).clip(0, 1)
    return value - chroma * trapezium


TINTS: dict[str, Callable[..., Floats]] = {
    "brightness": lambda x, factor: x * factor,
    "contrast": _contrast,
    "saturation": lambda x, factor: _grey(x) + (x - _grey(x)) * factor,
    "hue": _hue,
    "shift": lambda x, *shifts: x + np.array(shifts[: x.shape[2]]),
}
