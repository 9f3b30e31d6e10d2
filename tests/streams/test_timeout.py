"""`timeout=` ends a wait with an error that names the batch, and says what its threads are doing."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vary
from vary.errors import InputError, StreamTimeoutError, VaryError
from vary.policy import Policy
from vary.sources import Arrays, Item
from vary.streams import mix, stream
from vary.transforms import Lambda, Resize


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
def test_invalid_timeouts(numbered: np.ndarray, value: Any) -> None:
    with pytest.raises(InputError, match=r"timeout=.*; give a number of seconds above 0, or None"):
        vary.stream(numbered, Policy([]), timeout=value)


def begun(train: Any, release: threading.Event, message: str) -> None:
    """It says what does not let the epoch begin, and goes on when that does."""
    for _ in range(2):
        with pytest.raises(StreamTimeoutError, match=message):
            iter(train)
    release.set()
    assert [batch.epoch for batch in train] == [1] * len(train)


def test_an_order_that_does_not_return(numbered: np.ndarray, release: threading.Event) -> None:
    def order(epoch: int) -> range:
        if epoch == 1:
            release.wait(60)
        return range(10)

    with stream(numbered, Policy([]), order=order, timeout=0.2) as train:
        train.set_epoch(1)
        begun(train, release, "epoch 1 has not begun within timeout=0.2 seconds: calling order=$")


@pytest.mark.parametrize("mixed", [False, True])
def test_a_first_sample_that_cannot_be_read(numbered: np.ndarray, release: threading.Event, mixed: bool) -> None:
    class Unstated:
        """Sample 0 tells its kind."""

        fields = ("images",)

        def __len__(self) -> int:
            return 10

        def __getitem__(self, index: int) -> Item:
            release.wait(60)
            return Item(numbered[index])

        def path(self, index: int) -> str:
            return f"/data/{index}.png"

    train: Any = stream(Unstated(), Policy([]), timeout=0.2)
    train = mix([train]) if mixed else train
    train.set_epoch(1)
    with pytest.raises(StreamTimeoutError):
        iter(train)
    train.load_state_dict(train.state_dict())
    begun(train, release, "epoch 1 has not begun within timeout=0.2 seconds: reading /data/0.png, to learn")


def test_a_file_by_which_the_cache_is_estimated(folder: Path) -> None:
    train = stream(folder, Policy([Resize(8, 8)]), timeout=0.2)
    stuck = folder / "cat" / "03.jpg"
    data = stuck.read_bytes()
    stuck.unlink()
    os.mkfifo(stuck)
    with pytest.raises(StreamTimeoutError, match=f"reading {stuck}, to learn"):
        iter(train)
    stuck.write_bytes(data)  # the one that waits reads it


@pytest.mark.parametrize("process", [False, True])
def test_a_timeout_of_any_length(numbered: np.ndarray, process: bool) -> None:
    with stream(numbered, Policy([]), timeout=1e300, process=process) as train:
        assert len(list(train)) == 1
