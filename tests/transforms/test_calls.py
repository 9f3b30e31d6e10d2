"""Calling a policy: accepted images, and errors that name the image and the cure."""

import math
from typing import Any

import numpy as np
import pytest

from vary import (
    Brightness,
    ColorJitter,
    HorizontalFlip,
    Hue,
    InputError,
    Normalize,
    OneOf,
    Policy,
    PolicyError,
    RandomRotate90,
    Rescale,
    Resize,
    Rotate,
    Sometimes,
    VaryError,
    stream,
)
from vary.plan.request import Address, Parts, Request

IMAGE = np.zeros((6, 8, 3), np.uint8)
FLIP = Policy([HorizontalFlip()])


def image(height: int = 6, width: int = 8, channels: int = 3, dtype: Any = np.uint8) -> np.ndarray:
    return np.zeros((height, width, channels), dtype)


def batch(images: Any = (IMAGE, IMAGE), policy: Policy = FLIP, **keywords: Any) -> np.ndarray:
    return policy.batch(images, **keywords)


def out(*shape: int, dtype: Any = np.uint8) -> np.ndarray:
    return np.empty(shape, dtype)


def askew(*shape: int) -> np.ndarray:
    """float32, a byte off where it should lie."""
    return np.zeros(4 * math.prod(shape) + 1, np.uint8)[1:].view(np.float32).reshape(shape)


