"""What `get_random_transform` draws: the original's numbers with `compat=`, and functions of an address without."""

from typing import Any

import numpy as np
import pytest
from keras_images.original import original, quietly

import vary
from vary import keras
from vary.keras.draws import KEYS, drawn
from vary.keras.parameters import Parameters, checked
from vary.keras.transform import apply_transform, get_random_transform

SHAPE = (31, 47, 3)
SHIFTS = (0.0, 0.2, 0.999, 3, 1, 5.5, [-3, 0, 3], [0.1, 0.2], [-10, 0], [3], (1, 2))
CASES = range(50)


def some_parameters(case: int) -> dict[str, Any]:
    """Parameters in every form that they may have, some of them off."""
    rng = np.random.default_rng(case)

    def one_of(*values: Any) -> Any:
        return values[rng.integers(len(values))]

    return {
        "rotation_range": one_of(0, 40, 12.5),
        "width_shift_range": one_of(*SHIFTS),
        "height_shift_range": one_of(*SHIFTS),
        "shear_range": one_of(0.0, 0.2, 15),
        "zoom_range": one_of(0.0, 0.2, [0.5, 1.5], (0.9, 0.9), [1, 1]),
        "channel_shift_range": one_of(0.0, 30.0),
        "brightness_range": one_of(None, (0.5, 1.5), [0.2, 0.9]),
        "horizontal_flip": bool(rng.integers(2)),
        "vertical_flip": bool(rng.integers(2)),
        "fill_mode": one_of("nearest", "constant", "reflect", "wrap"),
        "data_format": one_of("channels_last", "channels_last", "channels_first"),
    }


def image(data_format: str) -> np.ndarray:
    x = np.random.default_rng(0).uniform(0, 255, SHAPE).astype(np.float32)
    return x if data_format == "channels_last" else np.moveaxis(x, 2, 0).copy()


@pytest.mark.parametrize("case", CASES)
def test_draws_equal_the_originals(case: int) -> None:
    k, given = original(), some_parameters(case)
    shape, generator = image(given["data_format"]).shape, k.ImageDataGenerator(**given)
    parameters = checked(given, "1.1.2")
    for seed in (0, case, 12345):
        assert get_random_transform(parameters, shape, seed, "1.1.2") == generator.get_random_transform(shape, seed)
    np.random.seed(case)  # noqa: NPY002  without a seed, both go on from the global state
    expected = [generator.get_random_transform(shape) for _ in range(3)]
    np.random.seed(case)  # noqa: NPY002
    assert [get_random_transform(parameters, shape, None, "1.1.2") for _ in range(3)] == expected


@pytest.mark.parametrize("case", CASES)
def test_transformed_images_equal_the_originals(case: int) -> None:
    given = some_parameters(case)
    if given["data_format"] == "channels_first":
        given["brightness_range"] = None  # the original takes rows for channels there
    x, generator, parameters = (
        image(given["data_format"]),
        original().ImageDataGenerator(**given),
        checked(given, "1.1.2"),
    )
    for seed in range(3):
        expected = quietly(generator.random_transform, x.copy(), seed)
        transform = get_random_transform(parameters, x.shape, seed, "1.1.2")
        found = apply_transform(parameters, x, transform, "1.1.2")
        # brightness stretches the image by its extremes, and truncates: 2 levels are 1 before
        most = 1 if transform["brightness"] is None else 3
        assert np.abs(found - expected).max() <= most, given


def test_old_draws_of_keras_2_are_those_of_version_1_1_2() -> None:
    for case in CASES:
        parameters = checked({**some_parameters(case), "data_format": "channels_last"}, "keras-2")
        args = parameters, SHAPE, case
        assert get_random_transform(*args, "keras-2") == get_random_transform(*args, "1.1.2")


def test_right_draws_are_a_function_of_the_address() -> None:
    parameters = checked({"rotation_range": 40, "zoom_range": 0.2, "horizontal_flip": True})
    args = parameters, SHAPE
    first = get_random_transform(*args, seed=3)
    np.random.seed(0)  # noqa: NPY002  of no effect
    state = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    assert get_random_transform(*args, seed=3) == first != get_random_transform(*args, seed=4)
    assert get_random_transform(*args) != get_random_transform(*args)
    assert (np.random.get_state()[1] == state).all()  # type: ignore[index]  # noqa: NPY002  no global state is used
    addresses = [(3, epoch, index, view) for epoch in range(2) for index in range(2) for view in range(2)]
    assert drawn(parameters, SHAPE[:2], addresses[0]) == first
    assert len({drawn(parameters, SHAPE[:2], address)["theta"] for address in addresses}) == len(addresses)


