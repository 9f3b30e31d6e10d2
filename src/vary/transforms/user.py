"""The user's own function among the transforms. The program is cut there: a native call of its own makes the pictures
before it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import TypeVar

from vary.transforms.base import Lowering, Transform, custom

__all__ = ["Lambda"]

T = TypeVar("T")


def _function(value: object) -> Callable[..., object]:
    if isinstance(value, Transform):  # called as a function, a policy would draw by itself, not for this picture
        raise ValueError(f"{value!r} is a transform, not a function; put it into the list itself")
    if callable(value):
        return value
    if not isinstance(value, str) or value.count(":") != 1:
        raise ValueError(f"{value!r} is neither a function nor 'module:function'")
    module, name = value.split(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{value!r} cannot be imported ({error})") from None
    return _function(found)


def _same(image: T) -> T:
    return image


class Lambda(Transform):
    """Call `function(image)` or `function(image, rng)` for each picture.

    `image` is height x width x channels, a copy that may be written to, in the dtype at that place: the input's, or
    float32 after `Rescale` or `Normalize`. The function returns an image of the same dtype and number of channels, of
    any size. `rng` is a NumPy Generator seeded by seed, epoch, index and view; it is passed if the function has a
    second parameter. In a policy file the function is written 'module:function'.
    """

    function: Callable[..., object] | str = custom(
        "a function, or 'module:function'", _function, samples=lambda random: _same
    )

    def lower(self, to: Lowering) -> None:
        to.call(_function(self.function))

    @property
    def spelled(self) -> str:
        """'module:function', the name by which a policy file or another process can import it."""
        name = getattr(self.function, "__qualname__", None)
        module = getattr(self.function, "__module__", None)
        found = getattr(sys.modules.get(module or ""), name or "", None)
        if found is not self.function or module == "__main__":
            self._refuse(
                f"function {name or self.function!r} cannot be named as 'module:function'; "
                "define it at the top of a module that can be imported"
            )
        return f"{module}:{name}"
