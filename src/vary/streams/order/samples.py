"""An epoch is n * repeat slots; each belongs to a sample, and says which of its repetitions it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError
from vary.rng import integer
from vary.sources import class_ids

if TYPE_CHECKING:
    from vary.sources import Indexed

__all__ = ["UNIT", "Slots", "cumulate", "weights_of"]

UNIT = 1 << 24
"""Parts of a slot in which expectations are kept: as integers, so that every epoch adds up to exactly its slots."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Slots:
    """How often each of n samples comes in an epoch, which is `repeat` times on average.

    ends: with weights, (n,) int64: the slots that samples 0 .. i may expect together, in parts of `UNIT`.
    numbers: of a subset, (n,) int64: the indices of its samples in the whole source.
    """

    n: int
    repeat: int = 1
    ends: Array | None = None
    numbers: Array | None = None

    @property
    def count(self) -> int:
        return self.n * self.repeat

    @property
    def most(self) -> int:
        """How often a sample may come."""
        if self.ends is None:
            return self.repeat
        return -int(-np.diff(self.ends, prepend=0).max() // UNIT)

    @property
    def eligible(self) -> Array | None:
        """Indices in the whole source of the samples that can occur, ascending; None: all."""
        found = None if self.ends is None else np.flatnonzero(np.diff(self.ends, prepend=0) > 0)
        return found if self.numbers is None else np.sort(self.numbers if found is None else self.numbers[found])

    def samples(self, slots: Array, seed: int, epoch: int) -> tuple[Array, Array]:
        """(indices in the whole source, views) of these slots, (m,) int64: the k-th slot of a sample is its view k."""
        indices, views = self._places(slots, seed, epoch)
        return indices if self.numbers is None else self.numbers[indices], views

    def _places(self, slots: Array, seed: int, epoch: int) -> tuple[Array, Array]:
        """As `samples`, but with indices in the subset, 0 .. n - 1.

        Weighted, this is systematic sampling: slots are the whole numbers on the line of `ends`, shifted by one draw
        an epoch, so that a sample gets the floor or the ceiling of what it may expect, and on average just that.
        """
        if self.ends is None:
            indices, views = np.divmod(slots, self.repeat)
            return indices, views
        shift = integer(UNIT, seed, epoch, "weights")
        indices = np.searchsorted(self.ends, (slots + 1) * UNIT - shift)
        before = np.where(indices > 0, self.ends[indices - 1], 0)
        return indices, slots - (before + shift) // UNIT


def cumulate(weights: Array, slots: int) -> Array:
    """`Slots.ends` for these weights. One below 2^-24 slots may be lost: its sample never comes."""
    sums = np.cumsum(weights)
    ends: Array = np.rint(sums / sums[-1] * (slots * float(UNIT))).astype(np.int64)
    return ends


def weights_of(weights: object, source: Indexed) -> Array:
    """What was given as weights=, one float64 a sample."""
    n = len(source)
    if isinstance(weights, str):
        if weights != "balanced":
            raise InputError(f'weights={weights!r}; give "balanced", or one number a sample')
        _, ids, counts = np.unique(_class_ids(source), return_inverse=True, return_counts=True)
        balanced: Array = 1 / counts[ids]
        return balanced
    try:
        found = np.asarray(weights, np.float64)
    except (TypeError, ValueError):
        raise InputError(f'weights={weights!r}; give one number a sample, or "balanced"') from None
    if found.shape != (n,):
        raise InputError(f"weights has shape {found.shape} and the source {n} samples; give one number a sample")
    wrong = np.flatnonzero(~((found >= 0) & (found < np.inf)))
    if wrong.size:
        raise InputError(f"weights[{wrong[0]}]={found[wrong[0]]}; give numbers of at least 0")
    if not 0 < found.sum() < np.inf:
        raise InputError(f"weights add up to {found.sum()}; give some sample a number above 0, and none a huge one")
    return found


def _class_ids(source: Indexed) -> Array:
    ids = class_ids(source)
    if ids is not None:
        return ids
    raise InputError(
        f'weights="balanced" goes by class ids, a field "labels" with a whole number a sample; this source has '
        f"{', '.join(source.fields)}; give weights=[...], one number a sample"
    )