def test_a_draw_does_not_depend_on_what_else_is_drawn() -> None:
    alone = get_random_transform(checked({"shear_range": 20}), SHAPE, 5)
    among = get_random_transform(checked({"shear_range": 20, "rotation_range": 40, "zoom_range": 0.3}), SHAPE, 5)
    assert alone["shear"] == among["shear"] != 0


def many(given: dict[str, Any], key: str) -> np.ndarray:
    parameters = Parameters(**{"zoom_range": (1, 1), **given})
    return np.array([drawn(parameters, (100, 200), (1, 0, index, 0))[key] for index in range(2000)], float)


@pytest.mark.parametrize(
    ("given", "key", "low", "high"),
    [
        ({"rotation_range": 40}, "theta", -40, 40),
        ({"width_shift_range": 0.1}, "tx", -20, 20),
        ({"height_shift_range": 0.1}, "ty", -10, 10),
        ({"width_shift_range": 7.5}, "tx", -7.5, 7.5),
        ({"shear_range": 20}, "shear", -20, 20),
        ({"zoom_range": (0.8, 1.4)}, "zx", 0.8, 1.4),
        ({"zoom_range": (0.8, 1.4)}, "zy", 0.8, 1.4),
        ({"channel_shift_range": 30}, "channel_shift_intensity", -30, 30),
        ({"brightness_range": (0.5, 2)}, "brightness", 0.5, 2),
    ],
)
def test_right_draws_fill_their_range_evenly(given: dict[str, Any], key: str, low: float, high: float) -> None:
    values = many(given, key)
    assert low <= values.min()
    assert values.max() <= high
    counts = np.histogram(values, 4, (low, high))[0]
    assert counts.min() > 420, "a quarter of 2000 is 500"


def test_right_shifts_by_whole_pixels_and_from_lists() -> None:
    whole, counts = np.unique(many({"width_shift_range": 3}, "tx"), return_counts=True)
    assert whole.tolist() == [-2, -1, 0, 1, 2]
    assert counts.min() > 320, "0 is as likely as the others"
    assert set(many({"width_shift_range": [-10, 0]}, "tx")) == {-10, 0}, "pixels, because one is 1 or more"
    assert set(many({"height_shift_range": np.array([-0.5, 0.25])}, "ty")) == {-50, 25}


@pytest.mark.parametrize("key", ["flip_horizontal", "flip_vertical"])
def test_right_flips_are_even(key: str) -> None:
    assert 900 < many({"horizontal_flip": True, "vertical_flip": True}, key).sum() < 1100
    assert not many({}, key).any()


def test_nothing_is_drawn_by_default() -> None:
    off = dict.fromkeys(KEYS[:4], 0) | {"zx": 1, "zy": 1, "flip_horizontal": False, "flip_vertical": False}
    expected = {**off, "channel_shift_intensity": None, "brightness": None}
    assert get_random_transform(checked({}), SHAPE, 1) == expected
    x = image("channels_last")
    assert apply_transform(checked({}), x, expected) is x


def test_transforms_are_applied_in_order() -> None:
    x, p = image("channels_last"), checked({})
    np.testing.assert_array_equal(apply_transform(p, x, {"flip_horizontal": True}), x[:, ::-1])
    np.testing.assert_array_equal(apply_transform(p, x, {"flip_vertical": True}), x[::-1])
    shifted = apply_transform(p, x, {"tx": 5, "flip_horizontal": True})
    np.testing.assert_array_equal(shifted[:, 5:], x[:, 5:][:, ::-1])
    bright = apply_transform(p, x, {"channel_shift_intensity": 50, "brightness": 0.5})
    np.testing.assert_allclose(bright, np.minimum(x + 50, x.max()) / 2, rtol=1e-6)


def test_old_brightness_is_not_scaled_in_a_transform() -> None:
    x, p = image("channels_last") / 2, checked({}, "keras-2")
    found = apply_transform(p, x, {"brightness": 1.2}, "keras-2")
    np.testing.assert_array_equal(found, keras.apply_brightness_shift(x, 1.2, False, compat="keras-2"))
    assert (found != keras.apply_brightness_shift(x, 1.2, True, compat="keras-2")).any()


@pytest.mark.parametrize("seed", [-1, 1 << 64, 1.5])
def test_a_seed_is_a_whole_number(seed: Any) -> None:
    with pytest.raises(vary.InputError, match=f"seed={seed}"):
        get_random_transform(checked({}), SHAPE, seed)
    assert get_random_transform(checked({}), SHAPE, np.int64(3)) == get_random_transform(checked({}), SHAPE, 3)  # type: ignore[arg-type]


def test_a_shape_of_three_axes_is_needed() -> None:
    with pytest.raises(vary.InputError, match="three axes"):
        get_random_transform(checked({}), (31, 47))
