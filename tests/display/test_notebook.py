"""A real notebook is run: it shows each object as HTML and a picture, or as lines of text."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from vary.plan.program import VERSION

SETUP = """
import vary
policy = vary.Policy([
    vary.Resize(30, 40), vary.OneOf([vary.Rotate(40), vary.Sometimes([vary.Zoom(0.2)])]), vary.Rescale(1 / 255),
])
train = vary.stream("data", policy, batch_size=4, seed=3)
both = vary.mix([train, vary.stream("data", policy, batch_size=4)])
views = vary.stream("data", policy, batch_size=4, views=2)
images, labels = batch = next(iter(train))
"""

SHOWN = {  # a cell's last line -> words on its page, and does it give a picture?
    "policy": (["Policy", "Rotate", "-40 .. 40", "degrees", "Zoom", "sampling: fill nearest"], False),
    "train": (["Stream", "cat", "dog", "0.png", "8 samples in 2 batches of 4"], True),
    "both": (["Mixed", "2 streams", "stream 1"], True),
    "views": (["view 0", "view 1", "cat"], True),
    "batch": (["Batch", "(4, 30, 40, 3)", "float32", "int64", "cat"], True),
    "train.peek()": (["Batch", "of epoch 1"], True),
    "list(train) and train.report()": (["Report", "limited by", "8 images"], False),
    "policy.preview('data')": (["Preview", "original", "epoch 6", "cat", "0.png", "mean"], True),
    "policy.preview(vary.read_image('data/cat/0.png'), n=3)": (["1 picture, each in 3 variations"], True),
    "train.preview()": (["the first 4 samples of epoch", ".png", "shown from 0 (black) to 1 (white)"], True),
}

TEXTS = {  # a cell's last line -> what its lines begin with
    "policy.explain((375, 500, 3))": "uint8 375 x 500 x 3\nseed 0, epoch 0, index 0\n",
    "policy.program((375, 500, 3))": f"vary program {VERSION}\nsource uint8 x3\n",
}


@pytest.fixture
def outputs(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """What the cells put out last, by MIME type, of a notebook that is run in a kernel of its own."""
    import nbformat
    from nbclient import NotebookClient

    assert data.parent == tmp_path
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    sources = [SETUP, *SHOWN, *TEXTS]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    nbformat.validate(notebook)
    found = {}
    for source, cell in zip(sources, notebook.cells, strict=True):
        kinds = [output.output_type for output in cell.outputs]
        assert kinds == ["execute_result"] * (source != SETUP), cell.outputs  # a warning would be one of "stream"
        found[source] = dict(cell.outputs[0].data) if cell.outputs else {}
    return found


@pytest.mark.needs("notebook")
def test_every_object_shows_itself(outputs: dict[str, dict[str, Any]]) -> None:
    for source, (words, picture) in SHOWN.items():
        html = outputs[source]["text/html"]
        text = re.sub(r"<[^>]*>", " ", html)
        assert not [word for word in words if word not in " ".join(text.split())], source
        assert len(html) < 300_000
        assert html.count("<img ") == html.count('src="data:image/')
        assert ("<img " in html) == picture, source
        assert ("image/png" in outputs[source]) == picture, source
        if picture:
            with Image.open(io.BytesIO(base64.b64decode(outputs[source]["image/png"]))) as sheet:
                assert sheet.format == "PNG"
                sheet.load()
        assert len(outputs[source]["text/plain"]) < 2000, source
    for source, begins in TEXTS.items():
        assert outputs[source].keys() == {"text/plain"}
        assert outputs[source]["text/plain"].startswith(begins)
