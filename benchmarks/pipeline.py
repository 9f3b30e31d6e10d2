"""What each part of ImageDataGenerator's work costs, in keras-preprocessing 1.1.2 and in vary.keras.

    python -m benchmarks.pipeline            measures, stores pipeline.json here, and prints the tables of docs/slow.md
    python -m benchmarks.pipeline --print    prints the tables of the stored figures

Run it in .venv, which has both (`make .venv/stamps/test-tools`). A figure is CPU time over all threads, in microseconds
an image: the least of several rounds, in which the contestants run in turn; other programs hardly change it. That of
workers is wall time, for an otherwise idle machine.
Every batch has 32 images of 150x150, float32; files are the JPEG photos of `benchmarks.pictures`.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import vary.keras
from benchmarks.__main__ import commit, machine
from benchmarks.pictures import write_sets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

STORED = Path(__file__).with_suffix(".json")
CONTESTANTS = ("keras-preprocessing", "vary")
SIZE, BATCH, STEPS = 150, 32, 16
ROUNDS, FILE_ROUNDS = 7, 3
WORKERS = 2
HELD: list[Any] = []  # iterators that processes of a pool inherit
CLASSIC = {
    "rotation_range": 40,
    "width_shift_range": 0.2,
    "height_shift_range": 0.2,
    "shear_range": 11,
    "zoom_range": 0.2,
    "horizontal_flip": True,
}


def scaled(image: NDArray[Any]) -> NDArray[Any]:
    """What users write as preprocessing_function: -1 .. 1."""
    return image / 127.5 - 1


ARRAYS: dict[str, dict[str, Any]] = {  # row -> arguments of ImageDataGenerator, besides rescale
    "`rescale` alone": {},
    "`horizontal_flip`": {"horizontal_flip": True},
    "`rotation_range=40`": {"rotation_range": 40},
    "`width_shift_range=0.2`": {"width_shift_range": 0.2},
    "`shear_range=11`": {"shear_range": 11},
    "`zoom_range=0.2`": {"zoom_range": 0.2},
    "**the classic six together**": CLASSIC,
    '... with `fill_mode="constant"`': {**CLASSIC, "fill_mode": "constant"},
    '... with `fill_mode="reflect"`': {**CLASSIC, "fill_mode": "reflect"},
    '... with `fill_mode="wrap"`': {**CLASSIC, "fill_mode": "wrap"},
    "... with `interpolation_order=0`": {**CLASSIC, "interpolation_order": 0},
    "... with `interpolation_order=3`": {**CLASSIC, "interpolation_order": 3},
    "... with `brightness_range=(0.8, 1.2)`": {**CLASSIC, "brightness_range": (0.8, 1.2)},
    "... with `channel_shift_range=20`": {**CLASSIC, "channel_shift_range": 20},
    "... with `samplewise_center` and `samplewise_std_normalization`": {
        **CLASSIC,
        "samplewise_center": True,
        "samplewise_std_normalization": True,
    },
    "... with a `preprocessing_function`: `x / 127.5 - 1`": {**CLASSIC, "preprocessing_function": scaled},
    "... from a float64 array": CLASSIC,
}
FILES: dict[str, tuple[dict[str, Any], str, bool]] = {  # row -> arguments, interpolation, and is it the first epoch?
    "`rescale` alone, first epoch": ({}, "nearest", True),
    "`rescale` alone, later epochs": ({}, "nearest", False),
    "the classic six, first epoch": (CLASSIC, "nearest", True),
    "the classic six, later epochs": (CLASSIC, "nearest", False),
    '... with `interpolation="bilinear"`, first epoch': (CLASSIC, "bilinear", True),
    '... with `interpolation="bilinear"`, later epochs': (CLASSIC, "bilinear", False),
}


def generators() -> dict[str, Callable[..., Any]]:
    from scipy import ndimage

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from keras_preprocessing.image import ImageDataGenerator as Original

    ndimage.interpolation = ndimage  # 1.1.2 uses this deprecated name, which would warn in the timed part
    return dict(zip(CONTESTANTS, (Original, vary.keras.ImageDataGenerator), strict=True))


def cpu_seconds(batches: Any, steps: int) -> float:
    """Of all threads, for as many batches as are received."""
    began = time.process_time()
    for _ in range(steps):
        next(batches)
    time.sleep(0.05)  # the batches that are made ahead: those before the first one were made in an earlier measurement
    return time.process_time() - began


def stream_seconds(stream: vary.Stream) -> float:
    began = time.process_time()
    for _ in stream:
        pass
    return time.process_time() - began


def least(tasks: dict[str, Callable[[], tuple[float, int]]], rounds: int) -> dict[str, float]:
    """Contestant -> microseconds an image. A task returns seconds and the number of images."""
    found: dict[str, list[float]] = {name: [] for name in tasks}
    for number in range(rounds + 1):
        for name, task in tasks.items():
            seconds, images = task()
            if number:  # the first round fills caches
                found[name].append(1e6 * seconds / images)
    return {name: round(min(times), 1) for name, times in found.items()}


def of_arrays(images: NDArray[Any], options: dict[str, Any]) -> dict[str, float]:
    def task(make: Callable[..., Any]) -> Callable[[], tuple[float, int]]:
        batches = make(rescale=1 / 255, **options).flow(images, batch_size=BATCH, seed=7)
        return lambda: (cpu_seconds(batches, STEPS), STEPS * BATCH)

    return least({name: task(make) for name, make in generators().items()}, ROUNDS)


def batches_of(make: Callable[..., Any], folder: Path, options: dict[str, Any], interpolation: str = "nearest") -> Any:
    return make(rescale=1 / 255, **options).flow_from_directory(
        str(folder), target_size=(SIZE, SIZE), interpolation=interpolation, batch_size=BATCH, seed=7
    )


def of_files(folder: Path, options: dict[str, Any], interpolation: str, first: bool) -> dict[str, float]:
    def task(make: Callable[..., Any]) -> Callable[[], tuple[float, int]]:
        kept = batches_of(make, folder, options, interpolation)

        def timed() -> tuple[float, int]:
            batches = batches_of(make, folder, options, interpolation) if first else kept
            return cpu_seconds(batches, len(batches)), batches.n

        return timed

    def streamed() -> tuple[float, int]:
        stream = vary.stream(folder, policy, batch_size=BATCH, seed=7) if first else kept
        return stream_seconds(stream), stream.report().images

    found = generators()
    policy = found["vary"](rescale=1 / 255, **options).to_policy((SIZE, SIZE))
    kept = vary.stream(folder, policy, batch_size=BATCH, seed=7)
    return least({name: task(make) for name, make in found.items()} | {"vary.stream": streamed}, FILE_ROUNDS)


def batch(number: int) -> Any:
    """Of the original, in a process of a pool."""
    return HELD[0][number]


def of_workers(folder: Path) -> dict[str, float]:
    """Images a second, by wall time: the most of several rounds of an epoch, with the classic six."""
    made = {name: batches_of(make, folder, CLASSIC) for name, make in generators().items()}
    old, new = made.values()
    HELD[:] = [old]
    numbers = range(len(old))

    def of_threads() -> object:
        with ThreadPoolExecutor(WORKERS) as pool:
            return [len(one) for one in pool.map(old.__getitem__, numbers)]

    def of_processes() -> object:  # a new pool in each epoch, as Keras makes it
        with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
            return [len(one) for one in pool.imap(batch, numbers)]

    tasks: dict[str, Callable[[], object]] = {
        "keras-preprocessing": lambda: [len(old[number]) for number in numbers],
        f"keras-preprocessing, {WORKERS} threads": of_threads,
        f"keras-preprocessing, {WORKERS} processes": of_processes,
        "vary.keras": lambda: [len(next(new)) for _ in numbers],
    }
    found: dict[str, float] = dict.fromkeys(tasks, 0.0)
    for number in range(ROUNDS + 1):
        for name, task in tasks.items():
            began = time.perf_counter()
            task()
            if number:  # the first round fills caches
                found[name] = max(found[name], round(old.n / (time.perf_counter() - began)))
    return found


def measured(folder: Path) -> Iterator[dict[str, Any]]:
    sets = write_sets(folder, {"pets-150", "photos"})
    images = np.stack([np.load(path) for path in sorted(sets["pets-150"].glob("*.npy"))])
    for name, options in ARRAYS.items():
        yield {"part": name, **of_arrays(images.astype(np.float64) if "float64" in name else images, options)}
    for name, row in FILES.items():
        yield {"part": name, **of_files(sets["photos"], *row)}
    yield {"part": "workers", **of_workers(sets["photos"])}


def tables(results: dict[str, Any]) -> str:
    """Of arrays, of files, and of workers; a ratio says how many times faster vary.keras is."""
    found = []
    for title, names, rows in (
        ("arrays in memory", CONTESTANTS, ARRAYS),
        ("JPEG files", (*CONTESTANTS, "vary.stream"), FILES),
    ):
        shown = ["keras-preprocessing 1.1.2", "vary.keras", *names[2:], "ratio"]
        lines = [f"| {title} | {' | '.join(shown)} |", "|---" * (len(shown) + 1) + "|"]
        for row in results["rows"]:
            if row["part"] in rows:
                numbers = [row[name] for name in names]
                cells = [*(f"{number:,.0f}" for number in numbers), f"{numbers[0] / numbers[1]:.1f}x"]
                lines.append(f"| {row['part']} | {' | '.join(cells)} |")
        found.append("\n".join(lines))
    (workers,) = [row for row in results["rows"] if row["part"] == "workers"]
    lines = ["| JPEG files, the classic six, later epochs | images a second |", "|---|---|"]
    lines += [f"| {name} | {speed:,.0f} |" for name, speed in workers.items() if name != "part"]
    return "\n\n".join([*found, "\n".join(lines)])


def main() -> None:
    if "--print" in sys.argv:
        print(tables(json.loads(STORED.read_text(encoding="utf-8"))))
        return
    versions = {name: version(name) for name in ("vary", "keras-preprocessing", "numpy", "scipy", "pillow")}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for row in measured(Path(folder)):
            print(row, flush=True)
            rows.append(row)
    results = {"date": datetime.now(UTC).strftime("%Y-%m-%d"), "commit": commit(), "machine": machine()}
    results |= {"versions": versions, "unit": "CPU microseconds an image; of workers, images a second", "rows": rows}
    STORED.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    print(tables(results))


if __name__ == "__main__":
    main()
