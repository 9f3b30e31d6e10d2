"""A program that ends while daemon threads are in native calls, by test_exit.py. Arguments: how it ends, in what call
they are, and whether all calls are cancelled at exit."""

import atexit
import io
import os
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
from PIL import Image

from vary import Policy, Resize, Rotate, _native  # type: ignore[attr-defined]
from vary.plan.request import Address, Request
from vary.plan.runner import Runner

THREADS = 3


def jpeg() -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (1200, 1600, 3), np.uint8)).save(file, "JPEG")
    return file.getvalue()


def varied(pictures: list[object]) -> Callable[[], object]:
    runner: Runner = Policy([Rotate(30), Resize(400, 400)]).runner(3, "uint8")
    request = Request((pictures,), Address(0, 0, 0, np.arange(len(pictures))), threads=2)
    return lambda: runner.batch(request)


def call(name: str) -> Callable[[], object]:
    """Native work that takes from below a millisecond ("small") to many seconds."""
    file = jpeg()
    return {
        "files": varied([file] * 400),
        "arrays": varied([np.zeros((4000, 4000, 3), np.uint8)] * 100),
        "small": varied([np.zeros((40, 40, 3), np.uint8)] * 4),
        "blocks": lambda: _native.keep_levels([file] * 400, [1] * 400, 3, False, False, 2),
        "decode": lambda: _native.decode_jpeg(file, 3, 1, False),
        "stamps": lambda: _native.file_stamps([sys.executable] * 1_000_000),
    }[name]


def main(ending: str, name: str, cancel: bool) -> None:
    work, begin, seen = call(name), threading.Barrier(THREADS + 1), list[str]()

    def repeat() -> None:
        begin.wait()
        try:
            while True:
                work()
        except RuntimeError as error:
            seen.append(str(error))

    threads = [threading.Thread(target=repeat, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    begin.wait()
    time.sleep(0.1)

    def stop() -> None:
        _native.cancel_all()
        for thread in threads:
            thread.join()
        print(*set(seen), sep="\n", flush=True)

    if cancel:
        atexit.register(stop)
    if ending == "os._exit":
        os._exit(0)
    if ending == "thread":
        other = threading.Thread(target=sys.exit)
        other.start()
        other.join()
    if ending == "error":
        sys.exit(3)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] == "cancel")
