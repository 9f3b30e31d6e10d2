"""Where a stream stands, as a small dict for a checkpoint: the epoch, the position, and what must be equal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vary.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.sources import Indexed
    from vary.streams.options import Options
    from vary.streams.order.samples import Slots
    from vary.streams.views import ViewSpec

__all__ = ["Place", "mixed_terms", "read_state", "terms_of"]

VERSION = 1
EQUAL = (
    "seed",
    "shuffle",
    "repeat",
    "shuffle_block_size",
    "frozen",
    "dtype",
    "layout",
    "channels",
    "full_decode",
    "allow_truncated",
)
"""Options that decide what the rest of an epoch holds; the others only say how it is handed out."""

DIGESTS = {
    "policy": "another policy or other views",
    "fields": "other fields or classes of the source",
    "subset": "another subset of the source",
    "weights": "other weights",
    "streams": "other streams, or others of their sources, policies or keywords",
}
"""Terms that say nothing to people, in words: what the state was saved with."""

DIGEST = 8  # bytes
LONG = 300
"""Characters of a term; one that would have more is a digest. All terms together stay under 1 KB."""

Term = int | str


@dataclass
class Place:
    """Where the next batch begins. Written by its iteration's consumer alone."""

    epoch: int = 0
    position: int = 0  # slots of the epoch that were handed out, on all ranks together
    terms: Mapping[str, Term] = field(default_factory=dict)

    def state_dict(self) -> dict[str, Term]:
        return {"version": VERSION, "epoch": self.epoch, "position": self.position, **self.terms}


def terms_of(source: Indexed, specs: Sequence[ViewSpec], slots: Slots, options: Options) -> dict[str, Term]:
    """What must be equal for an epoch to go on the same: numbers and words as they are, the rest as digests."""
    plain = {name: getattr(options, name) for name in EQUAL}
    views = re.sub(r" at 0x[0-9a-f]+", "", repr(list(specs)))  # where a function lay in memory
    return {
        "samples": slots.n,
        "policy": _digest(views.encode()),
        "fields": _digest(repr((source.fields, source.classes)).encode()),
        "subset": "" if slots.numbers is None else _digest(slots.numbers),
        "weights": "" if slots.ends is None else _digest(slots.ends),
        **{name: value if isinstance(value, str) else int(value or 0) for name, value in plain.items()},
    }


def mixed_terms(streams: Sequence[Mapping[str, Term]], ratios: Sequence[int]) -> dict[str, Term]:
    """Those of a mix, by those of its streams."""
    digests = (_digest(repr(sorted(terms.items())).encode(), 4) for terms in streams)
    return {"streams": _short(" ".join(digests)), "ratios": _short(":".join(map(str, ratios)))}


def read_state(state: Any, terms: Mapping[str, Term], count: int) -> Place:
    """The place that `state_dict` wrote; `InputError` naming what it says that is not so here."""
    if not isinstance(state, Mapping) or not state:
        seen = repr(state) if state is None or isinstance(state, Mapping) else f"a {type(state).__name__}"
        raise InputError(f"load_state_dict() was given {seen}; give what state_dict() returned, a dict")
    if (version := state.get("version")) != VERSION:
        seen = f"version={version!r}" if "version" in state else "no 'version'"
        raise InputError(f"state_dict has {seen}; give what state_dict() of this version of vary returned")
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
    for name, limit in (("epoch", 1 << 32), ("position", count + 1)):
        value = state.get(name)
        if not isinstance(value, int) or not 0 <= value < limit:
            raise InputError(f"state_dict has {name}={value!r}; give what state_dict() returned, 0 .. {limit - 1}")
    return Place(state["epoch"], state["position"], terms)


def _differs(name: str, there: Any, here: Term) -> str:
    if name == "streams" and len(str(there)) == len(str(here)) != 2 * DIGEST:  # a word for each of them
        words = zip(str(there).split(), str(here).split(), strict=False)
        place = next((place for place, (one, other) in enumerate(words) if one != other), 0)
        return f"another source, policy or keyword of streams[{place}] than this mix has"
    if name not in DIGESTS:
        return f"{name}={there!r}, this stream has {name}={here!r}"
    if not (there and here):  # only one of the two has weights or a subset
        return f"{name}, this stream has none" if there else f"no {name}, this stream has some"
    return f"{DIGESTS[name]} than this stream has"


def _digest(data: Any, size: int = DIGEST) -> str:
    from hashlib import blake2b  # takes as long as a tenth of vary

    return blake2b(data, digest_size=size).hexdigest()


def _short(text: str) -> str:
    return text if len(text) <= LONG else _digest(text.encode())
