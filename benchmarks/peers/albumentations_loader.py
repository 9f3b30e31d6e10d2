"""albumentations or AlbumentationsX in a PyTorch loader. Imported late: PyTorch brings threads of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from torch.utils.data import DataLoader

from benchmarks.peers import Batch, Step, albumentations_like as like

if TYPE_CHECKING:
    from collections.abc import Sequence


class Files:
    """Files decoded by OpenCV, resized and varied one by one: a data set of PyTorch."""

    def __init__(self, library: Any, files: Sequence[str]) -> None:
        scaled = library.ToFloat(max_value=255.0)
        self.pipeline = library.Compose([library.Resize(150, 150), *like.warp(library), scaled])
        self.files = list(files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Any:
        image = cv2.imread(self.files[index], cv2.IMREAD_COLOR_RGB)
        return np.ascontiguousarray(self.pipeline(image=image)["image"].transpose(2, 0, 1)), 0


def loader(library: Any, files: Sequence[str], threads: int) -> Step:
    """An epoch of batches of 32, by PyTorch's loader; workers live on from epoch to epoch."""
    batches = DataLoader(
        Files(library, files),
        32,
        shuffle=True,
        num_workers=threads,
        persistent_workers=True,
    )

    def step(_epoch: int) -> Batch:
        for images, _ in batches:
            last = images
        return np.ascontiguousarray(last.numpy())

    return step
