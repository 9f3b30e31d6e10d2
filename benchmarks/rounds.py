"""Interleaved rounds: the contestants of a row are asked in turn, again and again, so a slow spell hits them all.

A contestant's figure is the median of its rounds; a ratio is taken within each round, and the median of those is told.
A disturbed round (calm.py) is run again, up to as many times as there are rounds. After that, one-thread contestants
count by the CPU time of their process, which a shared core does not lengthen, and the results say in how many rounds.
"""

from __future__ import annotations

import subprocess
import time
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.calm import Watch
from benchmarks.environments import process_environment
from benchmarks.rows import FASTEST, VARY, Contestant, Goal, Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.client import Client

Figures = dict[str, list[float]]  # label -> one figure a round


def run_row(
    row: Row, clients: Mapping[str, Client], inputs: Mapping[str, Path], rounds: int, seconds: float
) -> dict[str, Any]:
    """Times every contestant that is there; the first round warms up and is dropped."""
    present: list[Contestant] = []
    missing: list[Contestant] = []
    for contestant in row.contestants:
        client = clients.get(contestant.env)
        there = client is not None and contestant.case in client.cases
        (present if there else missing).append(contestant)
    figures: Figures = {contestant.label: [] for contestant in present}
    for contestant in present:
        clients[contestant.env].ask(
            "prepare",
            job=job(row, contestant),
            case=contestant.case,
            inputs=str(inputs[row.pictures]),
            threads=contestant.threads,
        )
    spare, kept, disturbed = rounds, -1, 0
    while present and kept < rounds:
        watch = Watch()
        answers = [clients[each.env].ask("time", job=job(row, each), seconds=seconds) for each in present]
        shares = [a["cpu"] / a["wall"] for each, a in zip(present, answers, strict=True) if each.threads == 1]
        calm = watch.calm(shares, sum(a["cpu"] for a in answers))
        if not calm and spare > 0 and kept >= 0:
            spare -= 1
            continue
        if kept >= 0:
            disturbed += not calm
            for each, answer in zip(present, answers, strict=True):
                by_cpu = not calm and each.threads == 1
                figures[each.label].append(answer["cpu_us" if by_cpu else "us"])
        kept += 1
    result = summary(row, figures, [contestant.label for contestant in missing])
    return {**result, "repeated": rounds - spare, "disturbed": disturbed}


def job(row: Row, contestant: Contestant) -> str:
    return f"{row.name}/{contestant.label}"


def run_import(row: Row, python: Path, rounds: int) -> dict[str, Any]:
    """Whole processes in turn: one imports NumPy, one imports vary; the figure is the difference."""
    numpy_alone, with_vary = [], []
    for number in range(rounds + 1):
        pair = [process_ms(python, "import numpy"), process_ms(python, "import vary")]
        if number > 0:
            numpy_alone.append(pair[0])
            with_vary.append(pair[1])
    beyond = [b - a for a, b in zip(numpy_alone, with_vary, strict=True)]
    result = summary(row, {VARY: beyond}, [])
    result["figures"]["import numpy"] = told(numpy_alone)
    return result


def process_ms(python: Path, code: str) -> float:
    start = time.perf_counter()
    subprocess.run([str(python), "-I", "-c", code], check=True, env=process_environment())
    return (time.perf_counter() - start) * 1000


def told(values: list[float]) -> dict[str, Any]:
    return {"median": median(values), "rounds": [round(value, 3) for value in values]}


def summary(row: Row, figures: Figures, missing: list[str]) -> dict[str, Any]:
    """A row of the results: figures, ratios to vary, and each goal with what was measured."""
    ratios: dict[str, list[float]] = {}
    if figures.get(VARY):
        for label, values in figures.items():
            if label != VARY:
                ratios[label] = [theirs / ours for theirs, ours in zip(values, figures[VARY], strict=True)]
    return {
        "name": row.name,
        "title": row.title,
        "unit": row.unit,
        "figures": {label: told(values) for label, values in figures.items() if values},
        "ratios": {label: told(values) for label, values in ratios.items()},
        "missing": missing,
        "goals": [measured(goal, figures, ratios) for goal in row.goals],
    }


def measured(goal: Goal, figures: Figures, ratios: Mapping[str, list[float]]) -> dict[str, Any]:
    value: float | None = None
    if goal.sense == "<=" and figures.get(goal.subject):
        value = median(figures[goal.subject])
    elif goal.subject == FASTEST and ratios:
        value = median(min(pair) for pair in zip(*ratios.values(), strict=True))
    elif goal.subject in ratios:
        value = median(ratios[goal.subject])
    met = None if value is None else (value <= goal.must if goal.sense == "<=" else value >= goal.must)
    return {
        "subject": goal.subject,
        "sense": goal.sense,
        "must": goal.must,
        "aim": goal.aim,
        "measured": value,
        "met": met,
    }
