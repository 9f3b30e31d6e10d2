"""How often a sample occurs in an epoch, and as which view: repeat and weights."""

import math
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError
from vary.policy import Policy
from vary.sources import Arrays
from vary.streams import stream
from vary.streams.options import Options
from vary.streams.order.samples import UNIT, Slots, cumulate


def samples(slots: Slots, places: np.ndarray, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
    """(indices, repetitions) of these slots."""
    return slots.samples(Options(seed=seed, shuffle=False), epoch)(places)


def weighted(weights: object, repeat: int = 1) -> Slots:
    found = np.asarray(weights, float)
    return Slots(len(found), repeat, cumulate(found, len(found) * repeat))


def counts(slots: Slots, seed: int, epoch: int) -> np.ndarray:
    """How often each sample comes; its views must be 0, 1, 2, ..."""
    indices, views = samples(slots, np.arange(slots.count(0)), seed, epoch)
    assert np.all(np.diff(indices) >= 0), "slots lie in the order of their samples"
    for index in set(indices.tolist()):
        assert views[indices == index].tolist() == list(range(int((indices == index).sum())))
    found: np.ndarray = np.bincount(indices, minlength=slots.n)
    return found


RANDOM = np.random.default_rng(4)
WEIGHTS = [
    [1.0],
    [1, 1, 1],
    [0, 3, 0, 1, 0],
    [1e-3, 1, 1e3],
    np.arange(40) % 7,
    RANDOM.random(300),
    RANDOM.lognormal(sigma=3, size=300),
]


@pytest.mark.parametrize("weights", WEIGHTS, ids=range(len(WEIGHTS)))
@pytest.mark.parametrize("repeat", [1, 3])
def test_a_sample_gets_the_floor_or_the_ceiling_of_its_share(weights: Any, repeat: int) -> None:
    slots = weighted(weights, repeat)
    share = np.asarray(weights) / np.sum(weights) * slots.count(0)
    for epoch in range(30):
        found = counts(slots, 3, epoch)
        assert found.sum() == slots.count(0)
        assert np.all(np.abs(found - share) < 1 + 1e-6)
        assert np.all(found[np.asarray(weights) == 0] == 0)
        assert found.max() <= slots.max_repeats(0)
    assert slots.max_repeats(0) == math.ceil(share.max() - 1e-6)


@pytest.mark.parametrize("weights", WEIGHTS, ids=range(len(WEIGHTS)))
def test_over_the_epochs_a_sample_gets_its_share(weights: Any) -> None:
    """Within five standard deviations of a mean of n coin tosses of the share's fraction; the seed is fixed."""
    rounds = 1000
    slots = weighted(weights)
    share = np.asarray(weights) / np.sum(weights) * slots.count(0)
    indices = np.concatenate([samples(slots, np.arange(slots.count(0)), 8, epoch)[0] for epoch in range(rounds)])
    mean = np.bincount(indices, minlength=slots.n) / rounds
    rest = share % 1
    assert np.all(np.abs(mean - share) <= 5 * np.sqrt(rest * (1 - rest) / rounds) + 2 / UNIT + 1e-4)


def test_equal_weights_are_no_weights() -> None:
    slots = np.arange(21)
    for one, other in zip(
        samples(weighted(np.full(7, 0.1), 3), slots, 1, 2), samples(Slots(7, 3), slots, 1, 2), strict=True
    ):
        assert np.array_equal(one, other)


def test_a_slot_is_mapped_to_its_sample_by_itself() -> None:
    for slots in (Slots(50, 4), weighted(RANDOM.random(50), 4)):
        indices, views = samples(slots, np.arange(200), 5, 6)
        some = np.arange(199, -1, -3)
        assert np.array_equal(samples(slots, some, 5, 6), (indices[some], views[some]))


@pytest.mark.parametrize("options", [{"repeat": 3}, {"weights": np.arange(23) + 1.0, "repeat": 2}])
def test_a_repeated_sample_is_another_view(images: np.ndarray, policy: Policy, options: dict[str, Any]) -> None:
    train = stream(images, policy, batch_size=7, seed=5, labels=np.arange(23), **options)
    for epoch in range(2):
        seen = set()
        for batch in train:
            for picture, label, index, view in zip(*batch, batch.indices.tolist(), batch.views.tolist(), strict=True):
                assert label == index
                assert np.array_equal(picture, policy(images[index], seed=5, epoch=epoch, index=index, view=view))
                seen.add((index, view))
        assert len(seen) == 23 * options["repeat"], "none comes twice as the same view"
    assert len(train) == math.ceil(23 * options["repeat"] / 7)


def test_repetitions_are_shuffled_over_the_epoch(images: np.ndarray) -> None:
    train = stream(images, Policy([]), repeat=40, batch_size=920)
    (batch,) = train
    assert np.array_equal(np.bincount(batch.indices), np.full(23, 40))
    assert len(set(batch.indices[:46].tolist())) > 15
    (again,) = train
    assert not np.array_equal(again.indices, batch.indices)
    (plain,) = stream(images, Policy([]), repeat=2, batch_size=46, shuffle=False)
    assert plain.indices.tolist() == np.repeat(np.arange(23), 2).tolist()
    assert plain.views.tolist() == [0, 1] * 23


def test_balanced_classes_come_equally_often(images: np.ndarray) -> None:
    labels = np.array([0] * 15 + [2] * 5 + [7] * 3)
    train = stream((images, labels), Policy([]), weights="balanced", repeat=3, batch_size=69)
    for (batch,) in ([*train] for _ in range(20)):
        ids, often = np.unique(batch.labels, return_counts=True)
        assert (ids.tolist(), often.tolist()) == ([0, 2, 7], [23, 23, 23])
        assert set(np.bincount(batch.indices)[:15].tolist()) <= {1, 2}


@pytest.mark.parametrize(
    "labels", [None, np.linspace(0, 1, 23), {"age": np.arange(23)}, np.eye(23), np.eye(23, dtype=int)]
)
def test_balanced_needs_class_ids(images: np.ndarray, labels: Any) -> None:
    with pytest.raises(InputError, match=r"goes by class ids, .*; this source has images.*; give weights=\[...\]"):
        stream(Arrays(images, labels), Policy([]), weights="balanced")


@pytest.mark.parametrize(
    ("weights", "says"),
    [
        ("even", "weights='even'; give \"balanced\", or one number a sample"),
        ([1, 2], r"weights has shape \(2,\) and the source 23 samples"),
        (object(), "weights=<object.*; give one number a sample"),
        ([1] * 22 + [-0.5], r"weights\[22\]=-0.5; give numbers of at least 0"),
        ([1] * 22 + [np.nan], r"weights\[22\]=nan"),
        ([np.inf] + [1] * 22, r"weights\[0\]=inf"),
        ([0] * 23, "weights add up to 0.0; give some sample a number above 0"),
    ],
)
def test_invalid_weights(images: np.ndarray, weights: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        stream(images, Policy([]), weights=weights)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"repeat": (1 << 20) + 1}, "repeat=1048577 let a sample come 1048577 times with 1 views each, over the limit"),
        ({"repeat": 1 << 19, "views": 3}, "repeat=524288 let a sample come 524288 times with 3 views each"),
        ({"repeat": 1 << 16, "weights": [1] + [0] * 22}, "repeat=65536 and weights let .* 1507328 times with 1 views"),
    ],
)
def test_there_are_view_numbers_for_all(images: np.ndarray, options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says + ".*; lower repeat, weights or views"):
        stream(images, Policy([]), **options)
    stream(images, Policy([]), repeat=1 << 19, views=2)