def locked() -> np.ndarray:
    array = out(2, 6, 8, 3)
    array.flags.writeable = False
    return array


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"images": []}, "images is empty; give at least one"),
    ({"images": [[1, 2]]}, "image 0 is of type list, not a NumPy array; numpy.asarray(image) makes one"),
    ({"images": [IMAGE, "cat.jpg"]}, "image 1 is a str, not a NumPy array"),
    (
        {"images": [IMAGE.astype(np.int32)]},
        "image 0 is int32; give uint8, uint16, int16, float16 or float32: image.astype('uint8')",
    ),
    (
        {"images": [IMAGE.astype(np.float64)]},
        "image 0 is float64; give uint8, uint16, int16, float16 or float32: image.astype('float32')",
    ),
    ({"images": [IMAGE.astype(">f4")]}, "image 0 has values of buffer format '>f'"),
    ({"images": [IMAGE, IMAGE.astype(np.float32)]}, "image 1 differs in dtype from the first image"),
    (
        {"images": [IMAGE.astype(np.int64)]},
        "astype('uint16') if they are 0 .. 65535, astype('int16') if they are -32768",
    ),
    ({"images": [IMAGE.astype(np.uint32)]}, "image 0 is uint32; give uint8, uint16"),
    (
        {"images": [IMAGE.astype(bool)]},
        "image 0 is bool; give uint8, uint16, int16, float16 or float32: image * numpy.uint8",
    ),
    ({"images": [IMAGE.astype(complex)]}, "image 0 is complex128; give uint8, uint16"),
    ({"images": [image(channels=1025)]}, "image 0 has 1025 channels; 1 to 1024 are handled, on the last axis"),
    ({"images": [image(channels=0)]}, "image 0 has 0 channels; 1 to 1024 are handled, on the last axis"),
    ({"images": [IMAGE, image(channels=5)]}, "image 1 has 5 channels where the first image has 3"),
    ({"images": [IMAGE, IMAGE.astype(np.int16)]}, "image 1 differs in dtype from the first image"),
    (
        {"images": [IMAGE], "policy": Policy([], fill=(1, 2))},
        "fill has 2 entries, the picture 3 channels; give one value",
    ),
    ({"images": [IMAGE.astype(np.uint16)], "policy": Policy([], fill=-1)}, "outside 0 .. 65535, the values of uint16"),
    (
        {"images": [IMAGE.astype(np.int16)], "policy": Policy([], fill=4e4)},
        "outside -32768 .. 32767, the values of int16",
    ),
    (
        {"images": [IMAGE.astype(np.float16)], "policy": Policy([], fill=7e4)},
        "outside -65504 .. 65504, the values of flo",
    ),
    (
        {"images": [IMAGE.astype(np.int16)], "policy": Policy([Rescale(2)]), "dtype": "uint16"},
        "dtype='uint16' cannot hold",
    ),
    ({"images": [IMAGE, image(channels=1)]}, "image 1 has 1 channels where the first image has 3"),
    ({"images": [image(0, 8)]}, "image 0 is 0 x 8 x 3; a picture needs at least one pixel"),
    ({"images": [np.zeros(5, np.uint8)]}, "image 0 has 1 axes; give height x width x channels"),
    ({"images": [np.zeros((2, 2, 2, 2), np.uint8)]}, "image 0 has 4 axes"),
    ({"images": np.zeros((2, 2, 2, 2, 2), np.uint8)}, "image 0 has 4 axes"),
    (
        {"images": [IMAGE, image(4, 4)]},
        "one size, but number 1 is 4 x 4 and number 0 is 6 x 8 (height x width); put Resize(height, width)",
    ),
    ({"seed": -1}, "seed=-1; give a whole number from 0 to 18446744073709551615"),
    ({"seed": 2**64}, "seed=18446744073709551616; give a whole number"),
    ({"seed": 1.5}, "seed=1.5"),
    ({"seed": "one"}, "seed='one'"),
    ({"seed": 0, "epoch": 2**32}, "epoch=4294967296; give a whole number from 0 to 4294967295"),
    ({"seed": 0, "view": 2**20}, "view=1048576; give a whole number from 0 to 1048575"),
    ({"indices": [0]}, "indices=[0] must be 2 whole numbers of at least 0, one an image"),
    ({"indices": [0, -1]}, "indices=[0, -1] must be 2 whole numbers of at least 0"),
    ({"indices": [0, 0.5]}, "indices=[0, 0.5] must be 2 whole numbers"),
    ({"indices": ["a", "b"]}, "indices=['a', 'b'] must be 2 whole numbers"),
    ({"indices": [0, 2**63]}, "must be 2 whole numbers"),
    ({"threads": 0}, "threads=0; give a whole number of at least 1, or None for all"),
    ({"threads": "two"}, "threads='two'; give a whole number of at least 1"),
    ({"dtype": "float64"}, "dtype=float64 is not offered; choose one of uint8, float32, uint16, int16, float16"),
    ({"dtype": "colourful"}, "colourful"),
    ({"layout": "HWC"}, "layout='HWC' is not offered; choose one of NHWC, NCHW"),
    ({"out": [1]}, "out= is list; this call writes uint8"),
    ({"out": out(2, 6, 8, 3, dtype=np.float32)}, "out= is float32; this call writes uint8"),
    ({"out": out(3, 6, 8, 3)}, "out= has shape (3, 6, 8, 3); this call writes (2, "),
    ({"out": out(2, 3, 6, 8)}, "out= has shape (2, 3, 6, 8)"),
    ({"out": out(2, 6, 8, 3), "layout": "NCHW"}, "out= has shape (2, 6, 8, 3)"),
    ({"out": out(2, 5, 8, 3)}, "image 0: "),
    ({"out": out(2, 6, 16, 3)[:, :, ::2]}, "out= must be writeable, contiguous within each picture"),
    ({"out": locked()}, "out= must be writeable"),
    ({"images": [askew(6, 8, 3)]}, "image 0 has unaligned values; give image.copy()"),
    ({"images": [IMAGE.astype("float32")], "out": askew(1, 6, 8, 3)}, "out= has unaligned values"),
    (
        {"policy": Policy([], fill=(1, 2, 3)), "images": [image(channels=4)]},
        "fill has 3 entries, the picture 4 channels; give one value for all channels, or 4",
    ),
    ({"policy": Policy([], fill=300)}, "outside 0 .. 255, the values of uint8 pictures"),
    (
        {"policy": Policy([Normalize((0.1, 0.2, 0.3))]), "images": [image(channels=1)]},
        "mean has 3 entries for pictures of 1 channel(s); give one value",
    ),
    ({"policy": Policy([Normalize()]), "dtype": "uint8"}, "ask for dtype='float32', or take them out of the policy"),
    ({"policy": Policy([Rescale(2, p=0.5)]), "dtype": np.uint8}, "dtype='uint8' cannot hold what Rescale or Normalize"),
    (
        {"policy": Policy([Normalize(), Hue(0.1)])},
        "Hue(turn=(-0.1, 0.1)) needs a value range, but comes after Normalize",
    ),
    ({"policy": Policy([Normalize(), ColorJitter(0.1)])}, "put it before"),
    ({"policy": Policy([Sometimes([Normalize()]), Brightness(0.1)])}, "comes after Normalize"),
    ({"policy": Policy([OneOf([Rescale(2), Rescale(3)]), Brightness(0.1)])}, "a Rescale that is not always applied"),
    ({"policy": Policy([Normalize(), Normalize()])}, "needs a value range"),
]


@pytest.mark.parametrize(("given", "words"), REFUSED, ids=[row[1] for row in REFUSED])
def test_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises((InputError, PolicyError)) as caught:
        batch(**given)
    assert words in str(caught.value)
    assert isinstance(caught.value, VaryError)


def test_a_refused_call_has_no_effects() -> None:
    room = out(2, 6, 8, 3)
    room[:] = 7
    for given in ({"indices": [0]}, {"threads": 0}, {"images": [IMAGE, IMAGE.astype(np.float32)]}):
        with pytest.raises(InputError):
            batch(out=room, **given)
    assert (room == 7).all()


def test_mixed_sizes_come_out_in_one() -> None:
    sizes = [image(5, 9), image(30, 2), image(1, 1)]
    assert Policy([Rotate(5), Resize(7, 11)]).batch(sizes).shape == (3, 7, 11, 3)
    assert Policy([Resize(7, 11, "letterbox")]).batch(sizes, layout="NCHW").shape == (3, 3, 7, 11)


