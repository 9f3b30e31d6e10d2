"""How a process grows while it streams: `python -m benchmarks.memory CASE FOLDER EPOCHS` prints a JSON line.

    {"raw": growth of resident memory in MiB from the end of epoch 3 to the end of the last, "cache": what of it the
     cache says it has added, "resident": MiB after each epoch}

Run in a process of its own, since what one case leaves behind would hide the growth of the next.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import vary
from benchmarks.peers.vary import main_policy

WARM = 3  # epochs after which all batches, buffers and threads have been allocated
MIB = 2**20


def resident() -> float:
    """Resident memory of this process in MiB, after a garbage collection."""
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def files(root: str) -> vary.Stream:
    return vary.stream(root, main_policy(150), batch_size=32, seed=7, cache=None)


def cached(root: str) -> vary.Stream:
    return vary.stream(root, main_policy(150), batch_size=32, seed=7, cache="memory")


def arrays(_root: str) -> vary.Stream:
    """Pictures of noise. Their content does not matter, and reading files would leave buffers in memory."""
    images = np.random.default_rng(7).integers(0, 256, (400, 150, 150, 3), np.uint8)
    return vary.stream((images, np.arange(400) % 10), main_policy(150), batch_size=32, seed=7)


CASES: dict[str, Callable[[str], vary.Stream]] = {"files": files, "cached": cached, "arrays": arrays}


def main() -> None:
    case, root, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    train = CASES[case](root)
    after, held = [], []
    for _ in range(epochs):
        for _images, _labels in train:  # a batch is held until the next one is there, as in a training loop
            pass
        after.append(resident())
        held.append(train.report().cache_bytes / MIB)
    grown = {"raw": after[-1] - after[WARM - 1], "cache": held[-1] - held[WARM - 1]}
    print(json.dumps({**grown, "resident": after}))


if __name__ == "__main__":
    main()
