"""Suggestions for unknown names: vary's name for a transform of another library (`foreign.yaml`), or a similar name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vary.guidance import close, transform_hint

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["suggest"]


def suggest(name: object, known: Iterable[str]) -> str:
    """For the end of an error: vary's name for a transform that other libraries call `name`, or a question with a
    similar known name; empty if there is neither."""
    return transform_hint(str(name)) or close(str(name), known)
