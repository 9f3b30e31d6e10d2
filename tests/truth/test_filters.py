"""Solarize, blur, noise and perspective against arithmetic and libraries other than vary's own."""

import itertools

import numpy as np
import pytest

from vary import Brightness, GaussianBlur, GaussNoise, HorizontalFlip, Perspective, Policy, Resize, Rotate, Solarize

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
GREY = np.full((200, 300, 3), 128, np.uint8)


def test_solarize_inverts_values_of_half_the_range_and_above() -> None:
    expected = np.where(RAMP >= 127.5, 255 - RAMP.astype(int), RAMP)
    assert np.array_equal(Policy([Solarize(0.5)])(RAMP, seed=1), expected)
    floats = np.array([[[0.0], [0.25], [0.5], [0.75], [1.0]]], np.float32)
    assert np.array_equal(Policy([Solarize(0.5)])(floats)[0, :, 0], np.float32([0, 0.25, 0.5, 0.25, 0]))
    assert np.array_equal(Policy([Solarize(0)])(RAMP), 255 - RAMP), "a threshold of 0 inverts"


def test_solarize_uses_the_value_range_and_leaves_alpha() -> None:
    picture = np.full((2, 2, 4), 1000, np.float32)
    out = Policy([Solarize(0.5)], value_range=(-1024, 1024))(picture)
    assert np.allclose(out[..., :3], -1000)
    assert np.allclose(out[..., 3], 1000)


@pytest.mark.parametrize("sigma", [0.3, 1.0, 2.7, 40.0])
@pytest.mark.parametrize("shape", [(40, 50, 3), (3, 90, 1), (1, 1, 3), (2, 5, 4)])
def test_blur_equals_scipys(sigma: float, shape: tuple[int, ...]) -> None:
    """SciPy's mode "mirror" repeats no edge pixel, and `truncate=4` is its default; its radius is rounded, ours up."""
    ndimage = pytest.importorskip("scipy.ndimage")
    picture = np.random.default_rng(3).random(shape).astype(np.float32)
    out = Policy([GaussianBlur(sigma)], value_range=(-1, 2))(picture)
    radius = int(np.ceil(4 * sigma))
    expected = ndimage.gaussian_filter(
        picture.astype(float), (sigma, sigma, 0), mode="mirror", radius=(radius, radius, 0)
    )
    assert np.abs(out - expected).max() < 1e-5


def test_blur_keeps_its_place() -> None:
    """Geometry after it moves the blurred picture, as one step after the other does."""
    picture = np.random.default_rng(1).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    together = Policy([GaussianBlur(2), Brightness((1.2, 1.2)), Resize(20, 90)])
    first, then = Policy([GaussianBlur(2), Brightness((1.2, 1.2))]), Policy([Resize(20, 90)])
    assert np.array_equal(together(picture), then(first(picture)))
    assert "cut" in together.program((40, 60, 3)).text()
    assert "keeps its place; listed after the geometry it needs no cut" in together.explain((40, 60, 3))
    after = Policy([Resize(20, 90), GaussianBlur(2), Brightness((1.2, 1.2))])
    assert "cut" not in after.program((40, 60, 3)).text()
    assert "keeps its place" not in after.explain((40, 60, 3))


@pytest.mark.parametrize("keeping", [GaussianBlur(2, p=0.5), GaussNoise(0.1, p=0.5)], ids=lambda t: type(t).__name__)
def test_a_picture_is_cut_only_if_what_keeps_its_place_is_drawn(keeping: GaussianBlur | GaussNoise) -> None:
    policy = Policy([keeping, Rotate(40)])
    cut = [policy.program((40, 60, 3), seed=seed).text().count("cut") for seed in range(40)]
    drawn = [len(policy.program((40, 60, 3), seed=seed).text().splitlines()) > 4 for seed in range(40)]
    assert {*cut} == {0, 1}
    assert [count == 1 for count in cut] == drawn


