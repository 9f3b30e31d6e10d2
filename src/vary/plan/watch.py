"""Checks values of the first pictures that a policy makes, for mistakes that would train on nonsense.

About 1,000 values of each of the first 16 pictures are checked: of the inputs, if they are floats and so may have any
range, and of the results. A result that is nearly constant or saturated is compared with the same picture after the
policy's geometry alone, with the same draws. So dark, white and sparse pictures, fills and crops of plain sky are not
reported. Only counts and texts are kept, no pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from vary.ops import CLIPPING, MAPS
from vary.plan.findings import Finding, WarnOnce
from vary.plan.hints import hints, names_of
from vary.plan.lower import VALUE_RANGES
from vary.plan.ranges import contradictions
from vary.plan.request import Parts
from vary.plan.samples import SampledBatch, SampledPicture, range_after, some_values
from vary.sample import Array, maybe_one

if TYPE_CHECKING:
    from vary.plan.program import Template
    from vary.plan.request import Request, Result
    from vary.plan.runner import Runner

__all__ = ["PICTURES", "Watch", "Watches"]

PICTURES, PICTURES_A_BATCH = 16, 8  # checked: in all, and of one batch
ENOUGH, SHARE = 4, 0.6  # a mistake that depends on a draw is reported if 4 pictures show it, and over 0.6 of all
SPREAD = 0.1  # pictures that span less of the value range are too plain for judging their results
SATURATED, CERTAIN, FREE = 0.75, 0.85, 0.25  # shares of saturated values: too many, nearly all, a few
LOST = 0.5  # reported if more than this part of a picture's own range is lost by saturation
FEWEST = 16  # pixels of a result that is checked: fewer may be equal by chance
FAR = 30  # after Normalize: if half of the absolute values are above this, mean or std is wrong
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
"""Texts of the mistakes that several pictures must show, by kind. {0}: the transforms, {1}: the range of results."""

REPORTED_AS = {"constant": "colour", "saturated": "colour"}
"""Kinds that are reported under one name, so that a user is warned of one of them only."""


@dataclass
class Watch:
    """The check of one policy on one kind of picture (channels, dtype). Threads may share it; it can be pickled."""

    left: int = PICTURES  # pictures still to be checked
    found: dict[str, str] = field(default_factory=dict)
    evidence: dict[str, list[int]] = field(default_factory=dict)  # by kind; of a picture 0, 1, or ENOUGH if certain

    @property
    def findings(self) -> list[Finding]:
        return [Finding(*one) for one in self.found.copy().items()]  # a copy: other threads may add to it

    def inspect(self, template: Template, request: Request, result: Result) -> None:
        """Check some of the images that a request made, and their inputs."""
        out, layout = result.arrays[0], request.outputs[0].layout
        failed = {*request.failed, *(failure.place for failure in result.failures)}
        places = [place for place in range(0, len(out), request.views) if place not in failed]
        places = places[:: max(1, len(places) // PICTURES_A_BATCH)][: min(PICTURES_A_BATCH, self.left)]
        if not places:
            return
        self.left -= len(places)
        seen = SampledBatch(template, request, places)
        results = [some_values(out[place].T if layout == "NHWC" else out[place]) for place in places]
        for kind, text in _of_pictures(seen, out.dtype, results) or self._of_results(seen, results):
            self.found.setdefault(kind, text)

    def _of_results(self, seen: SampledBatch, results: list[Array]) -> list[Finding]:
        template, expected = seen.template, range_after(seen.template)
        if not all(np.isfinite(values).all() for values in results):
            text = (
                f"{_suspects(template, 'nan')}: the results hold NaN or infinite values, although the pictures do not"
            )
            return [Finding("nan", text)]
        for place, values in enumerate(results):
            if any(i.op == "normalize" and i.gate < 0 for i in template.instructions):
                self._count("normalize", bool(np.median(np.abs(values)) > FAR))
            if expected is not None and len(values) >= FEWEST:
                self._check_picture(seen, place, SampledPicture(*expected, values))
        numbers = f"{min(r.min() for r in results):.4g} .. {max(r.max() for r in results):.4g}"
        reported = [kind for kind in TEXTS if self._is_reported(kind)]
        if "constant" in reported and "saturated" in reported:
            reported.remove("saturated")  # an all black or all white picture is both
        texts = {kind: TEXTS[kind].format(_suspects(template, kind), numbers) for kind in reported}
        return [Finding(REPORTED_AS.get(kind, kind), text) for kind, text in texts.items()]

    def _check_picture(self, seen: SampledBatch, place: int, result: SampledPicture) -> None:
        """Count whether a result is nearly constant or saturated because of the policy."""
        if not (result.is_constant or result.saturated >= SATURATED):
            for kind in ("constant", "saturated", "moved"):
                self._count(kind, False)
            return
        template, moved = seen.template, seen.picture(place, geometry=True)
        if moved.spread >= SPREAD:
            sure = not seen.is_drawn(CLIPPING)
            if not template.functions or moved.saturated <= FREE:  # a function may turn two values into one
                self._count("constant", result.is_constant, sure)
            if not template.functions and any(i.op in CLIPPING for i in template.instructions):
                low, high = result.ends
                lost = min(moved.lost(low, high), moved.lost(high, low))  # the second, if the policy inverts values
                bad = result.saturated >= SATURATED and moved.saturated <= FREE and lost > LOST
                self._count("saturated", bad, sure and result.saturated >= CERTAIN)
        elif template.dtype == "uint8" and template.value_range == VALUE_RANGES["uint8"] and template.rescales:
            values = seen.values()[place]
            self._count("ones", result.is_constant and values.min() == 0 and values.max() == 1)
        elif moved.is_constant and _moves(template) and seen.picture(place).spread >= SPREAD:
            self._count("moved", True, not seen.is_drawn(MAPS))

    def _count(self, kind: str, bad: bool, sure: bool = False) -> None:
        self.evidence.setdefault(kind, []).append((ENOUGH if sure else 1) if bad else 0)

    def _is_reported(self, kind: str) -> bool:
        evidence = self.evidence.get(kind, [])
        return sum(evidence) >= ENOUGH and sum(map(bool, evidence)) > SHARE * len(evidence)


def _of_pictures(seen: SampledBatch, dtype: np.dtype, results: list[Array]) -> list[Finding]:
    """Mistakes of the inputs. Those in uint8 with the range 0 .. 255 have none."""
    template = seen.template
    if template.dtype == "uint8" and template.value_range == VALUE_RANGES["uint8"]:
        return []
    return contradictions(template, seen.values(), dtype, results)


def _moves(template: Template) -> bool:
    """May a translation be what moved the picture out of view? Not if crops, zooms or functions may have done it."""
    ops = {i.op for i in template.instructions}
    return "translate" in ops and not template.functions and ops.isdisjoint(WINDOWS)


def _suspects(template: Template, kind: str) -> str:
    """The transforms that may have caused this kind of mistake, for its text."""
    ops = {
        "normalize": ["normalize"],
        "moved": sorted(MAPS - {"resize"}),
        "nan": ["call"],
        "ones": ["rescale", "normalize"],
    }
    return ", ".join(names_of(template, *ops.get(kind, [*CLIPPING, "call"]))[:3]) or "the policy"


class Watches:
    """The checks of a policy that is called directly: one `Watch` for each kind of picture. Threads may share it."""

    def __init__(self) -> None:
        self._once = WarnOnce()
        self._known: dict[Runner, Watch] = {}

    def inspect(self, runner: Runner, request: Request, result: Result) -> None:
        """Check as `Watch.inspect` does, and warn of each kind of mistake once."""
        watch = self._known.get(runner)
        if watch is None:
            watch = self._known.setdefault(runner, Watch())
            self._once.warn(hints(runner.template))
            pictures = request.inputs[0]
            if isinstance(pictures, Parts) and (said := maybe_one("images", pictures.array.shape)):
                self._once.warn([Finding("axes", said)])
        if watch.left > 0:
            watch.inspect(runner.template, request, result)
            self._once.warn(watch.findings)
