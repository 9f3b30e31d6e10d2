"""Change one thing at a time in files of src/vary/plan, and run tests/plan on each change: a test should fail.

Arguments: names of files, such as `segment`. `make mutate` runs this in an environment of its own.

It ends with an error if there is a change that no test notices and that tools/mutants.toml does not explain, or if that
file explains one that a test notices. It changes copies of the tree, in build/mutate.
"""

import os
import re
import resource
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from attrs import evolve
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkerOutcome

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "src/vary/plan"
BUILD = ROOT / "build" / "mutate"
LISTED = Path(__file__).with_name("mutants.toml")
SECONDS = 120  # for the tests of one change, which take two if nothing is wrong
MOST_MEMORY = 8 << 30  # bytes, for each process: a change may allocate without end
STEP = 20  # changes between two lines of progress


class Change(NamedTuple):
    """A changed line, with single spaces."""

    file: str
    was: str
    becomes: str


def main(names: list[str]) -> int:
    unknown = [name for name in names if not (ROOT / FOLDER / f"{name}.py").exists()]
    if unknown:
        print(f"FILES={' '.join(unknown)}: no such file in {FOLDER}; give names without .py, such as FILES=segment")
        return 2
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    listed = tomllib.loads(LISTED.read_text(encoding="utf-8"))
    explained = {Change(one["file"], one["was"], one["becomes"]) for one in listed.get("explained", [])}
    skipped = [one["operator"] for one in listed.get("skipped", [])]
    survivors: set[Change] = set()
    trees: SimpleQueue[Path] = SimpleQueue()
    jobs = int(os.environ.get("JOBS", os.cpu_count() or 1))
    for number in range(jobs):
        trees.put(_copy(BUILD / f"tree-{number}"))
    for name in names:
        survivors |= _survivors(name, skipped, trees, jobs)
    for change in sorted(survivors - explained):
        print(f"\nNo test notices, in {change.file}.py:\n  - {change.was}\n  + {change.becomes}")
    gone = sorted(change for change in explained - survivors if change.file in names)
    for change in gone:
        print(f"\nExplained in {LISTED.name}, but a test notices, or the line is no longer in {change.file}.py:")
        print(f"  - {change.was}\n  + {change.becomes}")
    print(f"\n{len(survivors)} changes survive, {len(survivors & explained)} of them explained in {LISTED.name}.")
    return 1 if gone or survivors - explained else 0


def _copy(tree: Path) -> Path:
    """A copy of what tests/plan needs. Its tests pass once, which also stores compiled files."""
    shutil.rmtree(tree, ignore_errors=True)
    without = shutil.ignore_patterns("__pycache__")
    for folder in ("src", "tests"):
        shutil.copytree(ROOT / folder, tree / folder, ignore=without)
    shutil.copy(ROOT / "pyproject.toml", tree)
    for core in (ROOT / "build" / "python").glob("_native*.so"):
        shutil.copy(core, tree / "src" / "vary")
    subprocess.run(shlex.split(_command(tree)), check=True)
    return tree


def _survivors(name: str, skipped: list[str], trees: SimpleQueue[Path], jobs: int) -> set[Change]:
    """The changes of one file that no test notices."""
    changes = [one for one in _changes(name) if not any(re.fullmatch(p, one.operator_name) for p in skipped)]
    print(f"{name}: {len(changes)} changes", flush=True)
    counts: Counter[str] = Counter()
    survivors: set[Change] = set()
    with ThreadPoolExecutor(jobs) as pool:
        for done, (outcome, change) in enumerate(pool.map(lambda one: _run(name, one, trees), changes), 1):
            counts[outcome] += 1
            if outcome == "survived":
                survivors.add(change)
                print(f"{name}: no test notices {change.becomes}", flush=True)
            if done % STEP == 0 or done == len(changes):
                said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
                print(f"{name}: {done} of {len(changes)}: {said}", flush=True)
    return survivors


def _changes(name: str) -> Iterator[MutationSpec]:
    database = BUILD / f"{name}.sqlite"
    with use_db(database) as work:
        init([Path(FOLDER) / f"{name}.py"], work, {})
        for item in work.work_items:
            yield from item.mutations


def _command(tree: Path) -> str:
    """CI makes Hypothesis draw the same in each run."""
    return f"env -C '{tree}' PYTHONPATH=src CI=true '{sys.executable}' -m pytest -q -x -p no:cacheprovider tests/plan"


def _run(name: str, one: MutationSpec, trees: SimpleQueue[Path]) -> tuple[str, Change]:
    tree = trees.get()
    try:
        placed = evolve(one, module_path=tree / one.module_path)
        result = mutate_and_test([placed], _command(tree), SECONDS)
    finally:
        trees.put(tree)
    if result.worker_outcome != WorkerOutcome.NORMAL or result.test_outcome == TestOutcome.INCOMPETENT:
        raise RuntimeError(f"{one.operator_name} {one.start_pos}: {result.output}")
    lines = [line for line in result.diff.splitlines() if line[:1] in "+-" and line[:3] not in ("---", "+++")]
    was, becomes = (" ".join(" ".join(x[1:] for x in lines if x[0] == sign).split()) for sign in "-+")
    outcome = "timed out" if result.output == "timeout" else result.test_outcome.value
    return outcome, Change(name, was, becomes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
