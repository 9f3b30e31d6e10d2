"""A stream with a cache has the same batches as without; later epochs decode nothing."""

import errno
import os
import pickle
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vary.errors import InputError
from vary.policy import Policy
from vary.sources import Files, Folder, files as files_module
from vary.streams import stream
from vary.streams.cache import choose, disk
from vary.streams.cache.budget import free_memory
from vary.streams.cache.memory import Memory
from vary.transforms import CenterCrop, HorizontalFlip, Lambda, RandomCrop, RandomResizedCrop, Resize

CROP = RandomResizedCrop(20, 24)
POLICIES = {
    "main": None,
    "crop": Policy([CROP, HorizontalFlip()]),
    "function": Policy([CROP, Lambda(np.negative), HorizontalFlip()]),
}
CACHES: list[dict[str, Any]] = [
    {"cache": "memory"},
    {"cache": "memory", "cache_bytes": 20_000},  # not enough
    {"cache": "disk"},
    {"cache": "disk", "cache_bytes": 20_000},
    {"cache": "auto"},
]


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def epochs(source: Any, policy: Policy, count: int = 2, **options: Any) -> tuple[list[bytes], list[int]]:
    train = stream(source, policy, batch_size=5, seed=3, **options)
    found, hits = [], []
    for _ in range(count):
        found += [array.tobytes() for batch in train for array in (*batch, batch.indices)]
        hits.append(train.report().cache_hits)
    return found, hits


@pytest.mark.parametrize("options", CACHES, ids=str)
@pytest.mark.parametrize("name", POLICIES)
def test_pictures_are_the_same_with_a_cache(folder: Path, policy: Policy, name: str, options: dict[str, Any]) -> None:
    chosen = POLICIES[name] or policy
    for more in ({}, {"full_decode": True}, {"channels": 1}, {"views": 3, "repeat": 2}):
        expected, none = epochs(folder, chosen, cache=None, **more)
        found, hits = epochs(folder, chosen, **options, **more)
        assert found == expected
        assert none == [0, 0]
        small = "cache_bytes" in options
        assert hits[0] <= hits[1] < 22 * 2 if small else hits[1] >= 22 * more.get("repeat", 1) - 11


def test_a_later_run_begins_with_what_is_on_disk(folder: Path, policy: Policy, cache_folder: Path) -> None:
    expected, _ = epochs(folder, policy, cache=None)
    assert epochs(folder, policy, cache="disk", prefetch=0) == (expected, [0, 22])
    stamps = {path.stat().st_mtime_ns for path in cache_folder.rglob("*-1")}
    assert len(stamps) > 1
    assert epochs(folder, policy, cache="disk", prefetch=0) == (expected, [22, 22])
    assert {path.stat().st_mtime_ns for path in cache_folder.rglob("*-1")} == stamps  # it had nothing to add
    assert epochs(folder, policy, cache="disk", prefetch=0, channels=1)[1] == [0, 22]  # other blocks


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_a_changed_file_is_decoded_again(folder: Path, policy: Policy, cache: Any) -> None:
    train = stream(folder, policy, shuffle=False, batch_size=22, cache=cache, frozen=True, prefetch=0)
    (before,) = train
    source = Folder(folder)
    first, second = (Path(source.path(index)) for index in (0, 1))
    first.write_bytes(second.read_bytes())
    os.utime(first, ns=(1, 1))
    (after,) = train
    assert train.report().cache_hits == 21
    assert not np.array_equal(after[0][0], before[0][0])
    assert np.array_equal(after[0][1:], before[0][1:])
    first.unlink()
    with pytest.raises(Exception, match="was there when the folder was listed"):
        list(train)


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_blocks_of_changed_files_are_deleted(tmp_path: Path, cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """After all files were touched, a cache that just held all of them holds all of them."""
    (tmp_path / "data").mkdir()
    for number in range(20):
        Image.fromarray(np.full((30, 30, 3), number, np.uint8)).save(tmp_path / "data" / f"{number:02}.jpg")
    options: dict[str, Any] = {"batch_size": 5, "cache": cache, "prefetch": 0}
    measured = stream(tmp_path / "data", Policy([]), **options)
    list(measured)
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "another"))
    limit = int(measured.report().cache_bytes * 1.1)
    train = stream(tmp_path / "data", Policy([]), cache_bytes=limit, **options)
    hits = []
    for epoch in range(5):
        list(train)
        hits.append(train.report().cache_hits)
        for path in (tmp_path / "data").iterdir() if epoch == 1 else ():
            os.utime(path, ns=(1, 1))
    assert hits == [0, 20, 0, 20, 20]


