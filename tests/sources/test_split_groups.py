"""`split(groups=)` keeps groups together, and `split(by="name")` never moves a sample when data grow."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

import vary
from vary.errors import InputError
from vary.sources import split
from vary.sources.shares import named_parts, parts_of_groups


def numbered(n: int) -> vary.Arrays:
    return vary.Arrays(np.zeros((n, 2, 2, 3), np.uint8), {"labels": np.arange(n) % 3, "patient": np.arange(n) // 4})


@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=60).filter(lambda groups: len(set(groups)) > 1),
    st.floats(0.05, 0.95),
    st.integers(0, 5),
    st.booleans(),
)
def test_a_group_is_in_one_part_and_sizes_are_close(groups: list[int], share: float, seed: int, stratify: bool) -> None:
    n, numbers = len(groups), np.unique(groups, return_inverse=True)[1]
    ids = np.array(groups) % 3 if stratify else None
    if int(np.floor(share * n + 0.5)) in (0, n):
        return
    first, second = parts_of_groups(n, share, ids, seed, numbers)
    assert sorted([*first.tolist(), *second.tolist()]) == list(range(n))
    assert not set(numbers[first].tolist()) & set(numbers[second].tolist())
    assert len(first)
    assert len(second)
    if ids is None:
        assert abs(len(second) - share * n) <= np.bincount(numbers).max() + 1


def test_groups_by_the_name_of_a_field_or_by_values() -> None:
    source = numbered(40)
    patients = np.arange(40) // 4
    first, second = source.split(0.3, groups="patient", seed=2)
    assert len(second) == 12
    assert not set(patients[first.numbers]) & set(patients[second.numbers])
    for groups in (patients, patients.tolist(), [f"p{number:02}" for number in patients]):
        assert source.split(0.3, groups=groups, seed=2)[1].numbers.tolist() == second.numbers.tolist()
    assert source.split(0.3, groups="patient", seed=3)[1].numbers.tolist() != second.numbers.tolist()
    assert source.split(12, groups="patient", seed=2)[1].numbers.tolist() == second.numbers.tolist()
    part = source[10:30]
    inner = part.split(0.3, groups="patient")
    assert not set(patients[inner[0].numbers]) & set(patients[inner[1].numbers])
    assert split(source, 0.3, groups="patient", seed=2)[1].numbers.tolist() == second.numbers.tolist()


def test_classes_have_their_share_of_groups() -> None:
    labels = np.repeat([0, 1], [160, 40])  # a class of 40 groups of 4, and one of 10
    source = vary.Arrays(np.zeros((200, 2, 2, 3), np.uint8), {"labels": labels, "patient": np.arange(200) // 4})
    for seed in range(5):
        _, second = source.split(0.2, groups="patient", seed=seed)
        assert np.bincount(labels[second.numbers]).tolist() == [32, 8]


def test_a_class_of_several_groups_is_in_both_parts() -> None:
    labels = np.repeat([0, 1, 2], [100, 8, 8])
    groups = np.concatenate([np.arange(100), np.repeat([100, 101, 102, 103], 4)])
    source = vary.Arrays(np.zeros((116, 2, 2, 3), np.uint8), labels)
    for share in (0.05, 0.5, 0.95):
        for part in source.split(share, groups=groups):
            assert set(labels[part.numbers].tolist()) == {0, 1, 2}


def test_of_two_sizes_equally_close_the_smaller_is_for_validation() -> None:
    assert len(numbered(6).split(3, groups=[0, 0, 1, 1, 2, 2], stratify=False)[1]) == 2


def test_a_large_group_does_not_fill_the_smaller_part() -> None:
    groups = np.repeat(np.arange(11), [90, *[1] * 10])
    for seed in range(8):
        assert len(numbered(100).split(0.1, groups=groups, stratify=False, seed=seed)[1]) == 10


def test_groups_by_a_column_of_a_table(tmp_path: Path) -> None:
    for number in range(12):
        Image.new("RGB", (4, 4)).save(tmp_path / f"{number}.png")
    rows: dict[str, list[Any]] = {
        "file": [f"{number}.png" for number in range(12)],
        "patient": [f"p{number // 3}" for number in range(12)],
        "breed": ["pug", "boxer"] * 6,
    }
    source = vary.table(rows, "file", "breed", root=tmp_path)
    first, second = source.split(0.25, groups="patient")
    assert len(second) == 3
    assert len({rows["patient"][number] for number in second.numbers}) == 1
    assert first[2:].split(0.5, groups="patient")
    with pytest.raises(InputError, match="groups='patent': the dict has no such column; did you mean patient"):
        source.split(0.25, groups="patent")
    import pickle

    with pytest.raises(InputError, match=r"was pickled.*split it before"):
        pickle.loads(pickle.dumps(source)).split(0.25, groups="patient")


def test_a_name_stays_in_its_part_when_data_grow(tmp_path: Path) -> None:
    def parts() -> tuple[set[str], set[str]]:
        first, second = vary.Folder(tmp_path).split(0.3, by="name", seed=4)
        return {*map(str, first.paths)}, {*map(str, second.paths)}

    def add(name: str, numbers: range) -> None:
        (tmp_path / name).mkdir(exist_ok=True)
        for number in numbers:
            Image.new("RGB", (2, 2)).save(tmp_path / name / f"{number}.png")

    add("cat", range(20))
    add("dog", range(20))
    before = parts()
    add("ape", range(25))
    add("cat", range(20, 50))
    after = parts()
    assert before[0] <= after[0]
    assert before[1] <= after[1]
    assert len(after[0] | after[1]) == 95
    same = {Path(path).name for path in before[1] if "/cat/" in path}
    assert same != {Path(path).name for path in before[1] if "/dog/" in path}, "the name includes the class's folder"


def test_names_of_pairs_are_those_of_their_images(tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        for number in range(24):
            path = tmp_path / kind / f"{number % 6}" / f"{number // 6}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (2, 2)).save(path)
    pairs = vary.Pairs(tmp_path / "images", tmp_path / "masks")
    plain = vary.Folder(tmp_path / "images").split(0.3, by="name")[1]
    assert pairs.split(0.3, by="name")[1].numbers.tolist() == plain.numbers.tolist()


@given(st.sets(st.text(min_size=1), min_size=20, max_size=60), st.floats(0.2, 0.7), st.integers(0, 2**64 - 1))
def test_a_larger_fraction_keeps_what_was_there(names: set[str], share: float, seed: int) -> None:
    ordered = sorted(names)
    try:
        small, large = named_parts(ordered, share, seed)[1], named_parts(ordered, share + 0.2, seed)[1]
        again = named_parts(ordered[::-1], share, seed)[1]
    except InputError:
        return  # by chance, a part was empty
    assert set(small.tolist()) <= set(large.tolist())
    assert {ordered[place] for place in small} == {ordered[::-1][place] for place in again}


def test_hashes_are_the_same_on_every_machine() -> None:
    assert named_parts([f"{number}.png" for number in range(12)], 0.4, 7)[1].tolist() == [0, 1, 9]


def test_hashes_meet_the_fraction() -> None:
    assert abs(len(named_parts([f"{number}" for number in range(20_000)], 0.2, 0)[1]) - 4000) < 200


def test_names_of_groups_are_hashed() -> None:
    source = numbered(400)
    first, second = source.split(0.3, groups="patient", by="name")
    patients = np.arange(400) // 4
    assert not set(patients[first.numbers]) & set(patients[second.numbers])
    part = source[:200].split(0.3, groups="patient", by="name")[1]
    assert set(part.numbers.tolist()) == {number for number in second.numbers.tolist() if number < 200}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"by": "hash"}, "by='hash'; give 'name'"),
        ({"by": "name"}, "sample 0 has no path; give groups="),
        ({"by": "name", "groups": "patient", "validation": 5}, "validation=5 and by='name'.*fraction"),
        ({"groups": "patent"}, r"groups='patent': the source has the label fields .*did you mean patient"),
        ({"groups": [1, 2]}, "groups is a list of 2 values, and the source has 40 samples"),
        ({"groups": 3}, "groups is a int; give the name of a field"),
        ({"groups": np.ones(40)}, "dtype float64"),
        ({"groups": [*["a"] * 39, None]}, "that of sample 39 is None"),
        ({"groups": [*["a"] * 39, float("nan")]}, "that of sample 39 is nan"),
        ({"groups": ["a"] * 40}, "all 40 samples into one group"),
        ({"stratify": 3}, "stratify=3"),
    ],
)
def test_mistakes_are_named(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError, match=text):
        numbered(40).split(**{"validation": 0.2} | arguments)
