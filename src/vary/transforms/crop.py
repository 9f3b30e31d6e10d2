"""Transforms that choose the canvas: its size, and which part of the picture it shows.

They only move and scale the visible window: a later map can bring parts outside of it back, unless the policy is
strict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from vary.transforms.base import Lowering, Span, Transform, choice, field, span

__all__ = ["CenterCrop", "Pad", "RandomCrop", "RandomResizedCrop", "Resize"]

SIDE = (1, 1 << 20)

Mode = Literal["stretch", "fit", "letterbox", "cover"]
MODES: tuple[Mode, ...] = get_args(Mode)


class Resize(Transform):
    """Scale to a size; antialiased where it shrinks (the triangle filter of Pillow and torchvision).

    `stretch` gives exactly height x width. `fit` keeps the aspect ratio, and the result is within that size. `cover`
    keeps it, and the result contains that size (with a square, the shorter side is set). Both round the other side
    down. `letterbox` is `fit`, centred on a canvas of exactly that size.
    """

    height: int = field("pixels", within=SIDE, whole=True, samples=(4, 40))
    width: int = field("pixels", within=SIDE, whole=True, samples=(4, 40))
    mode: Mode = choice("what happens to the aspect ratio", MODES, default="stretch")

    def _if_missing(self, name: str, given: Mapping[str, object]) -> str:
        """One number is refused, because other libraries read it as a square, as the shorter or as the longer side."""
        side = given.get("height")
        if name != "width" or not isinstance(side, int):
            return ""
        return (
            f"; for a square write Resize({side}, {side}), in a file Resize: [{side}, {side}]; add 'cover' to make the "
            f"shorter side {side}, 'fit' the longer one"
        )

    def lower(self, to: Lowering) -> None:
        to.emit("resize", self.height, self.width, MODES.index(self.mode))


class CenterCrop(Transform):
    """Keep the middle; one number means a square. A window larger than the canvas shows the fill around it."""

    height: int = field("pixels", within=SIDE, whole=True, samples=(4, 40))
    width: int = field("pixels", within=SIDE, whole=True, default="height", samples=(4, 40))

    def lower(self, to: Lowering) -> None:
        to.emit("center_crop", self.height, self.width)


class RandomCrop(Transform):
    """Keep a window at a random place, in whole pixels, all equally likely; one number means a square.

    A window larger than the canvas shows the fill around it.
    """

    height: int = field("pixels", within=SIDE, whole=True, samples=(4, 40))
    width: int = field("pixels", within=SIDE, whole=True, default="height", samples=(4, 40))

    def lower(self, to: Lowering) -> None:
        to.emit("crop", self.height, self.width, to.uniform((0.0, 1.0)), to.uniform((0.0, 1.0)))


class RandomResizedCrop(Transform):
    """Crop a part of random area and aspect ratio, and scale it to a size: the Inception crop (Szegedy et al., CVPR
    2015).

    One number means a square. The part's area and the logarithm of its aspect ratio are uniform; a side that exceeds
    the canvas is shortened to it.
    """

    height: int = field("pixels", within=SIDE, whole=True, samples=(4, 40))
    width: int = field("pixels", within=SIDE, whole=True, default="height", samples=(4, 40))
    scale: Span = span("share of the area, as a pair (low, high)", around=1.0, within=(1e-6, 1), default=(0.08, 1.0))
    ratio: Span = span("width / height, as a pair (low, high)", around=1.0, within=(0.01, 100), default=(3 / 4, 4 / 3))

    def lower(self, to: Lowering) -> None:
        place = to.uniform((0.0, 1.0)), to.uniform((0.0, 1.0))
        to.emit("resized_crop", self.height, self.width, to.uniform(self.scale), to.log_uniform(self.ratio), *place)


class Pad(Transform):
    """Add a border, which is filled as the policy's `fill` says."""

    top: int = field("pixels; given alone, all four sides", within=(0, 1 << 20), whole=True, samples=(0, 9))
    right: int = field("pixels; -1: as the top", within=(-1, 1 << 20), whole=True, default=-1, samples=(-1, 9))
    bottom: int = field("pixels; -1: as the top", within=(-1, 1 << 20), whole=True, default=-1, samples=(-1, 9))
    left: int = field("pixels; -1: as the top", within=(-1, 1 << 20), whole=True, default=-1, samples=(-1, 9))

    def lower(self, to: Lowering) -> None:
        to.emit("pad", self.top, *(self.top if side < 0 else side for side in (self.right, self.bottom, self.left)))
