"""The compiled forms of a policy: one `Runner` for each kind of picture, made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vary.elements import MEANINGS, MOST_CHANNELS
from vary.errors import InputError
from vary.plan.runner import Runner
from vary.sample import channels_first, check_dtype, not_an_array

__all__ = ["Runners"]

Build = Callable[[int, str], Runner]


class Runners:
    """Threads may share it. If two of them compile for the same kind at once, one of the runners is kept.

    `build` makes the runner for a number of channels and a dtype. It is an argument of each call and not stored,
    because it is a method of the policy that owns this object: that would be a reference cycle.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, object], Runner] = {}  # by dtype and by its name, because `dtype.name` is slow

    def of_image(self, image: object, build: Build) -> Runner:
        """The runner for images like this one; `InputError` if it is not an image."""
        if not isinstance(image, np.ndarray):
            several = "; several go to batch(images)" if isinstance(image, (list, tuple)) else ""
            raise InputError(not_an_array("image 0", image, several))
        if image.ndim not in (2, 3):
            cure = "one picture goes to batch() as images[None]" if image.ndim < 2 else "several go to batch(images)"
            raise InputError(
                f"image 0 has {image.ndim} axes; give height x width x channels, not shape {image.shape}; {cure}"
            )
        channels = image.shape[2] if image.ndim == 3 else 1
        found = self._known.get((channels, image.dtype))
        if found is None:
            if channels not in MEANINGS and channels_first(image.shape):
                cure = "channels come last: np.moveaxis(image, 0, -1)"
                raise InputError(f"image 0 has shape {image.shape}, which looks like (C, H, W); {cure}")
            found = self._known[channels, image.dtype] = self.of_kind(channels, image.dtype.name, build)
        return found

    def of_kind(self, channels: int, dtype: str, build: Build) -> Runner:
        """The runner for pictures of `channels` and `dtype`, a name."""
        found = self._known.get((channels, dtype))
        if found is None:
            _check_kind(channels, dtype)
            found = self._known.setdefault((channels, dtype), build(channels, dtype))
        return found


def _check_kind(channels: int, dtype: str) -> None:
    if not 1 <= channels <= MOST_CHANNELS:
        raise InputError(f"image 0 has {channels} channels; 1 to {MOST_CHANNELS} are handled, on the last axis")
    check_dtype("image 0", np.dtype(dtype))
