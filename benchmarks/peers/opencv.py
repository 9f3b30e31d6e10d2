"""OpenCV by hand: the shortest way from a picture to its slot that was found (NOTES.md lists the ways tried)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmarks.geometry import policy_maps
from benchmarks.peers import MEAN, STD, Batch, Build, Check, Image, Step, slots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FLAGS = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def versions() -> dict[str, str]:
    return {"opencv": cv2.__version__, "numpy": np.__version__}


def tables(mean: Sequence[float], std: Sequence[float]) -> list[NDArray[np.float32]]:
    """One table of 256 floats a channel: normalising becomes one look-up that writes straight into the slot."""
    levels = np.arange(256) / 255
    return [((levels - m) / s).astype(np.float32).reshape(1, 256) for m, s in zip(mean, std, strict=True)]


def warped_batch(images: Sequence[Image], threads: int, luts: Sequence[NDArray[np.float32]]) -> Step:
    cv2.setNumThreads(threads)
    height, width = images[0].shape[:2]
    out = slots(len(images), (height, width))
    warped = np.empty((height, width, 3), np.uint8)
    planes = [np.empty((height, width), np.uint8) for _ in range(3)]

    def step(epoch: int) -> Batch:
        rng = np.random.default_rng(epoch)
        count = len(images)
        angle, shear = rng.uniform(-40, 40, count), rng.uniform(-11, 11, count)
        zoom, shift = rng.uniform(0.8, 1.2, count), rng.uniform(-0.2, 0.2, (count, 2))
        flip = rng.random(count) < 0.5
        maps = policy_maps(height, width, flip, angle, shift, shear, zoom)
        for image, inverse, slot in zip(images, maps, out, strict=True):
            cv2.warpAffine(image, inverse, (width, height), dst=warped, flags=FLAGS, borderMode=cv2.BORDER_REPLICATE)
            cv2.split(warped, planes)
            for plane, table, target in zip(planes, luts, slot, strict=True):
                cv2.LUT(plane, table, target)
        return out

    return step


def affine(images: Sequence[Image], threads: int) -> Step:
    return warped_batch(images, threads, tables((0, 0, 0), (1, 1, 1)))


def normalize(images: Sequence[Image], threads: int) -> Step:
    return warped_batch(images, threads, tables(MEAN, STD))


def store(images: Sequence[Image], _threads: int) -> Step:
    """The floor: read a byte a cache line of the source, write the slot; no arithmetic."""
    out = slots(len(images), images[0].shape[:2])
    flat = [image.reshape(-1)[::64] for image in images]

    def step(_epoch: int) -> Batch:
        for source, slot in zip(flat, out, strict=True):
            slot.fill(float(source.max()))
        return out

    return step


def fixed_affine(image: Image, spec: dict[str, Any]) -> NDArray[Any]:
    """By the same function that makes the timed maps."""
    height, width = image.shape[:2]
    draws = (np.array([spec[name]]) for name in ("flip", "angle", "shift", "shear", "zoom"))
    (inverse,) = policy_maps(height, width, *draws)
    return np.asarray(cv2.warpAffine(image, inverse, (width, height), flags=FLAGS, borderMode=cv2.BORDER_REPLICATE))


CASES: dict[str, Build] = {"affine": affine, "normalize": normalize, "store": store}
CHECKS: dict[str, Check] = {"affine": fixed_affine}
