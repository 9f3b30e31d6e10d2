"""`assert_close`: compares the native core with the reference, within a tolerance that is computed from the program.

A bound on the error is carried through a program: sampling adds 1e-4 of the range (of 16-bit types 2e-6), each colour
map multiplies it by its gain, and a cut to integers, which rounds, may add one level. If an operation jumps at a
threshold (`Op.continuous` is False), values closer to the threshold than the error may have either result.
"""

import math
from collections.abc import Iterator
from itertools import product, takewhile
from typing import NamedTuple

import numpy as np

from vary.elements import DTYPES, ELEMENTS, MEANINGS
from vary.ops import OPS, Floats
from vary.plan.program import Instruction, Program
from vary.plan.reference import reference

NUDGE = 2e-6  # part of the canvas by which it is moved to see both results at a threshold
APART = 6  # the most values near a threshold of which all combinations are tried
MIXING = ("whole", "control", "call")  # kinds of which a value of the result depends on several of the input


class UndecidedError(Exception):
    """Too many values lie near a threshold, and what comes after it mixes them."""


class Bound(NamedTuple):
    error: float
    top: float  # of the range at this place

    def after(self, i: Instruction) -> "Bound":
        """After this instruction."""
        error, top = self
        if i.op in ("cut", "call"):
            stored = DTYPES[int(i.args[-1])]
            error = math.floor(error) + 1 if ELEMENTS[stored].whole else error
            return Bound(error + top * (sampling(stored) + (2.0**-10 if stored == "float16" else 0)), top)
        if OPS[i.op].kind == "map":
            return self
        grown = error * OPS[i.op].gain(*i.args)
        error = (grown if OPS[i.op].scales else max(error, grown)) + 1e-6 * top  # alpha keeps its own
        return Bound(error, max(1.0, top * abs(i.args[0]) + abs(i.args[1])) if i.op == "rescale" else top)


def bound_of(program: Program) -> Bound:
    """Before its first instruction: the error is that of sampling."""
    top = ELEMENTS[program.dtype].high - ELEMENTS[program.dtype].low
    return Bound(sampling(program.dtype) * top, top)


def tolerance(program: Program, dtype: str) -> float:
    """The largest difference between native and reference, in the units of the result."""
    bound = bound_of(program)
    for instruction in program.instructions:
        bound = bound.after(instruction)
    return math.floor(bound.error) + 1 if ELEMENTS[dtype].whole else bound.error


def sampling(dtype: str) -> float:
    """The error of sampling pictures of this dtype, as a part of the range."""
    return 2e-6 if ELEMENTS[dtype].size == 2 else 1e-4


def nudged(program: Program, x: float, y: float) -> Program:
    """The same with every canvas moved a little: positions at a threshold then fall on its other side."""

    def moved() -> Iterator[Instruction]:
        for instruction in program.instructions:
            if instruction.op in ("cut", "call"):
                yield Instruction("translate", (x, y))
            yield instruction
        yield Instruction("translate", (x, y))

    return program._replace(instructions=tuple(moved()))


def jumps(program: Program) -> bool:
    return not all(OPS[i.op].continuous for i in program.instructions)


def outcomes(program: Program, image: np.ndarray, bound: Bound | None = None) -> list[Floats]:
    """What the reference gives, in float64, and what else it would give if values near a threshold lay beyond it."""
    bound = bound_of(program) if bound is None else bound
    first = tuple(takewhile(lambda i: OPS[i.op].continuous, program.instructions))
    if len(first) == len(program.instructions):
        return [reference(program, image)]
    for instruction in first:
        bound = bound.after(instruction)
    one, *later = program.instructions[len(first) :]
    end = next((n for n, i in enumerate(later) if i.op in ("cut", "call")), len(later))
    maps = [i for i in later[:end] if OPS[i.op].kind == "map"]  # the maps of a segment run first
    rest = [i for i in later[:end] if OPS[i.op].kind != "map"] + later[end:]
    input_ = reference(program._replace(instructions=(*first, *maps)), image)
    mixing = any(OPS[i.op].kind in MIXING or i.op == "contrast" for i in rest)
    after = program._replace(instructions=tuple(rest))
    pictures = _either(input_, one, bound.error, mixing)
    return [picture for some in pictures for picture in outcomes(after, some, bound.after(one))]


