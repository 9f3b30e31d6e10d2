"""Runs one round: its folder, the processes that train in it, and what these leave behind on the system."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from torture.recipe import Recipe, Row

LIMIT, PATIENCE = 60.0, 5.0
"""Seconds for a trainer to end, which takes one or two, and until the system has cleaned up behind it."""


class TortureError(AssertionError):
    """A claim that does not hold."""


def claim(true: object, otherwise: str) -> None:
    if not true:
        raise TortureError(otherwise)


def wait(condition: Callable[[], object], seconds: float) -> bool:
    """Has it come true within this time?"""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.001)
    return True


class Round:
    """A folder with the pictures, the recipe, the cache and the log of one round."""

    def __init__(self, folder: Path, recipe: Recipe, injector: Path | None) -> None:
        self.folder, self.recipe = folder, recipe
        self.data, self.old, self.new = folder / "data", folder / "old", folder / "new"
        self.cache, self.scratch, self.control = folder / "cache", folder / "scratch", folder / "control"
        self.scratch.mkdir()
        self.control.write_bytes(bytes(4096))
        self.steps = 0  # of all epochs, about
        self.touched: set[str] = set()  # names of files that were changed, or may have been unreadable
        self.settled: int | None = None  # steps after which all files were as they stayed
        self._token = f"VARY_TORTURE={folder}"
        self._environment = os.environ | {
            "VARY_TORTURE": str(folder),
            "VARY_CACHE": str(self.cache),
            "TMPDIR": str(self.scratch),
            "PYTHONPATH": str(Path(__file__).resolve().parents[1]),
            "TORTURE_CONTROL": str(self.control),
            "LD_PRELOAD": str(injector or ""),
        }
        self._trainer: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """A trainer that goes on where the log ends, in a session of its own, as in a terminal of its own."""
        (self.folder / "recipe").write_text(json.dumps(self.recipe))
        command = [sys.executable, "-m", "torture.trainer", str(self.folder)]
        with (self.folder / "stderr").open("ab") as errors:
            self._trainer = subprocess.Popen(
                command, cwd=self.scratch, env=self._environment, stderr=errors, start_new_session=True
            )

    def restart(self) -> None:
        """A trainer that begins anew, with what lies in the cache."""
        (self.folder / "log").unlink()
        self.start()

    @property
    def has_ended(self) -> bool:
        assert self._trainer is not None
        return self._trainer.poll() is not None

    def signal(self, number: int, *, group: bool = False) -> None:
        assert self._trainer is not None
        with suppress(ProcessLookupError):
            (os.killpg if group else os.kill)(self._trainer.pid, number)

    def lines(self, name: str) -> list[Any]:
        """What the whole lines of the log say under this name."""
        found = map(json.loads, self._log().splitlines())
        return [line[name] for line in found if name in line]

    @property
    def steps_done(self) -> int:
        return self._log().count(b'{"rows"')

    @property
    def errors(self) -> int:
        return self._log().count(b'{"error"')

    @property
    def is_done(self) -> bool:
        """Has it handed out all epochs, or ended otherwise?"""
        return b'{"done"' in self._log() or self.has_ended

    def _log(self) -> bytes:
        with suppress(FileNotFoundError):
            return (self.folder / "log").read_bytes().rpartition(b"\n")[0]
        return b""

    def rows(self) -> list[Row]:
        return [Row(*row) for step in self.lines("rows") for row in step]

    def processes(self) -> list[int]:
        """All that live of this round, whoever their parent is by now; the trainer comes first."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):  # another user's, or it has just ended
                if self._token.encode() in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
        return sorted(found, key=lambda pid: (self._trainer is None or pid != self._trainer.pid, pid))

    def finish(self) -> None:
        """The trainer ends by itself with all epochs done, and leaves nothing in its own process or beside it."""
        assert self._trainer is not None
        if not wait(lambda: self.has_ended, LIMIT):
            self.signal(signal.SIGUSR1)  # writes where its threads are
            time.sleep(0.5)
            raise TortureError(f"the trainer hangs\n{self.messages}")
        code = self._trainer.wait()
        claim(code == 0, f"the trainer ended with code {code}\n{self.messages}")
        left = self.lines("left")[-1]
        claim(not left, f"left in the trainer's process: {left}")
        claim(wait(lambda: not self.processes(), PATIENCE), f"processes are left: {self.processes()}")
        files = sorted(path.name for path in self.scratch.rglob("*"))
        claim(not files, f"temporary files are left: {files}")

    @property
    def messages(self) -> str:
        return (self.folder / "stderr").read_text(errors="replace")[-6000:]

    def end(self) -> None:
        """Let nothing outlive a round that has failed."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._trainer is not None:
            self._trainer.wait()


def shared_memory() -> set[str]:
    """What lies in /dev/shm that no living process has mapped: nobody will remove it."""
    names = {str(path) for path in Path("/dev/shm").iterdir()}
    for path in Path("/proc").glob("[0-9]*/maps") if names else ():
        with suppress(OSError):
            names -= set(path.read_text().split())
    return names
