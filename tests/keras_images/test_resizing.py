"""The sizes, interpolations and aspect modes of `image_dataset_from_directory`."""

import numpy as np
import pytest
from PIL import Image

import vary
from vary.keras.resizing import INTERPOLATIONS, Resizing, checked_size, resized

DRAW = np.random.default_rng(0)
SMOOTH = np.add.outer(np.linspace(0, 120, 61), np.linspace(0, 130, 83))[..., None].repeat(3, 2).astype(np.uint8)
NOISE = DRAW.integers(90, 160, (61, 83, 3), dtype=np.uint8)  # Pillow clips between its two passes
PILLOW = {"bilinear": "BILINEAR", "bicubic": "BICUBIC", "lanczos3": "LANCZOS", "nearest": "NEAREST"}


@pytest.mark.parametrize("size", [(20, 30), (61, 83), (90, 200), (7, 100)], ids=str)
@pytest.mark.parametrize("interpolation", PILLOW)
def test_pixels_are_those_of_pillow(interpolation: str, size: tuple[int, int]) -> None:
    expected = Image.fromarray(NOISE).resize(size[::-1], getattr(Image.Resampling, PILLOW[interpolation]))
    found = Resizing(*size, interpolation)(NOISE)
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found.astype(int), np.asarray(expected).astype(int), atol=1)


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
def test_every_interpolation_keeps_what_is_plain(interpolation: str) -> None:
    for size in ((20, 30), (100, 90)):
        for dtype in (np.uint8, np.uint16, np.float32):
            plain = np.full((61, 83, 2), 77, dtype)
            for crop, pad in ((False, False), (True, False)):
                np.testing.assert_allclose(Resizing(*size, interpolation, crop, pad)(plain), 77, rtol=1e-6)
    small = Resizing(30, 40, interpolation)(SMOOTH).astype(float)
    assert np.abs(small - Resizing(30, 40)(SMOOTH)).max() <= 3


def test_areas_are_means() -> None:
    means = NOISE[:60, :80].reshape(20, 3, 40, 2, 3).mean((1, 3))
    np.testing.assert_allclose(Resizing(20, 40, "area")(NOISE[:60, :80].astype(np.float32)), means, rtol=1e-3)
    half = Resizing(2, 1, "area")(np.array([0, 30, 60], np.float32)[:, None, None])
    assert half.ravel().tolist() == [pytest.approx(10, 1e-3), pytest.approx(50, 1e-3)]  # a pixel counts by its share


def test_aspect_ratios() -> None:
    picture = np.zeros((40, 100, 1), np.uint8)
    picture[:, 30:70] = 200  # the square in the middle
    assert (Resizing(20, 20, crop=True)(picture) >= 170).all()  # the edge sees a little of what lies beyond
    padded = Resizing(20, 20, "nearest", pad=True)(np.full((40, 100, 1), 200, np.uint8))[..., 0]
    assert (padded[6:14] == 200).all()
    assert not padded[:6].any()
    assert not padded[14:].any()
    for size in ((21, 20), (20, 20), (20, 31), (9, 50)):
        for shape in ((40, 100), (100, 40), (50, 31)):
            how, white = Resizing(*size, "nearest", pad=True), np.full((*shape, 1), 200, np.uint8)
            assert np.array_equal(how(white), resized(how, None)(white))


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("mode", [{}, {"crop": True}, {"pad": True}], ids=str)
def test_a_policy_samples_as_it_says_itself(interpolation: str, mode: dict[str, bool]) -> None:
    """The same size in one pass where that is the same, in a step of its own where it is not."""
    how = Resizing(24, 32, interpolation, **mode)
    expected = how(SMOOTH).astype(int)
    for policy in (None, vary.Policy([]), vary.Policy([], interpolation="nearest"), vary.Policy([], fill=0)):
        made = resized(how, policy)
        found = made(SMOOTH).astype(int)
        assert np.abs(found - expected)[2:-2, 2:-2].max() <= (6 if interpolation == "nearest" else 3)
        assert policy is None or made.values().keys() == policy.values().keys()
    assert isinstance(resized(Resizing(5, 5), vary.Policy([])).transforms[0], vary.Resize)
    assert isinstance(resized(Resizing(5, 5, "area"), None).transforms[0], vary.Lambda)


def test_sizes_are_checked() -> None:
    assert checked_size(7) == checked_size([7, 7]) == (7, 7)
    for wrong in ((7,), (0, 3), (7.5, 3), "77", None, (1, 2, 3)):
        with pytest.raises(vary.InputError, match="image_size="):
            checked_size(wrong)
    with pytest.raises(vary.InputError, match="one of them"):
        resized(Resizing(5, 5, crop=True, pad=True), None)
