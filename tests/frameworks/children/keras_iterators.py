"""Keras trains on the iterators of `vary.keras`, on the backend that KERAS_BACKEND names."""

import warnings
from typing import Any

import keras
import numpy as np

from vary.keras import ImageDataGenerator, PairIterator

COUNT, SIZE = 23, 4
IMAGES = np.repeat(np.arange(COUNT, dtype=np.uint8), 8 * 8 * 3).reshape(COUNT, 8, 8, 3)  # each says its number
LABELS = np.arange(COUNT) % 3


def flow(**more: Any) -> Any:
    given = {"y": LABELS, "batch_size": SIZE, "seed": 1, **more}
    return ImageDataGenerator(rescale=1 / 255, horizontal_flip=True).flow(IMAGES, **given)


class Recorded(keras.Model):
    """Notes what its training steps were given."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten, self.dense = keras.layers.Flatten(), keras.layers.Dense(3)
        self.trained: list[int] = []
        self.steps: list[int] = []
        self.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)

    def call(self, x: Any) -> Any:
        return self.dense(self.flatten(x))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # type: ignore[no-untyped-def]
        if training and not isinstance(x, keras.KerasTensor):
            numbers = np.rint(keras.ops.convert_to_numpy(x)[:, 0, 0, 0] * 255).astype(int).tolist()
            self.trained += numbers
            self.steps.append(len(numbers))
        return super().compute_loss(x, y, y_pred, sample_weight, training)


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


def check_pairs_of_images_and_masks() -> None:
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(1, 1)])
    model.compile("sgd", "mse")
    generator = ImageDataGenerator(rotation_range=20, interpolation_order=0)
    masks = (IMAGES[..., :1] > 10).astype(np.float32)
    pair = PairIterator(generator.flow(IMAGES, batch_size=SIZE), generator.flow(masks, batch_size=SIZE))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # Keras and torch warn of their own deprecated uses
        model.fit(pair, epochs=2, steps_per_epoch=8, verbose=0)


def check_old_faces_train() -> None:
    it = ImageDataGenerator(rescale=1 / 255, horizontal_flip=True, compat="keras-2").flow(
        IMAGES, LABELS, batch_size=SIZE
    )
    model = Recorded()
    model.fit(it, epochs=2, verbose=0)
    assert sorted(model.trained[:COUNT]) == list(range(COUNT))
