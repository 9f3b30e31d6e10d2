"""AlbumentationsX with PyTorch's loader (optional). It is AGPL: run unmodified, by its documented names alone."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import albumentations
import cv2
import numpy as np

from benchmarks.peers import Build, Check, Image, Step, albumentations_like as like

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

cv2.setNumThreads(1)  # from the start: workers of a loader, forked later, would wait for threads that they lack


def versions() -> dict[str, str]:
    told = {"albumentationsx": version("albumentationsx"), "opencv": cv2.__version__}
    return {**told, "torch": version("torch"), "numpy": np.__version__}


def loader(files: Sequence[Any], threads: int) -> Step:
    from benchmarks.peers import albumentations_loader

    return albumentations_loader.loader(albumentations, files, threads)


def fixed_affine(image: Image, spec: dict[str, Any]) -> NDArray[Any]:
    return like.fixed_affine(albumentations, image, spec, ranges=True)


CASES: dict[str, Build] = {"loader": loader}
CHECKS: dict[str, Check] = {"affine": fixed_affine}
