"""Replacements of broken files: batches are full and reproducible, and there is a limit."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError, SourceError
from vary.policy import Policy
from vary.sources import Arrays, Folder, Item
from vary.streams import Batch, mix, stream
from vary.testing import check_resume
from vary.transforms import Resize, Rotate


@pytest.fixture
def broken(folder: Path) -> list[str]:
    """Cut off, no picture at all, gone."""
    source = Folder(folder)
    paths = [Path(source.path(index)) for index in (3, 11, 19)]
    paths[0].write_bytes(paths[0].read_bytes()[:-100])
    paths[1].write_bytes(b"\xff\xd8\xff and nothing else")
    paths[2].write_bytes(b"nothing")
    return list(map(str, paths))


def batches(folder: Path, policy: Policy, **options: Any) -> list[Batch]:
    return list(stream(folder, policy, seed=5, on_error="replace", **options))


def joined(found: list[Batch], name: str = "images") -> np.ndarray:
    return np.concatenate([getattr(batch, name) for batch in found])


OPTIONS: list[dict[str, Any]] = [{}, {"cache": None}, {"cache": None, "views": 3}, {"views": 2, "repeat": 2}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_batches_stay_full(folder: Path, broken: list[str], policy: Policy, options: dict[str, Any]) -> None:
    train = stream(folder, policy, seed=5, batch_size=4, on_error="replace", **options)
    found = list(train)
    times = options.get("repeat", 1)
    assert [len(batch.indices) for batch in found] == [4] * (22 * times // 4) + [2] * (22 * times % 4 > 0)
    assert not {3, 11, 19} & set(joined(found, "indices").tolist())
    labels = Folder(folder).labels
    assert labels is not None
    for batch in found:
        assert np.array_equal(batch.labels, labels[batch.indices])
        for picture, index, view in zip(batch.images, batch.indices.tolist(), batch.views.tolist(), strict=True):
            assert np.array_equal(picture, train.replay(index, 0, view).images[0])
    listed = [path for path, _ in train.report().skipped]
    assert set(broken) == set(listed)
    assert len(listed) == 3, "each once, however often it came"


def test_the_same_ones_however_they_are_made(folder: Path, broken: list[str], policy: Policy) -> None:
    assert broken
    expected = batches(folder, policy, batch_size=22)
    ways: list[dict[str, Any]] = [
        {"batch_size": 3},
        {"batch_size": 5, "threads": 1, "prefetch": 0},
        {"batch_size": 1, "cache": None},
    ]
    for options in ways:
        found = batches(folder, policy, **options)
        assert np.array_equal(joined(found, "indices"), expected[0].indices)
        assert np.array_equal(joined(found), expected[0].images)
    parts = [batches(folder, policy, shard=(rank, 2), batch_size=11) for rank in range(2)]
    assert [len(part) for part in parts] == [1, 1]
    assert np.array_equal(parts[0][0].images, expected[0].images[::2])
    assert np.array_equal(parts[1][0].images, expected[0].images[1::2])


def test_resuming(folder: Path, broken: list[str], policy: Policy) -> None:
    assert broken
    check_resume(lambda: stream(folder, policy, seed=5, batch_size=4, on_error="replace"))


def test_other_epochs_use_other_samples(folder: Path, broken: list[str], policy: Policy) -> None:
    assert broken
    train = stream(folder, policy, shuffle=False, batch_size=22, on_error="replace")
    taken = {tuple(batch.indices[[3, 11, 19]].tolist()) for _ in range(6) for batch in train}
    assert len(taken) > 3


def test_too_many_are_an_error(folder: Path, broken: list[str], policy: Policy) -> None:
    train = stream(folder, policy, on_error="skip", max_errors=2)
    with pytest.raises(
        SourceError, match=r"3 broken files so far, over max_errors=2; report\(\) lists them; the last: "
    ):
        list(train)
    assert sorted(path for path, _ in train.report().skipped) == sorted(broken)
    assert len(list(stream(folder, policy, on_error="replace", batch_size=4, max_errors=40))) == 6
    with pytest.raises(InputError, match='max_errors=3 goes with on_error="skip" or "replace"'):
        stream(folder, policy, max_errors=3)


def test_no_sample_is_left(folder: Path) -> None:
    for path in folder.rglob("*.*"):
        path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(SourceError, match='on_error="replace" tried 16 samples in the place of one, all broken'):
        list(stream(folder, Policy([Resize(4, 4)]), on_error="replace"))
    source = Folder(folder)
    Path(source.path(0)).write_bytes(b"nothing")
    says = re.escape(f"all broken; the first: {source.path(0)}: not a picture in a known format")
    with pytest.raises(SourceError, match=f'{says}.*; mend the source, or on_error="skip" goes on without'):
        list(stream(source, Policy([Resize(4, 4)]), on_error="replace", shuffle=False))


def test_only_samples_that_can_occur_are_replacements(folder: Path, broken: list[str], policy: Policy) -> None:
    assert broken
    weights = [1] * 4 + [0] * 8 + [1] * 2 + [0] * 5 + [1] * 3
    taken = np.concatenate([batch.indices for _ in range(4) for batch in batches(folder, policy, weights=weights)])
    assert {weights[index] for index in taken.tolist()} == {1}


def test_the_error_for_different_sizes_names_the_cure(folder: Path, broken: list[str]) -> None:
    assert broken
    with pytest.raises(InputError, match=r"put Resize\(height, width\) into the policy"):
        batches(folder, Policy([]), batch_size=4)


def test_replay(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, seed=5, batch_size=5, views=2, repeat=2)
    for epoch in range(2):
        for batch in train:
            one = train.replay(int(batch.indices[0]), epoch, int(batch.views[0]))
            assert np.array_equal(one.images, batch.images[:1])
            assert (one.labels[0], one.indices[0], one.views[0]) == (batch.labels[0], batch.indices[0], batch.views[0])
            assert one.paths == batch.paths[:1]  # type: ignore[index]
    with pytest.raises(InputError, match="the source has 22 samples"):
        train.replay(22)
    with pytest.raises(InputError, match="give a multiple of it"):
        train.replay(0, view=1)


class Fragile(Arrays):
    """Some samples cannot be read."""

    lost: tuple[int, ...] = ()

    def item(self, index: int) -> Item:
        if index in self.lost:
            raise SourceError(f"{index} is broken")
        return super().item(index)


@pytest.mark.parametrize("options", [{}, {"repeat": 3}, {"views": 2}, {"weights": np.linspace(0.1, 2, 12)}])
def test_no_picture_comes_twice(options: dict[str, Any]) -> None:
    images = np.random.default_rng(0).integers(0, 255, (12, 9, 9, 3), np.uint8)
    source = Fragile(images)
    source.lost = (3, 4, 7)
    for seed in range(20):
        train = stream(source, Policy([Rotate(40)]), batch_size=5, on_error="replace", seed=seed, **options)
        found = list(train)
        pictures = [one.tobytes() for batch in found for one in batch.images.reshape(-1, 9, 9, 3)]
        assert len(set(pictures)) == len(pictures)
        pairs = [pair for b in found for pair in zip(b.indices.tolist(), b.views.tolist(), strict=True)]
        assert len(set(pairs)) == len(pairs)
        for batch in found:
            for image, index, view in zip(batch.images, batch.indices.tolist(), batch.views.tolist(), strict=True):
                assert np.array_equal(train.replay(index, 0, view).images[0], image)


def test_there_are_view_numbers_for_replacements() -> None:
    images = np.zeros((3, 2, 2, 3), np.uint8)
    stream(images, Policy([]), repeat=60_000, on_error="replace")
    with pytest.raises(InputError, match=r"repeat=70000 let a sample come .* over the limit of"):
        stream(images, Policy([]), repeat=70_000, on_error="replace")


@pytest.mark.parametrize("second", ["a", "b"])
def test_sizes_of_every_field_are_compared(second: str) -> None:
    images = [np.zeros((9, 9, 3) if n < 8 else (8, 8, 3), np.uint8) for n in range(12)]
    source = Fragile(images)
    source.lost = (3, 4)
    policies = {name: Policy([]) if name == second else Policy([Resize(4, 4)]) for name in ("a", "b")}
    refused = 0
    for seed in range(20):
        train = stream(source, policies, batch_size=8, shuffle=False, on_error="replace", seed=seed)
        try:
            next(iter(train))
        except InputError as error:
            assert "of a batch must come out in one size" in str(error)  # noqa: PT017
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("on_error", ["skip", "replace"])
@pytest.mark.parametrize("options", [{"repeat": 3}, {"weights": [1, 1, 1, 5, 5, *[1] * 7], "repeat": 2}, {"views": 2}])
def test_a_broken_file_counts_once(on_error: Any, options: dict[str, Any]) -> None:
    source = Fragile(np.zeros((12, 4, 4, 3), np.uint8))
    source.lost = (3, 4)
    train = stream(source, Policy([]), batch_size=3, on_error=on_error, max_errors=2, **options)
    for _ in range(2):
        list(train)
        assert sorted(train.report().skipped) == [("sample 3", "3 is broken"), ("sample 4", "4 is broken")]
    both = mix([stream(source, Policy([]), batch_size=3, on_error=on_error, max_errors=4, **options)] * 2)
    list(both)
    assert len(both.report().skipped) == 4, "the same index of another stream is another file"


def test_a_batch_over_max_errors_counts_as_not_received(folder: Path, broken: list[str], policy: Policy) -> None:
    train = stream(folder, policy, on_error="skip", shuffle=False, batch_size=4, max_errors=len(broken) - 1)
    found: list[int] = []
    with pytest.raises(SourceError, match="over max_errors="):
        found.extend(len(batch.images) for batch in train)
    assert train.report().images == sum(found)
    assert train.state_dict()["position"] == 4 * len(found), "the good samples of the last batch have not come yet"
