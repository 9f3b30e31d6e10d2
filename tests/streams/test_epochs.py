"""Which epoch an iteration is, and what changes from one to the next."""

import numpy as np
import pytest

from vary.errors import InputError
from vary.policy import Policy
from vary.rng import permutation
from vary.streams import Stream, stream


def orders(train: Stream) -> list[int]:
    return np.concatenate([batch.indices for batch in train]).tolist()


def by_index(train: Stream) -> np.ndarray:
    batches = list(train)
    places = np.argsort(np.concatenate([batch.indices for batch in batches]))
    return np.concatenate([batch[0] for batch in batches])[places]


def test_each_iteration_is_the_next_epoch(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, batch_size=4, seed=9)
    for epoch in range(4):
        assert train.epoch == epoch
        assert orders(train) == permutation(23, 9, epoch).tolist()


def test_an_interrupted_epoch_counts(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, batch_size=4)
    for batch in train:
        assert batch.epoch == 0
        break
    iter(train)
    assert next(iter(train)).epoch == 2


def test_set_epoch(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy)
    first = by_index(train)
    train.set_epoch(5)
    fifth = by_index(train)
    assert train.epoch == 6
    train.set_epoch(0)
    assert np.array_equal(by_index(train), first)
    assert not np.array_equal(first, fifth)
    assert np.array_equal(fifth, policy.batch(images, seed=0, epoch=5))
    for wrong in (-1, 1 << 32):
        with pytest.raises(InputError, match="epoch="):
            train.set_epoch(wrong)
    with pytest.raises(InputError, match=r"epoch='1'; give a whole number"):
        train.set_epoch("1")  # type: ignore[arg-type]


def test_two_epochs_at_once(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, batch_size=4, shuffle=False)
    for one, other in zip(train, train, strict=True):
        assert (one.epoch, other.epoch) == (0, 1)
        assert np.array_equal(one.indices, other.indices)


def test_frozen_pins_the_variation_not_the_order(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, frozen=True, seed=2)
    assert orders(train) != orders(train)
    whole = policy.batch(images, seed=2)
    for epoch in range(2, 4):
        assert train.epoch == epoch
        assert np.array_equal(by_index(train), whole)


def test_without_shuffling_pictures_still_vary(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, shuffle=False, batch_size=4)
    assert orders(train) == orders(train) == list(range(23))
    assert not np.array_equal(by_index(train), by_index(train))
