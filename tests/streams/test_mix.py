"""Streams mixed by ratio: the stream of each sample, the same pictures as by the stream alone, and how often samples
occur."""

import itertools
import pickle
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streams.test_process import together
from streams.test_resume import Endless

from vary.errors import DecodeError, InputError, SourceError
from vary.policy import Policy
from vary.rng import EPOCH_LIMIT
from vary.sources import Folder
from vary.streams import Batch, Mixed, Stream, mix, stream
from vary.streams.batches.mixed import JOBS
from vary.streams.options import names_of
from vary.streams.order.shuffle import order
from vary.streams.workers.pool import Inline
from vary.streams.workers.process.memory import Arena, BufferPool, Ref, unnamed_file
from vary.testing import check_resume
from vary.transforms import HorizontalFlip, RandomCrop, Resize, Rotate

SIZES = 23, 10, 3
SMALL = Policy([Rotate(20), HorizontalFlip(), Resize(6, 5)])
Sample = tuple[int, int, int, int]


def pictures(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(n).integers(0, 256, (n, 9, 8, 3), np.uint8), np.arange(n)


def members(sizes: Any = SIZES, own: Any = (), policy: Policy = SMALL, **options: Any) -> list[Stream]:
    """Streams of so many pictures, each with a seed of its own. own: more options of each."""
    given: dict[str, Any] = {"batch_size": 10, **options}
    every = itertools.zip_longest(range(len(sizes)), sizes, own, fillvalue={})
    return [stream(pictures(n), policy, seed=k, **given, **more) for k, n, more in every]


def mixed(ratios: Any = (6, 3, 1), sizes: Any = SIZES, own: Any = (), **options: Any) -> Mixed:
    return mix(members(sizes, own, **options), ratios)


def samples(batches: Any) -> list[Sample]:
    """(stream, its epoch, index, view) of each."""
    found: list[Sample] = []
    for b in batches:
        found += zip(*(a.tolist() for a in (b.streams, b.epochs, b.indices, b.views)), strict=True)
    return found


def counts(batch: Batch, n: int = 3) -> list[int]:
    assert batch.streams is not None
    return np.bincount(batch.streams, minlength=n).tolist()  # type: ignore[no-any-return]


def test_batches_hold_samples_by_ratio() -> None:
    train = mixed()
    batches = [batch for _ in range(5) for batch in train]
    assert (len(train), len(batches)) == (4, 20)
    assert {len(b.indices) for b in batches} == {10, 6}
    whose = np.concatenate([batch.streams for batch in batches])
    assert len(whose) == 5 * 36
    for first in range(0, 180, 10):
        assert np.bincount(whose[first : first + 10]).tolist() == [6, 3, 1], "over the ends of epochs, too"
    for batch in batches[:3]:
        assert (batch.epoch, counts(batch)) == (0, [6, 3, 1])


@pytest.mark.parametrize(
    "options", [{}, {"repeat": 2}, {"shuffle": False}, {"own": [{"weights": np.arange(23)}]}], ids=str
)
def test_streams_go_on_from_epoch_to_epoch(options: dict[str, Any]) -> None:
    train = mixed(**options)
    every = samples(batch for _ in range(12) for batch in train)
    for k, one in enumerate(train.streams):
        mine = [sample[1:] for sample in every if sample[0] == k]
        alone = [(b.epoch, i, v) for _ in range(60) for b in one for i, v in zip(b.indices.tolist(), b.views.tolist())]  # noqa: B905
        assert len(mine) > 40
        assert mine == alone[: len(mine)]
        once = Counter(index for _, index, _ in mine)
        if "own" not in options:
            assert max(once.values()) - min(once.get(i, 0) for i in range(SIZES[k])) <= options.get("repeat", 1)


@pytest.mark.parametrize("ratios", [(6, 3, 1), None, (1, 1, 50)])
def test_a_sample_is_what_its_stream_makes_of_it(ratios: Any) -> None:
    own = [{"repeat": 2}, {"frozen": True}, {"weights": [1, 2, 4], "repeat": 3}]
    train = mixed(ratios, own=own, views=2)
    for batch in itertools.chain(train, train):
        for row, (k, epoch, index, view) in enumerate(samples([batch])):
            expected = train.streams[k].replay(index, epoch, view)
            assert np.array_equal(batch.images[row], expected.images[0])
            assert batch.labels[row] == expected.labels[0] == index


@pytest.mark.parametrize("repeat", [1, 3])
def test_by_lengths_every_sample_comes_once_an_epoch(repeat: int) -> None:
    train = mixed(None, repeat=repeat)
    assert train.ratios == SIZES
    for epoch in range(3):
        found = samples(train)
        assert sorted(found) == [(k, epoch, i, v) for k, n in enumerate(SIZES) for i in range(n) for v in range(repeat)]


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("uneven", ["pad", "drop", "keep"])
def test_ranks_share_the_epoch_that_one_would_have(ranks: int, uneven: Any) -> None:
    sizes = 20, 11, 5
    every = samples(mixed(sizes=sizes, batch_size=36))
    for size in (4, 5):
        ready = [mixed(sizes=sizes, batch_size=size, shard=(r, ranks), uneven=uneven) for r in range(ranks)]
        parts = [list(one) for one in ready]
        for step, batches in enumerate(itertools.zip_longest(*parts, fillvalue=None)):
            found = sorted(samples(batch for batch in batches if batch is not None))
            whole = every[step * size * ranks : (step + 1) * size * ranks]
            if len(whole) < size * ranks and uneven == "drop":
                whole = whole[: len(whole) // ranks * ranks]
            if uneven == "pad":
                whole = whole + every[: -len(whole) % ranks]
            assert found == sorted(whole)
        for one, batches in zip(ready, parts, strict=True):
            assert [len(b.indices) for b in batches] == [
                min(size, one.options.share(36) - done) for done in range(0, one.options.share(36), size)
            ]


@pytest.mark.parametrize("ranks", [2, 4, 8])
def test_every_ranks_batch_holds_the_streams_by_ratio(ranks: int) -> None:
    """Every second place is of the first stream; so every ranks-th would be."""
    for rank in range(ranks):
        train = mixed((2, 1, 1), (64, 64, 64), batch_size=8, shard=(rank, ranks))
        assert [counts(batch) for batch in train] == [[4, 2, 2]] * (24 // ranks)


WAYS: list[dict[str, Any]] = [
    {"batch_size": 1},
    {"batch_size": 7, "threads": 1},
    {"batch_size": 36, "prefetch": 0},
    {"batch_size": 10, "prefetch": 7, "threads": 3},
]


@pytest.mark.parametrize("options", WAYS, ids=str)
def test_how_batches_are_made_changes_nothing(options: dict[str, Any]) -> None:
    one, other = mixed(), mixed(**options)
    for _ in range(3):
        expected, found = list(one), list(other)
        assert samples(found) == samples(expected)
        for name in ("images", "labels"):
            a, b = (np.concatenate([getattr(batch, name) for batch in every]) for every in (expected, found))
            assert (a.dtype, a.tobytes()) == (b.dtype, b.tobytes())


def test_a_stream_much_smaller_than_its_part_of_a_batch() -> None:
    train = mixed((9, 1), (2, 40), batch_size=20)
    first = next(iter(train))
    assert counts(first, 2) == [18, 2]
    assert first.epochs is not None
    assert first.epochs[first.streams == 0].tolist() == [epoch for epoch in range(9) for _ in range(2)]


def test_one_stream_is_itself(images: np.ndarray, policy: Policy) -> None:
    alone, train = (stream(images, policy, batch_size=5, seed=4) for _ in range(2))
    single = mix([train])
    for _ in range(2):
        for batch, expected in itertools.zip_longest(single, alone):
            assert batch.images.tobytes() == expected.images.tobytes()
            assert batch.epoch == expected.epoch
            assert batch.streams.tolist() == [0] * len(batch.indices)
            assert set(batch.epochs.tolist()) == {batch.epoch}
            assert (expected.streams, expected.epochs, batch.paths) == (None, None, None)
    assert train.epoch == 0, "the stream has not moved"


CASES: list[dict[str, Any]] = [
    {},
    {"ratios": None, "prefetch": 0},
    {"ratios": (0.1, 0.2, 5), "batch_size": 4},
    {"shard": (1, 3), "batch_size": 5},
    {"shard": (2, 4), "batch_size": 2, "uneven": "keep"},
    {"shard": (0, 2), "batch_size": 3, "uneven": "drop", "own": [{"drop_last": True}]},
    {"views": 2, "own": [{"frozen": True}, {"shuffle_block_size": 2}, {"repeat": 2, "shuffle": False}]},
]


@pytest.mark.parametrize("options", CASES, ids=str)
def test_resuming_after_any_batch_is_exact(options: dict[str, Any]) -> None:
    check_resume(lambda: mixed(**options))


def test_onto_another_number_of_ranks() -> None:
    sizes = 20, 11, 5
    every = samples(mixed(sizes=sizes, batch_size=36))
    for (ranks, size), taken in itertools.product([(1, 5), (2, 3), (3, 4)], range(3)):
        old = [mixed(sizes=sizes, batch_size=size, shard=(rank, ranks)) for rank in range(ranks)]
        before = samples(next(one) for one in map(iter, old) for _ in range(taken))
        (state,) = {pickle.dumps(one.state_dict()) for one in old}
        for now, batch_size in [(1, 7), (2, 1), (4, 3)]:
            new = [mixed(sizes=sizes, batch_size=batch_size, shard=(r, now), uneven="keep") for r in range(now)]
            for one in new:
                one.load_state_dict(pickle.loads(state))
            rest = samples(batch for one in new for batch in one)
            assert sorted(before + rest) == sorted(every), "nothing twice, nothing lost"


def folders(folder: Path, own: Any = ({}, {}), **options: Any) -> Mixed:
    """Cats and dogs, each with a source of its own; and arrays."""
    sources = (Folder(folder, classes=["cat", "dog"]), pictures(7))
    given: dict[str, Any] = {"batch_size": 4, "seed": 3, **options}
    policy = Policy([HorizontalFlip(), Resize(50, 40)])
    return mix([stream(source, policy, **given, **more) for source, more in zip(sources, own, strict=True)], [2, 1])


PROCESS: list[dict[str, Any]] = [
    {},
    {"prefetch": 0},
    {"batch_size": 1, "prefetch": 5},
    {"shard": (1, 2), "layout": "NCHW", "dtype": "float32"},
    {"views": 2},
]


@pytest.mark.parametrize("options", PROCESS, ids=str)
def test_from_another_process(folder: Path, options: dict[str, Any]) -> None:
    here, there = (folders(folder, process=process, **options) for process in (False, True))
    together(here, there)
    for a, b in zip(here, there, strict=True):
        assert samples([a]) == samples([b])
    assert all(one._process is None for one in there.streams)


@pytest.mark.parametrize(
    "policy", [SMALL, Policy([]), {"a": (SMALL, 2), "b": Policy([HorizontalFlip()])}], ids=["sized", "any", "specs"]
)
@pytest.mark.parametrize("streams", [1, 3])
def test_pictures_are_made_in_shared_memory(streams: int, policy: Any) -> None:
    buffers = BufferPool(Arena(unnamed_file()), kept=2)
    train = mix(members(policy=policy)[:streams])
    batch = train._job(0, buffers.empty).make(np.arange(10), Inline()).batch
    assert batch is not None
    for field in batch[:-1]:
        refs: list[Ref] = []
        assert buffers._ref(field, refs) is not None, "it is where it can be sent"


def test_paths_name_the_samples_of_all(folder: Path) -> None:
    train = folders(folder)
    source = train.streams[0].source
    found = set()
    for batch in train:
        assert batch.paths is not None
        assert batch.fields == train.fields == ("images", "labels")
        for path, (k, _, index, _) in zip(batch.paths, samples([batch]), strict=True):
            assert path == (f"sample {index}" if k else source.path(index))
            found.add(k)
    assert found == {0, 1}
    assert train.classes == ["cat", "dog"]
    alone = mix(train.streams[1:])
    assert {str(batch.paths) for batch in alone} == {"None"}
    assert alone.classes is None


@pytest.fixture
def broken(folder: Path) -> set[str]:
    names = {str(folder / "cat/03.jpg"), str(folder / "dog/04.png")}
    for name in names:
        Path(name).write_bytes(b"nothing")
    return names


@pytest.mark.parametrize("way", ["skip", "replace"])
def test_broken_files(folder: Path, broken: set[str], way: Any) -> None:
    own = ({"on_error": way}, {})
    train = folders(folder, own)
    found = list(train)
    assert {path for path, _ in train.report().skipped} == broken
    for batch in found:
        assert batch.paths is not None
        for row, (k, epoch, index, view) in enumerate(samples([batch])):
            again = train.streams[k].replay(index, epoch, view)
            assert np.array_equal(batch.images[row], again.images[0])
            assert batch.labels[row] == again.labels[0]
            assert k == 1 or batch.paths[row] == train.streams[0].source.path(index)
    assert sum(len(batch.indices) for batch in found) == 29 - (2 if way == "skip" else 0)
    check_resume(lambda: folders(folder, own))


def test_the_next_sample_of_the_stream_replaces_a_skipped_one(folder: Path, broken: set[str]) -> None:
    train = folders(folder, ({"on_error": "skip"}, {}))
    gone = {index for index in range(22) if train.streams[0].source.path(index) in broken}
    zeros = [stream(np.zeros((n, 4, 4, 3), np.uint8), Policy([]), batch_size=4, seed=3) for n in (22, 7)]
    for batch, whole in zip(train, map(samples, ([b] for b in mix(zeros, [2, 1]))), strict=True):
        kept = [[sample for sample in whole if sample[0] == k and (k or sample[2] not in gone)] for k in (0, 1)]
        assert samples([batch]) == [kept[k].pop(0) for k, *_ in whole if kept[k]]


@pytest.mark.usefixtures("broken")
def test_a_batch_whose_samples_were_all_skipped(folder: Path) -> None:
    train = folders(folder, ({"on_error": "skip"}, {}), batch_size=1)
    assert (len(train), len(list(train)), train.report().batches) == (29, 27, 27)


@pytest.mark.usefixtures("broken")
def test_errors_are_those_of_the_stream(folder: Path) -> None:
    with pytest.raises(DecodeError, match=r'not a picture.*on_error="skip"'):
        list(folders(folder))
    train = folders(folder, ({"on_error": "replace", "max_errors": 1}, {}))
    assert train.options.max_errors == 1, "a stream that raises has no say"
    with pytest.raises(SourceError, match="2 broken files so far, over max_errors=1"):
        list(train)


def test_sizes_that_depend_on_pictures() -> None:
    images = [np.zeros((2, 9, 8, 3), np.uint8), np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, 8, 8, 3), np.uint8)]
    policies = [Policy([Resize(9, 8)]), Policy([]), Policy([])]
    streams = [stream(image, policy, batch_size=6) for image, policy in zip(images, policies, strict=True)]
    assert next(iter(mix(streams[1:]))).images.shape == (4, 8, 8, 3)
    says = r"images of a batch .* streams\[0\] are \(9, 8, 3\) .* streams\[1\] \(8, 8, 3\); put the same Resize"
    with pytest.raises(InputError, match=says):
        list(mix(streams))


def test_the_order_of_a_stream_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, int]] = []

    def counted(n: int, seed: int, epoch: int, *more: Any) -> Any:
        made.append((seed, epoch))
        return order(n, seed, epoch, *more)

    monkeypatch.setattr("vary.streams.order.samples.order", counted)
    train = mixed((6, 3, 1), (500, 300, 2), batch_size=10, prefetch=0)
    list(train)
    assert max(Counter(made).values()) <= 2, "by each of the makers"
    assert len(set(made)) == 1 + 1 + 40
    job = train._job(0)
    for first in range(0, 800, 10):
        job.make(np.arange(first, first + 10), Inline())
    assert [one.cache_info().currsize for one in job.jobs] == [1, 1, JOBS]  # type: ignore[attr-defined]


