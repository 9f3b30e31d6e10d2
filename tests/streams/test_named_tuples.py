"""A batch is a named tuple of arrays, which libraries can rebuild from arrays alone."""

import copy
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

from vary.policy import Policy
from vary.streams import Batch, batch as batch_module, mix, stream
from vary.streams.batch import _class_of, batch_of

FIELDS = [("images",), ("images", "labels"), ("large", "small", "labels"), ("images", "count", "paths", "eye.left, 1)")]


def batch_with(*fields: str) -> Batch:
    arrays = [np.full(2, place) for place in range(len(fields))]
    where = {"indices": np.arange(2), "views": np.zeros(2, int), "epoch": 3}
    return batch_of(arrays, fields, **where, paths=lambda: ["a", "b"], streams=None, epochs=None)  # type: ignore[arg-type]


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("fields", FIELDS)
def test_a_batch_is_made_again_from_its_arrays(fields: tuple[str, ...]) -> None:
    batch = batch_with(*fields)
    kind: Any = type(batch)
    assert isinstance(batch, Batch)
    assert batch.fields == fields
    assert [getattr(batch, name) is array for name, array in zip(batch._fields, batch, strict=True)] == [True] * len(
        fields
    )
    for again in (kind(*batch), kind._make(list(batch)), kind(**batch._asdict()), kind(*(array for array in batch))):
        assert same(again, batch)
    if len(fields) > 1:
        for again in (kind(list(batch)), kind(tuple(batch)), kind(array for array in batch)):
            assert same(again, batch)
    for leaf in (None, "text", object(), [np.zeros(2)]):
        assert kind(*[leaf] * len(fields))[-1] is leaf


def test_one_field_may_hold_a_list() -> None:
    kind: Any = type(batch_with("images"))
    assert kind([1, 2]).images == [1, 2]


def test_fields_named_like_attributes_are_reached_by_index() -> None:
    batch = batch_with("images", "count", "epoch", "labels")
    assert batch._fields == ("images", "_1", "_2", "labels")
    assert callable(batch.count)
    assert batch.epoch == 3
    assert batch._replace(count=7)[1] == batch._replace(_1=7)[1] == 7


@pytest.mark.parametrize("names", [("_2", "count"), ("count", "_1"), ("_1", "_1_", "self"), ("cls", "self", "named")])
def test_field_names_are_unique(names: tuple[str, ...]) -> None:
    batch = batch_with("images", *names)
    assert len(set(batch._fields)) == len(batch)
    assert same(type(batch)(**batch._asdict()), batch)
    for place, name in enumerate(batch._fields):
        assert batch._replace(**{name: 7})[place] == 7


def test_replace_keeps_the_attributes(images: np.ndarray, policy: Policy) -> None:
    batch = next(iter(stream((images, np.arange(len(images))), policy)))
    other = batch._replace(images=batch.images + 1)
    assert np.array_equal(other.images, batch.images + 1)
    assert other.labels is batch.labels
    assert (other.indices is batch.indices, other.epoch, other.paths) == (True, 0, None)
    with pytest.raises(TypeError, match="needs 2 arrays; label: no such field"):
        batch._replace(label=1)


def test_batches_made_from_arrays_have_no_attributes() -> None:
    batch = batch_with("images", "labels")
    again = type(batch)(*batch)
    for name in ("indices", "views", "epoch", "paths", "streams", "epochs"):
        assert not hasattr(again, name)
        with pytest.raises(AttributeError, match=f"read .{name} of the batch that came from the stream"):
            getattr(again, name)
    assert same(copy.copy(again), again)
    assert same(pickle.loads(pickle.dumps(again)), again)


def test_wrong_arrays_are_refused() -> None:
    kind: Any = type(batch_with("images", "labels"))
    for wrong in ((), (1,), (1, 2, 3), ([1],), ("ab",), (np.zeros(2),)):
        with pytest.raises(TypeError, match=r"a batch of images, labels needs 2 arrays; \d were given"):
            kind(*wrong)
    with pytest.raises(TypeError, match="images: no such field, or given twice"):
        kind(1, 2, images=3)
    with pytest.raises(TypeError, match="a batch comes from a stream"):
        Batch([1, 2])


@pytest.mark.parametrize("fields", FIELDS)
def test_batches_and_their_classes_pickle(fields: tuple[str, ...]) -> None:
    batch = batch_with(*fields)
    for copied in (copy.copy, copy.deepcopy, *(lambda it, n=n: pickle.loads(pickle.dumps(it, n)) for n in range(6))):
        assert copied(type(batch)) is type(batch)
        again = copied(batch)
        assert same(again, batch)
        assert (again.indices.tolist(), again.epoch, again.paths) == ([0, 1], 3, ["a", "b"])
    assert same(cloudpickle.loads(cloudpickle.dumps(batch)), batch)
    assert cloudpickle.loads(cloudpickle.dumps(type(batch))) is type(batch)


def test_batches_go_to_spawned_processes_and_back() -> None:
    """From a process of its own: multiprocessing leaves one behind that tracks resources."""
    child = Path(__file__).with_name("spawn_child.py")
    run = subprocess.run([sys.executable, child], capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout) == (0, "the same\n"), run.stderr


def test_threads_at_once_make_one_class_for_a_list_of_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = threading.Barrier(2)  # within the making of a class

    def escaped(name: str) -> str:
        barrier.wait(60)
        return name

    monkeypatch.setattr(batch_module, "_escaped", escaped)
    with ThreadPoolExecutor(2) as threads:
        one, other = (threads.submit(_class_of, ("never_seen",)) for _ in range(2))
        assert one.result() is other.result()


def test_every_stream_gives_named_tuples(images: np.ndarray, policy: Policy) -> None:
    labels = np.arange(len(images))
    one = stream((images, labels), policy, batch_size=4)
    views = stream((images, labels), {"large": (policy, 2), "small": policy}, batch_size=4)
    for made, fields in (
        (stream(images, policy, batch_size=4), ("images",)),
        (one, ("images", "labels")),
        (views, ("large", "small", "labels")),
        (mix([one, stream((images, labels), policy, batch_size=4, seed=1)]), ("images", "labels")),
    ):
        kinds = {type(batch) for batch in made} | {type(made.peek())}
        assert [kind._fields for kind in kinds] == [fields]
