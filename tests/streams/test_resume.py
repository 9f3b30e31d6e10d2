"""A stream resumes exactly: from a small dict, in another process, and with other threads."""

import copy
import itertools
import json
import pickle
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from conftest import name_of

from vary.errors import InputError
from vary.policy import Policy
from vary.sources import Arrays, Item
from vary.streams import Batch, Stream, mix, stream
from vary.testing import check_resume
from vary.transforms import HorizontalFlip, Lambda, RandomCrop, Resize

CASES: list[dict[str, Any]] = [
    {},
    {"shuffle": False, "batch_size": 23},
    {"batch_size": 1, "prefetch": 0},
    {"repeat": 3, "frozen": True},
    {"weights": "balanced", "repeat": 2},
    {"shuffle_block_size": 2},
    {"shard": (1, 3)},
    {"shard": (3, 4), "uneven": "drop", "drop_last": True, "batch_size": 2},
    {"shard": (1, 4), "uneven": "keep", "batch_size": 2},
    {"shard": (0, 2), "shuffle_block_size": 3, "repeat": 2, "views": 2},
    {"weights": np.arange(23), "shard": (0, 5), "batch_size": 2},
]


@pytest.mark.parametrize("options", CASES, ids=name_of)
def test_resuming_after_any_batch_is_exact(images: np.ndarray, policy: Policy, options: dict[str, Any]) -> None:
    options = {"batch_size": 5, "seed": 7, **options}
    check_resume(lambda: stream((images, np.arange(23) % 3), policy, **options))