DTYPES = [  # policy, dtype in, dtype asked for, dtype out
    ([], np.uint8, None, np.uint8),
    ([], np.float32, None, np.float32),
    ([Brightness(0.1)], np.uint8, None, np.uint8),
    ([Rescale(1 / 255)], np.uint8, None, np.float32),
    ([Normalize()], np.uint8, None, np.float32),
    ([], np.uint8, "float32", np.float32),
    ([], np.uint8, np.float32, np.float32),
    ([], np.float32, np.dtype("uint8"), np.uint8),
    ([Sometimes([Rescale(2)], p=0)], np.uint8, None, np.float32),
]


@pytest.mark.parametrize(("transforms", "given", "asked", "made"), DTYPES)
def test_dtypes(transforms: list, given: Any, asked: Any, made: Any) -> None:
    done = Policy(transforms)(image(dtype=given), dtype=asked)
    assert done.dtype == made
    assert done.shape == (6, 8, 3)


def test_the_value_range_follows_rescale_and_can_be_given() -> None:
    white = np.full((1, 1), 200, np.uint8)
    assert Policy([Brightness((2, 2))])(white).item() == 255
    assert Policy([Rescale(1 / 255), Brightness((2, 2))])(white).item() == 1
    assert Policy([Rescale(-1, 255), Brightness((9, 9))])(white).item() == 255
    assert Policy([Brightness((2, 2))], value_range=300)(white, dtype="float32").item() == 300
    assert Policy([Brightness((2, 2))])(np.full((1, 1), 0.7, np.float32)).item() == 1
    assert Policy([Brightness((2, 2))], value_range=255)(np.full((1, 1), 70, np.float32)).item() == 140
    assert Policy([Brightness((0, 0))], value_range=(-5, 5))(np.full((1, 1), 3, np.float32)).item() == -5
    assert Policy([Rescale(1 / 255), Normalize(0.5, 0.5)])(white).item() == pytest.approx(200 / 255 * 2 - 1)


RANDOM = np.random.default_rng(4)
WHOLES: dict[str, np.ndarray] = {
    "plain": RANDOM.integers(0, 256, (9, 6, 8, 3), np.uint8),
    "backwards": RANDOM.integers(0, 256, (9, 6, 8, 3), np.uint8)[::-1, ::-1, ::-1, ::-1],
    "every other": RANDOM.integers(0, 256, (18, 12, 24, 3), np.uint8)[::2, ::2, ::3],
    "one picture, often": np.broadcast_to(RANDOM.integers(0, 256, (6, 8, 3), np.uint8), (9, 6, 8, 3)),
    "Fortran": np.asfortranarray(RANDOM.integers(0, 256, (9, 6, 8, 3), np.uint8)),
    "planes": np.moveaxis(RANDOM.integers(0, 256, (9, 3, 6, 8), np.uint8), 1, 3),
    "grey": RANDOM.integers(0, 256, (9, 6, 8), np.uint8),
    "alpha": RANDOM.integers(0, 256, (9, 6, 8, 4), np.uint8),
    "floats": RANDOM.random((9, 6, 8, 3), np.float32),
    "a single one": RANDOM.integers(0, 256, (1, 6, 8, 3), np.uint8),
}


@pytest.mark.parametrize("policy", [FLIP, Policy([Rotate(30), Resize(5, 7)]), Policy([RandomRotate90(), Resize(9, 9)])])
@pytest.mark.parametrize("name", WHOLES)
def test_one_array_is_its_pictures(name: str, policy: Policy) -> None:
    """They go to the core as parts of it, singly as objects; both ways they are the same."""
    whole = WHOLES[name]
    singly = policy.batch(list(whole), seed=3)
    assert np.array_equal(policy.batch(whole, seed=3), singly)
    if len(whole) > 1:
        assert not np.array_equal(singly[0], singly[1])
        for batch in stream(whole, policy, batch_size=4, seed=3, views=2):
            expected = [[policy(whole[i], seed=3, index=i, view=v) for v in range(2)] for i in batch.indices.tolist()]
            assert np.array_equal(batch.images, expected)


def test_parts_stay_within_their_array() -> None:
    runner = FLIP.runner(3, "uint8")
    for place in (-1, 9):
        parts = Parts(WHOLES["plain"], np.array([0, place]))
        with pytest.raises(InputError, match="image 1 is out of range of its array"):
            runner.batch(Request((parts,), Address(0, 0, 0, np.arange(2))))
    with pytest.raises(InputError, match="unaligned values"):
        Policy([HorizontalFlip()]).batch(askew(2, 6, 8, 3))


def test_pictures_from_anything_that_gives_them_one_by_one() -> None:
    expected = FLIP.batch([IMAGE, IMAGE + 1], seed=0)
    assert np.array_equal(FLIP.batch((IMAGE + n for n in range(2)), seed=0), expected)
    assert np.array_equal(FLIP.batch({0: IMAGE, 1: IMAGE + 1}.values(), seed=0), expected)


def test_out_between_the_pictures() -> None:
    whole = RANDOM.integers(0, 256, (9, 6, 8, 3), np.uint8)
    expected = FLIP.batch(whole[0:6:3].copy(), seed=0)
    assert np.array_equal(FLIP.batch(whole[0:6:3], seed=0, out=whole[1:3]), expected)
    with pytest.raises(InputError, match="out= shares memory with the images"):
        FLIP.batch(whole[0:6:3], out=whole[2:4])
