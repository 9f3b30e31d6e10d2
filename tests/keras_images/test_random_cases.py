"""Random uses of ImageDataGenerator with compat="1.1.2" against keras-preprocessing 1.1.2; see `cases.py`."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_images.cases import difference, function_difference
from keras_images.original import original, quietly

from vary import keras
from vary.keras import ImageDataGenerator
from vary.keras.old_functions import functions_of

CASES, PARTS = 240, 8


@pytest.mark.parametrize("part", range(PARTS))
def test_random_uses_equal_those_of_the_original(tmp_path: Path, part: int) -> None:
    ours = partial(ImageDataGenerator, compat="1.1.2")
    for case in range(part, CASES, PARTS):
        assert not difference(original().ImageDataGenerator, ours, case, tmp_path), case


def test_functions_equal_those_of_the_original() -> None:
    functions = functions_of("1.1.2")
    for case in range(600):
        found = function_difference(
            partial(getattr, original()), lambda name: functions.get(name) or getattr(keras, name), case
        )
        assert not found, case


@pytest.mark.parametrize("fill_mode", ["nearest", "reflect", "mirror", "wrap"])
def test_halves_are_rounded_as_by_the_original(fill_mode: str) -> None:
    x = np.random.default_rng(0).uniform(0, 255, (5, 7, 1)).astype(np.float32)
    ours = functions_of("1.1.2")["apply_affine_transform"]
    for shift in np.arange(-12, 12.5, 0.5):
        how: dict[str, Any] = {"tx": shift, "ty": -shift, "fill_mode": fill_mode, "order": 0}
        expected = quietly(original().apply_affine_transform, x, **how)
        assert (ours(x, **how) == expected).all(), shift
