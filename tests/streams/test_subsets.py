"""A stream of a subset gives the same pictures of its samples as a stream of the whole, with all options."""

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError
from vary.policy import Policy
from vary.sources import Adapted, Arrays, Files, Folder, Item, Source, subset
from vary.streams import mix, stream
from vary.testing import check_resume
from vary.transforms import Resize

SOME = [21, 3, 8, 14, 5, 0, 11]


class Own(Source):
    """Arrays, handed out one by one."""

    fields = ("images", "labels")

    def __init__(self, images: np.ndarray) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def item(self, index: int) -> Item:
        return Item(self.images[index], (index % 3,))


@pytest.fixture(params=["array", "list", "folder", "files", "own", "renamed"])
def whole(request: pytest.FixtureRequest, images: np.ndarray, folder: Path) -> Any:
    labels = np.arange(len(images)) % 3
    if request.param in ("array", "list"):
        return Arrays(images if request.param == "array" else list(images), labels)
    if request.param == "files":
        return Files([*sorted(folder.rglob("*.*")), *folder.rglob("00.*")], labels)
    if request.param == "renamed":
        return stream(Arrays(images, labels, classes=["a", "b", "c"]), Policy([]), classes=["c", "b", "a"]).source
    return Own(images) if request.param == "own" else Folder(folder)


def seen(train: Any, epochs: int = 1) -> dict[Any, list[bytes]]:
    """What came, by (index, view, epoch)."""
    found = {}
    for _ in range(epochs):
        for batch in train:
            for place, key in enumerate(zip(batch.indices.tolist(), batch.views.tolist(), strict=True)):
                assert (*key, batch.epoch) not in found
                found[(*key, batch.epoch)] = [array[place].tobytes() for array in batch]
    train.close()
    return found


