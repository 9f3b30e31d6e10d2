"""Equality before speed: one fixed map for all, and Resize + CenterCrop + Normalize against Pillow and torchvision.

A difference above the limit stops the run: figures of contestants that do different work are not comparable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks import pictures
from benchmarks.geometry import sample, whole_pixel_spec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.client import Client

LIMIT = 1.0  # levels of 255
ROUNDING = 1e-3  # levels: rounding of float32, after normalised values were scaled back
AFFINE_SIZE = (208, 272)  # not square, so that swapped axes are noticed
RESIZE = {"resize": [256, 342], "crop": [224, 224]}  # even margins, so that no half pixel is rounded
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


class UnequalError(RuntimeError):
    """Two contestants do not compute the same thing."""


def answers(
    clients: Mapping[str, Client], check: str, picture: Any, spec: dict[str, Any], folder: Path
) -> dict[str, Any]:
    np.save(folder / f"{check}.npy", picture)
    results = {}
    for name, client in clients.items():
        if check not in client.checks:
            continue
        output = folder / f"{check}-{name}.npy"
        client.ask("check", check=check, picture=str(folder / f"{check}.npy"), output=str(output), spec=spec)
        results[name] = np.load(output)
    return results


def difference(name: str, other: str, ours: NDArray[Any], theirs: NDArray[Any], measure: str) -> dict[str, Any]:
    """One line of the results; `measure` is the number that is compared with the limit."""
    if ours.shape != theirs.shape:
        raise UnequalError(f"{name} has shape {ours.shape}, {other} has {theirs.shape}")
    apart = np.abs(ours - theirs)
    levels_apart = {"mean": float(apart.mean()), "max": float(apart.max())}
    if not levels_apart[measure] <= LIMIT + ROUNDING:
        raise UnequalError(
            f"{name} and {other} differ by {levels_apart['mean']:.3f} levels in the mean, {levels_apart['max']:.3f} at"
            f" most; the {measure} must be <= {LIMIT}. They do not compute the same map, so nothing was timed."
        )
    return {"a": name, "b": other, **levels_apart, "limit": f"{measure} <= {LIMIT}"}


def affine(clients: Mapping[str, Client], folder: Path) -> list[dict[str, Any]]:
    """Compares all with a float64 sampler, and vary with all, where all four neighbours exist."""
    picture, spec = pictures.smooth(*AFFINE_SIZE), whole_pixel_spec(*AFFINE_SIZE)
    expected, valid = sample(picture, spec)
    results = answers(clients, "affine", picture, spec, folder)
    lines = [
        difference(name, "float64 sampler", result[valid], expected[valid], "mean") for name, result in results.items()
    ]
    ours = results.pop("vary", None)
    if ours is not None:
        lines += [difference("vary", name, ours[valid], result[valid], "mean") for name, result in results.items()]
    return [{"check": "flip + affine", **line} for line in lines]


def resize(clients: Mapping[str, Client], folder: Path) -> list[dict[str, Any]]:
    """The error in levels, after normalised values were scaled back. No pixel may exceed the limit."""
    picture = np.asarray(next(iter(photograph())), np.uint8)
    results = answers(clients, "resize", picture, RESIZE, folder)
    results["Pillow"] = pillow(picture)
    ours = results.pop("vary", None)
    base = ("vary", ours) if ours is not None else ("Pillow", results.pop("Pillow"))
    lines = [difference(base[0], name, levels(base[1]), levels(result), "max") for name, result in results.items()]
    return [{"check": "Resize + CenterCrop + Normalize", **line} for line in lines]


def photograph() -> list[Image.Image]:
    return pictures.clothing()[:1] if pictures.DATA.is_dir() else list(pictures.wheel_crops())[:1]


def levels(normalized: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((normalized * STD + MEAN) * 255)


def pillow(picture: NDArray[np.uint8]) -> NDArray[Any]:
    (height, width), (rows, columns) = RESIZE["resize"], RESIZE["crop"]
    small = np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BILINEAR))
    top, left = round((height - rows) / 2), round((width - columns) / 2)
    return np.asarray((small[top : top + rows, left : left + columns] / 255 - MEAN) / STD)
