"""Pictures for tests of iterators: arrays, and folders of files."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZES = ((40, 30), (33, 47), (64, 21))


def random_images(count: int, shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    """Smooth images, (count, *shape) uint8."""
    height, width, channels = shape
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 4, 4, channels), np.uint8)
    return coarse[:, np.arange(height) * 4 // height][:, :, np.arange(width) * 4 // width]


def folder_of_pictures(root: Path, counts: dict[str, int]) -> Path:
    """A folder with this many files in each sub-folder, JPEG and PNG in turn, of several sizes."""
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            height, width = SIZES[number % len(SIZES)]
            image = random_images(1, (height, width, 3), seed=hash_of(f"{folder}/{number}"))[0]
            Image.fromarray(image).save(root / folder / f"{number}.{('jpg', 'png')[number % 2]}", quality=92)
    return root


def hash_of(text: str) -> int:
    return int.from_bytes(text.encode(), "little") % (1 << 32)
