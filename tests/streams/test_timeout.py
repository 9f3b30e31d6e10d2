"""`timeout=` ends a wait with an error that says which batch, and what its makers are doing."""

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import vary
from vary.errors import InputError, StreamTimeoutError, VaryError
from vary.policy import Policy
from vary.sources import Arrays, Item
from vary.streams import mix, stream
from vary.transforms import Lambda


@pytest.fixture
def release() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


class Stuck(Arrays):
    """Sample 5 is never read, as on a network drive that is gone."""

    def __init__(self, images: np.ndarray, release: threading.Event) -> None:
        super().__init__(images)
        self.release = release

    def item(self, index: int) -> Item:
        if index == 5:
            self.release.wait(60)
        return super().item(index)

    def path(self, index: int) -> str:
        return f"/data/{index}.png"


def test_a_stuck_read_is_named(numbered: np.ndarray, release: threading.Event) -> None:
    train = stream(Stuck(numbered, release), Policy([]), batch_size=2, shuffle=False, timeout=0.2)
    batches = iter(train)
    assert [next(batches).indices.tolist() for _ in range(2)] == [[0, 1], [2, 3]]
    with pytest.raises(StreamTimeoutError) as caught:
        next(batches)
    text = str(caught.value)
    assert "batch 2 of epoch 0 has not come within timeout=0.2 seconds: reading /data/5.png" in text
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, VaryError)
    assert next(batches, None) is None, "the epoch has ended"
    release.set()
    train.load_state_dict(train.state_dict())
    assert [batch.indices.tolist() for batch in train] == [[4, 5], [6, 7], [8, 9]], "nothing is lost"


def test_a_stuck_user_function_is_named(numbered: np.ndarray, release: threading.Event) -> None:
    def stuck(image: np.ndarray) -> np.ndarray:
        if image[0, 0, 0] == 3:
            release.wait(60)
        return image

    batches = iter(stream(numbered, Policy([Lambda(stuck)]), batch_size=2, shuffle=False, timeout=0.2))
    next(batches)
    with pytest.raises(StreamTimeoutError, match=r"batch 1 of epoch 0 .*: in a user function for sample 3"):
        next(batches)


def test_in_a_mix_the_stream_is_named(numbered: np.ndarray, release: threading.Event) -> None:
    given: dict[str, Any] = {"batch_size": 4, "shuffle": False, "timeout": 0.2}
    train = mix([stream(numbered, Policy([]), **given), stream(Stuck(numbered, release), Policy([]), **given)])
    with pytest.raises(StreamTimeoutError, match=r"reading /data/5.png of streams\[1\]"):
        list(train)


def test_an_epoch_in_time_is_as_without(numbered: np.ndarray) -> None:
    for prefetch in (0, 2):
        train = stream(numbered, Policy([]), batch_size=2, timeout=60, prefetch=prefetch)
        assert sorted(index for batch in train for index in batch.indices) == list(range(10))


def test_an_error_of_the_users_own_is_no_timeout(numbered: np.ndarray) -> None:
    def fails(_: np.ndarray) -> np.ndarray:
        raise TimeoutError("of the user's own")

    for timeout in (None, 60):
        with pytest.raises(TimeoutError, match="of the user's own") as caught:
            list(stream(numbered, Policy([Lambda(fails)]), timeout=timeout))
        assert not isinstance(caught.value, StreamTimeoutError)


@pytest.mark.parametrize("value", [0, -1, True, "soon", float("nan"), float("inf")])
def test_what_is_no_time(numbered: np.ndarray, value: Any) -> None:
    with pytest.raises(InputError, match=r"timeout=.*; give a number of seconds above 0, or None"):
        vary.stream(numbered, Policy([]), timeout=value)
