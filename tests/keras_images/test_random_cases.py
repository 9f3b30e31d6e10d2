"""Random uses of ImageDataGenerator with compat="1.1.2" against keras-preprocessing 1.1.2; see `cases.py`."""

from functools import partial
from pathlib import Path

import pytest
from keras_images.cases import difference
from keras_images.original import original

from vary.keras import ImageDataGenerator

CASES, PARTS = 240, 8


@pytest.mark.parametrize("part", range(PARTS))
def test_random_uses_equal_those_of_the_original(tmp_path: Path, part: int) -> None:
    ours = partial(ImageDataGenerator, compat="1.1.2")
    for case in range(part, CASES, PARTS):
        assert not difference(original().ImageDataGenerator, ours, case, tmp_path), case
