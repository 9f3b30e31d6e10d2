"""Calls users' Python code: a `Lambda`, between two native calls, and the methods of users' transforms that compute
numbers for a picture, before the first native call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from vary.errors import PolicyError, brief, stop_iteration_error
from vary.plan.program import UserNumbers
from vary.plan.request import Address
from vary.rng import noise

__all__ = ["UserFunction", "fill_user_numbers", "wants_rng"]


class UserFunction:
    """The function of the policy's `Lambda` number `which`. A call checks what the function returns."""

    def __init__(self, which: int, function: Callable[..., object]) -> None:
        self._which, self._function, self._takes_rng = which, function, wants_rng(function)
        self._name = getattr(function, "__qualname__", repr(function))

    def __call__(self, image: np.ndarray, address: Address, place: int, channels: int) -> np.ndarray:
        """The function's result for an image of this many channels, the sample at `place` in `address`."""
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
                f"result.astype(image.dtype); if it computes in 0 .. 1, Rescale(1 / 255) before it makes float32"
            )
        return result


def fill_user_numbers(user_numbers: Sequence[UserNumbers], address: Address, rows: np.ndarray) -> None:
    """Call the methods of users' transforms that compute numbers, for the pictures to which they are applied.

    rows: the parameters (n, columns) of these addresses; the numbers are written into them.
    """
    for declared in user_numbers:
        for place, row in enumerate(rows):
            if declared.gate < 0 or row[declared.gate]:
                index, view = int(address.indices[place]), int(address.views[place])
                rng = noise(address.seed, address.epoch, index, view, declared.key)
                row[declared.column : declared.column + prod(declared.shape)] = _numbers(declared, rng, index)


def _numbers(declared: UserNumbers, rng: np.random.Generator, index: int) -> np.ndarray:
    where = f"{declared.name}.{declared.function.__name__.lstrip('_')}"
    try:
        returned = declared.function(rng)
    except StopIteration as error:
        raise stop_iteration_error(f"{where}, called for the sample of index {index},") from error
    except Exception as error:
        error.add_note(f"raised in {where} for the sample of index {index}")
        raise
    numbers = _real(returned)
    if numbers is None or numbers.shape != declared.shape:
        seen = f"shape {numbers.shape}" if numbers is not None and numbers.ndim else brief(returned, 80)
        if numbers is None and isinstance(returned, np.ndarray):
            seen = f"an array of {returned.dtype}"
        raise PolicyError(f"{where} returned {seen}; it must return numbers of shape {declared.shape}")
    if not np.isfinite(numbers).all():
        raise PolicyError(f"{where} returned a number that is not finite, for the sample of index {index}")
    if fault := declared.fault(numbers):
        raise PolicyError(f"{where}, called for the sample of index {index}, returned {fault}")
    return numbers.ravel()


def _real(returned: object) -> np.ndarray | None:
    """Numbers as float64; None: they are none, or rows of them differ in length."""
    try:
        array = np.asarray(returned)
        return array.astype(np.float64) if array.dtype.kind in "biufO" else None
    except (TypeError, ValueError):
        return None


def wants_rng(function: Callable[..., object]) -> bool:
    """Does it take a second argument that has no default?"""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some built-in functions do not say
        return False
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in places and p.default is inspect.Parameter.empty for p in parameters) >= 2
