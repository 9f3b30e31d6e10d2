"""Run as a script, because the forkserver is a process that stays: prints whether a batch is the same in a process.

Its argument is the start method.
"""

import multiprocessing
import sys

import numpy as np
from pictures import random_images

from vary.keras import ImageDataGenerator, Iterator


def batch_one(it: Iterator) -> np.ndarray:
    found: np.ndarray = it[1]
    return found


def main() -> None:
    it = ImageDataGenerator(rotation_range=40, horizontal_flip=True, rescale=1 / 255).flow(
        random_images(20, (150, 150, 3)), batch_size=8, seed=3
    )
    expected = it[1]
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        print((pool.apply(batch_one, (it,)) == expected).all())


if __name__ == "__main__":
    main()
