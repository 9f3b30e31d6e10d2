"""`Op`: all that is known about an instruction, in one entry. Lowering, cuts, sizes, value ranges, `explain`, the
float64 reference and the tolerances of the tests are derived from it.

The native core has a table with the same names (native/ops); a test compares kinds and numbers of arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from vary.elements import MEANINGS
from vary.ops.field import Field, Floats

__all__ = [
    "HORIZON",
    "Argument",
    "Floats",
    "Kind",
    "Op",
    "Range",
    "Size",
    "View",
    "no_range",
    "same_range",
    "split_alpha",
]

Kind = Literal["map", "pointwise", "whole", "noise", "control", "call"]
"""map: geometry; consecutive maps are one sampling. pointwise: changes each pixel by itself, after the sampling. whole:
needs other pixels of the picture as well. noise: depends on the position on the canvas. `whole` and `noise` keep their
place: if a map follows one of them, the program is cut before the map. control: `order`, `cut`, `nothing`. call: a user
function."""

Size = tuple[int, int] | None  # (height, width); None: unknown, or not the same for all pictures
Range = tuple[float, float] | None  # lowest and highest value; None: there is no fixed range


MOST_LISTED = 32  # numbers of an argument that `explain` shows
HORIZON = 1e-9
"""The smallest denominator of a projective map that is in view."""

Layer = tuple[Field, Floats, Floats]
"""A field, and the map from points of the next canvas to points of the field's: as in `View`."""


class View(NamedTuple):
    """A canvas, and the map from its points to points of the picture."""

    height: int
    width: int
    map: Floats  # (2, 3): takes (x, y, 1) on this canvas to (x, y) in the picture
    denominator: Floats = np.array([0.0, 0.0, 1.0])  # (3,): times (x, y, 1), what a projective map is divided by
    layers: tuple[Layer, ...] = ()
    """Fields. `map` and `denominator` then start at the canvas of the first one: a point passes the layers, the last
    first, and then these."""

    @property
    def is_affine(self) -> bool:
        return not self.layers and bool((self.denominator == (0, 0, 1)).all())

    def steps(self) -> Floats:
        """(2, 2): the derivative of the picture's x and y (rows) along the canvas' x and y (columns), at the centre of
        the canvas. It is the same everywhere unless the map is projective; of fields it is the mean over the canvas."""
        x, y, steps = np.array(self.width / 2), np.array(self.height / 2), np.eye(2)
        for field, rows, denominator in self.layers[::-1]:
            steps = field.mean_steps() @ _steps_at(rows, denominator, x, y) @ steps
            x, y = field.sources(*through(rows, denominator, x, y))
        return _steps_at(self.map, self.denominator, x, y) @ steps

    def points(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Where points of the canvas lie in the picture. NaN: behind the horizon of a projective map."""
        for field, rows, denominator in self.layers[::-1]:
            x, y = field.sources(*through(rows, denominator, x, y))
        return through(self.map, self.denominator, x, y)


def through(rows: Floats, denominator: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Points after a map, in the core's order of operations. NaN: behind its horizon."""
    to_x, to_y, below = (m[0] * x + (m[1] * y + m[2]) for m in (*rows, denominator))
    seen = np.where(below > HORIZON, below, np.nan)
    return to_x / seen, to_y / seen


def _steps_at(rows: Floats, denominator: Floats, x: Floats, y: Floats) -> Floats:
    at = np.array([x, y, 1])
    below = denominator @ at
    steps: Floats = (rows[:, :2] - np.outer(rows @ at / below, denominator[:2])) / below
    return steps


class Argument(NamedTuple):
    name: str
    unit: str
    per_channel: bool  # one number for each channel
    variadic: bool  # the last argument, of any number of numbers
    choices: tuple[str, ...]  # what the numbers 0, 1, ... stand for; empty: they are plain numbers


def split_alpha(picture: Floats) -> tuple[Floats, Floats]:
    """The channels that colour and noise change, and the alpha channel (of shape (H, W, 0) if there is none)."""
    count = 3 if MEANINGS.get(picture.shape[2]) == "RGBA" else picture.shape[2]
    return picture[..., :count], picture[..., count:]


def same_range(low: float, high: float, *_: float) -> Range:
    """Most instructions clip to the value range, and so keep it."""
    return low, high


def no_range(*_: float) -> Range:
    """After the instruction there is no fixed value range."""
    return None


def _same_size(size: Size, *_: float | None) -> Size:
    return size


def _unit_gain(*_: float) -> float:
    return 1.0


class Op(NamedTuple):
    """An instruction."""

    name: str
    kind: Kind
    grammar: str
    """Its arguments, each a name and a unit, separated by commas. name*: one number for each channel. name...: any
    number of numbers. a|b|c in place of the unit: what 0, 1, 2 stand for."""
    explain: str
    """A format string for people, with the arguments by name."""
    reference: Callable[..., Any]
    """Its meaning in float64 NumPy: (View, *arguments) -> View of a map, (picture, *arguments) -> picture of others.
    `Any`, because which of the two it is depends on `kind`."""
    neutral: tuple[float, ...] | None = None
    """The values of its first arguments with which it changes nothing; None: there are none."""
    size: Callable[..., Size] = _same_size
    """(size, *arguments) -> size of the canvas after it. None is passed for arguments that are drawn."""
    range: Callable[..., Range] = same_range
    """(low, high, *arguments) -> value range after it."""
    scales: Callable[..., tuple[list[float], list[float]]] | None = None
    """(*arguments) -> factors and offsets, of `rescale` and `normalize`: results are float32, in another range."""
    gain: Callable[..., float] = _unit_gain
    """(*arguments) -> an upper bound of the factor by which it enlarges an error of its input; used by tests."""
    coloured: bool = False
    """True: it depends on which channels are red, green and blue. For pictures whose channels have no meaning (see
    `MEANINGS`), only its neutral arguments are allowed."""
    continuous: bool = True
    """False: the result jumps where the input crosses a threshold, so small errors of the input may become large."""

    @property
    def arguments(self) -> list[Argument]:
        found = []
        for text in filter(None, self.grammar.split(", ")):
            name, _, unit = text.partition(" ")
            choices = tuple(unit.split("|")) if "|" in unit else ()
            found.append(Argument(name.rstrip("*."), unit, name.endswith("*"), name.endswith("..."), choices))
        return found

    def arity(self, channels: int) -> int:
        """How many numbers it has for pictures of this many channels, those of a variadic argument not counted."""
        return sum(channels if a.per_channel else 0 if a.variadic else 1 for a in self.arguments)

    def accepts(self, count: int, channels: int) -> bool:
        """Is this a valid number of numbers for pictures of this many channels?"""
        fixed = self.arity(channels)
        return count > fixed if any(a.variadic for a in self.arguments) else count == fixed

    def explained(self, args: tuple[float, ...]) -> str:
        """`explain` with these arguments."""
        declared, texts, left = self.arguments, {}, list(args)
        numbers_each = len(args) // len(declared) if any(a.per_channel for a in declared) else 1
        for a in declared:
            count = len(left) if a.variadic else numbers_each
            values, left = left[:count], left[count:]
            texts[a.name] = _listed([a.choices[int(v)] if a.choices else _number(v) for v in values])
        return self.explain.format(**texts)


def _listed(numbers: list[str]) -> str:
    """Of very many, some."""
    if len(numbers) > MOST_LISTED:
        numbers = [*numbers[:3], "...", numbers[-1], f"({len(numbers)} numbers)"]
    return " ".join(numbers)


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.4g}"
