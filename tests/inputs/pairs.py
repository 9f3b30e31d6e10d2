"""Images and masks in files, and what streams make of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import vary
from vary import Pairs, Policy, Stream

POLICY = Policy(
    [vary.Rotate(40), vary.HorizontalFlip(), vary.ColorJitter(0.3, 0.3), vary.Resize(24, 20), vary.Rescale(1 / 255)],
    fill=0,
    mask_fill=9,
)
RANDOM = np.random.default_rng(8)
PALETTE = RANDOM.integers(0, 256, 768, dtype=np.uint8).tobytes()
COUNT = 14


def indexed(numbers: np.ndarray) -> Image.Image:
    image = Image.frombytes("P", numbers.shape[::-1], numbers.tobytes())
    image.putpalette(PALETTE)
    return image


def save(image: Image.Image, path: Path, **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **how)
    return path


def photo(height: int, width: int, seed: int = 0) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def classes(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 7, (height, width), dtype=np.uint8)


def rows(stream: Stream) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(index, image, mask) of each sample of an epoch."""
    for batch in stream:
        images, masks = batch
        assert batch.fields == ("images", "masks")
        assert batch.images is images
        assert batch.masks is masks
        yield from zip(batch.indices.tolist(), images.copy(), masks.copy(), strict=True)


def epoch_of(stream: Stream) -> dict[int, tuple[bytes, bytes]]:
    return {index: (image.tobytes(), mask.tobytes()) for index, image, mask in rows(stream)}


def alone(pairs: Pairs, index: int, **address: int) -> vary.Sample:
    image, mask = vary.read_image(pairs.path(index) or ""), vary.read_mask(pairs.masks.path(index))
    return POLICY(image=image, mask=mask, index=index, **address)
