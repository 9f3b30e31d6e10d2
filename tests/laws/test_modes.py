"""Look-through and strict mode: where they agree, and how they differ."""

from typing import Any

import numpy as np
import pytest
import strategies
from hypothesis import given, reject, settings, strategies as st

from vary import (
    Affine,
    Brightness,
    CenterCrop,
    Hue,
    InputError,
    Pad,
    Policy,
    PolicyError,
    RandomResizedCrop,
    Resize,
    Rotate,
    Saturation,
    Shear,
    Translate,
    Zoom,
)

some = settings(max_examples=100, deadline=None)
seeds = st.integers(0, 2**64 - 1)
dtypes = strategies.DTYPES


@some
@given(st.data(), dtypes, seeds)
def test_one_geometric_transform_is_the_same_in_both(data: st.DataObject, dtype: str, seed: int) -> None:
    first = data.draw(strategies.leaves(strategies.GEOMETRIC))
    image = data.draw(strategies.pictures(dtype))
    chosen = strategies.fitting(strategies.COLOURS, image.shape[2])
    colours = data.draw(st.lists(strategies.leaves(chosen), max_size=2))
    fill = data.draw(strategies.fills(dtype))
    try:
        through, strict = (
            Policy([first, *colours], fill=fill, strict=strict)(image, seed=seed) for strict in (False, True)
        )
    except PolicyError:  # a change of colour after Normalize
        reject()
    assert np.array_equal(through, strict)


@some
@given(st.data(), dtypes, seeds)
def test_strict_is_one_transform_after_another(data: st.DataObject, dtype: str, seed: int) -> None:
    """Names of draws are counted within a class, so different classes draw in a policy what they draw alone."""
    chosen = data.draw(st.lists(st.sampled_from(strategies.GEOMETRIC), min_size=2, max_size=5, unique=True))
    transforms = [data.draw(strategies.leaves([name])) for name in chosen]
    image = data.draw(strategies.pictures(dtype))
    keep: dict[str, Any] = {"fill": data.draw(strategies.fills(dtype)), "antialias": data.draw(st.booleans())}
    one_by_one = image
    for transform in transforms:
        one_by_one = Policy([transform], **keep)(one_by_one, seed=seed)
    assert np.array_equal(Policy(transforms, strict=True, **keep)(image, seed=seed), one_by_one)


NOISE = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)


def test_strict_colour_keeps_its_place() -> None:
    colour, turn = Saturation((2, 2)), Rotate((30, 30))
    first = Policy([colour, turn], strict=True)(NOISE)
    assert np.array_equal(first, Policy([turn])(Policy([colour])(NOISE)))
    last = Policy([turn, colour], strict=True)(NOISE)
    assert np.array_equal(last, Policy([turn, colour])(NOISE))
    assert not np.array_equal(first, last)
    assert np.array_equal(last, Policy([colour, turn])(NOISE)), "in look-through colour comes after geometry"


def test_strict_colour_sees_no_border_that_comes_after_it() -> None:
    dark, pad = Brightness((0, 0)), Pad(2)
    assert Policy([dark, pad], fill=50)(NOISE)[0, 0, 0] == 0
    assert Policy([dark, pad], fill=50, strict=True)(NOISE)[0, 0, 0] == 50


def test_look_through_can_show_what_a_crop_removed() -> None:
    there_and_back = [CenterCrop(10, 10), Pad(5, 10, 5, 10)]
    assert np.array_equal(Policy(there_and_back, fill=0)(NOISE), NOISE)
    strict = Policy(there_and_back, fill=0, strict=True)(NOISE)
    assert np.array_equal(strict[5:15, 10:20], NOISE[5:15, 10:20])
    assert strict[:5].max() == 0


def test_affine_is_its_four_parts() -> None:
    parts = [Zoom((1.2, 1.2)), Shear((10, 10)), Rotate((20, 20)), Translate((0.1, 0.1), (-0.2, -0.2))]
    whole = Affine((20, 20), (0.1, 0.1), (-0.2, -0.2), (10, 10), (1.2, 1.2))
    assert np.array_equal(Policy([whole])(NOISE), Policy(parts)(NOISE))


SIZES = [  # policy, size of a 20 x 30 picture after it, resamplings in look-through and strict
    ([Resize(7, 9)], (7, 9), 1, 1),
    ([Resize(10, 10, "fit")], (6, 10), 1, 1),
    ([Resize(10, 10, "cover")], (10, 15), 1, 1),
    ([Resize(10, 10, "letterbox")], (10, 10), 1, 1),
    ([Resize(15, 7, "fit"), Pad(1, 2, 3, 4)], (8, 13), 1, 2),
    ([Resize(15, 7, "cover"), CenterCrop(15, 7), Rotate(10)], (15, 7), 1, 3),
    ([RandomResizedCrop(16, 24), Affine(10), Hue(0.1), Translate(0.1)], (16, 24), 1, 3),
    ([Brightness(0.1), Saturation(0.1)], (20, 30), 0, 0),
]


@pytest.mark.parametrize(("transforms", "size", "through", "strict"), SIZES, ids=[str(row[0]) for row in SIZES])
def test_sizes_and_resamplings(transforms: list, size: tuple[int, int], through: int, strict: int) -> None:
    for is_strict, passes in ((False, through), (True, strict)):
        policy = Policy(transforms, strict=is_strict)
        assert policy(NOISE, seed=0).shape == (*size, 3)
        reported = policy.explain(NOISE.shape)
        assert f"cost: {passes} resampling pass{'' if passes == 1 else 'es'}" in reported
    with pytest.raises(InputError, match="height, width"):
        policy.explain((1, 2, 3, 4))
