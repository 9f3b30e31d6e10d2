"""Folders of images and masks."""

from pathlib import Path

import pytest
from inputs.pairs import COUNT, classes, indexed, photo, save


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of images and masks of different sizes, JPEG and PNG, in sub-folders, with dots in their names."""
    for number in range(COUNT):
        height, width = 90 + number, 120 - number
        name = f"{'ab'[number % 2]}/{number:02}.v1"
        how = {"suffix": "png"} if number % 5 == 0 else {"suffix": "jpg"}
        save(photo(height, width, number), tmp_path / f"images/{name}.{how['suffix']}")
        save(indexed(classes(height, width, number)), tmp_path / f"masks/{name}.{'gif' if number % 4 == 1 else 'png'}")
    return tmp_path / "images", tmp_path / "masks"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
