"""Turns stored results into docs/benchmarks.md and docs/benchmarks.svg: `python -m benchmarks.report [RESULTS]`.

Without RESULTS the newest whole run of benchmarks/results is taken; later runs of some rows are sections of the page.
`--check` writes nothing and fails if they are stale.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.chart import svg
from benchmarks.environments import HERE, REPOSITORY
from benchmarks.rows import BASES, VARY

DOCS = REPOSITORY / "docs"
NAMES = {
    "keras": "keras-preprocessing",
    "augrs": "augrs-py",
    "opencv": "OpenCV by hand",
    "floor": "floor (store alone)",
}
OPENING = """\
# Benchmarks

<!-- Written by python -m benchmarks.report from {source}; edit that module, not this page. -->

![Microseconds an image, vary and its peers](benchmarks.svg)

The libraries are called by their public functions, draws included, on 32 different pictures in memory, with one
thread unless stated otherwise. Each library has an environment and a process of its own, and they run in turn, in
interleaved rounds. Every result is contiguous, of the dtype and layout that its row names, else float32 NCHW. Rows of
JPEG files time whole epochs on two threads, from the files to batches of 32; "decoding alone" is simplejpeg in two
threads, results dropped; loaders have two workers. A figure is the median of {rounds} rounds; a ratio is the median
of the ratios within each round. Start times and growth of memory are those of whole processes; for growth, the worst
process counts. [benchmarks/NOTES.md](../benchmarks/NOTES.md) describes the method and the least time that each task
can take; `make bench` measures your machine.
"""


def newest() -> Path:
    """Of the whole runs."""
    whole = [path for path, results in stored().items() if not results.get("only")]
    if not whole:
        raise SystemExit("no results are stored: run python -m benchmarks first")
    return whole[-1]


def stored() -> dict[Path, dict[str, Any]]:
    """All results, by their date."""
    found = {path: json.loads(path.read_text()) for path in (HERE / "results").glob("*.json")}
    return dict(sorted(found.items(), key=lambda one: str(one[1]["date"])))


def later(whole: dict[str, Any]) -> list[dict[str, Any]]:
    """Of runs of some rows, those after this whole run."""
    return [results for results in stored().values() if results.get("only") and results["date"] > whole["date"]]


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *rows)]
    return "\n".join(lines)


def called(label: str) -> str:
    return NAMES.get(label, label)


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def bound(goal: dict[str, Any], value: float, unit: str) -> str:
    return f"{goal['sense']} {value:g}" + (f" {unit}" if goal["subject"] == VARY else "x")


def seen(goal: dict[str, Any]) -> str:
    """What was measured. A ratio that must be small is close to 1, and has three decimals."""
    small = goal["sense"] == "<=" and goal["subject"] != VARY
    return f"{goal['measured']:.3f}" if small else number(goal["measured"])


def goals(results: dict[str, Any]) -> str:
    """Every goal of the project, and whether it was met."""
    rows = []
    for row in results["rows"]:
        for goal in row["goals"]:
            ratio, unit = goal["subject"] != VARY, row["unit"]
            measured = goal["measured"]
            stats = "not measured" if measured is None else f"**{seen(goal)}{'x' if ratio else f' {unit}'}**"
            verdict = {None: "-", True: "yes", False: "**no**"}[goal["met"]]
            against = called(goal["subject"]) if ratio else "-"
            bounds = [bound(goal, goal[key], unit) for key in ("must", "aim")]
            rows.append([row["title"], against, *bounds, stats, verdict])
    return table(["what", "against", "must", "aim", "measured", "must met"], rows)


def losses(results: dict[str, Any]) -> str:
    """Peers that were faster, and goals that were missed."""
    lines = []
    for row in results["rows"]:
        for label, ratio in row["ratios"].items():
            if label not in BASES and ratio["median"] < 1:
                lines.append(f"- {row['title']}: {called(label)} is faster ({number(ratio['median'])} of vary's time).")
        for goal in row["goals"]:
            if goal["met"] is False:
                against = f" against {called(goal['subject'])}" if goal["subject"] != VARY else ""
                asked = bound(goal, goal["must"], row["unit"])
                lines.append(f"- {row['title']}{against}: {seen(goal)} measured, {asked} asked.")
    return "\n".join(lines) or "No peer was faster in any row measured, and no measured goal is missed."


def figures(results: dict[str, Any]) -> str:
    """All medians, with the spread of the rounds and the ratio to vary."""
    rows = []
    for row in results["rows"]:
        group = []
        for label, stats in row["figures"].items():
            ratio = row["ratios"].get(label)
            spread = f"{number(min(stats['rounds']))} .. {number(max(stats['rounds']))}"
            times = f"{number(ratio['median'])}x" if ratio and label != "floor" else ""
            group.append([called(label), f"{number(stats['median'])} {row['unit']}", spread, times])
        group += [[called(label), "not measured", "", ""] for label in row["missing"]]
        rows += [["" if line else row["title"], *cells] for line, cells in enumerate(group)]
    return table(["what", "who", "median", "rounds", "to vary"], rows)


def equality(results: dict[str, Any]) -> str:
    rows = [
        [
            line["check"],
            called(line["a"]),
            called(line["b"]),
            f"{line['mean']:.3f}",
            f"{line['max']:.3f}",
            line["limit"],
        ]
        for line in results["equality"]
    ]
    return table(["check", "one", "other", "mean (levels)", "max (levels)", "limit"], rows)


def machine(results: dict[str, Any]) -> str:
    about, settings = results["machine"], results["settings"]
    disturbed = sum(row.get("disturbed", 0) for row in results["rows"])
    lines = [
        f"- {about['cpu']} (family, model, stepping {about['family']}), {about['cores']} cores, {about['system']}",
        f"- {results['date']}, commit {results['commit']}, load at the start {about['load'][0]}",
        f"- rounds beside other work, counted by CPU time (two threads: not at all): {disturbed}",
        f"- {settings['rounds']} rounds of {settings['seconds']} s a contestant; pictures: {settings['pictures']}",
    ]
    for name, versions in results["versions"].items():
        lines.append(f"- {name}: " + ", ".join(f"{key} {value}" for key, value in versions.items()))
    return "\n".join(lines)


def measured_later(results: dict[str, Any]) -> str:
    return "\n\n".join((goals(results), figures(results), machine(results)))


def page(results: dict[str, Any], source: str, others: list[dict[str, Any]]) -> str:
    """others: runs of some rows, which were added since."""
    sections = {
        "Goals": goals(results),
        "Goals missed, rows lost": losses(results),
        "All figures": figures(results),
        "Equality, checked before anything is timed": equality(results),
        "Machine and versions": machine(results),
        **{f"Measured later: rows {', '.join(one['only'])}": measured_later(one) for one in others},
    }
    opening = OPENING.format(source=source, rounds=results["settings"]["rounds"])
    return opening + "".join(f"\n## {title}\n\n{text}\n" for title, text in sections.items())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, nargs="?", help="results to report (default: the newest)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if the documents are stale")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where the documents go")
    chosen = parser.parse_args()
    path = chosen.results or newest()
    results = json.loads(path.read_text())
    written = {
        "benchmarks.md": page(results, f"benchmarks/results/{path.name}", later(results)),
        "benchmarks.svg": svg(results, NAMES),
    }
    if chosen.check:
        stale = [n for n, text in written.items() if not (file := chosen.docs / n).exists() or file.read_text() != text]
        print(f"stale: {', '.join(stale)}" if stale else "the documents fit the newest results")
        return 1 if stale else 0
    chosen.docs.mkdir(exist_ok=True)
    for name, text in written.items():
        (chosen.docs / name).write_text(text)
    print(f"wrote {', '.join(written)} from {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
