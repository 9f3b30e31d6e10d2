"""Mistakes of values (a `Finding` each), and a way to warn of each kind once. `hints.py` and `watch.py` find them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vary.errors import warn_caller

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Finding", "WarnOnce"]


class Finding(NamedTuple):
    """A mistake: its kind, such as "rotate", and the text of the warning. Only one of each kind is warned of."""

    kind: str
    text: str

    def of(self, name: str) -> Finding:
        """The same, with the name of the stream or policy that it belongs to, where there are several."""
        return Finding(f"{name}: {self.kind}", f"{name}: {self.text}")


class WarnOnce:
    """Warns of each kind of finding once. Threads may share it; it pickles."""

    def __init__(self) -> None:
        self._warned: dict[str, object] = {}

    def warn(self, findings: Iterable[Finding]) -> None:
        """A `ValueWarning`, at the user's own line, for each kind that was not warned of before."""
        for kind, text in findings:
            mine = object()
            if self._warned.setdefault(kind, mine) is mine:  # of several threads, one sets it
                warn_caller(text)
