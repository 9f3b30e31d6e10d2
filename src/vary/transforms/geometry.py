"""Transforms that rotate, move, scale and mirror the picture about the centre of its canvas. The canvas keeps its size;
only `Transpose` and `RandomRotate90` may swap height and width."""

from __future__ import annotations

from vary.transforms.base import Lowering, Span, Transform, field, span

__all__ = [
    "Affine",
    "HorizontalFlip",
    "Perspective",
    "RandomRotate90",
    "Rotate",
    "Shear",
    "Translate",
    "Transpose",
    "VerticalFlip",
    "Zoom",
]


class HorizontalFlip(Transform):
    """Mirror left and right."""

    p: float = field("probability of being applied", within=(0, 1), default=0.5, kw_only=True)

    def lower(self, to: Lowering) -> None:
        to.emit("flip_horizontal")


class VerticalFlip(Transform):
    """Mirror top and bottom."""

    p: float = field("probability of being applied", within=(0, 1), default=0.5, kw_only=True)

    def lower(self, to: Lowering) -> None:
        to.emit("flip_vertical")


class Transpose(Transform):
    """Mirror about the main diagonal: rows become columns, and height and width are swapped."""

    p: float = field("probability of being applied", within=(0, 1), default=0.5, kw_only=True)

    def lower(self, to: Lowering) -> None:
        to.emit("transpose")


class RandomRotate90(Transform):
    """Rotate by 0, 90, 180 or 270 degrees, equally likely; 90 and 270 swap height and width."""

    def lower(self, to: Lowering) -> None:
        to.emit("rotate90", to.integer(4))


class Rotate(Transform):
    """Rotate about the centre of the canvas; positive is counter-clockwise as seen."""

    angle: Span = span("degrees; a number a means (-a, a)", within=(-360, 360), reach=60)

    def lower(self, to: Lowering) -> None:
        to.emit("rotate", to.uniform(self.angle))


class Translate(Transform):
    """Shift by fractions of the current canvas: x to the right, y down."""

    x: Span = span(
        "a fraction of the width; 0.1 is 20 of 200 pixels; a number a means (-a, a)", within=(-10, 10), default=0.0
    )
    y: Span = span(
        "a fraction of the height; 0.1 is 20 of 200 pixels; a number a means (-a, a)", within=(-10, 10), default=0.0
    )

    def lower(self, to: Lowering) -> None:
        to.emit("translate", to.uniform(self.x), to.uniform(self.y))


class Shear(Transform):
    """Shear: (x, y) -> (x + a y, b x + y), y pointing down. `a` and `b` are the tangents of the angles `x` and `y`.

    Give angles in degrees, or the tangents themselves: `portion` is a, `portion_y` is b.
    """

    x: Span = span("degrees; a number a means (-a, a)", within=(-89, 89), reach=60, default=0.0)
    y: Span = span("degrees; a number a means (-a, a)", within=(-44, 44), reach=40, default=0.0)
    portion: Span | None = span("the tangent along x, instead of degrees", within=(-50, 50), default=None)
    portion_y: Span | None = span("the tangent along y alone", within=(-0.95, 0.95), default=None)

    def check(self) -> None:
        portions = any(v is not None for v in (self.portion, self.portion_y))
        if portions and any(v != (0, 0) for v in (self.x, self.y)):
            self._refuse("was given degrees and portions; give one of them")
        for pair, most in (((self.x, self.y), 44), ((self.portion, self.portion_y), 0.95)):
            spans = [v for v in pair if isinstance(v, tuple) and v != (0, 0)]
            if len(spans) == 2 and max(abs(edge) for v in spans for edge in v) > most:
                self._refuse(f"{spans[0]} along x and {spans[1]} along y could flatten the picture; stay within {most}")

    def lower(self, to: Lowering) -> None:
        if self.portion is not None or self.portion_y is not None:
            to.emit("shear", to.uniform(self.portion or 0.0), to.uniform(self.portion_y or 0.0))
        else:
            to.emit("shear_degrees", to.uniform(self.x), to.uniform(self.y))


class Zoom(Transform):
    """Magnify about the centre of the canvas; above 1 enlarges. One factor for both axes unless `y` is given."""

    x: Span = span("magnification; a number a means (1 - a, 1 + a)", around=1.0, within=(0.01, 100))
    y: Span | None = span("magnification of y alone", around=1.0, within=(0.01, 100), default=None)

    def lower(self, to: Lowering) -> None:
        x = to.uniform(self.x)
        to.emit("zoom", x, x if self.y is None else to.uniform(self.y))


class Affine(Transform):
    """Zoom, shear, rotate and shift in this order, with one probability, as other libraries do in one transform."""

    rotate: Span = span("degrees; a number a means (-a, a)", within=(-360, 360), reach=60, default=0.0)
    translate_x: Span = span(
        "a fraction of the width; 0.1 is 20 of 200 pixels; a number a means (-a, a)", within=(-10, 10), default=0.0
    )
    translate_y: Span = span(
        "a fraction of the height; 0.1 is 20 of 200 pixels; a number a means (-a, a)", within=(-10, 10), default=0.0
    )
    shear: Span = span("degrees along x; a number a means (-a, a)", within=(-89, 89), reach=60, default=0.0)
    zoom: Span = span("magnification; a number a means (1 - a, 1 + a)", around=1.0, within=(0.01, 100), default=0.0)

    def lower(self, to: Lowering) -> None:
        zoom = to.uniform(self.zoom)
        to.emit("zoom", zoom, zoom)
        to.emit("shear_degrees", to.uniform(self.shear), 0.0)
        to.emit("rotate", to.uniform(self.rotate))
        to.emit("translate", to.uniform(self.translate_x), to.uniform(self.translate_y))


class Perspective(Transform):
    """Perspective, as if the picture were seen at an angle: each corner moves inwards by up to `distortion` of the
    sides."""

    distortion: Span = span(
        "a fraction of the sides; a number is the value itself, a pair (low, high) a range",
        within=(0, 0.33),
        around=None,
    )

    def lower(self, to: Lowering) -> None:
        to.emit("perspective", to.uniform(self.distortion), *(to.uniform((0.0, 1.0)) for _ in range(8)))
