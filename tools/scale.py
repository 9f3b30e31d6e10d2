"""What an epoch costs and how well it is mixed at any size: the tables of docs/scale.md, which tests/docs compares.

    python tools/scale.py

The costs are arithmetic on a figure of docs/benchmarks.md. The mixing is counted in the orders that streams use.
"""

import re
from pathlib import Path

import numpy as np

from vary.streams.order.shuffle import order

ROOT = Path(__file__).resolve().parents[1]
SAMPLES, NODES, CORES = 10**9, 64, 32
CLASSES, BATCH, BATCHES = 1000, 256, 50
BLOCKS = (None, 100_000, 10_000, 1_000, 100)
THREADS = 2  # of the figure in docs/benchmarks.md
KILOBYTES = 100  # of a JPEG


def microseconds(size: int) -> int:
    """Core time of a picture in the first epoch of JPEG files, on `THREADS` threads, from docs/benchmarks.md."""
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    found = re.search(rf"(?m)^\| first epoch of JPEG files: [^|]*{size}x{size} \| vary \| ([\d,]+) us a picture", text)
    assert found is not None
    return THREADS * int(found[1].replace(",", ""))


def costs() -> list[str]:
    """A row for each number of nodes: the time of an epoch, and what a node reads and hands over in a second."""
    rows, time = [], microseconds(224) * 1e-6
    for nodes in (1, 8, NODES):
        rate = CORES / time
        hours = SAMPLES / (rate * nodes) / 3600
        read, made = rate * KILOBYTES * 1e3, rate * 224 * 224 * 3
        rows.append(f"| {nodes} | {hours:.2f} h | {rate:,.0f} | {read / 1e9:.1f} GB/s | {made / 1e9:.1f} GB/s |")
    return rows


def mixing(n: int, block: int | None, is_sorted: bool, batch: int) -> tuple[float, float]:
    """(classes, blocks of 1000 samples) in a batch, on average over `BATCHES` batches of an epoch."""
    slots_of = order(n, 7, 0, True, block)
    classes = blocks = 0
    for start in np.linspace(0, n - batch, BATCHES).astype(np.int64).tolist():
        slots = slots_of(np.arange(start, start + batch, dtype=np.int64))
        ids = slots * CLASSES // n if is_sorted else slots * 2654435761 % (1 << 32) * CLASSES >> 32
        classes += len(np.unique(ids))
        blocks += len(np.unique(slots // 1000))
    return classes / BATCHES, blocks / BATCHES


def qualities() -> list[str]:
    """A row for each block size: of a batch of one node, and of all nodes together."""
    rows = []
    for block in BLOCKS:
        found = [f"{mixing(SAMPLES, block, is_sorted, BATCH)[0]:.0f}" for is_sorted in (True, False)]
        together = mixing(SAMPLES, block, True, BATCH * NODES)[0]
        blocks = mixing(SAMPLES, block, True, BATCH)[1]
        rows.append(f"| {block or 'none'} | {found[0]} | {together:.0f} | {found[1]} | {blocks:.0f} |")
    return rows


if __name__ == "__main__":
    print(*costs(), "", *qualities(), sep="\n")
