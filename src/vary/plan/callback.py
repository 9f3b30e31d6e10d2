"""How user functions are called between two native calls."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["wants_rng"]


def wants_rng(function: Callable[..., Any]) -> bool:
    """Does it take a second argument that has no default?"""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some built-in functions do not say
        return False
    places = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in places and p.default is inspect.Parameter.empty for p in parameters) >= 2
