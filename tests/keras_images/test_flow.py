"""`ImageDataGenerator.flow` by default: batches are a function of seed, epoch and number, and equal to the methods for
one image."""

import multiprocessing
import pickle
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras_images.pictures import random_images

from vary import keras
from vary.keras import ImageDataGenerator, TrapWarning
from vary.keras.draws import drawn

KINDS: list[Any] = [np.uint8, np.uint16, np.int16, np.int64, np.float16, np.float32, np.float64, np.bool_]
CLASSIC: dict[str, Any] = {
    "rescale": 1 / 255,
    "rotation_range": 40,
    "width_shift_range": 0.2,
    "height_shift_range": 0.2,
    "shear_range": 11.0,
    "zoom_range": 0.2,
    "horizontal_flip": True,
}
CASES: dict[str, dict[str, Any]] = {
    "classic": CLASSIC,
    "pixels": {"width_shift_range": 3, "height_shift_range": [-2, 0, 2], "vertical_flip": True, "fill_mode": "wrap"},
    "constant": {"rotation_range": 90, "fill_mode": "constant", "cval": 7.0, "data_format": "channels_first"},
    "rescaled": {"rotation_range": 90, "fill_mode": "constant", "cval": 200.0, "rescale": 1 / 255},
    "values": {"channel_shift_range": 40.0, "brightness_range": (0.4, 1.6), "zoom_range": (0.8, 1.3)},
    "function": {"preprocessing_function": lambda x: x[::-1] / 2, "rescale": 0.5, "rotation_range": 10},
    "samplewise": {"samplewise_center": True, "samplewise_std_normalization": True, "fill_mode": "reflect"},
    "nearest": {"rotation_range": 30, "interpolation_order": 0, "dtype": "float64"},
}


def images(name: str = "classic", count: int = 11, dtype: Any = np.uint8) -> np.ndarray:
    x = random_images(count, (24, 17, 3)).astype(dtype)
    return np.moveaxis(x, 3, 1).copy() if CASES[name].get("data_format") == "channels_first" else x


