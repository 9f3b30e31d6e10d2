"""Iterators with compat="1.1.2" against keras-preprocessing 1.1.2: order, draws, pixels, labels and global state."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_images.original import original, quietly
from keras_images.pictures import folder_of_pictures, random_images

from vary import keras

CASES: dict[str, dict[str, Any]] = {
    "classic": {
        "rescale": 1 / 255,
        "rotation_range": 40,
        "width_shift_range": 0.2,
        "height_shift_range": 0.2,
        "shear_range": 11.0,
        "zoom_range": 0.2,
        "horizontal_flip": True,
    },
    "constant": {"rotation_range": 40, "width_shift_range": 3, "fill_mode": "constant", "cval": 9.0},
    "list": {"height_shift_range": [-2, 2], "vertical_flip": True, "fill_mode": "reflect"},
    "samplewise": {"rotation_range": 20, "samplewise_center": True, "samplewise_std_normalization": True},
    "wrap": {"rotation_range": 20, "fill_mode": "wrap", "channel_shift_range": 30.0},
    "brightness": {"zoom_range": [0.5, 1.5], "brightness_range": (0.5, 1.5)},
    "function": {"rotation_range": 40, "preprocessing_function": lambda x: x[:, ::-1] + np.random.rand()},  # noqa: NPY002
    "nearest": {"rotation_range": 40, "data_format": "channels_first", "shear_range": 20, "interpolation_order": 0},
    "spline": {"rotation_range": 40, "interpolation_order": 3, "dtype": "float64"},
    "plain": {},
}


def generators(given: dict[str, Any]) -> tuple[Any, Any]:
    return quietly(original().ImageDataGenerator, **given), keras.ImageDataGenerator(**given, compat="1.1.2")


@contextmanager
def seeded(seed: int) -> Iterator[list[float]]:
    """The global generator from a seed on; the list then has its next number."""
    np.random.seed(seed)  # noqa: NPY002
    after: list[float] = []
    yield after
    after.append(np.random.rand())  # noqa: NPY002


def batches(it: Any) -> list[Any]:
    """Batches by `next` over more than an epoch, then by number, over the end of an epoch, and after a reset."""
    found = [quietly(next, it) for _ in range(len(it) + 1)]
    found.append(quietly(it.__getitem__, len(it) - 1))
    it.on_epoch_end()
    found.append(quietly(it.__getitem__, 0))
    it.reset()
    return [*found, quietly(next, it)]


def compare(old: Any, new: Any, most: float = 0.03) -> None:
    """Both iterators make the same batches, and leave the same state."""
    with seeded(5) as after_old:
        expected = batches(old)
    with seeded(5) as after_new:
        found = batches(new)
    assert after_old == after_new
    for a, b in zip(expected, found, strict=True):
        parts = [(a, b)] if isinstance(a, np.ndarray) else list(zip(a, b, strict=True))
        for p, q in parts:
            many = list(zip(p, q, strict=True)) if isinstance(p, list) else [(p, q)]
            for one, other in many:
                assert one.shape == other.shape
                assert one.dtype == other.dtype
                assert np.abs(one.astype(float) - other).max(initial=0) <= most
    assert (old.batch_index, old.total_batches_seen) == (new.batch_index, new.total_batches_seen)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", [3, None])
@pytest.mark.parametrize("shuffle", [True, False])
def test_flow_equals_the_originals(name: str, seed: int | None, shuffle: bool) -> None:
    x, y = random_images(14, (24, 17, 3)).astype(float), np.arange(14) % 2
    x = np.moveaxis(x, 3, 1) if "data_format" in CASES[name] else x
    flows = [g.flow(x, y, batch_size=6, seed=seed, shuffle=shuffle) for g in generators(CASES[name])]
    compare(*flows)


def test_flow_with_more_inputs_and_weights_equals_the_originals() -> None:
    x, misc, weights = random_images(10, (9, 8, 1)), np.arange(20.0).reshape(10, 2), np.arange(10.0)
    for given in ((x, misc), (x, [misc, misc + 1])):
        flows = [
            g.flow(given, np.arange(10), batch_size=4, seed=1, sample_weight=weights)
            for g in generators({"horizontal_flip": True})
        ]
        with seeded(1):
            expected = [next(flows[0]) for _ in range(4)]
        with seeded(1):
            for a, b in zip(expected, flows[1], strict=False):
                assert all((p == q).all() for p, q in zip(a[0], b[0], strict=True))
                assert (a[1] == b[1]).all()
                assert (a[2] == b[2]).all()


@pytest.mark.parametrize("class_mode", ["categorical", "binary", "sparse", "input", None])
def test_flow_from_directory_equals_the_originals(tmp_path: Path, class_mode: str | None) -> None:
    root = folder_of_pictures(tmp_path, {"b": 5, "a/inner": 2, "a": 3, ".hidden": 1, "10": 2, "2": 0})
    for given in (CASES["classic"], {"validation_split": 0.4}):
        subsets = [None] if given is CASES["classic"] else [None, "training", "validation"]
        for subset in subsets:
            flows = [
                quietly(
                    g.flow_from_directory,
                    str(root),
                    target_size=(20, 15),
                    class_mode=class_mode,
                    batch_size=4,
                    seed=2,
                    subset=subset,
                )
                for g in generators(given)
            ]
            assert flows[0].filenames == flows[1].filenames
            assert flows[0].class_indices == flows[1].class_indices
            assert (flows[0].classes == flows[1].classes).all()
            compare(*flows)


@pytest.mark.parametrize("color_mode", ["grayscale", "rgb", "rgba"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "lanczos"])
def test_files_are_read_as_by_the_original(tmp_path: Path, color_mode: str, interpolation: str) -> None:
    root = folder_of_pictures(tmp_path, {"a": 3, "b": 2})
    how = {"color_mode": color_mode, "interpolation": interpolation, "target_size": (33, 21), "shuffle": False}
    flows = [g.flow_from_directory(str(root), **how) for g in generators({"data_format": "channels_first"})]
    compare(*flows, most=0)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float64", "float16"])
def test_files_of_any_dtype_are_computed_in_float32(tmp_path: Path, dtype: str) -> None:
    root = folder_of_pictures(tmp_path, {"a": 3, "b": 2})
    given = {"rotation_range": 30, "rescale": 0.5, "samplewise_center": True, "dtype": dtype}
    compare(*[quietly(g.flow_from_directory, str(root), (9, 8), seed=1) for g in generators(given)], most=1)


@pytest.mark.parametrize("name", ["classic", "function"])
def test_saved_images_have_the_names_and_pixels_of_the_original(tmp_path: Path, name: str) -> None:
    from PIL import Image

    x = random_images(7, (12, 10, 3))
    for folder, flow in zip(("old", "new"), generators(CASES[name]), strict=True):
        (tmp_path / folder).mkdir()
        with seeded(3):
            it = flow.flow(x, batch_size=4, save_to_dir=str(tmp_path / folder), save_prefix="p")
            for _ in range(2):
                quietly(next, it)
    names = sorted(one.name for one in (tmp_path / "old").iterdir())
    assert names == sorted(one.name for one in (tmp_path / "new").iterdir())
    assert len(names) == 7
    for name in names:
        a, b = (np.asarray(Image.open(tmp_path / folder / name)).astype(int) for folder in ("old", "new"))
        assert np.abs(a - b).max() <= 1


MODES = [
    ("categorical", "class"),
    ("sparse", "class"),
    ("raw", "size"),
    ("raw", ["size", "weight"]),
    ("multi_output", ["size", "weight"]),
    ("input", None),
    (None, None),
    ("categorical", "several"),
]


@pytest.mark.parametrize(("class_mode", "y_col"), MODES)
def test_flow_from_dataframe_equals_the_originals(tmp_path: Path, class_mode: str | None, y_col: Any) -> None:
    pandas = pytest.importorskip("pandas")
    root = folder_of_pictures(tmp_path, {"a": 4, "b": 3})
    names = [str(one.relative_to(root)) for one in sorted(root.rglob("*.*")) if one.is_file()]
    count = len(names)
    frame = pandas.DataFrame(
        {
            "filename": [*names, "absent.png"],
            "class": [name[0] for name in names] + ["c"],
            "size": np.arange(count + 1) * 0.5,
            "weight": np.arange(count + 1.0),
            "several": [["b", "a"] if n % 3 else "c" for n in range(count + 1)],
        },
        index=range(7, 8 + count),
    )
    for given, subset in (({"rotation_range": 20}, None), ({"validation_split": 0.4}, "training")):
        flows = [
            quietly(
                g.flow_from_dataframe,
                frame,
                str(root),
                y_col=y_col,
                weight_col=None if class_mode is None else "weight",
                class_mode=class_mode,
                target_size=(20, 15),
                batch_size=3,
                subset=subset,
                seed=4,
            )
            for g in generators(given)
        ]
        assert flows[0].filenames == flows[1].filenames
        compare(*flows)


@pytest.mark.parametrize("given", [{"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 0.1}])
def test_statistics_equal_the_originals(given: dict[str, Any]) -> None:
    x = random_images(12, (6, 5, 3)).astype(float)
    for more in ({}, {"rotation_range": 30}):
        old, new = generators({**given, **more})
        for g in (old, new):
            quietly(g.fit, x, augment=bool(more), rounds=2, seed=3)
        assert np.abs(old.mean - new.mean).max() < 1e-4
        assert np.abs(old.std - new.std).max() < 1e-4


def test_whitening_equals_the_originals() -> None:
    x = np.random.default_rng(0).uniform(0, 255, (90, 5, 4, 3))
    old, new = generators({"featurewise_center": True, "zca_whitening": True, "zca_epsilon": 0.1})
    for g in (old, new):
        quietly(g.fit, x)
    scale = np.abs(old.principal_components).max()
    assert np.abs(old.principal_components - new.principal_components).max() < 1e-3 * scale
    compare(old.flow(x, batch_size=8, seed=1), new.flow(x, batch_size=8, seed=1))


def test_half_precision_is_whitened_as_by_the_original() -> None:
    x = np.random.default_rng(0).uniform(0, 1, (9, 2, 2, 1))
    old, new = generators({"featurewise_center": True, "zca_whitening": True, "zca_epsilon": 0.1, "dtype": "float16"})
    for g in (old, new):
        quietly(g.fit, x)
    assert np.abs(old.principal_components - new.principal_components).max() < 0.05


def test_bright_pictures_are_exact_in_every_fill_mode() -> None:
    x = random_images(6, (12, 9, 3))
    for fill_mode in ("nearest", "constant", "reflect", "mirror", "grid-mirror", "wrap"):
        given = {"zoom_range": [1.5, 2.5], "brightness_range": (2.5, 3), "fill_mode": fill_mode}
        compare(*[g.flow(x, batch_size=6, seed=2) for g in generators(given)], most=1.01)


def test_edges_of_constant_are_the_originals_to_the_last_bit() -> None:
    x = random_images(20, (11, 3, 3))
    for given in ({"shear_range": 20}, {"shear_range": 0.2}, {"zoom_range": 0.5}, {"rotation_range": 360}):
        flips = {"fill_mode": "constant", "horizontal_flip": True, "vertical_flip": True}
        compare(*[g.flow(x, batch_size=20, seed=3) for g in generators({**given, **flips})])


def test_splits_of_arrays_are_the_originals() -> None:
    x, y = random_images(11, (4, 4, 3)), np.arange(11) % 2
    for subset in ("training", "validation"):
        old, new = (g.flow(x, y, subset=subset, shuffle=False) for g in generators({"validation_split": 0.3}))
        assert (next(old)[1] == next(new)[1]).all()
    with pytest.raises(ValueError, match="different number of classes"):
        generators({"validation_split": 0.3})[1].flow(x, np.arange(11), subset="training")


def test_classes_of_a_table_are_sorted_in_1_1_2_alone(tmp_path: Path) -> None:
    root = folder_of_pictures(tmp_path, {"a": 2, "b": 2})
    table = {"filename": ["a/0.jpg", "b/0.jpg"], "class": ["a", "b"]}
    for compat, expected in (("1.1.2", {"a": 0, "b": 1}), ("keras-2", {"b": 0, "a": 1}), (None, {"b": 0, "a": 1})):
        it = keras.ImageDataGenerator(compat=compat).flow_from_dataframe(table, root, classes=["b", "a"])  # type: ignore[arg-type]
        assert it.class_indices == expected
