"""`one_hot=True`: class ids become rows of 0 and 1 in batches, float32 (n, classes)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vary.errors import InputError
from vary.sample import Array
from vary.sources import batch_labels, class_field, class_ids, reads_for_labels, whole_of

if TYPE_CHECKING:
    from vary.sources import Indexed

__all__ = ["OneHot", "one_hot_of"]


class OneHot(NamedTuple):
    """name: of the field of class ids. place: its place among the labels. classes: their number."""

    name: str
    place: int
    classes: int

    def rows(self, ids: Array) -> Array:
        """(n, classes) float32 of (n,) class ids, or of (n, classes) rows of 0 and 1."""
        if ids.ndim == 2 and ids.shape[1] == self.classes and ids.dtype != object and ((ids == 0) | (ids == 1)).all():
            return ids.astype(np.float32)
        if ids.ndim != 1 or ids.dtype.kind not in "iu":
            raise InputError(
                f"one_hot=True goes with class ids, and {self.name} of the source have shape "
                f"{('n', *ids.shape[1:])} and dtype {ids.dtype}; leave it out"
            )
        if len(ids) and not 0 <= ids.min() <= ids.max() < self.classes:
            wrong = int(ids[(ids < 0) | (ids >= self.classes)][0])
            raise InputError(
                f"one_hot=True: {self.name} hold the class id {wrong}, and there are {self.classes} classes, 0 .. "
                f"{self.classes - 1}; give ids from 0 on, and the names of all classes as classes="
            )
        found = np.zeros((len(ids), self.classes), np.float32)
        found[np.arange(len(ids)), ids] = 1
        return found


def one_hot_of(source: Indexed) -> OneHot:
    """The field of the source's class ids. Without `classes`, the classes are 0 .. the largest id of the whole source.
    `InputError` if there are no class ids."""
    whole, _ = whole_of(source)
    name = class_field(whole)
    if name is None:
        raise InputError(
            f"one_hot=True goes with class ids, and the source has the fields {', '.join(source.fields)}; leave it out"
        )
    place = whole.fields.index(name) - 1
    if whole.classes is not None:
        found = OneHot(name, place, len(whole.classes))
    elif reads_for_labels(whole):
        raise InputError("one_hot=True needs the number of classes, which the source does not state; give classes=")
    else:
        ids = class_ids(whole, one_hot=True)
        found = OneHot(name, place, 1 if ids is None or not len(ids) else max(int(ids.max()), 0) + 1)
    if not reads_for_labels(whole) and len(whole):
        found.rows(batch_labels(whole, np.arange(len(whole)) if whole.classes is None else [0])[place])
    return found
