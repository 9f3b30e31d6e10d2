"""The next epoch begins while the last batches of this one are still to be taken, and nobody sees it in a batch."""

import itertools
import os
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from streams.test_ahead import Watched

from vary.errors import SourceError
from vary.policy import Policy
from vary.sources import Arrays, Item
from vary.streams import Stream, stream


def of_tens(numbered: np.ndarray, **options: Any) -> tuple[Watched, Stream]:
    """Epochs of five batches, with the source's eyes on what is read."""
    source = Watched(numbered)
    train = stream(source, Policy([]), **{"batch_size": 2, "prefetch": 3, "shuffle": False, **options})
    source.asked.clear()
    return source, train


def indices(batches: Any) -> list[int]:
    return [int(index) for batch in batches for index in batch.indices]


@pytest.mark.parametrize("prefetch", [1, 2, 3, 8])
def test_it_begins_before_the_last_batch_is_taken(numbered: np.ndarray, prefetch: int) -> None:
    source, train = of_tens(numbered, prefetch=prefetch)
    batches = iter(train)
    for taken in range(1, 6):
        next(batches)
        with source.changed:
            reached = source.changed.wait_for(lambda t=taken: len(source.asked) >= 2 * min(t + prefetch, 10), 60)
        assert reached, "five of this epoch, and at most all five of the next"
        assert len(source.asked) <= 2 * (taken + prefetch), "never further ahead than within an epoch"
    before = len(source.asked)
    assert before > 10
    assert indices(train) == list(range(10))
    assert len(source.asked) <= 20 + 2 * prefetch, "what was ready is not made again"


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


def test_it_waits_for_nobody_who_cannot_ask(numbered: np.ndarray) -> None:
    source, train = of_tens(numbered)
    batches = iter(train)
    del train
    assert indices(batches) == list(range(10))
    assert len(source.asked) == 10


def test_it_is_dropped_where_another_epoch_is_asked_for(numbered: np.ndarray) -> None:
    source, train = of_tens(numbered, shuffle=True)
    orders = [indices(train) for _ in range(3)]
    train.set_epoch(1)
    assert indices(train) == orders[1]
    state = train.state_dict()
    assert indices(train) == orders[2]
    train.load_state_dict(state)
    assert indices(train) == orders[2]
    train.set_epoch(3)  # which comes next anyhow: as trainers of several devices say it each time
    source.reach(10)
    while not train._ahead or not all(future.done() for future in train._ahead._under_way):
        threading.Event().wait(0.001)
    source.asked.clear()
    train.set_epoch(3)
    batches = iter(train)
    del train
    assert len(indices(batches)) == 10
    assert len(source.asked) == 4, "three batches were ready"


def test_an_end_before_time_ends_it_too(numbered: np.ndarray) -> None:
    _, train = of_tens(numbered)
    for taken, _ in enumerate(train, 1):
        if taken == 4:  # the next epoch is under way
            break
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vary-")]
    assert train._ahead is None
    assert indices(train) == list(range(10))
    assert train.epoch == 2


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


def test_what_is_broken_is_told_in_its_epoch(numbered: np.ndarray) -> None:
    class Fragile(Arrays):
        broken = False

        def __getitem__(self, index: int) -> Item:
            if self.broken and not index:
                raise SourceError("gone")
            return super().__getitem__(index)

    source = Fragile(numbered)
    train = stream(source, Policy([]), batch_size=2, shuffle=False, prefetch=4)
    batches = iter(train)
    next(batches)
    source.broken = True
    assert len(indices(batches)) == 8
    with pytest.raises(SourceError, match="gone"):
        list(train)
    source.broken = False
    assert indices(train) == list(range(10))
