"""`split`: the two parts are disjoint and complete, keep the shares of classes, and are the same on every machine."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from vary.errors import InputError
from vary.sources import Arrays, Files, Folder, Item, Source, split
from vary.sources.shares import parts


def arrays(n: int, labels: Any = None) -> Arrays:
    return Arrays(np.zeros((n, 2, 2, 3), np.uint8), labels)


def test_a_split_is_the_same_on_every_machine() -> None:
    train, validation = arrays(20).split(0.3, seed=7)
    assert validation.numbers.tolist() == DRAWN
    train, validation = arrays(20, [0] * 12 + [1] * 8).split(0.25, stratify=True, seed=7)
    assert validation.numbers.tolist() == STRATIFIED
    assert train.numbers.tolist() == sorted({*range(20)} - {*STRATIFIED})


DRAWN = [0, 6, 12, 14, 15, 18]
STRATIFIED = [0, 4, 6, 12, 18]


@given(
    st.lists(st.integers(0, 5), min_size=2, max_size=60),
    st.one_of(st.floats(0.01, 0.99), st.integers(2, 59)),
    st.booleans(),
    st.integers(0, 2**64 - 1),
)
def test_parts_are_disjoint_and_complete(ids: list[int], validation: float, stratify: bool, seed: int) -> None:
    n = len(ids)
    try:
        first, second = parts(n, validation, np.array(ids) if stratify else None, seed)
    except InputError as error:
        assert "leaves none" in str(error)  # noqa: PT017
        assert isinstance(validation, int) or round(validation * n) in (0, n) or max(Counter(ids).values()) == 1
        return
    assert sorted([*first.tolist(), *second.tolist()]) == list(range(n))
    assert len(first)
    assert len(second)
    assert (np.diff(first) > 0).all()
    assert (np.diff(second) > 0).all()
    if isinstance(validation, int):
        assert len(second) == validation
    elif not stratify:
        assert abs(len(second) - validation * n) <= 0.5 + 1e-9
    else:
        counts, got = Counter(ids), Counter(np.array(ids)[second].tolist())
        several = [one for one in counts if counts[one] > 1]
        for one in several:
            assert 1 <= got[one] <= counts[one] - 1
        if several:
            assert all(got[one] == 0 for one in counts if counts[one] == 1), "a single sample is trained on"


@pytest.mark.parametrize("n", [100, 101, 1000])
def test_each_class_keeps_its_share(n: int) -> None:
    ids = np.sort(np.arange(n) ** 2 % 7)
    _, validation = arrays(n, ids).split(0.2)
    for one, count in Counter(ids.tolist()).items():
        assert abs((ids[validation.numbers] == one).sum() - 0.2 * count) < 1
    assert abs(len(validation) - 0.2 * n) <= 0.5


def test_few_of_many_classes() -> None:
    ids = np.arange(3000) // 3
    train, validation = arrays(3000, ids).split(0.1)
    assert len(validation) == 1000, "one of each"
    assert len(np.unique(ids[train.numbers])) == len(np.unique(ids[validation.numbers])) == 1000
    _, counted = arrays(3000, ids).split(50)
    assert len(counted) == 50, "a number is kept to"
    assert counted.numbers.max() > 1000, "and not of the first classes alone"
    train, validation = arrays(10, range(10)).split(0.3)
    assert (len(train), len(validation)) == (7, 3), "singles alone"


def test_rows_that_are_one_hot_are_classes() -> None:
    ids = np.repeat([0, 1, 2], [60, 30, 10])
    for rows in (np.eye(3)[ids], np.eye(3, dtype=np.uint8)[ids]):
        _, validation = arrays(100, rows).split(0.1)
        assert Counter(ids[validation.numbers].tolist()) == {0: 6, 1: 3, 2: 1}


@pytest.mark.parametrize(
    "labels", [None, np.linspace(0, 1, 50), np.random.default_rng(1).integers(0, 2, (50, 4)), {"age": range(50)}]
)
def test_without_classes_samples_are_drawn_at_random(labels: Any) -> None:
    train, validation = arrays(50, labels).split(0.2, stratify=True, seed=0)
    assert (len(train), len(validation)) == (40, 10)
    assert validation.numbers.tolist() == arrays(50).split(0.2, stratify=False)[1].numbers.tolist()


def test_other_seeds_and_splits_of_splits() -> None:
    source = arrays(200, np.arange(200) % 4)
    some = {tuple(source.split(0.2, seed=seed)[1].numbers.tolist()) for seed in range(10)}
    assert len(some) == 10
    train, test = source.split(0.2)
    train, validation = train.split(0.25)
    assert (len(train), len(validation), len(test)) == (120, 40, 40)
    everything = [number for part in (train, validation, test) for number in part.numbers.tolist()]
    assert sorted(everything) == list(range(200))
    for part in (train, validation, test):
        assert set(np.bincount(part.numbers % 4).tolist()) == {len(part) // 4}


def test_every_source_is_split_alike(tmp_path: Path) -> None:
    paths = []
    for number in np.random.default_rng(2).permutation(40).tolist():
        path = tmp_path / "data" / "ab"[number // 30] / f"{number:02}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        paths.append(path)

    class Own(Source):
        fields = ("images", "labels")

        def __len__(self) -> int:
            return 40

        def item(self, index: int) -> Item:
            return Item(np.zeros((2, 2, 3), np.uint8), (index // 30,))

    class Plain:
        fields = ("images", "labels")
        __len__, __getitem__ = Own.__len__, Own.item

    labels = np.arange(40) // 30
    folder = Folder(tmp_path / "data")
    sources = [
        folder,
        Folder(tmp_path / "data", listing=tmp_path / "names"),
        Folder(tmp_path / "data", listing=tmp_path / "names"),
        Files(sorted(paths), labels),
        arrays(40, labels),
        Own(),
    ]
    expected = folder.split(0.2, stratify=True, seed=0)
    assert Counter(folder.labels[expected[1].numbers].tolist()) == {0: 6, 1: 2}  # type: ignore[index]
    found = [source.split(0.2, stratify=True, seed=0) for source in sources]
    found += [
        split(Plain(), 0.2),
        split(tmp_path / "data", 0.2),
        split((np.zeros((40, 2, 2, 3), np.uint8), labels), 0.2),
    ]
    for pair in found:
        assert [part.numbers.tolist() for part in pair] == [part.numbers.tolist() for part in expected]


@pytest.mark.parametrize(
    ("size", "says"),
    [
        *[(size, "give a fraction between 0 and 1, such as 0.2") for size in (0, 1, 0.0, 1.0, 1.5, 5.0, -0.2, -3)],
        *[(size, "give a fraction between 0 and 1") for size in ("0.2", None, True, [0.2], float("nan"), 1j)],
        (10, "validation=10 of 10 samples leaves none to train on"),
        (400, "leaves none to train on"),
        (0.01, "validation=0.01 of 10 samples leaves none for validation"),
        (0.99, "validation=0.99 of 10 samples leaves none to train on"),
    ],
)
def test_invalid_sizes(size: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        arrays(10).split(size)


def test_other_invalid_arguments() -> None:
    with pytest.raises(InputError, match=r"stratify=.*; give True, which goes by the source's own class ids, or False"):
        arrays(10).split(0.2, stratify=np.arange(10))  # type: ignore[arg-type]
    for seed in (-1, 2**64, 1.5, "a"):
        with pytest.raises(InputError, match="seed="):
            arrays(10).split(0.2, seed=seed)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="of 1 samples leaves none"):
        arrays(1).split(0.5)
    assert [len(part) for part in arrays(2, [0, 1]).split(0.5)] == [1, 1]
