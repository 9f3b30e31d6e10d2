"""A policy as the function of `set_transform` of Hugging Face's datasets. It needs nothing of that library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

import numpy as np

from vary.errors import InputError
from vary.frameworks.elements import key_error, varied
from vary.plan.address import address_of, fresh_seed, index_of
from vary.plan.tensors import is_tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.policy import Policy
    from vary.sample import Layout

__all__ = ["Augment", "Draws"]


class Draws(NamedTuple):
    """What draws are a function of. column: that of the samples' numbers."""

    seed: SupportsIndex | None
    epoch: SupportsIndex
    column: str | None


class Augment:
    """See `Policy.as_datasets`."""

    def __init__(self, policy: Policy, image: str, mask: str | None, draws: Draws, layout: Layout) -> None:
        seed, epoch, index = draws
        if (seed is None) != (index is None):
            given = "index= without seed=" if seed is None else "seed= without index="
            raise InputError(
                f"{given}; a picture's draws are a function of both: seed=7, index='index' with a column of row "
                "numbers (dataset.add_column('index', range(len(dataset)))), or neither, for new draws in each call"
            )
        if seed is None and epoch != 0:
            raise InputError(f"epoch={epoch!r} was given without seed=, so every call draws new values; give a seed")
        if seed is not None:
            address_of(seed, epoch, 0, index_of(0))
        self.policy, self.layout = policy, layout
        self.image, self.mask, self.index = image, mask, index
        self.seed, self.epoch = seed, epoch

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:  # Any: what columns hold
        """A batch: a dictionary of columns. Pictures of one shape become one array, others a list of arrays."""
        named = (("image", self.image), ("mask", self.mask), ("index", self.index))
        for argument, key in named:
            if key is not None and key not in batch:
                raise key_error(argument, key, batch, f"policy.as_datasets({argument}=...)")
        images = batch[self.image]
        if not hasattr(images, "__len__") or isinstance(images, str | bytes | dict):
            raise InputError(
                f"column {self.image!r} holds one {type(images).__name__}, not a list of pictures; this is a function "
                "of batches: dataset.set_transform(function), or dataset.map(function, batched=True)"
            )
        if not len(images):
            return batch
        masks = [None] * len(images) if self.mask is None else batch[self.mask]
        made = [
            varied(self.policy, image, mask, self.layout, address)
            for image, mask, address in zip(images, masks, self._addresses(batch, len(images)), strict=True)
        ]
        columns = [_joined(column) for column in zip(*made, strict=True)]
        return {**batch, **dict(zip([one for one in (self.image, self.mask) if one is not None], columns, strict=True))}

    def _addresses(self, batch: dict[str, Any], count: int) -> list[dict[str, Any]]:
        if self.seed is None or self.index is None:
            seed = fresh_seed(None, None)  # from the system, so worker processes do not repeat each other
            return [{"seed": seed, "index": number} for number in range(count)]
        seed, epoch = int(self.seed), int(self.epoch)
        return [{"seed": seed, "epoch": epoch, "index": int(number)} for number in batch[self.index]]


def _joined(column: Sequence[Any]) -> object:
    if len({(one.shape, one.dtype) for one in column}) > 1 or is_tensor(column[0]):
        return list(column)
    return np.stack(column)
