"""What the frameworks have in common: an iterable over a stream's epochs, and batches with other arrays in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vary.streams.workers.threads import ForkLock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vary.streams import Batch, Mixed, Stream
    from vary.streams.iteration import Iteration
    from vary.streams.options import Options
    from vary.streams.state import Term

__all__ = ["Converted", "Handed", "ranked", "with_arrays"]

Convert = "Callable[[Batch], Batch]"


def with_arrays(batch: Batch, arrays: Sequence[Any]) -> Batch:  # Any: the framework's arrays
    """The same batch with other arrays; the other attributes stay."""
    made = tuple.__new__(type(batch), arrays)
    vars(made).update(vars(batch), _schema=None)  # which says how NumPy arrays are shown
    return made


def ranked(options: Options, rank: int, ranks: int) -> Options:
    """The options of one of several processes, which the framework has counted. A shard that the user gave counts
    more."""
    return options if ranks < 2 or options.shard is not None else replace(options, shard=(rank, ranks))


class Handed:
    """Abstract: the epochs of a stream as a framework gets them. It is the stream's own count of epochs."""

    def __init__(self, stream: Stream | Mixed) -> None:
        self.stream = stream

    def _options(self) -> Options:
        """The stream's options, with the shard of this process."""
        raise NotImplementedError

    def _converter(self) -> Callable[[Batch], Batch]:
        """NumPy batch -> batch of the framework, for one iteration."""
        raise NotImplementedError

    def __iter__(self) -> Converted:
        """The next epoch. It begins with its first batch: an iterator that is not used is no epoch."""
        return Converted(self._begin, self._converter())

    def _begin(self) -> Iteration:
        return self.stream._begin(self._options())

    def __len__(self) -> int:
        """Batches in the next epoch, in this process's share."""
        return self._options().batches(self.stream._known_count(self.stream.epoch))

    @property
    def epoch(self) -> int:
        """The number of the next iteration's epoch."""
        return self.stream.epoch

    def set_epoch(self, epoch: int) -> None:
        """Make the next iteration this epoch, from its beginning. Without it, each iteration is the next one."""
        self.stream.set_epoch(epoch)

    def state_dict(self) -> dict[str, Term]:
        """The state of the stream: where the next batch of the latest iteration begins."""
        return self.stream.state_dict()

    def load_state_dict(self, state: Mapping[str, Term]) -> None:
        """Make the next iteration continue where the state was saved, as `Stream.load_state_dict`."""
        self.stream.load_state_dict(state)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.stream!r})"


class Converted:
    """The iterator over one epoch. `len` is the number of batches that are left. Threads may share it."""

    def __init__(self, begin: Callable[[], Iteration], convert: Callable[[Batch], Batch]) -> None:
        self._begin, self._convert = begin, convert
        self._iteration: Iteration | None = None
        self._lock = ForkLock()  # guards the beginning

    def begun(self) -> Iteration:
        """The stream's iteration, begun now if this is the first need of it."""
        with self._lock:
            if self._iteration is None:
                self._iteration = self._begin()
            return self._iteration

    def __iter__(self) -> Converted:
        return self

    def __next__(self) -> Batch:
        return self._convert(next(self.begun()))

    def __len__(self) -> int:
        return len(self.begun())

    def close(self) -> None:
        """End it now. Dropping the iterator does the same."""
        if self._iteration is not None:
            self._iteration.close()
