"""Batches of every kind that a stream yields."""

from collections.abc import Iterator

import numpy as np

import vary

IMAGES = np.arange(24 * 8 * 8 * 3, dtype=np.uint8).reshape(24, 8, 8, 3)
LABELS = np.arange(24) % 3
POLICY = vary.Policy([vary.HorizontalFlip(), vary.Rescale(1 / 255)])


def streams() -> Iterator[vary.Stream | vary.Mixed]:
    yield vary.stream(IMAGES, POLICY, batch_size=4)
    yield vary.stream((IMAGES, LABELS), POLICY, batch_size=4)
    yield vary.stream(IMAGES, POLICY, labels={"age": LABELS, "count": LABELS, "epoch": LABELS}, batch_size=4)
    yield vary.stream((IMAGES, LABELS), {"large": (POLICY, 2), "small": POLICY}, batch_size=4)
    yield vary.mix([vary.stream((IMAGES, LABELS), POLICY, batch_size=4, seed=seed) for seed in (1, 2)])


def batches() -> list[vary.Batch]:
    return [stream.peek() for stream in streams()]
