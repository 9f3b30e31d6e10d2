"""albumentations 2.0.8, the last release under the MIT licence."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import albumentations
import cv2
import numpy as np

from benchmarks.peers import Batch, Build, Check, Image, Step, albumentations_like as like, slots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

cv2.setNumThreads(1)  # from the start: workers of a loader, forked later, would wait for threads that they lack


def versions() -> dict[str, str]:
    told = {"albumentations": albumentations.__version__, "opencv": cv2.__version__}
    return {**told, "torch": version("torch"), "numpy": np.__version__}


def step_of(transforms: list[Any], images: Sequence[Image], out: Batch, threads: int) -> Step:
    cv2.setNumThreads(threads)
    return like.step_of(albumentations.Compose(transforms), images, out)


def affine(images: Sequence[Image], threads: int) -> Step:
    transforms = [*like.warp(albumentations), albumentations.ToFloat(max_value=255.0)]
    return step_of(transforms, images, slots(len(images), images[0].shape[:2]), threads)


def normalize(images: Sequence[Image], threads: int) -> Step:
    transforms = [*like.warp(albumentations), like.normalized(albumentations)]
    return step_of(transforms, images, slots(len(images), images[0].shape[:2], "NHWC"), threads)


def warped(images: Sequence[Image], threads: int) -> Step:
    return step_of(like.warp(albumentations), images, slots(len(images), images[0].shape[:2], "NHWC", "uint8"), threads)


def strict(images: Sequence[Image], threads: int) -> Step:
    out = slots(len(images), images[0].shape[:2], "NHWC", "uint8")
    return step_of(like.strict(albumentations), images, out, threads)


def crop(images: Sequence[Image], threads: int) -> Step:
    transforms = [*like.crop(albumentations), like.normalized(albumentations)]
    return step_of(transforms, images, slots(len(images), (224, 224), "NHWC"), threads)


def loader(files: Sequence[Any], threads: int) -> Step:
    from benchmarks.peers import albumentations_loader

    return albumentations_loader.loader(albumentations, files, threads)


def fixed_affine(image: Image, spec: dict[str, Any]) -> NDArray[Any]:
    return like.fixed_affine(albumentations, image, spec)


CASES: dict[str, Build] = {"affine": affine, "normalize": normalize, "warped": warped, "strict": strict, "crop": crop}
CASES["loader"] = loader
CHECKS: dict[str, Check] = {"affine": fixed_affine}
