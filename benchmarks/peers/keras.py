"""keras-preprocessing 1.1.2: `ImageDataGenerator` by its per-image functions, as a careful user would call them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras_preprocessing
import numpy as np
import scipy
from keras_preprocessing.image import ImageDataGenerator, apply_affine_transform
from scipy import ndimage

from benchmarks.geometry import keras_parameters
from benchmarks.peers import Batch, Build, Check, Image, Step, slots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# 1.1.2 calls ndimage.interpolation.affine_transform; that deprecated module warns on every access, in the timed part.
ndimage.interpolation = ndimage


def versions() -> dict[str, str]:
    return {
        "keras-preprocessing": keras_preprocessing.__version__,
        "scipy": scipy.__version__,
        "numpy": np.__version__,
    }


def varied() -> ImageDataGenerator:
    return ImageDataGenerator(
        rotation_range=40,
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=11,
        zoom_range=0.2,
        horizontal_flip=True,
        fill_mode="nearest",
        rescale=1 / 255,
    )


def affine(images: Sequence[Image], _threads: int) -> Step:
    """The library knows no threads."""
    generator = varied()
    out = slots(len(images), images[0].shape[:2])

    def step(epoch: int) -> Batch:
        np.random.seed(epoch)  # noqa: NPY002 - the library draws from NumPy's global state
        for slot, image in zip(out, images, strict=True):
            turned = generator.standardize(generator.random_transform(image.astype(np.float32)))
            slot[:] = turned.transpose(2, 0, 1)
        return out

    return step


def flow(files: Sequence[Any], _threads: int) -> Step:
    """`flow_from_directory`, an epoch of batches of 32."""
    generator = varied()
    batches = generator.flow_from_directory(
        str(Path(files[0]).parent.parent), target_size=(150, 150), interpolation="bilinear", batch_size=32, seed=7
    )

    def step(_epoch: int) -> Batch:
        for _ in range(len(batches)):
            last = next(batches)[0]
        return np.ascontiguousarray(last.transpose(0, 3, 1, 2), np.float32)

    return step


def fixed_affine(image: Image, spec: dict[str, Any]) -> NDArray[Any]:
    """Its pivot is one pixel off the centre, so it gets the parameters of the equivalent matrix; it flips last."""
    parameters = keras_parameters(spec, *image.shape[:2])
    warped = apply_affine_transform(
        image.astype(np.float32), **parameters, row_axis=0, col_axis=1, channel_axis=2, fill_mode="nearest", order=1
    )
    return np.asarray(warped[:, ::-1] if spec["flip"] else warped)


CASES: dict[str, Build] = {"affine": affine, "flow": flow}
CHECKS: dict[str, Check] = {"affine": fixed_affine}
