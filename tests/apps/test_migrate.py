"""`vary migrate`: programs and notebooks with Keras' ImageDataGenerator, rewritten for `vary.keras`."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

import vary
from vary.apps.cli import main

REWRITTEN = [
    ("from keras.preprocessing.image import ImageDataGenerator", "from vary.keras import ImageDataGenerator"),
    ("from tensorflow.keras.preprocessing.image import load_img as li", "from vary.keras import load_img as li"),
    ("from keras_preprocessing.image import *  # all", "from vary.keras import *  # all"),
    (
        "from keras_preprocessing.image.affine_transformations import flip_axis",
        "from vary.keras import flip_axis",
    ),
    ("from tensorflow.keras.preprocessing import image", "from vary import keras as image"),
    (
        "from keras.preprocessing import image, text as t",
        "from vary import keras as image\nfrom keras.preprocessing import text as t",
    ),
    ("import keras.preprocessing.image as kpi", "import vary.keras as kpi"),
    ("import keras_preprocessing.image", "import vary.keras"),
    ("import os, keras_preprocessing.image as k, sys", "import os, vary.keras as k, sys"),
    (
        "from keras.preprocessing.image import (\n    ImageDataGenerator,  # all\n    img_to_array,\n)",
        "from vary.keras import (\n    ImageDataGenerator,  # all\n    img_to_array,\n)",
    ),
    (
        "from keras.preprocessing.image import ImageDataGenerator, new_name",
        "from vary.keras import ImageDataGenerator\nfrom keras.preprocessing.image import new_name",
    ),
    (
        "def f():\n    from keras.preprocessing import image, text\n",
        "def f():\n    from vary import keras as image\n    from keras.preprocessing import text\n",
    ),
    (
        "import tensorflow as tf\ng = tf.keras.preprocessing.image.ImageDataGenerator(1/255)",
        "import vary.keras\nimport tensorflow as tf\ng = vary.keras.ImageDataGenerator(1/255)",
    ),
    (
        "try:\n    import keras\nexcept ImportError:\n    pass\nimage = keras.preprocessing.image",
        "import vary.keras\ntry:\n    import keras\nexcept ImportError:\n    pass\nimage = vary.keras",
    ),
    (
        '"""Text."""\nfrom __future__ import division\nimport keras as k\nf = keras.preprocessing.image.load_img',
        '"""Text."""\nfrom __future__ import division\nimport vary.keras\nimport keras as k\nf = vary.keras.load_img',
    ),
    ("m.fit_generator(g)", "m.fit(g)"),
    ("m.fit_generator(generator=g, nb_epoch=3)", "m.fit(x=g, epochs=3)"),
    (
        "m.fit_generator(g, 100, 10, 1, None, v, 50, workers=4)",
        "m.fit(g, steps_per_epoch=100, epochs=10, verbose=1, callbacks=None, validation_data=v, validation_steps=50)",
    ),
    ("m.evaluate_generator(v, 20, None, 10, 2)", "m.evaluate(v, steps=20, callbacks=None)"),
    ("m.predict_generator(v, steps = 5, verbose=1)[0]", "m.predict(v, steps = 5, verbose=1)[0]"),
    ("m.fit(x, workers=2, epochs=3)", "m.fit(x, epochs=3)"),
    ("m.fit(x,\n      workers=2,  # fast\n      epochs=3)", "m.fit(x,  # fast\n      epochs=3)"),
    ("m.fit(x, epochs=3,  # three\n      workers=2)", "m.fit(x, epochs=3,  # three\n      )"),
    ("m.fit(workers=2, x=x)", "m.fit(x=x)"),
    ("m.predict(x, use_multiprocessing=True, max_queue_size=4, verbose=0)", "m.predict(x, verbose=0)"),
    ("é = m.fit_generator(g, ('é', 3))  # é", "é = m.fit(g, steps_per_epoch=('é', 3))  # é"),
    ("o = optimizers.Adam(lr=1e-3, beta_1=.9)", "o = optimizers.Adam(learning_rate=1e-3, beta_1=.9)"),
    ("m.fit(x, y, workers=(2))", "m.fit(x, y)"),
    (
        "def fit_generator(m, g, workers=1):\n    m.fit_generator(g, workers=0)",
        "def fit_generator(m, g, workers=1):\n    m.fit(g)",
    ),
    ("m.fit((x), use_multiprocessing=(True), epochs=(3))", "m.fit((x), epochs=(3))"),
    ("m.fit_generator((g), (100), ((10)), workers=(4))", "m.fit((g), steps_per_epoch=(100), epochs=((10)))"),
    (
        "m.fit_generator(g, 10, callbacks=[lambda a, b: a], workers=2)",
        "m.fit(g, steps_per_epoch=10, callbacks=[lambda a, b: a])",
    ),
    ("m.fit(workers=4,)", "m.fit()"),
    ("m.fit(x, workers=4,)", "m.fit(x,)"),
    ("m.fit(x, y, nb_epoch=3)", "m.fit(x, y, epochs=3)"),
    (
        "def f():\n\tfrom keras.preprocessing import image, text\n\treturn image",
        "def f():\n\tfrom vary import keras as image\n\tfrom keras.preprocessing import text\n\treturn image",
    ),
    (
        "import os; from keras.preprocessing.image import load_img, foo; x = 1",
        "import os; from vary.keras import load_img; from keras.preprocessing.image import foo; x = 1",
    ),
    (
        "if 1: from keras.preprocessing import image, text",
        "if 1: from vary import keras as image; from keras.preprocessing import text",
    ),
    (
        "import tensorflow.keras as K\nd = K.preprocessing.image.ImageDataGenerator()",
        "import vary.keras\nimport tensorflow.keras as K\nd = vary.keras.ImageDataGenerator()",
    ),
    (
        "from keras import preprocessing as p\nd = p.image.load_img('a')",
        "import vary.keras\nfrom keras import preprocessing as p\nd = vary.keras.load_img('a')",
    ),
    (
        "import tensorflow.compat.v1 as tf\nd = tf.keras.preprocessing.image.load_img('a')",
        "import vary.keras\nimport tensorflow.compat.v1 as tf\nd = vary.keras.load_img('a')",
    ),
    ("import os, keras_preprocessing.image", "import os, vary.keras"),
    (
        (
            "f = d.flow(x)\nv = d.flow(y)\n"
            "m.fit_generator(f, samples_per_epoch=a + b, nb_epoch=2, validation_data=v, nb_val_samples=800)"
        ),
        (
            "f = d.flow(x)\nv = d.flow(y)\n"
            "m.fit(f, steps_per_epoch=(a + b) // f.batch_size, epochs=2, validation_data=v, "
            "validation_steps=800 // v.batch_size)"
        ),
    ),
    (
        "f = d.flow(x)\nm.evaluate_generator(f, val_samples=300)",
        "f = d.flow(x)\nm.evaluate(f, steps=300 // f.batch_size)",
    ),
    (
        "m.compile(metrics=['accuracy'])\nhist = m.fit().history\nc = Checkpoint(monitor='val_acc')\na = hist['acc']",
        (
            "m.compile(metrics=['accuracy'])\nhist = m.fit().history\nc = Checkpoint(monitor='val_accuracy')\n"
            "a = hist['accuracy']"
        ),
    ),
    (
        "m.compile(metrics=['accuracy'])\na = h.history['acc'] + h.history[\"val_acc\"]",
        "m.compile(metrics=['accuracy'])\na = h.history['accuracy'] + h.history[\"val_accuracy\"]",
    ),
]
SAME = [
    "import numpy as np\nprint('from keras.preprocessing.image import ImageDataGenerator')",
    "from keras.preprocessing.text import Tokenizer",
    "from keras.preprocessing import sequence",
    "from .preprocessing.image import ImageDataGenerator",
    "m.fit(x, y, epochs=3)\nm.compile(metrics=['acc'])\nh.history['acc']",
    "pool(workers=3).map(f)",
    "from mylib import keras\nd = keras.preprocessing.image.load_img('a')",
    "class Pool:\n    def fit(self, x, workers=1):\n        pass\nPool().fit(3, workers=2)",
    "class M:\n    def fit_generator(self, g, n):\n        pass\n    def f(self):\n        self.fit_generator(g, 5)",
    "import torch\nfrom torch import optim as o\ntorch.optim.Adam(p, lr=1)\no.SGD(p, lr=1)",
    "from mine import Adam\nAdam(lr=3)",
    "class SGD:\n    pass\nSGD(lr=3)",
    "import loops\nclass M:\n    def fit_generator(self, g):\n        loops.fit_generator(self, g)",
    "class M(N):\n    def fit_generator(self, g, n):\n        super().fit_generator(g, n)",
    "text = 'm.fit_generator(g, 3)'  # m.fit(g, workers=2)\nprint(f'{text} keras.preprocessing.image.load_img')",
    "from vary.keras import ImageDataGenerator",
]


def migrated(tmp_path: Path, text: str, *options: str) -> str:
    path = tmp_path / "program.py"
    path.write_bytes(text.encode())
    assert main(["migrate", str(path), *options]) == 0
    return path.read_bytes().decode()


@pytest.mark.parametrize(("old", "new"), REWRITTEN, ids=[old for old, _ in REWRITTEN])
def test_programs_are_rewritten(tmp_path: Path, old: str, new: str) -> None:
    first = ("x = 1\n", "\n") if "future" not in old and "try" not in old else ("# x\n", "\n")
    for before, end in (("", ""), first, ("# é\n\n", "\n")):
        found = migrated(tmp_path, f"{before}{old}{end}")
        assert found == f"{before}{new}{end}"
        ast.parse(found)
        assert migrated(tmp_path, found) == found, "a second time"
    windows = f"{old}\n".replace("\n", "\r\n")
    assert migrated(tmp_path, windows).replace("\r\n", "\n") == f"{new}\n"


@pytest.mark.parametrize("text", SAME)
def test_other_programs_stay_as_they_are(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert migrated(tmp_path, text) == text
    assert "no changes" in capsys.readouterr().out


CLASSIC = """\
from keras import optimizers
from keras.preprocessing.image import ImageDataGenerator

