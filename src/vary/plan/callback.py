"""How user functions are called: between two native calls, and for the numbers of a picture before the first."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from vary.errors import PolicyError, brief, stop_iteration_error
from vary.plan.program import Given
from vary.plan.request import Address
from vary.rng import noise

__all__ = ["UserFunction", "fill_given"]


class UserFunction:
    """A function of the policy's `Lambda` number `which`. Calls check what it returns."""

    def __init__(self, which: int, function: Callable[..., object]) -> None:
        self._which, self._function, self._takes_rng = which, function, _wants_rng(function)
        self._name = getattr(function, "__qualname__", repr(function))

    def __call__(self, image: np.ndarray, address: Address, place: int, channels: int) -> np.ndarray:
        """What the function makes of an image of this many channels, the sample at `place` of `address`."""
        index, view = int(address.indices[place]), int(address.views[place])
        rng = (noise(address.seed, address.epoch, index, view, self._which),) if self._takes_rng else ()
        try:
            result: object = self._function(image, *rng)
        except StopIteration as error:
            raise stop_iteration_error(f"Lambda({self._name}), called for the sample of index {index},") from error
        except Exception as error:
            error.add_note(f"raised in Lambda({self._name}) for the sample of index {index}")
            raise
        if not isinstance(result, np.ndarray) or result.ndim != 3 or result.shape[2] != channels:
            seen = f"shape {result.shape}" if isinstance(result, np.ndarray) else type(result).__name__
            raise PolicyError(
                f"Lambda({self._name}) returned {seen}; it must return an array of height x width x {channels}"
            )
        if result.dtype != image.dtype:
            raise PolicyError(
                f"Lambda({self._name}) was given {image.dtype} and returned {result.dtype}; convert it back: "
                f"result.astype(image.dtype); of pictures in 0 .. 1, Rescale(1 / 255) before it makes float32"
            )
        return result


def fill_given(givens: Sequence[Given], address: Address, rows: np.ndarray) -> None:
    """Compute the numbers that users' transforms compute themselves, for the pictures in which they are applied.

    rows: the parameters (n, columns) of these addresses; written to.
    """
    for given in givens:
        for place, row in enumerate(rows):
            if given.gate < 0 or row[given.gate]:
                index, view = int(address.indices[place]), int(address.views[place])
                rng = noise(address.seed, address.epoch, index, view, given.key)
                row[given.column : given.column + prod(given.shape)] = _numbers(given, rng, index)


def _numbers(given: Given, rng: np.random.Generator, index: int) -> np.ndarray:
    where = f"{given.name}.{given.function.__name__.lstrip('_')}"
    try:
        returned = given.function(rng)
    except StopIteration as error:
        raise stop_iteration_error(f"{where}, called for the sample of index {index},") from error
    except Exception as error:
        error.add_note(f"raised in {where} for the sample of index {index}")
        raise
    numbers = _real(returned)
    if numbers is None or numbers.shape != given.shape:
        seen = f"shape {numbers.shape}" if numbers is not None and numbers.ndim else brief(returned, 80)
        if numbers is None and isinstance(returned, np.ndarray):
            seen = f"an array of {returned.dtype}"
        raise PolicyError(f"{where} returned {seen}; it must return numbers of shape {given.shape}")
    if not np.isfinite(numbers).all():
        raise PolicyError(f"{where} returned a number that is not finite, for the sample of index {index}")
    return numbers.ravel()


def _real(returned: object) -> np.ndarray | None:
    """Numbers as float64; None: they are none, or rows of them differ in length."""
    try:
        array = np.asarray(returned)
        return array.astype(np.float64) if array.dtype.kind in "biufO" else None
    except (TypeError, ValueError):
        return None


def _wants_rng(function: Callable[..., object]) -> bool:
    """Does it take a second argument that has no default?"""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some built-in functions do not say
        return False
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in places and p.default is inspect.Parameter.empty for p in parameters) >= 2
