"""`ImageDataGenerator.fit`: mean and deviation of each channel, and ZCA whitening, of data in memory or in files.

Data are read a batch at a time. The images are those that the network sees before normalisation by the data: augmented
if asked for, and after preprocessing_function, rescale and normalisation by the image itself.

Whitening is exact for images with up to `EXACT` values, and for larger ones if they are few. Of other data, the `rank`
directions with the largest variance are found by random projection (Halko, Martinsson and Tropp, "Finding structure
with randomness", 2011, algorithm 4.4), and all others count as one variance. For images of d values, memory is then
three times 4 (rank + 10) d bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from vary.errors import InputError
from vary.keras.standardize import SMALLEST, Statistics
from vary.keras.whitening import Directions, exact_directions, sketched_directions, whitening_of
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vary.keras.maker import Maker
    from vary.keras.parameters import Parameters

__all__ = ["Plan", "fit", "fit_as_before"]

EXACT = 4096
BLOCK = 32  # images


class Plan(NamedTuple):
    """What to fit. maker: it makes the images, without normalisation by the data. wanted: which statistics. number: of
    images. rounds: passes over them, each augmented anew. seed: of the augmentation, and of the random projection."""

    maker: Maker
    wanted: Parameters
    number: int
    rounds: int
    seed: int

    def blocks(self) -> Iterator[Array]:
        """The images, (n, H, W, C) float32 or channels first, `rounds` times."""
        for epoch in range(self.rounds):
            for start in range(0, self.number, BLOCK):
                indices = np.arange(start, min(start + BLOCK, self.number))
                yield self.maker.made(indices, self.maker.draws(indices, self.seed, epoch))[0]


def fit(plan: Plan, rank: int) -> Statistics:
    """The statistics that are wanted. rank: how many directions are whitened each by itself, where it is not exact."""
    p = plan.wanted
    if not (p.featurewise_center or p.featurewise_std_normalization or p.zca_whitening):
        return Statistics()
    axis = 1 if p.data_format == "channels_first" else 3
    mean, std = _moments(plan.blocks, axis)
    if not p.zca_whitening:
        return Statistics(mean, std if p.featurewise_std_normalization else None)

    def rows() -> Iterator[Array]:
        for block in plan.blocks():
            yield (block - mean).reshape(len(block), -1)

    size, count = int(np.prod(plan.maker.images.shape)), plan.number * plan.rounds
    few = count < size and count * size <= EXACT**2
    found: Directions = (
        exact_directions(rows, size, count)
        if size <= EXACT or few
        else sketched_directions(rows, size, count, rank, plan.seed)
    )
    return Statistics(mean, None, whitening_of(found, p.zca_epsilon, size <= EXACT))


def _moments(blocks: Callable[[], Iterator[Array]], axis: int) -> tuple[Array, Array]:
    """Mean and standard deviation of each channel, float32, in a shape that fits an image. The moments of blocks are
    put together by the formula of Chan, Golub and LeVeque, "Updating formulae ..." (1979)."""
    others = tuple(one for one in range(4) if one != axis)
    count, mean, squares = 0, np.zeros(()), np.zeros(())
    for block in blocks():
        x = block.astype(np.float64)
        n, own = x.size // x.shape[axis], x.mean(others, keepdims=True)
        apart = own - mean
        squares = squares + ((x - own) ** 2).sum(others, keepdims=True) + apart**2 * (count * n / (count + n))
        mean, count = mean + apart * (n / (count + n)), count + n
    if not count:
        raise InputError("fit was given no image; give at least one")
    return mean[0].astype(np.float32), np.sqrt(squares / count)[0].astype(np.float32)


# Any: an ImageDataGenerator, and what becomes an array (N, H, W, C)
def fit_as_before(generator: Any, x: Any, augment: bool, rounds: int, seed: int | None) -> Statistics:
    """As the old versions do it: all data in memory; rescale, then augmentation; no preprocessing function."""
    p = generator.parameters
    x = np.array(x, p.dtype)
    if x.ndim != 4:
        raise InputError(f"Input to `.fit()` should have rank 4. Got array with shape: {x.shape}")
    if seed is not None:
        np.random.seed(seed)  # noqa: NPY002
    if p.rescale:
        x *= p.rescale
    if augment:
        x = np.array([generator.random_transform(one) for _ in range(rounds) for one in x], p.dtype)
    others, mean, std, matrix = (0, *sorted({1, 2, 3} - {generator.channel_axis})), None, None, None
    if p.featurewise_center:
        mean = np.mean(x, others, keepdims=True)[0]
        x -= mean
    if p.featurewise_std_normalization:
        std = np.std(x, others, keepdims=True)[0]
        x /= std + SMALLEST
    if p.zca_whitening:
        flat = x.reshape(len(x), -1)
        if generator.compat == "1.1.2":
            u, s, _ = np.linalg.svd(np.asarray(flat.T @ flat / len(flat), np.result_type(flat, np.float32)))
            scale = 1 / np.sqrt(s + p.zca_epsilon)
        else:
            u, s, _ = np.linalg.svd(flat.T, full_matrices=False)
            scale = np.sqrt(len(flat)) / (s + p.zca_epsilon)
        matrix = (u * scale) @ u.T
    return Statistics(mean, std, matrix)
