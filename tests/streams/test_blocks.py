"""Shuffling in blocks: each sample once, neighbours together, and as random as it says."""

import itertools
import math

import numpy as np
import pytest

from vary.errors import InputError
from vary.policy import Policy
from vary.streams import stream
from vary.streams.order.shuffle import GROUP, order

SIZES = [*range(1, 41), 97, 256, 1000]


def whole(n: int, block: int, epoch: int) -> np.ndarray:
    return order(n, 7, epoch, True, block)(np.arange(n))


@pytest.mark.parametrize("n", SIZES)
def test_each_sample_once(n: int) -> None:
    for block, epoch in itertools.product((1, 2, 3, 7, 10, n, n + 5), range(3)):
        found = whole(n, block, epoch)
        assert found.dtype == np.int64
        assert np.array_equal(np.sort(found), np.arange(n)), (block, epoch)


def test_a_position_is_computed_by_itself() -> None:
    ordered = order(1000, 7, 1, True, 9)
    every = ordered(np.arange(1000))
    assert [int(ordered(np.array([p]))[0]) for p in range(0, 1000, 13)] == every[::13].tolist()
    assert not np.array_equal(every, whole(1000, 9, 2))


@pytest.mark.parametrize("n", [1000, 960, 1004])
def test_reading_stays_within_a_group_of_blocks(n: int) -> None:
    for epoch in range(20):
        blocks = whole(n, 10, epoch) // 10
        last, at = -(-n // 10) - 1, 0
        groups = []
        while at < n:
            short = int(n % 10 and last in blocks[at : at + 10 * GROUP - 10 + n % 10])
            size = 10 * GROUP - (10 - n % 10 if short else 0)
            groups.append(sorted(set(blocks[at : at + size].tolist())))
            at += size
        assert sorted(itertools.chain(*groups)) == list(range(last + 1)), "no block lies in two groups"
        assert [len(group) for group in groups[:-1]] == [GROUP] * (len(groups) - 1)


def expect_uniform(counts: np.ndarray, freedom: int) -> None:
    expected = counts.sum() / counts.size
    chi = ((counts - expected) ** 2).sum() / expected
    assert abs(chi - freedom) < 5 * math.sqrt(2 * freedom), (chi, freedom)


@pytest.mark.parametrize(("n", "block"), [(6, 2), (12, 3), (40, 2), (44, 4), (98, 7)])
def test_a_sample_is_equally_likely_anywhere(n: int, block: int) -> None:
    """Asked of some places and samples alone: those of one block go together."""
    counts = np.zeros((n, n), np.int64)
    for epoch in range(40 * n):
        counts[np.arange(n), whole(n, block, epoch)] += 1
    for one in (0, n // 2, n - 1):
        expect_uniform(counts[:, one], n - 1)
        expect_uniform(counts[one], n - 1)


def test_a_short_block_is_equally_likely_anywhere() -> None:
    """Of 15 blocks, 8 are in the first group: within five standard deviations; the seed is fixed."""
    rounds = 4000
    places = np.array([int(np.argmax(whole(100, 7, epoch) == 99)) for epoch in range(rounds)])
    first, later = (places < 8 * 7 - 5).sum(), (places >= 8 * 7).sum()
    for seen, share in ((first, 8 / 15), (later, 7 / 15)):
        assert abs(seen - rounds * share) < 5 * math.sqrt(rounds * share * (1 - share))


def test_within_a_group_blocks_are_mixed() -> None:
    """Of neighbours in the order, some one in eight is of the same block; of a shuffle in whole blocks, nearly all."""
    same = np.mean([np.mean(np.diff(whole(800, 100, epoch) // 100) == 0) for epoch in range(50)])
    assert abs(same - 1 / 8) < 0.01


def test_groups_are_mixed_each_in_its_own_way() -> None:
    found = whole(160, 10, 0).reshape(2, 80) % 10
    assert (found[0] == found[1]).mean() < 0.3


def test_a_stream_in_blocks(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, shuffle_block_size=2, repeat=3, batch_size=5, seed=1)
    batches = list(train)
    indices = np.concatenate([batch.indices for batch in batches])
    assert np.array_equal(np.bincount(indices), np.full(23, 3))
    assert len(set(indices[:40].tolist())) <= 16, "a sample's repetitions are in its block"
    assert len({(int(i), int(v)) for b in batches for i, v in zip(b.indices, b.views, strict=True)}) == 69


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"shuffle": False}, "shuffle_block_size=4 is a way to shuffle; give shuffle=True"),
        ({"weights": [1] * 23}, "shuffle_block_size=4 and weights: .*; leave out one"),
    ],
)
def test_arguments_that_exclude_blocks(images: np.ndarray, options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        stream(images, Policy([]), shuffle_block_size=4, **options)  # type: ignore[arg-type]
