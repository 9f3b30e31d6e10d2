"""Makes the batches of an image iterator: reads images, augments and standardizes them, and adds labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, cast

import numpy as np

from vary.keras.draws import Batch, drawn_batch, drawn_in_old_order, together
from vary.keras.faces import Compat, face_of
from vary.keras.parameters import Parameters
from vary.keras.pixels import augmented, scale_of, standardized
from vary.keras.ranges import check_range
from vary.keras.saving import Saving
from vary.keras.standardize import NOT_FITTED, Statistics, fitted, unfitted
from vary.plan.request import Parts
from vary.rng import uniforms
from vary.sample import Array

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vary.plan.request import Pictures

__all__ = ["NO_MAKER", "OVERRIDDEN", "Augment", "Draws", "Images", "Maker", "is_ours"]

Augment = Literal["fresh", "frozen", "none"]
OVERRIDDEN = ("get_random_transform", "apply_transform", "random_transform", "standardize")
"""Methods that a user's class may have of its own."""


class Draws(NamedTuple):
    """What is drawn for a batch. batch: of the augmentation, or None; names: a number for the file name of each image,
    if images are saved; seeds: for a generator's own methods."""

    batch: Batch | None = None
    names: Sequence[int] = ()
    seeds: Sequence[int | None] = ()


class Images(Protocol):
    """The images of an iterator, (H, W, C), by index. shape: of each. in_memory: are they an array, not files?"""

    shape: tuple[int, int, int]
    in_memory: bool

    def read(self, indices: Array) -> tuple[Pictures, Array]:
        """The images, and the indices of those that could be read."""


