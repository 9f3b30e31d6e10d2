"""Faults, which happen to a trainer at a random moment: each is a function (round, random) -> did it have an effect?

A fault ends before its function returns, and the file `mended` tells the trainer so.
"""

from __future__ import annotations

import os
import resource
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from mmap import mmap
from pathlib import Path
from random import Random
from typing import Self

from torture.recipe import handed
from torture.run import LIMIT, PATIENCE, Round, claim, wait

Fault = Callable[[Round, Random], bool]

OPEN, READ, WRITE, RENAME, TRUNCATE, SYNC, MAP, MEMFD = (1 << bit for bit in range(8))
FAIL, WAIT, SLOW = range(3)
"""Calls and modes of injector.c."""
TIMEOUT = 2.0  # seconds, of streams that have one


def build_injector(folder: Path) -> Path:
    source, library = Path(__file__).with_name("injector.c"), folder / "injector.so"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-Wall", "-Werror", source, "-o", library, "-ldl"], check=True)
    return library


class Injector:
    """The page of memory that injector.c reads; a context within which calls fail."""

    def __init__(self, round_: Round, mode: int, error: int, calls: int, every: int, prefix: str) -> None:
        with round_.control.open("r+b") as file:
            self._page = mmap(file.fileno(), 0)
        self._settings = struct.pack("7I1024s", 1, mode, error, calls, every, 0, 0, prefix.encode())

    @property
    def hits(self) -> int:
        return int(struct.unpack_from("I", self._page, 24)[0])

    def __enter__(self) -> Self:
        self._page[4 : len(self._settings)] = self._settings[4:]
        self._page[0] = 1
        return self

    def __exit__(self, *_: object) -> None:
        self._page[0] = 0


def at_a_moment(round_: Round, random: Random, share: float = 1, *, begun: bool = True) -> None:
    """Wait for a step within this first share of the run, and for some milliseconds more.

    begun: not before the trainer has its stream; what comes before is hardly vary's.
    """
    if begun:
        wait(lambda: round_.lines("state") or round_.has_ended, LIMIT)
    step = int(random.uniform(-0.15, 1) * share * round_.steps)
    if step <= 0:
        time.sleep(random.choice([0, 0.02, 0.5]) * random.random())
    wait(lambda: round_.is_done or round_.steps_done >= step, LIMIT)
    time.sleep(random.choice([0, 0.02 * random.random()]))


def until_noticed(round_: Round, seconds: float) -> None:
    """Until the trainer tells an error or is done, or so long."""
    before = round_.errors
    wait(lambda: round_.is_done or round_.errors > before, seconds)


def kill_trainer(round_: Round, random: Random) -> bool:
    at_a_moment(round_, random, begun=False)
    early = not round_.has_ended
    round_.signal(signal.SIGKILL)
    wait(lambda: round_.has_ended, PATIENCE)
    gone = wait(lambda: not round_.processes(), PATIENCE)
    claim(gone, f"processes outlive the trainer: {round_.processes()}")
    round_.recipe["handed"] |= handed(random, {"cache": round_.recipe["handed"]["cache"]})
    if early:
        round_.start()
    return early


def interrupt(round_: Round, random: Random) -> bool:
    """Ctrl-C goes to all processes of a terminal; a notebook sends it to one."""
    at_a_moment(round_, random)
    round_.signal(signal.SIGINT, group=random.random() < 0.5)
    return not round_.is_done


def kill_process(round_: Round, random: Random) -> bool:
    at_a_moment(round_, random)
    for pid in round_.processes()[1:]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def stop_process(round_: Round, random: Random) -> bool:
    """For a shorter time than the timeout, or until it has passed; for good, if the trainer then makes a new stream."""
    at_a_moment(round_, random)
    for pid in round_.processes()[1:]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
            if short := random.random() < 0.5:
                time.sleep(0.3 * random.random())
            else:
                until_noticed(round_, LIMIT)
            if short or not round_.recipe["new_stream"]:
                os.kill(pid, signal.SIGCONT)
            return True
    return False


def injected(mode: int, errors: list[int], calls: int, where: str, share: float = 1) -> Fault:
    """Calls on the folder or kind of file `where`, each or some of them, for up to half a second."""

    def fault(round_: Round, random: Random) -> bool:
        prefix = where if where.startswith("/") else str(round_.folder / where)
        round_.touched = {path.name for path in Path(prefix).rglob("*.*")} if where == "data" else set()
        at_a_moment(round_, random, share)
        chosen = sum(1 << bit for bit in range(8) if calls >> bit & 1 and random.random() < 0.5) or calls
        with Injector(round_, mode, random.choice(errors), chosen, random.choice([1, 1, 2, 5]), prefix) as injector:
            until_noticed(round_, LIMIT if mode == WAIT else 0.5 * random.random())
        return injector.hits > 0

    return fault


def few_descriptors(round_: Round, random: Random) -> bool:
    """The trainer, or the process beside it, may open hardly any more for a while."""
    at_a_moment(round_, random)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ProcessLookupError, FileNotFoundError, IndexError):
        pid = random.choice(round_.processes()[:2])
        most = max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (random.randint(3, most + 4), hard))
        until_noticed(round_, 0.5 * random.random())
    for pid in round_.processes():  # one that was begun meanwhile has taken over the limit
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    return not round_.is_done


def changed_files(round_: Round, random: Random) -> bool:
    """Some files are replaced, written anew in place, cut short or deleted, perhaps while reads are slow."""
    at_a_moment(round_, random)
    files = sorted(path for path in round_.data.rglob("*") if path.is_file())
    slow = Injector(round_, SLOW, 0, READ, 1, str(round_.data if random.random() < 0.5 else round_.folder / "none"))
    with slow:
        for path in random.sample(files, random.randint(1, len(files))):
            round_.touched.add(path.name)
            _change(round_, path, random)
            time.sleep(random.choice([0, 0.005 * random.random()]))
        until_noticed(round_, 0.1 * random.random())
        for path in files:
            if path.name in round_.touched:  # those that were cut short or deleted come back as new ones
                _replace(round_, path)
    round_.settled = round_.steps_done
    return not round_.is_done


def _change(round_: Round, path: Path, random: Random) -> None:
    new = (round_.new / path.relative_to(round_.data)).read_bytes()
    match random.choice(["replaced", "written", "cut", "deleted"]):
        case "replaced":
            _replace(round_, path)
        case "written":
            with path.open("wb", buffering=0) as file:
                for start in range(0, len(new), 4096):
                    file.write(new[start : start + 4096])
                    time.sleep(random.choice([0, 0.001]))
        case "cut":
            os.truncate(path, random.randrange(path.stat().st_size))
        case "deleted":
            path.unlink()


def _replace(round_: Round, path: Path) -> None:
    new = round_.new / path.relative_to(round_.data)
    if not path.exists() or path.read_bytes() != new.read_bytes():
        shutil.copyfile(new, round_.folder / "file")
        (round_.folder / "file").replace(path)
