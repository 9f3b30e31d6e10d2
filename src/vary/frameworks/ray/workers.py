"""What `read` and `augment` share: Ray, imported when it is needed, and checks of arguments."""

from __future__ import annotations

import operator
from importlib import import_module
from typing import Any

from vary.errors import InputError

__all__ = ["cpus", "imported", "whole_number"]


def imported() -> Any:  # Any: the module ray
    """Ray with its data package; `ImportError` that says how to get it."""
    try:
        ray = import_module("ray")
        import_module("ray.data")
    except ImportError as error:
        raise ImportError(f"vary.ray needs Ray Data, and {error}; pip install 'vary[ray]'") from error
    return ray


def cpus(value: object) -> float:
    """num_cpus as a number above 0; `InputError` for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise InputError(f"num_cpus={value!r}; give a number of cores above 0, such as 1 or 0.5")
    return value


def whole_number(name: str, value: Any, least: int = 1) -> int:  # Any: operator.index refuses the rest
    """`value` as an int; `InputError` if it is not a whole number of at least `least`."""
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise InputError(f"{name}={value!r}; give a whole number of at least {least}")
    return number
