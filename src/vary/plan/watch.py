"""A watch over the values of the first pictures that a policy makes.

Some 4,000 values of each of a few pictures are looked at: those that come in, where they may be of any range (floats),
and those that come out. A result that is nearly constant or saturated is compared with the same picture after the
geometry alone, on the same draws, so that dark, white and sparse pictures, fills and crops of plain sky are no mistake.
What was seen is kept as counts; no picture is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.errors import InputError
from vary.plan.findings import Finding, Once
from vary.plan.hints import NEARLY_BLACK, gain, hints, is_possible, names_of
from vary.plan.lower import VALUE_RANGES
from vary.plan.program import GEOMETRY, Instruction
from vary.plan.run import PLAIN, Address, Decode, Parts, Runner
from vary.transforms.base import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.plan.program import Template

__all__ = ["PICTURES", "Watch", "Watches"]

Array = np.ndarray[Any, Any]

PICTURES, AT_ONCE = 16, 8  # pictures looked at: in all, and of one batch
SIDE = 64  # rows and columns of a picture that are looked at
ENOUGH, SHARE = 4, 0.6  # pictures that show a mistake which depends on a draw, and their share of all that could
SPREAD = 0.1  # part of the range that a picture must use to be judged by
CONSTANT = 0.02  # part of the range within which a result is nearly constant
SATURATED, CERTAIN, FREE = (
    0.75,
    0.85,
    0.25,
)  # shares of values at an end of the range: mistaken, surely so, and harmless
OUTSIDE = 0.25  # of the range, by which values may lie outside: resampling overshoots
FAR = 30  # standard deviations, of half of the values after Normalize
CLIPPING = ("brightness", "contrast", "saturation", "hue", "shift")
WINDOWS = ("crop", "center_crop", "resized_crop")


class Shown(NamedTuple):
    """A picture that was looked at: some of its colour values as (values, channels) float64."""

    low: Array  # of each channel, the range that is expected
    high: Array
    values: Array

    @property
    def spread(self) -> float:
        """The part of the range that all but 2 percent of the values at either end take up, in some channel."""
        low, high = np.quantile(self.values, (0.02, 0.98), axis=0)
        return float(((high - low) / (self.high - self.low)).max())

    @property
    def is_constant(self) -> bool:
        return bool((np.ptp(self.values, axis=0) <= CONSTANT * (self.high - self.low)).all())

    @property
    def saturated(self) -> float:
        """The share of values at an end of the range."""
        slack = 0.004 * (self.high - self.low)
        ends = (self.values <= self.low + slack) | (self.values >= self.high - slack)
        return float(ends.mean())


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
        """Look at some of the results `out`, and what they were made of, as `Runner.batch` was given it."""
        count = len(pictures.places if isinstance(pictures, Parts) else pictures)
        places = [p for p in range(0, count, views) if p not in failed]
        places = places[:: max(1, len(places) // AT_ONCE)][: min(AT_ONCE, self.left)]
        if not places:
            return
        self.left -= len(places)
        seen = _Seen(runner, pictures, address, decode, places)
        results = [out[place].T if layout == "NHWC" else out[place] for place in places]  # channels first
        for finding in self._judged(seen, [_strided(result) for result in results], out.dtype):
            self.found.setdefault(*finding)

    def _judged(self, seen: _Seen, results: list[Array], dtype: Any) -> list[Finding]:
        template = seen.runner.template
        if template.dtype != "uint8" or template.value_range != VALUE_RANGES["uint8"]:
            found = _of_inputs(template, seen.pictures(geometry=False), dtype, results)
            if found:
                return found
        return [*self._of_results(seen, results)]

    def _of_results(self, seen: _Seen, results: list[Array]) -> list[Finding]:
        template, ends = seen.runner.template, _ends(seen.runner.template)
        if not all(np.isfinite(values).all() for values in results):
            names = ", ".join(names_of(template, "call")[:3]) or "the policy"
            return [Finding("nan", f"{names}: the results hold NaN or infinite values, although the pictures do not")]
        for place, values in enumerate(results):
            if any(i.op == "normalize" for i in template.instructions):
                self._vote("normalize", bool(np.median(np.abs(values)) > FAR))
            if ends is not None:
                self._judge(seen, place, Shown(*ends, values))
        found = []
        for kind, text in TEXTS.items():
            votes = self.votes.get(kind, [])
            if sum(votes) >= ENOUGH and sum(map(bool, votes)) > SHARE * len(votes):
                found.append(Finding(kind, text.format(_blamed(template, kind), _numbers(results))))
        return found

    def _judge(self, seen: _Seen, place: int, result: Shown) -> None:
        """Is a result nearly constant or saturated, and is that the policy's fault?"""
        if not (result.is_constant or result.saturated >= SATURATED):
            for kind in ("constant", "saturated", "moved"):
                self._vote(kind, False)
            return
        template = seen.runner.template
        moved = Shown(*_input_ends(template), seen.pictures(geometry=True)[place])
        if moved.spread >= SPREAD:
            sure = not seen.is_drawn(CLIPPING)
            self._vote("constant", result.is_constant, sure)
            if not template.functions and any(i.op in CLIPPING for i in template.instructions):
                bad = result.saturated >= SATURATED and moved.saturated <= FREE
                self._vote("saturated", bad, sure and result.saturated >= CERTAIN)
        elif moved.is_constant and not template.functions and not _cuts_out(template):
            whole = Shown(*_input_ends(template), seen.pictures(geometry=False)[place])
            if whole.spread >= SPREAD:
                self._vote("moved", True, not seen.is_drawn([*GEOMETRY]))

    def _vote(self, kind: str, bad: bool, sure: bool = False) -> None:
        self.votes.setdefault(kind, []).append((ENOUGH if sure else 1) if bad else 0)


