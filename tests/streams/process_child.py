"""Consumers of `process=True` that end in some way, by name: `python process_child.py exit_alive`."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from streams import functions

from vary.policy import Policy
from vary.streams import stream
from vary.transforms import Lambda

IMAGES = np.zeros((40, 8, 8, 3), np.uint8)
KEPT: list[Any] = []


def begin(**options: Any) -> int:
    """One batch; the process that made it."""
    policy = Policy([Lambda(functions.takes_its_time)])
    train = stream(IMAGES, policy, batch_size=2, process=True, **options)
    KEPT.extend([train, iter(train)])
    next(KEPT[-1])
    return int(train._process.process_id)  # type: ignore[union-attr]


def exit_alive() -> None:
    print(begin(prefetch=0), flush=True)


def exit_busy() -> None:
    print(begin(prefetch=6), flush=True)


def unguarded() -> None:
    """No `if __name__ == "__main__"` is needed: that process does not run this file."""
    print(begin(), flush=True)
    assert len(list(KEPT[-1])) == 19


def interrupt() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent in the background has it ignored
    pid = begin()
    try:
        print(pid, flush=True)
        while True:
            next(KEPT[-1], None) or time.sleep(1)  # type: ignore[func-returns-value]
    except KeyboardInterrupt:
        KEPT.clear()


def wait_for_ever() -> None:
    train = stream(IMAGES, Policy([Lambda(functions.never_returns)]), batch_size=2, process=True)
    KEPT.append(iter(train))
    print(train._process.process_id, flush=True)  # type: ignore[union-attr]
    next(KEPT[-1])


class OwnError(Exception):
    """Of a script that the other process does not run."""


def fails_here(_: np.ndarray) -> np.ndarray:
    raise OwnError(8, "told")


def own_error() -> None:
    try:
        list(stream(IMAGES, Policy([Lambda(fails_here)]), process=True))
    except OwnError as error:
        print(error.args, "in fails_here" in "".join(error.__notes__))


def wait() -> None:
    pid = begin()
    forked = os.fork()
    if forked:
        print(pid, forked, flush=True)
    time.sleep(100)


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    print("done")
