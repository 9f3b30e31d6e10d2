"""The training of a round: pictures, a random stream or mix, and the samples that it must yield.

A recipe is plain data: a seed gives it again, and a trainer reads it from a file.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from PIL import Image

import vary

Recipe = dict[str, Any]
FILES, EPOCHS = 24, 4
ALONE = {"threads": 1, "process": False, "prefetch": 0, "cache": None, "cache_bytes": None, "on_error": "raise"}
"""The plainest way to hand over the same batches."""


def inverted(image: np.ndarray) -> np.ndarray:
    """A user's function."""
    return 255 - image


POLICIES = (
    vary.Policy([vary.Resize(24, 20), vary.Rotate(30), vary.HorizontalFlip()]),
    vary.Policy([vary.RandomResizedCrop(24, 20), vary.ColorJitter(0.4, 0.4, 0.4, 0.1)]),
    vary.Policy([vary.Resize(24, 20), vary.Lambda(inverted), vary.Translate(x=0.2, y=0.2)]),
)


class Row(NamedTuple):
    """A sample that was handed out: where it comes from, and a checksum of its pictures."""

    epoch: int
    stream: int
    stream_epoch: int
    index: int
    view: int
    label: int
    file: str
    crc: int

    @property
    def sample(self) -> tuple[Any, ...]:
        return self[:-1]


def rows_of(batch: Any) -> list[Row]:
    n = len(batch.indices)
    streams = [0] * n if batch.streams is None else batch.streams
    epochs = [batch.epoch] * n if batch.epochs is None else batch.epochs
    files = [Path(path or "").name for path in batch.paths or [""] * n]
    columns = zip(streams, epochs, batch.indices, batch.views, batch.labels, strict=True)
    return [
        Row(int(batch.epoch), *map(int, column), file, crc32(np.ascontiguousarray(picture)))
        for column, file, picture in zip(columns, files, batch.images, strict=True)
    ]


def write_pictures(folder: Path, seed: int) -> None:
    """Two classes of smooth and noisy pictures, as JPEG and PNG files, under the same names for every seed."""
    random = np.random.default_rng(seed)
    for number in range(FILES):
        path = folder / ("cat", "dog")[number % 2] / f"{number:02}.{'png' if number % 3 == 0 else 'jpg'}"
        path.parent.mkdir(parents=True, exist_ok=True)
        noisy = number % 4 == 1
        values = random.integers(0, 256, (160, 200, 3) if noisy else (4, 5, 3), np.uint8)
        size = 200 if noisy else int(random.integers(40, 120)), int(random.integers(60, 160))
        Image.fromarray(values).resize(size, Image.Resampling.BICUBIC).save(path, quality=95)


def draw(random: Random, **fixed: Any) -> Recipe:
    """A recipe at random. fixed: keywords of `vary.stream`, and "files", that the scenario decides."""
    files = fixed.pop("files", None)
    count = random.choice([1, 1, 2, 3])
    common = {
        "batch_size": random.randint(1, 8),
        "layout": random.choice(["NHWC", "NCHW"]),
        "views": random.choice([None, None, 2]),
        "uneven": random.choice(["pad", "drop", "keep"]),
        "shard": None if fixed.get("on_error") == "skip" else random.choice([None, None, [random.randrange(3), 3]]),
    }
    return {
        "streams": [_stream(random, files) for _ in range(count)],
        "ratios": random.choice([None, [random.randint(1, 4) for _ in range(count)]]) if count > 1 else None,
        "mixed": count > 1,
        "common": common,
        "handed": handed(random, fixed) | fixed,
        "pause": random.choice([0, 0.0005, 0.003]),
        "new_stream": random.random() < 0.5,
    }


def _stream(random: Random, files: bool | None) -> Recipe:
    weights = random.choice([None, None, "balanced", [1 + number % 5 for number in range(FILES)]])
    shuffle = random.random() < 0.8
    return {
        "files": random.random() < 0.75 if files is None else files,
        "policy": random.randrange(len(POLICIES)),
        "keywords": {
            "seed": random.randrange(1000),
            "shuffle": shuffle,
            "shuffle_block_size": random.choice([None, 4]) if shuffle and weights is None else None,
            "repeat": random.choice([1, 1, 2]),
            "weights": weights,
            "drop_last": random.random() < 0.3,
        },
    }


def handed(random: Random, fixed: Recipe) -> Recipe:
    """How batches are made and handed over: it changes none of them."""
    cache = fixed.get("cache", random.choice([None, "auto", "memory", "disk", "disk"]))
    return {
        "threads": random.choice([None, 1, 2, 4]),
        "process": random.random() < 0.5,
        "prefetch": random.choice([0, 1, 2, 6]),
        "cache": cache,
        "cache_bytes": random.choice([None, 100_000]) if cache else None,
    }


def stream_of(recipe: Recipe, data: Path, **handed: Any) -> Any:
    """The stream or the mix. data: the folder of `write_pictures`."""
    streams = []
    for one in recipe["streams"]:
        source: Any = data
        if not one["files"]:
            images = np.random.default_rng(1).integers(0, 256, (FILES, 12, 16, 3), np.uint8)
            source = images, np.arange(FILES) % 2
        keywords = recipe["common"] | one["keywords"] | recipe["handed"] | handed
        streams.append(vary.stream(source, POLICIES[one["policy"]], **keywords))
    return vary.mix(streams, recipe["ratios"]) if recipe["mixed"] else streams[0]


def expected(recipe: Recipe, data: Path) -> list[Row]:
    """What all epochs hand out, in order, where nothing disturbs them."""
    stream = stream_of(recipe, data, **ALONE)
    return [row for _ in range(EPOCHS) for batch in stream for row in rows_of(batch)]
