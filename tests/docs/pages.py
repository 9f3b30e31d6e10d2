"""The documents, their examples, and a folder of pictures to run them in."""

import re
from pathlib import Path

import numpy as np
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


def pets(folder: Path) -> None:
    """Three JPEGs, and masks of them with a palette."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    draw = np.random.default_rng(0)
    for i in range(3):
        pixels = draw.integers(0, 256, (40 + 4 * i, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{i}.jpg")
        mask = Image.fromarray(pixels[..., 0] // 100).convert("P")
        mask.save(folder / "masks" / f"{i}.png")


def cats_and_dogs(folder: Path) -> None:
    """As small as an example may be: two classes of eight JPEGs."""
    draw = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for i in range(8):
            pixels = draw.integers(0, 256, (40 + 4 * i, 64, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((120, 90 + 6 * i)).save(folder / name / f"{name}_{i}.jpg")
