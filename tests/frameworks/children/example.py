"""Runs examples/cats_and_dogs.py for an epoch of few pictures, on the backend that KERAS_BACKEND names."""

import contextlib
import io
import re
import runpy
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from pages import ROOT, examples as documents
from PIL import Image

from vary.keras import img_to_array, load_img

SIZE, COUNT = 32, 8  # of the pictures, and pictures of each class
SAID = re.compile(
    r"accuracy: training \d+%, validation \d+%; "
    r"an epoch took [\d.]+ s, its pictures alone take [\d.]+ s; curves: (\S+)"
)
example = SimpleNamespace(**runpy.run_path(str(ROOT / "examples" / "cats_and_dogs.py"), run_name="example"))


def check_an_epoch_of_a_folder() -> None:
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()) as printed:
        folder, curves = Path(name) / "pictures", Path(name) / "curves.png"
        documents.cats_and_dogs(folder)
        model = example.run(folder, epochs=1, size=SIZE, curves=curves)
        said, history = printed.getvalue(), model.history.history
        assert re.findall(r"Found (\d+) images belonging to 2 classes", said) == ["13", "3"], said
        assert int(model.optimizer.iterations) == 1  # a batch has up to 20
        assert {*history} == {"accuracy", "loss", "val_accuracy", "val_loss"}
        assert all(len(values) == 1 and np.isfinite(values).all() for values in history.values()), history
        found = SAID.search(said)
        assert found, said
        assert Path(found[1]) == curves
        with Image.open(curves) as drawn:
            assert drawn.width > drawn.height > 300
            assert len(drawn.convert("RGB").getcolors(1 << 20) or ()) > 20  # lines and letters


def check_folders_for_training_and_validation() -> None:
    with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
        documents.cats_and_dogs(Path(name) / "train")
        documents.cats_and_dogs(Path(name) / "val")
        train, validation = example.pictures(Path(name), SIZE)
        assert train.n == validation.n == 2 * COUNT
        assert train.class_indices == validation.class_indices == {"cat": 0, "dog": 1}
        images, labels = validation[0]
        plain = [img_to_array(load_img(file, target_size=(SIZE, SIZE))) / 255 for file in validation.filepaths]
        assert np.allclose(images, plain, atol=1e-6)
        assert labels.tolist() == [0] * COUNT + [1] * COUNT
        assert not any(np.allclose(image, one, atol=1e-6) for image in train[0][0] for one in plain)


def check_sample_pictures_where_there_are_none() -> None:
    """The photographs are drawn here, because this environment does not have scikit-image."""

    @contextlib.contextmanager
    def photographs(copies: int):  # type: ignore[no-untyped-def]
        assert copies == 1
        with tempfile.TemporaryDirectory() as name:
            documents.cats_and_dogs(Path(name))
            for path in sorted(Path(name).rglob("*_[1-7].jpg")):
                path.unlink()
            yield Path(name)

    make = example.sample_pictures
    make.__globals__["sample_folder"] = photographs
    with tempfile.TemporaryDirectory() as name:
        make(Path(name))
        files = [path for path in Path(name).rglob("*.jpg") if load_img(path).size == (150, 150)]
        assert sorted(path.parent.name for path in files) == ["cat"] * 50 + ["dog"] * 50
        assert len({path.read_bytes() for path in files}) == 100
