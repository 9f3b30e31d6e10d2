"""Transforms made of transforms. It is drawn which of them run; a branch that is skipped costs nothing and does not
change the draws of other transforms."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vary.transforms.base import (
    REGISTRY,
    REQUIRED,
    Lowering,
    Transform,
    custom,
    field,
    number,
    suggest,
    whole_number,
)

if TYPE_CHECKING:
    from random import Random

__all__ = ["OneOf", "SomeOf", "Sometimes"]

LIBRARIES = frozenset({"albumentations", "imgaug", "keras", "keras_cv", "keras_preprocessing", "kornia", "tensorflow",
                       "tf_keras", "torchvision"})  # fmt: skip
"""Packages for whose transforms an error names vary's. A class of any other package may be anything."""


def several(value: object) -> tuple[Transform, ...]:
    """Parser of a field that holds transforms."""
    if isinstance(value, Transform):
        value = (value,)
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError(f"{value!r} is not a list of transforms{_as_list(value)}")
    found = tuple(value)
    for place, item in enumerate(found):
        if not isinstance(item, Transform):
            raise ValueError(f"entry {place} is {_no_transform(item)}")
    return found


def empty(random: Random) -> tuple[Transform, ...]:  # noqa: ARG001
    """The sample value of such a field for property tests: no transforms, because the tests add their own."""
    return ()


def _as_list(item: object) -> str:
    """The cure if something other than a list was given."""
    if item is None:
        return "; the empty list, [], changes nothing"
    if isinstance(item, str):
        return f"; Policy.load({item!r}) reads a file" if item.endswith((".yaml", ".yml", ".json")) else ""
    kind = item if isinstance(item, type) else type(item)
    return f"; entry 0 would be {_no_transform(item)}, in a list: [...]" if issubclass(kind, Transform) else ""


def _no_transform(item: object) -> str:
    """Of an item that is not a transform: what it is instead, and the cure."""
    kind = item if isinstance(item, type) else type(item)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    if issubclass(kind, Transform):
        needed = ", ".join(name for name, field in kind.fields.items() if field.default is REQUIRED)
        return f"the class {kind.__name__}, not a transform; write {kind.__name__}({needed})"
    if inspect.isroutine(item) or isinstance(item, partial):
        called = getattr(item, "__name__", "function")
        return f"a function, not a transform; write Lambda({called if called.isidentifier() else 'function'})"
    if isinstance(item, (str, dict)):
        return f"of type {name}, a transform as in policy files; Policy.from_dict([...]) reads these"
    if isinstance(item, (list, tuple)):
        return f"of type {name}, not a transform; put what it holds into the outer list"
    own = ""
    if kind.__module__.partition(".")[0] in LIBRARIES:
        own = f"use vary.{kind.__name__}" if kind.__name__ in REGISTRY else suggest(kind.__name__, REGISTRY)
    what = "the class" if kind is item else "of type"
    return f"{what} {name}, not a transform of vary; {own or 'wrap your own function as Lambda(function)'}"


def _weights(value: object) -> tuple[float, ...] | None:
    if value is None:
        return None
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ValueError(f"{value!r} is not a list of numbers")
    weights = tuple(map(number, value))
    if not weights or not all(0 <= w < math.inf for w in weights) or sum(weights) <= 0:
        raise ValueError(f"{value!r} must hold finite numbers of at least 0, not all 0")
    return weights


class Sometimes(Transform):
    """All of the transforms with probability p, otherwise none of them."""

    transforms: Sequence[Transform] = custom("a list of transforms", several, samples=empty)
    p: float = field("probability of being applied", within=(0, 1), default=0.5, kw_only=True)

    def children(self) -> Iterator[Transform]:
        yield from self.transforms

    def lower(self, to: Lowering) -> None:
        for child in self.transforms:
            to.child(child)


class OneOf(Transform):
    """Exactly one of the transforms, equally likely or by `weights`. The chosen one is applied with its own `p`."""

    transforms: Sequence[Transform] = custom("a list of transforms", several, samples=empty)
    weights: Sequence[float] | np.ndarray | None = custom(
        "a list of numbers, one for each transform; None: equally likely", _weights, default=None
    )

    def check(self) -> None:
        if not self.transforms:
            self._refuse("needs at least one transform to choose from")
        if self.weights is not None and len(self.weights) != len(self.transforms):
            self._refuse(f"has {len(self.transforms)} transforms but {len(self.weights)} weights; give one weight each")

    def children(self) -> Iterator[Transform]:
        yield from self.transforms

    def lower(self, to: Lowering) -> None:
        weights = list(self.weights or [1.0] * len(self.transforms))
        for child, gate in zip(self.transforms, to.one_of(weights), strict=True):
            to.child(child, gate)


def _count(value: object) -> tuple[int, int]:
    if not isinstance(value, (list, tuple)):
        value = (value, value)
    low, high = (whole_number(one, (0, math.inf)) for one in value) if len(value) == 2 else (1, 0)
    if low > high:
        raise ValueError(f"{value!r} is not a whole number or a pair (fewest, most) of them")
    return low, high


class SomeOf(Transform):
    """`n` of the transforms, all different, in listed order. Each chosen one is applied with its own `p`."""

    n: int | tuple[int, int] = custom(
        "how many: a whole number, or a pair (fewest, most); 0 or more", _count, samples=lambda random: (0, 0)
    )
    transforms: Sequence[Transform] = custom("a list of transforms", several, samples=empty)

    def check(self) -> None:
        most = self.n[1]  # type: ignore[index]
        if most > len(self.transforms):
            self._refuse(f"cannot choose {most} of {len(self.transforms)} transforms; lower n or add transforms")

    def children(self) -> Iterator[Transform]:
        yield from self.transforms

    def lower(self, to: Lowering) -> None:
        counts: tuple[int, int] = self.n  # type: ignore[assignment]
        for child, gate in zip(self.transforms, to.some_of(counts, len(self.transforms)), strict=True):
            to.child(child, gate)
