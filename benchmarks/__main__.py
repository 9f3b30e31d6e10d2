"""Measures vary against its peers: `python -m benchmarks`, or `make bench ARGS="--quick"`. NOTES.md has the method.

Environments are made on demand, equality is checked first, rows are timed in interleaved rounds, and the results are
stored as benchmarks/results/<date>-<commit>.json; `python -m benchmarks.report` makes docs/benchmarks.md of the newest.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import equality, pictures
from benchmarks.client import Client, WorkerError
from benchmarks.environments import HERE, REPOSITORY, checkout, ensure
from benchmarks.processes import MEASURES
from benchmarks.rounds import Run, run_row, summary
from benchmarks.rows import BEFORE, ROWS, VARY, Row, with_before

DEFAULT = ("vary", "keras", "albumentations", "augrs", "opencv", "simplejpeg")
OPTIONAL = ("torchvision", "albumentationsx", "tensorflow", "jax", "torch", "turboloader")
EXTRAS = (*OPTIONAL, *sorted({row.optional for row in ROWS if row.optional}))


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="few and short rounds: does everything work?")
    parser.add_argument("--only", action="append", metavar="NAME", help="only rows whose name begins so (repeat)")
    parser.add_argument(
        "--with", action="append", dest="extra", default=[], choices=(*EXTRAS, "all"), help="add a peer or a row"
    )
    parser.add_argument("--without", action="append", default=[], choices=DEFAULT, help="leave a contestant out")
    parser.add_argument(
        "--python", action="append", default=[], metavar="NAME=PATH", help="interpreter to use for NAME"
    )
    parser.add_argument("--before", metavar="COMMIT", help="measure vary as it was then, too, in the same rounds")
    parser.add_argument("--rounds", type=int, help="rounds a row (default 15; 3 with --quick)")
    parser.add_argument("--seconds", type=float, help="seconds a contestant a round (default 0.2; 0.05 with --quick)")
    parser.add_argument("--output", type=Path, help="where the results go (a partial or quick run stores none)")
    chosen = parser.parse_args()
    chosen.extra = EXTRAS if "all" in chosen.extra else chosen.extra
    chosen.python = dict(pair.split("=", 1) for pair in chosen.python)
    chosen.rounds = chosen.rounds or (3 if chosen.quick else 15)
    chosen.seconds = chosen.seconds or (0.05 if chosen.quick else 0.2)
    return chosen


def chosen_rows(only: list[str] | None) -> list[Row]:
    rows = [row for row in ROWS if not only or any(row.name.startswith(name) for name in only)]
    if not rows:
        raise SystemExit(f"no row begins with {only}; rows are: {', '.join(row.name for row in ROWS)}")
    return rows


def git(*arguments: str) -> str:
    result = subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else ""


def commit() -> str:
    """The commit, with a + when the tree that was measured differs from it."""
    revision = git("rev-parse", "--short=10", "HEAD") or "uncommitted"
    return revision + ("+" if git("status", "--porcelain", "--", "src", "native") else "")


def machine() -> dict[str, Any]:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return {
        "cpu": named.get("model name", platform.processor() or platform.machine()),
        "family": " ".join(named.get(key, "?") for key in ("cpu family", "model", "stepping")),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": [round(value, 2) for value in os.getloadavg()],
    }


def interpreters(chosen: argparse.Namespace, rows: list[Row], folder: Path) -> dict[str, tuple[Path, str]]:
    """Those of all environments that are needed: each with the peer that it runs."""
    wanted = {"vary"}.union(contestant.env for row in rows for contestant in row.contestants)
    asked = [name for name in (*DEFAULT, *OPTIONAL) if name in DEFAULT or name in chosen.extra]
    names = [name for name in asked if name in wanted and name not in chosen.without]
    given = {name: Path(path) for name, path in chosen.python.items()}
    found = {name: (given.get(name) or ensure(name, name), name) for name in names}
    sources = checkout(chosen.before, folder / "before") if chosen.before else None
    for peer in set(BEFORE).intersection(names):
        name = BEFORE[peer]
        if name in given or sources is not None:
            found[name] = given.get(name) or ensure(name, peer, sources or REPOSITORY), peer
    return found


def measure(chosen: argparse.Namespace, rows: list[Row], folder: Path) -> dict[str, Any]:
    pythons = interpreters(chosen, rows, folder)
    measured = {row.pictures for row in rows if not row.optional or row.optional in chosen.extra}
    inputs = pictures.write_sets(folder, measured - {""}, quick=chosen.quick)
    results: dict[str, Any] = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "before": chosen.before,
        "only": chosen.only,
        "machine": machine(),
        "settings": {"rounds": chosen.rounds, "seconds": chosen.seconds, "pictures": pictures.source()},
    }
    with ExitStack() as stack:
        clients = {name: stack.enter_context(Client(name, *what)) for name, what in pythons.items()}
        results["versions"] = {name: client.versions for name, client in clients.items()}
        results["equality"] = [*equality.affine(clients, folder), *equality.resize(clients, folder)]
        results["rows"], run = [], Run(chosen.rounds, chosen.seconds, chosen.quick)
        for row in rows:
            if row.contestants:
                done = run_row(with_before(row) if pythons.keys() & BEFORE.values() else row, clients, inputs, run)
            elif "vary" not in pythons or row.pictures not in {"", *inputs}:
                done = summary(row, {}, [VARY])
            else:
                both = {label: pythons[label][0] for label in (VARY, BEFORE[VARY]) if label in pythons}
                done = MEASURES[row.process](row, both, inputs.get(row.pictures, folder), run)
            print(line(done), flush=True)
            results["rows"].append(done)
    return results


def line(row: dict[str, Any]) -> str:
    figures = ", ".join(f"{label} {figure['median']:.1f}" for label, figure in row["figures"].items()) or "nothing"
    ratios = ", ".join(f"{label} {ratio['median']:.2f}x" for label, ratio in row["ratios"].items())
    missing = f" | not measured: {', '.join(row['missing'])}" if row["missing"] else ""
    noise = f" | {row['disturbed']} rounds disturbed" if row.get("disturbed") else ""
    return f"{row['name']} ({row['unit']}): {figures}" + (f" | {ratios}" if ratios else "") + missing + noise


def stored_as(results: dict[str, Any]) -> Path:
    return HERE / "results" / f"{results['date'][:10]}-{results['commit'].rstrip('+')}.json"


def main() -> int:
    chosen = options()
    rows = chosen_rows(chosen.only)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # so that the folder is removed then, too
    with tempfile.TemporaryDirectory(prefix="vary-bench-") as folder:
        try:
            results = measure(chosen, rows, Path(folder))
        except (equality.UnequalError, WorkerError) as error:
            print(f"stopped: {error}", file=sys.stderr)
            return 1
    output = chosen.output or (None if chosen.quick or chosen.only else stored_as(results))
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(results, indent=1) + "\n")
        print(f"results: {os.path.relpath(output)}")
    met = [goal["met"] for row in results["rows"] for goal in row["goals"]]
    print(f"goals: {met.count(True)} met, {met.count(False)} missed, {met.count(None)} not measured")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
