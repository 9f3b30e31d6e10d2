"""Adds the cuts to a template. Between two cuts all maps are one sampling; all other instructions run on its result.

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
    """The template with its cuts."""
    cut = _strict if template.settings.strict else _look_through
    return template._replace(instructions=tuple(cut(template)))


def _look_through(template: Template) -> Iterator[Instruction]:
    """A cut has the gate of the `whole` or `noise` instruction that needs it: where that is skipped, so is the cut."""
    stored = _stored(template.dtype)
    pending = dict[int, None]()  # the gates of such instructions since the last cut, in order
    for i in template.instructions:
        op = OPS[i.op]
        if i.op in MAPS:
            yield from (Instruction("cut", (stored,), gate, i.origin) for gate in pending)
            pending.clear()
        if i.op == "call":
            pending.clear()
        if op.kind in KEEP_THEIR_PLACE:
            pending[i.gate] = None
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
    """The last argument of `cut`: the dtype in which the picture is stored."""
    return float(DTYPES.index(dtype))


def stages(template: Template) -> list[Stage]:
    """The template split at user functions."""
    out: list[Stage] = []
    current: list[Instruction] = []
    for i in template.instructions:
        if i.op == "call":
            out.append(Stage(tuple(current), i))
            current = []
        else:
            current.append(i)
    return [*out, Stage(tuple(current), None)]
