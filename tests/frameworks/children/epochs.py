"""What streams of other frameworks have to hand out: the labels of every batch of some epochs, as the stream has them.

Also the networks' pictures, and processes that train together.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

import vary

PHOTOS = Path(__file__).resolve().parents[4] / "shared" / "data" / "cats_dogs" / "train"
COUNT, SIZE = 53, 4
IMAGES = np.random.default_rng(0).integers(0, 256, (COUNT, 12, 16, 3), dtype=np.uint8)
LABELS = np.arange(COUNT)
POLICY = vary.Policy([vary.HorizontalFlip(), vary.Rescale(1 / 255)])
STEPS = -(-COUNT // SIZE)  # batches in an epoch


def stream(**options: object) -> vary.Stream:
    return vary.stream((IMAGES, LABELS), POLICY, **{"batch_size": SIZE, "seed": 3, **options})


def mixed() -> vary.Mixed:
    return vary.mix([stream(), stream(seed=4)])


def labels(batches: Iterable) -> list[list[int]]:
    return [np.asarray(batch.labels).tolist() for batch in batches]


def expected(epochs: int, **options: object) -> list[list[list[int]]]:
    one = stream(**options)
    return [labels(one) for _ in range(epochs)]


def in_a_row(epochs: int) -> list[list[int]]:
    return [batch for epoch in expected(epochs) for batch in epoch]


def photos(size: int = 48, **options: object) -> vary.Stream:
    policy = vary.Policy([vary.Resize(size, size), vary.HorizontalFlip(), vary.Rescale(1 / 255)])
    return vary.stream(PHOTOS, policy, **{"batch_size": 25, "seed": 1, **options})


def together(code: str, ranks: int = 2) -> list[list[list[int]]]:
    """What processes print that run this code with the arguments RANK RANKS PORT: each one a list of batches."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "XLA_FLAGS": ""}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(rank), str(ranks), str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for rank in range(ranks)
    ]
    found = []
    try:
        for one in running:
            said, complaints = one.communicate(timeout=120)
            assert one.returncode == 0, complaints
            found.append([[int(label) for label in line.split()] for line in said.splitlines() if line[:1].isdigit()])
    finally:
        for one in running:
            one.kill()
            one.wait()
    return found


def claim_shares(found: list[list[list[int]]], epochs: list[list[list[int]]]) -> None:
    """Two ranks: as many batches each, and every sample of each epoch, once but for the ones that fill up."""
    assert len(found[0]) == len(found[1])
    steps = len(found[0]) // len(epochs)
    for number, epoch in enumerate(epochs):
        shares = [[label for batch in one[number * steps : (number + 1) * steps] for label in batch] for one in found]
        everything = [label for batch in epoch for label in batch]
        pairs = [label for pair in zip(*shares, strict=True) for label in pair]
        assert pairs == (everything + everything)[: len(pairs)]
        assert len(everything) <= len(pairs) < len(everything) + 2