def test_resuming_is_exact_with_files(folder: Path, policy: Policy) -> None:
    (folder / "cat" / "03.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "dog" / "20.png").write_bytes(b"")
    check_resume(lambda: stream(folder, policy, on_error="skip", batch_size=1))
    several: Any = {"a": (policy, 2), "b": Policy([RandomCrop(9, 9)])}
    check_resume(lambda: stream(folder, several, on_error="skip", batch_size=4, seed=1))


def slots(batches: list[Batch]) -> list[tuple[int, int, int]]:
    return [(b.epoch, i, v) for b in batches for i, v in zip(b.indices.tolist(), b.views.tolist(), strict=True)]


def test_onto_another_batch_size_and_number_of_ranks(images: np.ndarray) -> None:
    (whole,) = stream(images, Policy([]), batch_size=46, repeat=2)
    every = slots([whole])
    for (ranks, size), taken in itertools.product([(1, 4), (2, 3), (3, 5)], range(3)):
        old = [stream(images, Policy([]), repeat=2, batch_size=size, shard=(r, ranks)) for r in range(ranks)]
        iterators = [iter(one) for one in old]
        begun = [[next(one) for _ in range(taken)] for one in iterators]
        (state,) = {json.dumps(one.state_dict()) for one in old}
        assert json.loads(state)["position"] == taken * size * ranks
        for now, batch_size in [(1, 7), (2, 1), (4, 6)]:
            new = [stream(images, Policy([]), repeat=2, batch_size=batch_size, shard=(r, now)) for r in range(now)]
            rest = []
            for one in new:
                one.load_state_dict(json.loads(state))
                rest.append(list(one))
                assert len(rest[-1]) == len(rest[0])
                assert one.epoch == 1
            parts = [slots(batches) for batches in rest]
            together = [part[p] for p in range(len(parts[0])) for part in parts]
            before = sorted(itertools.chain(*map(slots, begun)))
            left = 46 - len(before)
            assert sorted(before + together[:left]) == sorted(every), "nothing twice, nothing lost"
            assert together == (every[len(before) :] + every)[: len(together)]
            assert len(together) - left < now


def test_onto_other_threads_and_prefetch(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, batch_size=4, threads=1, prefetch=5)
    expected = list(train)
    train.set_epoch(0)
    for _ in zip(range(2), train, strict=False):
        pass
    again = stream(images, policy, batch_size=4, threads=3, prefetch=0)
    again.load_state_dict(train.state_dict())
    for one, other in zip(again, expected[2:], strict=True):
        assert np.array_equal(one[0], other[0])


def test_content_of_a_state(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, batch_size=5, prefetch=4)

    def place() -> tuple[Any, Any]:
        return train.state_dict()["epoch"], train.state_dict()["position"]

    assert place() == (0, 0)
    batches = iter(train)
    assert place() == (0, 0), "what is ahead was not handed over"
    assert (len(train), len(batches)) == (5, 5)
    for taken in range(1, 5):
        next(batches)
        assert place() == (0, 5 * taken)
        assert len(batches) == 5 - taken
    held = batches.state_dict()
    batches.close()
    assert place() == (0, 20), "an end of an iteration takes nothing"
    for _ in train:
        break
    assert place() == (1, 5), "of the latest iteration"
    assert batches.state_dict() == held
    list(train)
    assert place() == (3, 0), "after the last batch, the next epoch"
    train.set_epoch(8)
    assert place() == (8, 0)
    train.load_state_dict(held)
    assert (place(), train.epoch, len(train)) == ((0, 20), 0, 5)
    assert [(b.epoch, len(b.indices)) for b in train] == [(0, 3)]
    assert {b.epoch for b in train} == {1}
    train.load_state_dict(held)
    train.set_epoch(0)
    assert len(list(train)) == 5, "set_epoch is from the beginning"
    assert all(type(value) in (int, str) for value in held.values())


def test_a_batch_that_fails_does_not_count(numbered: np.ndarray) -> None:
    def fails(image: np.ndarray) -> np.ndarray:
        if image[0, 0, 0] == 5:
            raise ValueError("not five")
        return image

    train = stream(numbered, Policy([Lambda(fails)]), shuffle=False, batch_size=2)
    with pytest.raises(ValueError, match="not five"):
        list(train)
    assert (train.state_dict()["epoch"], train.state_dict()["position"]) == (0, 4)


def test_an_epoch_may_be_over_where_it_is_resumed(numbered: np.ndarray) -> None:
    """On more ranks, with the rest dropped."""
    train = stream(numbered, Policy([]), batch_size=8)
    next(iter(train))
    fresh = stream(numbered, Policy([]), batch_size=1, shard=(0, 4), uneven="drop")
    fresh.load_state_dict(train.state_dict())
    batches = iter(fresh)
    assert (len(batches), list(batches)) == (0, [])
    assert (fresh.state_dict()["epoch"], fresh.state_dict()["position"]) == (1, 0)
    assert [batch.epoch for batch in fresh] == [1, 1]


def test_pickling_keeps_the_state(images: np.ndarray, policy: Policy) -> None:
    train = stream((images, np.arange(23)), policy, batch_size=5, weights="balanced")
    next(iter(train))
    again: Stream = pickle.loads(pickle.dumps(train))
    assert again.state_dict() == train.state_dict()
    assert again.epoch == train.epoch
    train.load_state_dict(train.state_dict())
    again = pickle.loads(pickle.dumps(train))
    assert [len(batch.indices) for batch in again] == [5, 5, 5, 3]


def turned(image: np.ndarray) -> np.ndarray:
    return image[::-1]


RESIZED = Policy([Resize(4, 4)])
OTHERS: list[tuple[str, dict[str, Any]]] = [
    ("seed", {"seed": 2}),
    ("shuffle", {"shuffle": False}),
    ("repeat", {"repeat": 2}),
    ("shuffle_block_size", {"shuffle_block_size": 4}),
    ("weights", {"weights": np.arange(1, 24)}),
    ("frozen", {"frozen": True}),
    ("dtype", {"dtype": "float32"}),
    ("layout", {"layout": "NCHW"}),
    ("channels", {"channels": 1}),
    ("full_decode", {"full_decode": True}),
    ("allow_truncated", {"allow_truncated": True}),
    ("policy", {"views": 2}),
    ("policy", {"policy": Policy([HorizontalFlip(), Resize(4, 4)])}),
    ("policy", {"policy": Policy([Lambda(turned)])}),
    ("samples", {"images": np.zeros((22, 9, 8, 3), np.uint8)}),
    ("fields", {"labels": {"age": np.arange(23)}}),
]


IN_WORDS = {
    "policy": "another policy or other views than this stream has",
    "fields": "other fields or classes of the source than this stream has",
    "weights": "no weights, this stream has some",
}


@pytest.mark.parametrize(("name", "other"), OTHERS, ids=name_of)
def test_differences_are_named(images: np.ndarray, name: str, other: dict[str, Any]) -> None:
    def make(images: Any = images, policy: Any = RESIZED, labels: Any = None, **options: Any) -> Stream:
        return stream(Arrays(images, np.arange(len(images)) if labels is None else labels), policy, **options)

    state = make().state_dict()
    make().load_state_dict(state)
    changed = make(**other)
    with pytest.raises(InputError) as caught:
        changed.load_state_dict(state)
    cure = "make the stream as it was, or begin an epoch with set_epoch(0)"
    reported = IN_WORDS.get(name, f"{name}={state[name]!r}, this stream has {name}={changed.state_dict()[name]!r}")
    assert str(caught.value) == f"the state was saved with {reported}, so its epoch cannot go on the same; {cure}"
    make(**other).load_state_dict(changed.state_dict())


def test_other_weights_are_named(images: np.ndarray) -> None:
    plain, some, others = (stream(images, RESIZED, weights=w) for w in (None, np.arange(23), np.arange(1, 24)))
    for saved, now, reported in [
        (plain, some, "no weights, this stream has some"),
        (some, plain, "weights, this stream has none"),
        (some, others, "other weights than this stream has"),
    ]:
        with pytest.raises(InputError, match=f"^the state was saved with {reported}, so its epoch cannot go on"):
            now.load_state_dict(saved.state_dict())


def test_functions_are_known_by_name(images: np.ndarray) -> None:
    def made() -> Callable[[np.ndarray], np.ndarray]:
        return lambda image: image

    one, other = (stream(images, Policy([Lambda(made())])).state_dict() for _ in range(2))
    assert one == other, "where a function lies in memory is no part of it"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"version": 1}, "state_dict has version=1; give what state_dict"),
        ({"epoch": -1}, "state_dict has epoch=-1"),
        ({"epoch": 1 << 32}, "state_dict has epoch=4294967296"),
        ({"position": 24}, "state_dict has position=24; .*0 .. 23"),
        ({"position": "3"}, "state_dict has position='3'"),
    ],
)
def test_changed_states_are_refused(images: np.ndarray, change: dict[str, Any], says: str) -> None:
    train = stream(images, Policy([]))
    half = train.state_dict()
    del half["policy"]
    with pytest.raises(InputError, match="state_dict has no 'policy'; give what state_dict\\(\\) returned, whole"):
        train.load_state_dict(half)
    with pytest.raises(InputError, match=says):
        train.load_state_dict(train.state_dict() | change)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (None, r"load_state_dict\(\) was given None; give what state_dict\(\) returned, a dict"),
        ({}, r"load_state_dict\(\) was given \{\}; give what state_dict\(\) returned, a dict"),
        ([], r"load_state_dict\(\) was given a list; give"),
        (np.zeros(3), r"load_state_dict\(\) was given a ndarray; give"),
        ({"epoch": 3}, r"state_dict has no 'version'; give what state_dict\(\) of this version of vary returned"),
    ],
    ids=name_of,
)
def test_invalid_states(images: np.ndarray, state: Any, says: str) -> None:
    train = stream(images, Policy([]))
    with pytest.raises(InputError, match=f"^{says}"):
        train.load_state_dict(state)
    with pytest.raises(InputError, match=f"^{says}"):
        mix([train]).load_state_dict(state)


