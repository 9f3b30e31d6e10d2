"""Instructions that decide what runs, and in which order."""

from __future__ import annotations

from typing import NoReturn

from vary.elements import DTYPES
from vary.ops.spec import Op, Size, nothing

__all__ = ["OPS"]


def _not_run(*_: object) -> NoReturn:
    raise NotImplementedError("control instructions are carried out by plan/reference.py and native/program.cc")


def _unknown(_: Size, *__: float | None) -> Size:
    return None


OPS = [
    Op("order", "control", "count instructions, code factorial", "the next {count} in order {code}", _not_run),
    Op("cut", "control", f"dtype {'|'.join(DTYPES)}", "to {dtype}", _not_run),
    Op("nothing", "control", "", "left out", _not_run),
    Op("call", "call", f"function number, dtype {'|'.join(DTYPES)}", "", _not_run, size=_unknown, range=nothing),
]
