"""keras-preprocessing 1.1.2: `ImageDataGenerator` by its per-image functions, as a careful user would call them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras_preprocessing
import numpy as np
import scipy
from keras_preprocessing.image import ImageDataGenerator, apply_affine_transform
from scipy import ndimage

from benchmarks.geometry import keras_parameters
from benchmarks.peers import Batch, Build, Check, Image, Step, classic, slots

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


def affine(images: Sequence[Image], _threads: int) -> Step:
    """The library knows no threads."""
    generator = ImageDataGenerator(**classic.CLASSIC)
    out = slots(len(images), images[0].shape[:2])

    def step(epoch: int) -> Batch:
        np.random.seed(epoch)  # noqa: NPY002 - the library draws from NumPy's global state
        for slot, image in zip(out, images, strict=True):
            turned = generator.standardize(generator.random_transform(image.astype(np.float32)))
            slot[:] = turned.transpose(2, 0, 1)
        return out

    return step


def fixed_affine(image: Image, spec: dict[str, Any]) -> NDArray[Any]:
    """Its pivot is one pixel off the centre, so it gets the parameters of the equivalent matrix; it flips last."""
    parameters = keras_parameters(spec, *image.shape[:2])
    warped = apply_affine_transform(
        image.astype(np.float32), **parameters, row_axis=0, col_axis=1, channel_axis=2, fill_mode="nearest", order=1
    )
    return np.asarray(warped[:, ::-1] if spec["flip"] else warped)


CASES: dict[str, Build] = {"affine": affine, **classic.cases(ImageDataGenerator)}
UNITS_AN_IMAGE = classic.UNITS_AN_IMAGE
CHECKS: dict[str, Check] = {"affine": fixed_affine}
