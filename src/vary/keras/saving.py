"""`save_to_dir`: writes the images of batches to files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.errors import InputError, SourceError
from vary.keras.images import array_to_img
from vary.paths import path_text, searched_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.keras.faces import Compat
    from vary.sample import Array

__all__ = ["Saving", "saving_of"]


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


def saving_of(saved: tuple[object, str, str], limit: int, data_format: str, compat: Compat) -> Saving | None:
    """Where and how to save; None: nothing is. saved: save_to_dir, save_prefix and save_format.

    `SourceError` if there is no such folder, and `InputError` if Pillow cannot write the format; with `compat`, both
    are errors of the first batch, as in the old versions.
    """
    folder, prefix, form = saved
    if not folder:
        return None
    path = path_text("save_to_dir", folder, "the path of a folder for the images")
    if compat is None:
        _check_format(form)
        if not os.path.isdir(path):  # noqa: PTH112
            raise SourceError(
                f"save_to_dir={path!r} is not a folder{searched_in(path)}; make it first: "
                f"os.makedirs({path!r}, exist_ok=True)"
            )
    return Saving(path, prefix, form, limit, data_format, compat)


def _check_format(form: object) -> None:
    from PIL import Image

    known = Image.registered_extensions()
    if not isinstance(form, str) or known.get(f".{form.lower()}") not in Image.SAVE:
        raise InputError(
            f"save_format={form!r}; give the ending of a format that Pillow writes, such as 'png' or 'jpg'"
        )
