"""A policy as a `RandomMap` of Grain: its draws come from the generator that Grain makes for each element."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import grain.transforms

from vary.errors import InputError
from vary.frameworks.elements import key_error, varied

if TYPE_CHECKING:
    import numpy as np

    from vary.policy import Policy
    from vary.sample import Layout

__all__ = ["Augment"]


class Augment(grain.transforms.RandomMap):  # type: ignore[misc]  # Grain has no types here
    """See `Policy.as_grain`. Threads may share it; workers get it pickled."""

    def __init__(self, policy: Policy, image: str, mask: str | None, layout: Layout) -> None:
        self.policy, self.image, self.mask, self.layout = policy, image, mask, layout

    def random_map(self, element: object, rng: np.random.Generator) -> object:
        """The element with its image varied, and its mask moved along."""
        address = {"seed": int(rng.integers(1 << 63))}
        if not isinstance(element, Mapping):
            if self.mask is not None:
                raise InputError(
                    f"mask={self.mask!r} names a key, and elements are of type {type(element).__name__}; give "
                    "dictionaries"
                )
            return varied(self.policy, element, None, self.layout, address)[0]
        names = [name for name in (("image", self.image), ("mask", self.mask)) if name[1] is not None]
        for argument, key in names:
            if key not in element:
                raise key_error(argument, str(key), element, f"policy.as_grain({argument}=...)")
        mask = None if self.mask is None else element[self.mask]
        made = varied(self.policy, element[self.image], mask, self.layout, address)
        return {**element, **dict(zip([key for _, key in names], made, strict=False))}

    def __repr__(self) -> str:
        return f"{self.policy!r}.as_grain({self.image!r})"
