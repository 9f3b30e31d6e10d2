"""Images that were read, kept in memory within the budget of all of vary's caches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vary.streams.cache.budget import BUDGET

if TYPE_CHECKING:
    from collections.abc import Hashable

    from vary.sample import Array

__all__ = ["Kept"]


class Kept:
    """Images by key. It is empty after pickling. Threads may share it.

    most, ranks, demand, held: what the budget needs to know, see `Cache` in streams/cache/budget.py.
    """

    most: int | None = None
    ranks = 1

    def __init__(self, size: int) -> None:
        """size: bytes of an image, about."""
        self._size = size
        self._begin()

    def _begin(self) -> None:
        self.held = self.demand = 0
        self._images: dict[Hashable, Array] = {}
        BUDGET.add(self)

    def expect(self, count: int) -> None:
        """There will be this many images."""
        self.demand = count * self._size

    def get(self, key: Hashable) -> Array | None:
        return self._images.get(key)

    def put(self, key: Hashable, image: Array) -> None:
        """Keep an image, if the budget allows."""
        with BUDGET.lock:
            if key not in self._images and self.held + image.nbytes <= BUDGET.limit_locked(self):
                self.held += image.nbytes
                self._images[key] = image

    def __getstate__(self) -> dict[str, object]:
        return {"_size": self._size}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._begin()
