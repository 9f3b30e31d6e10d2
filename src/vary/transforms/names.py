"""Names that were probably meant: of vary's own, or what other libraries call the same thing (`foreign.yaml`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vary.guidance import close, transform_hint

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["suggest"]


def suggest(name: Any, known: Iterable[str]) -> str:
    """For the end of an error: how vary writes what another library calls by this name, or the known name that it may
    be a slip of; empty if there is neither."""
    return transform_hint(str(name)) or close(str(name), known)