def test_what_fits_is_kept(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, cache="memory", cache_bytes=30_000)
    list(train)
    assert isinstance(train._store, Memory)
    assert 0 < train._store.held <= 30_000
    assert stream(folder, policy, cache="auto", cache_bytes=10)._store is None
    assert stream(folder, policy)._store is not None
    assert stream([np.zeros((4, 4, 3), np.uint8)], Policy([]), cache="memory")._store is None


def test_sources_without_fingerprints(folder: Path, policy: Policy) -> None:
    class Nameless(Folder):
        fingerprints = None  # type: ignore[assignment]

    source = Nameless(folder)
    assert epochs(source, policy, cache="memory", prefetch=0) == (epochs(folder, policy, cache=None)[0], [0, 22])
    with pytest.raises(
        InputError, match=r"cache='disk': Nameless has no method fingerprints.*; give it one, or use cache='memory'"
    ):
        stream(source, policy, cache="disk")


def test_arguments(folder: Path, policy: Policy) -> None:
    with pytest.raises(InputError, match="cache='ram'; choose one of None, memory, disk, auto"):
        stream(folder, policy, cache="ram")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="cache_bytes=0; give a whole number of at least 1"):
        stream(folder, policy, cache_bytes=0)
    with pytest.raises(InputError, match="cache=None and cache_bytes=7: nothing is kept; leave out one"):
        stream(folder, policy, cache=None, cache_bytes=7)


