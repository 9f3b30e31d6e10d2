"""How far the native core may be from the reference, and whether it is nearer than that.

Errors are followed through a program: sampling adds 1e-4 of the range (of 16-bit types 2e-6), each colour map enlarges
what came before by its own gain, a cut to integers rounds to a whole level and so may fall one level further.
"""

import math
from collections.abc import Iterator

import numpy as np

from vary.elements import DTYPES, ELEMENTS
from vary.ops import OPS
from vary.plan.program import Instruction, Program
from vary.plan.reference import reference

NUDGE = 2e-6  # of the canvas, in the test of thresholds


def tolerance(program: Program, dtype: str) -> float:
    """The largest difference between native and reference, in the units of the result."""
    top = ELEMENTS[program.dtype].high - ELEMENTS[program.dtype].low  # of the range at this place
    error = sampling(program.dtype) * top
    for op, args, *_ in program.instructions:
        if op in ("cut", "call"):
            stored = DTYPES[int(args[-1])]
            error = math.floor(error) + 1 if ELEMENTS[stored].whole else error
            error += top * (sampling(stored) + (2.0**-10 if stored == "float16" else 0))
        elif OPS[op].kind != "map":
            grown = error * OPS[op].gain(*args)
            error = (grown if OPS[op].scales else max(error, grown)) + 1e-6 * top  # alpha keeps its own
            top = max(1.0, top * abs(args[0]) + abs(args[1])) if op == "rescale" else top
    return math.floor(error) + 1 if ELEMENTS[dtype].whole else error


def sampling(dtype: str) -> float:
    """The error of sampling pictures of this dtype, as a part of the range."""
    return 2e-6 if ELEMENTS[dtype].size == 2 else 1e-4


def nudged(program: Program, x: float, y: float) -> Program:
    """The same with every canvas moved a little: whatever is decided by a threshold there is decided otherwise."""

    def moved() -> Iterator[Instruction]:
        for instruction in program.instructions:
            if instruction.op in ("cut", "call"):
                yield Instruction("translate", (x, y))
            yield instruction
        yield Instruction("translate", (x, y))

    return program._replace(instructions=tuple(moved()))


def assert_close(out: np.ndarray, program: Program, image: np.ndarray) -> None:
    """`out` is the reference's picture within `tolerance`.

    Nearest picks, the edges of a constant fill and the seam of wrap jump at thresholds. Coordinates are the same
    arithmetic in both but for the last bits of a sine, so hardly a pixel ever decides otherwise; one that does must
    lie between what the reference gives when all canvases are nudged by 2e-6 of their size.
    """
    dtype = str(out.dtype)
    expected = reference(program, image, dtype=dtype).astype(np.float64)
    assert out.shape == expected.shape, program.text()
    allowed = np.asarray(tolerance(program, dtype))
    with np.errstate(over="ignore", invalid="ignore"):  # infinity in float16
        if dtype == "float16":  # one of the two numbers between which the result lies
            allowed = allowed + np.spacing(np.abs(expected).astype(np.float16)).astype(np.float64)
        far = ~(np.abs(out - expected) <= allowed) & (out != expected)
    if not far.any():
        return
    around = [reference(nudged(program, x, y), image, dtype=dtype) for x in (-NUDGE, NUDGE) for y in (-NUDGE, NUDGE)]
    low, high = np.min([expected, *around], axis=0) - allowed, np.max([expected, *around], axis=0) + allowed
    far &= (out < low) | (out > high) | np.isnan(out)
    where = tuple(int(i) for i in np.argwhere(far)[0]) if far.any() else ()
    assert not far.any(), (
        f"{far.sum()} of {far.size} values are over {allowed.max():.3g} off; at {where} {out[where]}, "
        f"reference {expected[where]}, of a {image.dtype} picture {image.shape}\n{program.text()}"
    )
