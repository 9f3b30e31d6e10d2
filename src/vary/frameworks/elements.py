"""Pictures as other libraries hold them, in dictionaries of what belongs to a sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vary.codecs.decode import read_image
from vary.errors import InputError
from vary.plan.tensors import is_tensor
from vary.sample import not_an_array

if TYPE_CHECKING:
    from vary.policy import Policy
    from vary.sample import Layout

__all__ = ["key_error", "picture_of", "varied"]

SHOWN = {"1": "L", "L": "L", "RGB": "RGB", "RGBA": "RGBA", "LA": "RGBA", "PA": "RGBA", "F": "F"}
"""Pillow's mode -> the one whose values become an array; others of 8 bits become RGB."""


def picture_of(found: object, name: str) -> Any:  # Any: an array, or a tensor of torch
    """An array (H, W, C) or (H, W), from an array, a picture of Pillow, the bytes of a file, or a dictionary of
    "bytes" and "path". Tensors of torch are returned unchanged. `InputError` for anything else."""
    if isinstance(found, np.ndarray) or is_tensor(found):
        return found
    if isinstance(found, bytes | bytearray | memoryview):
        return read_image(found)
    if isinstance(found, Mapping) and found.keys() & {"bytes", "path"}:
        data: Any = found.get("path") if found.get("bytes") is None else found["bytes"]
        return read_image(data)
    if hasattr(found, "convert") and isinstance(mode := getattr(found, "mode", None), str):
        if mode.startswith("I;16"):
            return np.asarray(found).astype(np.uint16)  # in this machine's byte order
        if mode == "I":
            raise InputError(
                f"{name} is a Pillow picture of mode I, whose numbers have no fixed range; give an array of uint16 or "
                "float32: numpy.asarray(picture).astype('uint16')"
            )
        wanted = SHOWN.get(mode, "RGB")
        return np.asarray(found if mode == wanted else found.convert(wanted))
    raise InputError(not_an_array(name, found))


def varied(policy: Policy, image: object, mask: object, layout: Layout, address: dict[str, Any]) -> tuple[object, ...]:
    """The varied image, and its mask if that is not None."""
    picture = picture_of(image, "image")
    if mask is None:
        return (policy(picture, layout=layout, **address),)
    other = mask if is_tensor(mask) else np.asarray(mask)
    made = policy(image=picture, mask=other, layout=layout, **address)
    return made.image, made.mask


def key_error(name: str, key: str, known: object, call: str) -> InputError:
    """The error of a dictionary or table without this key."""
    words = ", ".join(map(repr, known)) if isinstance(known, Mapping | list | tuple) else repr(known)
    return InputError(f"{name}={key!r} is not there; there is {words or 'nothing'}: name the right one, {call}")
