"""A template -> the core's plans: one for each stage, that is for what runs in one native call."""

from __future__ import annotations

from collections.abc import Sequence

from vary import _native
from vary.plan.program import FILLS, Template
from vary.plan.segment import Stage
from vary.transforms.base import Column

__all__ = ["compiled"]


def compiled(template: Template, stages: Sequence[Stage]) -> list[_native.Plan]:
    """The plans of these stages. Each draws the same parameters: those of the whole template."""
    settings = template.settings
    draws = [draw.native() for draw in template.draws]
    sampling = (
        FILLS.index(settings.fill),
        list(settings.fill_value),
        settings.interpolation == "nearest",
        settings.antialias,
    )
    return [
        _native.Plan(
            [(i.op, i.gate, [_argument(a) for a in i.args], template.name(i)) for i in stage.instructions],
            draws,
            template.channels,
            sampling,
        )
        for stage in stages
    ]


def _argument(value: float) -> tuple[float, int]:
    """(a number, -1), or (0, the column that holds it)."""
    return (0.0, int(value)) if isinstance(value, Column) else (float(value), -1)
