"""`DirectoryIterator`: batches of images from a folder with a sub-folder for each class."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vary.keras.faces import Compat
from vary.keras.fromfiles import BatchFromFilesMixin
from vary.keras.iterator import Iterator
from vary.keras.listing import Listed, listed
from vary.keras.subsets import stratified
from vary.keras.traps import warn_of_trap
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.keras.files import OnError
    from vary.keras.subsets import AugmentValidation

__all__ = ["DirectoryIterator"]


class DirectoryIterator(BatchFromFilesMixin, Iterator):
    """What `ImageDataGenerator.flow_from_directory` returns: x, or (x, y) by `class_mode`.

    directory: a folder with a sub-folder for each class, whose images may be in folders of their own. classes: names of
    the sub-folders, in the order of their ids; None: all, sorted. class_mode: "categorical" (one-hot), "binary" or
    "sparse" (ids, int64), "input" (a copy of x) or None. target_size: (height, width). on_error: "skip" leaves broken
    files out, and lists them as `skipped`. The others are those of `ImageDataGenerator.flow` and `load_img`.

    Attributes: samples, filenames (relative), filepaths, classes (ids) in the order of the folder, class_indices,
    num_classes, image_shape; batch_filenames: of the batch that `next` returned last.
    """

    allowed_class_modes: ClassVar[set[str | None]] = {"categorical", "binary", "sparse", "input", None}

    def __init__(
        self,
        directory: str | os.PathLike[str],
        image_data_generator: Any,  # Any: an ImageDataGenerator, something like it, or None
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        data_format: str | None = "channels_last",
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
        dtype: str | None = "float32",
        *,
        augment_validation: AugmentValidation | None = None,
        on_error: OnError = "raise",
        compat: Compat = None,
    ) -> None:
        self.compat = getattr(image_data_generator, "compat", compat)
        files, saving = (target_size, color_mode, data_format), (save_to_dir, save_prefix, save_format)
        how = subset, interpolation, keep_aspect_ratio
        self.set_processing_attrs(image_data_generator, *files, *saving, *how)
        self._set_labels(class_mode, dtype)
        self.directory = os.fspath(directory)
        numbers = self._find(classes, follow_links)
        super().__init__(self.samples, batch_size, shuffle, seed, compat=self.compat)
        self._begin_files(numbers, augment_validation, on_error)

    def _find(self, classes: Sequence[str] | None, follow_links: bool) -> Array | None:
        """List the folder. Returns the indices among all its files, if there is a subset."""
        found = listed(self.directory, classes, follow_links, self.compat)
        self.num_classes, self.class_indices = len(found.classes), {one: id_ for id_, one in enumerate(found.classes)}
        if self.compat is None and self.class_mode == "binary" and self.num_classes != 2:
            warn_of_trap(
                f"class_mode='binary' and {self.num_classes} classes, {found.classes[:5]}: labels are 0 .. "
                f"{self.num_classes - 1}; pass class_mode='categorical', or classes=[...] with two names"
            )
        self.filenames, self.classes, numbers = _chosen(found, self.subset, self._split, self.compat)
        self.samples = len(self.filenames)
        self._filepaths = [os.path.join(self.directory, name) for name in self.filenames]  # noqa: PTH118
        said = f"Found {self.samples} images belonging to {self.num_classes} classes."
        print(said, *found.remarks)  # noqa: T201  as the original
        if not self.samples:
            warn_of_trap(
                f"there are no images in {self.directory!r}; give the folder that has one sub-folder of images for "
                "each class, or a validation_split that leaves some for each subset",
                self.compat,
            )
        return numbers

    @property
    def labels(self) -> Array:
        """The class ids."""
        return self.classes


def _chosen(found: Listed, subset: str | None, split: float, compat: Compat) -> tuple[list[str], Array, Array | None]:
    """The files of a subset, their class ids, and their indices among all files, if these differ."""
    if subset is not None and compat is not None:
        listed = [_first(names, subset, split) for names in found.names]
        return _joined(listed), _ids(listed), None
    names, ids = _joined(found.names), _ids(found.names)
    if subset is None or not names:
        return names, ids, None
    numbers = stratified(subset, split, len(names), ids)
    return [names[number] for number in numbers.tolist()], ids[numbers], numbers


def _first(names: list[str], subset: str, split: float) -> list[str]:
    """The part of a class' files that old versions choose: the first ones are for validation."""
    end = int(split * len(names))
    return names[:end] if subset == "validation" else names[end:]


def _joined(names: list[list[str]]) -> list[str]:
    return [name for some in names for name in some]


def _ids(names: list[list[str]]) -> Array:
    return np.repeat(np.arange(len(names), dtype=np.int32), [len(some) for some in names])