def test_noise_is_normal_and_independent() -> None:
    noise = Policy([GaussNoise(0.1)])(GREY, seed=5).astype(float) - 128
    count = noise[..., 0].size
    for c in range(3):
        assert abs(noise[..., c].mean()) < 5 * 25.5 / count**0.5
        assert abs(noise[..., c].std() / 25.5 - 1) < 0.01
        assert abs((np.abs(noise[..., c]) < 25.5).mean() - 0.683) < 0.01, "one standard deviation"
        assert abs((np.abs(noise[..., c]) < 51).mean() - 0.9545) < 0.01, "two"
    for a, b in itertools.combinations(
        [noise[..., 0], noise[..., 1], noise[..., 2], *np.roll(noise[..., :1], 1, (0, 1)).T], 2
    ):
        if a.shape == b.shape:
            assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.02
    rows = np.corrcoef(noise[:-1, :, 0].ravel(), noise[1:, :, 0].ravel())[0, 1]
    columns = np.corrcoef(noise[:, :-1, 0].ravel(), noise[:, 1:, 0].ravel())[0, 1]
    assert abs(rows) < 0.02
    assert abs(columns) < 0.02


def test_noise_depends_on_the_draw_alone() -> None:
    policy = Policy([GaussNoise(0.1)])
    one = policy(GREY, seed=5)
    assert np.array_equal(one, policy(GREY, seed=5))
    for other in ({"seed": 6}, {"seed": 5, "epoch": 1}, {"seed": 5, "index": 1}, {"seed": 5, "view": 1}):
        assert (policy(GREY, **other) != one).mean() > 0.8
    wide = policy(np.full((200, 400, 3), 128, np.uint8), seed=5)
    assert np.array_equal(wide[:, :300], one), "a pixel's noise depends on its place, not on the size of the canvas"


def test_noise_has_long_tails_and_is_clipped() -> None:
    out = Policy([GaussNoise(1)])(GREY, seed=1)
    assert out.min() == 0
    assert out.max() == 255
    alpha = Policy([GaussNoise(1)])(np.full((9, 9, 4), 7, np.uint8))
    assert (alpha[..., 3] == 7).all()


@pytest.mark.parametrize("distortion", [0.1, 0.33, (0.0, 0.3)])
def test_perspective_moves_each_corner_inwards(distortion: float) -> None:
    """A bright dot at each corner of the picture is found where the drawn numbers say."""
    height, width = 120, 200
    policy = Policy([Perspective(distortion)], fill=0)
    for seed in range(6):
        numbers = policy.program((height, width), seed=seed).instructions[0].args
        share, corners = numbers[0], np.reshape(numbers[1:], (4, 2)) * [width, height]
        assert 0 <= share <= np.max(distortion)
        signs, starts = [(1, 1), (-1, 1), (-1, -1), (1, -1)], [(0, 0), (width, 0), (width, height), (0, height)]
        for corner, sign, start in zip(corners, signs, starts, strict=True):
            picture = np.zeros((height, width, 1), np.float32)
            y, x = (min(max(side, 0), most - 12) for side, most in ((start[1] - 6, height), (start[0] - 6, width)))
            picture[y : y + 12, x : x + 12] = 1
            out = policy(picture, seed=seed)[..., 0]
            expected = np.array(start) + np.array(sign) * share * corner
            rows, columns = np.nonzero(out > 0.5)
            reached = (
                columns.min() if sign[0] > 0 else columns.max() + 1,
                rows.min() if sign[1] > 0 else rows.max() + 1,
            )
            assert np.abs(reached - expected).max() < 4, (seed, start)


def test_perspective_fuses_with_other_maps() -> None:
    policy = Policy([HorizontalFlip(p=1), Perspective(0.2), Rotate(30), Resize(64, 64)])
    assert policy.explain((90, 120, 3)).count("pass ") == 1
    assert "over" in policy.explain((90, 120, 3))
