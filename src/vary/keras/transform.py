"""One image's transform: its draws, as a dictionary, and their application to the image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from vary.errors import InputError
from vary.keras.affine import flip_axis, moved
from vary.keras.draws import Drawn, drawn, drawn_in_old_order
from vary.keras.faces import Compat, face_of
from vary.keras.parameters import Parameters
from vary.keras.seeds import drawn_seed
from vary.keras.values import apply_brightness_shift, apply_channel_shift
from vary.rng import check_address

__all__ = ["apply_transform", "get_random_transform"]


def _axes(parameters: Parameters) -> tuple[int, int, int]:
    """The axes of rows, columns and channels of one image."""
    return (1, 2, 0) if parameters.data_format == "channels_first" else (0, 1, 2)


def get_random_transform(
    parameters: Parameters, img_shape: Sequence[int], seed: int | None = None, compat: Compat = None
) -> Drawn:
    """The draws of a transform of an image of this shape: angles in degrees, shifts in pixels, zooms as factors.

    Without a seed, Python's `random` draws one. With `compat`, the numbers come from NumPy's global generator, which
    `seed` sets; without a seed it goes on from its state. `channel_shift_intensity` and `brightness` may be None.
    """
    if len(img_shape) != 3:
        raise InputError(f"img_shape={tuple(img_shape)}; give the three axes of one image")
    rows, columns, _ = _axes(parameters)
    size = img_shape[rows], img_shape[columns]
    if compat is None:
        seed = drawn_seed() if seed is None else seed
        check_address(seed, 0)
        return drawn(parameters, size, (int(seed), 0, 0, 0))
    if seed is not None:
        np.random.seed(seed)  # noqa: NPY002  the state that the original sets
    return drawn_in_old_order(parameters, size, face_of(compat), np.random.mtrand._rand)


def apply_transform(
    parameters: Parameters, x: np.ndarray, transform: Mapping[str, float | None], compat: Compat = None
) -> np.ndarray:
    """Apply draws to an image: the affine map, then channel shift, flips and brightness.

    transform: as `get_random_transform` returns it; each key may be missing. Returns the image, which is `x` itself if
    nothing changes it.
    """
    values = {name: 0.0 if value is None else float(value) for name, value in transform.items()}
    rows, columns, channels = _axes(parameters)
    how = parameters.fill_mode, parameters.cval, parameters.interpolation_order
    exact = transform.get("brightness") is not None  # the old brightness truncates
    x = moved(x, values, (rows, columns, channels), how, compat, exact)
    if transform.get("channel_shift_intensity") is not None:
        x = apply_channel_shift(x, values["channel_shift_intensity"], channels)
    for name, axis in (("flip_horizontal", columns), ("flip_vertical", rows)):
        x = flip_axis(x, axis) if values.get(name) else x
    if transform.get("brightness") is not None:
        x = apply_brightness_shift(x, values["brightness"], False, compat=compat)
    return x