SIDE = 150
train_datagen = ImageDataGenerator(
    rescale=1./255,
    rotation_range=40,
    width_shift_range=0.2,
    height_shift_range=0.2,
    shear_range=0.2,
    zoom_range=0.2,
    horizontal_flip=True,)
test_datagen = ImageDataGenerator()
train_generator = train_datagen.flow_from_directory('train', target_size=(SIDE, SIDE), class_mode='binary')
test_generator = test_datagen.flow_from_directory('test', target_size=(SIDE, SIDE), subset='validation')
history = model.fit_generator(train_generator, steps_per_epoch=100, workers=4)
model.predict_generator(test_generator, 50)
"""


def test_diff_writes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert migrated(tmp_path, CLASSIC, "--diff") == CLASSIC
    out = capsys.readouterr().out
    assert "-from keras.preprocessing.image import ImageDataGenerator\n+from vary.keras import" in out
    assert "4 changes would be made" in out
    assert "line 2: from vary.keras import ImageDataGenerator" in out


def test_traps_are_reported_with_line_and_cure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    migrated(tmp_path, CLASSIC)
    out = capsys.readouterr().out
    traps = out.partition("traps:\n")[2].partition("\n\n")[0].splitlines()
    starts = [
        "line 5: shear_range=0.2: the unit is degrees",
        "line 13: this generator has no rescale=, and the one of line 5 has rescale=0.003922",
        "line 15: validation pictures are not varied",
        "line 17: predictions of test_generator come in a shuffled order",
    ]
    assert len(traps) == len(starts)
    for trap, start in zip(traps, starts, strict=True):
        assert trap.strip().startswith(start)


TRAPS = [
    ("ImageDataGenerator(zoom_rang=0.2)", "did you mean zoom_range?"),
    ("ImageDataGenerator(zoom_range=[1.2, 0.8])", "the lower one first"),
    ("ImageDataGenerator(width_shift_range=1)", "a whole number n means"),
    ("g = ImageDataGenerator(zca_whitening=True, featurewise_center=True)", "before g.fit(images)"),
    ("a = ImageDataGenerator(rescale=0.5)\nb = ImageDataGenerator(rescale=1)", "no rescale=, and the one of line 3"),
    ("a = ImageDataGenerator(rescale=0.5)\nb = ImageDataGenerator(rescale=0.1)", "rescale=0.1, and the one of line 3"),
    ("g.flow_from_dataframe(d, has_ext=True)", "has_ext= of flow_from_dataframe"),
    ("a = g.flow(x)\nb = g.flow(y)\nzip(a, b)", "vary.Pairs(images, masks)"),
    ("model.fit(g, steps_per_epoch=len(x) / 32)", "steps_per_epoch=len(x) / 32 may be no whole number"),
    ("model.predict_classes(x)", "argmax(axis=-1)"),
    ("model.fit_generator(g, samples_per_epoch=2000)", "steps_per_epoch=samples // batch_size"),
    ("model.fit_generator(*given)", "name them by hand"),
    ("model.predict_generator(g, n / 32)", "steps=n / 32 may be no whole number"),
    ("steps = n / 32\nmodel.fit(g, steps_per_epoch=steps)", "steps_per_epoch=steps may be no whole number"),
    ("model.fit(g, validation_steps=np.ceil(n / 32))", "is a float; write int(...) around it"),
    ("given = dict(workers=2)\nmodel.fit(g, **given)", "workers= in given is refused by Keras 3"),
    ("train = model.fit_generator", "Keras 3 has no fit_generator; write fit"),
    ("g.flow_from_directory('a', target_set=(64, 64))", "no argument 'target_set'; did you mean target_size?"),
    ("g.flow_from_dataframe(t, preprocessing_function=f)", "give it to ImageDataGenerator"),
    ("g.flow_from_directory('a', class_mode='category')", "class_mode='category' of flow_from_directory is an error"),
    ("g.flow_from_dataframe(t, class_mode='other')", "write class_mode='raw'"),
    (
        "a = g.flow(x, seed=1)\nb = g.flow(y, seed=2)\nfor x, y in zip(a, b): pass",
        "only if both have the same seed=",
    ),
    ("self.g = ImageDataGenerator(zca_whitening=True, featurewise_center=True)", "before self.g.fit(images)"),
    ("class My(ImageDataGenerator): pass\na = My(shear_range=0.2)", "the unit is degrees"),
    ("My = keras.preprocessing.image.ImageDataGenerator\na = My(shear_range=0.2)", "the unit is degrees"),
    ("ImageDataGenerator(rescale=1 / 255, preprocessing_function=preprocess_input)", "scales already"),
    ("a = ImageDataGenerator().flow(x)\nmodel.predict(a)", "predictions of a come in a shuffled order"),
    ("ImageDataGenerator(zoom_range=2, rotation_range=-3)", "rotation_range=-3"),
    ("ImageDataGenerator(zoom_range=2, shear_range=0.2)", "shear_range=0.2"),
    ("from keras.preprocessing.image import dim_ordering", "neither Keras 3 nor vary.keras has dim_ordering"),
]
NO_TRAPS = [
    "g = ImageDataGenerator(featurewise_center=True)\ng.mean = [1, 2, 3]",
    "g = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True)\ng.fit(x)",
    "from mylib import ImageDataGenerator\ng = ImageDataGenerator(shear_range=0.2)",
    "class ImageDataGenerator:\n    pass\ng = ImageDataGenerator(shear_range=0.2)",
    "a = g.flow(x, seed=1)\nb = g.flow(y, seed=1)\nc = zip(a, b)\nfor x, y in c: pass",
    "a = g.flow(x, None, 32, False)\nmodel.predict(a)",
    "a = g.flow(x, **given)\nmodel.predict(a)",
    "model.fit(g, steps_per_epoch=int(n / 32))",
    "mine.flow_from_directory('a', 'b', anything=3)\nmine = Mine()",
]


@pytest.mark.parametrize(("line", "says"), TRAPS, ids=[line for line, _ in TRAPS])
def test_each_trap(tmp_path: Path, line: str, says: str, capsys: pytest.CaptureFixture[str]) -> None:
    migrated(tmp_path, f"\n\n{line}\n")
    out = capsys.readouterr().out
    assert says in out
    assert f"line {3 + line.count(chr(10))}: " in next(one for one in out.splitlines() if says in one)


@pytest.mark.parametrize("text", NO_TRAPS)
def test_no_trap(tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    migrated(tmp_path, text)
    assert "traps" not in capsys.readouterr().out


def test_names_of_a_star_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    migrated(tmp_path, "from keras.preprocessing.image import *\nimport os\nnp.zeros(os.name)\n")
    out = capsys.readouterr().out
    assert "line 1: np came with the * and no longer does; write import numpy as np" in out
    assert "os came" not in out


@pytest.mark.parametrize(
    ("flow", "size"),
    [
        ("ImageDataGenerator().flow_from_directory('a', (30, 20))", (30, 20)),
        ("ImageDataGenerator().flow_from_directory('a')", (256, 256)),
        ("ImageDataGenerator().flow_from_directory('a', **given)", None),
        ("ImageDataGenerator().flow_from_directory('a', size)", None),
        ("a = dict(target_size=(4, 5))\nImageDataGenerator().flow_from_directory('a', **a)", (4, 5)),
        ("self.g = ImageDataGenerator()\nself.g.flow_from_directory('a', (30, 20))", (30, 20)),
        ("g, h = ImageDataGenerator(), 3\ng.flow_from_dataframe(t, 'a', 'b', 'c', None, (30, 20))", (30, 20)),
    ],
)
def test_sizes_of_policies(
    tmp_path: Path, flow: str, size: tuple[int, int] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    migrated(tmp_path, flow)
    assert policies(capsys.readouterr().out) == [vary.Policy([] if size is None else [vary.Resize(*size)])]


def test_no_trap_where_there_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    migrated(
        tmp_path,
        "g = ImageDataGenerator(1 / 255, featurewise_center=True)\nt = ImageDataGenerator(rescale=1 / 255)\ng.fit(x)\n"
        "f = t.flow(x, shuffle=False)\nmodel.predict(f)\n",
    )
    out = capsys.readouterr().out
    assert "line 1: featurewise" not in out.partition("as a policy")[0]
    assert "shuffled" not in out


def policies(out: str) -> list[vary.Policy]:
    """The policies that were printed, evaluated."""
    blocks = out.split(" as a policy:\n")[1:]
    code = ["\n".join(line[2:] for line in block.split("\n\n")[0].splitlines()) for block in blocks]
    namespace: dict[str, Any] = {"vary": vary, "preprocess_input": halved}
    return [eval(one, namespace) for one in code]


def halved(image: Any) -> Any:
    return image / 2


def test_printed_policies_can_be_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = (
        "ImageDataGenerator(preprocessing_function=preprocess_input, samplewise_center=True, width_shift_range=args.w,"
        " zca_whitening=True, vertical_flip=True)\n"
    )
    migrated(tmp_path, CLASSIC + own)
    first, second, third = policies(capsys.readouterr().out)
    assert first.transforms[:2] == (vary.Resize(150, 150), vary.Rotate(40))
    assert first.transforms[-1] == vary.Rescale(1 / 255)
    assert second == vary.Policy([vary.Resize(150, 150)])
    expected = [vary.VerticalFlip(), vary.Rescale(1), vary.Lambda(halved)]
    assert third.transforms == (*expected, vary.Lambda(vary.keras.policy.samplewise_center))


@pytest.mark.parametrize(
    "given", ["dict(rotation_range=20, zoom_range=z)", "{'rotation_range': 20, 'zoom_range': z}"], ids=str
)
def test_arguments_in_a_dict_are_read(tmp_path: Path, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    migrated(tmp_path, f"given = {given}\na = ImageDataGenerator(rescale=2, **given)\nb = ImageDataGenerator(**others)")
    out = capsys.readouterr().out
    assert policies(out)[0] == vary.Policy([vary.Rotate(20), vary.Rescale(2)])
    assert "# zoom_range=given is not known here" in out
    assert "# **others is not known here" in out
    assert "line 2: rescale=2: values are multiplied by it" in out


def test_names_with_several_values_are_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "a = 3\nb = 3\nc = 3\nd = 3\nb = 4\nc += 1\ndef f(d): pass\n"
    text += "".join(f"ImageDataGenerator(rotation_range={name})\n" for name in "abcd")
    migrated(tmp_path, text)
    out = capsys.readouterr().out
    found = policies(out)
    assert found == [vary.Policy([vary.Rotate(3)]), *[vary.Policy([])] * 3]
    assert out.count("is not known here") == 3


def test_what_a_policy_lacks_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    migrated(
        tmp_path,
        "ImageDataGenerator(width_shift_range=args.w, zca_whitening=True)\nImageDataGenerator(interpolation_order=3)",
    )
    out = capsys.readouterr().out
    assert "# width_shift_range=args.w is not known here" in out
    assert "# zca_whitening=True depends on `fit`" in out
    assert "no policy: interpolation_order=3" in out


def notebook(tmp_path: Path, cells: list[Any], **form: Any) -> Path:
    data = {
        "cells": [{"cell_type": "code", "metadata": {}, "outputs": [], "source": one} for one in cells],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    data["cells"].insert(0, {"cell_type": "markdown", "metadata": {}, "source": ["# fit_generator é\n"]})
    path = tmp_path / "book.ipynb"
    path.write_text(json.dumps(data, **form) + "\n", encoding="utf-8")
    return path


def test_notebooks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [
        ["%matplotlib inline\n", "!pip install keras \\\n", "  tensorflow\n", "import os\n"],
        "from keras.preprocessing.image import ImageDataGenerator\nfiles = !ls\nos.listdir?\nprint('%d'\n  % 3)",
        ["%%bash\n", "model.fit_generator(g)\n"],
        ["print 'Python 2'\n"],
        ["g = ImageDataGenerator(shear_range=0.2)\n", "model.fit_generator(g, 10)  # é"],
    ]
    compact = {"separators": (",", ":")}
    for form in ({"indent": 1, "ensure_ascii": False}, {"indent": 2}, {}, compact):
        path = notebook(tmp_path, cells, **form)
        before = path.read_text(encoding="utf-8")
        assert main(["migrate", str(path)]) == 0
        after = path.read_text(encoding="utf-8")
        found = [cell["source"] for cell in json.loads(after)["cells"]]
        assert found[1] == cells[0]
        assert found[2] == str(cells[1]).replace("keras.preprocessing.image", "vary.keras")
        assert found[3:5] == cells[2:4]
        assert found[5] == [cells[4][0], "model.fit(g, steps_per_epoch=10)  # é"]
        changed = [new for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
        assert len(changed) == (2 if "indent" in form else 1), "the rest of the file stays as it is"
    out = capsys.readouterr().out
    assert "cell 3, line 1: from vary.keras import ImageDataGenerator" in out
    assert "cell 5 is not Python 3" in out
    assert "cell 6, line 1: shear_range=0.2" in out


@pytest.mark.parametrize("magic", ["%%time", "%%capture out", "%%timeit -n 1"])
def test_cells_with_a_magic_before_python(tmp_path: Path, magic: str) -> None:
    path = notebook(tmp_path, [[f"{magic}\n", "m.fit_generator(g)"], ["%%writefile a.py\n", "m.fit_generator(g)"]])
    assert main(["migrate", str(path)]) == 0
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert cells[1]["source"] == [f"{magic}\n", "m.fit(g)"]
    assert cells[2]["source"][1] == "m.fit_generator(g)"


def test_python_after_line_magics(tmp_path: Path) -> None:
    lines = ["if 1:", "    %time m.fit_generator(g)", "h = %time m.fit_generator(g)", "a, b = !ls", "%time -x", "f?"]
    path = notebook(tmp_path, ["\n".join(lines)])
    assert main(["migrate", str(path)]) == 0
    assert json.loads(path.read_text(encoding="utf-8"))["cells"][1]["source"] == "\n".join(lines).replace(
        "_generator", ""
    )


def test_old_notebooks_and_those_of_windows(tmp_path: Path) -> None:
    """Format 3 has worksheets, whose cells have `input`."""
    cell = {
        "cell_type": "code",
        "input": ["m.fit_generator(g)\r\n", "m.fit(x)"],
        "outputs": [{"text": "m.fit_generator(g)"}],
    }
    path = tmp_path / "old.ipynb"
    for start in (b"", b"\xef\xbb\xbf"):
        data = (
            start
            + json.dumps({"nbformat": 3, "worksheets": [{"cells": [cell]}]}, indent=1).replace("\n", "\r\n").encode()
        )
        path.write_bytes(data)
        assert main(["migrate", str(path)]) == 0
        assert path.read_bytes() == data.replace(b"fit_generator", b"fit", 1)


def test_the_form_of_a_notebook_survives(tmp_path: Path) -> None:
    """Odd spaces and escapes; a line that becomes two is two strings; the same text in an output is left alone."""
    text = """{"cells": [
\t{"cell_type": "code", "outputs": [{"text": ["m.fit_generator(g)\\n"]}],
\t "source": [
\t    "from keras.preprocessing import image, text  # \\u00e9\\n",
\t\t"m.fit_generator(g)\\n",
\t    "m.fit(x,\\n",
     "      workers=3,\\n",
\t    "      y=y)" ] }, {"cell_type":"code", "source":"m.fit_generator(\\u003cg)\\n", "metadata": {"a\\"b": 1e5} }
\t], "nbformat": 4}"""
    path = tmp_path / "odd.ipynb"
    path.write_bytes(text.encode())
    assert main(["migrate", str(path)]) == 0
    found = path.read_bytes().decode()
    lines = found.splitlines()
    assert lines[:2] == text.splitlines()[:2]
    assert lines[3:6] == [
        '\t    "from vary import keras as image\\n",',
        '\t\t"from keras.preprocessing import text  # \\u00e9\\n",',
        '\t\t"m.fit(g)\\n",',
    ]
    cells = json.loads(found)["cells"]
    assert "".join(cells[0]["source"][3:]) == "m.fit(x,\n      y=y)"
    assert lines[-2].endswith('"m.fit_generator(\\u003cg)\\n", "metadata": {"a\\"b": 1e5} }'), (
        "not Python, so left alone"
    )
