"""Pixels of an affine map in the fill modes of SciPy: from vary's core, except where only SciPy's own rule will do."""

from __future__ import annotations

import numpy as np

from vary.elements import ELEMENTS
from vary.errors import InputError
from vary.plan.program import Fill
from vary.plan.warp import Sampling, warp

__all__ = ["FILL_MODES", "Fill", "check_sampling", "in_float64", "sampled", "set_outside"]

FILL_MODES: dict[str, Fill | None] = {
    "nearest": "nearest",
    "constant": "constant",
    "reflect": "reflect",
    "wrap": "wrap",
    "mirror": "reflect101",
    "grid-mirror": "reflect",
    "grid-wrap": None,
    "grid-constant": None,
}
"""SciPy's name -> the core's; None: through SciPy. The core's `wrap` repeats the picture, as Keras' documents say."""

ORDERS = range(6)
SLACK = 1e-6  # pixels
WHOLE = 2.0**52  # positions beyond have no fractions


def check_sampling(fill_mode: object, order: object, names: tuple[str, str] = ("fill_mode", "order")) -> None:
    """Raise `InputError` for a fill mode or an order of interpolation that does not exist."""
    if fill_mode not in FILL_MODES:
        raise InputError(f"{names[0]}={fill_mode!r}; give one of {', '.join(FILL_MODES)}")
    if not isinstance(order, int | np.integer) or order not in ORDERS:
        raise InputError(f"{names[1]}={order!r}; give 0 (nearest pixel), 1 (bilinear), or 2 to 5 (splines, by SciPy)")


def sampled(
    image: np.ndarray, matrix: np.ndarray, how: tuple[str, float, int], old_pixels: bool, exact: bool = False
) -> np.ndarray:
    """The picture, of the same size, whose pixel (row, column) comes from `matrix @ (row, column, 1)`.

    image: (H, W, C) of any numeric dtype, which the result has too. matrix: (2, 3). how: fill_mode, cval, order.
    old_pixels: SciPy's rounding at the edges of `constant`, and its `wrap`, whose period is one pixel less than the
    picture. exact: in float64, if old_pixels: slow, without the core's error of up to 0.02 levels.
    """
    fill_mode, cval, order = how
    check_sampling(fill_mode, order)
    fill = FILL_MODES[fill_mode]
    if fill is None or order > 1:
        mode = "grid-wrap" if fill_mode == "wrap" and not old_pixels else fill_mode
        return _through_scipy(image, matrix, (mode, cval, order))
    working = image.dtype if image.dtype.name in ELEMENTS else np.dtype(np.float32)
    source = image.astype(working, copy=False)
    if in_float64(fill_mode, order, old_pixels, exact) or np.linalg.det(matrix[:, :2]) == 0:
        values = _gathered(source, _positions(matrix, image.shape), order, fill)
    else:
        try:
            values = warp(source, matrix, image.shape[:2], Sampling(fill, float(cval), order == 0))
        except ValueError as error:
            raise InputError(f"the affine map {matrix.tolist()} cannot be sampled: {error}") from None
    values = _cast(values, image.dtype)
    if fill == "constant":
        set_outside(values, matrix, cval, old_pixels)
    return np.asarray(values)


def in_float64(fill_mode: str, order: int, old_pixels: bool, exact: bool) -> bool:
    """Must positions be those of SciPy to the last bit, or by its own rule? The core's are multiples of 2^-15."""
    if fill_mode == "wrap":
        return old_pixels
    return old_pixels and (order == 0 or exact)


def set_outside(image: np.ndarray, matrix: np.ndarray, cval: float, old_pixels: bool) -> None:
    """Write `cval` at the pixels of a result (H, W, C) that come from outside of the centres of the source's edge
    pixels, as SciPy's `constant` does. Where the last bit decides, as when turned by 90 degrees, they count as inside;
    with old_pixels, as in SciPy."""
    image[_outside(_positions(matrix, image.shape), image.shape, 0.0 if old_pixels else SLACK)] = cval


