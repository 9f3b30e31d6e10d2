"""`Finding`: a mistake of values, found by `hints.py` or `watch.py`. `WarnOnce` warns once of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vary.errors import warn_caller

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Finding", "WarnOnce"]


class Finding(NamedTuple):
    """A mistake: its kind, such as "rotate", and the text of the warning. Each kind is reported once."""

    kind: str
    text: str

    def of(self, name: str) -> Finding:
        """The same, with the name of the stream or policy that it belongs to, for users of several."""
        return Finding(f"{name}: {self.kind}", f"{name}: {self.text}")


class WarnOnce:
    """Warns once of each kind of finding. Threads may share it; it can be pickled."""

    def __init__(self) -> None:
        self._warned: dict[str, object] = {}

    def warn(self, findings: Iterable[Finding]) -> None:
        """Cause a `ValueWarning`, with the user's own line, for each kind that has not caused one before."""
        for kind, text in findings:
            mine = object()
            if self._warned.setdefault(kind, mine) is mine:  # of several threads, one sets it
                warn_caller(text)
