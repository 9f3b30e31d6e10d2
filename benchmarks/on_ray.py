"""A first epoch of `vary.ray` on one node against that of `vary.stream`, in turn.

    build/frameworks/bin/python -m benchmarks.on_ray            measures, stores on_ray.json here, and prints it
    build/frameworks/bin/python -m benchmarks.on_ray --print    prints the stored figures

Both read the same files, and give batches of 32 NumPy arrays to one consumer. Pictures are first compared. Ray is
started before, and has as many cores as the stream has threads; its own processes run on the same cores.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

import vary
import vary.ray
from benchmarks.__main__ import commit, machine
from benchmarks.stores import POLICY, write_photos

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STORED = Path(__file__).with_suffix(".json")
COPIES, ROUNDS, CORES = 30, 3, 2  # copies: Ray takes about a second to plan an epoch, however long this is


def streamed(source: vary.Files, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    stream = vary.stream(source, vary.Policy(POLICY), batch_size=32, seed=7, cache=None, threads=CORES)
    stream.set_epoch(epoch)
    return ((batch.indices, batch.images) for batch in stream)


def on_ray(source: vary.Files, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    rows = vary.ray.augment(vary.ray.read(source), vary.Policy(POLICY), seed=7, epoch=epoch)
    return ((batch["index"], batch["image"]) for batch in rows.iter_batches(batch_size=32, batch_format="numpy"))


CONTESTANTS: dict[str, Callable[[vary.Files, int], Iterator[tuple[np.ndarray, np.ndarray]]]] = {
    "stream": streamed, "ray": on_ray,
}  # fmt: skip


def check(source: vary.Files) -> None:
    """The same pictures, whatever their order."""
    found: list[dict[int, bytes]] = []
    for make in CONTESTANTS.values():
        pairs = make(source, 0)
        found.append({int(index): picture.tobytes() for some in pairs for index, picture in zip(*some, strict=True)})
    assert len(found[0]) == len(source)
    assert found[0] == found[1]


def cpu_seconds() -> float:
    """Of all processes of the machine, so that those of Ray count."""
    return sum(float(one) for one in Path("/proc/stat").read_text().splitlines()[0].split()[1:4]) / os.sysconf(
        "SC_CLK_TCK"
    )


def measured(folder: Path) -> dict[str, Any]:
    import ray

    ray.init(num_cpus=CORES, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    paths = sorted(map(str, folder.rglob("*.jpg")))
    check(vary.Files(paths))
    source = vary.Files(paths * COPIES)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in CONTESTANTS}
    for epoch in range(ROUNDS):
        for name, make in CONTESTANTS.items():
            began, cpu = time.perf_counter(), cpu_seconds()
            count = sum(len(indices) for indices, _ in make(source, epoch))
            times[name].append((time.perf_counter() - began, cpu_seconds() - cpu))
            assert count == len(source)
    ray.shutdown()
    wall = {name: round(len(source) / median(one for one, _ in some), 1) for name, some in times.items()}
    busy = {name: round(median(cpu for _, cpu in some) / len(source) * 1e3, 3) for name, some in times.items()}
    return {
        "images": len(source),
        "images a second": wall,
        "ratio": round(wall["ray"] / wall["stream"], 3),
        "processor milliseconds a picture": busy,
        "peak MB of the driver": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }


def main() -> None:
    if "--print" not in sys.argv:
        with tempfile.TemporaryDirectory() as folder:
            write_photos(Path(folder), "clothing")
            found = measured(Path(folder))
        about = {"date": datetime.now(UTC).date().isoformat(), "commit": commit(), "machine": machine()}
        STORED.write_text(json.dumps({**about, "rounds": ROUNDS, "cores": CORES, **found}, indent=1) + "\n")
    print(STORED.read_text())


if __name__ == "__main__":
    main()
