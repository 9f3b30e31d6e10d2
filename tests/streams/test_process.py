"""`process=True`: the same batches from another process, without a copy; neither process outlives the other's end."""

import gc
import itertools
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import name_of
from streams import functions

from vary.errors import DecodeError, InputError, SourceError
from vary.policy import Policy
from vary.streams import Stream, stream
from vary.streams.batches import render
from vary.streams.cache import blocks
from vary.streams.workers.pool import Inline
from vary.streams.workers.process.memory import Arena, BufferPool, unnamed_file
from vary.transforms import HorizontalFlip, Lambda, Resize, Rotate

CHILD = Path(__file__).with_name("process_child.py")
SOON = 60.0


def children() -> set[int]:
    """Processes that this one has started and that still run."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(") ")[2].split()[:2]
            command = path.with_name("cmdline").read_bytes()
        except OSError:
            continue
        tracker = b"multiprocessing.resource_tracker" in command  # of another test
        if int(parent) == os.getpid() and state != "Z" and not tracker:
            found.add(int(path.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def gone(pid: int) -> bool:
    until = time.monotonic() + SOON
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(pid)


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    before = children()
    yield
    gc.collect()
    assert children() <= before


def together(one: Stream, other: Stream, epochs: int = 3) -> None:
    for _ in range(epochs):
        for expected, batch in itertools.zip_longest(one, other):
            assert (batch.fields, batch.paths, batch.epoch) == (expected.fields, expected.paths, expected.epoch)
            for a, b in zip(
                (*expected, expected.indices, expected.views), (*batch, batch.indices, batch.views), strict=True
            ):
                assert (a.dtype, a.shape) == (b.dtype, b.shape)
                assert a.tobytes() == b.tobytes() if a.dtype != object else a.tolist() == b.tolist()
            assert one.state_dict() == other.state_dict()
        a, b = one.report(), other.report()
        assert (a.images, a.batches, sorted(a.skipped), a.views) == (b.images, b.batches, sorted(b.skipped), b.views)


WAYS: list[dict[str, Any]] = [
    {},
    {"prefetch": 0},
    {"prefetch": 1, "threads": 1},
    {"batch_size": 1, "prefetch": 5},
    {"shard": (1, 2), "repeat": 2},
    {"views": 3, "layout": "NCHW", "dtype": "float32"},
    {"policy": {"a": (Policy([Rotate(9), Resize(30, 40)]), 2), "b": Policy([Resize(50, 40)])}},
    {"policy": Policy([Lambda(functions.turned), HorizontalFlip(), Resize(50, 40)])},
]


@pytest.mark.parametrize("options", WAYS, ids=name_of)
def test_the_batches_are_the_same(folder: Path, policy: Policy, options: dict[str, Any]) -> None:
    given: dict[str, Any] = {"policy": policy, "batch_size": 4, "seed": 3, **options}
    together(stream(folder, **given), stream(folder, **given, process=True))


@pytest.mark.parametrize("on_error", ["skip", "replace"])
def test_with_broken_files(folder: Path, on_error: Any) -> None:
    for name in ("cat/03.jpg", "dog/04.png"):
        (folder / name).write_bytes(b"nothing")
    policy = Policy([HorizontalFlip(), Resize(60, 50)])
    together(*(stream(folder, policy, batch_size=5, on_error=on_error, process=process) for process in (False, True)))


def test_with_arrays_and_odd_labels(images: np.ndarray, policy: Policy) -> None:
    labels: Any = {
        "age": np.arange(23.0),
        "boxes": np.array([{"boxes": [1] * (n % 3)} for n in range(23)], object),
        "big": np.ones((23, 5000), "f4"),
    }
    together(*(stream((images, labels), policy, batch_size=5, process=process) for process in (False, True)))


def test_it_resumes_a_saved_state(folder: Path, policy: Policy) -> None:
    here, there = (stream(folder, policy, batch_size=3, process=process) for process in (False, True))
    for one, other in ((here, there), (there, here)):
        batches = iter(one)
        for _ in range(3):
            next(batches)
        other.load_state_dict(one.state_dict())
        assert [b.images.tobytes() for b in other] == [b.images.tobytes() for b in batches]


def test_buffers_are_reused(images: np.ndarray) -> None:
    train = stream(list(images), Policy([HorizontalFlip(), Resize(64, 64)]), batch_size=4, process=True)
    places = {batch.images.ctypes.data for _ in range(10) for batch in train}
    assert len(places) <= 8, "60 batches; 2 ahead, 1 or 2 with the consumer"
    held = [batch.images for batch in train]
    before = [array.copy() for array in held]
    assert len({array.ctypes.data for array in held}) == 6, "what is held is left alone"
    capsule, view = held[1].__dlpack__(), held[2][1:, :, ::2]
    kept = [np.from_dlpack(_Capsule(capsule)), view]
    expected = [before[1], before[2][1:, :, ::2]]
    del held
    for _ in range(3):
        list(train)
    for array, old in zip(kept, expected, strict=True):
        assert np.array_equal(array, old)
    kept[1][:] = 0  # it is the consumer's to write to


@pytest.mark.parametrize("options", [{}, {"views": 2}, {"batch_size": 22, "threads": 1}], ids=name_of)
def test_pictures_are_made_in_shared_memory(
    folder: Path, policy: Policy, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(render, "BYTES", 0)
    buffers = BufferPool(Arena(unnamed_file()), kept=2)
    train = stream(folder, policy, **{"batch_size": 5, **options})
    batch = train._job(0, buffers.empty).make(np.arange(train.options.batch_size), Inline()).batch
    assert batch is not None
    assert buffers._ref(batch.images, []) is not None


class _Capsule:
    def __init__(self, capsule: Any) -> None:
        self.capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self.capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 1, 0


def test_it_runs_in_one_process_of_its_own(numbered: np.ndarray) -> None:
    before = children()
    train = stream(numbered, Policy([Lambda(functions.told_where)]), batch_size=2, process=True)
    assert children() == before, "begun with the first iteration"
    places = {int(value) for _ in range(2) for batch in train for value in np.unique(batch.images)}
    (pid,) = children() - before
    assert places == {pid % 251}
    del train
    assert not alive(pid)


def test_the_cache_is_kept_between_epochs(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, batch_size=5, prefetch=0, process=True)
    hits = []
    for _ in range(2):
        list(train)
        hits.append(train.report().cache_hits)
    assert hits == [0, 22]
    assert train.report().cache_bytes > 10_000


def test_ends_before_time(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, batch_size=3, prefetch=4, process=True)
    expected = [[b.indices.tolist() for b in one] for one in [stream(folder, policy, batch_size=3)] for _ in range(6)]
    found = []
    for taken in range(1, 5):
        batches = iter(train)
        found.append([next(batches).indices.tolist() for _ in range(taken)])
        if taken % 2:
            batches.close()
        del batches
    found.append([b.indices.tolist() for b in train])
    assert found[:4] == [epoch[:taken] for taken, epoch in enumerate(expected[:4], 1)]
    assert found[4] == expected[4]


def test_two_iterations_at_once(folder: Path, policy: Policy) -> None:
    train, plain = (stream(folder, policy, batch_size=3, process=process) for process in (True, False))
    pairs = list(zip(iter(train), iter(train), strict=True))
    for epoch in range(2):
        assert [pair[epoch].images.tobytes() for pair in pairs] == [b.images.tobytes() for b in plain]


def test_a_stream_that_only_its_iteration_holds(folder: Path, policy: Policy) -> None:
    assert sum(len(b.indices) for b in stream(folder, policy, batch_size=3, process=True)) == 22


def test_errors_are_raised_in_the_client(folder: Path, policy: Policy, numbered: np.ndarray) -> None:
    (folder / "cat/03.jpg").write_bytes(b"nothing")
    with pytest.raises(DecodeError, match=r"cat/03.jpg: not a picture .*on_error=") as caught:
        list(stream(folder, policy, process=True))
    assert caught.value.path is not None
    assert not hasattr(caught.value, "__notes__")
    train = stream(numbered, Policy([Lambda(functions.fails)]), process=True)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError, match=r"of \(4, 4, 3\)") as failed:
            list(train)
        assert "raised in Lambda(fails)" in "".join(failed.value.__notes__)
        assert "functions.py" in failed.value.__notes__[-1]
    with pytest.raises(RuntimeError, match="OddError: 4 and 2"):
        list(stream(numbered, Policy([Lambda(functions.fails_oddly)]), process=True))


def test_an_error_of_the_users_script_stays_one(numbered: np.ndarray) -> None:
    class LocalError(Exception):
        pass

    def fails(_: np.ndarray) -> np.ndarray:
        raise LocalError("here")

    train = stream(numbered, Policy([Lambda(fails)]), process=True)
    for _ in range(2):
        with pytest.raises(LocalError, match=r"^here\n"):
            list(train)
    done = subprocess.run([sys.executable, CHILD, "own_error"], capture_output=True, text=True, timeout=SOON)
    assert (done.stdout, done.stderr) == ("(8, 'told') True\ndone\n", "")


def test_a_server_that_died_is_an_error_and_is_replaced(numbered: np.ndarray, policy: Policy) -> None:
    with pytest.raises(SourceError, match="process=True: the process that makes the batches ended with exit code 7; "):
        list(stream(numbered, Policy([Lambda(functions.dies)]), process=True))
    train = stream(list(numbered), policy, batch_size=2, process=True)
    batches = iter(train)
    next(batches)
    (pid,) = children()
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(SourceError, match="ended by signal 9; memory may have run out"):
        list(batches)
    assert len(list(train)) == 5
    assert children() != {pid}


def test_what_cannot_be_pickled(numbered: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    def local(image: np.ndarray) -> np.ndarray:
        return image

    train = stream(numbered, Policy([Lambda(local)]), process=True)
    assert len(list(train)) == 1, "with cloudpickle"
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    train = stream(numbered, Policy([Lambda(local)]), process=True)
    with pytest.raises(InputError, match=r"process=True gives .* to another process: .*local.*; define it in a module"):
        list(train)


def test_errors_while_importing_a_users_module(tmp_path: Path, numbered: np.ndarray, monkeypatch: Any) -> None:
    (tmp_path / "fragile.py").write_text("def same(image):\n    return image\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    from fragile import same  # type: ignore[import-not-found]

    train = stream(numbered, Policy([Lambda(same)]), process=True)
    (tmp_path / "fragile.py").write_text("raise OSError('not here')\n")
    with pytest.raises(OSError, match="not here"):
        list(train)


def test_a_fork_continues_with_its_own_threads(folder: Path, policy: Policy) -> None:
    train, plain = (stream(folder, policy, batch_size=3, process=process) for process in (True, False))
    expected = [[b.images.tobytes() for b in plain] for _ in range(3)]
    live = iter(train)
    first = [next(live).images.tobytes()]
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            found = [*first, *(b.images.tobytes() for b in live)]
            again = [b.images.tobytes() for b in train]
            code = int([found, again] != expected[:2])
            del train
        finally:
            os._exit(code)
    assert os.waitpid(pid, 0)[1] == 0
    assert [*first, *(b.images.tobytes() for b in live)] == expected[0]
    assert [b.images.tobytes() for b in train] == expected[1]


def test_it_pickles(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, batch_size=3, process=True)
    list(train)
    copy = pickle.loads(pickle.dumps(train))
    together(train, copy, 1)


@pytest.mark.parametrize("case", ["exit_alive", "exit_busy", "interrupt", "unguarded"])
def test_a_process_that_ends(case: str) -> None:
    with subprocess.Popen(
        [sys.executable, CHILD, case], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        try:
            assert one.stdout is not None
            pid = int(one.stdout.readline())
            if case == "interrupt":
                os.kill(one.pid, signal.SIGINT)
                os.kill(pid, signal.SIGINT)  # as from a terminal
            assert one.wait(SOON) == 0
            assert one.stdout.read() == "done\n"
            assert one.stderr is not None
            assert one.stderr.read() == ""
        finally:
            one.kill()
    assert gone(pid)


def test_a_process_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, CHILD, "wait"], stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        pid, forked = map(int, one.stdout.readline().split())
        assert alive(pid)
        one.kill()
    assert alive(forked), "and holds the socket open"
    assert gone(pid)
    os.kill(forked, signal.SIGKILL)


def test_a_cached_epoch_decodes_nothing_here(folder: Path, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> Any:
        raise AssertionError("decoded in this process")

    monkeypatch.setattr(blocks, "keep", never)
    assert len(list(stream(folder, policy, batch_size=3, process=True))) == 8


def test_the_argument() -> None:
    with pytest.raises(InputError, match="process=3; give True or False"):
        stream(np.zeros((1, 4, 4, 3), np.uint8), Policy([]), process=3)  # type: ignore[arg-type]
