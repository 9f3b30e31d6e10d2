"""Pictures that are in memory already, or mapped from a file. They are never copied and never written."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from vary.errors import InputError, SourceError, brief, warn_caller
from vary.guidance import guided
from vary.sample import Array, channels_first, check_many, how_to_open, maybe_one, not_an_array
from vary.sources.base import Item
from vary.sources.kinds import Kind, array_kind
from vary.sources.labels import Labels, class_ids, read_labels
from vary.sources.npy import from_npy, npz_arrays
from vary.sources.subset import Source, inherits

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Arrays"]


class Arrays(Source):
    """`images` and, if given, their `labels`.

    images: an array (N, H, W, C) or (N, H, W), a memory map, a list of arrays (H, W, C) or (H, W) of any sizes, or the
        path of a .npy file, which is mapped. For .npz files see `from_npz`.
    labels: one label for each picture, or several fields as {"age": ..., "breed": ...}. Integers become int64; in two
        or more dimensions, such as one-hot labels, they keep their dtype. Floats become float32. Truth values become
        int64, in two or more dimensions uint8. Names (`str`, or a pandas categorical) become int64 ids of `classes`, in
        the field "labels" or else in the only field that has names. An array of other objects, such as dicts, is kept.
        A path of a .npy file is read.
    classes: names of the class ids, in order. None: the names among the labels, sorted; of a categorical, all
        categories, so that parts of one table agree.

    `InputError` if the numbers of images and labels differ, if an entry is not a picture, or if a label is missing
    (None, NaN), has another shape than the first, is not a number, or is not in `classes`. It names the sample.
    """

    @guided("vary.Arrays")
    def __init__(
        self,
        images: Array | Sequence[Array] | str | os.PathLike[str],
        labels: object = None,
        *,
        classes: Sequence[str] | None = None,
    ) -> None:
        images, labels = from_npy("images", images), from_npy("labels", labels)
        if isinstance(labels, np.memmap):
            labels = np.array(labels)
        self._images = _as_images(images)
        self._mapped = _Mapped.of(images)
        self._labels = read_labels(labels, classes, len(self._images), "sample {}".format)
        self.fields: tuple[str, ...] = ("images", *self._labels.fields)
        self.classes = self._labels.classes
        self.class_field = self._labels.field

    _what = "images"  # what its pictures are, for people

    @classmethod
    def of_masks(cls, masks: Array | list[Array]) -> Arrays:
        """Masks in the place of pictures, checked already."""
        made = cls.__new__(cls)
        made._images, made._mapped, made._labels = masks, _Mapped.of(masks), Labels()
        made.fields, made.classes, made.class_field = ("images",), None, None
        made._what = "masks"
        return made

    @classmethod
    def from_npz(
        cls,
        path: str | os.PathLike[str],
        images: str,
        labels: str | Mapping[str, str] | None = None,
        *,
        classes: Sequence[str] | None = None,
    ) -> Arrays:
        """The arrays of a .npz file: `Arrays.from_npz("mnist.npz", images="x_train", labels="y_train")`.

        images, labels: names of arrays in the file; several fields of labels: {"age": "ages", "breed": "breeds"}.
        Images that `numpy.savez` stored are mapped; `numpy.savez_compressed` compresses them, so they are read.
        `SourceError` if the file cannot be read, `InputError` if it has no such array.
        """
        asked = labels if isinstance(labels, Mapping) else {} if labels is None else {"labels": labels}
        found = npz_arrays(path, {"images": images} | {f"labels[{name!r}]": one for name, one in asked.items()})
        columns = dict(zip(map(str, asked), map(np.array, found[1:]), strict=True))
        return cls(found[0], columns or None, classes=classes)

    @property
    def labels(self) -> Array | None:
        """Class ids in index order, or None if there are none."""
        return class_ids(self)

    def __len__(self) -> int:
        return len(self._images)

    def item(self, index: int) -> Item:
        image = self._images[index].view(np.ndarray)
        if not image.flags.aligned:  # such as an array in a .npz file, which begins at any byte
            image = image.copy()
        image.flags.writeable = False  # of this view; the user's array keeps its flags
        return Item(image, self._labels.of(index))

    @property
    def labels_are_checked(self) -> bool:
        return inherits(self, Arrays, "label_batch")

    @cached_property
    def kind(self) -> Kind | None:  # type: ignore[override]
        """The kind of all pictures; None if they differ, or if a subclass reads them in another way.

        `InputError` for a kind that vary does not support. No pixel is read.
        """
        if not inherits(self, Arrays, "__getitem__", "item"):
            return None
        images = self._images[:1] if isinstance(self._images, np.ndarray) else self._images
        kinds = {(image.shape[2] if image.ndim == 3 else 1, image.dtype) for image in images}
        if len(kinds) > 1:
            return None
        channels, dtype = array_kind(images[0], 0)
        return Kind(False, dtype, channels)

    @property
    def whole(self) -> Array | None:
        """The array (read-only) whose entries along the first axis are the pictures; None if they are a list, or
        not aligned."""
        if isinstance(self._images, list) or not inherits(self, Arrays, "__getitem__", "item"):
            return None
        whole = self._images.view(np.ndarray)
        if not whole.flags.aligned:
            return None
        whole.flags.writeable = False  # of this view; the user's array keeps its flags
        return whole

    def label_batch(self, indices: Sequence[int] | Array) -> tuple[Array, ...]:
        return self._labels.batch(indices)

    def __getstate__(self) -> dict[str, object]:
        """A memory map is pickled as the path of its file, so that another process maps it as well."""
        return self.__dict__ | ({} if self._mapped is None else {"_images": None})

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__ |= state
        if self._mapped is not None:
            self._images = self._mapped.open()

    def __repr__(self) -> str:
        return f"Arrays({len(self)} {self._what}, fields={brief((self._what, *self.fields[1:]))})"


class _Mapped(NamedTuple):
    """How to make a memory map again, if its file is still the same."""

    path: str
    state: tuple[int, int, int]
    dtype: str
    shape: tuple[int, ...]
    offset: int
    fortran: bool

    @classmethod
    def of(cls, array: object) -> _Mapped | None:
        """None if the array is not a memory map, is a part of one, or is copy-on-write (mode "c")."""
        if not isinstance(array, np.memmap) or array.mode == "c" or array.filename is None:
            return None
        owner: object = array.base
        if not isinstance(owner, mmap.mmap):
            return None
        path = os.path.abspath(array.filename)  # noqa: PTH100
        try:
            state = _state(path)
        except OSError:  # deleted while it is mapped
            return None
        return cls(path, state, array.dtype.str, array.shape, array.offset, not array.flags.c_contiguous)

    def open(self) -> Array:
        if _state(self.path) != self.state:
            raise SourceError(f"{self.path}: is another file than when its memory map was pickled; map it again")
        order: Literal["F", "C"] = "F" if self.fortran else "C"
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape, order)


def _state(path: str) -> tuple[int, int, int]:
    status = os.stat(path)  # noqa: PTH116
    return status.st_dev, status.st_ino, status.st_size


def _as_images(images: object) -> Array | list[Array]:
    if isinstance(images, np.ndarray) and images.dtype != object:
        if images.ndim not in (3, 4):
            raise InputError(
                f"images has shape {images.shape}; give (N, H, W, C) or (N, H, W), or a list of pictures; "
                "a single picture is images[None], several are [first, second]"
            )
        check_many("images", images)
        if said := maybe_one("images", images.shape):
            warn_caller(said)
        if len(images):
            _check_picture("images[0]", images[0])
            return images
    elif isinstance(images, np.ndarray | list | tuple):
        found = list(images)
        check_many("images", found)
        for index, image in enumerate(found):
            _check_picture(f"images[{index}]", image)
        if found:
            return found
    else:
        cure = f"; of one picture: [{how_to_open(images)}]" if hasattr(images, "__array_interface__") else ""
        seen = f" is a {type(images).__name__}"
        if isinstance(images, str | os.PathLike):
            seen = f"={brief(str(images))}"
            cure = ", or the path of a .npy file; vary.Arrays.from_npz reads .npz files, vary.Folder pictures"
        raise InputError(f"images{seen}; give an array (N, H, W, C) or a list of arrays{cure}")
    raise InputError("images is empty; give at least one picture")


def _check_picture(name: str, image: object) -> None:
    if not isinstance(image, np.ndarray):
        files = ", and vary.Files(paths, labels) is a source of files" if isinstance(image, str | os.PathLike) else ""
        raise InputError(not_an_array(name, image, files))
    if image.ndim not in (2, 3):
        raise InputError(f"{name} has shape {image.shape}; give arrays of shape (H, W, C) or (H, W)")
    if image.dtype.kind not in "buif":
        raise InputError(f"{name} has dtype {image.dtype}; pictures are made of numbers")
    if image.size == 0:
        raise InputError(f"{name} has shape {image.shape}: there is no pixel in it")
    if channels_first(image.shape):
        raise InputError(
            f"{name} has shape {image.shape}, which looks like (C, H, W); vary takes channels last: "
            "np.moveaxis(images, -3, -1) is a view that copies nothing"
        )
