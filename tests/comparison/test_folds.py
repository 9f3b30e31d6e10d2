import numpy as np
import pytest

from vary.comparison.folds import folds_of
from vary.errors import InputError


@pytest.mark.parametrize("folds", [2, 4, 5])
def test_classes_and_folds_are_even(folds: int) -> None:
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 3], [17, 40, 9]))
    found = folds_of(labels, folds, repeat=0, seed=3)
    for some in (found, *(found[labels == name] for name in (0, 1, 3))):
        numbers = np.bincount(some, minlength=folds)
        assert numbers.max() - numbers.min() <= 1


def test_each_repeat_deals_anew() -> None:
    labels = np.arange(60) % 3
    one, other = (folds_of(labels, 5, repeat, seed=3) for repeat in (0, 1))
    assert (one == folds_of(labels, 5, 0, seed=3)).all()
    assert 0.05 < (one == other).mean() < 0.4
    assert (one != folds_of(labels, 5, 0, seed=4)).any()


def test_a_class_that_is_too_small() -> None:
    with pytest.raises(InputError, match=r"folds=5: class 1 has 4 pictures; take fewer folds"):
        folds_of(np.repeat([0, 1], [9, 4]), 5, 0, 3)