def _positions(matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The place in the source of each pixel: (2, H, W) rows and columns. The shift comes first, as in SciPy: at an edge
    the last bit decides."""
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])
    return np.array([(m[2] + m[0] * rows) + m[1] * columns for m in matrix])


def _outside(positions: np.ndarray, shape: tuple[int, ...], slack: float) -> np.ndarray:
    rows, columns = positions
    height, width = shape[0] - 1 + slack, shape[1] - 1 + slack
    return np.asarray((rows < -slack) | (rows > height) | (columns < -slack) | (columns > width))


def _wrapped(positions: np.ndarray, side: int) -> np.ndarray:
    """SciPy's `wrap`: positions outside 0 .. side - 1 move by a multiple of side - 1."""
    period = side - 1
    if period < 1:
        return np.zeros_like(positions)
    below = positions + period * (np.trunc(-positions / period) + 1)
    above = positions - period * np.trunc(positions / period)
    return np.where(positions < 0, below, np.where(positions > period, above, positions))


def _reflected(positions: np.ndarray, side: int) -> np.ndarray:
    """SciPy's `reflect`: positions between -1 and side. It decides how halves are rounded, so it comes first."""
    within = np.fmod(positions, 2 * side)
    below = np.where(within < -side, within + 2 * side, -within - 1)
    return np.asarray(np.where(positions < 0, below, np.where(within >= side, 2 * side - within - 1, within)))


def _mirrored(positions: np.ndarray, side: int) -> np.ndarray:
    """SciPy's `mirror`: as `_reflected`, about the centres of the edge pixels."""
    if side < 2:
        return np.zeros_like(positions)
    within = np.fmod(positions, 2 * side - 2)
    below = np.where(within <= 1 - side, within + 2 * side - 2, -within)
    return np.asarray(np.where(positions < 0, below, np.where(within >= side, 2 * side - 2 - within, within)))


def _folded(numbers: np.ndarray, side: int, fill: Fill) -> np.ndarray:
    """The pixels, 0 .. side - 1, that are seen at these whole positions along a side."""
    if fill == "reflect":
        within = numbers % (2 * side)
        return np.where(within < side, within, 2 * side - 1 - within)
    if fill == "reflect101":
        within = numbers % max(2 * side - 2, 1)
        return np.where(within < side, within, 2 * side - 2 - within)
    return np.asarray(np.clip(numbers, 0, side - 1))


def _gathered(image: np.ndarray, positions: np.ndarray, order: int, fill: Fill) -> np.ndarray:
    """The values at these positions, by NumPy in float64. Beyond the edge, `constant` sees the edge pixel, too."""
    sides = image.shape[:2]
    inside = {"wrap": _wrapped, "reflect": _reflected, "reflect101": _mirrored}.get(fill, lambda p, _: p)
    places = [inside(p, side) for p, side in zip(positions, sides, strict=True)]
    if order == 0:
        places = [np.floor(p + 0.5) for p in places]
    whole = [np.floor(np.clip(p, -WHOLE, WHOLE)) for p in places]
    y, x = (np.clip(p, -WHOLE, WHOLE) - at for p, at in zip(places, whole, strict=True))
    low = [_folded(at.astype(int), side, fill) for at, side in zip(whole, sides, strict=True)]
    high = [_folded(at.astype(int) + 1, side, fill) for at, side in zip(whole, sides, strict=True)]
    source, y, x = image.astype(float), y[..., None], x[..., None]
    top = source[low[0], low[1]] * (1 - x) + source[low[0], high[1]] * x
    bottom = source[high[0], low[1]] * (1 - x) + source[high[0], high[1]] * x
    return np.asarray(top * (1 - y) + bottom * y)


def _cast(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    if values.dtype == dtype:
        return values
    whole = np.issubdtype(dtype, np.integer) and not np.issubdtype(values.dtype, np.integer)
    return (np.floor(values + 0.5) if whole else values).astype(dtype)


def _through_scipy(image: np.ndarray, matrix: np.ndarray, how: tuple[str, float, int]) -> np.ndarray:
    try:
        from scipy import ndimage
    except ImportError:
        raise InputError(
            f"fill_mode={how[0]!r} with interpolation_order={how[2]} needs SciPy, which is not installed: "
            "`pip install scipy`, or use order 0 or 1 and fill_mode nearest, constant, reflect or wrap"
        ) from None
    mode, cval, order = how
    dtype = image.dtype
    image = image.astype(np.float32) if dtype == np.float16 else image  # which SciPy does not have
    channels = [
        ndimage.affine_transform(image[..., c], matrix[:, :2], matrix[:, 2], order=order, mode=mode, cval=cval)
        for c in range(image.shape[2])
    ]
    return np.asarray(np.stack(channels, axis=2), dtype)
