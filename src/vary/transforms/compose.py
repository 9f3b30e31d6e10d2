"""Transforms made of transforms. Which ones run is drawn like any number, so a skipped branch costs nothing and
changes nobody else's draws."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from vary.transforms.base import REQUIRED, Field, Lowering, Transform, field, number

__all__ = ["OneOf", "SomeOf", "Sometimes", "several"]


def several(doc: str) -> Any:
    """A field that holds transforms."""

    def parse(value: Any) -> tuple[Transform, ...]:
        if isinstance(value, Transform):
            value = (value,)
        if isinstance(value, str) or not isinstance(value, Iterable):
            raise ValueError(f"{value!r} is not a list of transforms")
        found = tuple(value)
        for item in found:
            if not isinstance(item, Transform):
                if isinstance(item, type) and issubclass(item, Transform):
                    raise ValueError(f"{item.__name__} is a class, not a transform; call it: add ()")
                raise ValueError(f"{item!r} is not a transform")
        return found

    return Field(parse, doc, REQUIRED, lambda random: ())


def _weights(value: Any) -> tuple[float, ...] | None:
    if value is None:
        return None
    weights = tuple(map(number, value))
    if not weights or not all(0 <= w < math.inf for w in weights) or sum(weights) <= 0:
        raise ValueError(f"{value!r} must hold finite numbers of at least 0, not all 0")
    return weights


def weights(doc: str) -> Any:
    return Field(_weights, doc, None, lambda random: None)


class Sometimes(Transform):
    """All of the transforms with probability p, else none of them."""

    transforms: Sequence[Transform] = several("a list of transforms, or one")
    p: float = field("probability of being applied", within=(0, 1), default=0.5, kw_only=True)

    def children(self) -> Iterator[Transform]:
        yield from self.transforms

    def lower(self, to: Lowering) -> None:
        for child in self.transforms:
            to.child(child)


class OneOf(Transform):
    """Exactly one of the transforms, chosen evenly or by `weights`; the chosen one's own `p` still holds."""

    transforms: Sequence[Transform] = several("a list of transforms")
    weights: Sequence[float] | None = weights("a list of numbers, one a transform; None: all alike")

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


def _count(value: Any) -> tuple[int, int]:
    low, high = value if isinstance(value, (list, tuple)) and len(value) == 2 else (value, value)
    if isinstance(low, bool) or int(low) != low or int(high) != high or not 0 <= low <= high:
        raise ValueError(f"{value!r} is not a whole number or a pair (fewest, most) of them")
    return int(low), int(high)


def count(doc: str) -> Any:
    return Field(_count, doc, REQUIRED, lambda random: (0, 0))


class SomeOf(Transform):
    """A number of the transforms, all different, in listed order; each chosen one's own `p` still holds."""

    n: int | tuple[int, int] = count("how many: a whole number, or a pair (fewest, most)")
    transforms: Sequence[Transform] = several("a list of transforms")

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
