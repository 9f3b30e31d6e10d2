"""Worker processes that vary pictures without a seed: `python worker_child.py fork`. Run by test_seeds.py."""

import json
import multiprocessing
import sys
import warnings

import numpy as np

from vary import Policy, Rotate, Zoom

warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)  # Python 3.12 on; it is the point

IMAGE = np.random.default_rng(3).integers(0, 256, (20, 20, 3), np.uint8)
POLICY = Policy([Rotate(40), Zoom(0.2)])


def work(_: int) -> list[str]:
    """Four pictures of one worker, its random generators set alike in all of them, as careless workers have them."""
    import random

    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    return [digest(POLICY(IMAGE)), digest(POLICY(IMAGE)), *map(digest, POLICY.batch([IMAGE] * 2))]


def digest(image: np.ndarray) -> str:
    return image.tobytes().hex()[:400]


if __name__ == "__main__":
    here = work(0)  # before any worker begins: what a fork copies has drawn already
    with multiprocessing.get_context(sys.argv[1]).Pool(3) as pool:
        there = pool.map(work, range(6), chunksize=1)
    print(json.dumps([here, *there]))
