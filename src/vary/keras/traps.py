"""What `vary.keras` warns of."""

from __future__ import annotations

from vary.errors import ValueWarning, warn_caller

__all__ = ["TrapWarning", "warn_of_trap"]


class TrapWarning(ValueWarning):
    """An argument of `vary.keras` that probably does not do what was intended. The text names the cure.

    There is none with `compat=`: there the behaviour of the original is what was asked for.
    """


def warn_of_trap(text: str, compat: str | None = None) -> None:
    """Warn at the user's line, unless a `compat` face was asked for."""
    if compat is None:
        warn_caller(text, TrapWarning)
