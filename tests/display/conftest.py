"""Sample pictures for these tests."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIZES = [(90, 120), (120, 80), (64, 64), (75, 130)]  # height x width


def photo(number: int, height: int, width: int) -> np.ndarray:
    """Smooth, coloured, different for each number."""
    coarse = np.random.default_rng(number).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture
def photos() -> list[np.ndarray]:
    return [photo(number, *size) for number, size in enumerate(SIZES)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two classes of four pictures."""
    for place, name in enumerate(("cat", "dog")):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number, size in enumerate(SIZES):
            Image.fromarray(photo(10 * place + number, *size)).save(tmp_path / "data" / name / f"{number}.png")
    return tmp_path / "data"
