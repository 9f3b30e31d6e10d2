"""`PairIterator`: batches of two iterators together, such as images and masks, with the same order and draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError
from vary.keras.iterator import Iterator
from vary.keras.traps import warn_of_trap

if TYPE_CHECKING:
    from vary.keras.feed import Number
    from vary.keras.maker import Draws
    from vary.sample import Array

__all__ = ["PairIterator"]

GEOMETRY = (
    "rotation_range",
    "width_shift_range",
    "height_shift_range",
    "shear_range",
    "zoom_range",
    "horizontal_flip",
    "vertical_flip",
)
MOVING = GEOMETRY[:5]  # they sample between pixels


class PairIterator(Iterator):
    """(x, y): the batches of `images` as x, and those of `masks` as y, in place of `zip(images, masks)`.

    Both are iterators without labels (class_mode=None, or `flow(x)` without y). The order and the draws of the images
    are used for both, whatever threads and processes do. Their generators should have the same geometry, and that of
    the masks interpolation_order=0, so that no values come up between those of classes.
    """

    def __init__(self, images: Iterator, masks: Iterator) -> None:
        for one in (images, masks):
            given: object = one
            if not isinstance(given, Iterator):
                raise InputError(
                    f"PairIterator was given a {type(given).__name__}; give iterators of flow or flow_from_..."
                )
        if (images.n, images.compat) != (masks.n, masks.compat):
            raise InputError(
                f"there are {images.n} images with compat={images.compat!r}, and {masks.n} masks with "
                f"compat={masks.compat!r}; give one mask for each image, and the same compat"
            )
        _check_old(images, masks)
        self.images, self.masks = images, masks
        super().__init__(images.n, images.batch_size, images.shuffle, images.seed, compat=images.compat)
        self._seed = masks._seed = images._seed
        self._maker = images._maker
        _check_generators(images, masks)

    def next(self) -> Any:  # Any here and below: a pair of arrays
        """The next batch."""
        if self.compat is None:
            return super().next()
        with self.lock:
            return _one(next(self.images)), _one(next(self.masks))

    def _by_number(self, number: int) -> Any:
        return _one(self.images[number]), _one(self.masks[number])

    def reset(self) -> None:
        """Go to the first batch of the current epoch."""
        super().reset()
        self.images.reset()
        self.masks.reset()

    def _next_epoch(self) -> None:
        super()._next_epoch()
        if self.compat is not None:
            self.images.index_array = self.masks.index_array = self.index_array

    def _made_of(self, number: Number) -> tuple[Any, Array]:
        return self._both(self._indices(number), number[0])

    def _made(self, indices: Array, draws: Draws) -> tuple[Any, Array]:
        del draws
        return self._both(indices, self._epoch)

    def _both(self, indices: Array, epoch: int) -> tuple[Any, Array]:
        pair = self.images, self.masks
        (images, kept), (masks, good) = (each._made(indices, each._draws(indices, epoch)) for each in pair)
        both = np.intersect1d(kept, good)
        if len(both) < len(indices):  # broken files were skipped
            images, masks = _one(images)[np.isin(kept, both)], _one(masks)[np.isin(good, both)]
        return (_one(images), _one(masks)), indices[np.isin(indices, both)]


def _check_old(images: Iterator, masks: Iterator) -> None:
    """With `compat`, each of the two seeds NumPy's global generator, from which both draw."""
    pair = [(one.seed, one.batch_size, one.shuffle) for one in (images, masks)]
    if images.compat is not None and (pair[0] != pair[1] or images.seed is None):
        said = " and ".join("seed={}, batch_size={}, shuffle={}".format(*one) for one in pair)
        raise InputError(
            f"{said}: with compat=, give both the same seed, batch_size and shuffle, such as flow(x, seed=1)"
        )


def _one(batch: Any) -> Any:
    if isinstance(batch, tuple):
        raise InputError("the iterators of a PairIterator must give images alone; leave out y, or pass class_mode=None")
    return batch


def _check_generators(images: Iterator, masks: Iterator) -> None:
    p, q = images._maker.parameters, masks._maker.parameters
    different = [name for name in GEOMETRY if getattr(p, name) != getattr(q, name)]
    if different:
        warn_of_trap(f"the generators of images and masks differ in {', '.join(different)}", images.compat)
    moving = [name for name in MOVING if getattr(q, name) not in (0, (1.0, 1.0), [1.0, 1.0])]
    if moving and q.interpolation_order:
        warn_of_trap(
            f"masks are interpolated, because of {', '.join(moving)}, so that there are values between those of "
            "classes; pass interpolation_order=0 to the generator of the masks",
            images.compat,
        )