def test_which_files_are_broken_does_not_depend_on_it(folder: Path) -> None:
    """Of a crop only what it shows is decoded, so damage below it goes unseen; a cache would decode it all."""
    for file in folder.rglob("*.jpg"):
        file.write_bytes(file.read_bytes()[: -(file.stat().st_size // 3)])
    policy = Policy([RandomCrop(8, 8)])
    ways: list[dict[str, Any]] = [{"on_error": "skip"}, {"on_error": "replace"}, {"on_error": "skip", "views": 2}]
    for more in ways:
        expected, _ = epochs(folder, policy, 4, cache=None, **more)
        assert len(expected) > 0
        for options in CACHES:
            assert epochs(folder, policy, 4, **options, **more)[0] == expected


def test_streams_share_the_disk_cache(folder: Path, policy: Policy) -> None:
    one, other = (stream(folder, policy, shuffle=False, cache="disk", prefetch=0, shard=(rank, 2)) for rank in range(2))
    list(one)
    list(other)
    whole = stream(folder, policy, shuffle=False, cache="disk", prefetch=0)
    list(whole)
    assert whole.report().cache_hits == 22
    one.set_epoch(0)
    swapped = stream(folder, policy, shuffle=False, cache="disk", prefetch=0, shard=(1, 2))
    list(swapped)
    assert swapped.report().cache_hits == 11
    late = stream(folder, policy, shuffle=False, cache="disk", prefetch=0, channels=1)
    early = stream(folder, policy, shuffle=False, cache="disk", prefetch=0, channels=1)
    list(late)
    list(early)
    assert early.report().cache_hits == 22


def test_strange_files_are_skipped(folder: Path, policy: Policy) -> None:
    (folder / "cat" / "bomb.gif").write_bytes(b"GIF89a" + b"\xff\xff" * 2 + b"\x00" * 20)
    (folder / "cat" / "bad.tif").write_bytes(b"II*\x00\xff\xff\xff\x7f" + b"\x00" * 20)
    train = stream(folder, policy, on_error="skip")
    assert sum(len(batch.indices) for batch in train) == 22
    assert len(train.report().skipped) == 2


def test_where_there_is_room_finished_pixels_are_kept(folder: Path, policy: Policy) -> None:
    for path in folder.rglob("*.png"):
        path.unlink()
    pixels = 3 * sum((40 + n) * (70 - n) for n in range(0, 22, 3))  # of the JPEGs, as they were made
    expected, _ = epochs(folder, policy, cache=None, full_decode=True)
    for limit, compact in ((5 * pixels, False), (3 * pixels, True)):
        train = stream(
            folder, policy, batch_size=5, seed=3, full_decode=True, cache="memory", cache_bytes=limit, prefetch=0
        )
        assert [array.tobytes() for _ in range(2) for b in train for array in (*b, b.indices)] == expected
        held = train.report().cache_bytes
        assert (held < pixels) == compact
        assert held < 1.1 * pixels


def test_auto_estimates_by_the_levels_of_the_draws(tmp_path: Path) -> None:
    """Of large files that the policy shrinks, it is an eighth of each side."""
    for number in range(4):
        Image.fromarray(np.zeros((800, 1200, 3), np.uint8)).save(tmp_path / f"{number}.jpg")
    small, whole = Policy([Resize(90, 90)]), Policy([CenterCrop(90, 90)])
    limit = 4 * 800 * 1200 * 3 // 8
    train = stream(tmp_path, small, cache_bytes=limit, prefetch=0)
    list(train)
    assert 4 * 100 * 150 * 3 // 2 < train.report().cache_bytes < limit
    for policy, options in ((whole, {}), (small, {"full_decode": True}), ({"a": small, "b": (whole, 2)}, {})):
        train = stream(tmp_path, policy, cache_bytes=limit, prefetch=0, **options)  # type: ignore[arg-type]
        list(train)
        assert train.report().cache.startswith("none: all files would take about 6 MB, it may take 1 MB"), policy


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_descriptors_do_not_grow_with_runs(tmp_path: Path) -> None:
    """Each run adds one picture."""
    (tmp_path / "data").mkdir()
    policy, before = Policy([Resize(8, 8)]), []
    for number in range(100):
        Image.fromarray(np.full((10, 12, 3), number, np.uint8)).save(tmp_path / "data" / f"{number:03}.jpg")
        train = stream(tmp_path / "data", policy, cache="disk", prefetch=0)
        assert sum(len(batch.indices) for batch in train) == number + 1
        assert train.report().cache_hits == number
        before.append(descriptors())
    assert before[10] == before[-1]


@pytest.mark.parametrize("options", [{}, {"cache_bytes": 10**15}, {"cache_bytes": 30_000}], ids=str)
@pytest.mark.parametrize("kind", ["below a file", "only read"])
def test_a_folder_that_cannot_be_written(
    folder: Path, policy: Policy, tmp_path: Path, kind: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files are kept in memory instead, within what memory there is."""
    place = tmp_path / "file" / "below"
    place.parent.write_text("")
    why = "Not a directory"
    if kind == "only read":
        place, why = tmp_path / "cache", "Read-only file system"

        def refuse(path: Path, **_: Any) -> None:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

        monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setenv("VARY_CACHE", str(place))
    with pytest.warns(UserWarning, match=f"cache='disk': {place} cannot be written: {why}.*VARY_CACHE") as reported:
        found, hits = epochs(folder, policy, cache="disk", **options)
    assert len(reported) == 1
    assert found == epochs(folder, policy, cache=None)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        train = stream(folder, policy, cache="disk", **options)
        report = train.report()
    assert report.cache == f"in memory: {place} cannot be written: {why}"
    assert 0 < report.cache_limit <= min(options.get("cache_bytes", 10**15), free_memory() // 2)
    assert hits[0] == 0
    assert 0 < hits[1] <= 22


def test_a_full_disk_is_reported(folder: Path, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    train = stream(folder, policy, cache="disk", prefetch=0)
    assert train.report().cache == "on disk"
    write, left = disk._write, 10

    def full(*args: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(*args)

    monkeypatch.setattr(disk, "_write", full)
    with pytest.warns(UserWarning, match="No space left on device"):
        list(train)
    assert (train.report().cache_refused, train.report().cache_hits) == (12, 0)
    for _ in range(2):  # which warn no more
        list(train)
        assert (train.report().cache_refused, train.report().cache_hits) == (12, 10)


def test_a_relative_folder_is_that_of_the_beginning(
    folder: Path, policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the process goes before the first batch, and wherever a copy is used."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("VARY_CACHE", "cache")
    train = stream(folder, policy, cache="disk", prefetch=0)
    copy = pickle.loads(pickle.dumps(train))
    monkeypatch.chdir(tmp_path / "there")
    list(train)
    list(copy)
    assert copy.report().cache_hits == 22
    assert list(pickle.loads(pickle.dumps(train))._store.folder.parts[-2:]) == ["here", "cache"]
    assert list((tmp_path / "there").iterdir()) == []


def test_a_tenth_of_the_disk(folder: Path, policy: Policy, cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the cache holds already counts as free, so that the limit does not shrink from run to run."""
    monkeypatch.setattr(choose.os, "statvfs", lambda _: types.SimpleNamespace(f_bavail=1000, f_frsize=4096))
    list(train := stream(folder, policy, cache="disk"))
    assert train.report().cache_limit == 409_600
    held = train.report().cache_bytes
    assert held == sum(path.stat().st_size for path in cache_folder.rglob("*-?")) > 10_000
    assert stream(folder, policy, cache="disk").report().cache_limit == (4_096_000 + held) // 10
    assert stream(folder, policy, cache="disk", cache_bytes=777).report().cache_limit == 777


def test_a_stream_can_be_closed(folder: Path, policy: Policy) -> None:
    with stream(folder, policy, batch_size=5, process=True) as train:
        expected = [batch.images.tobytes() for batch in train]
        process = train._process._process  # type: ignore[union-attr]
        assert process.poll() is None
    assert process.poll() is not None
    train.set_epoch(0)
    assert [batch.images.tobytes() for batch in train] == expected
    train.close()
    train.close()


@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_a_file_that_is_replaced_between_its_fingerprint_and_its_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Any
) -> None:
    """The picture is the one that was read, and nothing is kept under the name of the other."""
    path, random = tmp_path / "one.jpg", np.random.default_rng(0)
    states = []
    for size in ((400, 400), (90, 100)):  # their draws need different levels
        small = Image.fromarray(random.integers(0, 256, (5, 6, 3), np.uint8))
        small.resize(size, Image.Resampling.BICUBIC).save(path, quality=95)
        states.append(path.read_bytes())

    def put(data: bytes, time: int) -> None:
        path.write_bytes(data)
        os.utime(path, (time, time))

    crop = Policy([RandomResizedCrop(24, 24)])
    plain = stream(Files([path]), crop, cache=None, prefetch=0)
    train = stream(Files([path]), crop, cache=cache, prefetch=0, threads=1)
    read, raced = files_module.read_file, 0

    def replacing(*given: Any) -> Any:
        nonlocal raced
        raced += 1
        put(states[1], 2)
        return read(*given)

    for epoch in range(30):
        put(states[0], 1)
        train.set_epoch(epoch)
        with monkeypatch.context() as patch:
            patch.setattr(files_module, "read_file", replacing)
            before, (batch,) = raced, train
        if raced > before:
            assert np.array_equal(batch.images, plain.replay(0, epoch).images), "of the new file alone"
        put(states[0], 1)  # the old file comes back, with its time
        train.set_epoch(epoch)
        (batch,) = train
        assert np.array_equal(batch.images, plain.replay(0, epoch).images), "and none of the new one is kept for it"
    assert raced >= 2


def test_an_estimate_without_descriptors_is_none(folder: Path, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """`report()` before the first epoch is no place for such an error; a batch is."""

    def refused(*_: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    train = stream(folder, policy, cache="memory")
    with monkeypatch.context() as patch:
        patch.setattr("vary.sources.folder.read_file", refused)
        assert train.report().cache == "in memory"
        with pytest.raises(OSError, match="Too many open files"):
            list(train)
    assert sum(len(batch.labels) for batch in train.batches(2)) == 44
    assert train.report().cache_hits == 22
