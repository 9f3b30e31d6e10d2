"""Noise, drawn for every pixel of the canvas. It runs at its place among the transforms, as filters do."""

from __future__ import annotations

from vary.transforms.base import Lowering, Span, Transform, span

__all__ = ["GaussNoise"]


class GaussNoise(Transform):
    """Add independent normal noise to every channel of every pixel, except alpha, and clip to the value range."""

    std: Span = span(
        "the standard deviation as a fraction of the value range; a number is the value itself, a pair (low, high) a "
        "range",
        within=(0, 1),
        around=None,
    )

    def lower(self, to: Lowering) -> None:
        to.emit("gauss_noise", to.uniform(self.std), *to.key(), *to.clip())
