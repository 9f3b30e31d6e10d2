"""Which pixel of a mask each pixel of its result is, according to the reference."""

from collections.abc import Iterator

import numpy as np
from truth.closeness import NUDGE, nudged

from vary import Policy
from vary.ops import OPS
from vary.plan.program import FILLS, Instruction, Program
from vary.plan.reference import reference

OUTSIDE = 0xFFFFFF


def moving(program: Program, constant: bool) -> Program:
    """What of a program concerns a mask, for a picture of three bytes a pixel."""

    def kept() -> Iterator[Instruction]:
        for i in program.instructions:
            if i.op in ("cut", "call"):
                yield Instruction("cut", (0.0,))
            elif OPS[i.op].kind == "map":
                yield i

    fill = ("constant", (255.0, 255.0, 255.0)) if constant else (program.settings.fill, ())
    settings = program.settings._replace(fill=fill[0], fill_value=fill[1], interpolation="nearest", antialias=False)
    return Program(3, "uint8", settings, tuple(kept()))


def picks(policy: Policy, image: np.ndarray, seed: int) -> list[np.ndarray]:
    """(height, width) numbers of pixels, counted along the rows of `image`; OUTSIDE where a constant fill shows.

    The first is the reference's. The others are what it is if all canvases are moved by 2e-6 of their size: where
    they differ, a pixel is at a threshold.
    """
    program = moving(policy.program(image.shape, dtype=image.dtype.name, seed=seed), policy.fill not in FILLS)
    height, width = image.shape[:2]
    numbers = np.arange(height * width, dtype="<u4").reshape(height, width, 1)
    places = numbers.view(np.uint8)[..., :3]
    sides = [program, *(nudged(program, x, y) for x in (-NUDGE, NUDGE) for y in (-NUDGE, NUDGE))]
    made = [reference(one, places, dtype="uint8").astype(np.int64) for one in sides]
    return [one @ (1, 256, 65536) for one in made]


def assert_moved(out: np.ndarray, mask: np.ndarray, chosen: list[np.ndarray], fill: int) -> None:
    """`out` is what the picks make of `mask`: exactly, but for the pixels at a threshold."""
    values = [np.where(one == OUTSIDE, np.array(fill, mask.dtype), mask.ravel()[one % mask.size]) for one in chosen]
    assert out.dtype == mask.dtype
    assert out.shape[:2] == values[0].shape
    wrong = np.all([out.reshape(values[0].shape) != one for one in values], axis=0)
    assert not wrong.any(), f"{wrong.sum()} of {wrong.size} values, at {np.argwhere(wrong)[0]}"
    assert (out.reshape(values[0].shape) != values[0]).mean() < 0.05
