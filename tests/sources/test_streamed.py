"""Streamed data sets of Hugging Face: the batches of the same rows, read in their order, once, and resumed exactly."""

import io
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import require
from PIL import Image

import vary
from vary.errors import InputError, SourceError
from vary.sources import split, subset
from vary.streams import Batch, Stream

try:
    import datasets
except ImportError:
    require("datasets", "datasets is not installed")

CLASSES = ["cat", "dog"]
COUNT = 70
POLICY = vary.Policy([vary.Resize(24, 24), vary.Rotate(30), vary.Brightness(0.2)])


def encoded(number: int) -> bytes:
    file = io.BytesIO()
    array = np.random.default_rng(number).integers(0, 256, (30 + number % 7, 40, 3), np.uint8)
    Image.fromarray(array).save(file, "PNG" if number % 3 else "JPEG")
    return file.getvalue()


@pytest.fixture(scope="module")
def by_row() -> Any:
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.ClassLabel(names=CLASSES),
            "breed": datasets.Value("string"),
            "age": datasets.Value("float32"),
            "seen": datasets.Sequence(datasets.Value("string")),
        }
    )
    numbers = range(COUNT)
    rows = {
        "image": [{"bytes": encoded(number), "path": None} for number in numbers],
        "label": [number % 2 for number in numbers],
        "breed": [("siamese", "pug", "persian")[number % 3] for number in numbers],
        "age": [number / 4 for number in numbers],
        "seen": [["day", "night"][: number % 3] for number in numbers],
    }
    return datasets.Dataset.from_dict(rows, features)


@pytest.fixture
def streamed(by_row: Any) -> Any:
    return by_row.to_iterable_dataset(num_shards=3)


def stream(source: Any, **options: Any) -> Stream:
    return vary.stream(source, POLICY, **{"batch_size": 16, "seed": 3} | options)


def samples(batches: Any) -> dict[int, tuple[bytes, ...]]:
    """index -> the bytes of its picture and labels, in the order of the batches; each index once."""
    found: dict[int, tuple[bytes, ...]] = {}
    for batch in batches:
        for place, index in enumerate(batch.indices.tolist()):
            assert index not in found
            found[index] = tuple(array[place].tobytes() for array in batch)
    return found


def order(batches: Any) -> list[list[int]]:
    return [batch.indices.tolist() for batch in batches]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shuffle": False},
        {"shuffle_block_size": 16},
        {"shuffle_block_size": 7, "batch_size": 32},
        {"threads": 1, "prefetch": 0},
        {"threads": 4, "prefetch": 5, "batch_size": 3},
        {"process": True},
        {"batch_size": 100},
        {"batch_size": 70, "drop_last": True},
        {"batch_size": 1},
    ],
    ids=str,
)
def test_the_same_bytes_as_by_row(by_row: Any, streamed: Any, options: dict[str, Any]) -> None:
    """Also in the second epoch; and len() is known after the first."""
    kept = {name: value for name, value in options.items() if name != "shuffle_block_size"}
    with stream(by_row, **kept) as expected, stream(streamed, **options) as found:
        with pytest.raises(TypeError, match="not known before an epoch was read to its end"):
            len(found)
        for epoch in range(2):
            assert found.epoch == epoch
            assert sorted(samples(expected).items()) == sorted(samples(found).items())
            assert (found.state_dict()["epoch"], found.state_dict()["position"]) == (epoch + 1, 0)
            assert len(found) == len(expected)


def test_windows_are_shuffled_anew_in_each_epoch(streamed: Any) -> None:
    made = stream(streamed, shuffle_block_size=10, batch_size=10)
    first, second = order(made), order(made)
    assert [sorted(window) for window in first] == [list(range(at, at + 10)) for at in range(0, COUNT, 10)]
    assert first != second
    assert all(window != sorted(window) for window in first)
    assert order(stream(streamed, shuffle=False)) == [
        list(range(at, min(at + 16, COUNT))) for at in range(0, COUNT, 16)
    ]
    assert order(stream(streamed, shuffle_block_size=10, batch_size=10)) == first


