"""What is known of an instruction, in one entry. Everything that has to know an instruction reads its entry: lowering,
cuts, sizes, value ranges, `explain`, the float64 reference, and how closely the tests compare with it.

The native core has a table of the same names (native/ops); a test compares kinds and numbers of arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np

from vary.elements import MEANINGS
from vary.ops.field import Field, Floats

__all__ = ["HORIZON", "Argument", "Floats", "Kind", "Op", "Range", "Size", "View", "keeps", "nothing", "split_alpha"]

Kind = Literal["map", "pointwise", "whole", "noise", "control", "call"]
"""map: moves the canvas; several in a row are one sampling. pointwise: colour of a pixel by itself, after the
sampling. whole: needs all pixels around. noise: depends on the place on the canvas. `whole` and `noise` keep their
place: where a map comes after one of them, the program is cut. control: `order`, `cut`. call: a user function."""

Size = tuple[int, int] | None  # (height, width); None: not known, or not the same for all pictures
Range = tuple[float, float] | None  # lowest and highest value; None: there is none


MOST_LISTED = 32  # numbers of an argument that `explain` shows
HORIZON = 1e-9
"""The least denominator of a projective map."""

Layer = tuple[Field, Floats, Floats]
"""A field, and the map from points of the next canvas to points of the field's: rows and divisor, as in a `View`."""


class View(NamedTuple):
    """A canvas, and the map from its points to points of the picture."""

    height: int
    width: int
    map: Floats  # (2, 3): takes (x, y, 1) on this canvas to (x, y) in the picture
    over: Floats = np.array([0.0, 0.0, 1.0])  # (3,): what that is divided by, in the same way; of a projective map
    layers: tuple[Layer, ...] = ()
    """Fields: `map` and `over` are then of the first one's canvas. A point goes through the layers, the last one first,
    and then through `map` and `over`."""

    @property
    def is_affine(self) -> bool:
        return not self.layers and bool((self.over == (0, 0, 1)).all())

    def steps(self) -> Floats:
        """How far the picture's x and y (rows) move for a step along x and y (columns): (2, 2), at the centre of the
        canvas. The same everywhere unless the map is projective or has fields, of which it is the mean."""
        x, y, steps = np.array(self.width / 2), np.array(self.height / 2), np.eye(2)
        for field, rows, over in self.layers[::-1]:
            steps = field.mean_steps() @ _steps_at(rows, over, x, y) @ steps
            x, y = field.sources(*through(rows, over, x, y))
        return _steps_at(self.map, self.over, x, y) @ steps

    def points(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Where points of the canvas lie in the picture. NaN: behind the horizon of a projective map."""
        for field, rows, over in self.layers[::-1]:
            x, y = field.sources(*through(rows, over, x, y))
        return through(self.map, self.over, x, y)


def through(rows: Floats, over: Floats, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Points after a map, in the core's order of operations. NaN: behind its horizon."""
    to_x, to_y, below = (m[0] * x + (m[1] * y + m[2]) for m in (*rows, over))
    seen = np.where(below > HORIZON, below, np.nan)
    return to_x / seen, to_y / seen


def _steps_at(rows: Floats, over: Floats, x: Floats, y: Floats) -> Floats:
    at = np.array([x, y, 1])
    below = over @ at
    steps: Floats = (rows[:, :2] - np.outer(rows @ at / below, over[:2])) / below
    return steps


class Argument(NamedTuple):
    name: str
    unit: str
    each: bool  # one for each channel
    any: bool  # of which there may be any number, at the end
    words: tuple[str, ...]  # what the numbers 0, 1, ... stand for; empty: they are numbers


def split_alpha(picture: Floats) -> tuple[Floats, Floats]:
    """The channels that colour and noise change, and alpha, which has no channel if there is none."""
    count = 3 if MEANINGS.get(picture.shape[2]) == "RGBA" else picture.shape[2]
    return picture[..., :count], picture[..., count:]


def keeps(low: float, high: float, *_: float) -> Range:
    """The value range of most instructions: as before, for they clip to it."""
    return low, high


def nothing(*_: float) -> Range:
    """No value range is left."""
    return None


def _same_size(size: Size, *_: float | None) -> Size:
    return size


def _one(*_: float) -> float:
    return 1.0


class Op(NamedTuple):
    """An instruction."""

    name: str
    kind: Kind
    grammar: str
    """Its arguments: names and units, with commas between. A star: one for each channel. Dots: any number. Bars: words
    for 0, 1, ..."""
    explain: str
    """For people: a format of the arguments by name."""
    twin: Callable[..., Any]
    """Its meaning in float64: (View, *arguments) -> View of a map, (picture, *arguments) -> picture of the others.
    `Any`, because which of the two it is depends on `kind`."""
    neutral: tuple[float, ...] | None = None
    """First arguments with which it changes nothing; None: there are none."""
    size: Callable[..., Size] = _same_size
    """(size, *arguments) -> size of the canvas after it. Arguments that are drawn are None."""
    range: Callable[..., Range] = keeps
    """(low, high, *arguments) -> value range after it."""
    scales: Callable[..., tuple[list[float], list[float]]] | None = None
    """(*arguments) -> factors and offsets: for those that leave the range of the input's dtype, and so make floats."""
    gain: Callable[..., float] = _one
    """(*arguments) -> the most by which it enlarges an error of its input."""
    coloured: bool = False
    """It depends on what the channels are. Where that is not known, only its neutral arguments are allowed."""
    continuous: bool = True
    """False: the result jumps where the input crosses a threshold, so that the least error may change it."""

    @property
    def arguments(self) -> list[Argument]:
        found = []
        for text in filter(None, self.grammar.split(", ")):
            name, _, unit = text.partition(" ")
            words = tuple(unit.split("|")) if "|" in unit else ()
            found.append(Argument(name.rstrip("*."), unit, name.endswith("*"), name.endswith("..."), words))
        return found

    def arity(self, channels: int) -> int:
        """How many arguments it has for pictures of so many channels; at least, if any number may end them."""
        return sum(channels if argument.each else 0 if argument.any else 1 for argument in self.arguments)

    def accepts(self, count: int, channels: int) -> bool:
        """May it have so many arguments?"""
        least = self.arity(channels)
        return count > least if any(argument.any for argument in self.arguments) else count == least

    def words(self, args: tuple[float, ...]) -> str:
        """`explain` with these arguments."""
        declared, texts, left = self.arguments, {}, list(args)
        shared = len(args) // len(declared) if any(a.each for a in declared) else 1
        for argument in declared:
            count = len(left) if argument.any else shared
            values, left = left[:count], left[count:]
            texts[argument.name] = _listed([argument.words[int(v)] if argument.words else _number(v) for v in values])
        return self.explain.format(**texts)


def _listed(numbers: list[str]) -> str:
    """Of very many, some."""
    if len(numbers) > MOST_LISTED:
        numbers = [*numbers[:3], "...", numbers[-1], f"({len(numbers)} numbers)"]
    return " ".join(numbers)


def _number(value: float) -> str:
    return f"{value:.0f}" if value == int(value) else f"{value:.4g}"
