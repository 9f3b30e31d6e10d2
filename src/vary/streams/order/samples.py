"""Which samples occur in an epoch, and in which order: position -> sample and its repetition.

`Slots`: an epoch has n * repeat slots. A shuffle maps positions to slots; arithmetic maps a slot to a sample, and to
which of that sample's repetitions it is. `GivenOrder`: the user's function gives the samples of an epoch (`order=`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from vary.errors import InputError, brief, stop_iteration_error
from vary.rng import integer
from vary.sample import Array
from vary.sources import class_ids
from vary.streams.order.shuffle import order

if TYPE_CHECKING:
    from collections.abc import Callable

    from vary.sources import Indexed
    from vary.streams.options import Options

__all__ = ["ENDLESS", "UNIT", "GivenOrder", "InOrder", "Samples", "Slots", "Window", "cumulate", "weights_of"]

UNIT = 1 << 24
"""Expected numbers of slots are integers, in units of 1 / UNIT slot, so that they add up to exactly the slots of an
epoch."""
ENDLESS = 1 << 62
"""Positions in an epoch of unknown length."""
KEPT = 4  # epochs whose given order is kept: the present one, the next one, and those of other iterations


class Samples(Protocol):
    """Which samples occur in an epoch, in which order."""

    @property
    def n(self) -> int:
        """Samples of the source, or of the subset of one."""

    @property
    def numbers(self) -> Array | None:
        """For a subset, (n,) int64: the indices of its samples in the whole source; else None."""

    def count(self, epoch: int) -> int:
        """Positions in the epoch."""

    def max_repeats(self, epoch: int) -> int:
        """The most times that one sample occurs in the epoch."""

    def eligible(self, epoch: int) -> Array | None:
        """Indices in the whole source of the samples that can occur, ascending; None: all."""

    def samples(self, options: Options, epoch: int) -> Callable[[Array], tuple[Array, Array]]:
        """A function from (m,) int64 positions to (indices in the whole source, repetitions), (m,) int64 each.
        The first time that a sample occurs in an epoch is its repetition 0."""


@dataclass(frozen=True, eq=False)
class Slots:
    """`Samples` by repeat= and weights=: each of n samples occurs `repeat` times on average.

    ends: with weights, (n,) int64: the expected slots of samples 0 .. i together, times `UNIT`.
    numbers: for a subset, (n,) int64: the indices of its samples in the whole source.
    """

    n: int
    repeat: int = 1
    ends: Array | None = None
    numbers: Array | None = None

    def count(self, epoch: int) -> int:  # noqa: ARG002
        return self.n * self.repeat

    def max_repeats(self, epoch: int) -> int:  # noqa: ARG002
        if self.ends is None:
            return self.repeat
        return -int(-np.diff(self.ends, prepend=0).max() // UNIT)

    def eligible(self, epoch: int) -> Array | None:  # noqa: ARG002
        found = None if self.ends is None else np.flatnonzero(np.diff(self.ends, prepend=0) > 0)
        return found if self.numbers is None else np.sort(self.numbers if found is None else self.numbers[found])

    def samples(self, options: Options, epoch: int) -> Callable[[Array], tuple[Array, Array]]:
        block = options.shuffle_block_size and options.shuffle_block_size * self.repeat
        slot_at = order(self.count(epoch), options.seed, epoch, options.shuffle, block)

        def at(positions: Array) -> tuple[Array, Array]:
            indices, views = self._of(slot_at(positions), options.seed, epoch)
            return indices if self.numbers is None else self.numbers[indices], views

        return at

    def _of(self, slots: Array, seed: int, epoch: int) -> tuple[Array, Array]:
        """The sample of each slot, 0 .. n - 1, and which of this sample's slots it is, counted from 0.

        With weights, this is systematic sampling: slots are the whole numbers on the line of `ends`, shifted by one
        random number for each epoch. So a sample has its expected number of slots, rounded down or up, and on
        average exactly that number.
        """
        if self.ends is None:
            indices, views = np.divmod(slots, self.repeat)
            return indices, views
        shift = integer(UNIT, seed, epoch, "weights")
        indices = np.searchsorted(self.ends, (slots + 1) * UNIT - shift)
        before = np.where(indices > 0, self.ends[indices - 1], 0)
        return indices, slots - (before + shift) // UNIT


class InOrder:
    """`Samples` of a source whose rows come in their order alone: see `SequentialJob`."""

    n, numbers = 0, None

    def count(self, epoch: int) -> int:  # noqa: ARG002
        return ENDLESS

    def max_repeats(self, epoch: int) -> int:  # noqa: ARG002
        return 1

    def eligible(self, epoch: int) -> Array | None:  # noqa: ARG002
        return None

    def samples(self, options: Options, epoch: int) -> Callable[[Array], tuple[Array, Array]]:  # noqa: ARG002
        """Row numbers in their order. The job shuffles them when they have come."""
        return lambda positions: (positions, np.zeros(len(positions), np.int64))


class GivenOrder:
    """`Samples` by the user's function: epoch -> indices, in order. Called once for each epoch in each process."""

    def __init__(self, function: Callable[[int], object], n: int, numbers: Array | None, limit: int) -> None:
        """limit: how often a sample may occur in an epoch."""
        self.n, self.numbers, self._limit = n, numbers, limit
        self.function = function
        self._known: dict[int, tuple[Array, Array]] = {}

    def count(self, epoch: int) -> int:
        return len(self._of(epoch)[0])

    def max_repeats(self, epoch: int) -> int:
        return int(self._of(epoch)[1].max()) + 1

    def eligible(self, epoch: int) -> Array | None:
        return np.unique(self._whole(self._of(epoch)[0]))

    def samples(self, options: Options, epoch: int) -> Callable[[Array], tuple[Array, Array]]:  # noqa: ARG002
        indices, repeats = self._of(epoch)
        indices = self._whole(indices)
        return lambda positions: (indices[positions], repeats[positions])

    def _whole(self, indices: Array) -> Array:
        """These indices of a subset, as indices in the whole source."""
        return indices if self.numbers is None else self.numbers[indices]

    def _of(self, epoch: int) -> tuple[Array, Array]:
        """(indices, repeats) of this epoch: repeats[i] is how often indices[i] occurred before."""
        found = self._known.get(epoch)
        if found is None:
            indices = self._indices(epoch)
            found = indices, _repeats(indices)
            if (often := int(found[1].max()) + 1) > self._limit:
                raise InputError(f"order({epoch}) gave an index {often} times; give it {self._limit} times at most")
            for old in list(self._known)[: 1 - KEPT]:
                self._known.pop(old, None)
            self._known[epoch] = found
        return found

    def _indices(self, epoch: int) -> Array:
        try:
            given = self.function(epoch)
        except StopIteration as error:  # in an iterator, it would end the epochs early without an error
            raise stop_iteration_error(f"order({epoch})") from error
        seen = f"order({epoch}) gave {brief(given) if isinstance(given, list | tuple) else type(given).__name__}"
        cure = f"give a list or 1-D array of indices of samples, 0 .. {self.n - 1}"
        try:
            found = np.asarray(given)
        except (TypeError, ValueError):
            found = np.zeros(0)
        if found.ndim != 1 or found.dtype.kind not in "iu" or not len(found):
            shape = f", of shape {found.shape} and dtype {found.dtype}" if found.size else ""
            raise InputError(f"{seen}{shape}; {cure}, at least one")
        wrong = np.flatnonzero((found < 0) | (found >= self.n))
        if wrong.size:
            raise InputError(f"order({epoch}) gave {found[wrong[0]]} at place {wrong[0]}; {cure}")
        return found.astype(np.int64)

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_known": {}}