OPTIONS: list[dict[str, Any]] = [
    {},
    {"shuffle": False},
    {"repeat": 3, "batch_size": 4},
    {"views": 2},
    {"shuffle_block_size": 2},
    {"cache": "memory"},
    {"cache": None},
    {"prefetch": 0, "threads": 1},
    {"layout": "NCHW", "dtype": "float32", "frozen": True},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_a_subset_shows_the_pictures_of_the_whole(whole: Any, policy: Policy, options: dict[str, Any]) -> None:
    part = whole[SOME]
    found, every = seen(stream(part, policy, **options), 2), seen(stream(whole, policy, **options), 2)
    assert {key[0] for key in found} == set(SOME)
    assert len(found) == 2 * len(SOME) * options.get("repeat", 1)
    assert all(value == every[key] for key, value in found.items())


@pytest.mark.parametrize("options", [{}, {"cache": "disk"}], ids=str)
def test_in_another_process_and_on_disk(
    whole: Any, policy: Policy, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    expected = seen(stream(whole[SOME], policy))
    assert seen(stream(whole[SOME], policy, process=not options, **options)) == expected


def test_sources_without_fingerprints_are_named(folder: Path, policy: Policy) -> None:
    class Mine(Source):
        def __len__(self) -> int:
            return 22

        def item(self, index: int) -> Item:
            return Folder(folder)[index]._replace(labels=())

    with pytest.raises(InputError, match="cache='disk': Mine has no method fingerprints"):
        stream(Mine()[SOME], policy, cache="disk").peek()  # whether these are files is known then


def test_order_length_and_paths(folder: Path, policy: Policy) -> None:
    source = Folder(folder)
    train = stream(source[SOME], policy, shuffle=False, batch_size=4)
    batches = list(train)
    assert [batch.indices.tolist() for batch in batches] == [SOME[:4], SOME[4:]]
    assert [path for batch in batches for path in batch.paths or ()] == [source.path(index) for index in SOME]
    assert source.labels is not None
    assert [label for batch in batches for label in batch.labels] == source.labels[SOME].tolist()
    assert (len(train), train.classes, train.peek().indices.tolist()) == (2, source.classes, SOME[:4])


def test_replay_goes_by_the_whole(whole: Any, policy: Policy) -> None:
    train = stream(whole[SOME], policy, seed=3)
    again = stream(whole, policy, seed=3).replay(8, 2)
    assert train.replay(8, 2).images.tobytes() == again.images.tobytes()
    assert train.replay(8).indices.tolist() == [8]
    with pytest.raises(InputError, match=r"index=7 is not in this subset of 7 samples; give one of batch.indices"):
        train.replay(7)


def test_weights_are_of_the_subset(images: np.ndarray, policy: Policy) -> None:
    labels = np.arange(len(images)) % 3
    part = Arrays(images, labels)[[0, 3, 6, 9, 12, 1, 2]]
    drawn = Counter(index % 3 for index, *_ in seen(stream(part, policy, weights="balanced", repeat=3)))
    assert drawn == {0: 7, 1: 7, 2: 7}
    found = seen(stream(part, policy, weights=[0, 0, 0, 0, 0, 1, 3], repeat=4))
    assert Counter(index for index, *_ in found) == {1: 7, 2: 21}
    with pytest.raises(InputError, match=r"weights has shape \(23,\) and the source 7 samples"):
        stream(part, policy, weights=np.ones(23))


def test_shards_share_a_subset(images: np.ndarray, policy: Policy) -> None:
    part, together = Arrays(images)[SOME], Counter[int]()
    for rank in range(3):
        for batch in stream(part, policy, shard=(rank, 3), uneven="keep", batch_size=2):
            together.update(batch.indices.tolist())
    assert together == Counter(SOME)


def test_a_mix_of_subsets(images: np.ndarray, policy: Policy) -> None:
    source = Arrays(images, np.arange(23) % 3)
    parts = source.split(0.3)
    every = seen(stream(source, policy))
    for batch in mix([stream(part, policy, batch_size=5) for part in parts]):
        for place, (which, index) in enumerate(zip(batch.streams, batch.indices, strict=True)):
            assert index in parts[which].numbers
            assert batch.images[place].tobytes() == every[int(index), 0, 0][0]


def test_broken_files_are_replaced_from_the_subset(folder: Path, policy: Policy) -> None:
    source = Folder(folder)
    for index in (3, 14):
        Path(source.path(index)).write_bytes(b"no picture")
    for weights in (None, [1, 1, 1, 1, 1, 0, 1]):
        train = stream(source[SOME], policy, on_error="replace", weights=weights, repeat=6)
        indices = {index for batch in train for index in batch.indices.tolist()}
        allowed = {*SOME} - {3, 14} - ({0} if weights else set())
        assert indices == allowed
        assert {skipped.path for skipped in train.report().skipped} == {source.path(3), source.path(14)}
        train.close()
    train = stream(source[SOME], policy, on_error="skip")
    assert sorted(index for batch in train for index in batch.indices) == sorted({*SOME} - {3, 14})


def test_it_goes_on_where_it_was(whole: Any, policy: Policy) -> None:
    check_resume(lambda: stream(whole[SOME], policy, batch_size=3))
    state = stream(whole[SOME], policy).state_dict()
    for other, says in (
        (whole[[*SOME[1:], SOME[0]]], "saved with another subset of the source than this stream has"),
        (whole[[*SOME[1:], 1]], "saved with another subset"),
        (whole, "saved with samples=7, this stream has samples=2"),
    ):
        with pytest.raises(InputError, match=says):
            stream(other, policy).load_state_dict(state)
    all_of_it = stream(whole[:], policy).state_dict()
    with pytest.raises(InputError, match="saved with subset, this stream has none"):
        stream(whole, policy).load_state_dict(all_of_it)
    stream(whole[SOME][:], policy).load_state_dict(state)


def test_one_array_is_still_read_at_once(images: np.ndarray, policy: Policy) -> None:
    part = Arrays(images, np.arange(23) % 2, classes=["a", "b"])[SOME]
    for train in (stream(part, policy), stream(part, policy, classes=["b", "a"])):
        assert train._job(0).whole is not None
        assert train._job(0).group > 0
    assert isinstance(train._job(0).source, Adapted)


def test_plain_sources_too(images: np.ndarray, policy: Policy) -> None:
    class Plain:
        fields = ("images",)

        def __len__(self) -> int:
            return 23

        def __getitem__(self, index: int) -> Item:
            return Item(images[index])

    found = seen(stream(subset(Plain(), SOME), policy))
    every = seen(stream(Plain(), policy))
    assert sorted(found) == sorted((index, 0, 0) for index in SOME)
    assert all(value == every[key] for key, value in found.items())


def test_the_first_sample_of_the_subset_decides_its_kind(images: np.ndarray) -> None:
    mixed = [image[..., :1] if number < 5 else image for number, image in enumerate(images)]
    for train in (stream(Arrays(mixed)[:5], Policy([])), stream(Arrays(mixed)[5:], Policy([Resize(4, 4)]))):
        assert sum(len(batch.images) for batch in itertools.islice(train, 5)) == len(train.source)
