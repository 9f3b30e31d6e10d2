"""Instructions that control the others: their order, cuts, and calls of user functions."""

from __future__ import annotations

from typing import NoReturn

from vary.elements import DTYPES
from vary.ops.spec import Op, Size, no_range

__all__ = ["OPS"]


def _not_run(*_: object) -> NoReturn:
    raise NotImplementedError("plan/program.py and plan/reference.py interpret control instructions")


def _unknown_size(_: Size, *__: float | None) -> Size:
    return None


OPS = [
    Op("order", "control", "count instructions, code factorial", "the next {count} in order {code}", _not_run),
    Op("cut", "control", f"dtype {'|'.join(DTYPES)}", "to {dtype}", _not_run),
    Op("nothing", "control", "", "left out", _not_run),
    Op("call", "call", f"function number, dtype {'|'.join(DTYPES)}", "", _not_run, size=_unknown_size, range=no_range),
]