@pytest.mark.parametrize("size", [16, 5])
def test_resumed_at_every_batch(streamed: Any, size: int) -> None:
    """With another batch size, too: the same samples in the same order, and then the next epoch."""
    options = {"shuffle_block_size": 20}
    with stream(streamed, **options) as made:
        whole = [index for batch in order(made) for index in batch]
        after = order(made)
        made.set_epoch(0)
        iteration = iter(made)
        states = [(made.state_dict(), len(batch.indices)) for batch in iteration]
    taken = 0
    for state, count in states:
        taken += count
        with stream(streamed, batch_size=size, **options) as resumed:
            resumed.load_state_dict(state)
            rest = [index for batch in order(resumed) for index in batch]
            if taken < COUNT:
                assert rest == whole[taken:]
                rest = [index for batch in order(resumed) for index in batch]
            assert rest == [index for batch in after for index in batch]


def test_rows_are_read_once_and_ahead_by_a_window_only() -> None:
    read: list[int] = []

    def rows() -> Iterator[dict[str, Any]]:
        for number in range(COUNT):
            read.append(number)
            yield {"image": {"bytes": encoded(number), "path": None}}

    features = datasets.Features({"image": datasets.Image()})
    source = datasets.IterableDataset.from_generator(rows, features)
    made = stream(source, shuffle_block_size=10, batch_size=5, prefetch=0, threads=1)
    iteration, most = iter(made), 0
    read.clear()
    for taken, batch in enumerate(iteration):
        most = max(most, len(read) - 5 * taken)
        assert len(batch.fields) == 1
    assert read == list(range(COUNT))
    assert most <= 10 + 10 + 1
    read.clear()
    made.load_state_dict(made.state_dict() | {"epoch": 0, "position": 45})
    assert len(list(made)) == 5
    assert sorted(set(read)) == list(range(COUNT))


def test_the_shuffle_of_the_data_set_follows_the_epoch(streamed: Any) -> None:
    """Then a row's number is its place in that order, and not the same row in each epoch."""
    made = stream(vary.HuggingFace(streamed.shuffle(seed=1, buffer_size=50), labels="age"), shuffle=False)
    first, second = ([age for batch in made for age in batch.labels.tolist()] for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second) == [number / 4 for number in range(COUNT)]
    made.set_epoch(0)
    assert first == [age for batch in made for age in batch.labels.tolist()]


def test_labels(by_row: Any, streamed: Any) -> None:
    for keywords in (
        {},
        {"labels": "age"},
        {"labels": ()},
        {"labels": {"labels": "label", "age": "age"}},
        {"labels": "breed", "classes": ["persian", "pug", "siamese"]},
        {"labels": "seen", "classes": ["day", "night"]},
        {"classes": ["c", "d"]},
    ):
        expected, found = vary.HuggingFace(by_row, **keywords), vary.HuggingFace(streamed, **keywords)  # type: ignore[arg-type]
        assert (expected.fields, expected.classes) == (found.fields, found.classes)
        one, other = stream(expected, shuffle=False), stream(found, shuffle=False)
        assert samples(one) == samples(other)
        assert [spec.dtype for spec in one.element_spec] == [spec.dtype for spec in other.element_spec]
    hot = stream(streamed, one_hot=True)
    assert next(iter(hot)).labels.shape == (16, 2)


