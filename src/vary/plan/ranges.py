"""Finds input pictures that contradict the value range which the policy assumes, or its Rescale or output dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vary.elements import ELEMENTS
from vary.ops import CLIPPING
from vary.plan.findings import Finding
from vary.plan.hints import NEARLY_BLACK, gain, names_of, possible
from vary.plan.lower import VALUE_RANGES
from vary.sample import Array

if TYPE_CHECKING:
    from vary.plan.program import Template

__all__ = ["contradictions"]

OUTSIDE, QUARTER = 0.25, 4  # values may lie outside by this part of the range; reported if 1 picture in 4 exceeds it
USED = 0.1  # pictures that span less than this may be dark or masks, and are not checked
USUAL, STANDARD = 1.3, 10  # results within -1.3 .. 1.3, or -10 .. 10 after Normalize, are in a usual range
ROUND = 1.02  # tolerance, as a factor: values up to 1.02 times a usual highest value count as in its range
DEPTHS = (255, 4095, 65535)  # highest values of pictures of 8, 12 and 16 bits
FEW = (1, 255, 1023, 4095)  # usual highest values of pictures that use only a part of a 16-bit range


def contradictions(template: Template, pictures: list[Array], dtype: np.dtype, results: list[Array]) -> list[Finding]:
    """At most one mistake. pictures, results: samples (values, colours) of each. dtype: that of the results."""
    values = np.concatenate(pictures)
    if not np.isfinite(values).all():
        text = "the pictures hold NaN or infinite values, and so will the results"
        return [Finding("nan", f"{text}; replace them: numpy.nan_to_num(images)")]
    low, high = float(values.min()), float(values.max())
    said = f"{low:.4g} .. {high:.4g}" if high < 10_000 else f"{low:.0f} .. {high:.0f}"
    found = _outside(template, pictures, said, results)
    found = found or _saturated(template, pictures, dtype, said)
    if found or ELEMENTS[template.dtype].whole:
        return found or _few_used(template, low, high, said)
    used = max(float(np.ptp(picture)) for picture in pictures)
    if used < USED:
        return []
    fractions = bool((values != np.rint(values)).any())
    return [
        *_far_below(template, low, high, said, fractions),
        *_rescaled_again(template, used, said),
        *_rounded(dtype, fractions, said, results),
    ][:1]


def _few_used(template: Template, low: float, high: float, said: str) -> list[Finding]:
    """16-bit integers that use a small part of the range that the policy assumes and depends on."""
    lowest, highest = template.value_range
    factor = gain(template)
    rescaled = factor is not None and 0.5 <= abs(factor) * (highest - lowest) <= 2  # to 0 .. 1, or -1 .. 1
    depends = _depends_on_range(template)
    most = next((depth for depth in FEW if max(-low, high) <= depth), None)
    if template.value_range != VALUE_RANGES[template.dtype] or high == low or most is None:
        return []
    stated = most if low >= 0 else (int(low), int(high))
    cures = [f"Policy([...], value_range={stated})"] * depends + [f"Rescale(1 / {most})"] * rescaled
    if not cures:
        return []
    names = names_of(template, *([*CLIPPING, "normalize"] if depends else ["rescale"]))[:1]
    assumed = f"the policy assumes {lowest:g} .. {highest:g} for {template.dtype}, and {names[0]} depends on it"
    return [Finding("range", f"the pictures hold {said}, but {assumed}; write {' and '.join(cures)}")]


def _saturated(template: Template, pictures: list[Array], dtype: np.dtype, said: str) -> list[Finding]:
    """Results in a dtype that cannot hold the values of the pictures."""
    element = ELEMENTS[np.dtype(dtype).name]
    (low, high), slack = element.ends, ROUND if element.whole else 1
    if template.rescales or template.functions:
        return []
    beyond = [bool(picture.min() < slack * low - 1 or picture.max() > slack * high) for picture in pictures]
    if sum(beyond) * QUARTER < len(beyond) or not any(beyond):
        return []
    text = f"dtype='{element.name}' holds {low:g} .. {high:g}, and the pictures {said}: a cast never rescales"
    return [Finding("cast", f"{text}; leave out dtype=, or put a Rescale into the policy and ask for dtype='float32'")]


def _outside(template: Template, pictures: list[Array], said: str, results: list[Array]) -> list[Finding]:
    """Values outside the range in a quarter of the pictures or more."""
    low, high = template.value_range
    slack = OUTSIDE * (high - low)
    outside = [bool(picture.min() < low - slack or picture.max() > high + slack) for picture in pictures]
    if not any(outside) or sum(outside) * QUARTER < len(outside):
        return []
    usual = STANDARD if any(i.op == "normalize" for i in possible(template)) else USUAL
    if not _needs_range(template) and max(float(np.abs(result).max()) for result in results) <= usual:
        return []
    cure = _cure(template, min(float(p.min()) for p in pictures), max(float(p.max()) for p in pictures))
    names = names_of(template, *CLIPPING, "normalize")[:1]
    hurt = f", and {names[0]} depends on it" if names else ""
    assumed = f"the policy assumes {low:g} .. {high:g} for {template.dtype}"
    return [Finding("range", f"the pictures hold {said}, but {assumed}{hurt}; {cure}")]


def _needs_range(template: Template) -> bool:
    """Does the policy use the value range before any function, or pass values on unchanged?"""
    return _depends_on_range(template) or not {"call", "rescale"} & {i.op for i in possible(template)}


def _depends_on_range(template: Template) -> bool:
    """Does the policy use the value range before any function?"""
    ops = [i.op for i in possible(template)]
    before = ops[: ops.index("call")] if "call" in ops else ops
    return any(op in (*CLIPPING, "normalize") for op in before)


def _cure(template: Template, low: float, high: float) -> str:
    element = ELEMENTS[template.dtype]
    if element.whole and (template.dtype == "uint8" or max(-low, high) > FEW[-1]):
        return f"leave out value_range=, which is {element.low:g} .. {element.high:g} for {template.dtype}"
    if low < 1 - ROUND:
        ends = (-1, 1) if low >= -ROUND and high <= ROUND else (int(np.floor(low)), int(np.ceil(high)))
        return f"write Policy([...], value_range={ends})"
    most = next((depth for depth in DEPTHS if depth / 16 < high <= depth * ROUND), int(np.ceil(high)))
    uint8 = ", or give uint8 pictures" if most == DEPTHS[0] and not element.whole else ""
    return f"write Policy([...], value_range={most}){uint8}; Rescale(1 / {most}) in it gives 0 .. 1"


def _far_below(template: Template, low: float, high: float, said: str, fractions: bool) -> list[Finding]:
    lowest, highest = template.value_range
    if not fractions or highest - lowest < 16 or low < 1 - ROUND or high > ROUND:
        return []
    given = f"({lowest:g}, {highest:g})" if lowest else f"{highest:g}"
    text = f"the pictures hold {said}, but value_range={given}"
    return [Finding("range", f"{text}; leave out value_range=: the default for floats is 0 .. 1")]


def _rescaled_again(template: Template, used: float, said: str) -> list[Finding]:
    factor = gain(template)
    if factor is None or used * abs(factor) > NEARLY_BLACK:
        return []
    names = " and ".join(names_of(template, "rescale")[:3])
    text = f"the pictures hold {said}, and {names} makes them nearly constant: they are rescaled already"
    return [Finding("rescale", f"{text}; leave it out, or one of the two")]


def _rounded(dtype: np.dtype, fractions: bool, said: str, results: list[Array]) -> list[Finding]:
    element = ELEMENTS[np.dtype(dtype).name]
    if not element.whole or not fractions or max(float(result.max()) for result in results) > 2:
        return []
    text = f"dtype='{element.name}' rounds the pictures, which hold {said}, to whole numbers: a cast never rescales"
    most = f"{element.high:g}"
    return [Finding("cast", f"{text}; leave out dtype=, or give pictures of 0 .. {most} with value_range={most}")]
