"""TurboLoader on its own forms: a tar of the same JPEGs, and what it makes of that once for later epochs."""

from __future__ import annotations

import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import turboloader

from benchmarks.peers import Batch, Build, Check, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZE, STORED = 224, 256


def versions() -> dict[str, str]:
    return {"turboloader": turboloader.__version__, "numpy": np.__version__}


def packed(files: Sequence[Any]) -> tuple[Path, Any]:
    """A tar of the files, and the folder that is deleted with it."""
    folder = tempfile.TemporaryDirectory(prefix="vary-benchmark-")
    path = Path(folder.name) / "pictures.tar"
    with tarfile.open(path, "w") as tar:
        for number, file in enumerate(files):
            tar.add(str(file), f"{number:06}.jpg")
    return path, folder


def epochs(path: Path, threads: int, folder: Any) -> Step:
    """Crops, flips and normalises, in its fast path."""
    loader = turboloader.DataLoader(
        str(path),
        batch_size=32,
        num_workers=threads,
        shuffle=True,
        transform=turboloader.ImageNetNormalize(),
        image_size=SIZE,
        output_format="numpy_chw",
        train_aug=True,
    )

    def step(epoch: int, _kept: Any = folder) -> Batch:
        loader.set_epoch(epoch)
        for images in loader:
            last = images[0] if isinstance(images, tuple | list) else images
        return np.ascontiguousarray(last)

    return step


def first(files: Sequence[Any], threads: int) -> Step:
    path, folder = packed(files)
    return epochs(path, threads, folder)


def later(files: Sequence[Any], threads: int) -> Step:
    path, folder = packed(files)
    stored = path.with_suffix(".tbl")
    turboloader.preprocess_to_tbl(str(path), str(stored), STORED, num_workers=threads)
    return epochs(stored, threads, folder)


CASES: dict[str, Build] = {"first": first, "later": later}
CHECKS: dict[str, Check] = {}
