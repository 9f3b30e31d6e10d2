"""`flow` with classes of users, and with unusual data and parameters."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_images.pictures import folder_of_pictures, random_images

from vary import keras
from vary.keras import ImageDataGenerator, TrapWarning


def test_generators_of_users_save_their_pictures_and_clip(tmp_path: Path) -> None:
    from PIL import Image

    class Own(ImageDataGenerator):
        def apply_transform(self, x: Any, transform_parameters: Any) -> Any:
            return super().apply_transform(x, transform_parameters) + 100

    x = np.full((3, 4, 5, 3), 90, np.uint8)
    generator = Own(preprocessing_function=lambda x: x * 2, dtype="uint8")
    batch = next(generator.flow(x, batch_size=3, seed=1, save_to_dir=str(tmp_path)))
    assert (batch == 255).all()
    saved = [np.asarray(Image.open(path)) for path in tmp_path.iterdir()]
    assert len(saved) == 3
    assert (np.array(saved) == 190).all()


def test_images_without_labels_are_split_in_their_order() -> None:
    x = np.repeat(np.arange(20, dtype=np.uint8), 12).reshape(20, 2, 2, 3)
    generator = ImageDataGenerator(validation_split=0.24)
    for subset, expected in (("validation", [0, 1, 2, 3]), ("training", list(range(4, 20)))):
        batch = generator.flow(x, batch_size=20, shuffle=False, subset=subset)[0]
        assert batch[:, 0, 0, 0].tolist() == expected


@pytest.mark.parametrize("by_number", [True, False])
def test_iterators_of_users_draw_the_same_from_the_same_seed(by_number: bool) -> None:
    class Own(keras.Iterator):
        def _get_batches_of_transformed_samples(self, index_array: Any) -> Any:
            return np.random.rand(len(index_array))  # noqa: NPY002

    found = []
    for _ in range(2):
        it = Own(10, 4, True, 5)
        found.append([it[k] if by_number else next(it) for k in range(3)])
        np.random.rand(7)  # noqa: NPY002
    assert all((a == b).all() for a, b in zip(*found, strict=True))


def test_ranges_may_be_arrays() -> None:
    x = random_images(3, (6, 5, 3))
    given = {"brightness_range": [0.5, 2.0], "width_shift_range": [-1, 1], "zoom_range": [0.5, 1.0]}
    lists, arrays = (
        ImageDataGenerator(rescale=0.5, **{name: form(value) for name, value in given.items()}).flow(x, seed=1)
        for form in (list, np.array)
    )
    assert (next(lists) == next(arrays)).all()


@pytest.mark.parametrize(("fill_mode", "order"), [("grid-wrap", 1), ("nearest", 3)])
def test_half_precision_goes_through_scipy(fill_mode: str, order: int) -> None:
    pytest.importorskip("scipy")
    generator = ImageDataGenerator(rotation_range=40, fill_mode=fill_mode, interpolation_order=order)
    x = random_images(1, (9, 8, 3)).astype(np.float16)
    moved = generator.random_transform(x[0], seed=1)
    assert moved.dtype == np.float16
    assert np.abs(moved - generator.random_transform(x[0].astype(np.float32), seed=1)).max() < 0.2


def test_a_channel_shift_of_less_than_a_level_is_a_trap_but_not_in_0_to_1(tmp_path: Path) -> None:
    generator, x = ImageDataGenerator(channel_shift_range=0.2), random_images(3, (6, 5, 3))
    next(generator.flow(x / np.float32(255)))
    with pytest.warns(TrapWarning, match="it would be 51"):
        next(generator.flow(x))
    root = folder_of_pictures(tmp_path, {"a": 2})
    with pytest.warns(TrapWarning, match="it would be 51"):
        next(generator.flow_from_directory(root))


def test_old_faces_look_at_words_only_where_they_are_needed() -> None:
    x = random_images(3, (6, 5, 3))
    for given in ({"fill_mode": "edge"}, {"interpolation_order": 9}):
        flows = [ImageDataGenerator(**more, **given, compat="keras-2").flow(x) for more in ({}, {"rotation_range": 9})]  # type: ignore[arg-type]
        assert next(flows[0]).shape == x.shape
        with pytest.raises(ValueError, match=r"edge|9"):
            next(flows[1])
