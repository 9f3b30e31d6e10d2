"""Checks of your own streams, for your own tests; they need no test framework."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vary.streams import Batch
    from vary.streams.epochs import Epochs

__all__ = ["check_resume"]

ATTRIBUTES = ("indices", "views", "epoch", "paths", "streams", "epochs")


def check_resume(make_stream: Callable[[], Epochs]) -> None:
    """Check that a stream can be resumed: stop it after every batch of its next epoch, and let a new one continue from
    the saved state to the end of the epoch after it.

    make_stream: makes the same stream, or mix of several, each time. Its state is converted to JSON and back, as in a
        checkpoint.
    `AssertionError` names the step and the field that differ. If an epoch has n batches, this makes about n^2 and keeps
    2 n of them in memory.
    """
    stream = make_stream()
    states, expected = [_through_json(stream, 0)], []
    for batch in stream:
        expected.append(batch)
        states.append(_through_json(stream, len(expected)))
    expected += stream
    for step, state in enumerate(states):
        fresh = make_stream()
        fresh.load_state_dict(state)
        found: Iterator[Batch] = itertools.chain.from_iterable([fresh, fresh, fresh])  # three epochs
        for place, wanted in enumerate(expected[step:], step):
            where = f"resumed after {step} batches, batch {place}"
            got = next(found, None)
            if got is None:
                raise AssertionError(f"{where} is missing")
            _compare(where, got, wanted)


def _through_json(stream: Epochs, step: int) -> dict[str, int | str]:
    import json

    text = json.dumps(stream.state_dict())
    _claim(len(text) < 1024, f"after {step} batches the state has {len(text)} bytes")
    found: dict[str, int | str] = json.loads(text)
    return found


def _compare(where: str, got: Batch, wanted: Batch) -> None:
    _claim(got.fields == wanted.fields, f"{where} has the fields {got.fields} in place of {wanted.fields}")
    for name in ATTRIBUTES:
        a, b = getattr(got, name), getattr(wanted, name)
        _claim(np.array_equal(a, b), f"{where}: {name} is {a} in place of {b}")
    _claim(len(got) == len(wanted), f"{where} has {len(got)} arrays in place of {len(wanted)}")
    for name, one, other in zip(wanted.fields, got, wanted, strict=False):
        same = one.dtype == other.dtype and one.shape == other.shape
        _claim(same, f"{where}: {name} is {one.dtype} {one.shape} in place of {other.dtype} {other.shape}")
        plain = one.dtype != object  # an array of objects has their addresses
        equal = one.tobytes() == other.tobytes() if plain else repr(one.tolist()) == repr(other.tolist())
        _claim(equal, f"{where}: {name} holds other values")


def _claim(true: bool, otherwise: str) -> None:
    """Like `assert`, which python -O would leave out."""
    if not true:
        raise AssertionError(otherwise)
