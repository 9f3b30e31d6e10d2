"""Keras, also of old versions, trains on the iterators of `vary.keras`, on the backend that KERAS_BACKEND names."""

import multiprocessing
import pickle
import warnings
from typing import Any

import keras
import numpy as np

from vary.keras import ImageDataGenerator, Iterator, PairIterator

COUNT, SIZE = 23, 4
IMAGES = np.repeat(np.arange(COUNT, dtype=np.uint8), 8 * 8 * 3).reshape(COUNT, 8, 8, 3)  # each says its number
LABELS = np.arange(COUNT) % 3


def flow(compat: Any = None, **more: Any) -> Any:
    given = {"y": LABELS, "batch_size": SIZE, "seed": 1, **more}
    return ImageDataGenerator(rescale=1 / 255, horizontal_flip=True, compat=compat).flow(IMAGES, **given)


class Recorded(keras.Model):
    """Notes what its training steps were given."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten, self.dense = keras.layers.Flatten(), keras.layers.Dense(3)
        self.trained: list[int] = []
        self.steps: list[int] = []
        self.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)
        # Keras before 3.8 loses the first batch of an iterator if it has to build the model
        self.fit(np.zeros((1, 8, 8, 3), np.float32), np.zeros(1), verbose=0)
        self.trained, self.steps = [], []

    def call(self, x: Any, training: bool = False) -> Any:
        if training and not isinstance(x, keras.KerasTensor):
            numbers = np.rint(keras.ops.convert_to_numpy(x)[:, 0, 0, 0] * 255).astype(int).tolist()
            self.trained += numbers
            self.steps.append(len(numbers))
        return self.dense(self.flatten(x))


def fit(it: Any, **more: Any) -> Recorded:
    model = Recorded()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # Keras and torch warn of their own deprecated uses
        model.fit(it, verbose=0, **more)
    return model


def check_an_epoch_has_every_image_once_in_the_order_of_the_iterator() -> None:
    model, same = fit(flow(), epochs=2), flow()
    expected = [[index for _ in range(len(same)) for index in _numbers(next(same))] for _ in range(2)]
    assert model.trained == expected[0] + expected[1]


def _numbers(batch: Any) -> list[int]:
    found: list[int] = np.rint(batch[0][:, 0, 0, 0] * 255).astype(int).tolist()
    return found


def check_steps_above_the_length_all_run_and_stay_balanced() -> None:
    model = fit(flow(), epochs=3, steps_per_epoch=8)
    assert len(model.steps) == 24
    counts = np.bincount(model.trained[: 23 * 4], minlength=COUNT)
    assert counts.tolist() == [4] * COUNT


def check_steps_below_the_length_go_on_where_the_last_epoch_ended() -> None:
    model = fit(flow(), epochs=2, steps_per_epoch=3)
    assert sorted(model.trained) == list(range(COUNT))


def check_another_call_of_fit_goes_on() -> None:
    it = flow()
    first, second = fit(it, epochs=1, steps_per_epoch=6), fit(it, epochs=1)
    assert sorted(first.trained) == sorted(second.trained) == list(range(COUNT))
    assert first.trained != second.trained


def check_a_loop_after_fit_goes_on() -> None:
    it = flow()
    fit(it, epochs=1, steps_per_epoch=6)
    assert it[0][0].shape[0] == SIZE
    it.on_epoch_end()
    first = it[0][0]
    it.on_epoch_end()
    assert (it[0][0] != first).any()


def check_evaluation_and_prediction_keep_the_order() -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Lambda(lambda x: x[:, 0, 0, :1] * 255)])
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # Keras and torch warn of their own deprecated uses
        found = model.predict(flow(y=None, shuffle=False), verbose=0)
        loss = model.evaluate(flow(y=np.arange(COUNT), shuffle=False), verbose=0)
    assert np.allclose(found[:, 0], np.arange(COUNT), atol=1e-3)
    assert loss < 1e-3


def check_weights_validation_and_workers() -> None:
    it = flow(sample_weight=np.ones(COUNT, np.float32), workers=3)
    model = fit(it, epochs=1, validation_data=flow(shuffle=False))
    assert sorted(model.trained) == list(range(COUNT))
    model = fit(flow(), epochs=1, class_weight={0: 1.0, 1: 2.0, 2: 0.5})
    assert sorted(model.trained) == list(range(COUNT))
    several = flow()
    several.workers, several.use_multiprocessing = 2, True
    assert (several.workers, several.use_multiprocessing) == (2, True)
    assert sorted(fit(several, epochs=1).trained) == list(range(COUNT))
    assert len(fit(several, epochs=2, steps_per_epoch=9).steps) == 18


def check_processes_and_threads_give_identical_batches() -> None:
    for compat in (None, "keras-2", "1.1.2"):
        expected: list[int] = []
        for method in multiprocessing.get_all_start_methods():
            multiprocessing.set_start_method(method, force=True)
            for workers, processes in ((1, False), (3, False), (2, True)):
                keras.utils.set_random_seed(7)
                it = flow(compat, workers=workers, use_multiprocessing=processes)
                trained = fit(pickle.loads(pickle.dumps(it)), epochs=2).trained
                assert trained == (expected or trained), (compat, method, workers, processes)
                expected = trained
                assert not multiprocessing.active_children()


def check_pairs_of_images_and_masks() -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(1, 1)])
    model.compile("sgd", "mse")
    generator = ImageDataGenerator(rotation_range=20, interpolation_order=0)
    masks = (IMAGES[..., :1] > 10).astype(np.float32)
    pair = PairIterator(generator.flow(IMAGES, batch_size=SIZE), generator.flow(masks, batch_size=SIZE))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # Keras and torch warn of their own deprecated uses
        model.fit(pair, epochs=2, steps_per_epoch=8, verbose=0)


def check_pairs_of_old_faces_stay_together() -> None:
    sums = IMAGES[..., :1]
    generator = ImageDataGenerator(rotation_range=0, horizontal_flip=True, compat="1.1.2")
    pair = PairIterator(*(generator.flow(x, batch_size=SIZE, seed=3) for x in (IMAGES, sums)))
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Lambda(lambda x: x[..., :1])])
    model.compile("sgd", "mse")
    history = model.fit(pair, epochs=3, steps_per_epoch=9, verbose=0).history
    assert max(history["loss"]) < 1e-6


def check_old_faces_train() -> None:
    for seed in (1, None):
        it = flow("keras-2", seed=seed)
        model = fit(it, epochs=2)
        assert sorted(model.trained[:COUNT]) == sorted(model.trained[COUNT:]) == list(range(COUNT))
        model = fit(it, epochs=3, steps_per_epoch=8)
        assert len(model.steps) == 24
        assert np.bincount(model.trained[: 4 * COUNT], minlength=COUNT).tolist() == [4] * COUNT
        assert model.trained[:COUNT] != model.trained[COUNT : 2 * COUNT]
        assert sorted(fit(it, epochs=1).trained) == list(range(COUNT))


class Own(Iterator):
    """An iterator of a user."""

    def __init__(self) -> None:
        super().__init__(COUNT, SIZE, True, 1)

    def _get_batches_of_transformed_samples(self, index_array: Any) -> Any:
        return IMAGES[index_array] / np.float32(255), LABELS[index_array]


def check_subclasses_of_users_train() -> None:
    it = Own()
    model = fit(it, epochs=2)
    assert sorted(model.trained[:COUNT]) == sorted(model.trained[COUNT:]) == list(range(COUNT))
    model = fit(it, epochs=2, steps_per_epoch=9)
    assert np.bincount(model.trained[: 3 * COUNT], minlength=COUNT).tolist() == [3] * COUNT
    assert model.trained[:COUNT] != model.trained[COUNT : 2 * COUNT]
