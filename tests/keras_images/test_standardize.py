"""`standardize`: the original's values with `compat=`, and per image, of any dtype, without."""

from typing import Any

import numpy as np
import pytest
from keras_images.original import original, quietly

import vary
from vary.keras import TrapWarning
from vary.keras.parameters import checked
from vary.keras.standardize import Statistics, standardize


def batch(n: int = 4) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 255, (n, 5, 6, 3)).astype(np.float32)


def double(x: np.ndarray) -> np.ndarray:
    return x * 2


GIVEN: list[dict[str, Any]] = [
    {"rescale": 1 / 255},
    {"rescale": 0.5, "preprocessing_function": double},
    {"samplewise_center": True},
    {"samplewise_center": True, "samplewise_std_normalization": True, "rescale": 1 / 255},
    {"featurewise_center": True},
    {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 1 / 255},
    {"zca_whitening": True, "featurewise_center": True, "rescale": 1 / 255},
]


@pytest.mark.parametrize("given", GIVEN)
def test_values_equal_the_originals(given: dict[str, Any]) -> None:
    generator = original().ImageDataGenerator(**given)
    if "featurewise_center" in given:
        quietly(generator.fit, batch(40))
    found_by_fit = Statistics(generator.mean, generator.std, generator.principal_components)
    for x in (batch()[0], batch()):
        expected = generator.standardize(x.copy())
        old = standardize(checked(given, "1.1.2"), x.copy(), found_by_fit, "1.1.2")
        np.testing.assert_allclose(old, expected, rtol=1e-6, atol=1e-6)
        each = [generator.standardize(one.copy()) for one in x.reshape(-1, 5, 6, 3)]
        right = standardize(checked(given), x, found_by_fit)
        np.testing.assert_allclose(right, np.reshape(each, x.shape), rtol=1e-4, atol=1e-4)


def test_the_image_is_kept_and_any_dtype_works() -> None:
    x = batch()[0].astype(np.uint8)
    before = x.copy()
    found = standardize(checked({"rescale": 1 / 255}), x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(found, before / np.float32(255), rtol=1e-6)
    assert found.dtype == np.float32
    assert standardize(checked({"rescale": 2 / 255}), x.astype(float)).dtype == np.float64
    changed = batch()[0]
    assert standardize(checked({"rescale": 0.5}, "1.1.2"), changed, compat="1.1.2") is changed, "as the original does"


@pytest.mark.parametrize(
    "given",
    [
        {"featurewise_center": True},
        {"featurewise_center": True, "featurewise_std_normalization": True},
        {"featurewise_center": True, "zca_whitening": True},
    ],
)
def test_what_was_not_fitted_is_left_out_with_a_warning(given: dict[str, Any]) -> None:
    with pytest.warns(TrapWarning, match=r"fit\(images\)") as caught:
        found = standardize(checked(given), batch()[0])
    assert len(caught) == len(given)
    np.testing.assert_array_equal(found, batch()[0])
    standardize(checked(given, "keras-2"), batch()[0], compat="keras-2")  # warns of nothing


def test_the_preprocessing_function_may_write_and_may_return_whole_numbers() -> None:
    def written(x: np.ndarray) -> np.ndarray:
        x += 1
        return x.astype(int)

    x = batch()[0]
    before = x.copy()
    found = standardize(checked({"preprocessing_function": written, "rescale": 0.5}), x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(found, np.floor(before + 1) / 2)


def test_the_preprocessing_function_keeps_the_shape() -> None:
    parameters = checked({"preprocessing_function": lambda x: x[:2]})
    with pytest.raises(vary.InputError, match=r"\(2, 6, 3\).*keep the shape"):
        standardize(parameters, batch()[0])
