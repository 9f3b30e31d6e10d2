"""`save_to_dir`: writes the images of batches to files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.keras.images import array_to_img

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.keras.faces import Compat
    from vary.sample import Array

__all__ = ["Saving"]


class Saving(NamedTuple):
    """Where and how images are saved. limit: the old versions draw numbers below it for the names."""

    folder: str
    prefix: str
    format: str
    limit: int
    data_format: str
    compat: Compat

    def drawn(self, count: int) -> list[int]:
        """Numbers for the names of files, as the old versions draw them."""
        return [np.random.randint(self.limit) for _ in range(count)]  # noqa: NPY002

    def save(self, x: Array, indices: Array, names: Sequence[int]) -> None:
        """Write images as {prefix}_{index}_{number}.{format}. The number is that of the epoch.

        x: (n, ...), augmented, in 0 .. 255 or 0 .. 1. With `compat`, they are standardized, and stretched to 0 .. 255.
        """
        for image, index, number in zip(x, indices.tolist(), names, strict=True):
            ones = self.compat is None and image.min() >= 0 and image.max() <= 1
            img = array_to_img(
                image * 255 if ones else image, self.data_format, self.compat is not None, compat=self.compat
            )
            img.save(Path(self.folder) / f"{self.prefix}_{index}_{number}.{self.format}")
