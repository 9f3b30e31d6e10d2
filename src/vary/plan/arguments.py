"""The arguments of a policy and of its calls: their types, for type checkers, and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import SupportsIndex, TypedDict

import numpy as np

from vary.elements import MOST_CHANNELS
from vary.errors import InputError
from vary.plan.floats import LARGEST, range_fault
from vary.plan.machine import default_threads
from vary.plan.program import FILLS
from vary.plan.request import Output
from vary.sample import Dtype, Layout, dtype_name, layout_name
from vary.transforms.base import chosen, number

__all__ = ["BatchOptions", "Options", "fill_of", "output_of", "range_of", "threads_of"]


class Options(TypedDict, total=False):
    """Arguments of `policy(image)`, for type checkers."""

    seed: SupportsIndex | None
    epoch: SupportsIndex | None
    index: SupportsIndex | None
    view: SupportsIndex | None
    dtype: Dtype | None
    layout: Layout


class BatchOptions(TypedDict, total=False):
    """Arguments of `policy.batch`, for type checkers."""

    seed: SupportsIndex | None
    epoch: SupportsIndex | None
    view: SupportsIndex | None
    indices: Sequence[int] | np.ndarray | None
    dtype: Dtype | None
    layout: Layout
    threads: int | None
    out: np.ndarray | None


def fill_of(value: object) -> str | tuple[float, ...]:
    if isinstance(value, str):
        return chosen(value, FILLS)
    values = tuple(map(number, value)) if isinstance(value, (list, tuple)) else (number(value),)
    if not 1 <= len(values) <= MOST_CHANNELS or not all(abs(v) <= LARGEST for v in values):
        raise ValueError(f"{value!r} must be a number, or one per channel, that float32 holds (up to {LARGEST:.2g})")
    return values


def range_of(value: object) -> tuple[float, float] | None:
    if value is None:
        return None
    low, high = value if isinstance(value, (list, tuple)) and len(value) == 2 else (0.0, value)
    if not -np.inf < number(low) < number(high) < np.inf:
        raise ValueError(f"{value!r} is not a range; give the highest value, or (lowest, highest)")
    if fault := range_fault(number(low), number(high)):
        raise ValueError(fault)
    return number(low), number(high)


def output_of(dtype: Dtype | None, layout: Layout, out: np.ndarray | None = None) -> Output:
    return Output(0, None if dtype is None else dtype_name(dtype), layout_name(layout), out)


def threads_of(threads: object) -> int:
    if threads is None:
        return default_threads()
    if isinstance(threads, bool) or not isinstance(threads, (int, np.integer)) or threads < 1:
        raise InputError(f"threads={threads!r}; give a whole number of at least 1, or None for all that are allowed")
    return min(int(threads), 1024)
