"""One stream, and one iterator, in several threads: epochs are not begun twice, samples are handed out once."""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from vary.plan import watch
from vary.policy import Policy
from vary.streams import batch as batches_module, mix, stream
from vary.streams.iteration import Iteration
from vary.streams.workers.process import client
from vary.transforms import HorizontalFlip, Lambda

IMAGES = np.zeros((60, 4, 4, 3), np.uint8)
PLAIN = Policy([HorizontalFlip()])


@pytest.fixture(autouse=True)
def _switch_often() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(count: int, work: Callable[[], Any]) -> list[Any]:
    """What `work` gives in each of so many threads that begin at once; the first error is raised."""
    gate, found, errors = threading.Barrier(count), list[Any](), list[BaseException]()

    def one() -> None:
        gate.wait()
        try:
            found.append(work())
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return found


def begin(train: Any) -> int:
    batches = iter(train)
    epoch: int = next(batches).epoch
    batches.close()
    return epoch


def both() -> list[Any]:
    return [stream(IMAGES, PLAIN, batch_size=4), mix([stream(IMAGES, PLAIN, batch_size=4)] * 2)]


@pytest.mark.parametrize("which", [0, 1])
def test_each_thread_begins_another_epoch(which: int) -> None:
    for _ in range(20):
        train = both()[which]
        assert sorted(together(5, partial(begin, train))) == [0, 1, 2, 3, 4]
        assert train.epoch == 5


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("options", [{}, {"prefetch": 0}, {"batch_size": 7, "prefetch": 5}, {"on_error": "skip"}])
def test_threads_share_an_iterator(options: dict[str, Any], process: bool) -> None:
    with stream(IMAGES, PLAIN, **{"batch_size": 4, "process": process, **options}) as train:
        for _ in range(3):
            batches = iter(train)
            found = together(4, lambda b=batches: [index for batch in b for index in batch.indices.tolist()])
            assert sorted(index for part in found for index in part) == list(range(60))
            assert train.report().images == 60


def test_threads_share_an_iterator_of_several_epochs() -> None:
    train = stream(IMAGES, PLAIN, batch_size=4)
    batches = train.batches(3)
    found = together(4, lambda: [(batch.epoch, index) for batch in batches for index in batch.indices.tolist()])
    expected = [(epoch, index) for epoch in range(3) for index in range(60)]
    assert sorted(pair for part in found for pair in part) == expected


def test_an_error_reaches_one_thread_and_the_others_end() -> None:
    def fails(_: np.ndarray) -> np.ndarray:
        raise ZeroDivisionError

    batches = iter(stream(IMAGES, Policy([Lambda(fails)]), batch_size=4))
    seen: list[type[BaseException] | None] = []

    def work() -> None:
        try:
            for _ in batches:
                pass
        except ZeroDivisionError as error:
            seen.append(type(error))
        else:
            seen.append(None)

    together(4, work)
    assert sorted(seen, key=str) == [ZeroDivisionError, None, None, None]


def test_a_thread_may_close_what_another_waits_for() -> None:
    entered, release = threading.Event(), threading.Event()

    def slow(image: np.ndarray) -> np.ndarray:
        entered.set()
        assert release.wait(60)
        return image

    batches = iter(stream(IMAGES, Policy([Lambda(slow)]), batch_size=4))
    found: list[object] = []
    waiting = threading.Thread(target=lambda: found.extend(batches))
    waiting.start()
    assert entered.wait(60)
    closing = threading.Thread(target=batches.close)
    closing.start()
    waiting.join(60)
    assert not waiting.is_alive(), "it need not wait for the user's function"
    release.set()
    closing.join(60)
    assert found == []
    assert next(batches, None) is None


def test_state_and_epoch_are_set_by_one_thread_at_a_time() -> None:
    train = stream(IMAGES, PLAIN, batch_size=4)
    next(iter(train))
    state = train.state_dict()

    def work() -> None:
        for _ in range(20):
            train.load_state_dict(state)
            train.set_epoch(1)
            assert train.epoch in {0, 1}

    together(4, work)


def ends(batches: Iterator[Any]) -> bool:
    """Does it end when it is asked for its next batch? False if it does not within half a minute."""
    found: list[object] = []
    asking = threading.Thread(target=lambda: found.append(next(batches, None)), daemon=True)
    asking.start()
    asking.join(30)
    return found == [None]


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_an_iterator_ends_if_it_is_closed_while_it_submits(
    before: bool, process: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by another thread, just before or just after a submission."""
    submit = Iteration._submit

    def racing(self: Iteration, ahead: int) -> None:
        if before:
            self.close()
        submit(self, ahead)
        if not before:
            self.close()

    with stream(IMAGES, PLAIN, batch_size=4, prefetch=0, process=process) as train:
        batches = iter(train)
        next(batches)
        monkeypatch.setattr(Iteration, "_submit", racing)
        assert ends(batches)


def test_an_iterator_ends_if_it_is_closed_while_it_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    with stream(IMAGES, PLAIN, batch_size=4, prefetch=0, process=True) as train:
        batches = iter(train)
        next(batches)

        def racing(*errors: type[BaseException]) -> Any:  # called between the check that it is open and the sending
            batches.close()
            return contextlib.suppress(*errors)

        monkeypatch.setattr(client, "suppress", racing)
        assert ends(batches)


def test_threads_share_the_paths_of_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    (batch,) = stream(IMAGES, PLAIN, batch_size=60)
    batch.paths = partial(list, "ab")

    def racing(paths: object) -> bool:
        is_callable = callable(paths)
        batch.paths = ["a", "b"]  # as another thread that asked for them
        return is_callable

    monkeypatch.setattr(batches_module, "callable", racing, raising=False)
    assert batch.paths == ["a", "b"]


def test_threads_share_the_check_of_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """One finds a mistake while another lists those so far."""
    shared = watch.Watch(found={"a": "first", "b": "second"})

    def racing(kind: str, text: str) -> tuple[str, str]:
        shared.found[f"{kind}'"] = text
        return kind, text

    monkeypatch.setattr(watch, "Finding", racing)
    assert shared.findings == [("a", "first"), ("b", "second")]


def test_threads_share_a_compiled_policy() -> None:
    for _ in range(20):
        policy = Policy([HorizontalFlip()])
        assert len({id(runner) for runner in together(4, partial(policy.runner, 3, "uint8"))}) == 1
