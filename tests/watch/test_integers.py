"""Integers of 16 bits: a value range that the pictures contradict, and casts that lose values, are warned of once."""

import warnings
from typing import Any

import numpy as np
import pytest
from watch.pictures import PHOTOS, noise

import vary
from vary import Brightness, GaussNoise, HorizontalFlip, Normalize, Policy, Rescale, Rotate, Solarize

FULL = noise(8).astype(np.uint16) * 257
TWELVE, TEN = FULL >> 4, FULL >> 6
EIGHT = noise(8).astype(np.uint16)
CT = (TWELVE.astype(np.int16) - 1000)[..., :1]
FLOATS = FULL.astype(np.float32)


def reported(policy: Policy, images: Any, **how: Any) -> list[str]:
    """The warnings of one call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        policy.batch(images, seed=0, **how)
    return [str(one.message) for one in caught]


MISTAKES: list[tuple[list[vary.Transform], dict[str, Any], np.ndarray, str | None, tuple[str, ...]]] = [
    # a small part of the range is used, and the policy depends on it
    ([Brightness(0.2)], {}, TWELVE, None, ("0 .. 4095", "0 .. 65535 for uint16", "Brightness", "value_range=4095")),
    ([Normalize()], {}, TWELVE, None, ("Normalize()", "write Policy([...], value_range=4095)")),
    ([Solarize(0.5)], {}, TEN, None, ("Solarize", "value_range=1023")),
    ([GaussNoise(0.1)], {}, EIGHT, None, ("GaussNoise", "value_range=255")),
    ([Rotate(30), Normalize()], {}, (EIGHT > 99).astype(np.uint16), None, ("value_range=1)",)),
    ([Brightness(0.2)], {}, CT, None, ("-1000 .. 3095", "-32768 .. 32767 for int16", "value_range=(-1000, 3095)")),
    ([Rescale(1 / 65535)], {}, TWELVE, None, ("write Rescale(1 / 4095)",)),
    ([Rescale(1 / 65535), Normalize()], {}, TWELVE, None, ("write Policy([...], value_range=4095)",)),
    # another range than the policy states
    ([Normalize()], {"value_range": 4095}, FULL, None, ("0 .. 65535", "leave out value_range=, which is 0 .. 65535")),
    # factors for uint8
    ([Rescale(1 / 255)], {}, FULL, None, ("0 .. 257", "1 / 255 is for uint8", "Rescale(1 / 65535) brings uint16")),
    ([Rescale(1 / 65535), Rescale(1 / 65535)], {}, FULL, None, ("nearly constant", "Rescale(1 / 65535)")),
    # casts
    ([], {}, FULL, "uint8", ("dtype='uint8' holds 0 .. 255", "a cast never rescales", "leave out dtype=")),
    ([], {}, FULL, "float16", ("dtype='float16' holds -65504 .. 65504",)),
    ([], {}, FULL, "int16", ("dtype='int16' holds -32768 .. 32767",)),
    ([], {}, CT, "uint16", ("dtype='uint16' holds 0 .. 65535", "-1000 .. 3095")),
    ([], {"value_range": 65535}, FLOATS, "uint8", ("dtype='uint8' holds 0 .. 255",)),
    ([], {}, FLOATS / 65535, "uint16", ("dtype='uint16' rounds", "value_range=65535")),
]


@pytest.mark.parametrize(
    ("transforms", "settings", "images", "dtype", "words"),
    MISTAKES,
    ids=[f"{row[0]} {row[1]} {row[2].dtype} {row[3]}" for row in MISTAKES],
)
def test_told_once(
    transforms: list[vary.Transform],
    settings: dict[str, Any],
    images: np.ndarray,
    dtype: str | None,
    words: tuple[str, ...],
) -> None:
    policy = Policy(transforms, **settings)
    (said,) = reported(policy, images, dtype=dtype)
    assert all(word in said for word in words), said
    assert not reported(policy, images, dtype=dtype), "once a policy"


QUIET: list[tuple[list[vary.Transform], dict[str, Any], np.ndarray, str | None]] = [
    ([HorizontalFlip(), Rotate(30)], {}, TWELVE, None),  # nothing depends on the range
    ([Brightness(0.2)], {}, FULL, None),
    ([Brightness(0.2)], {}, PHOTOS.astype(np.uint16) * 257 // 8, None),  # dark, but not of 12 bits
    ([Brightness(0.2)], {}, TWELVE * 0, None),
    ([Brightness(0.2)], {"value_range": 4095}, TWELVE, None),
    ([Normalize()], {"value_range": 4095}, TWELVE, None),
    ([Rescale(1 / 4095)], {}, TWELVE, None),
    ([Rescale(1 / 65535)], {}, FULL, None),
    ([Brightness(0.2)], {"value_range": (-1000, 3095)}, CT, None),
    ([Rescale(1 / 255)], {"value_range": 255}, EIGHT, None),
    ([], {}, EIGHT, "uint8"),
    ([], {}, TWELVE, "float16"),
    ([], {}, TWELVE, "int16"),
    ([], {}, FULL, "float32"),
    ([], {}, noise(8), "uint16"),
]


@pytest.mark.parametrize(("transforms", "settings", "images", "dtype"), QUIET)
def test_quiet(
    transforms: list[vary.Transform], settings: dict[str, Any], images: np.ndarray, dtype: str | None
) -> None:
    assert not reported(Policy(transforms, **settings), images, dtype=dtype)


def test_streams_warn_too() -> None:
    with pytest.warns(vary.ValueWarning, match=r"write Policy\(\[...\], value_range=4095\)"):
        next(iter(vary.stream((TWELVE, np.arange(8)), Policy([Normalize()]), batch_size=8)))


def test_of_many_channels_all_are_judged_alike() -> None:
    """A dark first band says nothing of the others."""
    bands = np.concatenate([TWELVE[..., :1] // 100, FULL, FULL, FULL], axis=-1)
    assert not reported(Policy([Normalize(0.5, 0.2)]), bands)
    assert reported(Policy([Normalize(0.5, 0.2)]), bands >> 4)
