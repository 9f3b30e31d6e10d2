"""All types of values and any number of channels: casts, and equal treatment of channels."""

from typing import Any

import numpy as np
import pytest
import strategies
from hypothesis import given, reject, settings, strategies as st

from vary import (
    Brightness,
    ChannelShift,
    ColorJitter,
    Contrast,
    GaussianBlur,
    HorizontalFlip,
    Hue,
    InputError,
    Lambda,
    Normalize,
    Policy,
    PolicyError,
    Rescale,
    Resize,
    Rotate,
    Saturation,
    Solarize,
    Transpose,
    Zoom,
    _native,
    stream,
)
from vary.elements import ELEMENTS, MEANINGS

ROOM = np.random.default_rng(3)
COUNTS = [1, 2, 3, 4, 5, 7, 16, 1024]
unlikely = pytest.mark.filterwarnings("ignore::vary.ValueWarning")  # values that no picture has
UNLIKE = [2, 5, 16]  # numbers of channels that mean nothing


def noise(dtype: str, *shape: int) -> np.ndarray:
    return strategies.in_range(ROOM.integers(0, 256, shape), dtype)


def test_the_native_core_has_the_same_table() -> None:
    assert _native.elements() == [(e.name, e.size, e.low, e.high, e.whole) for e in ELEMENTS.values()]
    for name, element in ELEMENTS.items():
        dtype: Any = np.dtype(name)
        assert dtype.itemsize == element.size
        limits: Any = np.iinfo(dtype) if element.whole else np.finfo(dtype)
        assert element.ends == (float(limits.min), float(limits.max))
        assert _native.empty((2, 3), name).dtype == dtype


@pytest.mark.parametrize("dtype", ELEMENTS)
@pytest.mark.parametrize("channels", COUNTS)
def test_exact_maps_move_values_and_nothing_else(dtype: str, channels: int) -> None:
    image = noise(dtype, 6, 9, channels)
    before = image.copy()
    flipped = Policy([HorizontalFlip(p=1)])(image)
    assert flipped.dtype == dtype
    assert np.array_equal(flipped, image[:, ::-1])
    planar = Policy([Transpose(p=1)])(image, layout="NCHW")
    assert np.array_equal(planar, image.transpose(2, 1, 0))
    assert np.array_equal(image, before)


@settings(max_examples=60, deadline=None)
@given(st.data(), strategies.DTYPES, st.integers(0, 2**64 - 1))
def test_each_channel_is_what_it_would_be_alone(data: st.DataObject, dtype: str, seed: int) -> None:
    image = data.draw(strategies.pictures(dtype, (2, 5, 7, 16)))
    plain = [name for name in strategies.fitting(strategies.SIMPLE, 2) if name != "GaussNoise"]
    policy = data.draw(strategies.policies(plain, dtype))
    try:
        together = policy(image, seed=seed)
    except PolicyError:  # ImageNet's three means, or colour after Normalize
        reject()
    for channel in range(image.shape[2]):
        alone = policy(image[..., channel : channel + 1], seed=seed)
        assert np.array_equal(together[..., channel : channel + 1], alone, equal_nan=True)


@unlikely
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16"])
def test_a_cast_to_integers_rounds_half_to_even_and_saturates(dtype: str) -> None:
    low, high = (int(end) for end in ELEMENTS[dtype].ends)
    values = np.array([[low - 1e6, low - 0.6, low, low + 0.5, low + 1.5, 2.5, 3.5, high - 0.5, high + 1, 1e9, np.nan]])
    out = Policy([], value_range=70000)(values.astype(np.float32), dtype=dtype)[0, :, 0]
    assert out.dtype == dtype
    assert out.tolist() == [low, low, low, low, low + 2, 2, 4, high - 1, high, high, 0]


@unlikely
def test_a_cast_to_float16_rounds_to_the_nearest_and_keeps_what_is_no_number() -> None:
    values = np.concatenate([ROOM.normal(0, 1, 4000), ROOM.normal(0, 1e-6, 4000), [np.nan, 65519, 65520, -1e30, 0]])
    image = values.astype(np.float32).reshape(1, -1)
    with np.errstate(over="ignore"):
        expected = image.astype(np.float16)
    assert np.array_equal(Policy([], value_range=1e6)(image, dtype="float16")[..., 0], expected, equal_nan=True)


@unlikely
def test_every_float16_is_read_as_itself() -> None:
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(256, 256)
    out = Policy([Lambda(np.copy)])(every, dtype="float32")[..., 0]
    assert np.array_equal(out, every.astype(np.float32), equal_nan=True)


@pytest.mark.parametrize("dtype", ELEMENTS)
def test_the_output_keeps_the_dtype_until_it_is_rescaled(dtype: str) -> None:
    image = noise(dtype, 8, 9, 5)
    seen = []

    def look(picture: np.ndarray) -> np.ndarray:
        seen.append(picture.dtype)
        return picture

    assert Policy([Zoom((0.9, 0.9)), Brightness(0.1)])(image).dtype == dtype
    for last in (Rescale(0.5), Normalize(0.5, 0.2)):
        assert Policy([Rotate(9), Lambda(look), last, Lambda(look)], value_range=1)(image).dtype == np.float32
    assert seen == [dtype, np.float32] * 2
    assert Policy([Rescale(0.5)])(image, dtype="float16").dtype == np.float16


