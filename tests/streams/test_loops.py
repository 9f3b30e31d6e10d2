"""`batches(epochs)`: epochs one after the other, as one iterator, for loops that count steps."""

import itertools
import json
import pickle

import numpy as np
import pytest

from vary.errors import InputError, SourceError
from vary.policy import Policy
from vary.sources import Arrays, Item
from vary.streams import mix, stream
from vary.transforms import HorizontalFlip

PLAIN = Policy([HorizontalFlip()])


def test_a_number_of_epochs(images: np.ndarray) -> None:
    one, other = (stream(images, PLAIN, batch_size=8) for _ in range(2))
    expected = [batch.images.tobytes() for _ in range(3) for batch in other]
    assert [batch.images.tobytes() for batch in one.batches(3)] == expected
    assert one.epoch == 3
    assert list(one.batches(0)) == []
    assert one.epoch == 3
    assert [batch.epoch for batch in one.batches(epochs=2)] == [3, 3, 3, 4, 4, 4]


def test_without_an_end_and_resumed(images: np.ndarray) -> None:
    train = mix([stream(images, PLAIN, batch_size=8)] * 2)
    endless = train.batches()
    first = [batch.images.tobytes() for batch in itertools.islice(endless, 9)]
    state = json.loads(json.dumps(train.state_dict()))
    rest = [batch.images.tobytes() for batch in itertools.islice(endless, 20)]
    endless.close()
    assert next(endless, None) is None
    fresh = pickle.loads(pickle.dumps(train))
    fresh.load_state_dict(state)
    assert [batch.images.tobytes() for batch in itertools.islice(fresh.batches(), 20)] == rest
    assert len({*first, *rest}) > 20


def test_an_epoch_without_a_picture_is_no_endless_loop(images: np.ndarray) -> None:
    class Broken(Arrays):
        def item(self, index: int) -> Item:
            raise SourceError(f"{index} is broken")

    with pytest.raises(SourceError, match="no picture came through"):
        next(stream(Broken(images), PLAIN, on_error="skip").batches())


@pytest.mark.parametrize("epochs", [-1, 1.5, "2", True])
def test_invalid_numbers_of_epochs(images: np.ndarray, epochs: object) -> None:
    with pytest.raises(InputError, match=r"epochs=.*; give a whole number of at least 0, or None: without an end"):
        stream(images, PLAIN).batches(epochs)  # type: ignore[arg-type]


def test_an_error_ends_all_epochs(images: np.ndarray) -> None:
    class Broken(Arrays):
        def item(self, index: int) -> Item:
            if index == 9:
                raise SourceError(f"{index} is broken")
            return super().item(index)

    train = stream(Broken(images), PLAIN, batch_size=8, shuffle=False)
    batches = train.batches(3)
    assert next(batches).indices[0] == 0
    with pytest.raises(SourceError, match="9 is broken"):
        next(batches)
    assert list(batches) == [], "not the next epoch, as if this one had come whole"
    assert (train.state_dict()["epoch"], train.state_dict()["position"]) == (0, 8)


def test_epochs_that_become_too_short_are_no_endless_loop(images: np.ndarray) -> None:
    train = stream(images, PLAIN, batch_size=8, drop_last=True, order=lambda epoch: range(5 if epoch else 8))
    batches = train.batches()
    assert next(batches).epoch == 0
    with pytest.raises(InputError, match="epoch 1 has 5 samples, for no batch; take drop_last=False or a smaller"):
        next(batches)


def test_closed_while_an_epoch_begins(images: np.ndarray) -> None:
    begins: list[int] = []

    def order(epoch: int) -> range:
        begins.append(epoch)
        if epoch == 1:
            batches.close()
        return range(8)

    batches = stream(images, PLAIN, batch_size=8, order=order).batches(3)
    assert [batch.epoch for batch in batches] in ([0], [0, 1])
    assert begins == [0, 1]
