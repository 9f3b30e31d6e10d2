"""The values of pictures, as training gets them: how they are shown, and what is said of them.

Pictures are shown on one of a few fixed scales, never on one made to fit: what is too dark, too bright or flat for
training looks so. The scale that was used is always stated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vary import Program


class Scale(NamedTuple):
    """The values shown as black and as white; `reason` says why these."""

    black: float
    white: float
    reason: str = ""


BYTES = Scale(0, 255)
USUAL = (Scale(0, 1), Scale(-1, 1), BYTES)  # from narrow to wide
STANDARD = Scale(-3, 3, "after Normalize, which has no range")  # three standard deviations to either side


def scale_of(programs: Iterable[Program], value_range: tuple[float, float] | None = None) -> Scale:
    """The narrowest usual scale that holds the value range of every program's results: 0 .. 1 after Rescale(1 / 255).

    value_range: of the pictures that go in; None: 0 .. 255.
    """
    low, high = np.inf, -np.inf
    for program in programs:
        ends = np.array(value_range or (BYTES.black, BYTES.white))
        for step in program.instructions:
            if step.op == "normalize":
                return STANDARD
            if step.op == "rescale":
                ends = ends * step.args[0] + step.args[1]
        low, high = min(low, ends.min()), max(high, ends.max())
    slack = 1e-6 * max(abs(low), abs(high))
    fits = (s for s in USUAL if s.black - slack <= low and high <= s.white + slack)
    return next(fits, BYTES)


def as_levels(image: np.ndarray, scale: Scale) -> np.ndarray:
    """(H, W, C) as uint8: black and white are the ends of the scale, NaN is black. uint8 is returned as it is."""
    if image.dtype == np.uint8:
        return image
    inside = np.clip(np.where(np.isnan(image), scale.black, image), scale.black, scale.white)
    found: np.ndarray = np.rint((inside - scale.black) * (255 / (scale.white - scale.black))).astype(np.uint8)
    return found


def statement(name: str, images: Sequence[np.ndarray], scale: Scale = BYTES) -> str:
    """Such as "variations: float32, 0 .. 0.98, mean 0.43; shown from 0 (black) to 1 (white)"."""
    low, high, total, count, odd = np.inf, -np.inf, 0.0, 0, 0
    for image in images:
        finite = image[np.isfinite(image)]
        odd += image.size - finite.size
        if finite.size:
            low, high = min(low, finite.min()), max(high, finite.max())
            total, count = total + float(finite.sum(dtype=np.float64)), count + finite.size
    said = [str(images[0].dtype), *([f"{low:.4g} .. {high:.4g}", f"mean {total / count:.3g}"] if count else [])]
    said += [f"{odd} values NaN or infinite"] if odd else []
    shown = f"from {scale.black:g} (black) to {scale.white:g} (white)"
    if images[0].dtype == np.uint8:
        shown = "as it is"
    return f"{name}: {', '.join(said)}; shown {shown}{scale.reason and f', {scale.reason}'}"
