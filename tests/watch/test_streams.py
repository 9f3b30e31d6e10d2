"""A stream warns of each mistake once, in the thread that iterates over it, also if a process made the batch."""

import pickle
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from watch.pictures import PHOTOS, floats, noise

import vary
from vary import Brightness, Contrast, Normalize, Policy, Rescale, Resize, Rotate

BYTES = noise(64)[:, :20, :30].copy()
LEVELS = BYTES.astype(np.float32)
BRIGHT = Policy([Brightness((10, 10)), Rescale(1 / 255)])
RIGHT = Policy([Rotate(30), Brightness(0.2), Normalize()])
HOW: list[dict[str, Any]] = [
    {},
    {"process": True},
    {"prefetch": 0},
    {"threads": 1},
    {"views": 2, "layout": "NCHW"},
    {"batch_size": 5, "shard": (1, 2)},
    {"batch_size": 2, "repeat": 3},
]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
    assert set(threading.enumerate()) <= before


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, image in enumerate(PHOTOS):
        place = tmp_path / "cd"[number % 2]
        place.mkdir(exist_ok=True)
        Image.fromarray(image).save(place / f"{number}.{('jpg', 'png')[number % 4 > 1]}")
    return tmp_path


def run(stream: vary.Stream | vary.Mixed, epochs: int = 3) -> list[str]:
    """The warnings over some epochs."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(epochs):
            for _ in stream:
                pass
        stream.close()
    assert all(one.category is vary.ValueWarning and one.filename == __file__ for one in caught)
    return [str(one.message) for one in caught]


@pytest.mark.parametrize("how", HOW, ids=str)
def test_all_epochs_warn_once(how: dict[str, Any]) -> None:
    (said,) = run(vary.stream(BYTES, BRIGHT, **how))
    assert "Brightness(factor=(10.0, 10.0))" in said
    assert "saturated" in said
    (said,) = run(vary.stream((LEVELS, np.arange(64)), Policy([Rotate(30)]), **how))
    assert "value_range=255" in said


@pytest.mark.parametrize("how", HOW, ids=str)
def test_right_streams_are_quiet(how: dict[str, Any]) -> None:
    assert not run(vary.stream(BYTES, RIGHT, **how))
    assert not run(vary.stream(floats(BYTES), RIGHT, **how))
    assert not run(vary.stream(BYTES * 0, RIGHT, **how))


def test_mistakes_in_the_policy_warn_when_the_stream_is_made() -> None:
    with pytest.warns(vary.ValueWarning, match="degrees") as caught:
        stream = vary.stream(BYTES, Policy([Rotate(0.5)]))
    assert caught[0].filename == __file__
    assert not run(stream)


@pytest.mark.parametrize(
    "how", [{}, {"cache": None}, {"cache": "memory"}, {"process": True}, {"batch_size": 3}], ids=str
)
def test_of_files(folder: Path, how: dict[str, Any]) -> None:
    for transform, word in ((Contrast((0, 0)), "constant"), (Brightness((10, 10)), "saturated")):
        (said,) = run(vary.stream(folder, Policy([Resize(32, 32), transform, Rescale(1 / 255)]), **how))
        assert word in said
        assert type(transform).__name__ in said
    assert not run(vary.stream(folder, Policy([Resize(32, 32), RIGHT]), **how))


def test_broken_files_are_no_evidence(folder: Path) -> None:
    for number in range(3):
        (folder / "c" / f"broken{number}.jpg").write_bytes(b"\xff\xd8 no picture")
    for on_error in ("skip", "replace"):
        made = vary.stream(folder, Policy([Resize(32, 32), RIGHT]), on_error=on_error)  # type: ignore[arg-type]
        assert not run(made, 1)


def test_of_several_views_the_one_is_named() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = vary.stream(BYTES, {"small": (BRIGHT, 2), "large": (RIGHT, 3), "odd": Policy([Rotate(0.5)])})
    (said,) = caught
    assert str(said.message).startswith("policy['odd']: Rotate(")
    (later,) = run(stream)
    assert later.startswith("policy['small']: Brightness(")


@pytest.mark.parametrize("process", [False, True])
def test_of_a_mix_the_stream_is_named(process: bool) -> None:
    streams = [vary.stream(BYTES, policy, process=process) for policy in (Policy([Rescale(1 / 255)]), BRIGHT)]
    (said,) = run(vary.mix(streams))
    assert said.startswith("streams[1]: Brightness(")


@pytest.mark.parametrize("process", [False, True])
def test_as_an_error_it_ends_the_epoch_and_leaves_no_thread(process: bool) -> None:
    stream = vary.stream(BYTES, BRIGHT, process=process)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        batches = iter(stream)
        with pytest.raises(vary.ValueWarning, match="saturated"):
            next(batches)
        assert next(batches, None) is None
        assert len(list(stream)) == 2, "the next one goes on: it was told"
    stream.close()


def test_late_findings_warn_too() -> None:
    """A batch that was made, but dropped with its iteration, loses nothing."""
    images = np.concatenate([np.zeros_like(BYTES[:3]), BYTES])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        stream = vary.stream(images, Policy([Brightness((6, 10))]), batch_size=3, shuffle=False, prefetch=6)
        batches = iter(stream)
        next(batches)
        batches.close()
        assert len(caught) < 2
        for _ in stream:
            pass
    assert len(caught) == 1


def test_peek_and_replay_warn() -> None:
    for call in (lambda stream: stream.peek(), lambda stream: stream.replay(3)):
        stream = vary.stream(LEVELS, Policy([]))
        with pytest.warns(vary.ValueWarning, match="value_range=255") as caught:
            call(stream)
        assert len(caught) == 1
        assert caught[0].filename == __file__
        assert not run(stream)


def test_a_cast_is_seen() -> None:
    (said,) = run(vary.stream(floats(BYTES), Policy([Rotate(30)]), dtype="uint8"))
    assert "dtype='uint8'" in said


def test_a_copy_does_not_warn_again() -> None:
    stream = vary.stream(LEVELS, Policy([]))
    assert len(run(stream)) == 1
    assert not run(pickle.loads(pickle.dumps(stream)))


def test_two_iterations_in_two_threads_warn_once() -> None:
    stream = vary.stream(BYTES, BRIGHT, batch_size=4)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        iterations = [iter(stream), iter(stream)]
        threads = [threading.Thread(target=lambda one=one: list(one)) for one in iterations]  # type: ignore[misc]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(caught) == 1


def test_the_policys_own_watch_is_another() -> None:
    policy = Policy([Rotate(30)])
    assert len(run(vary.stream(LEVELS, policy))) == 1
    with pytest.warns(vary.ValueWarning):
        policy(LEVELS[0], seed=0)
