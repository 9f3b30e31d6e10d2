"""The ```python blocks of README.md and docs/*.md run.

The blocks of one file run in order and share a namespace, in an empty folder that offers a small `cats_dogs/train`.
A fence ```python needs=torch,keras is left out where one of these modules is not installed.
"""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.is_file()]
FENCE = re.compile(r"(?ms)^(?P<indent> *)```python(?: +needs=(?P<needs>\S+))? *\n(?P<code>.*?)^(?P=indent)``` *$")


def blocks(text: str) -> list[tuple[int, str, list[str]]]:
    """(line of the first statement, code, modules needed) of every block."""
    found = []
    for match in FENCE.finditer(text):
        indent = len(match["indent"])
        code = "".join(line[indent:] if line.strip() else "\n" for line in match["code"].splitlines(keepends=True))
        found.append((text.count("\n", 0, match.start("code")) + 1, code, (match["needs"] or "").split(",")))
    return found


def cats_and_dogs(folder: Path) -> None:
    draw = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for i in range(8):
            pixels = draw.integers(0, 256, (40 + 4 * i, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((120, 90 + 6 * i)).save(folder / name / f"{name}_{i}.jpg")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cats_and_dogs(tmp_path / "cats_dogs" / "train")
    monkeypatch.chdir(tmp_path)
    namespace = {"__name__": "__main__"}
    for line, code, needs in blocks(page.read_text(encoding="utf-8")):
        if all(importlib.util.find_spec(name) for name in needs if name):
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), namespace)


def test_blocks_are_found() -> None:
    text = "# x\n```python\na = 1\n\nb = a\n```\n```bash\nls\n```\n- item\n"
    text += "  ```python needs=torch,jax\n  import torch\n  ```\n"
    assert blocks(text) == [(3, "a = 1\n\nb = a\n", [""]), (12, "import torch\n", ["torch", "jax"])]
