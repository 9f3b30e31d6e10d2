"""`order=` of `vary.stream`: the samples of an epoch by a function of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError, brief, stopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from vary.streams.options import Options

__all__ = ["GivenOrder"]

KEPT = 4  # epochs whose order is kept: that under way, the next one, and those of other iterations

Array = np.ndarray[Any, Any]


class GivenOrder:
    """`Samples` by a function: epoch -> indices, in order. It is called once for each epoch, in each process."""

    def __init__(self, function: Callable[[int], Any], n: int, numbers: Array | None, limit: int) -> None:
        """limit: how often a sample may come in an epoch."""
        self.n, self.numbers, self._limit = n, numbers, limit
        self.function = function
        self._known: dict[int, tuple[Array, Array]] = {}

    def count(self, epoch: int) -> int:
        return len(self._of(epoch)[0])

    def most(self, epoch: int) -> int:
        return int(self._of(epoch)[1].max()) + 1

    def eligible(self, epoch: int) -> Array | None:
        return np.unique(self._whole(self._of(epoch)[0]))

    def samples(self, options: Options, epoch: int) -> Callable[[Array], tuple[Array, Array]]:  # noqa: ARG002
        indices, repeats = self._of(epoch)
        indices = self._whole(indices)
        return lambda positions: (indices[positions], repeats[positions])

    def _whole(self, indices: Array) -> Array:
        """As indices in the whole source."""
        return indices if self.numbers is None else self.numbers[indices]

    def _of(self, epoch: int) -> tuple[Array, Array]:
        """The indices of this epoch, and that each is the k-th of the same."""
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
        except StopIteration as error:  # in an iterator, it would end the epochs as if all had come
            raise stopped(f"order({epoch})") from error
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

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_known": {}}


def _repeats(indices: Array) -> Array:
    """(m,) int64: how often the same index comes before."""
    by_index = np.argsort(indices, kind="stable")
    ordered = indices[by_index]
    starts = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 1))
    repeats = np.empty(len(indices), np.int64)
    repeats[by_index] = np.arange(len(indices)) - starts.repeat(np.diff(starts, append=len(indices)))
    return repeats
