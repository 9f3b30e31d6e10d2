"""An epoch that several ranks share: which samples each rank has, and what happens with the rest."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError
from vary.policy import Policy
from vary.streams import Batch, Stream, stream
from vary.streams.order.shards import Shard


def ranks_of(source: object, policy: Policy, ranks: int, **options: Any) -> list[Stream]:
    return [stream(source, policy, shard=(rank, ranks), **options) for rank in range(ranks)]


def woven(parts: list[list[int]]) -> list[int]:
    """One of each in turn, as the epoch has them."""
    return [one for step in itertools.zip_longest(*parts) for one in step if one is not None]


def indices(batches: list[Batch]) -> list[int]:
    return [index for batch in batches for index in batch.indices.tolist()]


@pytest.mark.parametrize("ranks", [1, 2, 3, 7, 23, 30])
@pytest.mark.parametrize("uneven", ["pad", "drop", "keep"])
def test_ranks_share_the_epoch_that_one_would_have(images: np.ndarray, uneven: Any, ranks: int) -> None:
    (alone,) = stream(images, Policy([]), batch_size=23, seed=3)
    order = alone.indices.tolist()
    if ranks > 23 and uneven != "pad":
        return
    every = [list(one) for one in ranks_of(images, Policy([]), ranks, batch_size=2, seed=3, uneven=uneven)]
    found = woven([indices(batches) for batches in every])
    share = -(-23 // ranks) * ranks
    expected = {"pad": (order + order)[:share], "drop": order[: 23 // ranks * ranks], "keep": order}[uneven]
    assert found == expected
    if uneven != "keep":
        assert len({len(batches) for batches in every}) == 1, "no rank waits for another's batch"


def test_pictures_are_those_of_one_stream(images: np.ndarray, policy: Policy) -> None:
    """Padded ones as well."""
    for one in ranks_of(images, policy, 4, batch_size=5, seed=2, repeat=2):
        for batch in one:
            for picture, index, view in zip(batch[0], batch.indices.tolist(), batch.views.tolist(), strict=True):
                assert np.array_equal(picture, policy(images[index], seed=2, index=index, view=view))


@pytest.mark.parametrize("drop_last", [False, True])
def test_a_length_is_this_ranks(images: np.ndarray, drop_last: bool) -> None:
    for uneven, ranks, repeat in itertools.product(("pad", "drop", "keep"), (1, 2, 5), (1, 3)):
        options: dict[str, Any] = {"uneven": uneven, "repeat": repeat, "drop_last": drop_last}
        for one in ranks_of(images, Policy([]), ranks, batch_size=4, **options):
            batches = iter(one)
            assert len(batches) == len(one)
            assert len(list(batches)) == len(one)
            assert len(batches) == 0


def test_shares() -> None:
    for left, ranks in itertools.product(range(20), range(1, 9)):
        shares = {
            how: [Shard(rank, ranks).share(left, how) for rank in range(ranks)] for how in ("pad", "drop", "keep")
        }
        assert sum(shares["keep"]) == left
        assert shares["keep"] == sorted(shares["keep"], reverse=True)
        assert shares["pad"] == [max(shares["keep"])] * ranks
        assert shares["drop"] == [min(shares["keep"])] * ranks


@pytest.mark.parametrize("shard", [3, (1,), (0, 1, 2), (2, 2), (-1, 2), (0, 0), ("0", "2"), (0.0, 2), None])
def test_a_shard_is_two_numbers(images: np.ndarray, shard: Any) -> None:
    if shard is None:
        assert stream(images, Policy([]), shard=(np.int64(1), np.int64(2))).options.shard == (1, 2)  # type: ignore[arg-type]
        return
    with pytest.raises(InputError, match=r"shard=.*; give \(rank, ranks\), two whole numbers with 0 <= rank < ranks"):
        stream(images, Policy([]), shard=shard)


def test_skipping_would_leave_ranks_uneven(images: np.ndarray) -> None:
    with pytest.raises(InputError, match=r'shard=.* and on_error="skip": .*; on_error="replace" takes another sample'):
        stream(images, Policy([]), shard=(0, 2), on_error="skip")


def test_a_share_without_a_batch_is_refused(images: np.ndarray) -> None:
    with pytest.raises(
        InputError, match=r"23 samples and batch_size=8, shard=\(1, 3\): no batch; .* smaller batch_size"
    ):
        stream(images, Policy([]), batch_size=8, shard=(1, 3), uneven="drop", drop_last=True)
    with pytest.raises(InputError, match="uneven='rest'; choose one of pad, drop, keep"):
        stream(images, Policy([]), uneven="rest")  # type: ignore[arg-type]


def test_files_are_read_by_their_rank_alone(folder: Path, policy: Policy) -> None:
    paths = [{path for batch in one for path in batch.paths or ()} for one in ranks_of(folder, policy, 2)]
    assert not paths[0] & paths[1]
    assert len(paths[0] | paths[1]) == 22


@pytest.mark.parametrize(("samples", "ranks", "batch_size"), [(10, 4, 1), (10, 4, 3), (23, 3, 2), (7, 7, 1), (9, 2, 4)])
@pytest.mark.parametrize("options", [{}, {"drop_last": True}, {"repeat": 2}])
def test_any_ranks_state_serves_all(samples: int, ranks: int, batch_size: int, options: dict[str, Any]) -> None:
    """All have taken as many batches, some of them their last one."""
    images = np.zeros((samples, 2, 2, 3), np.uint8)
    given: dict[str, Any] = {"batch_size": batch_size, "uneven": "keep", **options}

    def ready() -> list[Stream]:
        return [one for one in ranks_of(images, Policy([]), ranks, **given) if len(one)]

    try:
        whole = sorted(index for one in ready() for index in indices(list(one)))
        most = max(map(len, ready()))
    except InputError:
        return  # a rank has no batch at all
    for steps in range(1, most + 1):
        for saved in range(ranks):
            running = ready()
            iterations = list(map(iter, running))
            seen = [indices(list(itertools.islice(one, steps))) for one in iterations]
            state = running[saved].state_dict()
            resumed = ready()
            for one in resumed:
                one.load_state_dict(state)
            rest = [indices(list(one)) if one.epoch == 0 else [] for one in resumed]
            assert sorted(itertools.chain(*seen, *rest)) == whole, (steps, saved, state)
            assert {one.epoch for one in resumed} == {1}


LAUNCHED: list[tuple[dict[str, str], Any]] = [
    ({}, None),
    ({"RANK": "1", "WORLD_SIZE": "4"}, (1, 4)),
    ({"SLURM_PROCID": "2", "SLURM_NTASKS": "3"}, (2, 3)),
    ({"RANK": "0", "WORLD_SIZE": "2", "SLURM_PROCID": "2", "SLURM_NTASKS": "3"}, (0, 2)),
]


@pytest.mark.parametrize(("environment", "shard"), LAUNCHED)
def test_auto_reads_the_environment(
    images: np.ndarray, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], shard: Any
) -> None:
    for name in ("RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    train = stream(images, Policy([]), shard="auto", batch_size=2)
    assert train.options.shard == shard
    expected = list(stream(images, Policy([]), shard=shard, batch_size=2))
    assert indices(list(train)) == indices(expected)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"RANK": "1"}, 'shard="auto": the environment has RANK=1, WORLD_SIZE=None; set both'),
        ({"WORLD_SIZE": "2"}, 'shard="auto": the environment has RANK=None, WORLD_SIZE=2; set both'),
        ({"RANK": "2", "WORLD_SIZE": "2"}, "RANK=2, WORLD_SIZE=2; a rank is from 0 to one below their number"),
        ({"RANK": "one", "WORLD_SIZE": "2"}, "RANK=one, WORLD_SIZE=2; a rank is from 0"),
        ({"SLURM_PROCID": "", "SLURM_NTASKS": "2"}, "SLURM_PROCID=, SLURM_NTASKS=2; a rank is from 0"),
    ],
)
def test_invalid_environments(
    images: np.ndarray, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], says: str
) -> None:
    for name in ("RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=says):
        stream(images, Policy([]), shard="auto")


def test_a_single_rank_may_skip(images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert len(list(stream(images, Policy([]), shard="auto", on_error="skip", batch_size=23))) == 1
    with pytest.raises(InputError, match=r'shard=\(0, 2\) and on_error="skip"'):
        stream(images, Policy([]), shard=(0, 2), on_error="skip")
