"""What the watch looks at: some values of some pictures, and what can be said of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.errors import VaryError
from vary.plan.hints import possible
from vary.plan.program import GEOMETRY, Instruction
from vary.plan.run import Address, Decode, Failure, Parts, Runner
from vary.transforms.base import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.plan.program import Template

__all__ = ["Range", "Seen", "Shown", "range_after", "range_before", "some_values"]

Array = np.ndarray[Any, Any]
Range = tuple[Array, Array]  # lowest and highest, of each colour or of all

SIDE = 32  # rows and columns of a picture that are looked at, at least half as many where it has them
CONSTANT = 0.02  # part of the range within which a picture is nearly constant
ENDS = 0.004  # part of the range at either end, where values are saturated
ROBUST = 0.02  # share of the values at either end that may be outliers


class Shown(NamedTuple):
    """A picture that was looked at: the range it is expected to have, and some of its values, (values, colours)."""

    low: Array
    high: Array
    values: Array

    @property
    def spread(self) -> float:
        """The part of the range that its values take up, in the colour with the most, outliers aside."""
        low, high = _ranked(self.values, ROBUST, 1 - ROBUST)
        return float(((high - low) / (self.high - self.low)).max())

    @property
    def is_constant(self) -> bool:
        return bool((np.ptp(self.values, axis=0) <= CONSTANT * (self.high - self.low)).all())

    @property
    def ends(self) -> tuple[float, float]:
        """The shares of values at the low end and at the high end of the range."""
        slack = ENDS * (self.high - self.low)
        return float((self.values <= self.low + slack).mean()), float((self.values >= self.high - slack).mean())

    @property
    def saturated(self) -> float:
        """The share of values at an end of the range."""
        return sum(self.ends)

    def lost(self, lowest: float, highest: float) -> float:
        """The part of its values' range that these shares, from either end, take up: little in a plain background."""
        shares = ROBUST, max(lowest, ROBUST), min(1 - highest, 1 - ROBUST), 1 - ROBUST
        low, upto, since, high = map(float, _ranked(self.values.ravel(), *shares))
        return (upto - low + high - since) / max(high - low, 1e-9)


def _ranked(values: Array, *shares: float) -> list[Array]:
    """The values below which these shares of all lie, in each column."""
    ordered, last = np.sort(values, axis=0), len(values) - 1
    return [ordered[round(share * last)] for share in shares]


class Seen:
    """Some pictures of a batch, read when something asks for them."""

    def __init__(
        self, runner: Runner, pictures: Sequence[Any] | Parts, address: Address, decode: Decode, places: list[int]
    ) -> None:
        self.template, self.runner = runner.template, runner
        self._decode = decode
        if isinstance(pictures, Parts):
            self._sources: list[Any] | Parts = pictures._replace(places=pictures.places[places])
        else:
            self._sources = [pictures[place] for place in places]
        self._address = address._replace(view=address.views[places], indices=address.indices[places])
        self._known: dict[bool, list[Array]] = {}

    def values(self, geometry: bool = False) -> list[Array]:
        """Of each picture as it comes in, or as the policy's geometry moves it: (values, colours)."""
        if geometry not in self._known:
            runner = Runner(_sampling(self.template, geometry))
            made: Array = np.zeros((len(self._address.indices), 1, 1, 1), np.uint8)
            failures: list[Failure] = []
            with suppress(VaryError):  # nothing can be said of it then
                made, failures, _ = runner.batch(self._sources, self._address, decode=self._decode, empty=_empty)
            for failure in failures:
                made[failure.place] = 0
            self._known[geometry] = [some_values(picture.T) for picture in made]
        return self._known[geometry]

    def picture(self, place: int, geometry: bool = False) -> Shown:
        return Shown(*range_before(self.template), self.values(geometry)[place])

    def is_drawn(self, ops: Sequence[str]) -> bool:
        """Does any of these instructions depend on a draw?"""
        some = [i for i in possible(self.template) if i.op in (*ops, "call", "order")]
        return any(i.gate >= 0 or any(isinstance(argument, Column) for argument in i.args) for i in some)


def _sampling(template: Template, geometry: bool) -> Template:
    """What gives some values of a picture, before all or after the geometry alone."""
    kept = [i for i in template.instructions if i.op in GEOMETRY] if geometry else []
    settings = template.settings._replace(interpolation="nearest", antialias=False)
    names = (*template.names, f"Resize({SIDE}, {SIDE})")
    resize = Instruction("resize", (float(SIDE), float(SIDE), 0.0), -1, len(names))
    return template._replace(settings=settings, instructions=(*kept, resize), functions=(), rescales=False, names=names)


def _empty(shape: tuple[int, ...], floats: bool) -> Array:
    """Memory of its own: that of batches is not to grow by it."""
    return np.empty(shape, np.float32 if floats else np.uint8)


def some_values(picture: Array) -> Array:
    """Of a picture (channels, ., .), alpha aside: (values, colours) float32."""
    colours = picture[:3]
    steps = [slice(None, None, -(-side // SIDE)) for side in colours.shape[1:]]
    return colours[(slice(None), *steps)].reshape(len(colours), -1).T.astype(np.float32)


def range_before(template: Template) -> Range:
    low, high = template.value_range
    return np.array([low]), np.array([high])


def range_after(template: Template) -> Range | None:
    """What results are expected to have; None: not fixed."""
    ends = np.array(template.value_range)[:, None]
    for i in possible(template):
        if i.op in ("rescale", "normalize"):
            if i.gate >= 0:
                return None
            half = len(i.args) // 2
            ends = ends * i.args[0] + i.args[1] if i.op == "rescale" else (ends - i.args[:half]) / i.args[half:]
    return ends.min(axis=0)[:3], ends.max(axis=0)[:3]
