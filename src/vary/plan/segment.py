"""Where a program is cut. Between two cuts all maps are one sampling, and all other instructions run on its result.

By default (look-through) user functions cut, and so does a map that comes after an instruction which keeps its place
(`whole`, `noise`). A strict policy cuts before every transform that moves pixels, so that each resamples onto its own
canvas and colour keeps its place among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from vary.elements import DTYPES
from vary.ops import MAPS, OPS
from vary.plan.program import Instruction, Template

__all__ = ["KEEP_THEIR_PLACE", "Stage", "segment", "stages"]

KEEP_THEIR_PLACE = ("whole", "noise")


class Stage(NamedTuple):
    """What runs in one native call, and the instruction `call` that ends it, if one does."""

    instructions: tuple[Instruction, ...]
    call: Instruction | None


def segment(template: Template) -> Template:
    """The template with its cuts written in."""
    cut = _strict if template.settings.strict else _look_through
    return template._replace(instructions=tuple(cut(template)))


def _look_through(template: Template) -> Iterator[Instruction]:
    """A cut has the gate of what it is for: pictures without that are not cut."""
    stored, waiting = _stored(template.dtype), dict[int, None]()  # gates, in order
    for i in template.instructions:
        op = OPS[i.op]
        if i.op in MAPS:
            yield from (Instruction("cut", (stored,), gate, i.origin) for gate in waiting)
            waiting.clear()
        if i.op == "call":
            waiting.clear()
        if op.kind in KEEP_THEIR_PLACE:
            waiting[i.gate] = None
        stored = _stored("float32") if op.scales else stored
        yield i


def _strict(template: Template) -> Iterator[Instruction]:
    stored, before = _stored(template.dtype), Instruction("call")  # the first map needs no cut, as after a call
    for i in template.instructions:
        if i.op in MAPS and before.op != "call" and before.origin != i.origin:
            yield Instruction("cut", (stored,), i.gate, i.origin)
        stored = _stored("float32") if OPS[i.op].scales else stored
        before = i
        yield i


def _stored(dtype: str) -> float:
    """How a picture is stored at a cut: the last argument of `cut`."""
    return float(DTYPES.index(dtype))


def stages(template: Template) -> list[Stage]:
    """The template split at user functions."""
    out: list[Stage] = []
    now: list[Instruction] = []
    for i in template.instructions:
        if i.op == "call":
            out.append(Stage(tuple(now), i))
            now = []
        else:
            now.append(i)
    return [*out, Stage(tuple(now), None)]