@unlikely
@pytest.mark.parametrize("given", ELEMENTS)
@pytest.mark.parametrize("asked", ELEMENTS)
def test_any_dtype_from_any(given: str, asked: str) -> None:
    image = noise(given, 5, 6, 3)
    with np.errstate(over="ignore"):
        low, high = ELEMENTS[asked].ends
        values = image.astype(np.float64)
        expected = (np.rint(values).clip(low, high) if ELEMENTS[asked].whole else values).astype(asked)
    assert np.array_equal(Policy([])(image, dtype=asked), expected)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 16, 1024])
def test_normalize_takes_a_mean_for_each_channel(channels: int) -> None:
    image = noise("uint16", 3, 4, channels) if channels <= 4 else noise("uint16", 4, 4, channels)
    means, stds = np.linspace(0.1, 0.9, channels), np.linspace(0.2, 0.4, channels)
    out = Policy([Normalize(means, stds)])(image)
    assert np.abs(out - (image / 65535 - means) / stds).max() < 1e-5
    assert np.allclose(Policy([Normalize(0.5, 0.25)])(image), (image / 65535 - 0.5) / 0.25, atol=1e-5)
    with pytest.raises(PolicyError, match=f"has {channels + 1} entries"):
        Policy([Normalize([0.5] * (channels + 1), 1)])(image)


@pytest.mark.parametrize("channels", [2, 3, 5, 9])
def test_a_fill_for_each_channel(channels: int) -> None:
    image, fill = noise("int16", 6, 6, channels), [-1000 - channel for channel in range(channels)]
    out = Policy([Zoom((0.5, 0.5))], fill=fill)(image)
    assert out[0, 0].tolist() == fill


@pytest.mark.parametrize("channels", UNLIKE)
@pytest.mark.parametrize(
    "transform",
    [Contrast(0.2), Saturation(0.2), Hue(0.1), ChannelShift(0.1), ColorJitter(0.1, saturation=0.1)],
    ids=str,
)
def test_colour_needs_to_know_what_the_channels_are(transform: Any, channels: int) -> None:
    name = type(transform).__name__
    with pytest.raises(PolicyError, match=rf"{name}\(.*needs colours, and pictures of {channels} channels have none"):
        Policy([transform])(noise("uint8", 8, 8, channels))
    for fine in MEANINGS:
        Policy([transform])(noise("uint8", 8, 8, fine))


@pytest.mark.parametrize("channels", UNLIKE)
def test_what_needs_no_colours_changes_all_channels(channels: int) -> None:
    image = noise("uint16", 8, 8, channels)
    assert np.array_equal(Policy([Solarize(0.0)])(image), 65535 - image)
    assert not Policy([Brightness((0, 0))])(image).any()
    assert not Policy([ColorJitter(brightness=(0, 0))])(image, seed=0).any()
    blurred = Policy([GaussianBlur(2)])(image)
    assert (blurred.std(axis=(0, 1)) < 0.5 * image.std(axis=(0, 1))).all()


def test_alpha_is_what_only_four_channels_have() -> None:
    dark = Policy([Brightness((0, 0))])
    assert dark(noise("uint16", 8, 8, 4))[..., 3].any()
    assert not dark(noise("uint16", 8, 8, 8)).any()


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float16"])
def test_value_range_replaces_that_of_the_dtype(dtype: str) -> None:
    image = np.full((4, 4, 1), 1000, dtype)
    assert (Policy([Brightness((2, 2))], value_range=1500)(image) == 1500).all()
    assert np.allclose(Policy([Normalize(0.5, 0.25)], value_range=2000)(image), 0)


@pytest.mark.parametrize("channels", [2, 5])
def test_strides_and_outputs(channels: int) -> None:
    """Inputs with unusual strides; results written into a part of an array."""
    wide = noise("uint16", 12, 14, 2 * channels)
    for image in (wide[::2, ::-1, ::2], wide[::-3, :, channels:], np.asfortranarray(wide[..., :channels])):
        policy = Policy([Rotate((20, 20)), Resize(7, 9)], fill=5)
        expected = policy(np.ascontiguousarray(image))
        assert np.array_equal(policy(image), expected)
        room = np.zeros((4, 7, 9, channels), np.uint16)
        policy.batch([image, image], seed=0, out=room[::2])
        assert np.array_equal(room[2], expected)
        assert not room[1::2].any()


@pytest.mark.parametrize(
    ("dtype", "channels", "process"),
    [
        *((dtype, channels, False) for dtype in ELEMENTS for channels in (1, 2, 6)),
        ("uint16", 6, True),
        ("float16", 1, True),
    ],
)
def test_streams_give_what_calls_give(dtype: str, channels: int, process: bool) -> None:
    images, labels = noise(dtype, 8, 6, 9, channels), np.arange(8)
    policy = Policy([Rotate(40), Resize(5, 7)], fill="reflect")
    train = stream((images, labels), policy, batch_size=4, seed=3, process=process, shuffle=False)
    spec = train.element_spec[0]
    assert (spec.shape[1:], spec.dtype) == ((5, 7, channels), np.dtype(dtype))
    expected = policy.batch(images, seed=3)
    seen = np.concatenate([batch.images.copy() for batch in train])
    assert seen.dtype == dtype
    assert np.array_equal(seen, expected)
    assert np.array_equal(train.replay(2).images[0], seen[2])
    halves = stream((images, labels), policy, batch_size=8, seed=3, dtype="float16", process=process, shuffle=False)
    assert next(iter(halves)).images.dtype == np.float16


def test_one_row_of_many_channels_may_be_channels_first() -> None:
    with pytest.raises(InputError, match=r"looks like \(C, H, W\)"):
        Policy([])(noise("uint16", 3, 40, 40))
    assert Policy([])(noise("uint16", 3, 8, 7)).shape == (3, 8, 7)
