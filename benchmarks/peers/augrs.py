"""augrs-py 0.1.0 (Rust; MIT or Apache-2.0)."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import augrs
import numpy as np

from benchmarks.peers import Batch, Build, Check, Image, Step, albumentations_like as like, slots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def versions() -> dict[str, str]:
    return {"augrs-py": version("augrs-py"), "numpy": np.__version__}


def step_of(transforms: list[Any], images: Sequence[Image], out: Batch) -> Step:
    """All rows have one thread, on which a call an image is faster than `augment_batch`."""
    return like.step_of(augrs.Compose(transforms, seed=7), images, out)


def affine(images: Sequence[Image], _threads: int) -> Step:
    scaled = augrs.Normalize(mean=(0, 0, 0), std=(1, 1, 1), max_pixel_value=255.0)
    return step_of([*like.warp(augrs), scaled], images, slots(len(images), images[0].shape[:2]))


def normalize(images: Sequence[Image], _threads: int) -> Step:
    transforms = [*like.warp(augrs), like.normalized(augrs)]
    return step_of(transforms, images, slots(len(images), images[0].shape[:2], "NHWC"))


def warped(images: Sequence[Image], _threads: int) -> Step:
    return step_of(like.warp(augrs), images, slots(len(images), images[0].shape[:2], "NHWC", "uint8"))


def crop(images: Sequence[Image], _threads: int) -> Step:
    transforms = [*like.crop(augrs), like.normalized(augrs)]
    return step_of(transforms, images, slots(len(images), (224, 224), "NHWC"))


def fixed_affine(image: Image, spec: dict[str, Any]) -> NDArray[Any]:
    return like.fixed_affine(augrs, image, spec)


CASES: dict[str, Build] = {"affine": affine, "normalize": normalize, "warped": warped, "crop": crop}
CHECKS: dict[str, Check] = {"affine": fixed_affine}
