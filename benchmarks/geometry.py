"""The fixed map of the equality check, as arguments of each contestant, and a plain sampler to compare them with.

A spec is `{"flip": bool, "angle": degrees, "shift": [x, y], "shear": degrees, "zoom": factor}`: what ranges of no width
make `vary.Policy([HorizontalFlip, Rotate, Translate, Shear, Zoom])` draw. Maps are 3x3, act on (x, y, 1), y down, and
unless a function says otherwise use coordinates whose pixel centres lie at +0.5.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def forward(spec: dict[str, Any], height: int, width: int, flip: bool = True) -> Matrix:
    """Source to output: flip, rotate (counter-clockwise as seen), translate, shear (x by y), zoom, about the centre."""
    cos, sin = math.cos(math.radians(spec["angle"])), math.sin(math.radians(spec["angle"]))
    tan, zoom = math.tan(math.radians(spec["shear"])), spec["zoom"]
    mirrored = np.diag([-1.0 if spec["flip"] and flip else 1.0, 1, 1])
    rotated = np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1.0]])
    moved = np.array([[1, 0, spec["shift"][0] * width], [0, 1, spec["shift"][1] * height], [0, 0, 1.0]])
    sheared = np.array([[1, tan, 0], [0, 1, 0], [0, 0, 1.0]])
    zoomed = np.diag([zoom, zoom, 1.0])
    centre = np.array([[1, 0, width / 2], [0, 1, height / 2], [0, 0, 1.0]])
    return np.asarray(centre @ zoomed @ sheared @ moved @ rotated @ mirrored @ np.linalg.inv(centre))


def matrix(spec: dict[str, Any], height: int, width: int) -> Matrix:
    """The map from output to source, which a resampler uses."""
    return np.asarray(np.linalg.inv(forward(spec, height, width)), np.float64)


def to_index(between: Matrix) -> Matrix:
    """The same map between pixel indices (centres at whole numbers), as OpenCV and SciPy use them."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    return np.asarray(np.linalg.inv(half) @ between @ half)


def policy_maps(
    height: int,
    width: int,
    flip: NDArray[np.bool_],
    angle: Matrix,
    shift: Matrix,
    shear: Matrix,
    zoom: Matrix,
) -> Matrix:
    """Output-to-source maps between pixel indices, (n, 2, 3), for arrays of draws, as a user would write them."""
    cos, sin, tan = np.cos(np.radians(angle)), np.sin(np.radians(angle)), np.tan(np.radians(shear))
    sign = np.where(flip, -1.0, 1.0)
    a, b = sign * cos / zoom, -sign * (cos * tan + sin) / zoom
    c, d = sin / zoom, (cos - sin * tan) / zoom
    tx, ty = shift[:, 0] * width, shift[:, 1] * height
    px, py = (width - 1) / 2, (height - 1) / 2
    maps = np.empty((len(angle), 2, 3))
    maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 0], maps[:, 1, 1] = a, b, c, d
    maps[:, 0, 2] = px - a * px - b * py - sign * (cos * tx - sin * ty)
    maps[:, 1, 2] = py - c * px - d * py - (sin * tx + cos * ty)
    return maps


def keras_parameters(spec: dict[str, Any], height: int, width: int) -> dict[str, float]:
    """keras-preprocessing 1.1.2: index maps R T S Z on (row, column) about (h/2 + .5, w/2 + .5), flip last."""
    inverse = to_index(matrix(spec, height, width))
    if spec["flip"]:
        inverse = inverse @ np.array([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1.0]])
    linear = inverse[:2, :2][::-1, ::-1]
    theta = math.atan2(linear[1, 0], linear[0, 0])
    turn = np.array([[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]])
    upper = turn.T @ linear  # [[zx, -sin(shear) zy], [0, cos(shear) zy]]
    pivot = np.array([height / 2 + 0.5, width / 2 + 0.5])
    tx, ty = turn.T @ (inverse[:2, 2][::-1] - pivot + linear @ pivot)
    return {
        "theta": math.degrees(theta),
        "tx": float(tx),
        "ty": float(ty),
        "shear": math.degrees(math.atan2(-upper[0, 1], upper[1, 1])),
        "zx": float(upper[0, 0]),
        "zy": float(math.hypot(upper[0, 1], upper[1, 1])),
    }


def whole_pixel_spec(height: int, width: int) -> dict[str, Any]:
    """A spec whose shift, once sheared and zoomed, is whole pixels: the only shifts that albumentations applies."""
    spec: dict[str, Any] = {"flip": True, "angle": 12.0, "shift": [0.0, 0.0], "shear": 5.0, "zoom": 1.1}
    after = spec["zoom"] * np.array([[1, math.tan(math.radians(spec["shear"]))], [0, 1]])
    shift = np.linalg.solve(after, [9.0, -6.0]) / [width, height]
    return {**spec, "shift": [float(shift[0]), float(shift[1])]}


def albumentations_parameters(spec: dict[str, Any], height: int, width: int) -> dict[str, Any]:
    """albumentations and augrs: T Shear R Scale about the centre after the flip.

    A uniform zoom commutes with the rest, so the spec's own numbers serve; only the shift comes last there.
    """
    after, centre = forward(spec, height, width, flip=False), np.array([width / 2, height / 2])
    shift = after[:2, 2] - centre + after[:2, :2] @ centre
    return {
        "rotate": spec["angle"],
        "scale": spec["zoom"],
        "shear": {"x": -spec["shear"], "y": 0.0},  # its sign is the opposite
        "translate_px": {"x": round(float(shift[0])), "y": round(float(shift[1]))},
    }


def sample(image: NDArray[np.uint8], spec: dict[str, Any]) -> tuple[Matrix, NDArray[np.bool_]]:
    """The picture under the spec's map, bilinear in float64, and where all four neighbours exist."""
    height, width = image.shape[:2]
    inverse = to_index(matrix(spec, height, width))
    rows, columns = np.mgrid[:height, :width]
    x = inverse[0, 0] * columns + inverse[0, 1] * rows + inverse[0, 2]
    y = inverse[1, 0] * columns + inverse[1, 1] * rows + inverse[1, 2]
    valid = (x >= 1) & (x <= width - 2) & (y >= 1) & (y <= height - 2)
    left, top = np.clip(np.floor(x).astype(int), 0, width - 2), np.clip(np.floor(y).astype(int), 0, height - 2)
    right, down = np.clip(x - left, 0, 1)[..., None], np.clip(y - top, 0, 1)[..., None]
    source = image.astype(np.float64)
    upper = source[top, left] * (1 - right) + source[top, left + 1] * right
    lower = source[top + 1, left] * (1 - right) + source[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down, valid
