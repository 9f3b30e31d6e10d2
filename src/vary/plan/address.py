"""The address of the draws (seed, epoch, index, view) from the arguments of a call, checked."""

from __future__ import annotations

import operator
import os
from typing import SupportsIndex

import numpy as np

from vary.errors import InputError
from vary.plan.request import Address
from vary.rng import check_address

__all__ = ["address_of", "fresh_seed", "index_of", "indices_of"]

Part = SupportsIndex | None

FIRST = np.zeros(1, np.int64)
FIRST.flags.writeable = False  # many addresses share it


def address_of(seed: Part, epoch: Part, view: Part, indices: np.ndarray) -> Address:
    """Epoch and view are 0 if they are None; the seed must be a number."""
    epoch, view = 0 if epoch is None else epoch, 0 if view is None else view
    check_address(seed, epoch, view)  # type: ignore[arg-type]
    seed, epoch, view = operator.index(seed), operator.index(epoch), operator.index(view)  # type: ignore[arg-type]
    return Address(seed, epoch, FIRST if view == 0 and len(indices) == 1 else view, indices)


def fresh_seed(epoch: Part, view: Part, index: Part = None) -> int:
    """A seed from the operating system, for a call without one. It does not repeat in forked processes.

    Epoch, view and index select one of a seed's draws; without a seed they mean nothing, so each must be None.
    """
    if epoch is None is view is index:
        return int.from_bytes(os.urandom(8))
    name, value = next(one for one in (("epoch", epoch), ("index", index), ("view", view)) if one[1] is not None)
    raise InputError(
        f"{name}={value!r} was given without seed=, so every call draws new values; give a seed as well, "
        f"such as seed=7, {name}={value!r}, or leave {name}= out"
    )


def index_of(index: Part) -> np.ndarray:
    """The index of a single picture, as an array (1,) int64; None: 0."""
    if index is None:
        return FIRST
    try:
        number = -1 if isinstance(index, bool) else operator.index(index)
    except TypeError:
        number = -1
    if not 0 <= number < 1 << 63:
        raise InputError(f"index={index!r}; give a whole number of at least 0")
    return np.array((number,), np.int64)


def indices_of(indices: object, count: int) -> np.ndarray:
    """The indices of `count` pictures, (count,) int64; None: 0, 1, 2, ..."""
    if indices is None:
        return np.arange(count, dtype=np.int64)
    numbers = np.array(indices)
    if numbers.shape != (count,) or numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= 1 << 63:
        raise InputError(f"indices={indices!r} must be {count} whole numbers of at least 0, one an image")
    return numbers.astype(np.int64)
