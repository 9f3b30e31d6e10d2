"""What `report()` counts and says."""

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.plan.machine import default_threads
from vary.plan.request import Request, Result
from vary.plan.runner import Runner
from vary.policy import Policy
from vary.sources import Arrays
from vary.streams import Report, stream
from vary.streams.batches.job import GROUP_BATCHES
from vary.streams.report import Skipped, Work


def test_an_epoch_is_counted(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, batch_size=5)
    assert "no batch has been handed over yet" in str(train.report())
    for _ in train:
        if train.report().batches == 2:
            break
    running = train.report()
    assert (running.epoch, running.images, running.batches) == (0, 10, 2)
    list(train)
    report = train.report()
    assert (report.epoch, report.images, report.batches) == (1, 22, 5)
    assert 0 < report.wait_seconds <= report.seconds
    assert report.images_per_second == pytest.approx(22 / report.seconds)
    assert min(report.read_seconds, report.decode_seconds, report.augment_seconds) > 0
    assert sum(report.shares.values()) == pytest.approx(1)
    assert report.skipped == ()
    assert running.batches == 2, "a report is a record, it does not go on"


class Located(Arrays):
    """Arrays that say they lie on a disk, so that several threads fetch them."""

    def path(self, index: int) -> str:  # type: ignore[override]
        return f"somewhere/{index}"


@pytest.mark.parametrize("kind", [Arrays, Located])
def test_arrays_need_no_decoding(images: np.ndarray, policy: Policy, kind: type[Arrays]) -> None:
    for given, read in ((images, False), (list(images), True)):  # parts of one array are there already
        train = stream(kind(given), policy, threads=3)
        list(train)
        assert train.report().decode_seconds == 0
        assert (train.report().read_seconds > 0) == read
        assert train.report().augment_seconds > 0


def test_memory_is_that_of_all_batches_under_way(images: np.ndarray, policy: Policy) -> None:
    for prefetch in (0, 1, 4):
        for source, run in ((list(images), 1), (images, GROUP_BATCHES)):
            train = stream(source, policy, batch_size=8, prefetch=prefetch)
            list(train)
            makers = {0: 1, 1: 1, 4: 2}[prefetch]
            expected = {
                "read": makers * 8 * 9 * 8 * 3,
                "decoded": 0,
                "batches": (prefetch + 1) * (run if prefetch else 1) * 8 * 24 * 20 * 3,
            }
            assert train.report().in_flight == expected
            assert train.report().bytes_in_flight == sum(expected.values())


@pytest.mark.parametrize("threads", [None, 3])
def test_the_native_call_gets_threads_and_returns_times(
    folder: Path, policy: Policy, monkeypatch: pytest.MonkeyPatch, threads: int | None
) -> None:
    """How many threads it may use, and how much of its time went into decoding."""
    reported: list[int] = []
    batch = Runner.batch

    def watched(runner: Runner, request: Request) -> Result:
        reported.append(request.threads)
        result = batch(runner, request)
        return result._replace(counts=result.counts._replace(decode_ns=7 * 10**12, total_ns=10**13))

    monkeypatch.setattr(Runner, "batch", watched)
    train = stream(folder, policy, batch_size=22, threads=threads, prefetch=0)
    list(train)
    assert set(reported) == {threads or default_threads()}
    assert 7000 < train.report().decode_seconds / len(reported) < 7010
    assert train.report().augment_seconds == 3000 * len(reported)


def test_waiting_is_the_consumers(numbered: np.ndarray) -> None:
    """A consumer that comes when all is ready has not waited; the clock is ours to read, not to race against."""
    train = stream(numbered, Policy([]), batch_size=5, prefetch=2)
    batches = iter(train)
    ready = threading.Event()
    while not all(future.done() for future in batches._pending):
        ready.wait(0.001)
    list(batches)
    assert train.report().wait_seconds < train.report().seconds


