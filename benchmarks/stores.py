"""The first epoch from a loopback S3 server against that from the local disk, in turn.

    python -m benchmarks.stores            measures, stores stores.json here, and prints it
    python -m benchmarks.stores --print    prints the stored figures

The server is a small one of the standard library (`SERVER`), in a process of its own on the same cores: whole objects
with size and ETag, and lists; it checks no signatures. Its work is part of the figure. Batches are first compared. A
request costs the same for each photo, so the ratio depends on the photos: both sets are measured.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import vary
from benchmarks.__main__ import commit, machine
from benchmarks.pictures import DATA, photographs

if TYPE_CHECKING:
    from collections.abc import Callable

STORED = Path(__file__).with_suffix(".json")
SETS, ROUNDS = ("clothing", "cats_dogs"), 7
SERVER = Path(__file__).with_name("static_s3.py")
POLICY = [vary.Resize(150, 150), vary.Rotate(40), vary.Translate(0.2, 0.2), vary.Zoom(0.2), vary.HorizontalFlip()]


def write_photos(folder: Path, name: str) -> None:
    """The JPEG photos of a set in ../shared/data, in two classes."""
    found = [path for path in photographs(DATA / name) if path.suffix == ".jpg"]
    if not found:
        raise SystemExit(f"{DATA / name} has no photos")
    for number, path in enumerate(found):
        target = folder / f"class{number % 2}" / f"{number:04}.jpg"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())


def epoch(source: vary.Folder) -> list[Any]:
    return [batch.images for batch in vary.stream(source, vary.Policy(POLICY), batch_size=32, seed=7, cache=None)]


def seconds(make: Callable[[], vary.Folder]) -> float:
    """Of a first epoch. The source is made before: listing is once, not once for each epoch."""
    source = make()
    began = time.perf_counter()
    for _ in vary.stream(source, vary.Policy(POLICY), batch_size=32, seed=7, cache=None):
        pass
    return time.perf_counter() - began


def measured(folder: Path) -> dict[str, Any]:
    with subprocess.Popen([sys.executable, SERVER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout is not None
            endpoint = f"http://127.0.0.1:{int(server.stdout.readline())}"
            storage = {
                "endpoint": endpoint, "access_key_id": "k", "secret_access_key": "s", "region": "us-east-1",
                "cache_bytes": 0,
            }  # fmt: skip
            contestants: dict[str, Callable[[], vary.Folder]] = {
                "disk": lambda: vary.Folder(folder),
                "s3": lambda: vary.Folder("s3://bucket", storage=storage),
            }
            one, other = (epoch(make()) for make in contestants.values())
            assert len(one) == len(other)
            assert all((a == b).all() for a, b in zip(one, other, strict=True))
            del one, other
            times: dict[str, list[float]] = {name: [] for name in contestants}
            for _ in range(ROUNDS):
                for name, make in contestants.items():
                    times[name].append(seconds(make))
        finally:
            server.terminate()
    sizes = [path.stat().st_size for path in folder.rglob("*.jpg")]
    found = {name: round(len(sizes) / median(some), 1) for name, some in times.items()}
    about = {"photos": len(sizes), "mean kB": round(sum(sizes) / len(sizes) / 1000, 1)}
    return {**about, "images a second": found, "ratio": round(found["s3"] / found["disk"], 3)}


def main() -> None:
    if "--print" not in sys.argv:
        found = {}
        for name in SETS:
            with tempfile.TemporaryDirectory() as folder:
                write_photos(Path(folder), name)
                found[name] = measured(Path(folder))
        about = {"date": datetime.now(UTC).date().isoformat(), "commit": commit(), "machine": machine()}
        STORED.write_text(json.dumps({**about, "rounds": ROUNDS, "sets": found}, indent=1) + "\n")
    print(STORED.read_text())


if __name__ == "__main__":
    main()
