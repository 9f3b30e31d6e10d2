"""`install()`: old imports find `vary.keras`. Each case runs in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

MODULES = (
    "affine_transformations",
    "dataframe_iterator",
    "directory_iterator",
    "image_data_generator",
    "iterator",
    "numpy_array_iterator",
    "utils",
)
FAKE_KERAS = "def load_img(): return 'of Keras'\n"


def run(code: str, folder: Path | None = None) -> None:
    """Runs code; `folder` is on its path."""
    start = "" if folder is None else f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + code], capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr


def test_every_name_of_the_old_package_is_there() -> None:
    names = {
        "affine_transformations": ["flip_axis", "random_zoom", "apply_affine_transform", "random_brightness"],
        "utils": ["load_img", "save_img", "array_to_img", "img_to_array", "list_pictures", "validate_filename"],
        "iterator": ["Iterator", "BatchFromFilesMixin"],
    }
    lines = [f"from keras_preprocessing.image import {one}" for one in MODULES]
    lines += [f"from keras_preprocessing.image.{module} import {one}" for module in names for one in names[module]]
    lines += ["from keras_preprocessing.image import ImageDataGenerator, DataFrameIterator, flip_axis, random_shift"]
    run(
        "import vary.keras; vary.keras.install()\n"
        + "\n".join(lines)
        + "\nassert ImageDataGenerator.__module__[:4] == 'vary'"
    )


def test_without_the_old_package_a_new_one_is_made() -> None:
    run(
        "import importlib.util as u\n"
        "real = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'keras_preprocessing' else real(name, *a)\n"
        "import vary.keras; vary.keras.install()\n"
        "import keras_preprocessing\n"
        "assert keras_preprocessing.__version__ == '1.1.2'\n"
        "keras_preprocessing.set_keras_submodules(backend=None, utils=None)\n"
        "from keras_preprocessing import image\n"
        "import keras_preprocessing.image.utils as utils\n"
        "assert image.utils is utils\n"
        "try: keras_preprocessing.get_keras_submodule('nothing')\n"
        "except ImportError: pass\n"
        "else: raise AssertionError"
    )


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("name", ["keras", "tensorflow.keras"])
def test_what_keras_dropped_is_added_and_its_own_stays(tmp_path: Path, name: str, before: bool) -> None:
    folder = tmp_path
    for part in f"{name}.preprocessing.image".split("."):
        folder = folder / part
        folder.mkdir()
        (folder / "__init__.py").write_text("")
    (folder / "__init__.py").write_text(FAKE_KERAS)
    first = f"import {name}.preprocessing.image\n" if before else ""
    run(
        f"{first}import vary.keras\nvary.keras.install()\nassert before == ('{name}' in sys.modules)\n"
        f"from {name}.preprocessing.image import ImageDataGenerator, load_img, DataFrameIterator\n"
        "assert ImageDataGenerator is vary.keras.ImageDataGenerator\n"
        "assert load_img() == 'of Keras'\n"
        "vary.keras.install('1.1.2')\n"
        f"import {name}.preprocessing.image as image\n"
        "assert image.ImageDataGenerator().compat == '1.1.2'\n"
        "assert image.load_img() == 'of Keras'\n".replace("before", str(before)),
        tmp_path,
    )


def test_compat_is_passed_on() -> None:
    run(
        "import numpy as np, pickle, inspect, vary.keras\n"
        "vary.keras.install('1.1.2'); vary.keras.install('1.1.2')\n"
        "from keras_preprocessing.image import ImageDataGenerator, apply_affine_transform, random_rotation\n"
        "g = ImageDataGenerator(rotation_range=20)\n"
        "assert g.compat == '1.1.2' and isinstance(g, vary.keras.ImageDataGenerator)\n"
        "assert pickle.loads(pickle.dumps(g)).compat == '1.1.2'\n"
        "assert vary.keras.ImageDataGenerator().compat is None\n"
        "x = np.random.default_rng(0).uniform(0, 255, (9, 12, 3)).astype(np.float32)\n"
        "a = apply_affine_transform(x, theta=30)\n"
        "b = vary.keras.apply_affine_transform(x, 30, row_axis=0, col_axis=1, channel_axis=2, compat='1.1.2')\n"
        "assert (a == b).all()\n"
        "assert 'compat' not in inspect.signature(random_rotation).parameters\n"
        "assert next(g.flow(x[None], seed=1)).shape == (1, 9, 12, 3)\n"
    )


def test_functions_of_the_default_face_are_those_of_vary_keras() -> None:
    run(
        "import pickle, vary.keras; vary.keras.install()\n"
        "from keras_preprocessing.image import random_rotation, load_img\n"
        "assert pickle.loads(pickle.dumps(random_rotation)) is vary.keras.random_rotation\n"
        "assert load_img is vary.keras.load_img\n"
    )


def test_nothing_heavy_is_imported_and_unknown_words_are_errors() -> None:
    run(
        "import sys, vary.keras; vary.keras.install()\n"
        "heavy = {'scipy', 'pandas', 'PIL', 'keras', 'tensorflow', 'six'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "try: vary.keras.install('2')\n"
        "except ValueError as error: assert 'keras-2' in str(error)\n"
        "else: raise AssertionError"
    )


def test_programs_may_replace_functions_of_the_module() -> None:
    run(
        "import numpy as np, vary.keras; vary.keras.install()\n"
        "from keras_preprocessing.image import affine_transformations as module\n"
        "x = np.full((1, 1, 3), 128.0)\n"
        "assert (module.random_brightness(x, [1, 1], False) == 128).all()\n"
        "assert (module.random_brightness(x, [1, 1]) == 0).all()\n"
        "module.apply_brightness_shift = lambda x, y, z: (x, y)\n"
        "assert module.random_brightness(0, (3, 3)) == (0, 3.0)\n"
    )


def test_what_numpy_and_pillow_dropped_is_there_again() -> None:
    run(
        "import numpy as np, sys, tempfile, pathlib\n"
        "import vary.keras; vary.keras.install(); vary.keras.install()\n"
        "assert 'PIL' not in sys.modules\n"
        "assert np.alltrue([True, True]) and np.sometrue([True, False]) and np.product([2, 3]) == 6\n"
        "assert (np.cumproduct([2, 3]) == [2, 6]).all()\n"
        "from PIL import Image\n"
        "path = pathlib.Path(tempfile.mkdtemp()) / 'x.png'\n"
        "Image.fromarray(np.array([[5, 70000, 300]], np.int32)).save(path)\n"
        "assert np.asarray(Image.open(path)).tolist() == [[5, 65535, 300]]\n"
    )
