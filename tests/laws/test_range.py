"""Colour transforms stay within the value range: a clip is left out only if no value could reach it.

Many wide draws on the pictures that go furthest; results as float32, where nothing is saturated by the cast.
"""

import numpy as np
import pytest

from vary import Brightness, ChannelShift, ColorJitter, Contrast, Hue, Policy, Rescale, Saturation

N = 6000
PURE = np.array([[(r, g, b) for r in (0, 255) for g in (0, 255)] for b in (0, 255)], np.uint8)
WHITE, RED = np.full((2, 2, 3), 255, np.uint8), np.zeros((2, 2, 3), np.uint8)
RED[..., 0] = 255

SHIFT, DULL, WIDE = ChannelShift((-0.9, 0.9)), Contrast((0, 1)), Contrast((0, 3))
CHAINS = [
    [SHIFT, DULL, SHIFT],
    [SHIFT, WIDE, SHIFT],
    [SHIFT, Saturation((0, 1)), SHIFT],
    [SHIFT, Saturation((0, 3)), DULL],
    [SHIFT, Hue((-0.5, 0.5)), SHIFT],
    [Brightness((0, 2)), DULL, SHIFT, Saturation((0, 2))],
    [DULL, SHIFT, DULL, SHIFT],
    [SHIFT, ColorJitter(0.9, 0.9, 0.9, 0.5), SHIFT],
    [Rescale(-0.5, 300), SHIFT, DULL, SHIFT],
]


@pytest.mark.parametrize("transforms", CHAINS, ids=str)
@pytest.mark.parametrize("image", [PURE, WHITE, RED], ids=["pure", "white", "red"])
def test_colour_stays_in_range(transforms: list, image: np.ndarray) -> None:
    low, high = (300 - 127.5, 300) if isinstance(transforms[0], Rescale) else (0, 255)
    out = Policy(transforms).batch([image] * N, seed=0, dtype="float32")
    assert out.min() >= low - 1e-3
    assert out.max() <= high + 1e-3
    assert out.max() > low + 0.9 * (high - low), "the range is reached"
