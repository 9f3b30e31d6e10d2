"""Brightness and channel shift: without 8 bits by default, and the original's bytes with `compat=`."""

from typing import Any

import numpy as np
import pytest
from keras_images.original import original

from vary import keras as K  # noqa: N812


def image(channels: int = 3, scale: float = 255.0, offset: float = 0.0) -> np.ndarray:
    return np.random.default_rng(0).uniform(0, 1, (12, 17, channels)).astype(np.float32) * scale + offset


@pytest.mark.parametrize("factor", [0.0, 0.7, 1.0, 1.6])
@pytest.mark.parametrize("x", [image(), image(1), image(4), image(3, 900, -100)])
def test_brightness_equals_the_originals(x: np.ndarray, factor: float) -> None:
    expected = original().apply_brightness_shift(x, factor)
    np.testing.assert_array_equal(K.apply_brightness_shift(x, factor, compat="1.1.2"), expected)


@pytest.mark.parametrize("name", ["random_brightness", "random_channel_shift"])
def test_random_functions_draw_as_the_original(name: str) -> None:
    k, argument = original(), (0.5, 1.5) if name == "random_brightness" else 40.0
    how: dict[str, Any] = {"compat": "1.1.2"} if name == "random_brightness" else {}
    for seed in range(10):
        np.random.seed(seed)  # noqa: NPY002  the original's generator
        expected = getattr(k, name)(image(), argument)
        np.random.seed(seed)  # noqa: NPY002
        np.testing.assert_array_equal(getattr(K, name)(image(), argument, **how), expected)


def test_channel_shift_clips_to_the_image() -> None:
    x = image(3, 100, 100)
    found = K.apply_channel_shift(x, 30, 2)
    np.testing.assert_array_equal(found, np.minimum(x + 30, x.max()))


def test_old_brightness_always_stretches_in_1_1_2() -> None:
    wide = image(3, 900, -100)
    expected = original().apply_brightness_shift(wide, 1.1)
    np.testing.assert_array_equal(K.apply_brightness_shift(wide, 1.1, False, compat="1.1.2"), expected)


def test_old_brightness_of_keras_2() -> None:
    """Without scale, values of 0 .. 255 are truncated, and others mapped to 8 bits and back."""
    x = image()
    np.testing.assert_array_equal(K.apply_brightness_shift(x, 1.0, False, compat="keras-2"), np.trunc(x))
    wide = image(3, 900, -100)
    back = K.apply_brightness_shift(wide, 1.0, False, compat="keras-2")
    step = (wide.max() - wide.min()) / 255
    assert np.abs(back - wide).max() <= step * 1.01
    assert len(np.unique(back)) <= 256


def test_brightness_is_a_product_and_keeps_every_value() -> None:
    x = image(7)
    np.testing.assert_allclose(K.apply_brightness_shift(x, 0.5), x / 2, rtol=1e-6)
    np.testing.assert_array_equal(K.apply_brightness_shift(x, 1.0), x)
    assert K.apply_brightness_shift(x, 3.0).max() == 255
    wide = image(3, 5000, -50)
    bright = K.apply_brightness_shift(wide, 1.5)
    assert (bright.min(), bright.max()) == (wide.min(), wide.max())
    np.testing.assert_array_equal(
        np.moveaxis(K.apply_brightness_shift(np.moveaxis(x, 2, 0), 2), 0, 2), K.apply_brightness_shift(x, 2)
    )


def test_values_of_0_to_1_are_a_trap() -> None:
    with pytest.warns(K.TrapWarning, match="rescale=1/255"):
        found = K.apply_brightness_shift(image(3, 1), 0.5)
    np.testing.assert_allclose(found, image(3, 1) / 2)
    assert not K.apply_brightness_shift(image(3, 0.99), 0.5, False, compat="keras-2").any(), "as the old version"


@pytest.mark.parametrize("given", [0.5, (0.5,), (0.5, 1, 2), None])
def test_a_pair_of_factors_is_needed(given: Any) -> None:
    with pytest.raises(ValueError, match="pair of factors"):
        K.random_brightness(image(), given)
