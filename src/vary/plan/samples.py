"""The values that `watch.py` checks, of some pixels of some pictures, and measures of them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.elements import MEANINGS
from vary.errors import VaryError
from vary.ops import MAPS
from vary.plan.hints import possible
from vary.plan.program import Instruction
from vary.plan.request import Failure, Output, Parts, Request
from vary.plan.runner import Runner
from vary.sample import Array
from vary.transforms.base import Column

if TYPE_CHECKING:
    from collections.abc import Collection

    from vary.plan.program import Template

__all__ = ["Range", "SampledBatch", "SampledPicture", "range_after", "range_before", "some_values"]

Range = tuple[Array, Array]  # the lowest and highest value: (1,), or (colours,) for each colour

MOST_CHECKED = 8  # channels that are checked
SAMPLED_SIDE = 32  # rows and columns that are sampled of a picture: at most this many; of a larger one, at least half
CONSTANT = 0.02  # a picture is nearly constant if its values span at most this part of the range
ENDS = 0.004  # the part of the range at either end in which values count as saturated
ROBUST = 0.02  # share of the values at either end that may be outliers


class SampledPicture(NamedTuple):
    """Some values of a picture, (values, colours), and the range that they are expected to have, low to high."""

    low: Array
    high: Array
    values: Array

    @property
    def spread(self) -> float:
        """The part of the range that the values cover without outliers; of several colours, the largest part."""
        low, high = _quantiles(self.values, ROBUST, 1 - ROBUST)
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
        """How much of the values' own range is lost if the `lowest` share of the values and the `highest` share become
        one value each. It is little if these are a plain background."""
        shares = ROBUST, max(lowest, ROBUST), min(1 - highest, 1 - ROBUST), 1 - ROBUST
        low, end_of_lowest, begin_of_highest, high = map(float, _quantiles(self.values.ravel(), *shares))
        return (end_of_lowest - low + high - begin_of_highest) / max(high - low, 1e-9)


def _quantiles(values: Array, *shares: float) -> list[Array]:
    """The quantiles of each column at these shares."""
    ordered, last = np.sort(values, axis=0), len(values) - 1
    return [ordered[round(share * last)] for share in shares]


class SampledBatch:
    """Some pictures of a batch. Their values are computed when they are first needed."""

    def __init__(self, template: Template, request: Request, places: list[int]) -> None:
        self.template = template
        pictures, outputs = request.inputs[0], (Output(empty=_empty),)
        if isinstance(pictures, Parts):
            pictures = pictures._replace(places=pictures.places[places])
        else:
            pictures = [pictures[place] for place in places]
        self._request = Request((pictures,), request.address.part(places), outputs, decode=request.decode)
        self._known: dict[bool, list[Array]] = {}

    def values(self, geometry: bool = False) -> list[Array]:
        """For each picture (values, colours): of the input, or of the input after the policy's geometry."""
        if geometry not in self._known:
            runner = Runner(_sampling(self.template, geometry))
            made: Array = np.zeros((len(self._request.address.indices), 1, 1, 1), np.uint8)
            failures: list[Failure] = []
            with suppress(VaryError):  # if it fails, the pictures count as black, and nothing is reported
                result = runner.batch(self._request)
                (made,), failures = result.arrays, result.failures
            for failure in failures:
                made[failure.place] = 0
            self._known[geometry] = [some_values(picture.T) for picture in made]
        return self._known[geometry]

    def picture(self, place: int, geometry: bool = False) -> SampledPicture:
        return SampledPicture(*range_before(self.template), self.values(geometry)[place])

    def is_drawn(self, ops: Collection[str]) -> bool:
        """Does any of these instructions, or a function, depend on a draw?"""
        some = [i for i in possible(self.template) if i.op in (*ops, "call", "order")]
        return any(i.gate >= 0 or any(isinstance(argument, Column) for argument in i.args) for i in some)


def _sampling(template: Template, geometry: bool) -> Template:
    """A template that samples a picture at a small size, unchanged or after the geometry of `template`."""
    kept = [i for i in template.instructions if i.op in MAPS] if geometry else []
    settings = template.settings._replace(interpolation="nearest", antialias=False)
    names = (*template.names, f"Resize({SAMPLED_SIDE}, {SAMPLED_SIDE})")
    resize = Instruction("resize", (float(SAMPLED_SIDE), float(SAMPLED_SIDE), 0.0), -1, len(names))
    return template._replace(settings=settings, instructions=(*kept, resize), functions=(), rescales=False, names=names)


def _empty(shape: tuple[int, ...], dtype: str) -> Array:
    """A plain array, because the memory that is reused for batches should not grow for a check."""
    return np.empty(shape, dtype)


def some_values(picture: Array) -> Array:
    """Evenly spaced pixels of a picture (channels, H, W), without alpha: (values, colours) float32."""
    colours = picture[checked_channels(len(picture))]
    steps = [slice(None, None, -(-side // SAMPLED_SIDE)) for side in colours.shape[1:]]
    return colours[(slice(None), *steps)].reshape(len(colours), -1).T.astype(np.float32)


def checked_channels(channels: int) -> slice:
    """The channels that are checked: all but alpha; of many, some that are evenly spaced."""
    return slice(3) if MEANINGS.get(channels) == "RGBA" else slice(None, None, -(-channels // MOST_CHECKED))


def range_before(template: Template) -> Range:
    """The value range of the inputs."""
    low, high = template.value_range
    return np.array([low]), np.array([high])


def range_after(template: Template) -> Range | None:
    """The range that results should have; None if it is not the same for all pictures, or not known because a function
    made floats of floats, such as a standardisation."""
    ends, floats = np.array(template.value_range)[:, None], False
    for i in possible(template):
        if i.op == "call" and floats:
            return None
        if i.op in ("rescale", "normalize"):
            if i.gate >= 0:
                return None
            half, floats = len(i.args) // 2, True
            ends = ends * i.args[0] + i.args[1] if i.op == "rescale" else (ends - i.args[:half]) / i.args[half:]
    some = checked_channels(template.channels) if ends.shape[1] > 1 else slice(None)
    return ends.min(axis=0)[some], ends.max(axis=0)[some]
