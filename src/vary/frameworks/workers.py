"""Which worker of a DataLoader makes which batches of which epoch.

A DataLoader starts processes, each with a copy of the dataset, and tells a copy its own number, but no number of an
epoch. So the process that trains chooses the epoch of each pass over a loader: of the first one when it forks the
workers or pickles the dataset for them, of later ones with the same workers when it tells them to begin again. It
writes them into memory that it shares with these workers (`Hand`), and its stream alone counts epochs.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field, replace
from multiprocessing.context import get_spawning_popen
from types import ModuleType
from typing import TYPE_CHECKING, Any
from weakref import ref

from vary.errors import InputError
from vary.plan.machine import default_threads
from vary.streams import Mixed
from vary.streams.state import WORKER, Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import FrameType
    from typing import TypeGuard

    from vary.frameworks.torch import TorchBatches
    from vary.streams import Stream
    from vary.streams.iteration import Iteration
    from vary.streams.options import Options
    from vary.streams.state import Term

__all__ = ["Share", "asks_for_samples", "note", "refuse_accelerate"]

PASS, PLACES, WORDS = 0, 1, 5
"""Numbers in shared memory. PASS: the number of the latest pass, from 1. PLACES: epoch and position of the latest two.
WORDS: of each worker, the epoch that it would begin next, plus SPAN times the number of its pass."""
SPAN = 1 << 33
DEPTH, MOST, LONGEST = 4, 10_000, 1000
"""Of the search for datasets in that of a DataLoader: attributes of attributes, objects in all, and the longest list
that is searched."""
HANDS = "_vary_hands"  # attribute of a DataLoader's iterator: `id` of a dataset -> Hand


class Hand:
    """What the workers of one iterator of a DataLoader know of a dataset: where each of their passes begins."""

    def __init__(self, dataset: TorchBatches, workers: int) -> None:
        import torch

        part = dataset._options().part
        self.shard = part.rank, part.ranks
        self.dataset: TorchBatches | None = dataset  # in the process that trains
        self._cells = torch.zeros(WORDS + workers, dtype=torch.int64).share_memory_()
        self.assign()

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "dataset": None}

    def assign(self) -> None:
        """The next pass is the stream's next epoch."""
        assert self.dataset is not None
        stream = self.dataset.stream
        note(stream)
        with stream._lock:
            place = stream._next
            stream._latest = latest = Elsewhere(**vars(place))
            stream._next = latest.after = replace(place, epoch=place.epoch + 1, position=0)
            number = int(self._cells[PASS]) + 1
            latest.hand, latest.number = self, number
            first = PLACES + number % 2 * 2  # a worker that is late still reads the place before
            self._cells[first], self._cells[first + 1] = place.epoch, place.position
            self._cells[PASS] = number

    def comes(self, number: int) -> int | None:
        """The epoch after the latest one that a worker began in this pass."""
        words = [divmod(word, SPAN) for word in self._cells[WORDS:].tolist()]
        return max((epoch for of, epoch in words if of == number), default=None)

    # In a worker.

    def latest(self, terms: Mapping[str, Term]) -> tuple[int, Place]:
        """The number of the latest pass, and where it begins.

        If the worker is late, and this is the next pass already, nobody takes what it makes of its own one.
        """
        number = int(self._cells[PASS])
        first = PLACES + number % 2 * 2
        return number, Place(int(self._cells[first]), int(self._cells[first + 1]), terms)

    def tell(self, worker: int, number: int, epoch: int) -> None:
        self._cells[WORDS + worker] = number * SPAN + epoch


@dataclass
class Elsewhere(Place):
    """The place of an epoch that workers make: how much of it was used is not known here."""

    hand: Hand | None = field(default=None, init=False, repr=False, compare=False)  # a copy has none
    number: int = field(default=0, init=False, repr=False, compare=False)
    after: Place | None = field(default=None, init=False, repr=False, compare=False)

    def state_dict(self) -> dict[str, Term]:
        raise InputError(
            "the latest epoch is made by workers of a DataLoader, which alone knows what was used of it; take "
            "torchdata's StatefulDataLoader and its state_dict(), or num_workers=0: vary has threads of its own. "
            "Between two epochs, save the number of the next one for set_epoch()"
        )


def note(stream: Stream | Mixed) -> None:
    """Count the epochs of the latest pass that workers have begun by themselves: because of a state that they loaded,
    or of a dataset that iterates this one again and again. Nothing, if the stream's place was changed since."""
    latest = stream._latest
    if not isinstance(latest, Elsewhere) or latest.hand is None:
        return
    epoch = latest.hand.comes(latest.number)
    with stream._lock:
        if epoch is not None and stream._next is latest.after:
            stream._next = latest.after = replace(stream._next, epoch=epoch)


