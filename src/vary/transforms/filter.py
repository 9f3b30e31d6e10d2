"""Filters of the whole canvas. They run at their place among the transforms: geometry that is listed after one of them
needs a second sampling, which `policy.explain` shows. A filter after all geometry needs none."""

from __future__ import annotations

from vary.transforms.base import Lowering, Span, Transform, span

__all__ = ["GaussianBlur"]


class GaussianBlur(Transform):
    """Blur by a Gaussian, cut off at four standard deviations; at the edges the picture is mirrored (dcb|abcd|cba)."""

    sigma: Span = span(
        "the standard deviation in pixels of the canvas; a number is the value itself, a pair (low, high) a range",
        within=(0, 1000),
        around=None,
        reach=3,
    )

    def lower(self, to: Lowering) -> None:
        to.emit("gaussian_blur", to.uniform(self.sigma))
