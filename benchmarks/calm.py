"""Decides whether a round was disturbed: a contestant had to share its core, or other programs used the machine."""

from __future__ import annotations

import os
import time
from pathlib import Path

STAT = Path("/proc/stat")
OWN_CORE = 0.95  # CPU time / wall time from which on a one-thread contestant had its core to itself
OTHERS = 0.15  # cores used by other programs that are tolerated; the kernel counts in steps of 10 ms


def busy_seconds() -> float | None:
    """CPU seconds spent by everything on this machine since it started, or None if the system does not count them."""
    if not STAT.exists():
        return None
    names = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"]
    fields = dict(zip(names, STAT.read_text().split("\n", 1)[0].split()[1:], strict=False))
    return sum(int(fields[name]) for name in names if name not in {"idle", "iowait"}) / os.sysconf("SC_CLK_TCK")


class Watch:
    """Observes a round, from its construction to the call at the end of the round."""

    def __init__(self) -> None:
        self.busy, self.begun = busy_seconds(), time.perf_counter()

    def calm(self, shares: list[float], cpu: float) -> bool:
        """`shares`: CPU time by time of each one-thread contestant; `cpu`: CPU seconds of all contestants."""
        if any(share < OWN_CORE for share in shares):
            return False
        busy = busy_seconds()
        if busy is None or self.busy is None:
            return True
        return (busy - self.busy - cpu) / (time.perf_counter() - self.begun) <= OTHERS
