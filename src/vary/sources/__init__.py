"""Where samples come from. A source returns encoded bytes or arrays by index; it never decodes and never writes, but
for the listing that a `Folder` is asked to keep, outside of its data.

    Arrays   pictures in memory or in a memory map
    Folder   one sub-folder a class

One file a store; each is an `Indexed` of `Item`s, and any object that is one serves as well.
"""

from __future__ import annotations

import os
from typing import cast

import numpy as np

from vary.errors import InputError
from vary.sample import is_one_picture
from vary.sources.arrays import Arrays
from vary.sources.base import Encoded, Indexed, Item
from vary.sources.folder import Folder

__all__ = ["Arrays", "Encoded", "Folder", "Indexed", "Item", "open_source"]

SURFACE = ("fields", "classes", "__len__", "__getitem__", "path", "label_batch")


def open_source(obj: object, labels: object = None) -> Indexed:
    """What the user handed in, as a source.

    A path is a `Folder`; an array or a list of arrays, `Arrays`; a tuple (images, labels), `Arrays` too; a source is
    itself. `labels` goes with arrays only: elsewhere the source knows its own. `InputError` for anything else.
    """
    if isinstance(obj, np.ndarray | list):
        return Arrays(obj, labels)
    if labels is not None:
        what = "folder" if isinstance(obj, str | os.PathLike) else type(obj).__name__
        raise InputError(f"labels= goes with an array or a list of arrays; a {what} brings its own")
    if isinstance(obj, str | os.PathLike):
        return Folder(obj)
    if isinstance(obj, tuple):
        if len(obj) != 2:
            raise InputError(f"a tuple of {len(obj)} is no source; give (images, labels), or a list of pictures")
        if all(isinstance(one, np.ndarray) and (one.ndim == 2 or is_one_picture(one.shape)) for one in obj):
            raise InputError(
                f"a tuple of two arrays of shape {obj[0].shape} and {obj[1].shape} would be (images, labels); "
                "pictures come as a list: [first, second]"
            )
        return Arrays(*obj)
    if hasattr(obj, "__array_interface__"):  # such as Pillow's pictures
        return Arrays(cast("np.ndarray", obj))  # says what to give instead
    missing = [name for name in SURFACE if not hasattr(obj, name)]
    if missing:
        raise InputError(
            f"{type(obj).__name__} is no source: it lacks {', '.join(missing)}; give a folder's path, an array "
            "(N, H, W, C), a tuple (images, labels), or an object with what vary.sources.Indexed names"
        )
    return cast("Indexed", obj)
