"""Interleaved rounds: the contestants of a row run in turn, many times, so slow periods affect all of them.

A contestant's figure is the median of its rounds; ratios are computed within each round, and their median is reported.
A disturbed round (calm.py) is run again; a row may do so as many times as it has rounds. After that a row of one-thread
contestants counts by the CPU time of their processes, which a shared core does not lengthen; rows with more threads
lose the round. The results say how many were disturbed.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from benchmarks.calm import Watch
from benchmarks.rows import VARY, Contestant, Goal, Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.client import Client


class Run(NamedTuple):
    """How much is measured. quick: only to see that it works; disturbed rounds count, and long rows are shorter."""

    rounds: int
    seconds: float
    quick: bool = False


Figures = dict[str, list[float]]  # label -> one figure for each round


def run_row(row: Row, clients: Mapping[str, Client], inputs: Mapping[str, Path], run: Run) -> dict[str, Any]:
    """Times every contestant that is installed; the first round is a warm-up and is dropped."""
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
            output=contestant.output or row.output,
        )
    figures: Figures = {contestant.label: [] for contestant in present}
    by_cpu_time = all(contestant.threads == 1 for contestant in present)
    spare, repeated, disturbed = 0 if run.quick else run.rounds, 0, 0
    for number in range(run.rounds + 1 if present else 0):
        answers, calm = one_round(row, present, clients, run.seconds)
        while number > 0 and not calm and spare > 0:
            spare, repeated = spare - 1, repeated + 1
            answers, calm = one_round(row, present, clients, run.seconds)
        if number > 0:
            disturbed += not calm
            for each, answer in zip(present, answers, strict=True):
                if calm or by_cpu_time or run.quick:
                    figures[each.label].append(answer["us" if not each.cpu and (calm or not by_cpu_time) else "cpu_us"])
    labels = [contestant.label for contestant in missing] + [label for label, values in figures.items() if not values]
    return {**summary(row, figures, labels), "repeated": repeated, "disturbed": disturbed}


def one_round(
    row: Row, present: list[Contestant], clients: Mapping[str, Client], seconds: float
) -> tuple[list[dict[str, Any]], bool]:
    """Each contestant's answer, and whether the round was undisturbed."""
    watch = Watch()
    answers = [clients[each.env].ask("time", job=job(row, each), seconds=seconds) for each in present]
    shares = [a["cpu"] / a["wall"] for each, a in zip(present, answers, strict=True) if each.threads == 1]
    return answers, watch.calm(shares, sum(a["cpu"] for a in answers))


def job(row: Row, contestant: Contestant) -> str:
    return f"{row.name}/{contestant.label}"


def stats(values: list[float]) -> dict[str, Any]:
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
        "figures": {label: stats(values) for label, values in figures.items() if values},
        "ratios": {label: stats(values) for label, values in ratios.items()},
        "missing": missing,
        "goals": [measured(goal, figures, ratios) for goal in row.goals],
    }


def measured(goal: Goal, figures: Figures, ratios: Mapping[str, list[float]]) -> dict[str, Any]:
    value: float | None = None
    present = [ratios[label] for label in goal.among or (goal.subject,) if label in ratios]
    if goal.subject == VARY and figures.get(VARY):
        value = max(figures[VARY]) if goal.every else median(figures[VARY])
    elif present:
        fastest = [min(pair) for pair in zip(*present, strict=True)]
        value = median(fastest) if goal.sense == ">=" else median(1 / times for times in fastest)
    met = None if value is None else (value <= goal.must if goal.sense == "<=" else value >= goal.must)
    return {
        "subject": goal.subject,
        "sense": goal.sense,
        "must": goal.must,
        "aim": goal.aim,
        "measured": value,
        "met": met,
    }