def tally(**numbers: int) -> Report:
    second = 1_000_000_000
    found = Report(epoch=3, images=200, batches=4, _elapsed=2 * second, _waited=numbers.pop("waited") * second // 10)
    found.add(Work(**{name: value * second // 10 for name, value in numbers.items()}))
    return found


@pytest.mark.parametrize(
    ("report", "limit", "says"),
    [
        (tally(waited=1, decode=9, augment=3), "consumer", "limited by the consumer: batches were ready"),
        (tally(waited=9, read=1, decode=9, augment=3), "decode", "limited by decoding"),
        (tally(waited=9, read=1, decode=2, augment=3), "augment", "limited by augmenting"),
        (tally(waited=9, read=4, decode=2, augment=3), "read", "limited by reading"),
        (Report(), "nothing", "no batch has been handed over yet"),
    ],
)
def test_what_limits(report: Report, limit: str, says: str) -> None:
    assert report.limit == limit
    assert str(report).splitlines()[-1].startswith(says)
    assert report.as_dict()["limit"] == limit


@pytest.mark.parametrize("process", [False, True])
def test_a_full_cache_is_reported(folder: Path, policy: Policy, process: bool) -> None:
    options: dict[str, Any] = {"cache": "memory", "frozen": True, "prefetch": 0, "process": process}
    with stream(folder, policy, batch_size=22, cache_bytes=20_000, **options) as train:
        for epoch in range(2):
            list(train)
            report = train.report()
            kept = 22 - report.cache_refused
            assert 0 < kept < 22
            assert report.cache_hits == (kept if epoch else 0)
            assert report.cache_bytes <= 20_000
            assert f"came from it, {22 - kept} found no room\n" in str(report)
            assert report.as_dict()["cache_refused"] == 22 - kept
    with stream(folder, policy, **options) as roomy:
        list(roomy)
        assert roomy.report().cache_refused == 0
        assert "no room" not in str(roomy.report())


@pytest.mark.parametrize(("limit", "begins"), [("read", "reading"), ("decode", "decoding")])
def test_a_full_cache_is_named_as_the_limit(limit: str, begins: str) -> None:
    found = Report(cache="in memory", images=22, batches=4, _elapsed=2, _waited=1)
    found.add(Work(hits=4, **{limit: 1}))
    assert str(found).endswith(f"limited by {begins}, and filling the cache for the next epochs")
    found.add(Work(refused=18))
    cure = "the cache is full, so 18 files are decoded again each epoch; let it take more (cache_bytes=)"
    assert str(found).endswith(f"limited by {begins}: {cure}")
    found.add(Work(augment=5))
    assert "limited by augmenting: more threads" in str(found)


def test_the_text() -> None:
    found = Report(epoch=3, images=200, batches=4, _elapsed=2_000_000_000, _waited=500_000_000, _ahead=2)
    found.add(Work(read=300_000_000, decode=600_000_000, augment=2_100_000_000, batch=1_500_000, decoded=250_000))
    found.add(
        Work(batch=1_000_000, encoded=150_000, skipped=tuple(Skipped(f"cat/{n}.jpg", "is empty") for n in range(5)))
    )
    report = found.copy(0)
    assert str(report) == repr(report)
    assert str(report).splitlines() == [
        "epoch 3: 200 images in 2.00 s, 100 a second",
        "work: 3.00 s over all threads, read 10%, decode 20%, augment 70%",
        "consumer: waited 0.50 s (25%)",
        "memory: at most 5.3 MB in flight, read 0.3, decoded 0.5, batches 4.5",
        "limited by augmenting: more threads, or a cheaper policy (its explain() says what costs)",
        "skipped: 5",
        "  cat/0.jpg: is empty",
        "  cat/1.jpg: is empty",
        "  cat/2.jpg: is empty",
        "  and 2 more in .skipped",
    ]
    plain = report.as_dict()
    assert plain["skipped"][4] == ("cat/4.jpg", "is empty")
    assert plain["images_per_second"] == 100
    assert plain["wait_share"] == 0.25


def test_a_cache_that_cannot_be_written_is_named_as_the_limit() -> None:
    found = Report(cache="on disk", images=22, batches=4, _elapsed=2, _waited=1)
    found.add(Work(decode=1, refused=18, cache_error="No space left on device"))
    cure = "the cache cannot be written (No space left on device), so 18 files are decoded again; make room, or move it"
    assert str(found).endswith(f"limited by decoding: {cure} (VARY_CACHE)")
    found.add(Work(decode=1))
    assert "the cache is full" in str(found), "it can be written again"
