"""Rotation, shift, shear and zoom of one image in memory, in one sampling, and their random forms.

A map takes a pixel of the result to the point of the source that it comes from. So a positive `tx` moves the content
to the left, and a zoom above 1 shows more of the picture. The product is rotation, shift, shear, zoom:

    [cos t, -sin t]   [1 0 tx]   [1 -sin s]   [zx  0]
    [sin t,  cos t]   [0 1 ty]   [0  cos s]   [ 0 zy]       about the centre of the picture

It acts on (column, row), so `tx` and `zx` are those of the width, and a positive angle is counter-clockwise as seen.
The old versions differ (`faces.py`): `compat="keras-2"` turns about the centre of a transposed picture, and
`compat="1.1.2"` acts on (row, column) about a point one pixel off the centre.

The random functions draw from NumPy's global generator, because they have no seed: `np.random.seed` repeats them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vary.errors import InputError
from vary.keras.faces import Compat, Face, face_of
from vary.keras.sampling import sampled
from vary.keras.traps import warn_of_trap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "apply_affine_transform",
    "flip_axis",
    "map_of",
    "moved",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "transform_matrix_offset_center",
]

CHANNELS = (1, 3, 4)
DEFAULTS = {"theta": 0.0, "tx": 0.0, "ty": 0.0, "shear": 0.0, "zx": 1.0, "zy": 1.0}


def flip_axis(x: np.ndarray, axis: int) -> np.ndarray:
    """`x` mirrored along an axis: a view, not a copy."""
    return np.flip(np.asarray(x), axis)


def transform_matrix_offset_center(matrix: np.ndarray, x: float, y: float, compat: Compat = None) -> np.ndarray:
    """The matrix that does about the centre what `matrix` does about the origin.

    matrix: (3, 3), of points (first coordinate, second, 1). x, y: sides of the picture along the first and second
    coordinate, in pixels. The centre is (x / 2 - 0.5, y / 2 - 0.5); with `compat="1.1.2"`, + 0.5. Returns (3, 3).
    """
    pivot = face_of(compat).pivot
    to_centre, back = np.eye(3), np.eye(3)
    to_centre[:2, 2] = x / 2 + pivot, y / 2 + pivot
    back[:2, 2] = -to_centre[:2, 2]
    return np.asarray(to_centre @ matrix @ back)


def apply_affine_transform(
    x: np.ndarray,
    theta: float = 0,
    tx: float = 0,
    ty: float = 0,
    shear: float = 0,
    zx: float = 1,
    zy: float = 1,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
    *,
    compat: Compat = None,
) -> np.ndarray:
    """Rotate, shift, shear and zoom an image, in one sampling.

    x: one image of three axes, in any numeric dtype, which the result has too. Angles in degrees, `tx` and `ty` in
    pixels, zooms as factors; the module says what they mean. The axes must be named: by default channels come first.
    fill_mode: nearest, constant (with cval), reflect, wrap or mirror. order: 0 nearest pixel, 1 bilinear; 2 to 5 are
    SciPy's splines. compat: None is right; "keras-2" and "1.1.2" repeat old geometry and SciPy's edges.
    Raises `InputError` for another number of axes, axes that do not fit, and unknown words.
    """
    values = {"theta": theta, "tx": tx, "ty": ty, "shear": shear, "zx": zx, "zy": zy}
    return moved(x, values, (row_axis, col_axis, channel_axis), (fill_mode, cval, order), compat)


def moved(
    x: np.ndarray,
    values: Mapping[str, float],
    axes: tuple[int, int, int],
    how: tuple[str, float, int],
    compat: Compat,
    exact: bool = False,
) -> np.ndarray:
    """`apply_affine_transform`, with its values by name; exact: see `sampled`."""
    face, image = face_of(compat), _channels_last(x, axes, compat)
    if all(values.get(name, default) == default for name, default in DEFAULTS.items()):
        return x
    sides = np.shape(x)[axes[0]], np.shape(x)[axes[1]]
    matrix = map_of(values, sides, face)
    return _with_axes(sampled(image, matrix, how, face.old_pixels, exact), _in_order(axes, compat))


def map_of(values: Mapping[str, float], sides: Sequence[int], face: Face) -> np.ndarray:
    """The (2, 3) map of (row, column, 1) of the values by name. sides: height and width."""
    theta, tx, ty, shear, zx, zy = (values.get(name, default) for name, default in DEFAULTS.items())
    return _in_rows(_map(theta, (tx, ty), shear, (zx, zy)), sides, face)


def _random(
    x: np.ndarray, matrix: np.ndarray, axes: tuple[int, int, int], how: tuple[str, float, int], compat: Compat
) -> np.ndarray:
    """The image after a (3, 3) map, as the random functions do it: version 1.1.2 finds the centre with the first two
    axes, whatever they are. axes: of rows, columns, channels. how: fill_mode, cval, order."""
    face, image = face_of(compat), _channels_last(x, axes, compat)
    sides = x.shape[:2] if compat == "1.1.2" else image.shape[:2]
    return _with_axes(sampled(image, _in_rows(matrix, sides, face), how, face.old_pixels), _in_order(axes, compat))


def _in_order(axes: tuple[int, int, int], compat: Compat) -> tuple[int, int, int]:
    """The axes of rows, columns and channels. In version 1.1.2, rows are the first axis that is not of channels."""
    rows, columns = sorted(axes[:2]) if compat == "1.1.2" else axes[:2]
    return rows, columns, axes[2]


def _with_axes(image: np.ndarray, axes: tuple[int, int, int]) -> np.ndarray:
    """A result (height, width, channels) with the axes of rows, columns and channels in these places."""
    return np.ascontiguousarray(np.moveaxis(image, (0, 1, 2), axes))


def _map(theta: float, shift: Sequence[float], shear: float, zoom: Sequence[float]) -> np.ndarray:
    """The (3, 3) product of rotation, shift, shear and zoom; those that do nothing are left out."""
    matrix = np.eye(3)
    if theta != 0:
        c, s = np.cos(np.deg2rad(theta)), np.sin(np.deg2rad(theta))
        matrix = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    if tuple(shift) != (0, 0):
        matrix = matrix @ np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]])
    if shear != 0:
        c, s = np.cos(np.deg2rad(shear)), np.sin(np.deg2rad(shear))
        matrix = matrix @ np.array([[1, -s, 0], [0, c, 0], [0, 0, 1]])
    if tuple(zoom) != (1, 1):
        matrix = matrix @ np.diag([*zoom, 1.0])
    return np.asarray(matrix, float)


def _in_rows(matrix: np.ndarray, size: Sequence[int], face: Face) -> np.ndarray:
    """The map about the centre, as a (2, 3) matrix of (row, column, 1)."""
    height, width = size
    sides = (width, height) if face.x_first and not face.swapped_pivot else (height, width)
    compat: Compat = "1.1.2" if face.pivot > 0 else None
    centred = transform_matrix_offset_center(matrix, *sides, compat)
    if face.x_first:
        centred = centred[[1, 0, 2]][:, [1, 0, 2]]
    return centred[:2]


def _channels_last(x: np.ndarray, axes: tuple[int, int, int], compat: Compat) -> np.ndarray:
    """`x` as (height, width, channels). Warns if the named axes are probably not those of the image."""
    image = np.asarray(x)
    if image.ndim != 3:
        raise InputError(f"x has shape {image.shape}; give one image of three axes; a batch goes image by image")
    if sorted(axes) != [0, 1, 2]:
        raise InputError(f"row_axis, col_axis and channel_axis are {axes}; give 0, 1 and 2, each once, none negative")
    channels = image.shape[axes[2]]
    if channels not in CHANNELS and image.shape[2] in CHANNELS and axes[2] == 0:
        warn_of_trap(
            f"x has shape {image.shape}, so channels seem to come last, but channel_axis=0: the colours would be moved "
            "instead of the picture. Pass row_axis=0, col_axis=1, channel_axis=2",
            compat,
        )
    return np.moveaxis(image, _in_order(axes, compat), (0, 1, 2))


def random_rotation(
    x: np.ndarray,
    rg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
    *,
    compat: Compat = None,
) -> np.ndarray:
    """Rotate an image by an angle of -rg .. rg degrees. The other arguments are those of `apply_affine_transform`."""
    theta = np.random.uniform(-rg, rg)  # noqa: NPY002  see the module
    axes, how = (row_axis, col_axis, channel_axis), (fill_mode, cval, interpolation_order)
    return _random(x, _map(theta, (0, 0), 0, (1, 1)), axes, how, compat)


def random_shift(
    x: np.ndarray,
    wrg: float,
    hrg: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
    *,
    compat: Compat = None,
) -> np.ndarray:
    """Shift an image by up to `wrg` of its width and `hrg` of its height: fractions, never pixels.

    The old versions draw `tx` from `hrg`; in "keras-2" it moves the columns nevertheless. The other arguments are
    those of `apply_affine_transform`.
    """
    by_height = np.random.uniform(-hrg, hrg) * x.shape[row_axis]  # noqa: NPY002  see the module
    by_width = np.random.uniform(-wrg, wrg) * x.shape[col_axis]  # noqa: NPY002
    tx, ty = (by_width, by_height) if face_of(compat).x_is_width else (by_height, by_width)
    axes, how = (row_axis, col_axis, channel_axis), (fill_mode, cval, interpolation_order)
    return _random(x, _map(0, (tx, ty), 0, (1, 1)), axes, how, compat)


def random_shear(
    x: np.ndarray,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
    *,
    compat: Compat = None,
) -> np.ndarray:
    """Shear an image by an angle of -intensity .. intensity degrees. The other arguments are those of
    `apply_affine_transform`."""
    shear = np.random.uniform(-intensity, intensity)  # noqa: NPY002  see the module
    axes, how = (row_axis, col_axis, channel_axis), (fill_mode, cval, interpolation_order)
    return _random(x, _map(0, (0, 0), shear, (1, 1)), axes, how, compat)


def random_zoom(
    x: np.ndarray,
    zoom_range: Sequence[float],
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
    interpolation_order: int = 1,
    *,
    compat: Compat = None,
) -> np.ndarray:
    """Zoom an image by two factors within `zoom_range`, a pair (low, high); above 1 shows more of the picture.

    The other arguments are those of `apply_affine_transform`.
    """
    if np.ndim(zoom_range) != 1 or len(zoom_range) != 2:
        raise InputError(f"zoom_range={zoom_range!r}; give a pair (low, high), such as (0.8, 1.2)")
    low, high = zoom_range
    zx, zy = (1, 1) if low == high == 1 else np.random.uniform(low, high, 2)  # noqa: NPY002  see the module
    axes, how = (row_axis, col_axis, channel_axis), (fill_mode, cval, interpolation_order)
    return _random(x, _map(0, (0, 0), 0, (zx, zy)), axes, how, compat)
