"""`peek` shows the first batch of the next iteration and changes nothing."""

from pathlib import Path

import numpy as np
import pytest

from vary.errors import InputError, SourceError
from vary.policy import Policy
from vary.streams import mix, stream


def test_peek_is_what_the_next_iteration_begins_with(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, batch_size=4, seed=9)
    for epoch in range(2):
        state = train.state_dict()
        peeked = train.peek()
        assert (train.epoch, train.state_dict(), peeked.epoch) == (epoch, state, epoch)
        batches = list(train)
        assert len(batches) == len(train)
        assert np.array_equal(peeked.images, batches[0].images)
        assert np.array_equal(peeked.indices, batches[0].indices)


def test_peek_within_an_epoch_and_after_loading_a_state(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, batch_size=4, seed=9)
    iterator = iter(train)
    next(iterator)
    state = train.state_dict()
    assert train.peek().epoch == 1
    assert train.state_dict() == state
    train.load_state_dict(state)
    assert np.array_equal(train.peek().indices, next(iterator).indices)


def test_peek_of_ranks_and_of_a_mix(images: np.ndarray, policy: Policy) -> None:
    for train in (
        stream(images, policy, batch_size=4, seed=2, shard=(1, 2)),
        mix([stream(images, policy, batch_size=4), stream(images[:5], policy, batch_size=4)], ratios=[1, 2]),
    ):
        peeked = train.peek()
        first = next(iter(train))
        assert np.array_equal(peeked.indices, first.indices)
        assert np.array_equal(peeked.images, first.images)


def test_peek_skips_broken_files(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, batch_size=1, on_error="skip", shuffle=False)
    first, second = train.source.paths[:2]
    (folder / first).write_bytes(b"broken")
    assert train.peek().paths == [str(folder / second)]
    for path in train.source.paths:
        (folder / path).write_bytes(b"broken")
    with pytest.raises(SourceError, match="all files of this epoch are broken"):
        train.peek()


def test_peek_after_the_last_batch_of_a_rank(numbered: np.ndarray) -> None:
    train = stream(numbered[:3], Policy([]), batch_size=1, shard=(1, 2), uneven="keep")
    batches = iter(train)
    next(batches)
    train.load_state_dict(train.state_dict())
    with pytest.raises(InputError, match=r"had all its batches of epoch 0; for the next epoch's: set_epoch\(1\)"):
        train.peek()
    assert list(train) == [], "the other rank has one more"
    assert len(train.peek()) == 1