@pytest.mark.parametrize(
    ("keywords", "text"),
    [
        ({"repeat": 2}, "repeat=2.*views="),
        ({"weights": [1.0] * COUNT}, "weights=.*interleave"),
        ({"order": lambda _: [0]}, "order="),
        ({"shard": (0, 2)}, "split_dataset_by_node"),
        ({"cache": "disk"}, "cache='disk'.*streaming=False"),
        ({"on_error": "replace"}, "skip"),
    ],
)
def test_keywords_that_need_other_orders(streamed: Any, keywords: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        stream(streamed, **keywords)


def test_what_needs_rows_by_number(streamed: Any, by_row: Any) -> None:
    made = stream(streamed)
    for function in (
        lambda: vary.mix([made, made]),
        lambda: made.replay(3),
        lambda: made.source[3],
        lambda: made.source.split(0.2),  # type: ignore[attr-defined]
        lambda: vary.inspect(streamed),
        lambda: split(streamed, 0.2),
        lambda: subset(streamed, [1]),
        lambda: vary.HuggingFace(streamed, labels="breed"),
        lambda: vary.HuggingFace(datasets.IterableDatasetDict({"train": streamed})),
        lambda: vary.stream(datasets.IterableDataset.from_generator(lambda: iter([{"image": 1}])), POLICY),
        lambda: vary.stream(vary.HuggingFace(streamed), POLICY, classes=["a", "b"]),
        lambda: vary.stream(by_row, POLICY, labels="age"),
        made.as_keras,
    ):
        with pytest.raises(InputError):
            function()


def test_peeks_previews_and_copies(streamed: Any) -> None:
    made = stream(streamed)
    first = made.peek()
    assert made.epoch == 0
    assert made.element_spec.images.shape == (None, 24, 24, 3)
    copy = pickle.loads(pickle.dumps(made))
    for other in (made, copy):
        assert next(iter(other)).images.tobytes() == first.images.tobytes()
    assert "Preview" in repr(made.preview(5))
    assert "batches of 16" in repr(made)
    assert isinstance(first, Batch)


def test_a_row_that_cannot_be_read(by_row: Any) -> None:
    """It is named, and the next iteration begins anew."""

    def rows(fails: list[bool]) -> Iterator[dict[str, Any]]:
        for number in range(COUNT):
            if number == 40 and fails:
                raise ConnectionError("the hub is away")
            yield by_row[number]

    fails = [True]
    dataset = datasets.IterableDataset.from_generator(lambda: rows(fails), by_row.features)
    made = stream(dataset, shuffle=False)
    iteration = iter(made)
    assert next(iteration).indices.tolist() == list(range(16))
    with pytest.raises(SourceError, match=r"row 40.*ConnectionError: the hub is away"):
        list(iteration)
    fails.clear()
    assert len(samples(made)) == COUNT


def test_broken_pictures(by_row: Any) -> None:
    rows = {"image": [{"bytes": encoded(n) if n != 5 else b"broken", "path": None} for n in range(20)]}
    dataset = datasets.Dataset.from_dict(rows, datasets.Features({"image": datasets.Image()})).to_iterable_dataset()
    with pytest.raises(vary.DecodeError, match="row 5"):
        list(stream(dataset))
    made = stream(dataset, on_error="skip", shuffle=False)
    assert order(made) == [[n for n in range(16) if n != 5], [16, 17, 18, 19]]
    assert "row 5" in str(made.report().skipped)
    empty = datasets.Dataset.from_dict({"image": []}, datasets.Features({"image": datasets.Image()}))
    none = stream(datasets.IterableDataset.from_generator(lambda: iter(()), empty.features))
    for function in (none.peek, lambda: list(none)):
        with pytest.raises(InputError, match="no rows"):
            function()
    labelled = stream(datasets.IterableDataset.from_generator(lambda: iter(()), by_row.features))
    with pytest.raises(InputError, match="no rows"):
        _ = labelled.element_spec


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_goes_on(streamed: Any, tmp_path: Path) -> None:
    """Its reader begins anew, at the window of the next batch."""
    made = stream(streamed, shuffle_block_size=20)
    iteration = iter(made)
    next(iteration)
    child = os.fork()
    if not child:
        try:
            (tmp_path / "rest").write_text(repr(order(iteration)))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert (tmp_path / "rest").read_text() == repr(order(iteration))