TEXTS = {
    "normalize": "{0} makes values of {1}, far from 0: mean and std are fractions of the value range, as of pictures "
    "in 0 .. 1, whatever the range is; check both",
    "constant": "{0}: the results are nearly constant, {1}, although the pictures are not; weaken or leave out what "
    "takes all of the picture away",
    "saturated": "{0}: most values of the results are saturated, {1}, although those of the pictures are not; weaken "
    "it (factors are around 1, shifts are fractions of the value range)",
    "moved": "{0}: the results show nothing of the pictures, {1}; shifts are fractions of width and height, and 1 "
    "moves a picture out of view",
}


class _Seen:
    """Some pictures of a batch, to be looked at when something asks."""

    def __init__(
        self, runner: Runner, pictures: Sequence[Any] | Parts, address: Address, decode: Decode, places: list[int]
    ) -> None:
        self.runner = runner
        self._decode = decode
        if isinstance(pictures, Parts):
            self._sources: list[Any] | Parts = pictures._replace(places=pictures.places[places])
        else:
            self._sources = [pictures[place] for place in places]
        seed, epoch, _, indices = address
        self._address = Address(seed, epoch, address.views[places], indices[places])
        self._known: dict[bool, list[Array]] = {}

    def pictures(self, geometry: bool) -> list[Array]:
        """Values of the pictures as they come in, or moved by the policy's geometry: (values, channels) of each."""
        if geometry not in self._known:
            runner = Runner(_sampled(self.runner.template, geometry))
            try:
                made, failures, _ = runner.batch(self._sources, self._address, decode=self._decode, empty=_empty)
            except InputError:  # too large a map, perhaps: nothing is known then
                made, failures = np.zeros((len(self._address.indices), 1, 1, 1), np.uint8), []
            for failure in failures:
                made[failure.place] = 0
            self._known[geometry] = [_strided(picture.T) for picture in made]
        return self._known[geometry]

    def is_drawn(self, ops: Sequence[str]) -> bool:
        """Do these instructions depend on a draw?"""
        some = [i for i in self.runner.template.instructions if i.op in ops or i.op in ("call", "order")]
        return any(i.gate >= 0 or any(isinstance(a, Column) for a in i.args) for i in some)


def _sampled(template: Template, geometry: bool) -> Template:
    """What gives a few of a picture's values, before all or after the geometry alone."""
    kept = [i for i in template.instructions if i.op in GEOMETRY] if geometry else []
    settings = template.settings._replace(interpolation="nearest", antialias=False)
    resize = Instruction("resize", (float(SIDE), float(SIDE), 0.0), -1, len(template.transforms) + 1)
    return template._replace(settings=settings, instructions=(*kept, resize), functions=(), rescales=False)


def _empty(shape: tuple[int, ...], floats: bool) -> Array:
    """Memory of its own: that of batches is not to be counted twice."""
    return np.empty(shape, np.float32 if floats else np.uint8)


