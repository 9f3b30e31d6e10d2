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


def step_of(transforms: list[Any], images: Sequence[Image], size: Sequence[int], threads: int) -> Step:
    """On one thread a call an image is faster than `augment_batch`; more threads need the latter."""
    pipeline = augrs.Compose(transforms, seed=7)
    if threads == 1:
        return like.step_of(pipeline, images, size)
    out = slots(len(images), size)

    def step(epoch: int) -> Batch:
        results = pipeline.augment_batch(images, seed=epoch, num_threads=threads)
        for result, slot in zip(results, out, strict=True):
            slot[:] = result["image"].transpose(2, 0, 1)
        return out

    return step


def affine(images: Sequence[Image], threads: int) -> Step:
    scaled = augrs.Normalize(mean=(0, 0, 0), std=(1, 1, 1), max_pixel_value=255.0)
    return step_of([*like.warp(augrs), scaled], images, images[0].shape[:2], threads)


def normalize(images: Sequence[Image], threads: int) -> Step:
    return step_of([*like.warp(augrs), like.normalized(augrs)], images, images[0].shape[:2], threads)


def crop(images: Sequence[Image], threads: int) -> Step:
    return step_of([*like.crop(augrs), like.normalized(augrs)], images, (224, 224), threads)


def fixed_affine(image: Image, spec: dict[str, Any]) -> NDArray[Any]:
    return like.fixed_affine(augrs, image, spec)


CASES: dict[str, Build] = {"affine": affine, "normalize": normalize, "crop": crop}
CHECKS: dict[str, Check] = {"affine": fixed_affine}
