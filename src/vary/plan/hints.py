"""Finds mistakes in a policy's arguments, before any picture is read: angles in radians, shifts in pixels, factors in
percent, mean and std of 0 .. 255, results far outside of any usual range.

It reads the lowered template, so it checks the user's own transforms as well.
"""

from __future__ import annotations

import math
from collections import Counter
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from vary.elements import ELEMENTS
from vary.ops import OPS
from vary.ops.spec import same_range
from vary.plan.findings import Finding
from vary.transforms.base import Column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vary.plan.program import Instruction, Template

__all__ = ["NEARLY_BLACK", "gain", "hints", "names_of", "possible"]

Range = tuple[float, float]

LONGEST = 160  # characters of a transform in a message
LARGEST_FACTOR = 10  # of a zoom or a colour: more is probably a percentage
SMALLEST_ZOOM = 0.1
LARGEST_SLOPE = 3  # of a shear: about 72 degrees
LARGEST_STATISTIC = 2  # a mean or deviation above this is probably that of pictures in 0 .. 255
NEARLY_BLACK = 0.02  # values that span less are nearly constant for a network
BRIGHTEST, WIDE = 300, 65535  # a Rescale to values above 300 is a mistake, unless it is to 65535, for 16 bits
SLIGHT = 0.01  # a factor within 1 percent of 1 / 255 counts as 1 / 255
REFLECTING = ("wrap", "reflect", "reflect101")
WINDOWS = ("crop", "center_crop", "resized_crop", "pad")


class Step(NamedTuple):
    """An instruction that may run, and what is known at its place."""

    instruction: Instruction
    name: str  # of its transform, with arguments
    spans: list[Range]  # of each argument: the range that it is drawn from
    value_range: Range | None  # of the pictures at this place; None: it is not fixed


def hints(template: Template) -> list[Finding]:
    """Probable mistakes of the policy, in words that name the transform and the cure."""
    found: list[Finding] = []
    for step in _steps(template):
        if _is_chance(template, step.instruction):
            found += _mixed_scales(step)
        rule = RULES.get(step.instruction.op)
        found += rule(step, template) if rule else []
    return [*found, *_result(template)]


def _steps(template: Template) -> Iterator[Step]:
    value_range: Range | None = template.value_range
    for i in possible(template):
        spans = [_span(template, argument) for argument in i.args]
        yield Step(i, _name(template, i), spans, value_range)
        value_range = _after(i, value_range)


def _after(i: Instruction, value_range: Range | None) -> Range | None:
    op = OPS[i.op]
    if op.range is same_range or value_range is None:
        return value_range
    return None if i.gate >= 0 else op.range(*value_range, *i.args)


def _span(template: Template, argument: float) -> Range:
    if not isinstance(argument, Column):
        return argument, argument
    draw = template.draws[argument]
    return (draw.a, draw.b) if "uniform" in draw.kind else (0.0, draw.a)


def _name(template: Template, i: Instruction) -> str:
    name = template.names[i.origin - 1]
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 4]}...)"


def names_of(template: Template, *ops: str) -> list[str]:
    """The transforms that emitted any of these instructions, each with its arguments."""
    counts = Counter(_name(template, i) for i in possible(template) if i.op in ops)
    return [name if count == 1 else f"{name}, {count} times" for name, count in counts.items()]


def possible(template: Template) -> list[Instruction]:
    """The instructions that may run."""
    return [i for i in template.instructions if _is_possible(template, i.gate)]


def _is_possible(template: Template, gate: int) -> bool:
    """Can the gate be open? It never is with p=0 or SomeOf(0, [...])."""
    while gate >= 0:
        draw = template.draws[gate]
        never = draw.kind == "among" and draw.a == 0 and template.draws[draw.column].a <= 1
        if never or (draw.kind == "chance" and draw.a == 0):
            return False
        gate = draw.parent
    return True


