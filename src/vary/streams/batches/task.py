"""All that the batches of one epoch depend on, their positions aside; and how work on their samples is shared out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from vary.sources import Adapted, Arrays
from vary.streams.views import numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.plan.findings import Finding
    from vary.plan.run import Runner
    from vary.plan.watch import Watch
    from vary.sources import Indexed
    from vary.streams.cache.memory import Store
    from vary.streams.options import Options
    from vary.streams.views import ViewSpec

__all__ = ["Inline", "Check", "Empty", "Executor", "Opened", "Task"]

Array = np.ndarray[Any, Any]
Empty = Callable[[tuple[int, ...], bool], Array]
"""Makes an array for outputs, with anything in it: of this shape, of float32 or else uint8."""
Check = Callable[[], None]


class Opened(NamedTuple):
    """Some pictures, with what that took; in place of one that is left out, why."""

    pictures: list[Any]  # Array | bytes of a JPEG | Encoded | DecodeError | SourceError
    read: int = 0  # nanoseconds
    decode: int = 0


class Executor(Protocol):
    """Threads that help with a batch."""

    def spread(self, work: Callable[[Sequence[Any], Check], Opened], items: Sequence[Any], portion: int) -> Opened:
        """Have `work` done on `items`, `portion` of them at once, by one thread or by several."""

    def check(self) -> None:
        """To be called now and then: raises where nobody wants the batch any more."""


class Inline:
    """The executor of whoever asks."""

    def spread(self, work: Callable[[Sequence[Any], Check], Opened], items: Sequence[Any], _: int) -> Opened:
        return work(items, self.check)

    def check(self) -> None: ...


@dataclass(frozen=True)
class Task:
    """Abstract, see `make.StreamJob`: shared by the threads of an iteration, changed by none of them."""

    source: Indexed
    specs: tuple[tuple[ViewSpec, Runner], ...]
    options: Options
    epoch: int
    count: int  # positions in the epoch
    order: Callable[[Array], tuple[Array, Array]]  # positions -> indices, and which of its repetitions each is
    files: bool  # does the source hold files, and not arrays?
    store: Store | None
    eligible: Array | None = None  # indices that may stand in for broken ones, ascending; None: all
    empty: Empty | None = None  # where batches are made, if not in memory like any
    watches: tuple[Watch, ...] = ()  # one for each of `specs`

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Mistakes of values so far, with the name of the policy if there are several."""
        names = [f"policy[{spec.field!r}]" if len(self.specs) > 1 else "" for spec, _ in self.specs]
        found = [(name, one) for name, watch in zip(names, self.watches, strict=True) for one in watch.findings]
        return tuple(one.of(name) if name else one for name, one in found)

    @property
    def channels(self) -> int:
        return self.specs[0][1].template.channels

    @property
    def whole(self) -> Array | None:
        """The array that all pictures are parts of, where there is one."""
        return self.source.whole if isinstance(self.source, Adapted | Arrays) else None

    @property
    def light(self) -> bool:
        """Made of one array and by no user function: those of few bytes take little time, and hardly fail."""
        one_call = all(len(runner.stages) == 1 for _, runner in self.specs)
        return self.whole is not None and one_call and self.options.on_error == "raise"

    @property
    def each(self) -> int:
        """Pictures made of one."""
        return numbers([spec for spec, _ in self.specs])

    @property
    def held(self) -> int:
        """Bytes in the store."""
        return 0 if self.store is None else self.store.held
