"""User functions that another process can import."""

import os
import threading
import time
from concurrent.futures import CancelledError

import numpy as np


def turned(image: np.ndarray) -> np.ndarray:
    return image[::-1].copy()


def told_where(image: np.ndarray) -> np.ndarray:
    """Every value of the picture says which process this is."""
    return np.full_like(image, os.getpid() % 251)


def fails(image: np.ndarray) -> np.ndarray:
    raise ZeroDivisionError(f"of {image.shape}")


class OddError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def fails_oddly(image: np.ndarray) -> np.ndarray:
    raise OddError(len(image), 2)


def dies(image: np.ndarray) -> np.ndarray:
    os._exit(7 + len(image) * 0)


def takes_its_time(image: np.ndarray) -> np.ndarray:
    time.sleep(0.05)
    return image


def counts(image: np.ndarray) -> np.ndarray:
    """Adds a byte to the file that the environment names; slowly."""
    with open(os.environ["VARY_TEST_COUNT"], "ab") as file:  # noqa: PTH123
        file.write(b".")
    time.sleep(0.2)
    return image


def cancels(_: np.ndarray) -> np.ndarray:
    raise CancelledError


class SilentError(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(one, two)

    def __str__(self) -> str:
        raise OSError


def fails_silently(_: np.ndarray) -> np.ndarray:
    raise SilentError(1, 2)


def leaves(_: np.ndarray) -> np.ndarray:
    raise SystemExit(3)


def never_returns(image: np.ndarray) -> np.ndarray:
    """Nor does a thread of its own, for which an interpreter waits when it ends."""
    threading.Thread(target=time.sleep, args=(1000,), daemon=False).start()
    time.sleep(1000)
    return image


def forks(image: np.ndarray) -> np.ndarray:
    """Leaves a process behind, which says its number and holds all that this process has open."""
    pid = os.fork()
    if pid == 0:
        time.sleep(1000)
        os._exit(0)
    with open(os.environ["VARY_TEST_FORKED"], "a") as file:  # noqa: PTH123
        file.write(f"{pid}\n")
    return image


def waits(image: np.ndarray) -> np.ndarray:
    """Until there is no such file any more, if the picture is white."""
    while image.min() == 255 and os.path.exists(os.environ["VARY_TEST_WAIT"]):  # noqa: PTH110
        time.sleep(0.01)
    return image


def stops(image: np.ndarray) -> np.ndarray:
    raise StopIteration(len(image))


def runs_out_of_time(_: np.ndarray) -> np.ndarray:
    raise TimeoutError("the user's own")
