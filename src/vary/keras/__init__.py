"""Keras' classic image interface on vary's core: the functions of `keras.preprocessing.image`, without TensorFlow.

By default they are right on pictures of any shape; `compat="keras-2"` and `compat="1.1.2"` repeat the old geometry and
the old random numbers. Importing this imports neither Keras nor SciPy, and Pillow only when an image file is used.
"""

from typing import TYPE_CHECKING

from vary.keras import parameters as parameters, policy as policy
from vary.keras.affine import (
    apply_affine_transform,
    flip_axis,
    random_rotation,
    random_shear,
    random_shift,
    random_zoom,
    transform_matrix_offset_center,
)
from vary.keras.arrays import NumpyArrayIterator
from vary.keras.dataset import ImageDataset
from vary.keras.directory import image_dataset_from_directory
from vary.keras.folders import DirectoryIterator
from vary.keras.frames import DataFrameIterator
from vary.keras.fromfiles import BatchFromFilesMixin
from vary.keras.generator import ImageDataGenerator
from vary.keras.images import (
    array_to_img,
    img_to_array,
    list_pictures,
    load_img,
    save_img,
    smart_resize,
    validate_filename,
)
from vary.keras.installing import install
from vary.keras.iterator import Iterator
from vary.keras.pairing import PairIterator
from vary.keras.traps import TrapWarning
from vary.keras.values import apply_brightness_shift, apply_channel_shift, random_brightness, random_channel_shift

if TYPE_CHECKING:
    from vary.keras.layer import Augment as Augment

__all__ = [
    "BatchFromFilesMixin",
    "DataFrameIterator",
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "PairIterator",
    "ImageDataset",
    "TrapWarning",
    "apply_affine_transform",
    "apply_brightness_shift",
    "apply_channel_shift",
    "array_to_img",
    "flip_axis",
    "image_dataset_from_directory",
    "img_to_array",
    "install",
    "list_pictures",
    "load_img",
    "random_brightness",
    "random_channel_shift",
    "random_rotation",
    "random_shear",
    "random_shift",
    "random_zoom",
    "save_img",
    "smart_resize",
    "transform_matrix_offset_center",
    "validate_filename",
]


if not TYPE_CHECKING:

    def __getattr__(name):
        """`Augment` is a layer, so Keras is imported when it is first used."""
        if name != "Augment":
            raise AttributeError(f"module 'vary.keras' has no attribute {name!r}")
        from importlib import import_module

        found = globals()[name] = import_module("vary.keras.layer").Augment
        return found

    def __dir__():
        from importlib.util import find_spec

        return sorted([*globals(), *["Augment"] * (find_spec("keras") is not None)])
