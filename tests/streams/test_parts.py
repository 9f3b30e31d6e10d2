"""An iteration that makes some of an epoch's batches, as the workers of a DataLoader do; absent frameworks."""

import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

import vary

POLICY = vary.Policy([vary.HorizontalFlip()])


def made(count: int, **options: object) -> vary.Stream:
    images = np.zeros((count, 4, 4, 3), np.uint8)
    return vary.stream((images, np.arange(count)), POLICY, seed=1, threads=1, **options)


@given(
    count=st.integers(1, 40),
    size=st.integers(1, 7),
    parts=st.integers(1, 5),
    ranks=st.integers(1, 3),
    uneven=st.sampled_from(["pad", "drop", "keep"]),
    drop_last=st.booleans(),
    taken=st.integers(0, 3),
)
def test_parts_together_are_the_epoch_in_order_also_resumed(
    count: int, size: int, parts: int, ranks: int, uneven: str, drop_last: bool, taken: int
) -> None:
    options = {"batch_size": size, "shard": (ranks - 1, ranks), "uneven": uneven, "drop_last": drop_last}
    try:
        whole = [batch.labels.tolist() for batch in made(count, **options)]
    except vary.InputError:  # no batch
        return
    found: list[list[list[int]]] = []
    for number in range(parts):
        stream = made(count, **options)
        part = stream._begin(turn=(number, parts))
        assert len(part) == len(whole[number::parts])
        batches = [batch.labels.tolist() for _, batch in zip(range(taken), part, strict=False)]
        part.close()
        again = made(count, **options)
        again._next = replace(part._place)  # of it, the first batch is this part's own
        batches += [batch.labels.tolist() for batch in again._begin(turn=(0, parts))]
        found.append(batches)
    assert found == [whole[number::parts] for number in range(parts)]


CALLS: list[tuple[str, Callable[[vary.Stream], object]]] = [
    ("torch", lambda stream: stream.as_torch()),
    ("jax", lambda stream: stream.as_jax()),
    ("tensorflow", lambda stream: stream.as_tf()),
]


@pytest.mark.parametrize(("name", "call"), CALLS)
def test_an_absent_framework_is_named(
    name: str, call: Callable[[vary.Stream], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, f"vary.frameworks.{name}", raising=False)
    with pytest.raises(ImportError, match=f"pip install {name}"):
        call(made(3))


def test_the_state_of_a_worker_is_refused() -> None:
    stream = made(9, batch_size=2)
    with pytest.raises(vary.InputError, match="worker 1 of 2"):
        stream.load_state_dict({**stream.state_dict(), "worker": "1 of 2, steps of 2 x 1"})
