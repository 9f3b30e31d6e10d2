"""The order of an epoch: a bijection, uniform, and a function of position alone."""

import itertools
import math
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from vary.rng import integer, permutation, permute
from vary.streams.order import shuffle as module
from vary.streams.order.shuffle import TABLE_LIMIT, order

Whole = Callable[[int, int, int], np.ndarray]


def cipher(n: int, seed: int, epoch: int) -> np.ndarray:
    return permute(np.arange(n), n, seed, epoch)


both = pytest.mark.parametrize("whole", [permutation, cipher])


def expect_uniform(counts: np.ndarray, freedom: int) -> None:
    """Chi-square within five standard deviations of its mean; the seeds are fixed, so it holds or it does not."""
    expected = counts.sum() / counts.size
    assert expected >= 5
    chi = ((counts - expected) ** 2).sum() / expected
    assert abs(chi - freedom) < 5 * math.sqrt(2 * freedom), (chi, freedom)


@both
@pytest.mark.parametrize("n", [*range(1, 70), 196, 255, 256, 257, 1000, 4095, 4096, 4097, 65537])
def test_each_sample_once(whole: Whole, n: int) -> None:
    found = whole(n, 7, 3)
    assert found.dtype == np.int64
    assert np.array_equal(np.sort(found), np.arange(n))


def test_each_sample_once_beyond_the_table() -> None:
    n = TABLE_LIMIT + 7
    found = order(n, 7, 0, True)(np.arange(n))
    assert np.array_equal(np.bincount(found, minlength=n), np.ones(n, np.int64))
    assert not np.array_equal(found[:100], order(n, 7, 1, True)(np.arange(100)))


@pytest.mark.parametrize("n", [1 << 32, (1 << 40) + 5, (1 << 63) - 1])
def test_no_number_of_samples_is_too_large(n: int) -> None:
    positions = np.concatenate([np.arange(2000), n - 1 - np.arange(2000)])
    found = permute(positions, n, 1, 1)
    assert len(set(found.tolist())) == 4000
    assert found.min() >= 0
    assert found.max() < n
    assert abs(found.astype(float).mean() / n - 0.5) < 5 / math.sqrt(12 * 4000)


@both
@pytest.mark.parametrize("n", range(2, 8))
def test_all_orders_of_a_few_samples_are_equally_likely(whole: Whole, n: int) -> None:
    rounds = max(10 * math.factorial(n), 2000)
    seen = Counter(tuple(whole(n, 11, epoch).tolist()) for epoch in range(rounds))
    counts = np.array([seen[one] for one in itertools.permutations(range(n))])
    expect_uniform(counts, counts.size - 1)


@both
@pytest.mark.parametrize(("n", "rounds"), [*((n, 20 * n) for n in range(2, 51)), (50, 4000), (196, 1500), (1000, 5000)])
def test_a_sample_is_equally_likely_anywhere(whole: Whole, n: int, rounds: int) -> None:
    counts = np.zeros((n, n), np.int64)
    places = np.arange(n)
    for epoch in range(rounds):
        counts[places, whole(n, 5, epoch)] += 1
    expect_uniform(counts, (n - 1) ** 2)


@both
def test_neighbours_and_epochs_are_independent(whole: Whole) -> None:
    n, rounds = 50, 4000
    orders = np.stack([whole(n, 2, epoch) for epoch in range(rounds)])
    steps = np.bincount((np.diff(orders, axis=1) % n).ravel(), minlength=n)[1:]
    expect_uniform(steps, n - 2)
    kept = (orders[1:] == orders[:-1]).sum(axis=1)  # fixed points of a random permutation: 1, with variance 1
    assert abs(kept.mean() - 1) < 5 / math.sqrt(rounds)
    seeds = np.stack([whole(n, seed, 0) for seed in range(rounds)])
    assert abs((seeds[1:] == seeds[:-1]).sum(axis=1).mean() - 1) < 5 / math.sqrt(rounds)


def test_orders_of_different_names_are_independent() -> None:
    n, rounds = 50, 4000
    kept = [(cipher(n, 3, epoch) == permute(np.arange(n), n, 3, epoch, "blocks")).sum() for epoch in range(rounds)]
    assert abs(np.mean(kept) - 1) < 5 / math.sqrt(rounds)  # as of any two permutations


@pytest.mark.parametrize("n", [1, 2, 3, 10, 256, 1000])
def test_an_integer_of_an_epoch_is_uniform(n: int) -> None:
    counts = np.bincount([integer(n, 6, epoch, "some") for epoch in range(10 * max(n, 20))], minlength=n)
    assert counts.size == n
    if n > 1:
        expect_uniform(counts, n - 1)


def test_order_is_computed_by_position(monkeypatch: pytest.MonkeyPatch) -> None:
    positions = np.array([3, 0, 19, 7])
    assert np.array_equal(order(20, 1, 2, True)(positions), permutation(20, 1, 2)[positions])
    unshuffled = order(20, 1, 2, False)(positions)
    assert np.array_equal(unshuffled, positions)
    assert not np.shares_memory(unshuffled, positions)
    monkeypatch.setattr(module, "TABLE_LIMIT", 20)
    assert np.array_equal(order(20, 1, 2, True)(positions), permute(positions, 20, 1, 2))