def _repeats(indices: Array) -> Array:
    """(m,) int64: how often each index occurred before."""
    by_index = np.argsort(indices, kind="stable")
    ordered = indices[by_index]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    repeats = np.empty(len(indices), np.int64)
    repeats[by_index] = np.arange(len(indices)) - starts.repeat(np.diff(starts, append=len(indices)))
    return repeats


def cumulate(weights: Array, slots: int) -> Array:
    """`Slots.ends` for these weights. A sample whose expected number of slots is below 2^-24 may never occur."""
    sums = np.cumsum(weights)
    ends: Array = np.rint(sums / sums[-1] * (slots * float(UNIT))).astype(np.int64)
    return ends


def weights_of(weights: object, source: Indexed) -> Array:
    """weights= as one float64 for each sample."""
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


@dataclass(frozen=True, eq=False)
class Window:
    """`Samples` of a part of each epoch: `length` positions from position `first` on, as `whole` has them.

    is_fixed: in the order that epoch 0 has, in all epochs.
    """

    whole: Samples
    first: int = 0
    length: int | None = None  # None: to the end
    is_fixed: bool = False

    @property
    def n(self) -> int:
        return self.whole.n

    @property
    def numbers(self) -> Array | None:
        return self.whole.numbers

    def count(self, epoch: int) -> int:
        left = max(0, self.whole.count(self._of(epoch)) - self.first)
        return left if self.length is None else min(self.length, left)

    def max_repeats(self, epoch: int) -> int:
        return self.whole.max_repeats(self._of(epoch))

    def eligible(self, epoch: int) -> Array | None:
        return self.whole.eligible(self._of(epoch))

    def samples(self, options: Options, epoch: int) -> Callable[[Array], tuple[Array, Array]]:
        at = self.whole.samples(options, self._of(epoch))
        return lambda positions: at(positions + self.first)

    def _of(self, epoch: int) -> int:
        return 0 if self.is_fixed else epoch