@dataclass
class Maker:
    """packed: (x, indices) -> the batch, with labels and weights. dtype: of the batch. numbers: indices in the whole
    data, if the images are a subset; None: the same. augment: "fresh": anew in each epoch; "frozen": alike in all.
    """

    generator: Any  # an ImageDataGenerator, something like it, or None
    images: Images
    packed: Callable[[Array, Array], Any]
    dtype: str
    compat: Compat = None
    numbers: Array | None = None
    augment: Augment = "fresh"
    saving: Saving | None = None
    data_format: str = "channels_last"
    warned: bool = False
    fixed: Parameters | None = None  # None: those that the generator has when a batch is made

    @property
    def bytes(self) -> int:
        """Of an image, in float32; 0 if batches should not be made ahead, because they are saved."""
        return 0 if self.saving is not None else int(np.prod(self.images.shape)) * 4

    @property
    def parameters(self) -> Parameters:
        found = self.fixed or getattr(self.generator, "parameters", None)
        made = found if isinstance(found, Parameters) else Parameters(zoom_range=(1.0, 1.0))
        return made._replace(data_format=self.data_format)

    @property
    def statistics(self) -> Statistics:
        return getattr(self.generator, "statistics", NOT_FITTED)

    @property
    def _is_own(self) -> bool:
        """Do the generator's own methods make each image, because a user wrote them, or may use NumPy's generator?"""
        if self.generator is None or self.fixed is not None:
            return False
        kind = type(self.generator)
        theirs = any(not is_ours(getattr(kind, name, None)) for name in OVERRIDDEN)
        if theirs or self.compat is None:
            return theirs
        return self.parameters.preprocessing_function is not None or np.dtype(self.dtype) != np.float32

    def warn_once(self) -> None:
        """Warn of traps that are only seen now, in the thread that wants the first batch."""
        if not self.warned:
            self.warned = True
            if self.compat is None and isinstance(getattr(self.generator, "parameters", None), Parameters):
                unfitted(self.parameters, self.statistics)
                some = self.images.read(np.arange(1))[0] if self.images.in_memory else []
                check_range(self.parameters, some)

    def draws(self, indices: Array, seed: int, epoch: int) -> Draws:
        """What is drawn for these samples in an epoch. With `compat`, seed and epoch have no effect."""
        p, size = self.parameters, self.images.shape[:2]
        if self.compat is not None:
            return self._old_draws(p, size, len(indices))
        numbers = indices if self.numbers is None else self.numbers[indices]
        views, names = np.zeros(len(indices), np.int64), [epoch] * len(indices)
        at = seed, 0 if self.augment == "frozen" else epoch
        if self._is_own:
            u = uniforms("seed", 1, at, numbers, views)[:, 0]
            return Draws(None, names, (u * 2**32).astype(np.int64).tolist())
        return Draws(None if self.augment == "none" else drawn_batch(p, size, at, numbers, views), names)

    def _old_draws(self, p: Parameters, size: tuple[int, int], count: int) -> Draws:
        """From NumPy's global generator: those of each image in turn, then the names of files."""
        if self._is_own:
            return Draws(seeds=[None] * count)
        random, face = np.random.mtrand._rand, face_of(self.compat)
        if self.augment == "none" or self.generator is None:
            batch: Batch | None = None
        else:
            batch = together([drawn_in_old_order(p, size, face, random) for _ in range(count)])
        return Draws(batch, [] if self.saving is None else self.saving.drawn(count))

    def made(self, indices: Array, draws: Draws) -> tuple[Any, Array]:  # Any: an array, or a tuple
        """The batch of these samples, and the indices of those that could be read."""
        images, kept = self.images.read(indices)
        if len(kept) < len(indices):
            draws = _part(draws, np.isin(indices, kept))
        x = self._one_by_one(images, kept, draws) if self._is_own else self._batch(images, kept, draws)
        return self.packed(x, kept), kept

    def _batch(self, images: Pictures, indices: Array, draws: Draws) -> Array:
        p, compat, saving = self.parameters, self.compat, self.saving
        if not len(indices):
            return np.zeros((0, *self.image_shape), self.dtype)
        scale = scale_of(p, compat) if saving is None else 1.0
        x = augmented(p, images, draws.batch, compat, scale)
        if saving is not None and compat is None:
            saving.save(x, indices, draws.names)
        x = _cast(standardized(fitted(p, self.statistics), x, self.statistics, compat, scale), self.dtype)
        if saving is not None and compat is not None:
            saving.save(x, indices, draws.names)
        return x

    def _one_by_one(self, images: Pictures, indices: Array, draws: Draws) -> Array:
        """By the methods of the generator."""
        arrays = cast("list[Array]", images.each() if isinstance(images, Parts) else images)
        old, saving = self.compat is not None, self.saving
        exact = np.result_type(self.dtype, np.float32) if np.dtype(self.dtype).kind == "f" else np.float32
        working = self.dtype if old and self.images.in_memory else np.float32 if old else exact
        x = np.zeros((len(arrays), *self.image_shape), self.dtype)
        moved = []  # after their transforms, to be saved; without `compat`
        for place, (image, seed) in enumerate(zip(arrays, draws.seeds, strict=True)):
            one = np.moveaxis(image, -1, 0) if self.data_format == "channels_first" else image
            one = one.astype(working)
            if self.augment != "none":
                transform = self.generator.get_random_transform(one.shape, *([] if seed is None else [seed]))
                one = self.generator.apply_transform(one, transform)
            moved += [] if old or saving is None else [one.copy()]
            made = self.generator.standardize(one)
            x[place] = made if old else _cast(np.asarray(made), self.dtype)
        if saving is not None:
            saving.save(x if old else np.array(moved), indices, saving.drawn(len(x)) if old else draws.names)
        return x

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Of one image of a batch."""
        height, width, channels = self.images.shape
        return (channels, height, width) if self.data_format == "channels_first" else (height, width, channels)


def is_ours(method: object) -> bool:
    """Is it a method of `vary.keras`, not of a user's class?"""
    return getattr(method, "__module__", "").startswith("vary.keras.")


def _part(draws: Draws, kept: Array) -> Draws:
    batch = draws.batch and {name: None if one is None else one[kept] for name, one in draws.batch.items()}
    names = [one for one, keep in zip(draws.names, kept, strict=False) if keep]
    seeds = [one for one, keep in zip(draws.seeds, kept, strict=False) if keep]
    return Draws(batch, names, seeds)


def _cast(x: Array, dtype: str) -> Array:
    wanted = np.dtype(dtype)
    if wanted == x.dtype:
        return x
    if wanted.kind in "iu":
        ends = np.iinfo(wanted)
        x = np.clip(np.rint(x), ends.min, ends.max)
    return x.astype(wanted)


class _Nothing:
    """The images of an iterator whose batches a user's subclass makes."""

    shape = (0, 0, 0)
    in_memory = False

    def read(self, indices: Array) -> tuple[Pictures, Array]:
        raise NotImplementedError("define _get_batches_of_transformed_samples(self, index_array) in the class")


NO_MAKER = Maker(None, _Nothing(), lambda x, _: x, "float32")
