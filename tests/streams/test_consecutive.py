"""Epochs one after the other, overlapping, pickled or forked: the same batches, however many are made ahead."""

import itertools
import os
import pickle
from typing import Any

import numpy as np
import pytest

from vary.policy import Policy
from vary.streams import Stream, stream


def indices(batches: Any) -> list[int]:
    return [int(index) for batch in batches for index in batch.indices]


@pytest.mark.parametrize("options", [{}, {"shard": (1, 2)}, {"drop_last": True}, {"batch_size": 64}, {"frozen": True}])
@pytest.mark.parametrize("prefetch", [1, 2, 7])
def test_the_batches_are_the_same(images: np.ndarray, policy: Policy, prefetch: int, options: dict[str, Any]) -> None:
    given: dict[str, Any] = {"labels": np.arange(23), "batch_size": 4, "seed": 5, **options}
    one, other = (stream(images, policy, prefetch=ahead, **given) for ahead in (0, prefetch))
    for epoch in range(4):
        for expected, batch in itertools.zip_longest(one, other):
            assert (batch.epoch, expected.epoch) == (epoch, epoch)
            assert [a.tobytes() for a in (*batch, batch.indices)] == [a.tobytes() for a in (*expected, batch.indices)]
            assert one.state_dict() == other.state_dict(), "what is ahead was not handed over"
        assert other.report().images == one.report().images == sum(len(b.indices) for b in stream_at(one, epoch))


def stream_at(one: Stream, epoch: int) -> Stream:
    copy = pickle.loads(pickle.dumps(one))
    copy.set_epoch(epoch)
    return copy  # type: ignore[no-any-return]


def test_two_that_overlap(numbered: np.ndarray) -> None:
    train = stream(numbered, Policy([]), batch_size=2, prefetch=3)
    expected = [indices(stream_at(train, epoch)) for epoch in range(4)]
    one = iter(train)
    first = indices(itertools.islice(one, 4))
    other = iter(train)
    second = indices(itertools.islice(other, 4))
    assert first + indices(one) == expected[0]
    assert second + indices(other) == expected[1]
    assert [indices(train), indices(train)] == expected[2:]


def test_it_pickles_and_forks(numbered: np.ndarray) -> None:
    train = stream(numbered, Policy([]), batch_size=2, prefetch=3)
    expected = [indices(stream_at(train, epoch)) for epoch in range(3)]
    assert indices(train) == expected[0]
    copy = pickle.loads(pickle.dumps(train))
    pid = os.fork()
    if pid == 0:
        os._exit(int(indices(train) != expected[1]))
    assert os.waitpid(pid, 0)[1] == 0
    assert [indices(train), indices(train)] == expected[1:]
    assert indices(copy) == expected[1]
