"""Positions and steps far beyond the picture give the pixels of the reference."""

import itertools
from typing import Any

import numpy as np
import pytest

from vary import CenterCrop, Policy, Resize, Rotate, Shear, Translate, Zoom
from vary.plan.reference import reference

FILLS = ["nearest", "reflect", "reflect101", "wrap", 9]
MAPS: dict[str, list[Any]] = {
    "a column in a thousand": [Zoom((0.01, 0.01), (1, 1)), Zoom((0.0991, 0.0991), (1, 1))],
    "both axes": [Zoom((0.01, 0.01)), Zoom((0.05, 0.05)), CenterCrop(5, 150)],
    "turned": [Zoom((0.01, 0.01)), Zoom((0.03, 0.03)), Rotate((33, 33))],
    "at the limit": [Resize(66, 66), Zoom((0.01, 0.01)), Zoom((0.39, 0.39))],
    "just below the limit": [Zoom((0.01, 0.01)), Zoom((0.3907, 0.3907))],
    "sheared": [Shear(portion=(50, 50)), Zoom((0.05, 0.05))],
    "far away": [*[Translate((10, 10), (-10, -10)), Zoom((0.01, 0.01))] * 2],
    "at the end": [Zoom((0.01, 0.01))] * 4,
    "beyond it": [Zoom((0.01, 0.01))] * 9,
    "beyond it, turned": [*[Zoom((0.01, 0.01))] * 40, Rotate((10, 10))],
}


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("fill", FILLS, ids=str)
@pytest.mark.parametrize("how", [{"interpolation": "nearest"}, {"antialias": False}], ids=["nearest", "bilinear"])
def test_distant_positions_equal_the_references(name: str, fill: Any, how: dict[str, Any]) -> None:
    policy = Policy(MAPS[name], fill=fill, **how)
    random = np.random.default_rng(0)
    for (height, width), dtype in itertools.product(((66, 70), (3, 1), (1, 200)), ("uint8", "float32")):
        image = random.integers(50, 256, (height, width, 3)).astype(dtype)
        out = policy(image, seed=0)
        expected = reference(policy.program(image.shape, dtype=dtype, seed=0), image, dtype=dtype)
        off = np.abs(out.astype(float) - expected.astype(float))
        allowed = 0 if "interpolation" in how else 1 if dtype == "uint8" else 1e-3
        wrong = off > allowed
        if name in ("turned", "beyond it, turned"):  # a sine's last bit decides for some
            assert wrong.mean() < 0.02
        else:
            assert not wrong.any(), f"{wrong.sum()} of {wrong.size} values"
