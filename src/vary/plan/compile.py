"""A template -> the core's plans: one for each stage (what runs in one native call), and those with the geometry
alone, for masks and points."""

from __future__ import annotations

from collections.abc import Sequence

from vary import _native
from vary.ops import OPS
from vary.plan.program import FILLS, Instruction, Template
from vary.plan.segment import Stage
from vary.transforms.base import Column

__all__ = ["compiled", "compiled_geometry"]


def compiled(template: Template, stages: Sequence[Stage]) -> list[_native.Plan]:
    """The plans of these stages. Each draws the same parameters: those of the whole template."""
    s = template.settings
    sampling = FILLS.index(s.fill), list(s.fill_value), s.interpolation == "nearest", s.antialias
    return [_plan(template, stage.instructions, template.channels, sampling) for stage in stages]


def compiled_geometry(template: Template, channels: int, fill_value: list[float]) -> _native.Plan:
    """The plan for masks of this many channels: the geometry alone, cut where the image is cut, with nearest sampling.

    fill_value: one for each channel; used if the fill of the images is a constant.
    """
    sampling = FILLS.index(template.settings.fill), fill_value, True, False
    return _plan(template, list(map(_geometry_only, template.instructions)), channels, sampling)


def _geometry_only(i: Instruction) -> Instruction:
    """The instruction that masks run in place of this one."""
    if OPS[i.op].kind == "call":  # a cut, also for pictures in which the function is not called
        return Instruction("cut", (0.0,), -1, i.origin)
    return i if OPS[i.op].kind in ("map", "control") else Instruction("nothing", (), -1, i.origin)


Sampling = tuple[int, list[float], bool, bool]


def _plan(template: Template, instructions: Sequence[Instruction], channels: int, sampling: Sampling) -> _native.Plan:
    listed = [(i.op, i.gate, [_argument(a) for a in i.args], template.name(i)) for i in instructions]
    return _native.Plan(listed, [draw.native() for draw in template.draws], channels, sampling)


def _argument(value: float) -> tuple[float, int]:
    """(the number, -1), or (0, the column that holds it)."""
    return (0.0, int(value)) if isinstance(value, Column) else (float(value), -1)
