"""Interleaved rounds: the contestants of a row are asked in turn, again and again, so a slow spell hits them all.

A contestant's figure is the median of its rounds; a ratio is taken within each round, and the median of those is told.
A disturbed round (calm.py) is run again; a row may do so as many times as it has rounds. After that a row of one-thread
contestants counts by the CPU time of their processes, which a shared core does not lengthen; rows with more threads
lose the round. The results say how many were disturbed.
"""

from __future__ import annotations

import resource
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
    for contestant in present:
        clients[contestant.env].ask(
            "prepare",
            job=job(row, contestant),
            case=contestant.case,
            inputs=str(inputs[row.pictures]),
            threads=contestant.threads,
        )
    figures: Figures = {contestant.label: [] for contestant in present}
    by_cpu_time = all(contestant.threads == 1 for contestant in present)
    spare, disturbed = rounds, 0
    for number in range(rounds + 1 if present else 0):
        answers, calm = one_round(row, present, clients, seconds)
        while number > 0 and not calm and spare > 0:
            spare -= 1
            answers, calm = one_round(row, present, clients, seconds)
        if number > 0:
            disturbed += not calm
            for each, answer in zip(present, answers, strict=True):
                if calm or by_cpu_time:
                    figures[each.label].append(answer["us" if calm else "cpu_us"])
    labels = [contestant.label for contestant in missing] + [label for label, values in figures.items() if not values]
    return {**summary(row, figures, labels), "repeated": rounds - spare, "disturbed": disturbed}


def one_round(
    row: Row, present: list[Contestant], clients: Mapping[str, Client], seconds: float
) -> tuple[list[dict[str, Any]], bool]:
    """Each contestant's answer, and whether the machine was calm meanwhile."""
    watch = Watch()
    answers = [clients[each.env].ask("time", job=job(row, each), seconds=seconds) for each in present]
    shares = [a["cpu"] / a["wall"] for each, a in zip(present, answers, strict=True) if each.threads == 1]
    return answers, watch.calm(shares, sum(a["cpu"] for a in answers))


def job(row: Row, contestant: Contestant) -> str:
    return f"{row.name}/{contestant.label}"


def run_import(row: Row, python: Path, rounds: int) -> dict[str, Any]:
    """Whole processes in turn: one imports NumPy, one imports vary; the figure is the difference."""
    numpy_alone, with_vary, disturbed = [], [], 0
    for number in range(rounds + 1):
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
policy = vary.Policy([vary.Resize(150, 150), *turns, vary.Rescale(1 / 255)])
next(iter(vary.stream({root!r}, policy, batch_size=32)))
"""


def run_start(row: Row, python: Path, root: Path, rounds: int) -> dict[str, Any]:
    """Whole processes, each up to its first batch and its end."""
    took = [process(python, FIRST_BATCH.format(root=str(root)))[0] * 1000 for _ in range(rounds + 1)][1:]
    return {**summary(row, {VARY: took}, []), "repeated": 0, "disturbed": 0}


def process(python: Path, code: str) -> tuple[float, float]:
    """Seconds of a whole interpreter that runs `code`: on the clock, and of CPU time."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([str(python), "-I", "-c", code], check=True, env=process_environment())
    took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


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
