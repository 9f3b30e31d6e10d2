"""Stratified folds: in each repeat, every picture is held back once, and each class in equal parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vary.errors import InputError, counted
from vary.rng import permute

if TYPE_CHECKING:
    from vary.sample import Array

__all__ = ["folds_of"]


def folds_of(labels: Array, folds: int, repeat: int, seed: int) -> Array:
    """The fold of each picture, (n,) int64 in 0 .. folds - 1. Another repeat deals the pictures anew.

    labels: (n,) class ids from 0 on. The classes are dealt one after another, each beginning where the one before
    ended, so that the folds differ by at most one picture in all, and in each class.
    `InputError` if a class has fewer pictures than there are folds: a network would be judged on classes it never saw.
    """
    numbers = np.bincount(labels)
    for name in np.flatnonzero((numbers > 0) & (numbers < folds)).tolist():
        raise InputError(
            f"folds={folds}: class {name} has {counted(int(numbers[name]), 'picture')}; take fewer folds, leave the "
            "class out, or add pictures of it"
        )
    found, start = np.empty(len(labels), np.int64), 0
    for name, count in enumerate(numbers.tolist()):
        order = permute(np.arange(count), count, seed, repeat, f"folds of class {name}")
        found[labels == name] = (start + order) % folds
        start += count
    return found
