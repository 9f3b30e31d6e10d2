"""What a batch has besides its images: labels by `class_mode`, and sample weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from vary.sample import Array

__all__ = ["packed"]

# Any: arrays, lists of arrays, and tuples of these, by the mode


def packed(
    x: Array, indices: Array, labels: Any, how: tuple[str | None, int, str | None], weights: Array | None
) -> Any:
    """x, (x, y) or (x, y, sample_weight).

    labels: class ids, lists of them, or arrays, for all samples. how: class_mode, the number of classes, and the dtype
    of class ids; None: int64.
    """
    mode, classes, dtype = how
    y: Any
    if mode == "input":
        y = x.copy()
    elif mode in ("binary", "sparse"):
        y = np.asarray(labels)[indices].astype(dtype or np.int64)
    elif mode == "categorical":
        y = one_hot(labels, indices, classes, dtype or x.dtype.name)
    elif mode == "multi_output":
        y = [one[indices] for one in labels]
    elif mode == "raw":
        y = labels[indices]
    else:
        return x
    return (x, y) if weights is None else (x, y, weights[indices])


def one_hot(labels: Sequence[int | list[int]] | Array, indices: Array, classes: int, dtype: str) -> Array:
    """(n, classes): 1 at the class of each sample, or at each of its classes."""
    y = np.zeros((len(indices), classes), dtype)
    if isinstance(labels, np.ndarray):
        y[np.arange(len(indices)), labels[indices]] = 1
    else:
        for row, index in zip(y, indices.tolist(), strict=True):
            row[labels[index]] = 1
    return y