def test_any_mapping_may_hold_a_state(images: np.ndarray) -> None:
    train = stream(images, Policy([]))
    train.load_state_dict(MappingProxyType(train.state_dict() | {"epoch": 3}))
    assert train.epoch == 3


class Endless:
    """10^9 samples."""

    fields = ("images",)
    classes = None

    def __len__(self) -> int:
        return 10**9

    def __getitem__(self, index: int) -> Item:
        return Item(np.full((2, 2, 3), index % 251, np.uint8))

    def path(self, index: int) -> None:  # noqa: ARG002
        return None

    def label_batch(self, indices: object) -> tuple[np.ndarray, ...]:  # noqa: ARG002
        return ()


@pytest.mark.parametrize("options", [{}, {"repeat": 7}, {"shuffle_block_size": 1000}])
def test_a_huge_source_keeps_nothing(options: dict[str, Any]) -> None:
    """Shuffled, sharded and resumed far inside, in a few kilobytes: so there is nothing that would take long."""
    tracemalloc.start()
    try:
        train = stream(Endless(), Policy([]), shard=(3, 8), **options)
        state = train.state_dict() | {"position": 123_456_789}
        train.load_state_dict(state)
        batch = next(iter(train))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 1_000_000
    assert train.state_dict()["position"] == 123_456_789 + 32 * 8
    assert len(set(zip(batch.indices.tolist(), batch.views.tolist(), strict=True))) == 32
    fresh = stream(Endless(), Policy([]), batch_size=256, **options)
    fresh.load_state_dict(state)
    whole = next(iter(fresh))
    assert np.array_equal(whole.indices[3::8], batch.indices)


@pytest.mark.parametrize("kind", [np.int64, np.array, np.int32])
def test_checkpoints_may_give_back_other_numbers_and_words(images: np.ndarray, policy: Policy, kind: Any) -> None:
    train = stream(images, policy, batch_size=4, seed=7)
    next(iter(train))
    state = train.state_dict()
    for one in (train, mix([train])):
        given = {
            name: kind(value) if isinstance(value, int) else np.str_(value) if kind is np.int64 else np.array(value)
            for name, value in one.state_dict().items()
        }
        one.load_state_dict(given)
    assert train.state_dict() == state
    assert {type(value) for value in train.state_dict().values()} == {int, str}


def test_what_numpy_saved_is_a_state(images: np.ndarray, policy: Policy, tmp_path: Path) -> None:
    train = stream(images, policy, batch_size=4)
    next(iter(train))
    np.savez(tmp_path / "state.npz", **train.state_dict())
    fresh = stream(images, policy, batch_size=4)
    fresh.load_state_dict(np.load(tmp_path / "state.npz"))
    assert fresh.state_dict() == train.state_dict()


@pytest.mark.parametrize("value", [1.0, True, "1", None, np.array([1, 2]), np.float64(1)])
def test_invalid_numbers_are_refused(images: np.ndarray, value: Any) -> None:
    train = stream(images, Policy([]))
    with pytest.raises(InputError, match="state_dict has epoch="):
        train.load_state_dict(train.state_dict() | {"epoch": value})


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_stays_where_it_was_made(images: np.ndarray, policy: Policy, duplicate: Callable[[Any], Any]) -> None:
    train = stream(images, policy, batch_size=5)
    batches = iter(train)
    next(batches)
    other = duplicate(train)
    next(batches)
    assert (train.state_dict()["position"], other.state_dict()["position"]) == (10, 5)
