"""The classic programs run with NumPy and Pillow alone, and without a warning."""

import subprocess
import sys
from pathlib import Path

import pytest
from keras_images.pictures import folder_of_pictures

BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in "scipy tensorflow keras pandas polars pyarrow six jax torch".split():
            raise ModuleNotFoundError(f"blocked: {name}")
sys.meta_path.insert(0, Blocked())
"""
CLASSIC = """
{import_}
import numpy as np
augmenting = ImageDataGenerator(rescale=1./255, rotation_range=40, width_shift_range=0.2, height_shift_range=0.2,
                                shear_range=11, zoom_range=0.2, horizontal_flip=True, fill_mode="nearest")
plain = ImageDataGenerator(rescale=1./255)
train = augmenting.flow_from_directory({root!r}, target_size=(150, 150), batch_size=20, class_mode="binary")
validation = plain.flow_from_directory({root!r}, target_size=(150, 150), batch_size=20, class_mode="binary")
for data_batch, labels_batch in train:
    assert data_batch.shape[1:] == (150, 150, 3) and 0 <= data_batch.min() <= data_batch.max() <= 1
    assert set(labels_batch) <= {{0, 1}}
    break
x = load_img(train.filepaths[0], target_size=(150, 150))
x = img_to_array(x)
x = x.reshape((1,) + x.shape)
for i, batch in enumerate(augmenting.flow(x, batch_size=1)):
    assert batch.shape == x.shape
    if i == 4:
        break
normalised = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True)
normalised.fit(np.repeat(x, 3, 0))
assert abs(next(normalised.flow(np.repeat(x, 3, 0))).mean()) < 1e-3
"""
NAMES = "ImageDataGenerator, img_to_array, load_img"


@pytest.mark.parametrize("module", ["vary.keras", "keras_preprocessing.image"])
def test_classic_programs_run(tmp_path: Path, module: str) -> None:
    root = folder_of_pictures(tmp_path, {"cats": 6, "dogs": 5})
    start = "import vary.keras; vary.keras.install()\n" if module != "vary.keras" else ""
    code = BLOCKED + start + CLASSIC.format(import_=f"from {module} import {NAMES}", root=str(root))
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Found 11 images belonging to 2 classes.\n" * 2
