"""Where a program is cut. Between two cuts all geometric maps are one sampling and all colour maps one chain behind it.

By default (look-through) only user functions cut. A strict policy cuts before every transform that moves pixels, so
that each resamples onto its own canvas and colour keeps its place among them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from vary.plan.program import GEOMETRY, Instruction, Template

__all__ = ["Stage", "fuse", "stages"]


class Stage(NamedTuple):
    """What runs in one native call, and the instruction `call` that ends it, if one does."""

    instructions: tuple[Instruction, ...]
    call: Instruction | None


def fuse(template: Template) -> Template:
    """The template with its cuts written in."""
    if not template.settings.strict:
        return template
    return template._replace(instructions=tuple(_strict(template)))


def _strict(template: Template) -> Iterator[Instruction]:
    origin, fresh, stored = -1, True, float(template.dtype == "float32")
    for i in template.instructions:
        if i.op in GEOMETRY and i.origin != origin and not fresh:
            yield Instruction("cut", (stored,), i.gate, i.origin)
        fresh = i.op == "call"
        origin = i.origin
        if i.op in ("rescale", "normalize"):
            stored = 1.0
        yield i


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
