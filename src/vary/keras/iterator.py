"""`Iterator`, the base of Keras' image iterators: batches without an end by `next`, and by number for Keras.

By default, batch k of epoch e is a function of seed, e and k: neither threads, processes nor the order of requests
change it. With `compat`, NumPy's global generator is seeded with `seed` plus the number of batches so far, as the old
versions do it; batches are then made when they are requested.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from vary.errors import DecodeError, InputError, brief
from vary.keras.faces import Compat, face_of
from vary.keras.feed import Feed, Number
from vary.keras.maker import NO_MAKER, Maker
from vary.keras.seeds import drawn_seed
from vary.rng import check_address
from vary.sample import Array
from vary.streams import keras
from vary.streams.order.shuffle import order
from vary.streams.workers.threads import ForkLock

if TYPE_CHECKING:
    from collections.abc import Iterator as Generator
    from types import FrameType

    from vary.keras.maker import Draws

__all__ = ["Iterator"]

SMALL = 1 << 20  # bytes of a batch: smaller ones are made when they are requested
AHEAD = 2  # batches


class BatchIndexError(IndexError, ValueError):
    """There is no batch of this number. The original raises ValueError, sequences raise IndexError."""


class Iterator:
    """Abstract: a subclass defines `_get_batches_of_transformed_samples(index_array)`.

    n: number of samples. batch_size: samples in a batch; the last one of an epoch may have fewer. shuffle: a new order
    in each epoch. seed: of order and augmentation; None: one that is drawn by Python's `random`, which
    keras.utils.set_random_seed seeds; with `compat`, NumPy's global state.

    `next(it)` never stops: after an epoch comes the next one. `it[k]` is batch k of the current epoch, and
    `on_epoch_end()` begins the next; `reset()` goes back to the first batch of the current one.
    """

    white_list_formats: ClassVar[tuple[str, ...]] = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")
    max_queue_size = 10
    _workers, _processes = 1, False

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None, *, compat: Compat = None) -> None:
        face_of(compat)
        if compat is None and seed is not None:
            check_address(seed, 0)
        given: object = batch_size
        if not isinstance(given, int | np.integer) or (n and given < 1):
            raise InputError(f"batch_size={batch_size!r}; give a whole number of at least 1")
        self.n, self.batch_size, self.shuffle, self.seed, self.compat = n, batch_size, shuffle, seed, compat
        self.batch_index = self.total_batches_seen = 0
        self.index_array: Array | None = None
        self.batch_indices = np.zeros(0, np.int64)  # of the batch that was returned last
        self._seed = drawn_seed() if seed is None else int(seed)
        self._epoch = self._drawn = 0  # epochs: of the next batch; of the batch that a user's subclass makes
        self._orders: dict[int, Array] = {}  # of the latest epochs
        self._endless, self._asked = False, 0  # for Keras: see `keras_batches`
        self._maker: Maker = NO_MAKER
        self._begin()

    def _begin(self) -> None:
        """What a pickle does not contain."""
        self.lock = ForkLock()
        self.index_generator = self._flow_index()
        self._feed = Feed()

    # Order

    def __len__(self) -> int:
        """Batches in an epoch."""
        caller = sys._getframe(1)
        alone = not self._is_own or (self._workers <= 1 and not self._processes)
        if alone and keras.asks_length(caller) and self._counted(caller) is None:
            return sys.maxsize
        return -(-self.n // self.batch_size) if self.batch_size else 0

    def _set_index_array(self) -> None:
        if self.compat is None:
            self.index_array = self._order(self._epoch)
        else:
            self.index_array = np.random.permutation(self.n) if self.shuffle else np.arange(self.n)  # noqa: NPY002

    def _order(self, epoch: int) -> Array:
        known = self._orders  # which another thread may replace meanwhile
        found = known.get(epoch)
        if found is None:
            found = order(self.n, self._seed, epoch, self.shuffle)(np.arange(self.n)) if self.n else np.zeros(0, int)
            self._orders = {epoch: found, **{one: known[one] for one in list(known)[:2]}}
        return found

    def _indices(self, number: Number) -> Array:
        epoch, batch = number
        return self._order(epoch)[batch * self.batch_size : (batch + 1) * self.batch_size]

    def _flow_index(self) -> Generator[Array]:
        """The indices of the samples of each batch, without an end."""
        while True:
            self._seed_global()
            if self.batch_index == 0:
                self._set_index_array()
            if self.compat is None:
                number = self._advance()
                self._drawn = number[0]
                yield self._indices(number)
                continue
            assert self.index_array is not None
            start = self.batch_index * self.batch_size % self.n if self.n else 0
            self.batch_index = self.batch_index + 1 if self.n > start + self.batch_size else 0
            self.total_batches_seen += 1
            yield self.index_array[start : start + self.batch_size]

    def _seed_global(self) -> None:
        """Seed NumPy's global generator for a batch: with `compat`, and for a subclass of a user, which may use it."""
        if self.seed is not None and not self._is_numbered:
            np.random.seed((self.seed + self.total_batches_seen) % (1 << 32))  # noqa: NPY002

    def _advance(self) -> Number:
        """The number of the next batch; the one after it is then the next."""
        number = self._epoch, self.batch_index
        if self.batch_index == 0:
            self._set_index_array()
        self.batch_index += 1
        self.total_batches_seen += 1
        if self.batch_index >= len(self):
            self._epoch, self.batch_index = self._epoch + 1, 0
        return number

    def reset(self) -> None:
        """Go to the first batch of the current epoch."""
        self.batch_index = 0

    # Batches

    def __iter__(self) -> Self:
        return self

    def repeat(self) -> Self:
        """The iterator itself, which has no end."""
        return self

    def __next__(self) -> Any:  # Any here and below: an array, or a tuple by the mode of labels
        return self.next()

    def next(self) -> Any:
        """The next batch."""
        with self.lock:
            number = None
            if self.compat is None and not self._is_own:
                number = self._advance()
            else:
                indices = next(self.index_generator)
                draws = None if self._is_own else self._draws(indices, 0)  # in order, from the global generator
        return self._numbered(number) if number is not None else self._finished(indices, draws)

    def __getitem__(self, number: int) -> Any:
        count = len(self)
        if not self._endless and not -count <= number < count:
            raise BatchIndexError(
                f"Asked to retrieve element {number}, but the Sequence has length {count}: batches are 0 .. {count - 1}"
            )
        epochs, batch = divmod(number, count)
        begins = batch == 0 and 0 < number == self._asked
        self._asked = max(self._asked, number + 1) if self._endless else 0
        if not self._is_numbered:
            if begins:
                self._next_epoch()
            return self._by_number(batch)
        self.total_batches_seen += 1
        return self._numbered((self._epoch + max(epochs, 0), batch))

    def _by_number(self, number: int) -> Any:
        """A batch as the old versions make it: seeded by the number of batches so far."""
        with self.lock:
            self._seed_global()
            self.total_batches_seen += 1
            if self.index_array is None:
                self._set_index_array()
            assert self.index_array is not None
            self._drawn, start = self._epoch, number * self.batch_size
            indices = self.index_array[start : start + self.batch_size]
            draws = None if self._is_own else self._draws(indices, 0)
        return self._finished(indices, draws)

    def _finished(self, indices: Array, draws: Draws | None) -> Any:
        if draws is None:
            self.batch_indices = indices
            return self._get_batches_of_transformed_samples(indices)
        batch, self.batch_indices = self._made(indices, draws)
        return batch

    def _numbered(self, number: Number) -> Any:
        self._maker.warn_once()
        ahead = AHEAD if self.n and self._maker.bytes * self.batch_size > SMALL else 0
        following = [self._later(number, step) for step in range(1, ahead + 1)]
        batch, self.batch_indices = self._feed.get(number, following, self._make)
        return batch

    @property
    def batch_filenames(self) -> list[str]:
        """The names of the files of the batch that was returned last."""
        names: list[str] = getattr(self, "filenames", [])
        return [names[index] for index in self.batch_indices.tolist()] if names else []

    def _later(self, number: Number, step: int) -> Number:
        epochs, batch = divmod(number[1] + step, len(self))
        return number[0] + epochs, batch

    def _make(self, number: Number) -> tuple[Any, Array]:
        """The batch of this number; or the next one of its epoch, if all its files are broken and skipped, because
        Keras would make NaN of a batch without images."""
        epoch, first = number
        for batch in range(first, first + len(self)):
            made, kept = self._made_of((epoch, batch % len(self)))
            if len(kept):
                return made, kept
        if self.n:
            reasons = list(getattr(self, "skipped", {}).values())
            raise DecodeError(f"none of the {self.n} images could be read; {brief(reasons[:1])}")
        return self._made_of(number)

    def _made_of(self, number: Number) -> tuple[Any, Array]:
        indices = self._indices(number)
        return self._made(indices, self._draws(indices, number[0]))

    @property
    def _is_numbered(self) -> bool:
        """Is a batch a function of its number, so that threads may make it?"""
        return self.compat is None and not self._is_own

    @property
    def _is_own(self) -> bool:
        """Does a user's subclass make the batches?"""
        return type(self)._get_batches_of_transformed_samples is not Iterator._get_batches_of_transformed_samples

    def _draws(self, indices: Array, epoch: int) -> Draws:
        """What is drawn for these samples in an epoch."""
        return self._maker.draws(indices, self._seed, epoch)

    def _made(self, indices: Array, draws: Draws) -> tuple[Any, Array]:
        """The batch of these samples, and the indices of those that could be read."""
        return self._maker.made(indices, draws)

    def _get_batches_of_transformed_samples(self, index_array: Array) -> Any:
        """The batch of these samples; users call it, too."""
        indices = np.asarray(index_array, np.int64)
        return self._made(indices, self._draws(indices, self._drawn))[0]

    # For Keras: see `vary.streams.keras`

    @property
    def workers(self) -> int:
        """As it was set. Keras gets 1, because there are threads here, and its own would request batches of an epoch
        before it begins, and with `compat` in any order. It uses its own for the batches of a user's subclass."""
        return 1 if self._is_in_order(sys._getframe(1)) else self._workers

    @workers.setter
    def workers(self, workers: int) -> None:
        self._workers = workers

    @property
    def use_multiprocessing(self) -> bool:
        """As it was set; Keras gets False, as for `workers`."""
        return False if self._is_in_order(sys._getframe(1)) else self._processes

    @use_multiprocessing.setter
    def use_multiprocessing(self, processes: bool) -> None:
        self._processes = processes

    def _is_in_order(self, caller: FrameType) -> bool:
        return not self._is_own and keras.is_keras(caller)

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            return keras.class_seen(type(self), "on_epoch_end")

    @property
    def num_batches(self) -> int | None:
        """Batches of an epoch; None while Keras counts by `steps_per_epoch`, so that it runs all of them."""
        return self._counted(sys._getframe(1))

    def _counted(self, caller: FrameType) -> int | None:
        endless = keras.counts_steps(caller, self._endless)
        if endless or self.compat is None:
            keras.keep_order(caller)  # samples are shuffled here, and batches are made ahead in this order
        if not endless:
            self._leave_endless()
        self._endless = endless
        return None if endless else len(self)

    def _leave_endless(self) -> None:
        """Another call of fit, or a loop, goes on after the batches that Keras has requested by `steps_per_epoch`."""
        was_endless, self._endless = self._endless, False
        if was_endless and self._asked and len(self):
            self._epoch += -(-self._asked // len(self)) - 1 if self._is_numbered else 0
            self._next_epoch()
        self._asked = 0

    def on_epoch_begin(self) -> None:
        """With `steps_per_epoch`, make Keras count by it, not by `num_batches`."""
        steps = keras.epoch_iterator(sys._getframe(1))
        if steps is not None and steps.steps_per_epoch:
            steps._num_batches = None

    def on_epoch_end(self) -> None:
        """Begin the next epoch."""
        steps = keras.step_counter(sys._getframe(1))
        if steps is None:
            self._leave_endless()
        elif self._endless or (self._is_numbered and keras.restarts(steps)):
            return
        self._next_epoch()

    def _next_epoch(self) -> None:
        self._epoch += 1
        self._set_index_array()

    # Copies

    def __getstate__(self) -> dict[str, object]:
        dropped = ("lock", "index_generator", "_feed")
        return {name: value for name, value in self.__dict__.items() if name not in dropped}

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self._begin()

    def __reduce__(self) -> tuple[object, ...]:  # the default fails, because __class__ may differ from the type
        return _without_init, (type(self),), self.__getstate__()


def _without_init(kind: type[Iterator]) -> Iterator:
    return kind.__new__(kind)
