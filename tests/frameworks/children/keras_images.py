"""`vary.keras` with `compat="keras-2"` against the old image module in Keras: same numbers, pixels within 1 level."""

import importlib
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from keras.src.legacy.preprocessing import image as original

from vary import keras
from vary.keras.old_functions import functions_of
from vary.keras.parameters import checked
from vary.keras.transform import get_random_transform

sys.path.insert(0, str(Path(__file__).parents[2] / "keras_images"))
cases: Any = importlib.import_module("cases")

IMAGE = np.random.default_rng(0).uniform(0, 255, (12, 17, 3)).astype(np.float32)
HWC = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
SHIFTS = (0.0, 0.2, 3, 5.5, [-3, 0, 3], [0.1, 0.2], 1, [3])
COMPAT: dict[str, Any] = {"compat": "keras-2"}


def both(name: str, x: np.ndarray, *args: Any, **kwargs: Any) -> None:
    found, rest = [], []
    calls: list[Callable[..., Any]] = [getattr(original, name), getattr(keras, name)]
    for call, how in zip(calls, ({}, COMPAT), strict=True):
        np.random.seed(3)  # noqa: NPY002  the original's generator
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found.append(call(x, *args, **kwargs, **how))
        rest.append(np.random.random())  # noqa: NPY002
    np.testing.assert_allclose(*found, rtol=0, atol=1, err_msg=name)
    assert rest[0] == rest[1], name


def check_affine_maps_give_the_same_pixels() -> None:
    rng = np.random.default_rng(1)
    for fill_mode in ("nearest", "constant", "reflect", "wrap"):
        for _ in range(10):
            theta, tx, ty, shear = rng.uniform(-1, 1, 4) * (180, 9, 9, 30)
            how = {
                "theta": theta,
                "tx": tx,
                "ty": ty,
                "shear": shear,
                "zx": rng.uniform(0.5, 2),
                "fill_mode": fill_mode,
            }
            both("apply_affine_transform", IMAGE, **how, **HWC, cval=7.0)


def check_random_functions_draw_the_same_numbers() -> None:
    for name, given in (("rotation", (40,)), ("shift", (0.2, 0.3)), ("shear", (40,)), ("zoom", ((0.5, 1.5),))):
        both(f"random_{name}", IMAGE, *given, 0, 1, 2)
        both(f"random_{name}", np.moveaxis(IMAGE, 2, 0).copy(), *given, 1, 2, 0)


def check_brightness_is_the_same() -> None:
    for x in (IMAGE, IMAGE * 3 - 100):
        for scale in (True, False):
            both("random_brightness", x, (0.5, 1.5), scale)
            both("apply_brightness_shift", x, 1.3, scale)


def check_transforms_are_drawn_the_same() -> None:
    rng = np.random.default_rng(5)
    for case in range(50):
        given: dict[str, Any] = {
            "rotation_range": int(rng.integers(90)),
            "shear_range": float(rng.choice([0, 12.5])),
            "horizontal_flip": bool(rng.integers(2)),
            "width_shift_range": SHIFTS[rng.integers(len(SHIFTS))],
            "height_shift_range": SHIFTS[rng.integers(len(SHIFTS))],
            "zoom_range": [0.0, 0.2, [0.5, 1.5], 1.2][rng.integers(4)],
            "channel_shift_range": [0.0, 30.0][rng.integers(2)],
            "brightness_range": [None, (0.5, 1.5)][rng.integers(2)],
        }
        generator = original.ImageDataGenerator(**given, data_format="channels_last")
        expected = generator.get_random_transform(IMAGE.shape, case)
        assert get_random_transform(checked(given, "keras-2"), IMAGE.shape, case, "keras-2") == expected


def check_smart_resize_is_the_same() -> None:
    from keras.preprocessing.image import smart_resize

    for size in ((8, 8), (20, 9), (5, 30)):
        expected = np.asarray(smart_resize(IMAGE, size))
        np.testing.assert_allclose(keras.smart_resize(IMAGE, size), expected, rtol=0, atol=1)


def check_iterators_give_the_same_batches() -> None:
    x, y = np.random.default_rng(0).uniform(0, 255, (14, 24, 17, 3)), np.arange(14) % 2
    rotated: dict[str, Any] = {"rotation_range": 40, "shear_range": 11.0, "zoom_range": 0.2}
    cases: list[dict[str, Any]] = [
        {**rotated, "width_shift_range": 0.2, "height_shift_range": 0.1, "rescale": 1 / 255, "horizontal_flip": True},
        {**rotated, "fill_mode": "constant", "cval": 5.0, "samplewise_center": True},
        {"brightness_range": (0.5, 1.5), "channel_shift_range": 20.0, "fill_mode": "wrap", "width_shift_range": 3},
        {"featurewise_center": True, "featurewise_std_normalization": True, "vertical_flip": True},
        {"featurewise_center": True, "zca_whitening": True, "zca_epsilon": 0.1},
    ]
    for given in cases:
        generators = original.ImageDataGenerator(**given), keras.ImageDataGenerator(**given, **COMPAT)
        for seed in (3, None):
            found = []
            for generator in generators:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    if given.get("featurewise_center"):
                        generator.fit(x[..., :1] if given.get("zca_whitening") else x)
                    data = x[..., :1] if given.get("zca_whitening") else x
                    it = generator.flow(data, y, batch_size=6, seed=seed)
                    np.random.seed(8)  # noqa: NPY002
                    made = [next(it) for _ in range(4)] + [it[1]]
                    it.on_epoch_end()
                    found.append([*made, it[0], (np.random.random(), 0)])  # noqa: NPY002
            for (a, b), (c, d) in zip(*found, strict=True):
                np.testing.assert_allclose(a, c, rtol=0, atol=1, err_msg=str(given))
                np.testing.assert_array_equal(b, d)


def check_random_uses_give_the_same() -> None:
    with tempfile.TemporaryDirectory() as folder:
        ours = partial(keras.ImageDataGenerator, **COMPAT)
        for case in range(200):
            assert not cases.difference(original.ImageDataGenerator, ours, case, Path(folder)), case


def check_functions_are_the_same() -> None:
    functions = functions_of("keras-2")
    for case in range(600):
        found = cases.function_difference(
            partial(getattr, original), lambda name: functions.get(name) or getattr(keras, name), case
        )
        assert not found, case


def check_thin_pictures_keep_their_aspect_ratio_the_same() -> None:
    from keras.utils import load_img
    from PIL import Image

    rng = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.png"
        for _ in range(60):
            Image.fromarray(rng.integers(0, 256, (*rng.integers(1, 20, 2), 3), np.uint8)).save(path)
            how: dict[str, Any] = {"target_size": tuple(rng.integers(1, 12, 2).tolist()), "keep_aspect_ratio": True}
            expected = np.asarray(load_img(path, **how))
            assert (np.asarray(keras.load_img(path, **how, compat="keras-2")) == expected).all()


def check_what_keras_dropped_is_added_and_its_own_stays() -> None:
    from keras.preprocessing import image

    own = image.load_img
    keras.install()
    assert image.ImageDataGenerator is keras.ImageDataGenerator
    assert image.flip_axis is keras.flip_axis
    assert image.load_img is own