def _either(picture: Floats, i: Instruction, error: float, mixing: bool) -> list[Floats]:
    """The result of an operation that jumps, and its results if its input is off by `error`, where that makes a jump.

    mixing: one result for each choice among all values that may jump; else for each choice among the channels of a
    pixel, the same for all pixels.
    """
    op = OPS[i.op]
    here, below, above = (op.reference(picture + off, *i.args) for off in (0, -error, error))
    most = error * op.gain(*i.args) * (1 + 1e-9)
    bent = np.abs(below + above - 2 * here) > 0.01 * most  # finds jumps that are too small for the comparison below
    near = (np.abs(below - here) > most) | (np.abs(above - here) > most) | bent
    if not near.any():
        return [here]
    if not mixing:
        if picture.shape[2] not in MEANINGS:  # nothing mixes their channels, so each value is a choice by itself
            return [here, np.where(near, below, here), np.where(near, above, here)]
        sides = product((below, above), repeat=picture.shape[2])
        chosen = (np.stack([side[..., c] for c, side in enumerate(one)], axis=2) for one in sides)
        return [here, *(np.where(near, one, here) for one in chosen)]
    places = np.argwhere(near)
    if len(places) > APART:
        raise UndecidedError
    other = np.where(np.abs(below - here) > np.abs(above - here), below, above)
    found = []
    for choice in product((False, True), repeat=len(places)):
        found.append(here.copy())
        for place in places[list(choice)]:
            found[-1][tuple(place)] = other[tuple(place)]
    return found


def _cast(picture: Floats, dtype: str) -> Floats:
    element = ELEMENTS[dtype]
    if element.whole:
        return np.rint(picture).clip(element.low, element.high)
    with np.errstate(over="ignore"):  # infinity in float16
        return picture.astype(np.float16).astype(np.float64) if dtype == "float16" else picture


def _near_one(out: np.ndarray, expected: Floats, others: list[Floats], allowed: np.ndarray) -> np.ndarray:
    """Which values are those expected, or those of another outcome where that differs. The other outcomes are of an
    input that is off by the error, so they are off by as much again."""
    with np.errstate(invalid="ignore"):  # infinity minus infinity
        near: np.ndarray = (np.abs(out - expected) <= allowed) | (out == expected)
    for other in others:
        near |= (other != expected) & (np.abs(out - other) <= 2 * allowed)
    return near


def assert_close(out: np.ndarray, program: Program, image: np.ndarray) -> None:
    """`out` is the reference's picture within `tolerance`.

    Nearest picks, the edges of a constant fill and the seam of wrap jump at thresholds. Coordinates are the same
    arithmetic in both but for the last bits of a sine, so hardly a pixel ever decides otherwise; one that does must
    lie between what the reference gives when all canvases are nudged by 2e-6 of their size. In a program that jumps
    elsewhere as well, it must be one of these.
    """
    dtype = str(out.dtype)
    expected, *others = (_cast(one, dtype) for one in outcomes(program, image))
    assert out.shape == expected.shape, program.text()
    allowed = np.asarray(tolerance(program, dtype))
    if dtype == "float16":  # one of the two numbers between which the result lies
        with np.errstate(over="ignore", invalid="ignore"):
            allowed = allowed + np.spacing(np.abs(expected).astype(np.float16)).astype(np.float64)
    far = ~_near_one(out, expected, others, allowed)
    if not far.any():
        return
    moved = [nudged(program, x, y) for x in (-NUDGE, NUDGE) for y in (-NUDGE, NUDGE)]
    around = [_cast(one, dtype) for program in moved for one in outcomes(program, image)]
    if jumps(program):
        far &= ~_near_one(out, expected, around, allowed)
    else:
        low, high = np.min([expected, *around], axis=0) - allowed, np.max([expected, *around], axis=0) + allowed
        far &= (out < low) | (out > high) | np.isnan(out)
    where = tuple(int(i) for i in np.argwhere(far)[0]) if far.any() else ()
    assert not far.any(), (
        f"{far.sum()} of {far.size} values are over {allowed.max():.3g} off; at {where} {out[where]}, "
        f"reference {expected[where]}, of a {image.dtype} picture {image.shape}\n{program.text()}"
    )
