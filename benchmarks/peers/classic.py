"""What `ImageDataGenerator` is used for, in the same code for keras-preprocessing and for vary.keras.

A case takes the iterator's batches as a training loop does. NHWC, as Keras wants it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers import Batch, Build, Image, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

CLASSIC = {
    "rescale": 1 / 255,
    "rotation_range": 40,
    "width_shift_range": 0.2,
    "height_shift_range": 0.2,
    "shear_range": 11,
    "zoom_range": 0.2,
    "horizontal_flip": True,
}
SIZE = 32  # of a batch
BATCHES = 4  # of a step
SMALL, SMALL_BATCHES = 50_000, 20  # pictures of 32x32 as in CIFAR-10; batches of a step
UNITS_AN_IMAGE = {"flow": BATCHES, "flow32": SMALL_BATCHES * SIZE / 2048}  # the set "thumbs" has 2,048 pictures


def cases(kind: Any) -> dict[str, Build]:
    """kind: the class ImageDataGenerator of either library."""

    def flow(images: Sequence[Image], _threads: int) -> Step:
        return on_one_core(taken(kind(**CLASSIC).flow(*labelled(images), batch_size=SIZE, seed=7), BATCHES))

    def flow32(images: Sequence[Image], _threads: int) -> Step:
        many = [images[number % len(images)] for number in range(SMALL)]
        return on_one_core(taken(kind(**CLASSIC).flow(*labelled(many), batch_size=SIZE, seed=7), SMALL_BATCHES))

    def directory(files: Sequence[Any], _threads: int) -> Any:
        root = str(Path(files[0]).parent.parent)
        return kind(**CLASSIC).flow_from_directory(root, target_size=(150, 150), batch_size=SIZE, seed=7)

    def first(files: Sequence[Any], threads: int) -> Step:
        """A new iterator for each epoch, so nothing is kept."""

        def step(epoch: int) -> Batch:
            batches = directory(files, threads)
            return taken(batches, len(batches))(epoch)

        return step

    def later(files: Sequence[Any], threads: int) -> Step:
        batches = directory(files, threads)
        return taken(batches, len(batches))

    def frame(files: Sequence[Any], _threads: int) -> Step:
        """From the table to the first batch. Names are validated, which is the default."""
        import pandas as pd

        root = Path(files[0]).parent
        names = [Path(file).name for file in files]
        table = pd.DataFrame({"filename": names, "class": [f"c{number % 50:02}" for number in range(len(names))]})

        def step(_epoch: int) -> Batch:
            rows = kind(**CLASSIC).flow_from_dataframe(table, str(root), target_size=(32, 32), batch_size=SIZE, seed=7)
            return np.ascontiguousarray(rows[0][0])

        return step

    return {"flow": flow, "flow32": flow32, "first": first, "later": later, "frame": frame}


def labelled(images: Sequence[Image]) -> tuple[Image, Any]:
    return np.stack(images), np.arange(len(images))


def taken(batches: Any, count: int) -> Step:
    """Takes so many batches; the last one is handed back, dropped ones are not copied."""

    def step(_epoch: int) -> Batch:
        for _ in range(count):
            last = next(batches)[0]
        return np.asarray(last)

    return step


def on_one_core(step: Step) -> Step:
    """Threads are started by the first batch, and stay on the core of the thread that starts them."""

    def pinned(epoch: int) -> Batch:
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {max(allowed)})
        try:
            return step(epoch)
        finally:
            os.sched_setaffinity(0, allowed)

    return pinned
