"""Mistakes of values that were found, and how each is told once. `hints.py` and `watch.py` look for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vary.errors import warn_caller

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Finding", "Once"]


class Finding(NamedTuple):
    """A mistake. Of each kind one is told."""

    kind: str
    text: str

    def of(self, name: str) -> Finding:
        """As that of one of several streams or views."""
        return Finding(f"{name}: {self.kind}", f"{name}: {self.text}")


class Once:
    """Warns of each kind once. Threads may share it; it pickles."""

    def __init__(self) -> None:
        self._told: dict[str, object] = {}

    def warn(self, findings: Iterable[Finding]) -> None:
        """A `ValueWarning`, at the user's own line, for each kind that was not told before."""
        for kind, text in findings:
            mine = object()
            if self._told.setdefault(kind, mine) is mine:  # of several threads, one sets it
                warn_caller(text)
