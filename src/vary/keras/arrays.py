"""`NumpyArrayIterator`: batches of images in memory, which are not copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError
from vary.keras.faces import Compat
from vary.keras.iterator import Iterator
from vary.keras.maker import Maker
from vary.keras.saving import saving_of
from vary.keras.subsets import augment_of, first_part, stratified
from vary.keras.traps import warn_of_trap
from vary.plan.request import Parts
from vary.sample import Array

if TYPE_CHECKING:
    from vary.keras.subsets import AugmentValidation

__all__ = ["NumpyArrayIterator"]


class Stored:
    """`Images` that are parts of one array, (N, H, W, C)."""

    def __init__(self, array: Array) -> None:
        self.array = array
        self.shape = array.shape[1:]
        self.in_memory = True

    shape: tuple[int, int, int]

    def read(self, indices: Array) -> tuple[Parts, Array]:
        return Parts(self.array, indices), indices


class NumpyArrayIterator(Iterator):
    """What `ImageDataGenerator.flow` returns: x, (x, y) or (x, y, sample_weight).

    x: images (N, H, W, C), or channels first by `data_format`; or a tuple (images, array or list of arrays), whose
    further arrays go through as they are. They are read in their dtype and not copied. y, sample_weight: arrays with
    one entry for each image. subset: "training" or "validation", by the generator's validation_split.
    augment_validation: see `ImageDataGenerator.flow`. dtype: of the batches.
    """

    def __init__(
        self,
        x: Any,  # Any: arrays, or what becomes one
        y: Any,
        image_data_generator: Any,
        batch_size: int = 32,
        shuffle: bool = False,
        sample_weight: Any = None,
        seed: int | None = None,
        data_format: str | None = "channels_last",
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        ignore_class_split: bool = False,
        dtype: str | None = "float32",
        *,
        augment_validation: AugmentValidation | None = None,
        compat: Compat = None,
    ) -> None:
        compat = getattr(image_data_generator, "compat", compat)
        self.image_data_generator, self.data_format = image_data_generator, data_format or "channels_last"
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        self.dtype, self.subset = dtype or "float32", subset
        numbers = self._take(x, y, sample_weight, ignore_class_split, compat)
        super().__init__(len(self.x), batch_size, shuffle, seed, compat=compat)
        augment = augment_of(subset, augment_validation, compat)
        saving = saving_of((save_to_dir, save_prefix, save_format), 10_000, self.data_format, compat)
        images = Stored(np.moveaxis(self.x, 1, -1) if data_format == "channels_first" else self.x)
        how = self.dtype, compat, numbers, augment, saving, self.data_format
        self._maker = Maker(image_data_generator, images, self._packed, *how)

    def _take(self, x: Any, y: Any, weights: Any, ignore_class_split: bool, compat: Compat) -> Array | None:
        """Keep the arrays, or their rows of the subset, whose indices are returned."""
        x, misc = _images(x)
        y, weights = (None if one is None else np.asarray(one) for one in (y, weights))
        for name, said, one in (("y", "labels", y), ("sample_weight", "weights", weights)):
            if one is not None and len(one) != len(x):
                raise InputError(
                    f"`x` (images tensor) and `{name}` ({said}) should have the same length: they have {len(x)} and "
                    f"{len(one)} entries"
                )
        _check(x, self.data_format, compat)
        numbers = None
        if self.subset is not None:
            split = getattr(self.image_data_generator, "_validation_split", 0.0)
            if compat is None:
                numbers = stratified(self.subset, split, len(x), y)
            else:
                numbers = first_part(self.subset, split, len(x), None if ignore_class_split else y)
            x, misc = _rows(x, numbers), [one[numbers] for one in misc]
            y = None if y is None else y[numbers]
            if weights is not None and compat is None:  # the old versions give a subset the first weights
                weights = weights[numbers]
        self.x, self.x_misc, self.y, self.sample_weight = x, misc, y, weights
        return numbers

    def _packed(self, x: Array, indices: Array) -> Any:  # Any: an array, or a tuple
        first = [x, *(one[indices] for one in self.x_misc)] if self.x_misc else x
        if self.y is None:
            return first
        weights = () if self.sample_weight is None else (self.sample_weight[indices],)
        return (first, self.y[indices], *weights)


def _images(x: Any) -> tuple[Array, list[Array]]:
    """The images, and the arrays that go with them."""
    if not isinstance(x, tuple | list) or len(x) != 2 or np.ndim(x[0]) != 4:
        return np.asarray(x), []
    others = x[1] if isinstance(x[1], list) else [x[1]]
    images, misc = np.asarray(x[0]), [np.asarray(one) for one in others]
    for one in misc:
        if len(one) != len(images):
            raise InputError(
                "All of the arrays in `x` should have the same length. Found a pair with: "
                f"len(x[0]) = {len(images)}, len(x[?]) = {len(one)}"
            )
    return images, misc


def _check(x: Array, data_format: str, compat: Compat) -> None:
    if x.ndim != 4:
        raise InputError(
            f"x has shape {x.shape}; images must have rank 4: (N, H, W, C), or (N, C, H, W) with "
            "data_format='channels_first'; grey images need an axis of one channel: x[..., None]"
        )
    if data_format not in ("channels_last", "channels_first"):
        raise InputError(f"data_format={data_format!r}; give 'channels_last' or 'channels_first'")
    axis, other = (3, 1) if data_format == "channels_last" else (1, 3)
    if x.shape[axis] not in (1, 3, 4) and x.shape[other] in (1, 3, 4):
        warn_of_trap(
            f"x has shape {x.shape}, so channels seem to be on axis {other}, but data_format={data_format!r}; pass the "
            "other one to ImageDataGenerator",
            compat,
        )


def _rows(x: Array, numbers: Array) -> Array:
    """These rows; a view if they are neighbours."""
    if len(numbers) and numbers[-1] - numbers[0] == len(numbers) - 1 and (np.diff(numbers) == 1).all():
        return np.asarray(x[numbers[0] : numbers[-1] + 1])
    return np.asarray(x[numbers])
