"""`order=`: the user's own function from the epoch to indices, with everything else as usual."""

import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError
from vary.policy import Policy
from vary.sources import Arrays
from vary.streams import mix, stream
from vary.testing import check_resume
from vary.transforms import Rotate

TURN = Policy([Rotate(40)])


def by_epoch(epoch: int) -> list[int]:
    """Of another length each epoch, with repetitions."""
    return [(3 * k + epoch) % 10 for k in range(12 + epoch)]


def other(epoch: int) -> list[int]:
    return by_epoch(epoch)[::-1]


def indices(batches: Any) -> list[int]:
    return [int(index) for batch in batches for index in batch.indices]


@pytest.mark.parametrize("process", [False, True])
def test_samples_come_in_the_order_given(numbered: np.ndarray, process: bool) -> None:
    with stream((numbered, np.arange(10)), TURN, order=by_epoch, batch_size=5, process=process) as train:
        for epoch in range(3):
            assert len(train) == -(-(12 + epoch) // 5)
            batches = list(train)
            assert indices(batches) == by_epoch(epoch)
            assert [int(label) for batch in batches for label in batch.labels] == by_epoch(epoch)


def test_a_repeated_index_is_another_view_and_replays() -> None:
    images = np.random.default_rng(0).integers(0, 256, (10, 9, 9, 3), np.uint8)
    train = stream(images, TURN, order=lambda _: [7, 2, 7, 7, 2], batch_size=5)
    (batch,) = train
    assert batch.views.tolist() == [0, 0, 1, 2, 1]
    assert len({picture.tobytes() for picture in batch.images}) == 5
    for picture, index, view in zip(batch.images, batch.indices.tolist(), batch.views.tolist(), strict=True):
        assert np.array_equal(train.replay(index, 0, view).images[0], picture)


@pytest.mark.parametrize("more", [{}, {"shard": (1, 3)}, {"shard": (2, 4), "uneven": "keep"}, {"drop_last": True}])
def test_it_resumes_and_is_sharded(numbered: np.ndarray, more: dict[str, Any]) -> None:
    check_resume(lambda: stream(numbered, TURN, order=by_epoch, batch_size=2, **more))


def test_ranks_share_it(numbered: np.ndarray) -> None:
    parts = [stream(numbered, TURN, order=by_epoch, batch_size=2, shard=(rank, 2)) for rank in range(2)]
    together = [index for steps in zip(*parts, strict=True) for pair in zip(*map(indices, zip(steps)), strict=True)
                for index in pair]  # fmt: skip
    assert together == by_epoch(0)


def test_of_a_subset_indices_are_its_own(numbered: np.ndarray) -> None:
    part = Arrays(numbered)[[8, 3, 5]]
    assert indices(stream(part, TURN, order=lambda _: [2, 0, 2])) == [5, 8, 5]


def test_replacements_are_from_the_order(numbered: np.ndarray) -> None:
    from vary.errors import SourceError

    class Broken(Arrays):
        def item(self, index: int) -> Any:
            if index == 3:
                raise SourceError("3 is broken")
            return super().item(index)

    train = stream(Broken(numbered), TURN, order=lambda _: [3, 1, 4, 3], on_error="replace")
    found = indices(train)
    assert set(found) == {1, 4}
    assert found[1:3] == [1, 4]


def test_a_state_of_another_function_is_refused(numbered: np.ndarray) -> None:
    train = stream(numbered, TURN, order=by_epoch, batch_size=5)
    next(iter(train))
    state = json.loads(json.dumps(train.state_dict()))
    assert state["order"] == "by_epoch"
    with pytest.raises(InputError, match="order='by_epoch', this stream has order='other'"):
        stream(numbered, TURN, order=other, batch_size=5).load_state_dict(state)
    copy = pickle.loads(pickle.dumps(train))
    copy.load_state_dict(state)
    assert indices(copy) == by_epoch(0)[5:]


def test_in_a_mix_epochs_are_equally_long(numbered: np.ndarray) -> None:
    backwards = stream(numbered, TURN, order=lambda _: range(9, -1, -1), batch_size=4)
    plain = stream(numbered, TURN, shuffle=False, batch_size=4)
    found = [(int(i), int(s)) for b in mix([backwards, plain]) for i, s in zip(b.indices, b.streams, strict=True)]
    assert [index for index, which in found if which == 0] == list(range(9, -1, -1))
    uneven = mix([stream(numbered, TURN, order=by_epoch, batch_size=4), plain])
    with pytest.raises(InputError, match=r"streams\[0\] has 13 samples in epoch 1 and 12 in epoch 0; in a mix, order="):
        list(uneven.batches(3))


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ([1, 2], r"order=\[1, 2\]; give a function from the epoch's number to a list of indices"),
        (lambda _: [], r"order\(0\) gave \[\]; give a list or 1-D array of indices of samples, 0 .. 9, at least one"),
        (lambda _: [1, 10], r"order\(0\) gave 10 at place 1; give a list or 1-D array of indices of samples, 0 .. 9"),
        (lambda _: [0, -1], r"order\(0\) gave -1 at place 1"),
        (lambda _: [[1, 2]], r"order\(0\) gave \[\[1, 2\]\], of shape \(1, 2\)"),
        (lambda _: [0.5], r"order\(0\) gave \[0.5\], of shape \(1,\) and dtype float64"),
        (lambda _: None, r"order\(0\) gave NoneType"),
        (lambda _: "abc", r"order\(0\) gave str"),
    ],
)
def test_invalid_orders(numbered: np.ndarray, order: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        list(stream(numbered, TURN, order=order))


@pytest.mark.parametrize("more", [{"repeat": 2}, {"weights": [1.0] * 10}, {"shuffle_block_size": 3}])
def test_arguments_that_exclude_it(numbered: np.ndarray, more: dict[str, Any]) -> None:
    (name,) = more
    with pytest.raises(InputError, match=f"order= and {name}=.*: the order alone says what comes; leave out one"):
        stream(numbered, TURN, order=by_epoch, **more)


def test_the_function_is_called_once_an_epoch(numbered: np.ndarray) -> None:
    asked: list[int] = []

    def order(epoch: int) -> list[int]:
        asked.append(epoch)
        return by_epoch(epoch)

    train = stream(numbered, TURN, order=order, batch_size=1)
    for _ in range(3):
        list(train)
    assert sorted(asked) == sorted({*asked})


def test_a_generator_of_indices_is_refused(numbered: np.ndarray) -> None:
    order: Callable[[int], Any] = lambda _: (index for index in range(3))  # noqa: E731
    with pytest.raises(InputError, match=r"order\(0\) gave generator"):
        stream(numbered, TURN, order=order)


def test_stop_iteration_is_an_error(numbered: np.ndarray) -> None:
    epochs = iter([[0, 1], [2, 3]])

    def order(_: int) -> list[int]:
        return next(epochs)

    train = stream(numbered, TURN, order=order, batch_size=2)
    batches = train.batches()
    assert indices([next(batches), next(batches)]) == [0, 1, 2, 3]
    with pytest.raises(RuntimeError, match=r"order\(2\) raised StopIteration"):
        list(batches)
    for call in (lambda: len(train), train.peek, lambda: list(train)):
        with pytest.raises(RuntimeError, match=r"order\(2\) raised StopIteration"):
            call()


def test_an_index_may_not_come_more_often_than_there_are_views(numbered: np.ndarray) -> None:
    def order(_: int) -> np.ndarray:
        return np.zeros((1 << 17) + 1, np.int64)

    with pytest.raises(InputError, match=r"order\(0\) gave an index 131073 times; give it 131072 times at most"):
        stream(numbered, TURN, order=order, views=8)
    assert len(stream(numbered, TURN, order=order, batch_size=1 << 18)) == 1
