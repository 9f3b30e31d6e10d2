"""`vary.testing.check_resume` finds streams that do not resume exactly, and names the step and field."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from vary.policy import Policy
from vary.streams import Stream, mix, stream
from vary.testing import check_resume
from vary.transforms import Resize

LABELS = np.arange(23)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ({"position": 0}, r"resumed after 1 batches, batch 1: indices is"),
        ({"epoch": 1}, r"resumed after 0 batches, batch 0: indices is"),
        ({"more": "x" * 1000}, r"after 0 batches the state has 1\d+ bytes"),
    ],
)
def test_incomplete_and_large_states(
    images: np.ndarray, monkeypatch: pytest.MonkeyPatch, spoil: dict[str, Any], says: str
) -> None:
    state_dict = Stream.state_dict
    monkeypatch.setattr(Stream, "state_dict", lambda self: state_dict(self) | spoil)
    with pytest.raises(AssertionError, match=says):
        check_resume(lambda: stream(images, Policy([]), batch_size=5))


class Reads:
    """Says that it went on, and hands over what it was told to."""

    def __init__(self, batches: Any) -> None:
        self.batches = batches

    def load_state_dict(self, state: object) -> None:
        pass

    def __iter__(self) -> Iterator[Any]:
        return iter(self.batches)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (lambda images: Reads([]), "is missing"),
        (lambda images: Reads(stream(images, Policy([]), batch_size=5)), "has the fields"),
        (lambda images: Reads(stream((images, LABELS), Policy([]), batch_size=4)), ": indices is"),
        (lambda images: Reads(stream((images, LABELS), Policy([Resize(3, 3)]), batch_size=5)), ": images is uint8"),
        (lambda images: Reads(stream((images, LABELS / 2), Policy([]), batch_size=5)), ": labels is float32"),
        (lambda images: Reads(stream((images, LABELS + 1), Policy([]), batch_size=5)), ": labels holds other values"),
        (lambda images: Reads(stream((images + 1, LABELS), Policy([]), batch_size=5)), ": images holds other values"),
    ],
)
def test_the_step_and_the_field_are_named(images: np.ndarray, other: Callable[[Any], Any], says: str) -> None:
    made = itertools.count()

    def make() -> Any:
        return other(images) if next(made) else stream((images, LABELS), Policy([]), batch_size=5)

    with pytest.raises(AssertionError, match="^resumed after 0 batches, batch 0 ?" + says):
        check_resume(make)


@pytest.mark.parametrize("name", ["streams", "epochs"])
def test_a_sample_of_another_stream_of_a_mix(images: np.ndarray, name: str) -> None:
    made = itertools.count()

    def make() -> Any:
        batches = list(mix([stream(images, Policy([]), batch_size=46)] * 2))
        for batch in batches:
            setattr(batch, name, getattr(batch, name) + 1)
        return Reads(batches) if next(made) else mix([stream(images, Policy([]), batch_size=46)] * 2)

    with pytest.raises(AssertionError, match=f"batch 0: {name} is"):
        check_resume(make)


def test_labels_that_are_objects_are_compared_by_value(images: np.ndarray) -> None:
    made = itertools.count()

    def make(step: int) -> Stream:
        labels = [{"age": n + step * next(made)} for n in range(23)]
        return stream((images, np.array(labels, object)), Policy([]), batch_size=5)

    check_resume(lambda: make(0))
    with pytest.raises(AssertionError, match="labels holds other values"):
        check_resume(lambda: make(1))