def _is_chance(template: Template, i: Instruction) -> bool:
    """Does it run for some pictures only? Not items of `OneOf`: one of them always runs, and all may be alike."""
    gate = i.gate
    while gate >= 0:
        if template.draws[gate].kind != "between":
            return True
        gate = template.draws[gate].parent
    return False


def gain(template: Template) -> float | None:
    """The product of all Rescale factors; None where there is no Rescale, or the product is not fixed."""
    factor, found = 1.0, False
    for i in possible(template):
        if i.op in ("normalize", "call") or (i.op == "rescale" and i.gate >= 0):
            return None
        if i.op == "rescale":
            factor, found = factor * i.args[0], True
    return factor if found else None


def _largest(span: Range) -> float:
    return max(abs(span[0]), abs(span[1]))


def _plain(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _is_radians(angle: float) -> bool:
    """Is it 2 pi, or pi divided by a usual number?"""
    return any(abs(angle * part / math.pi - 1) < 1e-3 for part in (0.5, 1, 2, 3, 4, 6, 8, 12))


def _rotate(step: Step, _: Template) -> list[Finding]:
    most = _largest(step.spans[0])
    if most == 0 or (most >= 1 and not _is_radians(most)):
        return []
    angle, turn = _plain(most), f", {_plain(most)} of a whole turn {_plain(most * 360)}" if most < 1 else ""
    return [
        Finding(
            "rotate",
            f"{step.name} turns by at most {angle} degrees, which is hardly seen: angles are in degrees. {angle} "
            f"radians would be {_plain(math.degrees(most))} degrees{turn}",
        )
    ]


def _shear_degrees(step: Step, _: Template) -> list[Finding]:
    most = min((_largest(span) for span in step.spans if _largest(span)), default=0.0)
    if most == 0 or most >= 1:
        return []
    slope = _plain(math.degrees(math.atan(most)))
    return [
        Finding(
            "shear",
            f"{step.name} slants by at most {_plain(most)} degrees, which is hardly seen: angles are in degrees. A "
            f"slope of {_plain(most)} is {slope} degrees, or Shear(portion={_plain(most)})",
        )
    ]


def _shear(step: Step, _: Template) -> list[Finding]:
    most = max(map(_largest, step.spans))
    if most < LARGEST_SLOPE:
        return []
    cure = f"Shear({_plain(most)})" if most < 89 else "Shear(degrees)"
    text = f"{step.name} slants by a slope of up to {_plain(most)}: portion is the tangent, not degrees; write {cure}"
    return [Finding("shear", text)]


def _translate(step: Step, template: Template) -> list[Finding]:
    most = max(map(_largest, step.spans))
    if most < (3 if _shows_more(template) else 1):
        return []
    return [
        Finding(
            "moved",
            f"{step.name} shifts by up to {_plain(most)} times the canvas, so that nothing of the picture is left in "
            "view: shifts are fractions of width and height, not pixels. Of 200 pixels, 20 are Translate(x=0.1)",
        )
    ]


def _shows_more(template: Template) -> bool:
    """Can the picture still be in view when it is moved by its whole width?"""
    zooms = [s for s in _steps(template) if s.instruction.op == "zoom"]
    zoomed = any(high >= 2 or low <= 0.5 for step in zooms for low, high in step.spans)
    window = any(i.op in WINDOWS for i in possible(template))
    return template.settings.fill in REFLECTING or zoomed or window


def _zoom(step: Step, _: Template) -> list[Finding]:
    high = max(span[1] for span in step.spans)
    if SMALLEST_ZOOM < high <= LARGEST_FACTOR:
        return []
    if high > LARGEST_FACTOR:
        what, cure = f"enlarges up to {_plain(high)} times", "80 to 120 percent are (0.8, 1.2)"
    else:
        what, cure = f"leaves at most {_plain(high)} of the picture's size", f"a little smaller is ({1 - high:.2g}, 1)"
    text = f"{step.name} {what}: zoom is a factor, and 1 leaves the picture as it is; {cure}"
    return [Finding("zoom", f"{text}, a number a means (1 - a, 1 + a)")]


def _factor(step: Step, _: Template) -> list[Finding]:
    high = step.spans[0][1]
    if high <= LARGEST_FACTOR:
        return []
    text = f"{step.name} has {step.instruction.op} factors of up to {_plain(high)}, and 1 leaves the picture as it is"
    return [Finding("colour", f"{text}; 80 to 120 percent are (0.8, 1.2), or 0.2")]


def _normalize(step: Step, _: Template) -> list[Finding]:
    if step.value_range is None:
        return []
    low, high = step.value_range
    half = len(step.spans) // 2
    means = [(mean - low) / (high - low) for mean, _ in step.spans[:half]]
    stds = [std / (high - low) for std, _ in step.spans[half:]]
    if max(map(abs, means)) <= LARGEST_STATISTIC and max(stds) <= LARGEST_STATISTIC:
        return []
    cure = f"{_fractions(means)}, {_fractions(stds)}"
    return [
        Finding(
            "normalize",
            f"{step.name} has a mean or std of pictures in 0 .. 255, and leaves hardly anything of the picture: both "
            f"are fractions of the value range, whatever it is. Divided by 255: Normalize({cure})",
        )
    ]


def _fractions(values: list[float]) -> str:
    divisor = 255 if max(map(abs, values)) > LARGEST_STATISTIC else 1
    found = [f"{value / divisor:.3f}" for value in values]
    return found[0] if len(set(found)) == 1 else f"({', '.join(found)})"


def _mixed_scales(step: Step) -> list[Finding]:
    i = step.instruction
    if i.op != "normalize" and not (i.op == "rescale" and not 0.1 < abs(i.args[0]) < 10):
        return []
    text = f"{step.name} is applied to some pictures only, so that a batch mixes values of two scales"
    return [Finding("scales", f"{text}; take it out of Sometimes or SomeOf, and leave out p=")]


def _result(template: Template) -> list[Finding]:
    """Results of Rescale that are far too large or nearly constant, if their range is fixed."""
    value_range: Range | None = template.value_range
    for i in possible(template):
        value_range = _after(i, value_range)
    most_before, named = _largest(template.value_range), " and ".join(names_of(template, "rescale")[:3])
    if value_range is None or not named:
        return []
    most, size = _largest(value_range), value_range[1] - value_range[0]
    said = f"{named}: the results lie within {_plain(value_range[0])} .. {_plain(value_range[1])}"
    element = ELEMENTS[template.dtype]
    usual = "Rescale(1 / 255) brings uint8 to 0 .. 1"
    if element.whole and element.name != "uint8":
        usual = f"Rescale(1 / {element.high:g}) brings {element.name} to at most 1"
        if most_before > BRIGHTEST and abs((gain(template) or 0) * 255 - 1) < SLIGHT:
            return [Finding("rescale", f"{said}, because 1 / 255 is for uint8; {usual}")]
    if most > BRIGHTEST and most > most_before and round(most) != WIDE:
        return [Finding("rescale", f"{said}, far above what networks expect; {usual}, and 0 .. 255 needs no Rescale")]
    if size <= NEARLY_BLACK and element.whole:
        return [Finding("rescale", f"{said}, nearly constant; {usual}, once")]
    return []


def _rescale(step: Step, template: Template) -> list[Finding]:
    """Values after Normalize are a few units around 0, so Rescale(1 / 255) then makes them nearly constant."""
    before = takewhile(lambda i: i is not step.instruction, possible(template))
    if abs(step.instruction.args[0]) > NEARLY_BLACK or all(i.op != "normalize" for i in before):
        return []
    text = f"{step.name} after Normalize leaves nearly constant values; put it before Normalize, or leave it out"
    return [Finding("rescale", text)]


RULES: dict[str, Callable[[Step, Template], list[Finding]]] = {
    "rotate": _rotate,
    "shear_degrees": _shear_degrees,
    "shear": _shear,
    "translate": _translate,
    "zoom": _zoom,
    "brightness": _factor,
    "contrast": _factor,
    "saturation": _factor,
    "normalize": _normalize,
    "rescale": _rescale,
}
