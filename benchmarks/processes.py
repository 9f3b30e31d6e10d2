"""Rows of whole processes: what an import costs, how soon the first batch is there, how far memory grows.

`MEASURES` has a function for each `Row.process`: (row, interpreter, inputs, run) -> a row of the results.
"""

from __future__ import annotations

import json
import resource
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.calm import Watch
from benchmarks.environments import REPOSITORY, process_environment
from benchmarks.rounds import Run, summary, told
from benchmarks.rows import VARY, Row

PROCESSES = 5  # enough of those that take seconds each


def run_import(row: Row, python: Path, _inputs: Path, run: Run) -> dict[str, Any]:
    """Whole processes in turn: one imports NumPy, one imports vary; the figure is the difference."""
    numpy_alone, with_vary, disturbed = [], [], 0
    for number in range(run.rounds + 1):
        watch = Watch()
        (first, first_cpu), (second, second_cpu) = (process(python, f"import {name}") for name in ("numpy", "vary"))
        calm = watch.calm([], first_cpu + second_cpu)
        if number > 0:
            disturbed += not calm
            numpy_alone.append(first if calm else first_cpu)
            with_vary.append(second if calm else second_cpu)
    beyond = [(b - a) * 1000 for a, b in zip(numpy_alone, with_vary, strict=True)]
    result = summary(row, {VARY: beyond}, [])
    result["figures"]["import numpy"] = told([seconds * 1000 for seconds in numpy_alone])
    return {**result, "repeated": 0, "disturbed": disturbed}


FIRST_BATCH = """
import vary
turns = [vary.Rotate(40), vary.Translate(x=0.2, y=0.2), vary.Shear(11), vary.Zoom(0.2), vary.HorizontalFlip()]
policy = vary.Policy([vary.Resize({size}, {size}), *turns, vary.Rescale(1 / 255)])
next(iter(vary.stream({source}, policy, batch_size=32)))
"""


def run_start(row: Row, python: Path, inputs: Path, run: Run) -> dict[str, Any]:
    """Whole processes, each up to its first batch and its end."""
    code = FIRST_BATCH.format(size=150, source=repr(str(inputs)))
    took = [process(python, code)[0] * 1000 for _ in range(run.rounds + 1)][1:]
    return {**summary(row, {VARY: took}, []), "repeated": 0, "disturbed": 0}


def run_listed(row: Row, python: Path, inputs: Path, run: Run) -> dict[str, Any]:
    """The first process walks the folder and writes the listing, the others read that."""
    source = f"vary.Folder({str(inputs)!r}, listing={f'{inputs}.listing'!r})"
    code = FIRST_BATCH.format(size=224, source=source)
    walked, *took = (process(python, code)[0] * 1000 for _ in range(run.rounds + 1))
    result = summary(row, {VARY: took}, [])
    result["figures"]["the folder walked, the listing written"] = told([walked])
    return {**result, "repeated": 0, "disturbed": 0}


def run_memory(row: Row, python: Path, inputs: Path, run: Run) -> dict[str, Any]:
    """Each in a process of its own; what the cache says it has added is taken off, and told beside it."""
    command = [
        str(python),
        "-m",
        "benchmarks.memory",
        row.name.partition("-")[2],
        str(inputs),
        "6" if run.quick else "50",
    ]
    grown = []
    for _ in range(min(run.rounds, PROCESSES)):
        done = subprocess.run(
            command, check=True, env=process_environment(), cwd=REPOSITORY, capture_output=True, text=True
        )
        grown.append(json.loads(done.stdout))
    result = summary(row, {VARY: [one["raw"] - one["cache"] for one in grown]}, [])
    if any(one["cache"] for one in grown):
        result["figures"]["with what the cache added"] = told([one["raw"] for one in grown])
    return {**result, "repeated": 0, "disturbed": 0}


MEASURES: dict[str, Callable[[Row, Path, Path, Run], dict[str, Any]]] = {
    "import": run_import,
    "start": run_start,
    "listed": run_listed,
    "memory": run_memory,
}


def process(python: Path, code: str) -> tuple[float, float]:
    """Seconds of a whole interpreter that runs `code`: on the clock, and of CPU time."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([str(python), "-I", "-c", code], check=True, env=process_environment())
    took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
