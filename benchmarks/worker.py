"""One contestant's process: `python -m benchmarks.worker NAME`. Reads JSON requests, writes JSON answers, one a line.

    {"op": "hello"}                                  -> {"versions": {...}, "cases": [...], "checks": [...]}
    {"op": "prepare", "job": j, "case": c, "inputs": folder, "threads": n,
     "output": dtype and layout, such as "float32 NHWC"}                       -> {"shape": [...]}
    {"op": "time", "job": j, "seconds": s}           -> {"us": median microseconds a unit, "cpu_us": its CPU time,
                                                         "cpu": seconds in all, "wall": seconds in all}
    {"op": "check", "check": c, "picture": npy, "output": npy, "spec": {...}}  -> {}

A unit is an image, or what the contestant's `UNITS_AN_IMAGE` says. A failure is answered as {"error": text}. Nothing
else reaches standard output.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
import traceback
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from benchmarks.peers import Step


class Worker:
    """The jobs of one contestant; each keeps its pictures, its pipeline and its count of batches."""

    def __init__(self, name: str) -> None:
        self.peer = import_module(f"benchmarks.peers.{name}")
        self.jobs: dict[str, tuple[Step, float]] = {}
        self.epochs: dict[str, int] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        match request.pop("op"):
            case "hello":
                return self.hello()
            case "prepare":
                return self.prepare(**request)
            case "time":
                return self.time(**request)
            case "check":
                return self.check(**request)
            case unknown:
                raise ValueError(f"no operation {unknown!r}")

    def hello(self) -> dict[str, Any]:
        versions = {**self.peer.versions(), "python": sys.version.split()[0]}
        return {"versions": versions, "cases": list(self.peer.CASES), "checks": list(self.peer.CHECKS)}

    def prepare(self, job: str, case: str, inputs: str, threads: int, output: str) -> dict[str, Any]:
        images: list[Any] = [np.load(path) for path in sorted(Path(inputs).glob("*.npy"))]
        images = images or sorted(map(str, Path(inputs).glob("*/*")))
        step = self.peer.CASES[case](images, threads)
        batch = step(0)
        dtype, layout = output.split()
        channels = batch.shape[layout.index("C")] if batch.ndim == 4 else 0
        if batch.dtype != dtype or channels != 3 or not batch.flags.c_contiguous:
            raise TypeError(f"{case} handed over {batch.dtype} {batch.shape}; a contiguous {output} batch is asked for")
        if not np.isfinite(batch).all():
            raise ValueError(f"{case} handed over values that are not finite")
        count = len(images) * getattr(self.peer, "UNITS_AN_IMAGE", {}).get(case, 1)
        self.jobs[job], self.epochs[job] = (step, count), 1
        return {"shape": list(batch.shape)}

    def time(self, job: str, seconds: float) -> dict[str, Any]:
        """The median batch of `seconds` of batches (three at least), each of another epoch."""
        step, count = self.jobs[job]
        took: list[int] = []
        used: list[int] = []
        gc.collect()
        begun, worked = time.perf_counter(), time_of_all()
        while len(took) < 3 or time.perf_counter() < begun + seconds:
            epoch = self.epochs[job]
            cpu, start = time.process_time_ns(), time.perf_counter_ns()
            step(epoch)
            took.append(time.perf_counter_ns() - start)
            used.append(time.process_time_ns() - cpu)
            self.epochs[job] = epoch + 1
        spent = {"cpu": time_of_all() - worked, "wall": time.perf_counter() - begun}
        return {"us": median(took) / count / 1000, "cpu_us": median(used) / count / 1000, **spent}

    def check(self, check: str, picture: str, output: str, spec: dict[str, Any]) -> dict[str, Any]:
        result = self.peer.CHECKS[check](np.load(picture), spec)
        np.save(output, np.ascontiguousarray(result, np.float64))
        return {}


def time_of_all() -> float:
    """CPU seconds of this process and of its living children, such as the workers of a data loader."""
    total, ticks = time.process_time(), os.sysconf("SC_CLK_TCK")
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[1]) == os.getpid():
            total += (int(fields[11]) + int(fields[12])) / ticks
    return total


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print goes to standard error
    worker: Worker | None = None
    for line in sys.stdin:
        try:
            worker = worker or Worker(sys.argv[1])
            answer = worker.answer(json.loads(line))
        except Exception:  # noqa: BLE001 - a worker goes on after a failed request; the client decides what to do
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
