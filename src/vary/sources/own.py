"""Adapters: completes a user's own source to `Indexed`, and maps the class ids of any source to those of classes=."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError, brief, warn_caller
from vary.sample import Array
from vary.sources.arrays import Arrays
from vary.sources.checked import fields_of, fingerprints_of, item_of, label_columns, path_of
from vary.sources.kinds import stated_kind
from vary.sources.labels import batch_labels, class_field, class_ids
from vary.sources.subset import Source, Subset, labels_by_item, reads_for_labels, whole_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from vary.sources.base import Indexed, Item
    from vary.sources.kinds import Kind

__all__ = ["Adapted", "warn_of_absent", "with_classes"]


class Adapted(Source):
    """The source `given`, completed to `vary.sources.Indexed`, and perhaps with its class ids mapped to others."""

    def __init__(self, given: Any, classes: list[str] | None = None, ids: Array | None = None) -> None:
        """given: a source, `Any` because it may lack some methods.

        classes: names of the new class ids; None: those of `given`.
        ids: the new id of each old one; None: unchanged.
        """
        self.given = given
        self.fields = fields_of(given)
        self.classes = getattr(given, "classes", None) if classes is None else classes
        self.by_item = not hasattr(given, "label_batch") or reads_for_labels(given)
        self.class_field = getattr(given, "class_field", None) or class_field(self)
        self._ids = ids

    @property
    def kind(self) -> Kind | None:  # type: ignore[override]
        """The kind of `given`, if it states one."""
        return stated_kind(self.given)

    @property
    def file_dtype(self) -> str:  # type: ignore[override]
        found: str = getattr(self.given, "file_dtype", "uint8")
        return found

    @property
    def whole(self) -> Array | None:
        """The same as `Arrays.whole`; None for other sources."""
        return self.given.whole if isinstance(self.given, Arrays) else None

    @property
    def fingerprints(self) -> Callable[[Sequence[int] | Array], list[Hashable]] | None:
        """See `Indexed`; None where the source has none."""
        if getattr(self.given, "fingerprints", None) is None:
            return None
        return lambda indices: fingerprints_of(self.given, indices)

    @property
    def remote(self) -> bool:
        """Are some of the files at a URL?"""
        return getattr(whole_of(self.given)[0], "remote", False) is True

    @property
    def paths(self) -> Sequence[str]:
        paths: Sequence[str] = self.given.paths
        return paths

    def __len__(self) -> int:
        return len(self.given)

    def item(self, index: int) -> Item:
        item = item_of(self.given, index)
        if self._ids is None or self.class_field is None:
            return item
        labels, place = list(item.labels), self.fields.index(self.class_field) - 1
        label = labels[place]
        number = self.given.classes.index(label) if isinstance(label, str) else np.asarray(label, np.int64)
        labels[place] = self._ids[number]
        return item._replace(labels=tuple(labels))

    def path(self, index: int) -> str | None:
        return path_of(self.given, index) if hasattr(self.given, "path") else None

    def label_batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        if not hasattr(self.given, "label_batch"):
            return labels_by_item(self.given, indices)
        if self._ids is None or self.class_field is None:
            return label_columns(self.given, indices)
        found, place = list(batch_labels(self.given, indices)), self.fields.index(self.class_field) - 1
        found[place] = self._renumbered(found[place], indices)
        return tuple(found)

    def _renumbered(self, ids: Array, indices: Sequence[int] | Array) -> Array:
        """The new ids; `InputError` for labels that are rows, or of a class without a new id."""
        assert self._ids is not None
        if ids.ndim != 1:
            cure = f"the source's labels are rows of {brief(self.given.classes)}; give both the same"
            raise InputError(f"classes={brief(self.classes)}, and {cure}")
        found: Array = self._ids[ids]
        for place in np.flatnonzero(found < 0)[:1].tolist():
            name = self.given.classes[ids[place]]
            raise InputError(
                f"{self.class_field} of sample {int(indices[place])} is {name!r}, which classes={brief(self.classes)} "
                "does not name"
            )
        return found

    def __repr__(self) -> str:
        return repr(self.given) if self._ids is None else f"{self.given!r} under classes={brief(self.classes)}"


def with_classes(source: Indexed, names: list[str], some: Array | None = None) -> Indexed:
    """The source with class ids in the order of `names`; `InputError` if it has a class that is not in `names`.

    some: (m,) int64, the samples that will be used, if not all: classes of the others need no name.
    """
    own = source.classes
    if own == names:
        return source
    if isinstance(source, Subset):
        return Subset(with_classes(source.parent, names, source.numbers), source.numbers.copy())
    if class_field(source) is None:
        raise InputError(f"classes={brief(names)}, but the source has no class labels; its fields are {source.fields}")
    known = not reads_for_labels(source)  # otherwise labels are checked when a batch reads them, not here
    if own is None:
        found = Adapted(source, names)
        if known:
            batch_labels(found, np.arange(len(source)))  # every id has a name
        return found
    extra = [name for name in own if name not in set(names)]
    if extra and some is not None and not known:
        extra = []
    elif extra and some is not None and (ids := class_ids(source, some)) is not None:
        there = set(ids.tolist())
        extra = [name for place, name in enumerate(own) if place in there and name not in set(names)]
    if extra:
        raise InputError(
            f"the source has classes that classes= does not name: {brief(extra)}; classes={brief(names)}; name them as "
            "well, or leave their samples out: source[mask]"
        )
    places = {name: place for place, name in enumerate(names)}
    found = Adapted(source, names, np.array([places.get(name, -1) for name in own], np.int64))
    if known and len(source):
        found.label_batch([0] if some is None else some[:1])  # an error if the labels are not ids
    return found


def warn_of_absent(source: Indexed) -> None:
    """Warn if some of the classes of `source` have no sample."""
    whole, _ = whole_of(source)
    ids = None if source.classes is None or reads_for_labels(whole) else class_ids(source)
    if ids is None or source.classes is None:
        return
    present = set(np.unique(ids).tolist())
    absent = [name for place, name in enumerate(source.classes) if place not in present]
    if absent:
        kind = f"{len(absent)} of the {len(source.classes)} classes" if len(source.classes) > 1 else "the class"
        warn_caller(
            f"{source!r} has no samples of {kind} in classes=: {brief(absent)}; their ids are not used. If that is not "
            "intended, check for a missing sub-folder or a misspelt name",
            UserWarning,
        )
