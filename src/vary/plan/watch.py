"""A watch over the values of the first pictures that a policy makes.

Some 1,000 values of each of a few pictures are looked at: those that come in, where they may be of any range (floats),
and those that come out. A result that is nearly constant or saturated is compared with the same picture after the
geometry alone, on the same draws, so that dark, white and sparse pictures, fills and crops of plain sky are no mistake.
What was seen is kept as counts; no picture is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vary.plan.findings import Finding, Once
from vary.plan.hints import hints, names_of
from vary.plan.lower import VALUE_RANGES
from vary.plan.program import GEOMETRY
from vary.plan.ranges import CLIPPING, contradictions
from vary.plan.run import PLAIN, Address, Decode, Parts, Runner
from vary.plan.samples import Seen, Shown, range_after, some_values
from vary.sample import maybe_one

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.plan.program import Template

__all__ = ["PICTURES", "Watch", "Watches"]

Array = np.ndarray[Any, Any]

PICTURES, AT_ONCE = 16, 8  # looked at: in all, and of one batch
ENOUGH, SHARE = 4, 0.6  # pictures that show a mistake which depends on a draw, and their share of all that could
SPREAD = 0.1  # part of the range that a picture must use to be judged by
SATURATED, CERTAIN, FREE = 0.75, 0.85, 0.25  # shares of saturated values: too many, nearly all, a few
LOST = 0.5  # share of a picture's range of values that became one value or two
FEWEST = 16  # pixels of a result: fewer may well be alike
FAR = 30  # standard deviations, of half of the values after Normalize
WINDOWS = ("crop", "center_crop", "resized_crop", "zoom")

TEXTS = {
    "normalize": "{0} makes values of {1}, far from 0: mean and std are fractions of the value range, as of pictures "
    "in 0 .. 1, whatever the range is; check both",
    "constant": "{0}: the results are nearly constant, {1}, although the pictures are not; weaken or leave out what "
    "takes all of the picture away",
    "saturated": "{0}: most values of the results are saturated, {1}, although those of the pictures are not; weaken "
    "it (factors are around 1, shifts are fractions of the value range)",
    "ones": "{0}: the pictures hold 0 .. 1, but uint8 is taken for 0 .. 255, so that the results are nearly constant, "
    "{1}; leave out Rescale and write Policy([...], value_range=1), or give pictures of 0 .. 255: images * 255",
    "moved": "{0}: the results show nothing of the pictures, {1}; shifts are fractions of width and height, and 1 "
    "moves a picture out of view",
}
"""Mistakes that pictures vote on, by kind. {0}: the transforms, {1}: the values that were seen."""

KINDS = {"constant": "colour", "saturated": "colour"}
"""Mistakes that are one to who is told."""


@dataclass
class Watch:
    """What was seen of a policy's pictures of one kind. Threads may share it; it pickles."""

    left: int = PICTURES  # to be looked at
    found: dict[str, str] = field(default_factory=dict)
    votes: dict[str, list[int]] = field(default_factory=dict)  # by kind: did a picture show it? ENOUGH: beyond doubt

    @property
    def findings(self) -> list[Finding]:
        return [Finding(kind, text) for kind, text in self.found.items()]

    def look(
        self,
        runner: Runner,
        pictures: Sequence[Any] | Parts,
        address: Address,
        out: Array,
        layout: str,
        *,
        views: int = 1,
        decode: Decode = PLAIN,
        failed: Sequence[int] = (),
    ) -> None:
        """Look at some of the results `out`, and at what they were made of: what `Runner.batch` was given."""
        places = [place for place in range(0, len(out), views) if place not in failed]
        places = places[:: max(1, len(places) // AT_ONCE)][: min(AT_ONCE, self.left)]
        if not places:
            return
        self.left -= len(places)
        seen = Seen(runner, pictures, address, decode, places)
        results = [some_values(out[place].T if layout == "NHWC" else out[place]) for place in places]
        for kind, text in _of_pictures(seen, out.dtype, results) or self._of_results(seen, results):
            self.found.setdefault(kind, text)

    def _of_results(self, seen: Seen, results: list[Array]) -> list[Finding]:
        template, expected = seen.template, range_after(seen.template)
        if not all(np.isfinite(values).all() for values in results):
            text = f"{_blamed(template, 'nan')}: the results hold NaN or infinite values, although the pictures do not"
            return [Finding("nan", text)]
        for place, values in enumerate(results):
            if any(i.op == "normalize" and i.gate < 0 for i in template.instructions):
                self._vote("normalize", bool(np.median(np.abs(values)) > FAR))
            if expected is not None and len(values) >= FEWEST:
                self._judge(seen, place, Shown(*expected, values))
        numbers = f"{min(r.min() for r in results):.4g} .. {max(r.max() for r in results):.4g}"
        elected = [kind for kind in TEXTS if self._is_elected(kind)]
        if "constant" in elected and "saturated" in elected:
            elected.remove("saturated")  # black or white is both
        texts = {kind: TEXTS[kind].format(_blamed(template, kind), numbers) for kind in elected}
        return [Finding(KINDS.get(kind, kind), text) for kind, text in texts.items()]

    def _judge(self, seen: Seen, place: int, result: Shown) -> None:
        """Is a result nearly constant or saturated, and is that the policy's fault?"""
        if not (result.is_constant or result.saturated >= SATURATED):
            for kind in ("constant", "saturated", "moved"):
                self._vote(kind, False)
            return
        template, moved = seen.template, seen.picture(place, geometry=True)
        if moved.spread >= SPREAD:
            sure = not seen.is_drawn(CLIPPING)
            if not template.functions or moved.saturated <= FREE:  # a function may make one value of two
                self._vote("constant", result.is_constant, sure)
            if not template.functions and any(i.op in CLIPPING for i in template.instructions):
                low, high = result.ends
                lost = min(moved.lost(low, high), moved.lost(high, low))  # the latter where values are turned round
                bad = result.saturated >= SATURATED and moved.saturated <= FREE and lost > LOST
                self._vote("saturated", bad, sure and result.saturated >= CERTAIN)
        elif template.dtype == "uint8" and template.value_range == VALUE_RANGES["uint8"] and template.rescales:
            values = seen.values()[place]
            self._vote("ones", result.is_constant and values.min() == 0 and values.max() == 1)
        elif moved.is_constant and _moves(template) and seen.picture(place).spread >= SPREAD:
            self._vote("moved", True, not seen.is_drawn([*GEOMETRY]))

    def _vote(self, kind: str, bad: bool, sure: bool = False) -> None:
        self.votes.setdefault(kind, []).append((ENOUGH if sure else 1) if bad else 0)

    def _is_elected(self, kind: str) -> bool:
        votes = self.votes.get(kind, [])
        return sum(votes) >= ENOUGH and sum(map(bool, votes)) > SHARE * len(votes)


def _of_pictures(seen: Seen, dtype: Any, results: list[Array]) -> list[Finding]:
    """Of what comes in. uint8 in 0 .. 255 cannot contradict."""
    template = seen.template
    if template.dtype == "uint8" and template.value_range == VALUE_RANGES["uint8"]:
        return []
    return contradictions(template, seen.values(), dtype, results)


def _moves(template: Template) -> bool:
    """Does it show all of a picture, if it is not moved out of view?"""
    ops = {i.op for i in template.instructions}
    return "translate" in ops and not template.functions and ops.isdisjoint(WINDOWS)


def _blamed(template: Template, kind: str) -> str:
    ops = {
        "normalize": ["normalize"],
        "moved": sorted(GEOMETRY - {"resize"}),
        "nan": ["call"],
        "ones": ["rescale", "normalize"],
    }
    return ", ".join(names_of(template, *ops.get(kind, [*CLIPPING, "call"]))[:3]) or "the policy"


class Watches:
    """Those of a policy's own calls: one for each kind of picture. Threads may share it."""

    def __init__(self) -> None:
        self._once = Once()
        self._known: dict[Runner, Watch] = {}

    def look(self, runner: Runner, pictures: Sequence[Any] | Parts, address: Address, out: Array, layout: str) -> None:
        """Warn of what is seen, of each kind once."""
        watch = self._known.get(runner)
        if watch is None:
            watch = self._known.setdefault(runner, Watch())
            self._once.warn(hints(runner.template))
            if isinstance(pictures, Parts) and (said := maybe_one("images", pictures.array.shape)):
                self._once.warn([Finding("axes", said)])
        if watch.left > 0:
            watch.look(runner, pictures, address, out, layout)
            self._once.warn(watch.findings)
