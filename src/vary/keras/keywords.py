"""Keywords of `flow_from_dataframe` that it no longer has, and those that only some versions have."""

from __future__ import annotations

from typing import Any

from vary.errors import warn_caller
from vary.guidance import close
from vary.keras.faces import Compat
from vary.keras.traps import TrapWarning

__all__ = ["OldArgumentWarning", "frame_keywords"]

KEPT = ("keep_aspect_ratio", "augment_validation", "on_error")
IGNORED = ("workers", "use_multiprocessing", "max_queue_size")
GONE = {
    "has_ext": "names have their ending; add it to the column: frame[column] + '.jpg'",
    "sort": "rows keep their order; sort the table before",
    "drop_duplicates": "rows that name one file are samples of their own; drop them in the table before",
    "follow_links": "paths are used as they are; leave it out",
}
"""Arguments of old versions -> what is the case now."""


class OldArgumentWarning(TrapWarning, DeprecationWarning):
    """An argument that has no effect any more."""


# Any: values of any keyword
def frame_keywords(given: dict[str, Any], class_mode: str | None, compat: Compat) -> tuple[dict[str, Any], str | None]:
    """The keywords that `DataFrameIterator` has, and the class mode under its present name."""
    for name in given:
        if name in GONE:
            warn_caller(f"{name}= has no effect: {GONE[name]}", OldArgumentWarning)
        elif name not in (*KEPT, *IGNORED) and compat is None:
            cure = close(name, (*KEPT, *IGNORED)) or "leave it out"
            raise TypeError(f"flow_from_dataframe has no argument {name!r}; {cure}")
    if class_mode == "other":
        warn_caller("class_mode='other' is now called 'raw'; write class_mode='raw'", OldArgumentWarning)
        class_mode = "raw"
    return {name: value for name, value in given.items() if name in KEPT}, class_mode
