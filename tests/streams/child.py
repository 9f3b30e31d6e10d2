"""Ends that need a process of their own, by name: `python child.py exit_alive`. Run by test_stop.py."""

import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from vary.policy import Policy
from vary.streams import Batch, Stream, stream
from vary.transforms import HorizontalFlip, Lambda, Rotate

warnings.filterwarnings("ignore", message=".*fork.*", category=DeprecationWarning)  # Python 3.12 on; it is the point

IMAGES = np.random.default_rng(1).integers(0, 256, (40, 30, 30, 3), np.uint8)
POLICY = Policy([Rotate(30), HorizontalFlip()])
SOON = 50.0
KEPT: list[Any] = []


def train(policy: Policy = POLICY, prefetch: int = 2) -> Stream:
    return stream(IMAGES, policy, batch_size=4, threads=2, prefetch=prefetch)


def total(batches: Iterable[Batch]) -> list[int]:
    return [int(batch[0].sum()) for batch in batches]


def expect(batches: Iterable[Batch], totals: list[int]) -> None:
    assert total(batches) == totals
    no_thread()


def busy(image: np.ndarray) -> np.ndarray:
    time.sleep(0.02)
    return image


def exit_alive() -> None:
    KEPT.append(iter(train()))
    next(KEPT[0])
    print("done")


def exit_busy() -> None:
    """The interpreter ends while both makers are inside a user's function and more is planned."""
    KEPT.append(iter(train(Policy([Lambda(busy)]), prefetch=6)))
    next(KEPT[0])
    print("done")


def exit_stuck() -> None:
    """The interpreter ends while user functions are waiting for something that does not come."""
    entered = threading.Event()

    def stuck(image: np.ndarray) -> np.ndarray:
        entered.set()
        threading.Event().wait(10 * SOON)
        return image

    KEPT.append(iter(train(Policy([Lambda(stuck)]), prefetch=6)))
    assert entered.wait(SOON)
    print("done")


def exit_after_an_epoch() -> None:
    for _ in train(Policy([Lambda(busy)]), prefetch=40):
        pass
    no_thread()
    print("done")


def fork_in_an_order() -> None:
    """A fork while a stream's lock is held, by the thread that holds it."""
    children = []

    def order(epoch: int) -> list[int]:
        if epoch == 1:
            children.append(os.fork())
        return list(range(40))

    ordered = stream(IMAGES, POLICY, batch_size=4, order=order)
    expected = [total(ordered) for _ in range(3)]
    if children == [0]:
        os._exit(int(len(expected) != 3))
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
    print("done")


def exit_in_a_thread() -> None:
    """The consumer is a daemon thread that is waiting when the interpreter ends."""
    taken = threading.Event()

    def consume() -> None:
        for _ in train(Policy([Lambda(busy)]), prefetch=1):
            taken.set()
            threading.Event().wait()

    threading.Thread(target=consume, daemon=True).start()
    assert taken.wait(SOON)
    print("done")


def in_child(work: Callable[..., None], *args: Any) -> None:
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work(*args)
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0, "the child failed"


def no_thread() -> None:
    until = time.monotonic() + SOON
    while threading.active_count() > 1 and time.monotonic() < until:
        time.sleep(0.001)  # what comes next is being made
    assert threading.active_count() == 1, threading.enumerate()


def fork_fresh() -> None:
    """A stream that was used before the fork works on both sides of it."""
    one = train()
    expected = total(one)
    one.set_epoch(0)
    in_child(expect, one, expected)
    expect(one, expected)
    print("done")


def fork_live() -> None:
    """An iteration that is under way goes on on both sides, each with its own threads."""
    for prefetch in (0, 1, 2, 5):
        one = train(prefetch=prefetch)
        expected = total(one)
        one.set_epoch(0)
        batches = iter(one)
        assert total([next(batches), next(batches)]) == expected[:2]
        for _ in range(10):
            in_child(expect, batches, expected[2:])
        expect(batches, expected[2:])
    print("done")


def fork_collected() -> None:
    """A child may drop or close an iteration whose threads it never had."""
    held = [iter(train(Policy([Lambda(busy)])))]

    def drop() -> None:
        held.clear()
        total(train())

    for _ in range(5):
        with held[0]._workers._stop._cond:  # what another thread might hold at that moment
            in_child(drop)
            in_child(held[0].close)
    assert len(total(held[0])) == 10
    held.clear()
    no_thread()
    print("done")


def epoch_in_worker(one: Stream) -> list[int]:
    return total(one)


def across(method: str) -> None:
    one = train()
    expected = total(one)
    one.set_epoch(0)
    live = iter(one)
    next(live)
    one.set_epoch(0)
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.map(epoch_in_worker, [one, one], chunksize=1) == [expected, expected]
    assert total(live) == expected[1:]
    print("done")


def fork_pool() -> None:
    across("fork")


def spawn() -> None:
    across("spawn")


def interrupt() -> None:
    """Ctrl-C while the consumer waits for a function that has not returned: first the interrupt, then the function."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent in the background has it ignored
    entered, release = threading.Event(), threading.Event()

    def stuck(image: np.ndarray) -> np.ndarray:
        entered.set()
        assert release.wait(SOON)
        return image

    def tell() -> None:
        entered.wait(SOON)
        print("waiting", flush=True)

    threading.Thread(target=tell).start()
    try:
        for _ in train(Policy([Lambda(stuck)])):
            raise AssertionError("a batch came though its function has not returned")
    except KeyboardInterrupt:
        print("interrupted")
    print("released")
    release.set()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(SOON)
    no_thread()
    print("clean")


if __name__ == "__main__":
    globals()[sys.argv[1]]()
