"""Colour against other libraries: Pillow's enhancers, colorsys, scikit-image's HSV, and formulas of textbooks."""

import colorsys

import numpy as np
import pytest
from conftest import oracle
from PIL import Image, ImageEnhance

from vary import Brightness, ChannelShift, ColorJitter, Contrast, Hue, Normalize, Policy, Rescale, Saturation

NOISE = np.random.default_rng(5).integers(0, 256, (48, 64, 3)).astype(np.uint8)
DULL = NOISE // 3 + 60

ENHANCERS = [
    (Brightness, ImageEnhance.Brightness, 0.0),
    (Contrast, ImageEnhance.Contrast, 0.5),  # Pillow rounds the mean to a level
    (Saturation, ImageEnhance.Color, 0.5),  # and the grey of each pixel
]


@pytest.mark.parametrize(("transform", "enhancer", "rounded"), ENHANCERS)
@pytest.mark.parametrize("factor", [0.0, 0.3, 0.9, 1.0, 1.2, 2.5])
@pytest.mark.parametrize("image", [NOISE, DULL], ids=["noise", "dull"])
def test_factors_equal_pillows(
    transform: type, enhancer: type, rounded: float, factor: float, image: np.ndarray
) -> None:
    expected = np.asarray(enhancer(Image.fromarray(image)).enhance(factor)).astype(int)
    out = Policy([transform((factor, factor))])(image)
    assert np.abs(out - expected).max() <= 1 + rounded * abs(1 - factor)


CORNERS = np.array([(r, g, b) for r in (0, 0.25, 1) for g in (0, 0.25, 1) for b in (0, 0.25, 1)])
COLOURS = np.concatenate([CORNERS, np.random.default_rng(6).random((200, 3))]).astype(np.float32)


@pytest.mark.parametrize("turn", [-0.9, -1 / 3, -0.01, 0.0, 0.125, 0.5, 2 / 3, 1.0])
def test_hue_equals_colorsys(turn: float) -> None:
    def turned(r: float, g: float, b: float) -> tuple[float, float, float]:
        h, s, v = colorsys.rgb_to_hsv(r, g, b)
        return colorsys.hsv_to_rgb((h + turn) % 1, s, v)

    expected = np.array([turned(*map(float, colour)) for colour in COLOURS])
    out = Policy([Hue((turn, turn))])(COLOURS[None])[0]
    assert np.abs(out - expected).max() < 1e-5


def test_hue_is_scikit_images_and_keeps_value_and_saturation() -> None:
    oracle("skimage")
    from skimage.color import hsv2rgb, rgb2hsv

    image = np.random.default_rng(7).random((30, 40, 3))
    hsv = rgb2hsv(image)
    turned = rgb2hsv(Policy([Hue((0.2, 0.2))])(image.astype(np.float32)).astype(float))
    assert np.abs(turned[..., 1:] - hsv[..., 1:]).max() < 1e-5
    hsv[..., 0] = (hsv[..., 0] + 0.2) % 1
    assert np.abs(hsv2rgb(turned) - hsv2rgb(hsv)).max() < 1e-5


def grey(x: np.ndarray) -> np.ndarray:
    return (x @ np.array((0.299, 0.587, 0.114)))[..., None]


X = np.random.default_rng(8).random((9, 11, 3)).astype(np.float32)
MEAN, STD = np.array((0.4, 0.5, 0.6)), np.array((0.2, 0.3, 0.4))
FORMULAS = [  # on values 0 .. 1
    (Brightness((1.4, 1.4)), lambda x: (x * 1.4).clip(0, 1)),
    (Contrast((1.4, 1.4)), lambda x: (grey(x).mean() + (x - grey(x).mean()) * 1.4).clip(0, 1)),
    (Saturation((1.4, 1.4)), lambda x: (grey(x) + (x - grey(x)) * 1.4).clip(0, 1)),
    (ChannelShift((-0.2, -0.2)), lambda x: (x - 0.2).clip(0, 1)),
    (Normalize(tuple(MEAN), tuple(STD)), lambda x: (x - MEAN) / STD),
    (Rescale(3, -1), lambda x: x * 3 - 1),
]


@pytest.mark.parametrize(("transform", "formula"), FORMULAS, ids=[str(row[0]) for row in FORMULAS])
def test_colours_are_their_formulas(transform: object, formula: object) -> None:
    assert np.abs(Policy([transform])(X) - formula(X.astype(float))).max() < 3e-6  # type: ignore[operator,list-item]


RGBA = np.random.default_rng(9).random((9, 11, 4)).astype(np.float32) * 3 - 1  # alpha beyond the range too
TINTS = [t for t, _ in FORMULAS[:4]] + [Hue((0.3, 0.3)), Contrast((0.5, 0.5)), Saturation((0.5, 0.5))]


@pytest.mark.parametrize("transform", TINTS, ids=str)
def test_alpha_is_left_alone(transform: object) -> None:
    out = Policy([transform])(RGBA)  # type: ignore[list-item]
    assert np.array_equal(out[..., 3], RGBA[..., 3])
    assert np.array_equal(out[..., :3], Policy([transform])(np.ascontiguousarray(RGBA[..., :3])))  # type: ignore[list-item]


def test_alpha_is_rescaled_like_the_rest() -> None:
    image = np.full((2, 2, 4), 51, np.uint8)
    for before in ([], [Saturation((0.5, 0.5))], [Hue((0.1, 0.1))], [Contrast((0.5, 0.5))]):
        assert np.allclose(Policy([*before, Rescale(1 / 255)])(image), 0.2, atol=1e-6)


@pytest.mark.parametrize("transform", [Saturation((0.0, 0.0)), Hue((0.5, 0.5))])
def test_one_channel_passes_through_what_mixes_channels(transform: object) -> None:
    assert np.array_equal(Policy([transform])(NOISE[..., :1]), NOISE[..., :1])  # type: ignore[list-item]


def test_a_jitter_is_its_parts_in_the_drawn_order() -> None:
    parts = {"brightness": Brightness, "contrast": Contrast, "saturation": Saturation, "hue": Hue}
    policy = Policy([ColorJitter(0.4, 0.4, 0.4, 0.1)])
    orders = set()
    for index in range(250):
        program = policy.program(DULL.shape, index=index)
        orders.add(tuple(i.op for i in program.instructions))
        alone = Policy([parts[i.op]((i.args[0], i.args[0])) for i in program.instructions])
        assert np.array_equal(policy(DULL, seed=0, index=index), alone(DULL))
    assert len(orders) == 24
