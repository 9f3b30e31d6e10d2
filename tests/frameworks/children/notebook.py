"""Runs examples/classic.ipynb in a kernel of its own, on few pictures."""

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbclient import NotebookClient
from pages import ROOT, examples as documents

FILE = ROOT / "examples" / "classic.ipynb"
SMALL = "size, batch_size, epochs = 32, 4, 2"  # in place of the notebook's own
RESULT = """
import json
print(json.dumps({
    "training": train_generator.samples, "validation": validation_generator.samples,
    "steps": int(model.optimizer.iterations), "losses": history.history["loss"] + history.history["val_loss"],
    "shape": data_batch.shape, "labels": sorted({*labels_batch.tolist()}),
    "probabilities": probabilities.tolist(), "right": float(right), "varied": float(batch.std()),
    "backend": keras.backend.backend(),
}))
"""


def read() -> Any:
    return nbformat.read(FILE, as_version=4)


def executed(folder: Path) -> Any:
    """The notebook after its run, with a last cell that prints what its variables contain."""
    book = read()
    nbformat.validate(book)
    (settings,) = [cell for cell in book.cells if cell.source.startswith("folder = ")]
    settings.source = re.sub(r"(?m)^size, .*$", SMALL, settings.source)
    assert SMALL in settings.source
    book.cells.append(nbformat.v4.new_code_cell(RESULT))
    documents.cats_and_dogs(folder / "cats_dogs" / "train")
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        os.environ[name] = str(folder / name.lower())
    NotebookClient(book, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    return book


def check_the_notebook_runs() -> None:
    with tempfile.TemporaryDirectory() as name:
        book = executed(Path(name))
    outputs = [one for cell in book.cells for one in cell.get("outputs", ())]
    printed = "".join(one.text for one in outputs if one.output_type == "stream" and one.name == "stdout")
    said = "".join(one.text for one in outputs if one.output_type == "stream" and one.name == "stderr")
    values = nbformat.from_dict(json.loads(printed.splitlines()[-1]))
    assert (values.training, values.validation) == (12, 4)
    assert values.steps == 2 * 3  # epochs, and batches of 4 in 12 images
    assert len(values.losses) == 4
    assert np.isfinite(values.losses).all()
    assert values.shape == [4, 32, 32, 3]
    assert set(values.labels) <= {0, 1}
    assert len(values.probabilities) == 4
    assert all(0 < one < 1 for one in values.probabilities)
    assert f"{values.right:.0%} are right" in printed
    assert values.backend == os.environ["KERAS_BACKEND"]
    assert "UserWarning" not in said, said
    assert said.count("TrapWarning: shear_range=0.2") == 1, said
    assert sum("image/png" in one.get("data", {}) for one in outputs) == 2  # the variations and the curves


def check_only_the_import_is_new() -> None:
    """Nothing else is of vary, and what is stored has no outputs."""
    cells = [cell for cell in read().cells if cell.cell_type == "code"]
    lines = [line for cell in cells for line in cell.source.splitlines() if "vary" in line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("from vary.keras import ImageDataGenerator ")
    assert not [cell for cell in cells if cell.outputs or cell.execution_count]