def _strided(picture: Array) -> Array:
    """Some values of a picture (channels, ., .), without alpha, as (values, channels) float64."""
    colours = picture[:3]
    steps = tuple(slice(None, None, max(1, side // SIDE)) for side in colours.shape[1:])
    return colours[(slice(None), *steps)].reshape(len(colours), -1).T.astype(np.float64)


def _input_ends(template: Template) -> tuple[Array, Array]:
    low, high = template.value_range
    return np.array([low]), np.array([high])


def _ends(template: Template) -> tuple[Array, Array] | None:
    """The lowest and highest value that results are expected to have, for each colour; None: not fixed."""
    ends = np.array(template.value_range)[:, None]
    for i in template.instructions:
        if i.op in ("rescale", "normalize"):
            if i.gate >= 0:
                return None
            half = len(i.args) // 2
            ends = ends * i.args[0] + i.args[1] if i.op == "rescale" else (ends - i.args[:half]) / i.args[half:]
    low, high = ends.min(axis=0)[:3], ends.max(axis=0)[:3]
    return low, high


def _of_inputs(template: Template, pictures: list[Array], dtype: Any, results: list[Array]) -> list[Finding]:
    """Do the pictures that come in contradict the value range, or what the policy does with it?"""
    values = np.concatenate(pictures)
    if not np.isfinite(values).all():
        text = (
            "the pictures hold NaN or infinite values, and so will the results; numpy.nan_to_num(images) replaces them"
        )
        return [Finding("nan", text)]
    low, high = float(values.min()), float(values.max())
    reach, said = template.value_range[1] - template.value_range[0], f"{low:.4g} .. {high:.4g}"
    if finding := _contradiction(template, pictures, said, results):
        return [finding]
    used = max(float(np.ptp(picture)) for picture in pictures)
    if template.dtype != "float32" or used < SPREAD:
        return []
    fractions = bool((values != np.rint(values)).any())
    if fractions and reach >= 16 and low >= -0.02 and high <= 1.02:
        text = f"the pictures hold {said}, but value_range={_range_text(template.value_range)}; leave out value_range="
        return [Finding("range", f"{text}: floats are taken for 0 .. 1 by default")]
    factor = gain(template)
    if factor is not None and used * abs(factor) <= NEARLY_BLACK:
        names = " and ".join(names_of(template, "rescale")[:3])
        text = f"the pictures hold {said}, and {names} makes them nearly constant: they are rescaled already"
        return [Finding("rescale", f"{text}; leave it out, or one of two")]
    if dtype == np.uint8 and fractions and max(float(result.max()) for result in results) <= 2:
        text = f"dtype='uint8' rounds the pictures, which hold {said}, to whole numbers: a cast never rescales"
        return [Finding("cast", f"{text}; leave out dtype=, or give pictures of 0 .. 255 with value_range=255")]
    return []


def _contradiction(template: Template, pictures: list[Array], said: str, results: list[Array]) -> Finding | None:
    """Values outside the value range, in a quarter of the pictures or more."""
    low, high = template.value_range
    slack = OUTSIDE * (high - low)
    outside = [bool(picture.min() < low - slack or picture.max() > high + slack) for picture in pictures]
    if sum(outside) * 4 < max(len(outside), 1) or not any(outside):
        return None
    if not _needs_range(template) and max(float(np.abs(result).max()) for result in results) <= 1.3:
        return None  # brought into a usual range without it
    lowest = min(float(picture.min()) for picture in pictures)
    highest = max(float(picture.max()) for picture in pictures)
    cure = _cure(template, lowest, highest)
    taken = f"takes {template.dtype} for {low:g} .. {high:g}"
    names = names_of(template, *CLIPPING, "normalize")[:1]
    hurt = f" ({names[0]} counts on it)" if names else ""
    return Finding("range", f"the pictures hold {said}, but the policy {taken}{hurt}; {cure}")


def _needs_range(template: Template) -> bool:
    """Does it count on the value range of the pictures, or leave them as they are?"""
    ops = [i.op for i in template.instructions if is_possible(template, i.gate)]
    before = ops[: ops.index("call")] if "call" in ops else ops
    return any(op in (*CLIPPING, "normalize") for op in before) or not {"call", "rescale"} & {*ops}


def _cure(template: Template, low: float, high: float) -> str:
    if template.dtype == "uint8":
        return "leave out value_range=, which is 0 .. 255 for uint8"
    if low < -0.02:
        ends = (-1, 1) if low >= -1.02 and high <= 1.02 else (int(np.floor(low)), int(np.ceil(high)))
        return f"write Policy([...], value_range={ends})"
    most = next((m for m in (255, 4095, 65535) if high <= m * 1.02), int(np.ceil(high)))
    uint8 = ", or give uint8 pictures" if most == 255 else ""
    return f"write Policy([...], value_range={most}){uint8}; Rescale(1 / {most}) in it gives 0 .. 1"


def _range_text(value_range: tuple[float, float]) -> str:
    low, high = value_range
    return f"({low:g}, {high:g})" if low else f"{high:g}"


def _cuts_out(template: Template) -> bool:
    """May a result be a small part of the picture, such as plain sky?"""
    return any(i.op in (*WINDOWS, "zoom") for i in template.instructions)


def _blamed(template: Template, kind: str) -> str:
    ops = {"normalize": ["normalize"], "moved": sorted(GEOMETRY - {"resize"})}.get(kind, [*CLIPPING, "call"])
    return ", ".join(names_of(template, *ops)[:3]) or "the policy"


def _numbers(results: list[Array]) -> str:
    return f"{min(r.min() for r in results):.4g} .. {max(r.max() for r in results):.4g}"


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
        if watch.left > 0:
            watch.look(runner, pictures, address, out, layout)
            self._once.warn(watch.findings)
