"""Which worker of a DataLoader makes which batches of which epoch.

A DataLoader starts processes, each with a copy of the dataset, and tells a copy its own number, but no number of an
epoch. So the process that trains chooses the epoch when a loader begins an epoch with new workers, which is when it
forks them or pickles the dataset for them (`hand_out`). A worker that lives on counts by itself. Both see a few numbers
in shared memory: the epoch that comes next, and what `set_epoch` and `load_state_dict` asked for since.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from multiprocessing.context import get_spawning_popen
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary, WeakSet, ref

from vary.errors import InputError
from vary.plan.machine import default_threads
from vary.streams.state import WORKER, Place

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from vary.frameworks.torch import TorchBatches
    from vary.streams.iteration import Iteration
    from vary.streams.options import Options
    from vary.streams.state import Term

__all__ = ["Share", "asks_for_samples"]

COMES, ORDERS, EPOCH, POSITION = range(4)
"""Numbers in shared memory. COMES: 1 + the epoch after the latest one that a worker began, plus SPAN times the version
that the worker has. ORDERS: the version of the latest `set_epoch` or `load_state_dict`; EPOCH, POSITION: what it asked
for. The process that trains counts a version for each of these, and for each start of workers; words of workers that
have an older one are late."""
SPAN = 1 << 33
DEPTH = 4  # calls between a DataLoader's function and the dataset


class Hand(NamedTuple):
    """What new workers of a loader get: where its epoch begins, the shard, and the versions (see `COMES`) of this and
    of the latest order."""

    place: Place
    shard: tuple[int, int]
    version: int
    orders: int


@dataclass
class Elsewhere(Place):
    """The place of an epoch that workers make: how much of it was used is not known here."""

    def state_dict(self) -> dict[str, Term]:
        raise InputError(
            "the latest epoch is made by workers of a DataLoader, which alone knows what was used of it; take "
            "torchdata's StatefulDataLoader and its state_dict(), or num_workers=0: vary has threads of its own. "
            "Between two epochs, save the number of the next one for set_epoch()"
        )


class Share:
    """The part of a DataLoader's epochs that this copy of a dataset makes; in the process that trains, all of it."""

    def __init__(self, dataset: TorchBatches) -> None:
        self._dataset = ref(dataset)
        self._cells: Any = None  # a tensor in shared memory, made when workers are first started
        self._hand: Hand | None = None  # for a worker that has just been started
        self._version = 0  # of what this process knows
        self._orders = 0  # the version of the latest order that it has given, or followed
        self._is_worker = False
        self._is_resumed = False  # the next iteration is the rest of a worker's share
        self._who = ""  # in a worker, which one it is
        self.shard: tuple[int, int] | None = None  # found by the process that trains
        LIVE.add(self)

    def __getstate__(self) -> dict[str, object]:
        dataset, cells, hand = self._dataset(), None, None
        if get_spawning_popen() is not None:  # a process is being started; else a copy is made that goes its own way
            iterator = loader_iterator()
            if iterator is not None:
                self.hand_out(iterator)
                cells, hand = self._cells, self._hand
        return {**vars(self), "_dataset": dataset, "_cells": cells, "_hand": hand}

    def __setstate__(self, state: dict[str, Any]) -> None:  # Any: of attributes
        vars(self).update(state)
        self._dataset = ref(state["_dataset"])
        LIVE.add(self)

    @property
    def dataset(self) -> TorchBatches:
        found = self._dataset()
        assert found is not None  # it owns this object
        return found

    # In the process that trains.

    def hand_out(self, iterator: object) -> None:
        """Note what the worker that is being started gets; with the first one of a loader's iterator, choose its
        epoch."""
        import torch

        handed = HANDED.setdefault(iterator, {})
        if id(self) not in handed:
            stream = self.dataset.stream
            if self._cells is None:
                self._cells = torch.zeros(4, dtype=torch.int64).share_memory_()
                self._cells[ORDERS] = self._orders
            self.note()
            part = self.dataset._options().part
            with stream._lock:
                place = replace(stream._next)
                stream._next = replace(place, epoch=place.epoch + 1, position=0)
                stream._latest = Elsewhere(**vars(place))
            self._version += 1
            handed[id(self)] = Hand(place, (part.rank, part.ranks), self._version, self._orders)
        self._hand = handed[id(self)]

    def note(self) -> None:
        """Count the epochs that workers have begun by themselves."""
        if self._is_worker or self._cells is None:
            return
        version, after = divmod(int(self._cells[COMES]), SPAN)
        self._cells[COMES] = 0
        stream = self.dataset.stream
        if after and version == self._version:
            with stream._lock:
                stream._next = replace(stream._next, epoch=after - 1, position=0)
                stream._latest = Elsewhere(**vars(stream._next))

    def order(self) -> None:
        """Tell workers where the stream's next iteration begins."""
        if self._cells is not None and not self._is_worker:
            place = self.dataset.stream._next
            self._cells[EPOCH], self._cells[POSITION] = place.epoch, place.position
            self._version += 1
            self._cells[ORDERS] = self._orders = self._version

    # In a worker.

    def enter(self) -> None:
        """Take over what the process that trains handed out, once."""
        if self._is_worker:
            return
        if self._hand is None:
            raise InputError(
                "this version of PyTorch starts the workers of a DataLoader in a way that vary does not know; take "
                "num_workers=0: vary has threads of its own"
            )
        self._is_worker = True
        _, self.shard, self._version, self._orders = self._hand
        self.dataset.stream._next = replace(self._hand.place)

    def of_worker(self, number: int, workers: int) -> tuple[Options, tuple[int, int]]:
        """The options of this worker's iterations, and which batches of an epoch it makes."""
        options = self.dataset._options()
        if options.threads is None:
            options = replace(options, threads=max(1, default_threads() // workers))
        if options.process:
            options = replace(options, process=False)  # it is in a process of its own
        self._who = f"{number} of {workers}, steps of {options.batch_size} x {options.part.ranks}"
        return options, (number, workers)

    def begun(self, options: Options, turn: tuple[int, int]) -> Iteration:
        stream = self.dataset.stream
        orders = int(self._cells[ORDERS])
        if orders != self._orders:
            place = replace(stream._next, epoch=int(self._cells[EPOCH]), position=int(self._cells[POSITION]))
            stream._next, self._is_resumed = place, False
            self._version = self._orders = orders
        first, self._is_resumed = 0 if self._is_resumed else turn[0], False
        made = stream._begin(options, (first, turn[1]))
        self._tell(stream.epoch)
        return made

    def _tell(self, epoch: int) -> None:
        """The epoch that comes next."""
        self._cells[COMES] = self._version * SPAN + epoch + 1

    # States: those of a worker say whose they are, because they are of no use to another one.

    def state(self) -> dict[str, Term]:
        self.note()
        return {**self.dataset.stream.state_dict(), **({WORKER: self._who} if self._is_worker else {})}

    def load(self, state: Mapping[str, Term]) -> None:
        from torch.utils.data import get_worker_info

        dataset, worker = self.dataset, get_worker_info()
        if worker is None:
            dataset.stream.load_state_dict(state)
            self.order()
            return
        self.enter()
        self.of_worker(worker.id, worker.num_workers)
        found = state.get(WORKER) if hasattr(state, "get") else None
        if found != self._who:
            raise InputError(
                f"the state is of {'no worker' if found is None else f'worker {found}'}; this is worker {self._who}; "
                "resume with the same num_workers, batch_size and number of ranks"
            )
        dataset.stream.load_state_dict({name: value for name, value in state.items() if name != WORKER})
        self._is_resumed = True
        self._tell(dataset.stream.epoch + 1)


LIVE: WeakSet[Share] = WeakSet()
HANDED: WeakKeyDictionary[object, dict[int, Hand]] = WeakKeyDictionary()
"""The iterator of a DataLoader -> what its workers were handed, by the `id` of the dataset's share."""


def loader_iterator() -> Any:  # Any: torch's classes for this are private
    """The iterator of a DataLoader that is starting a worker now, found among the callers; else None."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        found = frame.f_locals.get("self")
        if found is not None and frame.f_code.co_name == "__init__" and hasattr(type(found), "_try_put_index"):
            return found
        frame = frame.f_back
    return None


def _forks() -> None:
    if not LIVE:
        return
    iterator = loader_iterator()
    if iterator is not None:
        for share in list(LIVE):
            if _holds(iterator._dataset, share.dataset):
                share.hand_out(iterator)


def _holds(one: object, dataset: object, depth: int = 3) -> bool:
    """Is `dataset` this object, or among its attributes, or among theirs?"""
    if one is dataset:
        return True
    inside = one if isinstance(one, list | tuple) else vars(one).values() if hasattr(one, "__dict__") else ()
    return depth > 0 and any(_holds(each, dataset, depth - 1) for each in inside)


os.register_at_fork(before=_forks)


def asks_for_samples(caller: FrameType) -> bool:
    """Is the caller a DataLoader that collates what it gets?"""
    frame: FrameType | None = caller
    for _ in range(DEPTH):
        if frame is None:
            break
        if frame.f_locals.get("auto_collation") is True and "dataset" in frame.f_locals:
            return True
        frame = frame.f_back
    return False
