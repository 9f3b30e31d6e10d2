"""OpenCV by hand: the shortest way from a picture to its slot that was found (NOTES.md lists the ways tried)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.geometry import policy_maps
from benchmarks.peers import MEAN, STD, Batch, Build, Check, Image, Step, slots

Finish = Callable[[Image, NDArray[Any]], None]
FLAGS = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def versions() -> dict[str, str]:
    return {"opencv": cv2.__version__, "numpy": np.__version__}


def tables(mean: Sequence[float], std: Sequence[float]) -> list[NDArray[np.float32]]:
    """One table of 256 floats a channel: normalising becomes one look-up that writes straight into the slot."""
    levels = np.arange(256) / 255
    return [((levels - m) / s).astype(np.float32).reshape(1, 256) for m, s in zip(mean, std, strict=True)]


def batch_of(images: Sequence[Image], out: Batch, finish: Finish | None = None) -> Step:
    """Warps each picture into its slot, or into one picture that `finish` brings there."""
    height, width = images[0].shape[:2]
    warped = np.empty((height, width, 3), np.uint8)

    def step(epoch: int) -> Batch:
        rng = np.random.default_rng(epoch)
        count = len(images)
        angle, shear = rng.uniform(-40, 40, count), rng.uniform(-11, 11, count)
        zoom, shift = rng.uniform(0.8, 1.2, count), rng.uniform(-0.2, 0.2, (count, 2))
        flip = rng.random(count) < 0.5
        maps = policy_maps(height, width, flip, angle, shift, shear, zoom)
        for image, inverse, slot in zip(images, maps, out, strict=True):
            to = warped if finish else slot
            cv2.warpAffine(image, inverse, (width, height), dst=to, flags=FLAGS, borderMode=cv2.BORDER_REPLICATE)
            if finish:
                finish(warped, slot)
        return out

    return step


def affine(images: Sequence[Image], threads: int) -> Step:
    """To planes: split, then a look-up for each."""
    cv2.setNumThreads(threads)
    planes = [np.empty(images[0].shape[:2], np.uint8) for _ in range(3)]
    luts = tables((0, 0, 0), (1, 1, 1))

    def finish(warped: Image, slot: NDArray[np.float32]) -> None:
        cv2.split(warped, planes)
        for plane, table, target in zip(planes, luts, slot, strict=True):
            cv2.LUT(plane, table, target)

    return batch_of(images, slots(len(images), images[0].shape[:2]), finish)


def normalize(images: Sequence[Image], threads: int) -> Step:
    """To packed pixels: one look-up in three tables at once."""
    cv2.setNumThreads(threads)
    lut = np.stack(tables(MEAN, STD), axis=-1)

    def finish(warped: Image, slot: NDArray[np.float32]) -> None:
        cv2.LUT(warped, lut, slot)

    return batch_of(images, slots(len(images), images[0].shape[:2], "NHWC"), finish)


def warped(images: Sequence[Image], threads: int) -> Step:
    """`warpAffine` alone."""
    cv2.setNumThreads(threads)
    return batch_of(images, slots(len(images), images[0].shape[:2], "NHWC", "uint8"))


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


CASES: dict[str, Build] = {"affine": affine, "normalize": normalize, "warped": warped, "store": store}
CHECKS: dict[str, Check] = {"affine": fixed_affine}
