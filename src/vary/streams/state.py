"""A stream's position as a small dict for a checkpoint: epoch, position, and values that must be equal to load it."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vary.errors import InputError
from vary.rng import EPOCH_LIMIT
from vary.sources import files_kind
from vary.streams.options import names_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.sources import Indexed
    from vary.streams.options import Options
    from vary.streams.order.samples import Samples
    from vary.streams.views import ViewSpec

__all__ = ["WORKER", "Place", "mixed_terms", "read_state", "terms_of"]

VERSION = 2
WORKER = "worker"
"""Only in the state of a worker of a DataLoader: which one of how many, and the size of a step."""
DIGESTS = {
    "policy": "another policy or other views",
    "fields": "other fields or classes of the source",
    "subset": "another subset of the source",
    "weights": "other weights",
    "streams": "other streams, or others of their sources, policies or keywords",
}
"""Term whose value is a digest -> what the state was saved with, in words, if the digests differ."""

DIGEST = 8  # bytes
LONG = 300
"""Most characters of a term; a longer one becomes a digest. All terms together stay under 1 KB."""

Term = int | str


@dataclass
class Place:
    """Where the next batch begins. Only the consumer of its iteration changes it."""

    epoch: int = 0
    position: int = 0  # in the epoch, counted over all ranks together
    terms: Mapping[str, Term] = field(default_factory=dict)

    def state_dict(self) -> dict[str, Term]:
        return {"version": VERSION, "epoch": self.epoch, "position": self.position, **self.terms}


def terms_of(source: Indexed, specs: Sequence[ViewSpec], samples: Samples, options: Options) -> dict[str, Term]:
    """What must be equal to load a state: numbers and words as they are, the rest as digests."""
    dtype = files_kind(source).dtype
    described = [_digest(repr((source.fields, source.classes)).encode()), *([] if dtype == "uint8" else [dtype])]
    plain = {name: getattr(options, name) for name in names_of("state")}
    ends, function = getattr(samples, "ends", None), getattr(samples, "function", None)
    views = re.sub(r" at 0x[0-9a-f]+", "", repr(list(specs)))  # the address of a function differs between runs
    return {
        "samples": samples.n,
        "policy": _digest(views.encode()),
        "fields": " ".join(described),
        "subset": "" if samples.numbers is None else _digest(samples.numbers),
        "weights": "" if ends is None else _digest(ends),
        "order": "" if function is None else _short(getattr(function, "__qualname__", type(function).__name__)),
        **{name: value if isinstance(value, str) else int(value or 0) for name, value in plain.items()},
    }


def mixed_terms(streams: Sequence[Mapping[str, Term]], ratios: Sequence[int]) -> dict[str, Term]:
    """The terms of a mix, from the terms of its streams."""
    digests = (_digest(repr(sorted(terms.items())).encode(), 4) for terms in streams)
    return {"streams": _short(" ".join(digests)), "ratios": _short(":".join(map(str, ratios)))}


def read_state(state: object, terms: Mapping[str, Term], count: Callable[[int], int]) -> Place:
    """The place in a state; `InputError` names what differs from this stream.

    Numbers and words may be of NumPy's or a framework's types, as some checkpoints return them.
    count: the number of an epoch -> positions in it.
    """
    if not isinstance(state, Mapping) or not state:
        seen = repr(state) if state is None or isinstance(state, Mapping) else f"a {type(state).__name__}"
        raise InputError(f"load_state_dict() was given {seen}; give what state_dict() returned, a dict")
    state = {name: _plain(value) for name, value in state.items()}
    if (version := state.get("version")) != VERSION:
        seen = f"version={version!r}" if "version" in state else "no 'version'"
        raise InputError(f"state_dict has {seen}; give what state_dict() of this version of vary returned")
    if WORKER in state:
        raise InputError(
            f"this is the state of worker {state[WORKER]} of a DataLoader; give what state_dict() of the loader "
            "returned to its load_state_dict()"
        )
    for name, here in terms.items():
        if name not in state:
            mixed = "ratios" in state
            whose = "" if mixed == ("ratios" in terms) else f", it is one of {'a mix' if mixed else 'a single stream'}"
            raise InputError(f"state_dict has no {name!r}{whose}; give what state_dict() returned, whole")
        if state[name] != here:
            raise InputError(
                f"the state was saved with {_differs(name, state[name], here)}, so its epoch cannot go on the same; "
                f"make the stream as it was, or begin an epoch with set_epoch({state.get('epoch')})"
            )
    epoch = _number("epoch", state.get("epoch"), EPOCH_LIMIT)
    return Place(epoch, _number("position", state.get("position"), count(epoch) + 1), terms)


def _number(name: str, value: object, limit: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < limit:
        raise InputError(f"state_dict has {name}={value!r}; give what state_dict() returned, 0 .. {limit - 1}")
    return value


def _plain(value: Any) -> object:  # Any: operator.index refuses what is no number
    """A number or a word as Python's int or str. Anything else is returned unchanged, and refused later."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool | float):
        return value
    try:
        return operator.index(value)
    except TypeError:
        item = getattr(value, "item", None)  # such as an array of a single word
        found = item() if callable(item) and getattr(value, "size", 1) == 1 else value
        return found if isinstance(found, str) else value


def _differs(name: str, there: object, here: Term) -> str:
    if name == "streams" and len(str(there)) == len(str(here)) != 2 * DIGEST:  # a word for each stream
        words = zip(str(there).split(), str(here).split(), strict=False)
        place = next((place for place, (one, other) in enumerate(words) if one != other), 0)
        return f"another source, policy or keyword of streams[{place}] than this mix has"
    if name == "fields":
        saved, own = (str(value).partition(" ")[2] or "uint8" for value in (there, here))
        if saved != own:
            return f"another dtype of its files, {saved}, this stream reads them as {own}"
    if name not in DIGESTS:
        return f"{name}={there!r}, this stream has {name}={here!r}"
    if not (there and here):  # only one of the two has weights or a subset
        return f"{name}, this stream has none" if there else f"no {name}, this stream has some"
    return f"{DIGESTS[name]} than this stream has"


def _digest(data: Any, size: int = DIGEST) -> str:  # Any: to type checkers for Python 3.11, arrays are no buffers
    from hashlib import blake2b  # imported here, because it takes a tenth of the time that importing vary does

    return blake2b(data, digest_size=size).hexdigest()


def _short(text: str) -> str:
    return text if len(text) <= LONG else _digest(text.encode())
