"""Write llms.txt, the index of the documents for language models (the form of llmstxt.org), from the documents.

Run it as `python tools/llms.py`; a test says when it is due.
"""

import re
from pathlib import Path

import vary

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "llms.txt"
START = """\
```python
import vary

policy = vary.Policy([vary.Resize(150, 150), vary.Rotate(40), vary.HorizontalFlip(), vary.Rescale(1 / 255)])
for images, labels in vary.stream("cats_dogs/train", policy, batch_size=32, seed=7):  # one epoch
    ...
```

- A number is a range around the neutral value: Rotate(40) draws from -40 to 40 degrees, Zoom(0.2) from 0.8 to 1.2.
- A policy without Rescale or Normalize gives values in 0..255. Arrays are channels last: (height, width, channels).
- Validation needs a policy of its own, without augmentation and with the same Resize and Rescale.
- `policy(image)` draws anew at each call; `policy(image, seed=1, epoch=0, index=0)` is a function of these.
"""


def sentence(page: Path) -> str:
    """The first sentence of a page's first paragraph, without Markdown's links."""
    text = page.read_text(encoding="utf-8")
    paragraphs = [part for part in text.split("\n\n")[1:] if re.match(r"[A-Za-z]|`[^`]", part)]
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(paragraphs[0].split()))
    return re.split(r"(?<=[.?:]) (?=[A-Z`])", plain)[0].removesuffix(":")


def title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def text() -> str:
    """The file as it should be."""
    pages = [
        ROOT / "README.md",
        *sorted((ROOT / "docs").glob("*.md")),
        ROOT / "ARCHITECTURE.md",
        ROOT / "CONTRIBUTING.md",
    ]
    lines = ["# vary", "", f"> {sentence(ROOT / 'README.md')}", "", START, "## Documents", ""]
    lines += [f"- [{title(page)}]({page.relative_to(ROOT)}): {sentence(page)}" for page in pages]
    lines += ["", "## Transforms", ""]
    for name in vary.transforms.TRANSFORMS:
        first = " ".join((getattr(vary, name).__doc__ or "").partition("\n\n")[0].split())
        lines.append(f"- `vary.{name}`: {first}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
