"""The functions of `vary.keras` as the old modules have them: without `compat`, and with their defaults."""

from __future__ import annotations

import inspect
from functools import wraps
from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError
from vary.keras import affine, images, values
from vary.keras.faces import Compat

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["functions_of"]

BOUND = (
    affine.random_rotation,
    affine.random_shift,
    affine.random_shear,
    affine.random_zoom,
    affine.transform_matrix_offset_center,
    affine.apply_affine_transform,
    images.load_img,
    images.array_to_img,
)
"""The functions that have the argument `compat`."""
AXES = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}


# Any here and below: functions of any arguments and results
def functions_of(compat: Compat) -> dict[str, Callable[..., Any]]:
    """The functions by name."""
    made = {one.__name__: one if compat is None else _bound(one, compat) for one in BOUND}
    if compat == "1.1.2":
        made["apply_affine_transform"] = _with_defaults(made["apply_affine_transform"], AXES)

    def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> Any:
        if compat is None and scale:  # without the face: in floats
            x = np.asarray(x, np.float32) - np.min(x)
            x = x / max(np.max(x), 1e-30) * 255
        return values.apply_brightness_shift(x, brightness, scale, compat=compat)

    def random_brightness(
        x: Any, brightness_range: Sequence[float], scale: bool = True, apply: Callable[..., Any] | None = None
    ) -> Any:
        if np.ndim(brightness_range) != 1 or len(brightness_range) != 2:
            raise InputError(f"brightness_range={brightness_range!r}; give a pair of factors, such as (0.8, 1.2)")
        low, high = brightness_range
        factor = np.random.uniform(low, high)  # noqa: NPY002  the state that the original uses
        return (apply or apply_brightness_shift)(x, factor, scale)

    return {**made, "apply_brightness_shift": apply_brightness_shift, "random_brightness": random_brightness}


def _bound(function: Callable[..., Any], compat: Compat) -> Callable[..., Any]:
    @wraps(function)
    def bound(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs, compat=compat)

    seen = inspect.signature(function)
    kept = [one for one in seen.parameters.values() if one.name != "compat"]
    bound.__signature__ = seen.replace(parameters=kept)  # type: ignore[attr-defined]
    return bound


def _with_defaults(function: Callable[..., Any], defaults: dict[str, int]) -> Callable[..., Any]:
    seen = inspect.signature(function)
    changed = [one.replace(default=defaults.get(one.name, one.default)) for one in seen.parameters.values()]
    own = seen.replace(parameters=changed)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        given = own.bind(*args, **kwargs)
        given.apply_defaults()
        return function(*given.args, **given.kwargs)

    call.__signature__ = own  # type: ignore[attr-defined]
    return call
