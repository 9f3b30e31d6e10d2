"""What a source provides: items by index, and the labels of a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

# As a result type, `X | Any` means "X or None", so that callers who know that it is an X need not check for None.
__all__ = ["Encoded", "Indexed", "Item"]


class Encoded(NamedTuple):
    """The bytes of a picture's file, in any format. `path` is for messages."""

    data: bytes
    path: str | None = None


class Item(NamedTuple):
    """One sample: an array of shape (H, W, C) or (H, W), or encoded bytes, and its labels in field order."""

    image: np.ndarray | Encoded
    labels: tuple[object, ...] = ()


class Indexed(Protocol):
    """Samples 0 .. len - 1, readable in any order and from any thread. Can be pickled. Never writes.

    A user's own object needs `fields`, `__len__` and `__getitem__`; without `classes` or `path`, these count as None.
    Without `label_batch`, samples are read once more to get their labels. `vary.sources.Source` is a base class
    with these defaults, subsets and splits. Labels are checked as described at `vary.Arrays`.

    A source may state more. `kind`: what its pictures are, "files" for encoded ones or (dtype, channels) for arrays,
    such as ("uint8", 3); without it, a stream reads sample 0 to find out. `file_dtype`: "uint16" if encoded pictures
    are to be read as uint16, as by `Folder(path, dtype="uint16")`. `fingerprints(indices)`: a list with a hashable
    value for each, by which `cache="disk"` recognises a file in later runs.
    """

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of a batch's arrays, in order: "images", then one for each label."""

    @property
    def classes(self) -> list[str] | Any:
        """Names of the class ids; None if the labels are not class ids, or the ids have no names."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Item:
        """The sample; `SourceError`, with the path, if its file cannot be read."""

    def path(self, index: int, /) -> str | Any:
        """The path of the picture's file, or None if the picture is in memory."""

    def label_batch(self, indices: Sequence[int] | np.ndarray, /) -> tuple[np.ndarray, ...]:
        """The labels of `indices`, one array for each field after "images"."""
