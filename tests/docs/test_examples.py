"""The ```python blocks of README.md and docs/*.md run.

The blocks of one file run in order and share a namespace, in an empty folder that offers `cats_dogs/train` and `pets`;
and again with pictures, names and places of a reader's own instead.
A fence ```python needs=torch,keras is left out where one of these modules is not installed.
"""

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import PICTURES, ROOT
from docs.pages import PAGES, blocks, cats_and_dogs, pets
from PIL import Image


def drawn_pictures(folder: Path) -> None:
    """Three classes of other names and sizes, in other formats: what a reader may have."""
    draw = np.random.default_rng(1)
    for number, (name, count) in enumerate({"Ein Stuhl": 5, "lamp.v2": 11, "\u673a": 3}.items()):
        (folder / name).mkdir(parents=True)
        for i in range(count):
            pixels = draw.integers(0, 256, (300 + 31 * i, 200 + 97 * number, (1, 3, 4)[i % 3]), dtype=np.uint8)
            Image.fromarray(pixels.squeeze()).save(folder / name / f"DSC {i:04}.{('PNG', 'jpeg', 'png')[i % 3]}")


def real_pictures(folder: Path) -> None:
    """Photographs under names of a reader's own."""
    for name in ("cat", "dog"):
        found = sorted((PICTURES / "cats_dogs" / "train" / name).glob("*.jpg"))[: {"cat": 9, "dog": 12}[name]]
        (folder / f"my {name}s").mkdir(parents=True)
        for number, path in enumerate(found):
            shutil.copyfile(path, folder / f"my {name}s" / f"IMG_{number + 7}.jpg")


FOLDERS = [
    ("cats_dogs/train", cats_and_dogs),
    ("my own/pictures", drawn_pictures),
    pytest.param("holidays", real_pictures, marks=pytest.mark.needs("pictures")),
]


@pytest.mark.parametrize(("folder", "make"), FOLDERS)
@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples(
    page: Path, folder: str, make: Callable[[Path], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path / folder)
    pets(tmp_path / "pets")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    for line, code, needs in blocks(page.read_text(encoding="utf-8")):
        if all(importlib.util.find_spec(name) for name in needs if name):
            own = code.replace("cats_dogs/train", folder)
            exec(compile("\n" * (line - 1) + own, str(page), "exec"), namespace)


def test_a_source_of_ones_own_takes_12_lines() -> None:
    codes = [code for _, code, _ in blocks((ROOT / "docs" / "sources.md").read_text(encoding="utf-8"))]
    (source,) = [code for code in codes if "(vary.sources.Source)" in code]
    assert sum(bool(line.strip()) for line in source.splitlines()) <= 12


def test_blocks_are_found() -> None:
    text = "# x\n```python\na = 1\n\nb = a\n```\n```bash\nls\n```\n- item\n"
    text += "  ```python needs=torch,jax\n  import torch\n  ```\n"
    assert blocks(text) == [(3, "a = 1\n\nb = a\n", [""]), (12, "import torch\n", ["torch", "jax"])]
