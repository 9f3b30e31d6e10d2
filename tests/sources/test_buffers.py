"""Encoded bytes in any kind of buffer: read without a copy, and held as long as they are read."""

import io
import mmap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary
from vary import InputError, Policy, Resize
from vary.plan.request import Address, Request
from vary.plan.runner import Runner
from vary.sources import Encoded, Item


def picture(side: int = 32, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)


def encoded(kind: str, pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def mapped(data: bytes) -> mmap.mmap:
    memory = mmap.mmap(-1, len(data))
    memory[:] = data
    return memory


HOLDERS: dict[str, Callable[[bytes], Any]] = {
    "bytes": bytes,
    "bytearray": bytearray,
    "memoryview": memoryview,
    "writable view": lambda data: memoryview(bytearray(data)),
    "mmap": mapped,
    "array": lambda data: np.frombuffer(data, np.uint8),
}


@pytest.mark.parametrize("kind", ["jpeg", "png"])
@pytest.mark.parametrize("name", HOLDERS)
def test_read_image_takes_any_buffer(kind: str, name: str) -> None:
    data = encoded(kind, picture())
    assert np.array_equal(vary.read_image(HOLDERS[name](data)), vary.read_image(data))


def test_errors_of_read_image_name_what_it_accepts() -> None:
    for wrong in (3, None, [1, 2], memoryview(bytes(20))[::2]):
        with pytest.raises(InputError, match="give a path, or the file's bytes"):
            vary.read_image(wrong)  # type: ignore[arg-type]


def runner() -> Runner:
    return Policy([Resize(16, 16)]).runner(3, "uint8")


def address(count: int) -> Address:
    return Address(0, 0, 0, np.arange(count))


@pytest.mark.parametrize("name", HOLDERS)
def test_a_batch_takes_any_buffer(name: str) -> None:
    files = [encoded("jpeg", picture(seed=i)) for i in range(3)]
    (expected,) = runner().batch(Request((files,), address(3))).arrays
    held = [HOLDERS[name](file) for file in files]
    (seen,), failures, *_ = runner().batch(Request((held,), address(3)))
    assert not failures
    assert np.array_equal(seen, expected)


@pytest.mark.parametrize("name", HOLDERS)
@pytest.mark.parametrize("cache", [None, "memory"])
def test_a_source_of_buffers(name: str, cache: Any) -> None:
    files = [encoded("jpeg" if i % 2 else "png", picture(seed=i)) for i in range(6)]

    class Source:
        fields = ("images",)
        classes = None

        def __len__(self) -> int:
            return len(files)

        def __getitem__(self, index: int) -> Item:
            return Item(Encoded(HOLDERS[name](files[index])))

        def path(self, _: int) -> str | None:
            return None

        def label_batch(self, _: Any) -> tuple[()]:
            return ()

    stream = vary.stream(
        Source(), policy=Policy([Resize(8, 8)]), batch_size=6, shuffle=False, cache=cache, full_decode=True
    )
    expected = Policy([Resize(8, 8)]).batch([vary.read_image(file) for file in files], seed=0)
    for _ in range(2):
        (batch,) = list(stream)
        assert np.array_equal(batch.images, expected)


def test_bytes_that_are_not_a_jpeg_are_refused() -> None:
    with pytest.raises(InputError, match=r"image 0 has 1 axes; .* or the bytes of a JPEG"):
        runner().batch(Request(([bytearray(b"GIF89")],), address(1)))


def test_buffers_are_referred_to_only_while_they_are_read(tmp_path: Path) -> None:
    """During the call a bytearray cannot be resized and a map cannot be closed; after it they can."""
    data = encoded("jpeg", picture(600))
    path = tmp_path / "one.jpg"
    path.write_bytes(data)
    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    array = bytearray(data)
    refused, done = [], threading.Event()

    def meddle() -> None:
        while not done.is_set():
            for change in (lambda: array.append(0), memory.close):
                try:
                    change()
                except BufferError as error:
                    refused.append(str(error))
                    continue
                return

    thread = threading.Thread(target=meddle)
    sources: list[Any] = [array, memory] * 8
    held = [memoryview(array), memoryview(memory)]  # so that it lasts until the call has begun
    thread.start()
    for _ in range(3):
        assert not runner().batch(Request((sources,), address(16), threads=2)).failures
    done.set()
    thread.join()
    assert refused
    for view in held:
        view.release()
    array.append(0)
    memory.close()


def test_a_list_may_change_while_it_is_read() -> None:
    """Another thread empties the list: what it held stays until the call is over."""
    files = [encoded("jpeg", picture(400, i)) for i in range(8)]
    (expected,) = runner().batch(Request((files,), address(8))).arrays
    for turn in range(10):
        sources: list[Any] = [encoded("jpeg", picture(400, i)) for i in range(8)]
        started = threading.Event()

        def empty(items: list[Any] = sources, go: threading.Event = started) -> None:
            go.wait()
            items.clear()

        thread = threading.Thread(target=empty)
        thread.start()
        rows, native = runner().rows(address(8)), runner().plans[-1]
        out = np.empty((8, 16, 16, 3), np.uint8)
        started.set()
        counts, errors = native.run(sources, rows, out, (False, 1, 2, False, False, 1 << 30))
        thread.join()
        if counts[0] == 8:  # the call came first
            assert not errors, turn
            assert np.array_equal(out, expected)
