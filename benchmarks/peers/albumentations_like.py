"""The policies of albumentations 2.0.8, and of those that take the same names: written once, given the module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.geometry import albumentations_parameters
from benchmarks.peers import MEAN, STD, Batch, Image, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

REPLICATE = 1  # cv2.BORDER_REPLICATE


def warp(library: Any) -> list[Any]:
    return [
        library.HorizontalFlip(p=0.5),
        library.Affine(
            rotate=(-40, 40),
            translate_percent={"x": (-0.2, 0.2), "y": (-0.2, 0.2)},
            shear={"x": (-11, 11), "y": (0, 0)},
            scale=(0.8, 1.2),
            keep_ratio=True,
            border_mode=REPLICATE,
            p=1,
        ),
    ]


def crop(library: Any) -> list[Any]:
    return [
        library.RandomResizedCrop(size=(224, 224), scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3), p=1),
        library.HorizontalFlip(p=0.5),
        library.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1, p=1),
    ]


def normalized(library: Any) -> Any:
    return library.Normalize(mean=MEAN, std=STD, max_pixel_value=255.0)


def strict(library: Any) -> list[Any]:
    """The warp as five transforms, each with a resampling of its own."""
    return [
        library.HorizontalFlip(p=0.5),
        library.Rotate(limit=(-40, 40), border_mode=REPLICATE, p=1),
        library.Affine(translate_percent={"x": (-0.2, 0.2), "y": (-0.2, 0.2)}, border_mode=REPLICATE, p=1),
        library.Affine(shear={"x": (-11, 11), "y": (0, 0)}, border_mode=REPLICATE, p=1),
        library.Affine(scale=(0.8, 1.2), keep_ratio=True, border_mode=REPLICATE, p=1),
    ]


def step_of(pipeline: Any, images: Sequence[Image], out: Batch) -> Step:
    """One call an image, then one copy into its slot, transposing if that is planar: the fastest of the ways tried."""
    axes = (2, 0, 1) if out.shape[1] == 3 else (0, 1, 2)

    def step(_epoch: int) -> Batch:
        for image, slot in zip(images, out, strict=True):
            slot[:] = pipeline(image=image)["image"].transpose(axes)
        return out

    return step


def ranged(value: Any) -> Any:
    """A number as the range that holds it alone, also within a dict."""
    return {key: ranged(one) for key, one in value.items()} if isinstance(value, dict) else (value, value)


def fixed_affine(library: Any, image: Image, spec: dict[str, Any], *, ranges: bool = False) -> NDArray[Any]:
    """ranges: the library takes no single numbers."""
    parameters = albumentations_parameters(spec, *image.shape[:2])
    parameters = ranged(parameters) if ranges else parameters
    fixed = [library.Affine(**parameters, border_mode=REPLICATE, p=1)]
    if spec["flip"]:
        fixed.insert(0, library.HorizontalFlip(p=1))
    return np.asarray(library.Compose(fixed)(image=image)["image"])
