"""Names for `split`: the groups that it keeps together, and the file names that it hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError, brief
from vary.guidance import close
from vary.sample import Array
from vary.sources.checked import label_columns, length_of, path_of

if TYPE_CHECKING:
    from vary.sources.base import Indexed

__all__ = ["file_names", "group_names"]

CURE = "give the name of a field or column, or one text or whole number for each sample"


def group_names(source: Indexed, groups: object) -> Array:
    """(n,) texts or integers: the group of each sample, from the argument groups= of `split`."""
    values = _column(source, groups) if isinstance(groups, str) else groups
    said = f"groups={groups!r}" if isinstance(groups, str) else f"groups is a {type(groups).__name__}"
    if isinstance(values, str | bytes | dict | set) or not hasattr(values, "__len__"):
        raise InputError(f"{said}; {CURE}")
    n = length_of(source)
    if len(values) != n:
        raise InputError(f"{said} of {len(values)} values, and the source has {n} samples; give one of each")
    found = np.asarray(values)
    if found.ndim != 1 or found.dtype.kind not in "iuUO":
        raise InputError(f"{said}, of shape {found.shape} and dtype {found.dtype}; {CURE}")
    if found.dtype.kind in "iu":
        return found
    for place, one in enumerate(np.asarray(values, object).tolist()):
        if not isinstance(one, str | int) or isinstance(one, bool) or one == "":
            raise InputError(f"{said}: that of sample {place} is {brief(one)}; {CURE}")
    return found.astype(str)


def _column(source: Indexed, name: str) -> Any:  # Any: of any library
    whole = _given(source)
    numbers = getattr(source, "numbers", None)
    indices = np.arange(length_of(source)) if numbers is None else numbers
    names = tuple(source.fields[1:])
    if hasattr(whole, "column"):
        found = whole.column(name)
        return found if numbers is None else np.asarray(found)[indices]
    if name in names:
        return label_columns(whole, indices)[names.index(name)]
    similar = close(name, names)
    raise InputError(
        f"groups={name!r}: the source has the label fields {brief(names)}{similar and f'; {similar}'}; give one of "
        "these, or one text or whole number for each sample"
    )


def _given(source: Any) -> Any:  # of any class, whose attributes are asked for
    """The source that the user made, of which `source` may be a subset, or the same with other classes: `Any`."""
    whole = getattr(source, "parent", source)
    return getattr(whole, "given", whole)


def file_names(source: Indexed) -> list[str]:
    """The names by which `split(by="name")` divides: paths below the source's `root`, or else the names of files."""
    given = _given(source)
    root = getattr(given, "root", None) or getattr(_given(getattr(given, "images", None)), "root", None)  # of pairs
    start = None if root is None else f"{root.rstrip('/')}/"
    names = []
    for index in range(length_of(source)):
        path = path_of(source, index)
        if path is None:
            raise InputError(
                f"by='name': sample {index} has no path; give groups=, one text or whole number for each sample"
            )
        below = start is not None and path.startswith(start)
        names.append(path[len(start) :] if below and start else path.rpartition("/")[2])
    return names
