"""Draw docs/images/parameters.jpg: what each parameter in the table of docs/keras.md does to a picture.

Run it as `python tools/parameters.py`, with scikit-image installed, whose photograph it is (CC0). A test says when it
is due.
"""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import vary

ROOT = Path(__file__).resolve().parents[1]
PAGE, SHEET = ROOT / "docs" / "keras.md", ROOT / "docs" / "images" / "parameters.jpg"
SIZE, COLUMNS, GAP, LINE = (80, 120), 6, 4, 18  # pixels
HEAD = "| ImageDataGenerator | meaning | in a policy |"


def rows() -> list[tuple[str, vary.Policy]]:
    """Each parameter as it is written, and the policy that does only this. Rescale is left out: nothing is seen."""
    table = PAGE.read_text(encoding="utf-8").partition(HEAD)[2].partition("\n\n")[0]
    found = re.findall(r"(?m)^\| `([^`]+)` \|[^|]*\| `([^`]+)` \|$", table)
    policies = [(old, eval(new, {"vary": vary})) for old, new in found if "Rescale" not in new]
    return [(old, vary.Policy([vary.Resize(*SIZE), one])) for old, one in policies]


def photograph() -> np.ndarray:
    spec = find_spec("skimage")
    assert spec is not None
    assert spec.submodule_search_locations
    image = vary.read_image(Path(spec.submodule_search_locations[0]) / "data" / "chelsea.png")
    return image[:, 30:]


def sheet() -> Image.Image:
    """One row for each parameter: its text, and the variations of a photograph in six epochs."""
    listed, image = rows(), photograph()
    height, width = (SIZE[0] + GAP + LINE) * len(listed) + GAP, (SIZE[1] + GAP) * COLUMNS + GAP
    made = Image.new("RGB", (width, height), "white")
    text = ImageDraw.Draw(made)
    for row, (old, policy) in enumerate(listed):
        y = row * (SIZE[0] + GAP + LINE) + GAP
        text.text((GAP, y), old, "black", ImageFont.load_default(12))
        for column in range(COLUMNS):
            one = policy(image, seed=3, epoch=column)
            made.paste(Image.fromarray(one), (GAP + column * (SIZE[1] + GAP), y + LINE))
    return made


if __name__ == "__main__":
    sheet().save(SHEET, quality=85)
