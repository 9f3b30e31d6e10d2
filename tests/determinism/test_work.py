"""The work for a batch, counted rather than timed: resamplings, sweeps, allocations, threads."""

import os
import subprocess
import sys

import numpy as np
import pytest
from determinism.hashes import POLICIES, waves

from vary import HorizontalFlip, Policy, Resize, Rotate, Zoom
from vary.plan.request import Address, Counts, Request

N = 16
PICTURES = [waves(150, 150, 3)] * N


def counts(policy: Policy, threads: int = 1, images: list[np.ndarray] = PICTURES) -> Counts:
    address = Address(0, 0, 0, np.arange(len(images)))
    return policy.runner(3, "uint8").batch(Request((images,), address, threads=threads)).counts


def test_the_main_policy_resamples_once_and_sweeps_nothing_again() -> None:
    runner = POLICIES["flip and affine"].runner(3, "uint8")
    maps = [runner.describe(150, 150, row)[0] for row in runner.rows(Address(0, 0, 0, np.arange(N)))]
    shrinking = sum(max(m["shrink"]) > 1 for m in maps)
    assert 0 < shrinking < N
    done = counts(POLICIES["flip and affine"])
    assert (done.pictures, done.resamples, done.sweeps, done.reductions) == (N, N, 0, shrinking)


@pytest.mark.parametrize("name", ["flip and affine", "inception", "evaluation", "strict", "reduced", "boxes", "colour"])
def test_nothing_is_allocated_once_it_runs(name: str) -> None:
    policy = POLICIES[name]
    for _ in range(2):
        counts(policy)
    assert counts(policy).growths == 0


WORK = [  # policy, then for each picture: resamplings, further sweeps for a mean, reductions before a warp
    (Policy([]), 1, 0, 0),
    (Policy([HorizontalFlip(), Rotate((5, 5)), Zoom((1.05, 1.1)), Resize(150, 150)]), 1, 0, 0),
    (Policy([HorizontalFlip(p=1), Rotate((5, 5)), Zoom((0.9, 0.9))], strict=True), 3, 0, 0),
    (Policy([HorizontalFlip(), Rotate((5, 5)), Zoom((0.9, 0.95))]), 1, 0, 1),
    (POLICIES["inception"], 1, 1, 0),
    (POLICIES["evaluation"], 1, 0, 0),
    (Policy([Rotate((30, 30)), Resize(50, 50)]), 1, 0, 1),
]


@pytest.mark.parametrize(("policy", "resamples", "sweeps", "reductions"), WORK, ids=[str(row[0]) for row in WORK])
def test_work(policy: Policy, resamples: int, sweeps: int, reductions: int) -> None:
    done = counts(policy)
    assert (done.resamples, done.sweeps, done.reductions) == (resamples * N, sweeps * N, reductions * N)


def test_counts_do_not_depend_on_threads() -> None:
    one, two = (counts(POLICIES["strict"], threads)[:4] for threads in (1, 2))
    assert one == two


THREADS = """
import os, sys
import numpy as np
import vary
count = lambda: len(os.listdir("/proc/self/task"))
before = count()
for height, threads in ((32, 8), (150, 1), (150, 2)):
    images = np.zeros((32, height, 150, 3), np.uint8)[:, :, : 32 if height == 32 else 150]
    vary.Policy([vary.Rotate(40)]).batch(images, threads=threads)
    print(count() - before)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted in /proc")  # noqa: PTH112
def test_small_batches_use_fewer_threads() -> None:
    out = subprocess.run([sys.executable, "-c", THREADS], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["0", "0", "1"], "beside the caller; waking one costs more than 32 pictures of 32 x 32"
