"""The affine functions of `vary.keras`: right by default, and the original's pixels with `compat="1.1.2"`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import oracle
from keras_images.original import original, quietly

import vary
from vary import keras as K  # noqa: N812

HWC = {"row_axis": 0, "col_axis": 1, "channel_axis": 2}
BY_PLACE = (0, 1, 2)


FACES: tuple[Any, ...] = (None, "keras-2", "1.1.2")


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (height, width, channels)).astype(np.float32)


def some_map(rng: np.random.Generator) -> dict[str, float]:
    names = {"theta": 180.0, "tx": 9.0, "ty": 9.0, "shear": 30.0}
    drawn = {name: float(rng.uniform(-most, most)) for name, most in names.items()}
    return {**drawn, "zx": float(rng.uniform(0.5, 2)), "zy": float(rng.uniform(0.5, 2))}


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int32", "uint16"])
@pytest.mark.parametrize("fill_mode", ["nearest", "constant", "reflect", "wrap", "mirror"])
def test_affine_equals_the_originals(fill_mode: str, dtype: str) -> None:
    k, rng = original(), np.random.default_rng(1)
    for case in range(20):
        x = noise(*rng.integers(3, 40, 2), seed=case).astype(dtype)
        some = {"theta": 90.0 * (case // 5 - 1)} if case % 5 == 0 else some_map(rng)
        how: dict[str, Any] = {**some, **HWC, "fill_mode": fill_mode, "cval": 7.0}
        expected = quietly(k.apply_affine_transform, x, **how)
        found = K.apply_affine_transform(x, **how, compat="1.1.2")
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=0, atol=1, err_msg=str(how))


@pytest.mark.parametrize("order", [0, 1, 3])
def test_wrap_repeats_the_picture(order: int) -> None:
    """The old one repeats all but one row and column."""
    if order > 1:
        oracle("scipy")
    x = noise(9, 12)
    how: dict[str, Any] = {"fill_mode": "wrap", "order": order}
    np.testing.assert_allclose(K.apply_affine_transform(x, tx=12, ty=-9, **HWC, **how), x, atol=0.01)
    assert np.abs(K.apply_affine_transform(x, tx=12, **HWC, **how, compat="keras-2") - x).max() > 1


def test_constant_begins_at_the_centre_of_the_last_pixel() -> None:
    x = noise(9, 12)
    how: dict[str, Any] = {"fill_mode": "constant", "cval": -1.0}
    for compat in FACES:
        found = K.apply_affine_transform(x, tx=0.4, **HWC, **how, compat=compat)
        found = np.swapaxes(found, 0, 1) if compat == "1.1.2" else found  # its tx moves rows
        assert (found[:, -1] == -1).all()
        assert (found[:, :-1] != -1).all()
    square = noise(9, 9)
    for turn in (90, 180, 270):  # where old versions may lose an edge, by rounding
        found = K.apply_affine_transform(square, theta=turn, **HWC, **how)
        np.testing.assert_allclose(found, np.rot90(square, turn // 90), atol=0.01)


def test_whole_numbers_are_rounded() -> None:
    x = np.arange(12, dtype=np.int32).reshape(3, 4, 1) * 100
    found = K.apply_affine_transform(x, tx=0.259, **HWC)
    np.testing.assert_array_equal(found[:, :3], x[:, :3] + 26)


@pytest.mark.parametrize("size", [(2, 2), (1, 5), (2, 9)])
def test_small_images_wrap_as_the_originals(size: tuple[int, int]) -> None:
    how: dict[str, Any] = {"tx": 1.3, "ty": -2.6, **HWC, "fill_mode": "wrap"}
    expected = quietly(original().apply_affine_transform, noise(*size), **how)
    found = K.apply_affine_transform(noise(*size), **how, compat="1.1.2")
    np.testing.assert_allclose(found, expected, rtol=0, atol=0.1)


@pytest.mark.parametrize("order", [0, 2, 3, 5])
def test_other_orders_equal_the_originals(order: int) -> None:
    k, rng = original(), np.random.default_rng(2)
    for fill_mode in ("nearest", "constant", "wrap"):
        x, how = noise(21, 34), {**some_map(rng), **HWC, "fill_mode": fill_mode, "order": order}
        expected = quietly(k.apply_affine_transform, x, **how)
        np.testing.assert_allclose(K.apply_affine_transform(x, **how, compat="1.1.2"), expected, rtol=0, atol=1)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("random_rotation", (40,)),
        ("random_shift", (0.2, 0.4)),
        ("random_shear", (30,)),
        ("random_zoom", ((0.5, 1.5),)),
        ("random_zoom", ((1, 1),)),
    ],
)
@pytest.mark.parametrize("axes", [BY_PLACE, (1, 2, 0)])
def test_random_functions_draw_as_the_original(name: str, args: tuple[Any, ...], axes: tuple[int, int, int]) -> None:
    k = original()
    x = np.ascontiguousarray(np.moveaxis(noise(17, 29), (0, 1, 2), axes))
    for seed in range(10):
        np.random.seed(seed)  # noqa: NPY002  the original's generator
        expected, after = quietly(getattr(k, name), x, *args, *axes), np.random.random()  # noqa: NPY002
        np.random.seed(seed)  # noqa: NPY002
        found = getattr(K, name)(x, *args, *axes, compat="1.1.2")
        np.testing.assert_allclose(found, expected, rtol=0, atol=1)
        assert np.random.random() == after  # noqa: NPY002  as many numbers were drawn


@pytest.mark.parametrize("size", [(9, 9), (5, 9), (20, 7), (6, 11)])
def test_turns_are_about_the_true_centre(size: tuple[int, int]) -> None:
    x = noise(*size)
    np.testing.assert_allclose(K.apply_affine_transform(x, theta=180, **HWC), x[::-1, ::-1], atol=0.1)
    four = x
    for _ in range(2):
        four = K.apply_affine_transform(four, theta=180, **HWC)
    np.testing.assert_allclose(four, x, atol=0.1)
    assert np.abs(K.apply_affine_transform(x, theta=180, **HWC, compat="1.1.2") - x[::-1, ::-1]).max() > 1
    if size[0] != size[1]:
        assert np.abs(K.apply_affine_transform(x, theta=180, **HWC, compat="keras-2") - x[::-1, ::-1]).max() > 1


def test_width_means_columns() -> None:
    x = noise(12, 20)
    np.testing.assert_array_equal(K.apply_affine_transform(x, tx=3, **HWC)[:, :-3], x[:, 3:])
    np.testing.assert_array_equal(K.apply_affine_transform(x, ty=3, **HWC)[:-3], x[3:])
    np.testing.assert_array_equal(K.apply_affine_transform(x, tx=3, **HWC, compat="1.1.2")[:-3], x[3:])
    rows = np.repeat(noise(12, 1), 20, axis=1)  # equal columns: a shift along the width changes nothing
    assert (K.random_shift(rows, 0.5, 0, *BY_PLACE) == rows).all()
    assert (K.random_shift(rows, 0.5, 0, *BY_PLACE, compat="1.1.2") == rows).all()
    np.random.seed(0)  # noqa: NPY002
    assert (K.random_shift(rows, 0.5, 0, *BY_PLACE, compat="keras-2") != rows).any(), "the old version swaps the two"


def test_a_positive_angle_is_counter_clockwise_as_vary_turns() -> None:
    x = noise(31, 31).astype(np.uint8)
    expected = vary.Policy([vary.Rotate((30, 30))], antialias=False)(x)
    found = K.apply_affine_transform(x, theta=30, **HWC)
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1


def test_the_faces_agree_where_the_old_one_is_right() -> None:
    """On squares, "keras-2" turns about the true centre."""
    rng, x = np.random.default_rng(3), noise(24, 24)
    for fill_mode in ("nearest", "reflect"):
        how: dict[str, Any] = {**some_map(rng), **HWC, "fill_mode": fill_mode}
        right, old = K.apply_affine_transform(x, **how), K.apply_affine_transform(x, **how, compat="keras-2")
        np.testing.assert_allclose(right, old, rtol=0, atol=0.1)


def test_old_geometry_of_keras_2() -> None:
    """Its matrix, written out: about (h/2 - 1/2, w/2 - 1/2) used as (x, y), then sampled by SciPy."""
    ndimage = oracle("scipy.ndimage")
    rng, x = np.random.default_rng(4), noise(19, 33)
    for _ in range(10):
        p = some_map(rng)
        t, s, cx, cy = np.deg2rad(p["theta"]), np.deg2rad(p["shear"]), 9.0, 16.0
        turn = np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]])
        linear = turn @ np.array([[1, -np.sin(s)], [0, np.cos(s)]]) @ np.diag([p["zx"], p["zy"]])
        offset = turn @ [p["tx"], p["ty"]] + [cx, cy] - linear @ [cx, cy]
        one = [
            ndimage.affine_transform(x[..., c], linear[::-1, ::-1], offset[::-1], order=1, mode="constant", cval=3)
            for c in range(3)
        ]
        found = K.apply_affine_transform(x, **p, **HWC, fill_mode="constant", cval=3, compat="keras-2")
        np.testing.assert_allclose(found, np.stack(one, 2), rtol=0, atol=1)


def test_any_number_of_channels_and_layout() -> None:
    x = noise(14, 18, 7)
    whole = K.apply_affine_transform(x, theta=20, zx=1.2, **HWC)
    each = [K.apply_affine_transform(x[..., c : c + 1], theta=20, zx=1.2, **HWC) for c in range(7)]
    np.testing.assert_array_equal(whole, np.concatenate(each, 2))
    first = K.apply_affine_transform(np.ascontiguousarray(np.moveaxis(x, 2, 0)), theta=20, zx=1.2)
    np.testing.assert_array_equal(np.moveaxis(first, 0, 2), whole)


def test_channels_last_without_axes_is_a_trap() -> None:
    with pytest.warns(K.TrapWarning, match="channel_axis=2"):
        K.random_rotation(noise(20, 30), 10)
    K.random_rotation(noise(20, 30), 10, compat="keras-2")  # warns of nothing
    K.random_rotation(np.moveaxis(noise(20, 30), 2, 0), 10)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"x": np.zeros((2, 8, 8, 3))}, "image by image"),
        ({"row_axis": 0, "col_axis": 0}, "each once"),
        ({"channel_axis": -1}, "negative"),
        ({"fill_mode": "reflekt", "theta": 1}, "fill_mode='reflekt'.*nearest"),
        ({"order": 9, "theta": 1}, "order=9.*bilinear"),
        ({"compat": "keras-3"}, "compat='keras-3'.*1.1.2"),
    ],
)
def test_errors_name_the_cure(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(vary.InputError, match=says):
        K.apply_affine_transform(**{"x": np.zeros((3, 8, 8), np.float32), **arguments})


def test_a_zoom_of_two_numbers_is_needed() -> None:
    with pytest.raises(ValueError, match="pair"):
        K.random_zoom(noise(4, 4), 0.2, *BY_PLACE)  # type: ignore[arg-type]


def test_an_image_may_shrink_to_a_point() -> None:
    x = noise(7, 7)
    flat = K.apply_affine_transform(x, zx=0, zy=0, **HWC)
    np.testing.assert_allclose(flat, np.broadcast_to(x[3, 3], x.shape), atol=0.01)


WITHOUT_SCIPY = """
import sys
sys.modules.update(dict.fromkeys(("scipy", "tensorflow", "keras", "pandas")))  # their imports fail
import numpy as np
import vary
from vary import keras
x = np.zeros((8, 9, 3), np.float32)
for fill_mode in ("nearest", "constant", "reflect", "wrap", "mirror"):
    for compat in (None, "keras-2", "1.1.2"):
        for order in (0, 1):
            keras.apply_affine_transform(x, 30, 1, 2, 3, 1, 2, 0, 1, 2, fill_mode, 0.0, order, compat=compat)
keras.save_img(sys.argv[1], x)
keras.load_img(sys.argv[1], target_size=(3, 3))
try:
    keras.apply_affine_transform(x, 30, row_axis=0, col_axis=1, channel_axis=2, order=3)
except vary.InputError as error:
    print(error)
"""


def test_scipy_is_needed_for_splines_only(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", WITHOUT_SCIPY, str(tmp_path / "x.png")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    assert "pip install scipy" in run.stdout


def test_importing_is_light() -> None:
    code = "import vary.keras, sys; print(*{'PIL', 'scipy', 'keras', 'tensorflow', 'pandas'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "", "")
