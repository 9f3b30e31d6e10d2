"""A training run that may be ended at any moment: `python -m torture.trainer FOLDER`, which holds the round's recipe.

It appends a line to `log` after every step: the rows of the batch and the state after it. A later run, or this one
after an error or Ctrl-C, goes on from the last whole line. The last line of all tells what the run has left behind.
"""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from torture import recipe as recipes

import vary

ERRORS, PATIENCE = 20, 5.0  # errors that a run may have; seconds until what ends in the background has ended


class Log:
    """Lines of JSON. It opens no file while the run is under way: descriptors may have run out."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        whole = os.pread(self._file, os.fstat(self._file).st_size, 0).rpartition(b"\n")[0]
        os.ftruncate(self._file, len(whole) + bool(whole))  # a line that was being written is none

    def write(self, **line: Any) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fsync(self._file)

    @property
    def state(self) -> dict[str, Any] | None:
        """After the last step."""
        lines = os.pread(self._file, os.fstat(self._file).st_size, 0).splitlines()
        found = (json.loads(line).get("state") for line in reversed(lines))
        return next(filter(None, found), None)


def resources() -> set[str]:
    """Threads, descriptors and child processes of this process."""
    found = {f"thread {thread.name}" for thread in threading.enumerate()}
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of the listing
            found.add(f"descriptor {link.name}: {link.readlink()}")
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):  # it has just ended
            found |= {f"child {pid}" for pid in (task / "children").read_text().split()}
            found.add(f"task {task.name}")
    return found


def wait_for_mending(folder: Path) -> None:
    """Until the fault is over; whoever made it says so."""
    while not (folder / "mended").exists():
        time.sleep(0.001)


def train(stream: Any, log: Log, pause: float) -> None:
    while stream.epoch < recipes.EPOCHS:
        for batch in stream:
            log.write(rows=recipes.rows_of(batch), state=stream.state_dict())
            time.sleep(pause)
        log.write(skipped=[one.path for one in stream.report().skipped])


def run(folder: Path, log: Log) -> None:
    """All epochs, whatever comes between."""
    recipe = json.loads((folder / "recipe").read_text())
    stream = recipes.stream_of(recipe, folder / "data")
    if log.state is None:
        log.write(state=stream.state_dict())
    else:
        stream.load_state_dict(log.state)
    for _ in range(ERRORS):
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            train(stream, log, recipe["pause"])
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            return
        except KeyboardInterrupt:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            log.write(error="Ctrl-C")
        except (vary.VaryError, OSError, ImportError) as error:  # a module may be imported when no descriptor is left
            log.write(error=f"{type(error).__name__}: {error}", skipped=[one.path for one in stream.report().skipped])
            wait_for_mending(folder)
        if recipe["new_stream"]:
            stream = recipes.stream_of(recipe, folder / "data")
        stream.load_state_dict(log.state)
    raise RuntimeError(f"{ERRORS} errors, the last one is in the log")


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # until there is something to interrupt
    faulthandler.register(signal.SIGUSR1)
    folder = Path(sys.argv[1])
    cores = max(4, os.cpu_count() or 1)  # the compiled core keeps its threads, so they are begun here
    recipes.POLICIES[0].batch([np.zeros((300, 300, 3), np.uint8)] * cores, threads=cores)
    log, before = Log(folder / "log"), resources()
    run(folder, log)
    log.write(done=True)
    wait_for_mending(folder)
    gc.collect()
    until = time.monotonic() + PATIENCE
    while resources() - before and time.monotonic() < until:
        time.sleep(0.005)
    log.write(left=sorted(resources() - before))


if __name__ == "__main__":
    main()
