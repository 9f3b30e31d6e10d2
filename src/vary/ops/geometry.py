"""Geometry: each instruction makes a new canvas and says where its points come from. x runs to the right, y down, in
pixels; pixel (i, j) covers the half-open square from (j, i) to (j + 1, i + 1). native/ops/geometry.cc implements the
same instructions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from vary.ops.field import Field
from vary.ops.spec import Op, Size, View

__all__ = ["OPS"]

MODES = "stretch|fit|letterbox|cover"


def _compose(
    view: View, height: float, width: float, x: list[float], y: list[float], denominator: Sequence[float] = (0, 0, 1)
) -> View:
    """The view after one more map. The rows `x`, `y` and `denominator` are the matrix (3 x 3) that takes points of the
    new canvas, which has this height and width, to points of the canvas before."""
    old = np.vstack(view.layers[-1][1:] if view.layers else [view.map, view.denominator])
    rows = old[:, [0]] * np.array(x) + old[:, [1]] * np.array(y)
    rows += old[:, [2]] * np.array(denominator)
    new = rows[:2] / rows[2, 2], rows[2] / rows[2, 2]
    if not view.layers:
        return View(int(height), int(width), *new)
    field = view.layers[-1][0]
    return view._replace(height=int(height), width=int(width), layers=(*view.layers[:-1], (field, *new)))


def _crop_to(view: View, top: float, left: float, height: float, width: float) -> View:
    return _compose(view, height, width, [1, 0, left], [0, 1, top])


def _stretch(view: View, height: float, width: float) -> View:
    return _compose(view, height, width, [view.width / width, 0, 0], [0, view.height / height, 0])


def _about_centre(view: View, a: float, b: float, c: float, d: float) -> View:
    """The matrix [a b; c d] takes new points to old ones, both measured from the centre of the canvas."""
    x, y = view.width / 2, view.height / 2
    return _compose(view, view.height, view.width, [a, b, x - (a * x + b * y)], [c, d, y - (c * x + d * y)])


def _rotate(view: View, degrees: float) -> View:
    """Counter-clockwise as seen, although y points down; exact at multiples of 90 degrees."""
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
        return _compose(view, h, w, [-1, 0, w], [0, -1, h]) if quarter else view
    return _compose(view, w, h, [0, -1, w], [1, 0, 0]) if quarter == 1 else _compose(view, w, h, [0, 1, 0], [-1, 0, h])


def _resize(view: View, height: float, width: float, mode: float) -> View:
    """Modes: 0 stretch, 1 fit (all of the picture inside), 2 letterbox (fit, then centred), 3 cover (no gap)."""
    h, w = int(height), int(width)
    wider = view.height * w <= view.width * h  # is the picture wider, for its height, than the size asked for?
    if mode and wider != (mode == 3):  # the width is as asked for, and the height keeps the aspect ratio
        h = max(1, view.height * w // view.width)
    elif mode:
        w = max(1, view.width * h // view.height)
    scaled = _stretch(view, h, w)
    return _crop_to(scaled, (h - int(height)) // 2, (w - int(width)) // 2, height, width) if mode == 2 else scaled


def _crop(view: View, height: float, width: float, y: float, x: float) -> View:
    """Uniform y and x in [0, 1) make every whole offset equally likely. A window larger than the canvas contains it."""

    def offset(draw: float, free: float) -> float:
        return math.copysign(math.floor(draw * (abs(free) + 1)), free)

    return _crop_to(view, offset(y, view.height - height), offset(x, view.width - width), height, width)


def _resized_crop(view: View, height: float, width: float, area: float, ratio: float, y: float, x: float) -> View:
    """A crop with this fraction of the area and this width / height, resized. Its sides are clamped to the canvas."""
    pixels = area * view.height * view.width
    h = min(max(round(math.sqrt(pixels / ratio)), 1), view.height)
    w = min(max(round(math.sqrt(pixels * ratio)), 1), view.width)
    return _stretch(_crop(view, h, w, y, x), height, width)


def _matrix(view: View, a: float, b: float, x: float, c: float, d: float, y: float) -> View:
    """Points move by [a b; c d] about the centre, then by the fractions x and y of width and height."""
    turned = _about_centre(view, *np.linalg.inv([[a, b], [c, d]]).ravel())
    return _crop_to(turned, -y * view.height, -x * view.width, view.height, view.width)


def _perspective(view: View, distortion: float, *draws: float) -> View:
    """Each corner moves inwards by `distortion` times its two `draws` (0 .. 1), as fractions of width and height. The
    map takes the moved corners back to the corners of the canvas: eight linear equations."""
    w, h = view.width, view.height
    moved = distortion * np.reshape(draws, (4, 2)) * [[w, h], [-w, h], [-w, -h], [w, -h]]
    corners = np.array([[0, 0], [w, 0], [w, h], [0, h]], float)
    rows, values = [], []
    for (x, y), (u, v) in zip(corners + moved, corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    m = [*np.linalg.solve(np.array(rows), np.array(values)), 1.0]
    return _compose(view, h, w, m[:3], m[3:6], m[6:])


def _displace(view: View, rows: float, columns: float, *numbers: float) -> View:
    """A point of the canvas comes from itself plus a displacement, which is given at the points of a grid."""
    field = Field(view.height, view.width, np.reshape(np.array(numbers, float), (int(rows), int(columns), 2)))
    return view._replace(layers=(*view.layers, (field, np.eye(2, 3), np.array([0.0, 0.0, 1.0]))))


def _size_of_arguments(_: Size, height: float, width: float, *__: float | None) -> Size:
    return int(height), int(width)


def _size_of_resize(size: Size, height: float, width: float, mode: float) -> Size:
    return _size_of_arguments(size, height, width) if int(mode) in (0, 2) else None


def _size_of_pad(size: Size, top: float, right: float, bottom: float, left: float) -> Size:
    return size and (size[0] + int(top) + int(bottom), size[1] + int(left) + int(right))


def _swapped_size(size: Size) -> Size:
    return size and (size[1], size[0])


def _size_of_rotate90(size: Size, turns: float | None) -> Size:
    if size is None or size[0] == size[1]:
        return size
    return None if turns is None else _swapped_size(size) if int(turns) % 2 else size


CORNERS = ("top_left", "top_right", "bottom_right", "bottom_left")

OPS = [
    Op(
        "resize",
        "map",
        f"height px, width px, mode {MODES}",
        "{height} x {width}, {mode}",
        _resize,
        size=_size_of_resize,
    ),
    Op(
        "crop",
        "map",
        "height px, width px, y fraction, x fraction",
        "{height} x {width}, at y {y} and x {x} of the free space",
        _crop,
        size=_size_of_arguments,
    ),
    Op(
        "center_crop",
        "map",
        "height px, width px",
        "{height} x {width}",
        lambda v, h, w: _crop_to(v, round((v.height - h) / 2), round((v.width - w) / 2), h, w),
        size=_size_of_arguments,
    ),
    Op(
        "resized_crop",
        "map",
        "height px, width px, area fraction, ratio width/height, y fraction, x fraction",
        "to {height} x {width}, of area {area} and ratio {ratio}, at y {y} and x {x} of the free space",
        _resized_crop,
        size=_size_of_arguments,
    ),
    Op(
        "pad",
        "map",
        "top px, right px, bottom px, left px",
        "top {top}, right {right}, bottom {bottom}, left {left}",
        lambda v, top, right, bottom, left: _crop_to(v, -top, -left, top + v.height + bottom, left + v.width + right),
        neutral=(0, 0, 0, 0),
        size=_size_of_pad,
    ),
    Op("rotate", "map", "angle degrees", "{angle} degrees", _rotate, neutral=(0,)),
    Op("shear", "map", "x tangent, y tangent", "x {x}, y {y}", _shear, neutral=(0, 0)),
    Op(
        "shear_degrees",
        "map",
        "x degrees, y degrees",
        "x {x}, y {y}",
        lambda v, x, y: _shear(v, math.tan(math.radians(x)), math.tan(math.radians(y))),
        neutral=(0, 0),
    ),
    Op(
        "zoom",
        "map",
        "x factor, y factor",
        "x {x}, y {y}",
        lambda v, x, y: _about_centre(v, 1 / x, 0, 0, 1 / y),
        (1, 1),
    ),
    Op(
        "translate",
        "map",
        "x fraction, y fraction",
        "x {x}, y {y}",
        lambda v, x, y: _crop_to(v, -y * v.height, -x * v.width, v.height, v.width),
        neutral=(0, 0),
    ),
    Op("flip_horizontal", "map", "", "", lambda v: _compose(v, v.height, v.width, [-1, 0, v.width], [0, 1, 0])),
    Op("flip_vertical", "map", "", "", lambda v: _compose(v, v.height, v.width, [1, 0, 0], [0, -1, v.height])),
    Op("transpose", "map", "", "", lambda v: _compose(v, v.width, v.height, [0, 1, 0], [1, 0, 0]), size=_swapped_size),
    Op("rotate90", "map", "turns quarters", "{turns} quarter turns", _rotate90, neutral=(0,), size=_size_of_rotate90),
    Op(
        "affine",
        "map",
        "a factor, b factor, c px, d factor, e factor, f px",
        "(x, y) from ({a} x + {b} y + {c}, {d} x + {e} y + {f})",
        lambda v, a, b, c, d, e, f: _compose(v, v.height, v.width, [a, b, c], [d, e, f]),
        neutral=(1, 0, 0, 0, 1, 0),
    ),
    Op(
        "matrix",
        "map",
        "a factor, b factor, x fraction, c factor, d factor, y fraction",
        "({a} {b}; {c} {d}) about the centre, then by x {x}, y {y}",
        _matrix,
        neutral=(1, 0, 0, 0, 1, 0),
    ),
    Op(
        "projective",
        "map",
        "a factor, b factor, c px, d factor, e factor, f px, g 1/px, h 1/px, i factor",
        "(x, y) from ({a} x + {b} y + {c}, {d} x + {e} y + {f}) / ({g} x + {h} y + {i})",
        lambda v, a, b, c, d, e, f, g, h, i: _compose(v, v.height, v.width, [a, b, c], [d, e, f], [g, h, i]),
        neutral=(1, 0, 0, 0, 1, 0, 0, 0, 1),
    ),
    Op(
        "perspective",
        "map",
        "distortion fraction, " + ", ".join(f"{corner}_{axis} share" for corner in CORNERS for axis in "xy"),
        "corners inwards by {distortion} times " + ", ".join(f"({{{corner}_x}}, {{{corner}_y}})" for corner in CORNERS),
        _perspective,
        neutral=(0,),
    ),
    Op(
        "displace",
        "map",
        "rows points, columns points, distance... fraction",
        "{rows} x {columns} points, displaced in x and y by {distance}",
        _displace,
    ),
]
