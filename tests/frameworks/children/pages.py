"""Runs the examples of the documents, including those that need a framework."""

import importlib
import importlib.util
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(Path(__file__).parent))
spec = importlib.util.spec_from_file_location("pages", ROOT / "tests" / "docs" / "pages.py")
assert spec is not None
assert spec.loader is not None
examples = importlib.util.module_from_spec(spec)
spec.loader.exec_module(examples)


def check_examples() -> None:
    needed = set()
    for page in examples.PAGES:
        text = page.read_text(encoding="utf-8")
        if "needs=" not in text:
            continue
        with tempfile.TemporaryDirectory() as folder:
            examples.cats_and_dogs(Path(folder) / "cats_dogs" / "train")
            examples.pets(Path(folder) / "pets")
            os.chdir(folder)
            namespace = {"__name__": "__main__"}
            for line, code, needs in examples.blocks(text):
                if not all(importlib.util.find_spec(name) for name in needs if name):
                    continue
                needed.update(needs)
                if "torchvision" in needs:
                    importlib.import_module("torchvision_cpu").define_operators()
                exec(compile("\n" * (line - 1) + code, str(page), "exec"), namespace)
            os.chdir(ROOT)
    assert needed >= {"keras", "torch", "jax", "tensorflow"}


def check_fit_takes_the_stream_itself() -> None:
    """Nothing of the recipe is commented out."""
    text = (ROOT / "docs" / "streams.md").read_text(encoding="utf-8")
    assert re.search(r"(?m)^model\.fit\(train, validation_data=validation, epochs=\d\)$", text)
