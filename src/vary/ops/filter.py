"""Filters: instructions that need neighbouring pixels. native/ops/filter.cc implements the same instructions."""

from __future__ import annotations

import math

import numpy as np

from vary.ops.spec import Floats, Op

__all__ = ["OPS"]


def _gaussian_blur(picture: Floats, sigma: float) -> Floats:
    """A Gaussian, cut off at four standard deviations, mirrored about the centres of the edge pixels (dcb|abcd|cba)."""
    if sigma == 0:
        return picture
    radius = math.ceil(4 * sigma)
    taps = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (taps / sigma) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        size = picture.shape[axis]
        period = max(2 * (size - 1), 1)
        places = (np.arange(size) + taps[:, None]) % period
        places = np.where(places < size, places, period - places)
        lines = (w * picture.take(at, axis) for w, at in zip(weights, places, strict=True))
        picture = np.sum(np.stack(list(lines)), axis=0)
    return picture


OPS = [Op("gaussian_blur", "whole", "sigma px", "sigma {sigma} pixels", _gaussian_blur, neutral=(0,))]
