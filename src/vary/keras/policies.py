"""`ImageDataGenerator.to_policy`: the parameters as a `vary.Policy`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vary.errors import InputError
from vary.keras.parameters import Parameters, Shift
from vary.keras.sampling import FILL_MODES
from vary.keras.standardize import Statistics, fitted, standardize
from vary.policy import Policy
from vary.sample import Array
from vary.transforms import (
    Brightness,
    ChannelShift,
    HorizontalFlip,
    Lambda,
    Normalize,
    OneOf,
    Rescale,
    Resize,
    Rotate,
    Shear,
    Translate,
    VerticalFlip,
    Zoom,
)
from vary.transforms.base import Transform

__all__ = ["policy_of"]

Size = tuple[int, int] | None
BY_ITSELF = ("samplewise_center", "samplewise_std_normalization", "zca_whitening", "preprocessing_function")


def policy_of(p: Parameters, statistics: Statistics, size: Size) -> Policy:
    """A policy that varies images in the same ways. size: (height, width), which it resizes to, if it is given."""
    geometry = [
        *([Resize(*size)] if size else []),
        *([Rotate(p.rotation_range)] if p.rotation_range else []),
        *_shifts(p.width_shift_range, p.height_shift_range, size),
        *([Shear(x=p.shear_range)] if p.shear_range else []),
        *_zoom(p),
        *([HorizontalFlip()] if p.horizontal_flip else []),
        *([VerticalFlip()] if p.vertical_flip else []),
    ]
    values: list[Transform] = []
    if p.channel_shift_range:
        values.append(ChannelShift(p.channel_shift_range / 255, joint=1))
    if p.brightness_range is not None:
        low, high = p.brightness_range
        values.append(Brightness((low, high)))
    fill = FILL_MODES[p.fill_mode] or {"grid-wrap": "wrap"}.get(p.fill_mode, "constant")
    return Policy(
        [*geometry, *values, *_standardizing(p, statistics)],
        fill=float(p.cval) if fill == "constant" else fill,  # type: ignore[arg-type]
        interpolation="nearest" if p.interpolation_order == 0 else "bilinear",
        value_range=255,
    )


def _shifts(width: Shift, height: Shift, size: Size) -> list[Transform]:
    made: list[Transform] = []
    for name, given, side in (("width", width, size and size[1]), ("height", height, size and size[0])):
        listed = _listed(given)
        most = max(map(abs, listed), default=0.0)
        if most >= 1 and side is None:
            raise InputError(
                f"{name}_shift_range={given!r} is in pixels, and a policy's are fractions; pass the images' size: "
                "to_policy((height, width))"
            )
        shifts = [one / (1 if most < 1 or side is None else side) for one in listed]
        if isinstance(given, float | np.floating):
            made += [_translate(name, -shifts[0], shifts[0])] if most else []
        elif most:
            made.append(OneOf([_translate(name, one, one) for one in shifts]))
    return made


def _translate(side: str, low: float, high: float) -> Transform:
    return Translate(x=(low, high)) if side == "width" else Translate(y=(low, high))


def _listed(given: Shift) -> list[float]:
    """The shifts to choose from; of a range, its end."""
    if isinstance(given, int | np.integer):
        return [float(one) for one in range(1 - given, given)]
    return [float(given)] if isinstance(given, float | np.floating) else [float(one) for one in given]


def _zoom(p: Parameters) -> list[Transform]:
    low, high = p.zoom_range  # type: ignore[misc]
    span = (1 / high, 1 / low)  # Keras' factors are those of the coordinates
    return [] if low == high == 1 else [Zoom(x=span, y=span)]


def _standardizing(p: Parameters, statistics: Statistics) -> list[Transform]:
    centred = p.featurewise_center and statistics.mean is not None and statistics.std is None
    if any(getattr(p, name) for name in BY_ITSELF) or (centred and abs((p.rescale or 1) * 255) > 2):
        return [Rescale(1.0), Lambda(_Standardize(p, statistics).of)]
    scale = float(p.rescale or 1.0)
    made: list[Transform] = [Rescale(scale)]
    if p.featurewise_center and statistics.mean is not None:
        unit = scale * 255
        mean = np.ravel(statistics.mean) / unit
        std = np.ravel(statistics.std) / unit if statistics.std is not None else np.full(len(mean), 1 / unit)
        made.append(Normalize(mean.tolist(), std.tolist()))
    return made


class _Standardize(NamedTuple):
    """`standardize` of images (H, W, C) float32."""

    parameters: Parameters
    statistics: Statistics

    def of(self, image: Array) -> Array:
        """The image after preprocessing function, rescale and normalisation."""
        mean, std, whitening = self.statistics
        flat = Statistics(None if mean is None else np.ravel(mean), None if std is None else np.ravel(std), whitening)
        return standardize(fitted(self.parameters, flat), image, flat).astype(np.float32)