@pytest.mark.parametrize("name", CASES)
def test_each_image_is_what_the_methods_for_one_image_make(name: str) -> None:
    generator, x = ImageDataGenerator(**CASES[name]), images(name)
    it = generator.flow(x, np.arange(11), batch_size=4, seed=5)
    for number in range(2 * len(it)):
        batch, indices = next(it)
        for image, index in zip(batch, indices.tolist(), strict=True):
            transform = drawn(generator.parameters, (24, 17), (5, number // len(it), index, 0))
            expected = generator.standardize(generator.apply_transform(x[index].astype(np.float32), transform))
            assert image.dtype == generator.dtype
            assert np.abs(image - expected).max() < 0.03 * (generator.rescale or 1)


def test_an_epoch_has_every_image_once_and_the_next_one_another_order() -> None:
    it = ImageDataGenerator().flow(images(), np.arange(11), batch_size=4, seed=1)
    epochs = [[index for _ in range(len(it)) for index in next(it)[1]] for _ in range(3)]
    assert all(sorted(epoch) == list(range(11)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    still = ImageDataGenerator().flow(images(), np.arange(11), batch_size=4, shuffle=False)
    assert [index for _ in range(3) for index in next(still)[1]] == list(range(11))


def test_batches_do_not_depend_on_how_they_are_asked_for() -> None:
    def flow(**more: Any) -> Any:
        return ImageDataGenerator(**CLASSIC).flow(images(), batch_size=4, seed=3, **more)

    by_next, by_number, backwards = flow(), flow(), flow()
    expected = [next(by_next) for _ in range(6)]
    second = {number: backwards[number] for number in (2, 0, 1)}
    for number in range(3):
        assert (by_number[number] == expected[number]).all()
        assert (second[number] == expected[number]).all()
        assert (by_number[number - 3] == expected[number]).all()
    by_number.on_epoch_end()
    assert (by_number[1] == expected[4]).all()
    next(by_number)
    by_number.reset()
    assert (next(by_number) == expected[3]).all()
    assert (flow(workers=4, use_multiprocessing=True, max_queue_size=2)[1] == expected[1]).all()
    assert (flow().repeat().next() == expected[0]).all()


def test_large_batches_are_made_ahead_and_are_the_same() -> None:
    x = random_images(20, (150, 150, 3))
    it = ImageDataGenerator(**CLASSIC).flow(x, batch_size=4, seed=3)
    other = ImageDataGenerator(**CLASSIC).flow(x, batch_size=4, seed=3)
    first = [next(it) for _ in range(8)]
    expected = [other._make((number // 5, number % 5))[0] for number in range(8)]
    assert [*it._feed._made] == [(1, 3), (1, 4)]
    next(it)
    assert [*it._feed._made] == [(1, 4), (2, 0)]
    assert all((a == b).all() for a, b in zip(first, expected, strict=True))


def batch_one(it: Any) -> np.ndarray:
    found: np.ndarray = it[1]
    return found


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_make_the_same_batches(method: str) -> None:
    it = ImageDataGenerator(**CLASSIC).flow(random_images(20, (150, 150, 3)), batch_size=8, seed=3)
    expected = it[1]
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert (pool.apply(batch_one, (it,)) == expected).all()
    assert (pickle.loads(pickle.dumps(it))[1] == expected).all()


def test_without_a_seed_iterators_differ_and_the_global_state_is_left_alone() -> None:
    before = np.random.get_state()[1].copy()  # type: ignore[index, union-attr]  # noqa: NPY002
    first, second = (next(ImageDataGenerator(**CLASSIC).flow(images(), batch_size=4)) for _ in range(2))
    assert (first != second).any()
    assert (np.random.get_state()[1] == before).all()  # type: ignore[index]  # noqa: NPY002


@pytest.mark.parametrize("dtype", KINDS)
def test_images_are_read_in_their_dtype_without_a_copy(dtype: Any) -> None:
    x = images(dtype=dtype)
    it = ImageDataGenerator(horizontal_flip=True).flow(x, shuffle=False)
    assert it.x is x
    batch = next(it)
    assert batch.dtype == np.float32
    assert all(
        (one == image).all() or (one == image[:, ::-1]).all()
        for one, image in zip(batch, x.astype(np.float32), strict=True)
    )


@pytest.mark.parametrize("channels", [1, 2, 4, 7])
def test_images_have_any_number_of_channels(channels: int) -> None:
    x = random_images(5, (12, 10, channels))
    assert next(ImageDataGenerator(**CLASSIC).flow(x)).shape == (5, 12, 10, channels)


def test_x_is_never_changed() -> None:
    x = images(dtype=np.float32)
    before = x.copy()
    for given in CASES.values():
        if given.get("data_format") is None:
            next(ImageDataGenerator(**given).flow(x))
    assert (x == before).all()


def test_labels_and_weights_keep_their_dtype() -> None:
    x, y = images(), np.arange(11, dtype=np.int16)
    a, b, w = next(ImageDataGenerator().flow(x, y, batch_size=4, sample_weight=y + 0.5, shuffle=False))
    assert b.dtype == np.int16
    assert w.tolist() == [0.5, 1.5, 2.5, 3.5]
    (a, more), b = next(ImageDataGenerator().flow((x, y * 2), y, batch_size=4, shuffle=False))
    assert more.tolist() == [0, 2, 4, 6]
    assert a.shape == (4, 24, 17, 3)


def test_validation_is_plain_and_stratified() -> None:
    x, y = random_images(40, (24, 17, 3)), np.repeat(np.arange(4), 10)
    generator = ImageDataGenerator(**CLASSIC, validation_split=0.2)
    training, validation = (generator.flow(x, y, subset=one, seed=1) for one in ("training", "validation"))
    assert (training.n, validation.n) == (32, 8)
    assert np.bincount(validation.y).tolist() == [2, 2, 2, 2]
    kept = {one.tobytes() for one in training.x}
    assert not kept & {one.tobytes() for one in validation.x}
    batch, _ = next(validation)
    order = validation.index_array
    assert order is not None
    assert np.allclose(batch, validation.x[order] / 255, atol=1e-6)
    again = ImageDataGenerator(validation_split=0.2).flow(x, y, subset="validation")
    assert (again.x == validation.x).all()


def test_a_subset_draws_by_the_indices_of_all_data() -> None:
    x, y = random_images(40, (24, 17, 3)), np.repeat(np.arange(4), 10)
    generator = ImageDataGenerator(**CLASSIC, validation_split=0.2)
    part = generator.flow(x, y, subset="training", shuffle=False, seed=9, batch_size=40)
    whole = generator.flow(x, y, shuffle=False, seed=9, batch_size=40)
    numbers = part._maker.numbers
    assert numbers is not None
    assert (part[0][0] == whole[0][0][numbers]).all()


def test_augmented_validation_on_request() -> None:
    x, y = random_images(40, (24, 17, 3)), np.repeat(np.arange(4), 10)
    generator = ImageDataGenerator(**CLASSIC, validation_split=0.2)

    def two_epochs(how: Any) -> list[np.ndarray]:
        it = generator.flow(x, y, subset="validation", shuffle=False, seed=1, augment_validation=how)
        return [next(it)[0] for _ in range(2)]

    plain, frozen, fresh = two_epochs(None), two_epochs("frozen"), two_epochs("fresh")
    assert (plain[0] == plain[1]).all()
    assert (frozen[0] == frozen[1]).all()
    assert (frozen[0] != plain[0]).any()
    assert (fresh[0] == frozen[0]).all()
    assert (fresh[1] != fresh[0]).any()
    assert (two_epochs("as_keras")[1] == fresh[1]).all()
    for wrong, more in (("maybe", {"subset": "validation"}), ("frozen", {"subset": "training"}), ("frozen", {})):
        with pytest.raises(ValueError, match="augment_validation"):
            generator.flow(x, y, augment_validation=wrong, **more)  # type: ignore[arg-type]


def test_saved_images_are_those_before_normalisation(tmp_path: Path) -> None:
    from PIL import Image

    x = images()
    generator = ImageDataGenerator(**CLASSIC, samplewise_center=True)
    saving = generator.flow(x, batch_size=4, seed=2, save_to_dir=str(tmp_path), save_prefix="cat", save_format="png")
    plain = generator.flow(x, batch_size=4, seed=2)
    assert np.allclose(next(saving), next(plain), atol=1e-5)
    files = sorted(one.name for one in tmp_path.iterdir())
    assert files == sorted(f"cat_{index}_0.png" for index in saving.batch_indices)
    for index in saving.batch_indices.tolist():
        transform = drawn(generator.parameters, (24, 17), (2, 0, index, 0))
        seen = generator.apply_transform(x[index].astype(np.float32), transform)
        assert np.abs(np.asarray(Image.open(tmp_path / f"cat_{index}_0.png")) - seen).max() <= 0.6


def test_a_batch_that_does_not_exist_is_both_errors_that_callers_expect() -> None:
    it = ImageDataGenerator().flow(images(), batch_size=4)
    for error in (IndexError, ValueError):
        with pytest.raises(error, match=r"batches are 0 \.\. 2"):
            it[3]
        with pytest.raises(error):
            it[-4]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"x": np.zeros((3, 4, 4))}, "rank 4"),
        ({"y": np.arange(4)}, "same length"),
        ({"sample_weight": np.arange(4)}, "same length"),
        ({"subset": "training"}, "validation_split"),
        ({"subset": "test"}, "Invalid subset name"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_arguments_are_errors(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ImageDataGenerator().flow(**{"x": images(), **given})


def test_traps_are_warned_of_once_when_the_first_batch_is_made() -> None:
    unit = images(dtype=np.float32) / 255
    for given, said in (
        ({"rescale": 1 / 255}, "nearly black"),
        ({"brightness_range": (0.5, 1.5)}, "for 0 .. 255"),
        ({"featurewise_center": True}, "needs `fit"),
    ):
        it = ImageDataGenerator(**given).flow(unit)  # type: ignore[arg-type]
        with pytest.warns(TrapWarning, match=said):
            next(it)
        next(it)  # warnings are errors here
    next(ImageDataGenerator(rescale=1 / 255, compat="keras-2").flow(unit))
    with pytest.warns(TrapWarning, match="axis 1"):
        ImageDataGenerator().flow(np.zeros((4, 3, 8, 8)))


def test_the_generators_own_methods_are_used_if_a_subclass_defines_them() -> None:
    class Own(ImageDataGenerator):
        def standardize(self, x: np.ndarray) -> np.ndarray:
            return super().standardize(x) + 1000

    it = Own(rotation_range=20).flow(images(), batch_size=4, seed=1)
    first = next(it)
    assert first.min() >= 1000
    assert (first == Own(rotation_range=20).flow(images(), batch_size=4, seed=1)[0]).all()


def test_a_subclass_of_iterator_makes_its_own_batches() -> None:
    class Squares(keras.Iterator):
        def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> np.ndarray:
            return np.asarray(index_array) ** 2

    it = Squares(5, 2, False, 0)
    assert [next(it).tolist() for _ in range(4)] == [[0, 1], [4, 9], [16], [0, 1]]
    assert it[2].tolist() == [16]
    assert sorted(np.concatenate([Squares(5, 2, True, 0)[n] for n in range(3)]).tolist()) == [0, 1, 4, 9, 16]


def test_a_subclass_may_change_the_batches_of_its_base() -> None:
    class Doubled(keras.NumpyArrayIterator):
        def _get_batches_of_transformed_samples(self, index_array: np.ndarray) -> np.ndarray:
            return 2 * np.asarray(super()._get_batches_of_transformed_samples(index_array))

    generator = ImageDataGenerator(**CLASSIC)
    plain = generator.flow(images(), batch_size=4, seed=1)
    double = Doubled(images(), None, generator, batch_size=4, shuffle=True, seed=1)
    for _ in range(7):
        assert (next(double) == 2 * next(plain)).all()
    assert (double[2] == 2 * plain[2]).all()


def test_an_empty_iterator_has_no_indices() -> None:
    for batch_size in (0, 32):
        it = keras.Iterator(0, batch_size, False, 0)
        assert next(it.index_generator).size == 0
        assert len(it) == 0


def test_attributes_set_afterwards_are_used() -> None:
    generator = ImageDataGenerator(featurewise_center=True)
    it = generator.flow(images(), shuffle=False)
    generator.mean = np.array([10.0, 20.0, 30.0]).reshape(1, 1, 3)
    assert np.allclose(next(it), images() - np.array([10.0, 20.0, 30.0]))
    generator.rescale = 0.5
    assert np.allclose(next(it), images() / 2 - np.array([10.0, 20.0, 30.0]))


def test_a_program_ends_while_batches_are_made_ahead() -> None:
    """A library for matrices would wait without an end for a thread that the end of the program has stopped in it."""
    code = (
        "import numpy as np, vary.keras as v\n"
        "x = np.random.default_rng(0).integers(0, 256, (64, 96, 96, 3), np.uint8)\n"
        "g = v.ImageDataGenerator(featurewise_center=True, zca_whitening=True); g.fit(x); next(g.flow(x))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_threads_share_an_iterator() -> None:
    it = ImageDataGenerator(**CLASSIC).flow(random_images(64, (120, 120, 3)), np.arange(64), seed=1, batch_size=8)
    seen: list[int] = []

    def consume() -> None:
        for _ in range(4):
            seen.extend(next(it)[1].tolist())

    threads = [threading.Thread(target=consume) for _ in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(seen) == sorted([*range(64)] * 3)


def test_memory_maps_and_default_dtypes_of_keras_3(tmp_path: Path) -> None:
    x = random_images(9, (24, 17, 3))
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    flows = [ImageDataGenerator(**CLASSIC, dtype=None, data_format=None).flow(one, seed=1) for one in (x, mapped)]
    assert (next(flows[0]) == next(flows[1])).all()
    assert next(flows[0]).dtype == np.float32
    with pytest.raises(ValueError, match="batch_size=0"):
        ImageDataGenerator().flow(x, batch_size=0)


def test_each_batch_is_made_once() -> None:
    it = ImageDataGenerator(**CLASSIC).flow(random_images(20, (150, 150, 3)), batch_size=4, seed=3)
    made: list[tuple[int, int]] = []
    make = it._make
    it._make = lambda number: made.append(number) or make(number)  # type: ignore[method-assign, func-returns-value]
    for _ in range(7):
        next(it)
    it._feed.get((9, 9), [], lambda _: None)  # waits for what was begun
    assert len(made) == len(set(made))
    assert {(0, 0), (1, 1)} <= set(made)


def test_saved_images_of_0_to_1_are_seen(tmp_path: Path) -> None:
    from PIL import Image

    x = images()
    next(ImageDataGenerator().flow(x / np.float32(255), save_to_dir=str(tmp_path), shuffle=False))
    for index in range(11):
        assert (np.asarray(Image.open(tmp_path / f"_{index}_0.png")) == x[index]).all()


@pytest.mark.parametrize("form", ["ids", "column", "one-hot", "names"])
def test_labels_of_any_form_are_stratified(form: str) -> None:
    ids = np.repeat(np.arange(4), 10)
    y = {"ids": ids, "column": ids[:, None], "one-hot": np.eye(4)[ids], "names": np.array(["b", "a", "d", "c"])[ids]}[
        form
    ]
    x, misc = random_images(40, (4, 4, 3)), np.arange(40)
    generator = ImageDataGenerator(validation_split=0.3)
    (_, more), labels = generator.flow((x, misc), y, subset="validation", batch_size=40)[0]
    assert np.bincount(ids[more]).tolist() == [3, 3, 3, 3]
    assert (labels == y[more]).all()


def test_numbers_to_predict_are_no_classes() -> None:
    x, y = random_images(40, (4, 4, 3)), np.linspace(0, 1, 40)
    assert ImageDataGenerator(validation_split=0.3).flow(x, y, subset="validation").n == 12


def test_whole_numbers_are_rounded() -> None:
    x = np.full((2, 5, 5, 3), 100, np.uint8)
    given: Any = {"dtype": "uint8", "brightness_range": (0.997, 0.997), "preprocessing_function": lambda x: x * 2.6}
    batch = next(ImageDataGenerator(**given).flow(x))
    assert batch.dtype == np.uint8
    assert (batch == 255).all()
    del given["preprocessing_function"]
    assert (next(ImageDataGenerator(**given).flow(x)) == 100).all()


def test_no_images_are_empty_batches() -> None:
    for size in (4, 400):
        it = ImageDataGenerator().flow(np.zeros((0, size, size, 3), np.float32), np.zeros(0))
        x, y = next(it)
        assert (len(it), x.shape, y.shape) == (0, (0, size, size, 3), (0,))


def test_orders_may_be_replaced_by_another_thread_meanwhile() -> None:
    it = ImageDataGenerator().flow(np.zeros((4, 2, 2, 3), np.float32), seed=1)

    class Replaced(dict[int, np.ndarray]):
        def __iter__(self) -> Any:
            it._orders = {}
            return super().__iter__()

    it._orders = Replaced({0: np.arange(4), 1: np.arange(4)})
    assert sorted(it._order(7).tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("batch_size", [4.0, "4", -1])
def test_a_batch_size_is_a_whole_number(batch_size: Any) -> None:
    with pytest.raises(ValueError, match="batch_size="):
        ImageDataGenerator().flow(np.zeros((4, 2, 2, 3)), batch_size=batch_size)
    assert next(ImageDataGenerator().flow(np.zeros((4, 2, 2, 3)), batch_size=np.int64(3))).shape[0] == 3


def test_a_split_may_be_set_afterwards() -> None:
    generator = ImageDataGenerator()
    with pytest.raises(ValueError, match="needs a split"):
        keras.NumpyArrayIterator(np.zeros((8, 2, 2, 3)), None, None, subset="validation")
    generator.validation_split = 0.25
    assert (generator._validation_split, generator.flow(np.zeros((8, 2, 2, 3)), subset="validation").n) == (0.25, 2)
    generator._validation_split = 0.5  # the name in the original
    assert generator.flow(np.zeros((8, 2, 2, 3)), subset="validation").n == 4
