"""Rows of whole processes: the time of an import, the time to the first batch, the growth of memory.

`MEASURES` has a function for each `Row.process`: (row, interpreters, inputs, run) -> a row of the results. Interpreters
go by the label of their figures, "vary" and perhaps "before", and take turns.
"""

from __future__ import annotations

import json
import resource
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.calm import Watch
from benchmarks.environments import REPOSITORY, process_environment
from benchmarks.rounds import Figures, Run, stats, summary
from benchmarks.rows import VARY, Row

NAMES = "from vary import Policy, Rotate, stream"
PROCESSES = 5  # enough for rows whose processes take seconds


Pythons = Mapping[str, Path]


def run_import(row: Row, pythons: Pythons, _inputs: Path, run: Run) -> dict[str, Any]:
    """Processes that import NumPy and processes that import vary's names, in turn; the figure is the difference.

    `import vary` alone imports nothing, NumPy neither: names are imported when they are first used.
    """
    beyond: Figures = {label: [] for label in pythons}
    numpy_alone, disturbed = [], 0
    for number in range(run.rounds + 1):
        for label, python in pythons.items():
            watch = Watch()
            (first, first_cpu), (second, second_cpu) = (process(python, code) for code in ("import numpy", NAMES))
            calm = watch.calm([], first_cpu + second_cpu)
            alone, whole = (first, second) if calm else (first_cpu, second_cpu)
            if number > 0:
                disturbed += not calm
                numpy_alone.append(alone * 1000)
                beyond[label].append((whole - alone) * 1000)
    result = summary(row, beyond, [])
    result["figures"]["import numpy"] = stats(numpy_alone)
    return {**result, "repeated": 0, "disturbed": disturbed}


FIRST_BATCH = """
import vary
turns = [vary.Rotate(40), vary.Translate(x=0.2, y=0.2), vary.Shear(11), vary.Zoom(0.2), vary.HorizontalFlip()]
policy = vary.Policy([vary.Resize({size}, {size}), *turns, vary.Rescale(1 / 255)])
next(iter(vary.stream({source}, policy, batch_size=32)))
"""


def run_start(row: Row, pythons: Pythons, inputs: Path, run: Run) -> dict[str, Any]:
    """Whole processes, each up to its first batch and its end."""
    code = FIRST_BATCH.format(size=150, source=repr(str(inputs)))
    took = started(pythons, dict.fromkeys(pythons, code), run)
    figures = {label: times[1:] for label, times in took.items()}
    return {**summary(row, figures, []), "repeated": 0, "disturbed": 0}


def run_listed(row: Row, pythons: Pythons, inputs: Path, run: Run) -> dict[str, Any]:
    """The first process walks the folder and writes the listing, the others read that."""
    sources = {label: f"vary.Folder({str(inputs)!r}, listing={f'{inputs}.{label}'!r})" for label in pythons}
    codes = {label: FIRST_BATCH.format(size=224, source=source) for label, source in sources.items()}
    took = started(pythons, codes, run)
    result = summary(row, {label: times[1:] for label, times in took.items()}, [])
    result["figures"]["the folder walked, the listing written"] = stats(took[VARY][:1])
    return {**result, "repeated": 0, "disturbed": 0}


def started(pythons: Pythons, codes: Mapping[str, str], run: Run) -> Figures:
    """Milliseconds of whole processes. Each runs once more than there are rounds; callers drop the first value."""
    took: Figures = {label: [] for label in pythons}
    for _ in range(run.rounds + 1):
        for label, python in pythons.items():
            took[label].append(process(python, codes[label])[0] * 1000)
    return took


def run_memory(row: Row, pythons: Pythons, inputs: Path, run: Run) -> dict[str, Any]:
    """Each in a process of its own. What the cache reports to have added is subtracted, and reported beside it."""
    case, epochs = row.name.partition("-")[2], "6" if run.quick else "50"
    grown: dict[str, list[dict[str, float]]] = {label: [] for label in pythons}
    for _ in range(min(run.rounds, PROCESSES)):
        for label, python in pythons.items():
            command = [str(python), "-m", "benchmarks.memory", case, str(inputs), epochs]
            done = subprocess.run(
                command, check=True, env=process_environment(), cwd=REPOSITORY, capture_output=True, text=True
            )
            grown[label].append(json.loads(done.stdout))
    less = {label: [one["raw"] - one["cache"] for one in some] for label, some in grown.items()}
    result = summary(row, {VARY: less.pop(VARY)}, [])  # without a ratio: a growth may be none
    result["figures"] |= {label: stats(values) for label, values in less.items()}
    if any(one["cache"] for one in grown[VARY]):
        result["figures"]["with what the cache added"] = stats([one["raw"] for one in grown[VARY]])
    return {**result, "repeated": 0, "disturbed": 0}


PEAK = """
import resource, sys
import numpy as np
from vary.keras import ImageDataGenerator
generator = ImageDataGenerator(rescale=1 / 255, zca_whitening=True)
train = generator.flow_from_directory({source}, target_size=(224, 224), class_mode=None)
np.zeros((256, 256)) @ np.zeros((256, 256))
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
generator.fit(train)
print(peak() - before, file=sys.stderr)
"""


def run_peak(row: Row, pythons: Pythons, inputs: Path, run: Run) -> dict[str, Any]:
    """Whole processes: how far `fit` with ZCA raises the peak of the resident memory, cached pictures included."""
    peaks: Figures = {label: [] for label in pythons}
    for _ in range(min(run.rounds, 2)):
        for label, python in pythons.items():
            command = [str(python), "-I", "-c", PEAK.format(source=repr(str(inputs)))]
            done = subprocess.run(command, check=True, env=process_environment(), capture_output=True, text=True)
            peaks[label].append(float(done.stderr.splitlines()[-1]))
    return {**summary(row, peaks, []), "repeated": 0, "disturbed": 0}


MEASURES: dict[str, Callable[[Row, Pythons, Path, Run], dict[str, Any]]] = {
    "import": run_import,
    "start": run_start,
    "listed": run_listed,
    "memory": run_memory,
    "peak": run_peak,
}


def process(python: Path, code: str) -> tuple[float, float]:
    """Wall seconds and CPU seconds of a whole interpreter that runs `code`."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([str(python), "-I", "-c", code], check=True, env=process_environment())
    took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
