"""What is done to an image's values after its transform: preprocessing function, rescale, and normalisation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vary.errors import InputError
from vary.keras.faces import Compat, face_of
from vary.keras.parameters import BY_DATA, Parameters, without
from vary.keras.traps import warn_of_trap
from vary.keras.whitening import LowRank

__all__ = ["NOT_FITTED", "SMALLEST", "Statistics", "fitted", "standardize", "unfitted"]

SMALLEST = 1e-6
"""Added to standard deviations, so that a flat image is not divided by 0."""


class Statistics(NamedTuple):
    """What `fit` found; None: not fitted.

    mean, std: of each channel, in a shape that fits an image, such as (1, 1, C). whitening: (d, d) for images of d
    values.
    """

    mean: np.ndarray | None = None
    std: np.ndarray | None = None
    whitening: np.ndarray | LowRank | None = None


NOT_FITTED = Statistics()


def standardize(
    parameters: Parameters,
    x: np.ndarray,
    statistics: Statistics = NOT_FITTED,
    compat: Compat = None,
    in_place: bool = False,
) -> np.ndarray:
    """The preprocessing function, rescale, the image's own mean and deviation, those of the data, and whitening.

    x: an image, or a batch of them, in which each has its own mean and deviation. Returns a new array of at least
    float32; with in_place=True, `x` is changed. With `compat`, `x` must hold floats and is always changed, and a batch
    has one mean and deviation.
    What needs `fit` is left out without it, with a `TrapWarning`.
    """
    p, old = parameters, face_of(compat).old_pixels
    if not old and not in_place:
        x = np.array(x, np.result_type(np.asarray(x).dtype, np.float32))
    if p.preprocessing_function is not None:
        before = x.shape
        x = p.preprocessing_function(x)
        if np.shape(x) != before and not old:
            raise InputError(f"preprocessing_function made {np.shape(x)} of an image of {before}; keep the shape")
        x = x if old else np.asarray(x, np.result_type(np.asarray(x).dtype, np.float32))
    own = (-3, -2, -1) if not old else None
    if p.rescale:
        x *= p.rescale
    if p.samplewise_center:
        x -= np.mean(x, axis=own, keepdims=True)
    if p.samplewise_std_normalization:
        x /= np.std(x, axis=own, keepdims=True) + SMALLEST
    return _by_the_data(p, x, statistics, compat)


def fitted(p: Parameters, statistics: Statistics) -> Parameters:
    """The parameters without those that need statistics that are not there."""
    return without(p, *[name for name, found in zip(BY_DATA, statistics, strict=True) if found is None])


def unfitted(p: Parameters, statistics: Statistics, compat: Compat = None) -> None:
    """Warn of parameters that need statistics that are not there."""
    for name, found in zip(BY_DATA, statistics, strict=True):
        if getattr(p, name) and found is None:
            warn_of_trap(f"{name}=True is left out, because it needs `fit(images)`, which was not called", compat)


def _by_the_data(p: Parameters, x: np.ndarray, statistics: Statistics, compat: Compat) -> np.ndarray:
    unfitted(p, statistics, compat)
    if p.featurewise_center and statistics.mean is not None:
        x -= statistics.mean
    if p.featurewise_std_normalization and statistics.std is not None:
        x /= statistics.std + SMALLEST
    if p.zca_whitening and statistics.whitening is not None:
        flat = x.reshape(-1, int(np.prod(x.shape[-3:])))
        x = (flat @ statistics.whitening).reshape(x.shape)
    return x
