"""Masks move with their images: the same draws and maps, the nearest pixel, and the exact values of any integer dtype.

The core moves a mask as a picture of uint8 whose channels are the bytes of a value. Each native call moves one or four
of these bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from vary.errors import InputError, PolicyError
from vary.plan.request import Parts, Pictures
from vary.sample import Array

__all__ = ["MaskKind", "fill_of", "kind_of_masks", "several_masks"]


class MaskKind(NamedTuple):
    """What all masks of a batch have in common. flat: (H, W), not (H, W, 1)."""

    dtype: np.dtype
    flat: bool

    @property
    def channels(self) -> int:
        """How many bytes of a value the core moves in one call, as channels."""
        return 4 if self.dtype.itemsize % 4 == 0 else 1

    @property
    def calls(self) -> int:
        """How many native calls move all bytes of a value."""
        return self.dtype.itemsize // self.channels

    def pictures(self, masks: Pictures, call: int) -> Pictures:
        """The masks as pictures of uint8, with the channels of this call."""
        if isinstance(masks, Parts):
            if masks.array.flags.c_contiguous:
                return masks._replace(array=self._bytes(masks.array, masks.array.shape[:3], call))
            masks = masks.each()  # so that only these are copied, not the whole array
        return [self._bytes(mask, mask.shape[:2], call) for mask in map(np.asarray, masks)]

    def _bytes(self, masks: Array, shape: tuple[int, ...], call: int) -> Array:
        values = np.ascontiguousarray(masks).view(np.uint8).reshape(*shape, self.dtype.itemsize)
        return values[..., call * self.channels : (call + 1) * self.channels]

    def values(self, made: Sequence[Array], layout: str) -> Array:
        """The moved masks, from the results of the calls: (n, h, w, channels) uint8 each."""
        joined = made[0] if len(made) == 1 else np.concatenate(made, axis=-1)
        masks: Array = joined.view(self.dtype)
        return masks[..., 0] if self.flat else np.moveaxis(masks, -1, 1) if layout == "NCHW" else masks


def several_masks(masks: object) -> Array | list[object]:
    """Masks as an array, which is returned unchanged, or as a list, which any other iterable becomes."""
    if isinstance(masks, np.ndarray) and masks.ndim > 2:
        return masks
    if isinstance(masks, np.ndarray | str | bytes | dict) or not isinstance(masks, Iterable):
        seen = (
            f"an array of shape {masks.shape}" if isinstance(masks, np.ndarray) else f"of type {type(masks).__name__}"
        )
        raise InputError(f"masks is {seen}; give a list of NumPy arrays, or one array (n, height, width)")
    return list(masks)


def kind_of_masks(masks: Pictures) -> MaskKind:
    """The dtype and form of these masks; `InputError` if they differ."""
    if isinstance(masks, Parts):
        return MaskKind(masks.array.dtype, masks.array.ndim == 3)
    arrays = [np.asarray(mask) for mask in masks]
    kinds = [MaskKind(mask.dtype, mask.ndim == 2) for mask in arrays]
    for number, kind in enumerate(kinds):
        if kind != kinds[0]:
            first, other = (f"{k.dtype} of shape {m.shape}" for k, m in ((kinds[0], arrays[0]), (kind, arrays[number])))
            raise InputError(
                f"mask 0 is {first} and mask {number} is {other}; give masks of one dtype, all (H, W) or all (H, W, 1)"
            )
    return kinds[0]


def fill_of(kind: MaskKind, value: int) -> list[list[float]]:
    """The bytes of `Policy(mask_fill=value)`, for each call."""
    info = None if kind.dtype.kind == "b" else np.iinfo(kind.dtype)
    low, high = (0, 1) if info is None else (info.min, info.max)
    if not low <= value <= high:
        raise PolicyError(
            f"Policy(mask_fill={value}): masks of {kind.dtype} hold {low} .. {high}; choose a value within, or give "
            "masks of a dtype that holds it"
        )
    filled = [float(byte) for byte in np.array(value, kind.dtype).tobytes()]
    return [filled[at : at + kind.channels] for at in range(0, len(filled), kind.channels)]
