"""Policies from the parameters of ImageDataGenerator, and for validation."""

from typing import Any

import numpy as np
import pytest
from conftest import name_of

import vary
from vary.keras import apply_affine_transform, apply_brightness_shift
from vary.keras.parameters import checked
from vary.keras.policy import plain_policy, policy_of
from vary.keras.standardize import standardize

IMAGE = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
HWC = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}


def made(size: tuple[int, int] | None = None, **given: Any) -> vary.Policy:
    return policy_of(checked(given), size)


def test_the_classic_policy() -> None:
    given: dict[str, Any] = {"rotation_range": 40, "width_shift_range": 0.2, "height_shift_range": 0.1}
    given |= {"shear_range": 11, "zoom_range": 0.2, "horizontal_flip": True, "rescale": 1 / 255}
    expected = [
        vary.Resize(150, 100),
        vary.Rotate(40),
        vary.Translate(x=0.2, y=0.1),
        vary.Shear(11),
        vary.Zoom((0.8333, 1.25), y=(0.8333, 1.25)),
        vary.HorizontalFlip(),
        vary.Rescale(1 / 255),
    ]
    assert made((150, 100), **given) == vary.Policy(expected, fill="nearest")
    assert made() == vary.Policy([])
    assert made(vertical_flip=True, fill_mode="constant", cval=3) == vary.Policy([vary.VerticalFlip()], fill=3)
    assert made(fill_mode="grid-wrap", interpolation_order=0) == vary.Policy([], fill="wrap", interpolation="nearest")


def test_listed_shifts_move_as_in_keras() -> None:
    for axis, side in (("width", 40), ("height", 30)):
        shift = {"tx" if axis == "width" else "ty": 0.1 * side}
        expected = apply_affine_transform(IMAGE, **shift, **HWC)
        with pytest.warns(vary.keras.TrapWarning, match="list both"):
            fractions, pixels = (made((30, 40), **{f"{axis}_shift_range": [v]}) for v in (0.1, 0.1 * side))
        np.testing.assert_allclose(fractions(IMAGE).astype(int), expected.astype(int), atol=1)
        assert fractions == pixels
    found = made(width_shift_range=[-0.1, 0.1], height_shift_range=0.2)
    assert [type(one) for one in found.transforms] == [vary.OneOf, vary.Translate]
    assert made((30, 40), width_shift_range=5) == vary.Policy([vary.Resize(30, 40), vary.Translate(x=0.1)])
    assert made((30, 40), height_shift_range=1.5) == vary.Policy([vary.Resize(30, 40), vary.Translate(y=0.05)])


def test_zoom_and_brightness_are_those_of_keras() -> None:
    zoom = made(zoom_range=(1.25, 1.25))(IMAGE)
    expected = apply_affine_transform(IMAGE, zx=1.25, zy=1.25, **HWC)
    inner = np.s_[4:-4, 4:-4]  # the picture is filtered when it shrinks, in a policy
    assert np.abs(zoom[inner].mean() - expected[inner].mean()) < 2
    bright = made(brightness_range=(1.5, 1.5))(IMAGE)
    np.testing.assert_allclose(bright, apply_brightness_shift(IMAGE, 1.5), atol=1)
    shifted = made(channel_shift_range=60)(IMAGE, seed=3).astype(int) - IMAGE
    assert len(np.unique(shifted[(IMAGE > 60) & (IMAGE < 195)])) == 1


def halved(x: np.ndarray) -> np.ndarray:
    return x / 2 - 1


@pytest.mark.parametrize(
    "given",
    [
        {"rescale": 0.5},
        {"preprocessing_function": halved},
        {"preprocessing_function": halved, "rescale": 0.1},
        {"samplewise_center": True},
        {"samplewise_center": True, "samplewise_std_normalization": True},
        {"samplewise_center": True, "samplewise_std_normalization": True, "preprocessing_function": halved},
    ],
    ids=name_of,
)
def test_values_are_standardised_in_the_order_of_keras(given: dict[str, Any]) -> None:
    expected = standardize(checked(given), IMAGE.astype(np.float32))
    found = made(**given)(IMAGE)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"featurewise_center": True}, r"vary\.Normalize"),
        ({"featurewise_center": True, "featurewise_std_normalization": True}, r"vary\.Normalize"),
        ({"featurewise_center": True, "zca_whitening": True}, "leave it out"),
        ({"interpolation_order": 3}, "splines"),
        ({"width_shift_range": 12.5}, "target_size"),
        ({"height_shift_range": [-5, 5]}, "target_size"),
    ],
    ids=name_of,
)
def test_what_has_no_equivalent_is_an_error(given: dict[str, Any], says: str) -> None:
    with pytest.raises(vary.InputError, match=says):
        made(**given)


def noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return image + rng.integers(0, 2, image.shape).astype(image.dtype)


def same(image: np.ndarray) -> np.ndarray:
    return image


def test_validation_keeps_what_every_picture_has() -> None:
    random = [vary.Rotate(9), vary.Lambda(noisy), vary.Sometimes([vary.GaussianBlur(2)], p=0.5), vary.Brightness(0.2)]
    fixed = [vary.Lambda(same), vary.Brightness((2, 2)), vary.Normalize()]
    policy = vary.Policy([*random, *fixed], fill="reflect", value_range=255)
    assert plain_policy(policy, (30, 40)) == vary.Policy(fixed, fill="reflect", value_range=255)
    for last in (vary.RandomCrop(20, 25), vary.RandomResizedCrop(20, 25)):
        plain = plain_policy(vary.Policy([last, vary.Rescale(0.5)]), (30, 40))
        assert plain == vary.Policy([vary.Resize(20, 25), vary.Rescale(0.5)])
    crop = plain_policy(vary.Policy([vary.CenterCrop(28), vary.RandomCrop(20)]), (30, 40))
    assert crop == vary.Policy([vary.CenterCrop(28), vary.Resize(20, 20)])