def test_a_batch_knows_where_its_samples_are_from() -> None:
    batch = next(iter(mixed()))
    assert {"streams", "epochs"} <= {*dir(batch)}
    again = pickle.loads(pickle.dumps(batch))
    for name in ("streams", "epochs", "indices", "views"):
        assert getattr(batch, name).dtype == np.int64
        assert np.array_equal(getattr(again, name), getattr(batch, name))


def test_pickle_and_repr() -> None:
    train = mixed()
    list(train)
    assert repr(train) == "Mixed(3 streams by 6:3:1: 4 batches of 10, epoch=1)"
    copy = pickle.loads(pickle.dumps(train))
    assert samples(copy) == samples(train)
    assert train.report().images == 36
    assert train.report().epoch == 1


def test_a_report_of_all(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = folders(folder, prefetch=0)
    list(train)
    assert train.report().cache == "in memory"
    held = train.report().cache_bytes
    assert held == train.streams[0]._store.held > 10_000  # type: ignore[union-attr]
    list(train)
    assert 0 < train.report().cache_hits <= 20
    policy = Policy([Resize(50, 40)])
    train = mix([stream(folder, policy, cache_bytes=size) for size in (10, 10**9)])
    list(train)
    assert train.report().cache.startswith("in memory; none: all files would take")
    both = stream(folder, policy, prefetch=0)
    train = mix([both, both])
    list(train)
    assert train.report().cache_bytes == both._store.held > 10_000  # type: ignore[union-attr]
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    train = mix([stream(folder, policy, prefetch=0, cache="disk", seed=seed) for seed in (1, 2)])
    list(train)
    stores = [one._store.held for one in train.streams]  # type: ignore[union-attr]
    assert train.report().cache_bytes in stores, "of one folder, which is counted once"


def test_drop_last_of_one_is_that_of_all() -> None:
    train = mixed(own=[{"drop_last": True}])
    assert [len(batch.indices) for batch in train] == [10, 10, 10]


@pytest.mark.parametrize("ratios", [(6, 3, 1), None, (0.5, 0.3, 0.2)])
def test_huge_streams_keep_nothing(ratios: Any) -> None:
    """10^9 samples each, far inside and after many epochs: in a few kilobytes, so nothing takes long."""
    tracemalloc.start()
    try:
        train = mix([stream(Endless(), Policy([]), seed=k, shard=(3, 8)) for k in range(3)], ratios)
        state = train.state_dict() | {"position": 123_456_789, "epoch": EPOCH_LIMIT - 1}
        train.load_state_dict(state)
        batch = next(iter(train))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 1_000_000
    for row, (k, epoch, index, view) in enumerate(samples([batch])):
        assert np.array_equal(train.streams[k].replay(index, epoch, view).images[0], batch.images[row])
    parts, period = train.ratios, sum(train.ratios)
    assert max(abs(c - 32 * a / period) for c, a in zip(counts(batch), parts, strict=True)) < 2
    first = ((EPOCH_LIMIT - 1) * 3 * 10**9 + 123_456_789) // period  # rounds of all
    for k, epoch in {sample[:2] for sample in samples([batch])}:
        assert abs(epoch - first * parts[k] // 10**9 % EPOCH_LIMIT) % EPOCH_LIMIT <= 1


def test_several_views() -> None:
    both: Any = {"a": (SMALL, 2), "b": Policy([RandomCrop(4, 4)])}
    train = mixed((2, 2, 1), policy=both)
    batch = next(iter(train))
    assert [batch.a.shape, batch.b.shape] == [(10, 2, 6, 5, 3), (10, 4, 4, 3)]
    assert train.report().views == 3


def test_the_docstring_names_what_streams_must_share() -> None:
    doc = " ".join((mix.__doc__ or "").split())
    shared = doc.partition("must be the same in all: ")[2].partition(", and max_errors")[0]
    assert sorted(shared.split(", ")) == sorted(names_of("mix"))


def test_the_limit_of_one_folder_counts_once(folder: Path, policy: Policy) -> None:
    given: dict[str, Any] = {"batch_size": 4, "cache_bytes": 1_000_000}
    disk = [stream(folder, policy, cache="disk", **given) for _ in range(3)]
    assert mix(disk).report().cache_limit == 1_000_000
    memory = [stream(folder, policy, cache="memory", **given) for _ in range(3)]
    assert mix(memory).report().cache_limit == 3_000_000
    assert mix([stream(folder, policy, cache=None, batch_size=4)]).report().cache_limit == 0
