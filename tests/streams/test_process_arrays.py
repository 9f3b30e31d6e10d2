"""`process=True`: how source and policy are sent to the process: arrays once, with any strides."""

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError
from vary.policy import Policy
from vary.sources import Arrays
from vary.streams import stream
from vary.streams.workers.process import messages
from vary.streams.workers.process.memory import unnamed_file
from vary.streams.workers.process.messages import load_stream, write_stream


def through(value: Any) -> tuple[Any, int]:
    """What arrives, and how long its pickle is without the arrays."""
    stream_file, arrays = unnamed_file(), unnamed_file()
    write_stream(value, stream_file, arrays)
    size = os.fstat(stream_file).st_size
    return load_stream(stream_file, arrays), size


LARGE = np.arange(2 * 30 * 40 * 50, dtype=np.int32).reshape(2, 30, 40, 50)
STRIDED = {
    "C": LARGE,
    "F": np.asfortranarray(LARGE),
    "channels last": np.moveaxis(LARGE, 1, -1),
    "every other": LARGE[:, ::2],
    "a part": LARGE[:, 3:20, 5:9, 2:],
    "backwards": LARGE[::-1, :, ::-1],
    "of fields": LARGE.astype([("a", "<i4"), ("b", "u1")])["a"],
    "one row": LARGE[:1, :, ::3],
}


@pytest.mark.parametrize("name", STRIDED)
def test_any_strides(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "CHUNK", 5000)
    array = STRIDED[name]
    got, pickled = through([array, "between", array[0], array])
    assert pickled < 2000
    for one, expected in zip(got[::2], (array, array[0]), strict=False):
        assert (one.dtype, one.shape, one.flags.writeable) == (array.dtype, expected.shape, True)
        assert np.array_equal(one, expected)
    assert got[3] is got[0]
    got[0][:] = 0


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 5000)),
        np.zeros((5000, 0, 3))[::2],
        np.array([{"a": n} for n in range(3000)], object)[::2],
        np.arange(5000)[::2].astype("datetime64[s]"),
        np.broadcast_to(np.arange(3), (5000, 3)),
        np.arange(20)[::2],
        np.frombuffer(bytes(10_000), np.uint8),
    ],
    ids=lambda array: f"{array.dtype} {array.shape}",
)
def test_odd_arrays(array: np.ndarray) -> None:
    got, _ = through((array, np.ones(5000)))
    assert (got[0].dtype, got[0].shape) == (array.dtype, array.shape)
    assert got[0].tolist() == array.tolist()
    assert got[1].sum() == 5000


def test_many_arrays_of_any_size() -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.integers(0, 256, (n, 30, 3), np.uint8) for n in range(1, 120)]
    got, pickled = through(arrays)
    assert pickled < sum(array.nbytes for array in arrays if array.nbytes < messages.SMALL) + 20_000
    assert all(np.array_equal(one, array) for one, array in zip(got, arrays, strict=True))


def test_one_source_in_several_places_arrives_as_one() -> None:
    source = Arrays(LARGE.astype(np.uint8))
    (one, other), _ = through((source, source[:1]))
    assert np.shares_memory(one[0].image, other[0].image)


def test_what_another_pickler_gives(numbered: np.ndarray) -> None:
    """A source of the user's own, with other objects that give their memory."""
    got, pickled = through({"bytes": bytes(9000), "memory": pickle.PickleBuffer(bytearray(b"7" * 9000)), "n": numbered})
    assert got["bytes"] == bytes(9000)
    assert bytes(got["memory"]) == b"7" * 9000
    assert 9000 < pickled < 12_000


def test_text_that_contains_main_is_not_an_object_of_main(
    numbered: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    labels = np.array(["__main__"] * len(numbered), object)
    assert through(Arrays(numbered, labels))[0].classes == ["__main__"]

    def local(image: np.ndarray) -> np.ndarray:
        return image

    local.__module__, local.__qualname__ = "__main__", "local"
    monkeypatch.setattr(sys.modules["__main__"], "local", local, raising=False)
    with pytest.raises(InputError, match=r"local is defined in __main__, which .* does not run; define it in a module"):
        through(local)


MEASURED = """
import sys
import numpy as np, vary
def peak(pid): return next(int(l.split()[1]) * 1024 for l in open(f"/proc/{{pid}}/status") if l.startswith("VmHWM"))
imported = peak("self")
images = {images}
labels = np.zeros((len(images), 1000), np.float32)
size = sum(one.nbytes for one in images) + labels.nbytes
bare = peak("self")
train = vary.stream((images, labels), vary.Policy([]), batch_size=16, process=True, threads=2)
for _ in train: pass
print((peak("self") - bare) / size, (peak(train._process.process_id) - imported) / size)
"""
IMAGES = {
    "one": "np.ones((5000, 100, 100, 3), np.uint8)",
    "Fortran": "np.ones((5000, 100, 100, 3), np.uint8, order='F')",
    "channels first": "np.moveaxis(np.ones((5000, 3, 100, 100), np.uint8), 1, -1)",
    "every other": "np.ones((10_000, 100, 100, 3), np.uint8)[::2]",
    "a list": "[np.ones((100, 100, 3), np.uint8) for _ in range(5000)]",
}


@pytest.mark.parametrize("kind", IMAGES)
def test_arrays_are_in_memory_once_in_each_process(kind: str) -> None:
    code = MEASURED.format(images=IMAGES[kind])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here, there = map(float, done.stdout.split())
    assert here < 0.2, "only chunks of it are copied here"
    assert there < 1.4


def test_a_memory_map_is_sent_as_the_path_of_its_file(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.ones((50, 40, 40, 3), np.uint8))
    source = Arrays(np.load(tmp_path / "images.npy", mmap_mode="r"))
    got, pickled = through(source)
    assert pickled < 5000
    assert isinstance(got._images, np.memmap)


def test_nothing_of_it_is_left_open(numbered: np.ndarray) -> None:
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with stream(list(numbered), Policy([]), batch_size=2, process=True) as train:
        list(train)
        assert len(set(os.listdir("/proc/self/fd")) - before) == 2, "the arena and the control socket"  # noqa: PTH208
    del train
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