class Share:
    """The part of a DataLoader's epochs that this copy of a dataset makes; in the process that trains, all of it."""

    def __init__(self) -> None:
        self._hand: Hand | None = None  # in a worker
        self._number = 0  # of the latest pass that has begun here
        self._fetcher: ref[object] | None = None  # of that pass
        self._comes: Place | None = None  # where the next iteration in the same pass begins
        self._is_resumed = False  # the next iteration is the rest of a worker's share
        self._worker, self._who = 0, ""  # in a worker, which one it is

    @property
    def shard(self) -> tuple[int, int] | None:
        """That of the process that trains, in a worker."""
        return None if self._hand is None else self._hand.shard

    def copied(self, dataset: TorchBatches) -> Share:
        """For a copy of the dataset; if a worker is being started by it, with what that worker has to know."""
        made = Share()
        vars(made).update(vars(self), _fetcher=None, _hand=self._hand or HERE.get(id(dataset)))
        iterator = loader_iterator() if made._hand is None and get_spawning_popen() is not None else None
        if iterator is not None:
            made._hand = hand_out(iterator, dataset)
        return made

    # In a worker.

    def enter(self, dataset: TorchBatches) -> Hand:
        """Take over what the process that trains handed out."""
        if self._hand is None:
            self._hand = HERE.get(id(dataset))
            if self._hand is None:
                raise InputError(
                    "a worker of a DataLoader iterates a stream.as_torch() that was not found in the DataLoader's "
                    "dataset, so it does not know which epoch comes; make it before the loader, not in a worker, and "
                    "give it to DataLoader(...) itself or as an attribute of your dataset; or take num_workers=0: "
                    "vary has threads of its own"
                )
            stream = dataset.stream
            stream._next = stream._latest = self._hand.latest(stream._next.terms)[1]
        return self._hand

    def of_worker(self, dataset: TorchBatches, number: int, workers: int) -> tuple[Options, tuple[int, int]]:
        """The options of this worker's iterations, and which batches of an epoch it makes."""
        _check_errors(dataset.stream)
        options = dataset._options()
        if options.threads is None:
            options = replace(options, threads=max(1, default_threads() // workers))
        if options.process:
            options = replace(options, process=False)  # it is in a process of its own
        self._worker, self._who = number, f"{number} of {workers}, steps of {options.batch_size} x {options.part.ranks}"
        return options, (number, workers)

    def begun(self, stream: Stream | Mixed, options: Options, turn: tuple[int, int]) -> Iteration:
        assert self._hand is not None
        fetcher = _fetcher()
        number, place = self._hand.latest(stream._next.terms)
        is_new = number != self._number or (self._fetcher is not None and self._fetcher() is not fetcher)
        if self._is_resumed:
            place = stream._next
        elif not is_new and self._comes is not None:
            place = self._comes
        stream._next = place
        made = stream._begin(options, (0 if self._is_resumed else turn[0], turn[1]))
        self._is_resumed, self._number = False, number
        self._fetcher = None if fetcher is None else ref(fetcher)
        self._comes = stream._next
        self._hand.tell(self._worker, number, stream.epoch)
        return made

    # States: those of a worker say whose they are, because they are of no use to another one.

    def state(self, stream: Stream | Mixed) -> dict[str, Term]:
        return {**stream.state_dict(), **({} if self._hand is None else {WORKER: self._who})}

    def load(self, dataset: TorchBatches, state: Mapping[str, Term]) -> None:
        from torch.utils.data import get_worker_info

        stream, worker = dataset.stream, get_worker_info()
        if worker is None:
            stream.load_state_dict(state)
            return
        hand = self.enter(dataset)
        self.of_worker(dataset, worker.id, worker.num_workers)
        found = state.get(WORKER) if hasattr(state, "get") else None
        if found != self._who:
            raise InputError(
                f"the state is of {'no worker' if found is None else f'worker {found}'}; this is worker {self._who}; "
                "resume with the same num_workers, batch_size and number of ranks"
            )
        stream.load_state_dict({name: value for name, value in state.items() if name != WORKER})
        self._is_resumed = True
        hand.tell(worker.id, hand.latest({})[0], stream.epoch + 1)


def _check_errors(stream: Stream | Mixed) -> None:
    for one in stream.streams if isinstance(stream, Mixed) else [stream]:
        options = one.options
        if options.on_error != "skip" and options.max_errors is None:
            continue
        seen, cure = f"max_errors={options.max_errors}", "no max_errors="
        if options.on_error == "skip":
            seen, cure = 'on_error="skip"', 'on_error="replace"'
        raise InputError(
            f"{seen} does not work in workers of a DataLoader: each of them sees only its own batches, so none knows "
            "how many files are broken, and a batch that is left out would put the others in another order; take "
            f"{cure}, or num_workers=0: vary has threads of its own"
        )


# What a DataLoader hands out.

HERE: dict[int, Hand] = {}
"""In a worker that was forked: what it was handed, by the `id` of the dataset."""


def hand_out(iterator: object, dataset: TorchBatches) -> Hand:
    """What all workers of this iterator get of this dataset."""
    hands: dict[int, Hand] = vars(iterator).setdefault(HANDS, {})
    if not hands:
        _follow(iterator, hands)
    if id(dataset) not in hands:
        hands[id(dataset)] = Hand(dataset, vars(iterator)["_num_workers"])
    return hands[id(dataset)]


def _follow(iterator: Any, hands: dict[int, Hand]) -> None:  # Any: torch's classes for this are private
    """Choose the epoch of each later pass before the workers, which live on, are told to begin it."""
    reset, own = type(iterator)._reset, ref(iterator)

    def assign_and_reset(*args: object, **given: object) -> None:
        if not given.get("first_iter"):
            for hand in hands.values():
                hand.assign()
        reset(own(), *args, **given)
        refuse_accelerate()  # here, in every rank: the first one alone asks workers for batches

    iterator._reset = assign_and_reset


def _callers() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back


def loader_iterator() -> Any:
    """The iterator of a DataLoader that is starting a worker now, found among the callers; else None."""
    for frame in _callers():
        found = frame.f_locals.get("self") if frame.f_code.co_name == "__init__" else None
        if found is not None and hasattr(type(found), "_try_put_index"):
            return found
    return None


def _before_fork() -> None:
    iterator = loader_iterator()
    if iterator is not None and HANDS not in vars(iterator):
        vars(iterator)[HANDS] = {}
        for dataset in _datasets_in(iterator._dataset):
            hand_out(iterator, dataset)


def _after_in_child() -> None:
    iterator = loader_iterator()
    if iterator is not None:
        HERE.update(vars(iterator).get(HANDS, {}))


def _datasets_in(whole: object) -> list[TorchBatches]:
    """This object, or those among its attributes, among theirs, and so on."""
    found: list[TorchBatches] = []
    level, seen = [whole], {id(whole)}
    for _ in range(DEPTH):
        below: list[object] = []
        for one in level:
            if _is_ours(one):
                found.append(one)
                continue
            for each in _inside(one):
                if len(seen) < MOST and id(each) not in seen:
                    seen.add(id(each))
                    below.append(each)
        level = below
    return found + [one for one in level if _is_ours(one)]


def _is_ours(one: object) -> TypeGuard[TorchBatches]:
    return isinstance(getattr(one, "__dict__", {}).get("_share"), Share)


def _inside(one: object) -> Iterable[object]:
    if isinstance(one, list | tuple | set | frozenset | dict):
        if len(one) > LONGEST:
            return ()
        return one.values() if isinstance(one, dict) else one
    return () if isinstance(one, type | ModuleType) else list(getattr(one, "__dict__", {}).values())


os.register_at_fork(before=_before_fork, after_in_child=_after_in_child)


# What calls the dataset.


def _fetcher(only_torch: bool = False) -> object:
    """The object of torch that gets the batches of a pass, among the callers; else None.

    only_torch: not if there is another library, or the user's code, between it and the dataset.
    """
    for frame in _callers():
        module = str(frame.f_globals.get("__name__")).partition(".")[0]
        if only_torch and module not in ("torch", "torchdata", "vary"):
            break
        found = frame.f_locals.get("self")
        if "auto_collation" in getattr(found, "__dict__", ()) and frame.f_code.co_name in ("__init__", "fetch"):
            return found
    return None


def asks_for_samples() -> bool:
    """Is the caller a DataLoader that collates what it gets?"""
    fetcher = _fetcher(only_torch=True)
    return fetcher is not None and bool(vars(fetcher)["auto_collation"])


def refuse_accelerate() -> None:
    """`InputError` if the caller is a loader that Accelerate has prepared.

    It gives each process a part of what the first one, or each, gets, which is its own part of the epoch already. It
    also sets the epoch, which would undo a state that was loaded.
    """
    if any(frame.f_globals.get("__name__") == "accelerate.data_loader" for frame in _callers()):
        raise InputError(
            "accelerator.prepare() was given a loader of stream.as_torch(): Accelerate would divide again what the "
            "stream has divided among the processes, and lose samples; give prepare() the model and the optimizer, "
            "never the data, and iterate stream.as_torch(), or a DataLoader of it, as it is"
        )
