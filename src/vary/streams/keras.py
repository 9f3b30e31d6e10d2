"""`model.fit(stream)`: makes a stream work as a `keras.utils.PyDataset`. Keras is not imported here.

Keras requests batches of a PyDataset by number: in an order that it shuffles itself, sometimes only to learn their
shapes, and on TensorFlow or an accelerator some steps ahead of training. A `Feed` answers with the batches of one
iteration, in the stream's order. It reads Keras' own count of steps, so that `state_dict()` counts only batches that
were trained on. This needs private attributes of Keras (`NEEDED`).
"""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from vary.errors import InputError

if TYPE_CHECKING:
    from types import FrameType

    from vary.streams.batch import Batch
    from vary.streams.epochs import Epochs
    from vary.streams.iteration import Iteration
    from vary.streams.state import Place, Term

__all__ = [
    "Feed",
    "asks_length",
    "begin",
    "check_version",
    "class_seen",
    "counts_steps",
    "end",
    "epoch_iterator",
    "is_keras",
    "keep_order",
    "packed",
    "restarts",
    "step_counter",
]

WEIGHTS = ("sample_weight", "sample_weights", "weight", "weights")
NEEDED = ("data_adapter", "steps_per_epoch", "_steps_seen", "_current_iterator", "_num_batches")
CURE = "give fit a generator of (images, labels) and steps_per_epoch=len(stream), or install Keras 3.8 or newer"
DEPTH = 6  # most calls between Keras' loop over an epoch and the functions here


def class_seen(kind: type, needs: str = "on_epoch_begin") -> type:
    """The `__class__` that a stream of this class shows: derived from PyDataset, too, once Keras has been imported.

    needs: a method that PyDataset must have; an older Keras does not announce that epochs begin.
    """
    base = _base()
    return _derived(kind, base) if hasattr(base, needs) else kind


def _base() -> Any:
    """Keras' PyDataset; None if Keras has not been imported, or has none. `Any`: Keras may be absent."""
    return getattr(getattr(sys.modules.get("keras"), "utils", None), "PyDataset", None)


def check_version() -> None:
    """`InputError` if the Keras that has been imported cannot use streams."""
    imported = sys.modules.get("keras")
    if imported is not None and not hasattr(_base(), "on_epoch_begin"):
        version = getattr(imported, "__version__", "of unknown version")
        raise InputError(f"Keras {version} does not announce epochs to its data; {CURE}")


@cache
def _derived(kind: type, base: type) -> type:
    return type(kind.__name__, (kind, base), {"__module__": kind.__module__, "__doc__": kind.__doc__})


def is_keras(caller: FrameType) -> bool:
    return str(caller.f_globals.get("__name__")).partition(".")[0] == "keras"


def packed(batch: Batch, pictures: int) -> tuple[object, ...]:
    """(x,), (x, y) or (x, y, sample_weight), as Keras expects. x or y of several fields is a dict by field names.

    pictures: how many fields hold pictures; they come first.
    """
    fields = dict(zip(batch.fields, batch, strict=True))
    names = list(fields)
    x, y = ({name: fields[name] for name in some} for some in (names[:pictures], names[pictures:]))
    weights = [y.pop(name) for name in WEIGHTS if name in y and len(y) > 1][:1]
    return (*(next(iter(part.values())) if len(part) == 1 else part for part in (x, y) if part), *weights)


class Feed:
    """The batches of one iteration of the stream, and how many of them Keras has trained on.

    Made and ended in the thread that trains; `batch` may be called from other threads, as TensorFlow does.
    """

    def __init__(self, steps: Any, iteration: Iteration) -> None:
        """steps: Keras' EpochIterator, whose `_steps_seen` counts the batches that were trained on. `Any`: Keras may be
        absent."""
        self.steps = steps
        self.iteration = iteration
        self.total = len(iteration)
        self.given = 0
        self.is_open = True  # within one of Keras' epochs
        self.is_done = False  # all batches were trained on
        self.start = replace(iteration._place)
        self._first: Batch | None = None  # kept until the second batch, because Keras may request the first twice
        self._places = {
            0: self.start
        }  # number of batches trained on -> where the next one begins; old entries are removed
        self._lock = threading.Lock()

    @property
    def place(self) -> Place:
        """The position of the first batch that was not trained on."""
        used = self.given if self.is_done else min(self.steps._steps_seen, self.given)
        return self._places.get(used, self.start)

    def state_dict(self) -> dict[str, Term]:
        return self.place.state_dict()

    def batch(self, epochs: Epochs, number: int) -> Batch | None:
        """The next batch if `number` is its number, else None."""
        with self._lock:
            if number != self.given:
                return None
            batch = self._first if number == 0 else None
            batch = self._next(epochs) if batch is None else batch
            self._first = batch if number == 0 else None
            for used in [used for used in self._places if used < self.steps._steps_seen]:
                del self._places[used]
            self.given += 1
            self._places[self.given] = replace(self.iteration._place)
            return batch

    def _next(self, epochs: Epochs) -> Batch:
        """The next batch. If broken files left out whole batches, Keras gets batches of the next epoch instead."""
        while True:
            for batch in self.iteration:
                return batch
            self.iteration = iter(epochs)
            epochs._latest = self

    def continues(self) -> bool:
        """Does Keras' next epoch go on with this iteration? Yes before its first batch, or by `steps_per_epoch`."""
        steps = self.steps
        within = steps._steps_seen > 0 and steps._current_iterator is not None
        return self.given == 0 or (bool(steps.steps_per_epoch) and within)

    def rewind(self) -> bool:
        """Start again with the first batch; False if Keras has received later ones already."""
        if self._first is not None:
            self.given = 0
        return self.given == 0


