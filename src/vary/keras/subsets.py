"""Which samples `subset` has, and whether they are augmented."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from vary.errors import InputError
from vary.sources.shares import parts

if TYPE_CHECKING:
    from vary.keras.faces import Compat
    from vary.keras.maker import Augment
    from vary.sample import Array

__all__ = ["AugmentValidation", "augment_of", "check_subset", "first_part", "stratified"]

AugmentValidation = Literal["frozen", "fresh", "as_keras"]
MODES: dict[str | None, Augment] = {None: "none", "frozen": "frozen", "fresh": "fresh", "as_keras": "fresh"}


def augment_of(subset: str | None, augment_validation: AugmentValidation | None, compat: Compat) -> Augment:
    """How the samples of a subset are augmented: those for validation are not, unless it is asked for."""
    if augment_validation not in MODES:
        listed = ", ".join(repr(one) for one in MODES)
        raise InputError(f"augment_validation={augment_validation!r}; give one of {listed}; None leaves images plain")
    if subset == "validation" and (compat is None or augment_validation is not None):
        return MODES[augment_validation]
    if augment_validation is not None:
        raise InputError(
            f"augment_validation={augment_validation!r} goes with subset='validation', and subset={subset!r}"
        )
    return "fresh"


def check_subset(subset: str, split: float, compat: Compat) -> None:
    if subset not in ("training", "validation"):
        raise InputError(f"Invalid subset name: {subset!r}; expected 'training' or 'validation'")
    if not split and compat is None:
        raise InputError(
            f"subset={subset!r} needs a split: ImageDataGenerator(validation_split=0.2) takes a fifth for validation"
        )


def stratified(subset: str, split: float, count: int, labels: Array | None) -> Array:
    """The indices of a subset in ascending order: of each class the same share, the same samples in each run.

    labels: a class for each sample, or rows that are 1 at one class; others are not considered. None: samples have no
    labels, and the first ones are for validation.
    """
    check_subset(subset, split, None)
    if labels is None:
        return first_part(subset, split, count, None)
    training, validation = parts(count, split, _classes(labels), 0)
    return validation if subset == "validation" else training


def _classes(labels: Array) -> Array | None:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and labels.dtype.kind in "biuf" and ((labels != 0).sum(1) == 1).all():
        return np.asarray(np.argmax(labels, 1))
    if labels.ndim != 1:
        return None
    values, ids = np.unique(labels.astype(str) if labels.dtype == object else labels, return_inverse=True)
    return (
        np.asarray(ids) if len(values) * 2 <= len(labels) else None
    )  # else each is a number of its own, as in regression


def first_part(subset: str, split: float, count: int, labels: Array | None) -> Array:
    """The indices of a subset as the old versions choose them: the first ones are for validation."""
    check_subset(subset, split, "keras-2")
    end = int(count * split)
    if labels is not None and not np.array_equal(np.unique(labels[:end]), np.unique(labels[end:])):
        raise InputError(
            "Training and validation subsets have different number of classes after the split. If your numpy arrays "
            "are sorted by the label, you might want to shuffle them."
        )
    return np.arange(end) if subset == "validation" else np.arange(end, count)
