"""The affine maps of a batch: draws -> matrices, with the flips in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vary.sample import Array

if TYPE_CHECKING:
    from vary.keras.draws import Batch
    from vary.keras.faces import Face

__all__ = ["matrices_of"]


def matrices_of(draws: Batch, count: int, size: tuple[int, int], face: Face) -> Array:
    """(n, 2, 3): where each pixel (row, column, 1) of image i comes from. size: (height, width).

    The product is that of `vary.keras.affine`; the flips act on its result.
    """

    def drawn(name: str, default: float) -> Array:
        values = draws.get(name)
        return np.full(count, default) if values is None else values

    theta, shear = np.deg2rad(drawn("theta", 0.0)), np.deg2rad(drawn("shear", 0.0))
    c, s, zx, zy = np.cos(theta), np.sin(theta), drawn("zx", 1.0), drawn("zy", 1.0)
    a, b = -np.sin(shear), np.cos(shear)
    linear = np.empty((count, 2, 2))  # rotation, shear and zoom
    linear[:, 0, 0], linear[:, 0, 1] = c * zx, (c * a - s * b) * zy
    linear[:, 1, 0], linear[:, 1, 1] = s * zx, (s * a + c * b) * zy
    shift = np.stack([drawn("tx", 0.0), drawn("ty", 0.0)], 1)
    moved = np.stack([c * shift[:, 0] - s * shift[:, 1], s * shift[:, 0] + c * shift[:, 1]], 1)
    sides = size[::-1] if face.x_first and not face.swapped_pivot else size
    centre = np.array(sides) / 2 + face.pivot
    made = np.empty((count, 2, 3))
    made[:, :, :2], made[:, :, 2] = linear, centre + moved - linear @ centre
    if face.x_first:
        made = made[:, ::-1][:, :, [1, 0, 2]]
    for axis, name in enumerate(("flip_vertical", "flip_horizontal")):
        flipped = drawn(name, 0.0).astype(bool)
        made[flipped, :, 2] += made[flipped, :, axis] * (size[axis] - 1)
        made[flipped, :, axis] *= -1
    return made
