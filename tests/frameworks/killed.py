"""Trainings of each framework that are killed (SIGKILL) at random moments and go on: `python -m frameworks.killed`.

`make torture` kills each of them 20 times, tests twice. Every batch must come once, in its turn.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from random import Random

from conftest import FRAMEWORKS

KINDS = ("workers", "jax", "tensorflow", "torch")
TRAINER = Path(__file__).parent / "children" / "trainer.py"
EPOCH, EPOCHS = 14, 4  # batches; see children/epochs.py
PATIENCE = 120.0  # seconds for a run, which imports a framework


def run(kind: str, folder: Path, moment: int | None) -> bool:
    """One run of the trainer. moment: of how many more batches it is killed; None: never. Was it killed?"""
    log = folder / "log"
    before = _lines(log)
    command = [FRAMEWORKS / "bin" / "python", str(TRAINER), kind, str(folder)]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    with (folder / "stderr").open("w") as complaints:
        running = subprocess.Popen(command, env=environment, start_new_session=True, stderr=complaints)
    try:
        until = time.monotonic() + PATIENCE
        while running.poll() is None and time.monotonic() < until:
            if moment is not None and _lines(log) >= before + moment:
                running.send_signal(signal.SIGKILL)
                running.wait()
                return True
            time.sleep(0.001)
        assert running.returncode == 0, f"{kind}: {running.returncode}, {(folder / 'stderr').read_text()[-3000:]}"
    finally:
        with suppress(ProcessLookupError):  # workers of a killed training end some seconds later by themselves
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    return False


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def play(kind: str, moments: int, seed: int) -> int:
    """Train until the end, with so many kills. Returns how many there were."""
    random, killed = Random(f"{kind} {seed}"), 0
    total = EPOCH * max(EPOCHS, 1 + moments // 2)
    with tempfile.TemporaryDirectory(prefix="vary-killed-") as name:
        folder = Path(name)
        (folder / "total").write_text(str(total))
        for left in range(moments, 0, -1):
            room = total - _lines(folder / "log") - 1
            killed += run(kind, folder, random.randint(0, max(0, 2 * room // (left + 1))))
        run(kind, folder, None)
        found = [json.loads(line)["labels"] for line in (folder / "log").read_text().splitlines()]
        wanted = expected(total // EPOCH)
        assert found == wanted, f"{kind}, seed {seed}: {found}"
    return killed


def expected(epochs: int) -> list[list[int]]:
    sys.path.insert(0, str(TRAINER.parent))
    try:
        import epochs as known
    finally:
        sys.path.remove(str(TRAINER.parent))
    return known.in_a_row(epochs)


if __name__ == "__main__":
    rounds, first = int(sys.argv[1]), time.time_ns() % 10**6
    for one in KINDS:
        print(f"{one}: killed {play(one, rounds, first)} times, seed {first}: every batch came once", flush=True)