def begin(epochs: Epochs, caller: FrameType) -> None:
    """Keras begins an epoch: with the rest of the last iteration, or with the next one of the stream."""
    steps = epoch_iterator(caller)
    if steps is None:
        raise InputError(f"this version of Keras uses a PyDataset in a way that vary does not know; {CURE}")
    steps.data_adapter.shuffle = False  # batch numbers in ascending order: the stream shuffles by itself
    feed, left = epochs._feed, None
    if feed is not None and feed.steps is steps and epochs._latest is feed:
        if feed.continues() and not feed.is_done:
            feed.is_open = True
            return
        left = feed.iteration if feed.is_done and len(feed.iteration) else None
    iteration = iter(epochs) if left is None else left
    while not len(iteration):  # resumed at the end of an epoch, of which no batch is left
        iteration = iter(epochs)
    epochs._feed = epochs._latest = feed = Feed(steps, iteration)
    steps._num_batches = feed.total  # of a resumed epoch, only the batches that are left


def end(epochs: Epochs, caller: FrameType) -> None:
    """Keras ends an epoch, or restarts it after it has requested the first batches only for their shapes."""
    feed, steps = epochs._feed, epoch_iterator(caller)
    if feed is None or feed.steps is not steps:
        return
    was_open, feed.is_open = feed.is_open, False
    restarted = restarts(steps)
    if restarted and was_open:
        if feed.rewind():
            return
        feed.iteration.close()
        if epochs._latest is feed:
            epochs._next = feed.start
    elif not restarted and steps._steps_seen and steps._current_iterator is not None:
        return  # steps_per_epoch ended Keras' epoch; the iteration goes on
    else:
        feed.is_done = not restarted
        if feed.is_done and len(feed.iteration):
            return
    if epochs._latest is feed:
        epochs._latest = feed.start if restarted else feed.place
    epochs._feed = None


def epoch_iterator(frame: FrameType | None) -> Any:
    """Keras' EpochIterator, found among the callers: only it counts the steps."""
    for _ in range(DEPTH):
        if frame is None:
            break
        found = frame.f_locals.get("self")
        if all(hasattr(found, name) for name in NEEDED):
            return found
        frame = frame.f_back
    return None


def restarts(steps: Any) -> bool:
    """Does this EpochIterator restart an epoch, after it has requested batches only for their shapes? Keras before 3.8
    does not say so."""
    known = all(hasattr(steps, name) for name in NEEDED)
    return known and steps._current_iterator is None and not steps._steps_seen


def step_counter(frame: FrameType | None) -> Any:
    """The object among the callers that has Keras' `steps_per_epoch`: an EpochIterator, of any version."""
    for _ in range(DEPTH):
        if frame is None:
            break
        found = frame.f_locals.get("self")
        if hasattr(found, "steps_per_epoch") and hasattr(found, "steps_per_execution"):
            return found
        frame = frame.f_back
    return None


def counts_steps(caller: FrameType, known: bool) -> bool:
    """Does Keras count its epochs by `steps_per_epoch`? known: the answer if no caller says.

    The function of Keras that warns of infinite data with shuffle=True, its default, gets False.
    """
    found = step_counter(caller)
    if found is None:
        return known
    return bool(getattr(found, "steps_per_epoch", 0)) and caller.f_code.co_name != "get_data_adapter"


def keep_order(caller: FrameType) -> None:
    """If the caller is a method of Keras' adapter of a PyDataset: make it request batches in ascending order."""
    adapter: Any = caller.f_locals.get("self")
    if hasattr(adapter, "py_dataset") and hasattr(adapter, "shuffle"):
        adapter.shuffle = False


def asks_length(caller: FrameType) -> bool:
    """Is the caller Keras before 3.3, which takes the length of a PyDataset as its number of batches?"""
    return is_keras(caller) and not hasattr(_base(), "num_batches")
