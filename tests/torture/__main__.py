"""`make torture [ROUNDS=100] [SEED=...] [ONLY=...]`: every scenario, at as many random moments."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torture.faults import build_injector
from torture.scenarios import SCENARIOS, play

BUILD = Path(__file__).resolve().parents[2] / "build" / "torture"


def main() -> int:
    parser = argparse.ArgumentParser(prog="make torture", description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="of each scenario")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="of the first round; others count on")
    parser.add_argument("--only", action="append", choices=[one.name for one in SCENARIOS], help="may be repeated")
    chosen = parser.parse_args()
    injector, failures = build_injector(BUILD), 0
    scenarios = [one for one in SCENARIOS if not chosen.only or one.name in chosen.only]
    columns = (TextColumn("{task.description:16}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        for scenario in scenarios:
            task, struck = progress.add_task(scenario.name, total=chosen.rounds), 0
            for seed in range(chosen.seed, chosen.seed + chosen.rounds):
                try:
                    struck += play(scenario, seed, injector)
                except Exception:  # noqa: BLE001  whatever it is, the other rounds are played, too
                    failures += 1
                    again = f"make torture ONLY={scenario.name} SEED={seed} ROUNDS=1"
                    progress.console.print(f"{again}\n{traceback.format_exc(limit=-2)}", markup=False, highlight=False)
                progress.advance(task)
            progress.console.print(f"{scenario.name}: something to strike in {struck} of {chosen.rounds} rounds")
    print(f"{failures} rounds failed" if failures else "all claims hold")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
