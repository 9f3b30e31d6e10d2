"""The table of scenarios, and what must be true after every round.

a round: a recipe at random -> a trainer -> a fault at a random moment -> the trainer, or a later one, goes on
then:    the log holds what an undisturbed run hands out, in order and byte by byte; nothing is left on the system;
         a new run over the same disk cache gives the same once more, without an error
"""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from errno import EIO, EMFILE, ENOMEM, ENOSPC
from itertools import zip_longest
from pathlib import Path
from random import Random
from unittest.mock import patch

from torture import faults
from torture.faults import FAIL, MAP, MEMFD, OPEN, READ, RENAME, SYNC, TIMEOUT, TRUNCATE, WAIT, WRITE, injected
from torture.recipe import ALONE, Recipe, Row, draw, expected, rows_of, stream_of, write_pictures
from torture.run import PATIENCE, Round, TortureError, claim, shared_memory, wait

import vary

ON_ERROR = ("raise", "skip", "replace")
FILE = r"\d\d\.(?:jpg|png)"


@dataclass(frozen=True)
class Scenario:
    """fixed: what its recipes have in common; a tuple is a choice. error: what an error says; None: there is none."""

    name: str
    fault: faults.Fault
    error: str | None
    fixed: Recipe = field(default_factory=dict)
    injector: bool = False


BESIDE = {"process": True}
ON_FILES = {"files": True, "on_error": ON_ERROR}
TIMED = {"timeout": TIMEOUT}
CACHED = {"files": True, "cache": "disk"}
WRITES = OPEN | WRITE | RENAME | TRUNCATE | SYNC | MAP

bad_disk = injected(FAIL, [EIO], OPEN | READ, "data")
stuck_disk = injected(WAIT, [0], OPEN | READ, "data")
full_cache = injected(FAIL, [ENOSPC], WRITES, "cache", 0.3)
bad_cache = injected(FAIL, [EIO, EMFILE, ENOMEM], WRITES | READ, "cache", 0.3)
full_memory = injected(FAIL, [ENOSPC, ENOMEM, EMFILE], MEMFD | TRUNCATE | MAP, "/memfd:", 0.1)

SCENARIOS = (
    Scenario("kill-trainer", faults.kill_trainer, None),
    Scenario("kill-process", faults.kill_process, "process=True.*signal 9", BESIDE),
    Scenario("stop-process", faults.stop_process, "process.* stopped", BESIDE | TIMED),
    Scenario("interrupt", faults.interrupt, "Ctrl-C"),
    Scenario("few-descriptors", faults.few_descriptors, r"Errno 24\b|open files", {"on_error": ON_ERROR}),
    Scenario("changed-files", faults.changed_files, FILE, ON_FILES, injector=True),
    Scenario("bad-disk", bad_disk, f"{FILE}: .*Input/output error", ON_FILES, injector=True),
    Scenario("stuck-disk", stuck_disk, f"timeout=.*{FILE}", {"files": True} | TIMED, injector=True),
    Scenario("full-cache", full_cache, None, CACHED, injector=True),
    Scenario("bad-cache", bad_cache, None, CACHED, injector=True),
    Scenario(
        "full-memory", full_memory, r"Errno (12|24|28)\b|No space|allocate memory|open files", BESIDE, injector=True
    ),
)


def play(scenario: Scenario, seed: int, injector: Path | None) -> bool:
    """One round; `TortureError` where a claim does not hold. Did the fault strike anything?"""
    random = Random(f"{scenario.name} {seed}")
    fixed = {name: random.choice(one) if isinstance(one, tuple) else one for name, one in scenario.fixed.items()}
    before = shared_memory()
    with tempfile.TemporaryDirectory(prefix="vary-torture-") as name:
        round_ = Round(Path(name), draw(random, **fixed), injector if scenario.injector else None)
        for folder, seed_ in ((round_.data, 1), (round_.old, 1), (round_.new, 2)):
            write_pictures(folder, seed_)
        old = expected(round_.recipe, round_.old)
        round_.steps = len(old) // round_.recipe["common"]["batch_size"]
        try:
            round_.start()
            struck = scenario.fault(round_, random)
            (round_.folder / "mended").touch()
            round_.finish()
            new = expected(round_.recipe, round_.data) if round_.touched else old
            check_errors(round_, scenario.error)
            check_rows(round_, old, new)
            if round_.touched or round_.recipe["handed"]["cache"] == "disk":
                check_once_more(round_, new)
        except TortureError as error:
            error.add_note(f"the recipe: {round_.recipe}")
            raise
        finally:
            round_.end()
    claim(wait(lambda: shared_memory() <= before, PATIENCE), f"shared memory is left: {shared_memory() - before}")
    return struck


def check_errors(round_: Round, says: str | None) -> None:
    for error in round_.lines("error"):
        text = error + round_.messages if "stderr" in error else error
        claim(says and re.search(says, text, re.DOTALL), f"an error that does not say {says!r}: {text}")
        names = set(re.findall(FILE, error))
        claim(names <= (round_.touched or names), f"an error of files to which nothing was done: {error}")


def check_rows(round_: Round, old: list[Row], new: list[Row]) -> None:
    """Every sample in its turn, as its file was or is; of those that are not there, the report says so."""
    found, on_error = round_.rows(), round_.recipe["handed"].get("on_error", "raise")
    skipped = {Path(path).name for line in round_.lines("skipped") for path in line}
    claim(skipped <= round_.touched, f"skipped though nothing was done to them: {skipped - round_.touched}")
    steps = round_.lines("rows")[: round_.settled]
    settled = steps[-1][-1][0] + 2 if steps else 2  # while an epoch ends, the next one is begun
    if on_error == "skip":  # in a batch of a mix, the samples of a stream move up where one of it is skipped
        found, old, new = (sorted(rows, key=lambda row: row.stream) for rows in (found, old, new))
    place = 0
    for was, is_ in zip(old, new, strict=True):
        row = found[place] if place < len(found) else None
        allowed = [is_] if was.epoch >= settled else [was, is_]
        if row not in allowed:
            otherwise = f"row {place} is {row}, not one of {allowed}; skipped are {skipped}"
            claim(on_error != "raise" and was.file in skipped, otherwise)
            claim(row is None or row.sample != was.sample, otherwise)
            if on_error == "skip":
                continue
            claim(row is not None and row[-2:] in stand_ins(round_, row), f"no picture of its file: {row}")
        place += 1
    claim(place == len(found), f"rows that nobody asked for: {found[place:]}")


def stand_ins(round_: Round, row: Row) -> list[tuple[object, ...]]:
    """What a sample that came in place of another one may be."""
    found = []
    for folder in (round_.old, round_.new):
        stream = stream_of(round_.recipe, folder, **ALONE)
        one = stream.streams[row.stream] if round_.recipe["mixed"] else stream
        found.append(rows_of(one.replay(row.index, row.stream_epoch, row.view))[0][-2:])
    return found


def check_once_more(round_: Round, new: list[Row]) -> None:
    """A new run over the same files and the same cache hands out what the files are now; then the cache can go."""
    round_.recipe["handed"] |= {"on_error": "raise"}
    round_.restart()
    round_.finish()
    check_errors(round_, None)
    for place, (row, one) in enumerate(zip_longest(round_.rows(), new)):
        claim(row == one, f"in a new run, row {place} is {row}, not {one}")
    with patch.dict(os.environ, VARY_CACHE=str(round_.cache)):
        vary.disk_cache().clear()
    left = [path.name for path in round_.cache.rglob("*")]
    claim(not left, f"left in the cache after clear(): {left}")
