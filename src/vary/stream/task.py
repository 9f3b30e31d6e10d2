"""All that the batches of one epoch depend on, their positions aside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from vary.stream.batch import make
from vary.stream.views import numbers

if TYPE_CHECKING:
    from collections.abc import Callable

    from vary.plan.run import Runner
    from vary.sources import Indexed
    from vary.stream.batch import Made
    from vary.stream.cache import Store
    from vary.stream.crew import Empty
    from vary.stream.options import Options
    from vary.stream.supply import Spread
    from vary.stream.views import Look

__all__ = ["Task"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Task:
    """Shared by the threads of an iteration, changed by none of them."""

    source: Indexed
    looks: tuple[tuple[Look, Runner], ...]
    options: Options
    epoch: int
    count: int  # positions in the epoch
    order: Callable[[Array], tuple[Array, Array]]  # positions -> indices, and which of its repetitions each is
    files: bool  # does the source hold files, and not arrays?
    store: Store | None
    eligible: Array | None = None  # indices that may stand in for broken ones, ascending; None: all
    empty: Empty | None = None  # where batches are made, if not in memory like any

    @property
    def channels(self) -> int:
        return self.looks[0][1].template.channels

    @property
    def each(self) -> int:
        """Pictures made of one."""
        return numbers([look for look, _ in self.looks])

    @property
    def held(self) -> int:
        """Bytes in the store."""
        return 0 if self.store is None else self.store.held

    def make(self, positions: Array, spread: Spread) -> Made:
        """The batch at these positions of the epoch."""
        return make(self, positions, spread)
