"""Names that were probably meant: of vary's own, or what other libraries call the same thing (`foreign.yaml`)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

__all__ = ["near"]


def near(name: Any, known: Iterable[str]) -> str:
    """For the end of an error: how vary writes what another library calls by this name, or the known name that it may
    be a slip of; empty if there is neither."""
    import difflib

    if meant := _foreign(str(name)):
        return meant
    close = difflib.get_close_matches(str(name), list(known), 1)
    return f"did you mean {close[0]}?" if close else ""


def _foreign(name: str) -> str:
    import yaml

    table = yaml.safe_load(Path(__file__).with_name("foreign.yaml").read_text(encoding="utf-8"))
    told = []
    for own, libraries in table.items():
        *others, last = ["", *(f"{one}'{'s'[: one[-1] != 's']}" for one, names in libraries.items() if name in names)]
        if last:
            whose = f"{', '.join(others[1:])} and {last}" if others[1:] else last
            kind, bracket, _ = own.partition("(")
            told.append(f"{whose} {name} is {kind} here: {own}" if bracket else f"{whose} {name} is {own}")
    return "; ".join(told)
