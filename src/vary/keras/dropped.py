"""What newer versions of NumPy and Pillow dropped, and old programs for images use. Only what is missing is added."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["PNG", "restore_numpy", "restore_png"]

FUNCTIONS = {"alltrue": "all", "sometrue": "any", "product": "prod", "cumproduct": "cumprod"}
"""Functions that NumPy 2.0 dropped -> those that do the same."""
PNG = "PIL.PngImagePlugin"


def restore_numpy() -> None:
    for old, name in FUNCTIONS.items():
        if not hasattr(np, old):
            setattr(np, old, getattr(np, name))


def restore_png(module: ModuleType) -> None:
    """Make Pillow write images of mode "I" as PNG files again: with 16 bits, as it did before version 13."""
    getattr(module, "_OUTMODES", {}).setdefault("I", ("I;16B", b"\x10", b"\x00"))
