"""What is handed over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from vary.display.fields import batch_html, batch_png, batch_text
from vary.stream.report import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vary.display.fields import Legend

__all__ = ["Batch", "Made"]

NOTHING = Work()

Array = np.ndarray[Any, Any]


class Batch(tuple[Array, ...]):  # noqa: SLOT001  a tuple's subclass has attributes in a dict or not at all
    """(images, labels, ...) in the source's field order; (images,) where there are no labels. `batch.images` works too.

    fields: the names of its arrays. One that a tuple or a batch has already, such as `count`, goes by place alone.
    indices: (n,) int64, each sample's index in its source.
    views: (n,) int64, the view number of each, or of the first of its several: 0 unless a sample comes repeatedly.
    epoch: the iteration it belongs to.
    paths: where the n pictures lie, or None where they lie in memory.
    streams, epochs: (n,) int64, of a batch of `vary.mix`: the number of the stream that each sample is from, and which
        of that stream's own epochs it belongs to; else None.
    """

    fields: tuple[str, ...] = ()  # of the class, too: unpickling asks for attributes before it has set any
    indices: Array
    views: Array
    epoch: int
    streams: Array | None
    epochs: Array | None
    _legend: Legend | None = None  # what its arrays mean: for showing them
    _paths: list[str] | Callable[[], list[str]] | None

    def __new__(
        cls,
        arrays: Iterable[Array],
        fields: tuple[str, ...],
        indices: Array,
        views: Array,
        epoch: int,
        paths: list[str] | Callable[[], list[str]] | None,
        streams: Array | None = None,
        epochs: Array | None = None,
    ) -> Self:
        batch = super().__new__(cls, arrays)
        batch.fields, batch.indices, batch.views, batch.epoch, batch._paths = fields, indices, views, epoch, paths
        batch.streams, batch.epochs = streams, epochs
        return batch

    @property
    def paths(self) -> list[str] | None:
        """Made when they are first asked for, which is seldom."""
        if callable(self._paths):
            self._paths = self._paths()
        return self._paths

    @paths.setter
    def paths(self, paths: list[str] | None) -> None:
        self._paths = paths

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self), self.fields, self.indices, self.views, self.epoch, self.paths, self.streams, self.epochs

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_paths": self.paths}

    def __getattr__(self, name: str) -> Array:
        for field, array in zip(self.fields, self, strict=False):  # a source may name more than it gives
            if field == name:
                return array
        raise AttributeError(f"a batch has no {name!r}; its fields are {', '.join(self.fields)}, as in batch.images")

    def __repr__(self) -> str:
        return batch_text(self)

    def _repr_html_(self) -> str:
        return batch_html(self)

    def _repr_png_(self) -> bytes | None:
        return batch_png(self)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.fields]


class Made(NamedTuple):
    batch: Batch | None  # None where every sample was left out
    work: Work
    held: int = 0  # bytes in the cache

    def parts(self, size: int) -> list[Made]:
        """As batches of `size` samples: views of its arrays."""
        batch = self.batch
        if batch is None or len(batch.indices) <= size:
            return [self]
        n = len(batch.indices)
        work = self.work._replace(batch=self.work.batch * size // n, encoded=self.work.encoded * size // n)
        made = []
        for first in range(0, n, size):
            some = slice(first, first + size)
            arrays = [array[some] for array in batch]
            part = Batch(arrays, batch.fields, batch.indices[some], batch.views[some], batch.epoch, None)
            made.append(Made(part, work, self.held))
            work = NOTHING
        return made
