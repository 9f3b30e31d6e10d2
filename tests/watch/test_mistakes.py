"""Mistakes that would train on nonsense: each causes one warning, which names the transform and the cure."""

import math
import threading
import warnings
from typing import Any

import numpy as np
import pytest
from conftest import name_of
from watch.pictures import PHOTOS, floats, noise

import vary
from vary import (
    Affine,
    Brightness,
    ChannelShift,
    Contrast,
    Lambda,
    Normalize,
    Policy,
    Rescale,
    Rotate,
    Shear,
    Translate,
)

BYTES, UNIT = noise(8), floats(noise(8))
LEVELS = BYTES.astype(np.float32)
ONES = (PHOTOS > 99).astype(np.uint8)
BYTE_STATISTICS = Normalize((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))


def divided(image: np.ndarray) -> np.ndarray:
    return (image / 255).astype(image.dtype)


def reported(policy: Policy, images: Any, **how: Any) -> list[str]:
    """The warnings of one call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        policy.batch(images, seed=0, **how)
    assert all(one.category is vary.ValueWarning and one.filename == __file__ for one in caught)
    return [str(one.message) for one in caught]


POLICIES: list[tuple[list[vary.Transform], dict[str, Any], np.ndarray, tuple[str, ...]]] = [
    # floats in another range than the policy's
    ([], {}, LEVELS, ("0 .. 255", "value_range=255", "uint8")),
    ([Rotate(30)], {}, LEVELS, ("0 .. 255", "value_range=255")),
    ([Brightness(0.2)], {}, LEVELS, ("0 .. 255", "value_range=255", "Brightness")),
    ([Rescale(1 / 255), Brightness(0.2)], {}, LEVELS, ("0 .. 255", "value_range=255")),
    ([Normalize()], {}, LEVELS, ("0 .. 255", "value_range=255", "Normalize")),
    ([Rotate(30)], {}, LEVELS[:1], ("value_range=255",)),
    ([Rotate(30)], {}, LEVELS * 257, ("0 .. 65535", "value_range=65535")),
    ([Rotate(30)], {}, LEVELS * 16, ("value_range=4095",)),
    ([Rotate(30)], {}, UNIT * 10, ("value_range=10",)),
    ([Lambda(np.flipud), Normalize()], {}, LEVELS, ("value_range=255", "Normalize")),
    ([Rotate(30)], {}, UNIT * 2 - 1, ("-1 .. 1", "value_range=(-1, 1)")),
    ([Rotate(30)], {}, UNIT * 6 - 3, ("value_range=(-3, 3)",)),
    ([Brightness(0.2)], {"value_range": 255}, UNIT, ("0 .. 1", "leave out value_range=")),
    ([Brightness(0.2)], {"value_range": 1}, BYTES, ("leave out value_range=",)),
    ([], {}, np.where(np.arange(80)[:, None] % 7 == 0, np.nan, UNIT), ("NaN", "numpy.nan_to_num")),
    # rescaled too often, or the wrong way
    ([Normalize(), Rescale(1 / 255)], {}, BYTES, ("Rescale", "after Normalize", "before Normalize")),
    ([Rescale(1 / 255), Normalize(), Rescale(1 / 255)], {}, BYTES, ("Rescale", "after Normalize")),
    ([Rescale(1 / 255)], {}, UNIT, ("0 .. 1", "Rescale(scale=0.0039", "leave it out")),
    ([Rescale(1 / 127.5, -1)], {}, UNIT, ("Rescale(scale=0.0078", "leave it out")),
    ([Rescale(1 / 255), Rescale(1 / 255)], {}, BYTES, ("0 .. 0.00392", "2 times", "Rescale(1 / 255)")),
    ([Rescale(1 / 65535)], {}, BYTES, ("Rescale(1 / 255)",)),
    ([Rescale(255)], {}, BYTES, ("Rescale(scale=255.0)", "65025", "Rescale(1 / 255)")),
    ([Rescale(3)], {}, BYTES, ("765", "Rescale(1 / 255)")),
    ([Rescale(255)], {"value_range": 255}, LEVELS, ("65025",)),
    ([Rescale(1 / 255, p=0.5)], {}, BYTES, ("some pictures only", "two scales")),
    ([vary.Sometimes([Normalize()])], {}, BYTES, ("Normalize()", "some pictures only")),
    (
        [Rotate(30), Rescale(1 / 255)],
        {},
        ONES,
        ("Rescale(scale=0.0039", "hold 0 .. 1", "value_range=1", "images * 255"),
    ),
    ([Normalize()], {}, ONES, ("Normalize", "hold 0 .. 1", "value_range=1")),
    # statistics of another range
    ([BYTE_STATISTICS], {}, BYTES, ("123.675", "fractions", "Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))")),
    ([BYTE_STATISTICS], {}, UNIT, ("Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))",)),
    ([Rescale(1 / 255), Normalize(127.5, 127.5)], {}, BYTES, ("Normalize(0.500, 0.500)",)),
    ([Normalize(0, 255)], {}, BYTES, ("fractions",)),
    ([Normalize(0.485 / 255, 0.229 / 255)], {}, BYTES, ("far from 0", "fractions")),
    # constant or saturated
    ([Brightness((10, 10))], {}, BYTES, ("Brightness(factor=(10.0, 10.0))", "saturated", "around 1")),
    ([Brightness((10, 10)), Rescale(1 / 255), Normalize()], {}, PHOTOS, ("Brightness", "saturated")),
    ([Brightness((10, 10))], {}, BYTES[:1], ("saturated",)),
    ([Brightness((80, 100))], {}, BYTES, ("percent", "(0.8, 1.2)")),
    ([Contrast((20, 20))], {}, PHOTOS, ("Contrast", "(0.8, 1.2)")),
    ([Brightness((0, 0))], {}, PHOTOS, ("Brightness", "constant")),
    ([Contrast((0, 0)), Normalize()], {}, BYTES, ("Contrast", "constant")),
    ([Contrast((0, 0))], {}, UNIT, ("Contrast", "constant")),
    ([ChannelShift((0.9, 1))], {}, PHOTOS, ("ChannelShift", "saturated")),
    ([ChannelShift((-1, -0.9), joint=1)], {}, UNIT, ("ChannelShift", "saturated")),
    ([Lambda(divided)], {}, BYTES, ("Lambda", "constant")),
    # lengths and angles of another unit
    ([Translate(x=10)], {}, BYTES, ("Translate(x=(-10.0, 10.0))", "fractions", "not pixels", "Translate(x=0.1)")),
    ([Translate(y=(1, 1))], {}, BYTES, ("fractions",)),
    ([Affine(translate_x=5)], {}, BYTES, ("Affine", "fractions")),
    ([Translate(x=9)], {"fill": "wrap"}, BYTES, ("fractions",)),
    ([vary.Zoom(0.2), Translate(x=(1.2, 1.4))], {"fill": 0}, PHOTOS, ("Translate", "fractions")),
    ([Rotate(0.5)], {}, BYTES, ("Rotate(angle=(-0.5, 0.5))", "degrees", "28.6", "180")),
    ([Rotate((0.1, 0.2))], {}, BYTES, ("degrees",)),
    ([Rotate(math.pi / 2)], {}, BYTES, ("degrees", "radians", "90")),
    ([Rotate(3.1416)], {}, BYTES, ("radians", "180")),
    ([Affine(rotate=0.3)], {}, BYTES, ("Affine", "degrees")),
    ([vary.OneOf([Rotate(0.3), Shear(10)])], {}, BYTES, ("Rotate", "degrees")),
    ([Shear(0.2)], {}, BYTES, ("Shear(x=(-0.2, 0.2))", "degrees", "11.3", "Shear(portion=0.2)")),
    ([Shear(y=0.2)], {}, BYTES, ("degrees",)),
    ([Affine(shear=0.2)], {}, BYTES, ("degrees",)),
    ([Shear(portion=11)], {}, BYTES, ("tangent", "Shear(11)")),
    ([vary.Zoom((80, 100))], {}, BYTES, ("factor", "percent")),
    ([vary.Zoom((0.01, 0.05))], {}, BYTES, ("factor", "(1 - a, 1 + a)")),
]


@pytest.mark.parametrize(
    ("transforms", "settings", "images", "words"),
    POLICIES,
    ids=[name_of(f"{row[0]} {row[1]} {row[2].dtype}") for row in POLICIES],
)
def test_each_mistake_warns_once(
    transforms: list[vary.Transform], settings: dict[str, Any], images: np.ndarray, words: tuple[str, ...]
) -> None:
    policy = Policy(transforms, **settings)
    (said,) = reported(policy, images)
    assert all(word in said for word in words), said
    assert len(said) < 2000
    assert not reported(policy, images), "once a policy"
    assert reported(Policy(transforms, **settings), images) == [said], "but again of another"


def test_a_cast_never_rescales() -> None:
    (said,) = reported(Policy([Rotate(10)]), UNIT, dtype="uint8")
    assert "dtype='uint8'" in said
    assert "value_range=255" in said
    assert not reported(Policy([Rotate(10)], value_range=255), LEVELS, dtype="uint8")
    assert not reported(Policy([Rotate(10)]), np.rint(UNIT), dtype="uint8"), "a mask of zeros and ones"


@pytest.mark.parametrize(
    "cure", [Policy([Rotate(9)], value_range=255), Policy([Rotate(9), Rescale(1 / 255)])], ids=name_of
)
def test_the_cures_are_quiet(cure: Policy) -> None:
    assert not reported(cure, LEVELS)


def test_masks_of_ones_by_the_cures_are_quiet() -> None:
    assert not reported(Policy([Rotate(30), Normalize()], value_range=1), ONES)
    assert not reported(Policy([Rescale(1 / 255), Normalize()]), ONES * 255)
    assert not reported(Policy([Rotate(30)]), ONES, dtype="float32")
    assert not reported(Policy([Rescale(1 / 255)]), ONES[:2]), "a few may be dark"
    assert not reported(Policy([Rescale(1 / 255)]), ONES * 2)


def test_pictures_one_by_one() -> None:
    """What depends on a draw shows on several pictures only."""
    policy = Policy([Brightness((8, 10))])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        counts = [len(caught) for image in BYTES if policy(image, seed=0) is not None]
    assert counts == [0, 0, 0, 1, 1, 1, 1, 1]


def test_a_list_of_several_sizes_and_an_array_to_write_into() -> None:
    images = [PHOTOS[0], PHOTOS[1][:50], PHOTOS[2][:, :40], PHOTOS[3]]
    policy = Policy([vary.Resize(20, 30), ChannelShift((1, 1))])
    assert len(reported(policy, images, out=np.empty((4, 20, 30, 3), np.uint8))) == 1
    assert len(reported(Policy([ChannelShift((1, 1))]), PHOTOS, layout="NCHW")) == 1


def test_several_threads_warn_once() -> None:
    policy, begin = Policy([Rotate(0.5), Brightness((10, 10))]), threading.Barrier(8)

    def run() -> None:
        begin.wait()
        for _ in range(5):
            policy.batch(BYTES, seed=0)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        threads = [threading.Thread(target=run) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(caught) == 2


def test_as_an_error_it_says_the_same() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(vary.ValueWarning, match="value_range=255"):
            Policy([]).batch(LEVELS, seed=0)


def test_it_can_be_silenced() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=vary.ValueWarning)
        Policy([Rotate(0.5)]).batch(LEVELS, seed=0)


def test_three_grey_pictures_may_be_one() -> None:
    (said,) = reported(Policy([]), PHOTOS[:3, ..., 0])
    assert "np.moveaxis(images, 0, -1)[None]" in said
    with pytest.warns(vary.ValueWarning, match="read as 3 grey pictures"):
        vary.Arrays(PHOTOS[:3, ..., 0])
    assert not reported(Policy([]), PHOTOS[:3, ..., :1])


def test_messages_stay_short() -> None:
    policy = Policy([*(Rescale(1 + k / 1000) for k in range(200)), Rescale(1000)])
    (said,) = reported(policy, BYTES)
    assert len(said) < 2000
