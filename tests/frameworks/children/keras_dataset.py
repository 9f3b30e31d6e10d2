"""Keras trains on `vary.keras.image_dataset_from_directory`, on the backend that KERAS_BACKEND names."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np
from PIL import Image

import vary
from vary.keras import ImageDataset, image_dataset_from_directory

FOLDER = Path(tempfile.mkdtemp(prefix="vary-test-"))
COUNT = 23
for number in range(COUNT):
    place = FOLDER / "abc"[number % 3] / f"{number:02}.png"
    place.parent.mkdir(exist_ok=True)
    Image.new("RGB", (10, 9), (number, number, number)).save(place)


def opened(**options: Any) -> Any:
    return image_dataset_from_directory(
        FOLDER, **{"image_size": (8, 8), "batch_size": 4, "verbose": False, "seed": 3} | options
    )


class First(keras.Model):
    """The level of each picture, and the number of its class."""

    def call(self, x: Any) -> Any:
        return x[:, 0, 0, :1]


def levels(dataset: Any, **options: Any) -> list[int]:
    return np.rint(First().predict(dataset, verbose=0, **options)[:, 0]).astype(int).tolist()


def in_loop(dataset: Any) -> list[int]:
    return [round(float(level)) for images, *_ in dataset for level in images[:, 0, 0, 0]]


def model(classes: int = 3, loss: str = "sparse_categorical_crossentropy") -> keras.Model:
    end = "sigmoid" if classes == 1 else "softmax"
    net = keras.Sequential([keras.layers.Rescaling(1 / 255), keras.layers.Flatten(), keras.layers.Dense(classes, end)])
    net.compile("sgd", loss, metrics=["accuracy"])
    return net


def check_datasets_are_datasets_of_keras() -> None:
    dataset = opened()
    assert isinstance(dataset, keras.utils.PyDataset)
    assert isinstance(dataset, ImageDataset)
    assert type(dataset) is ImageDataset


def check_fit_evaluate_and_predict() -> None:
    train, validation = opened(validation_split=0.25, subset="both", policy=vary.Policy([vary.HorizontalFlip()]))
    net = model()
    history = net.fit(train.cache().prefetch(1), validation_data=validation, epochs=3, verbose=0).history
    assert len(history["loss"]) == len(history["val_accuracy"]) == 3
    assert train.stream.epoch == 3
    images, labels = (np.concatenate(part) for part in zip(*validation, strict=True))
    found = net.evaluate(validation, verbose=0)
    assert np.allclose(found, net.evaluate(images, labels, verbose=0), rtol=1e-4)
    assert np.allclose(net.predict(validation, verbose=0), net.predict(images, verbose=0), atol=1e-5)


def check_each_mode_of_labels() -> None:
    for mode, loss in {"int": "sparse_categorical_crossentropy", "categorical": "categorical_crossentropy"}.items():
        model(3, loss).fit(opened(label_mode=mode), verbose=0)
    model(1, "binary_crossentropy").fit(opened(class_names=["a", "b"], label_mode="binary"), verbose=0)
    assert sorted(levels(opened(label_mode=None))) == list(range(COUNT))


def check_predictions_come_in_the_order_of_the_files() -> None:
    dataset = opened(shuffle=False)
    assert levels(dataset) == [int(Path(path).stem) for path in dataset.file_paths]


def check_parts_are_the_same_in_each_epoch_of_keras() -> None:
    dataset = opened()
    wanted = in_loop(opened())
    for _ in range(2):
        assert levels(dataset.take(2)) == wanted[:8]
    assert levels(opened().skip(4)) == wanted[16:]
    net = model()
    assert len(net.fit(dataset.take(2), validation_data=dataset.skip(4), epochs=3, verbose=0).history["val_loss"]) == 3


def check_repeated_datasets_run_every_step_without_a_warning() -> None:
    seen = []

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            seen.append(batch)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        endless = opened().repeat()
        model().fit(
            endless,
            epochs=2,
            steps_per_epoch=15,
            validation_data=opened().repeat(),
            validation_steps=8,
            verbose=0,
            callbacks=[Count()],
        )
        assert seen == [*range(15)] * 2
        assert len(levels(opened().repeat(), steps=7)) == 6 * 4 - 1 + 4
        wanted = in_loop(opened())
        dataset = opened()
        assert levels(dataset.repeat(2))[:COUNT] == wanted
        assert sorted(levels(dataset.repeat(3))) == sorted([*range(COUNT)] * 3)
        assert len(levels(dataset.repeat().take(8))) == COUNT + 8
        assert levels(dataset.unbatch().map(lambda x, y: (x, y)).batch(10)) == wanted
        model().fit(dataset.repeat(2), epochs=2, verbose=0)
    said = [
        str(one.message) for one in caught if "ran out of data" in str(one.message) or "shuffle" in str(one.message)
    ]
    assert not said, said


def check_endless_datasets_need_a_number_of_steps() -> None:
    for run in (
        lambda: model().fit(opened().repeat(), verbose=0),
        lambda: model().evaluate(opened().repeat(), verbose=0),
        lambda: model().fit(opened(), validation_data=opened().repeat(), verbose=0),
    ):
        said = "nothing was raised"
        try:
            run()
        except Exception as error:  # noqa: BLE001  TensorFlow wraps errors in its own
            said = str(error)
        assert "steps_per_epoch=" in said, said


def check_maps_of_tensors() -> None:
    rescale, twice = keras.layers.Rescaling(2.0), keras.ops.add
    dataset = opened(shuffle=False).map(lambda x, y: (rescale(x), twice(y, y)))
    images, labels = next(iter(dataset))
    assert type(images) is type(labels) is np.ndarray
    assert levels(dataset) == [2 * int(Path(path).stem) for path in dataset.file_paths]
    weighted = opened().map(lambda x, y: (x, y, np.ones(len(y), np.float32)))
    assert len(model().fit(weighted, epochs=2, verbose=0).history["loss"]) == 2


def check_data_formats() -> None:
    assert next(iter(opened()))[0].shape == (4, 8, 8, 3)
    keras.config.set_image_data_format("channels_first")
    try:
        assert next(iter(opened()))[0].shape == (4, 3, 8, 8)
        assert next(iter(opened(data_format="channels_last")))[0].shape == (4, 8, 8, 3)
    finally:
        keras.config.set_image_data_format("channels_last")


def check_single_samples_say_what_to_give() -> None:
    said = "nothing was raised"
    try:
        model().fit(opened(batch_size=None), verbose=0)
    except Exception as error:  # noqa: BLE001  TensorFlow wraps errors in its own
        said = str(error)
    assert "batch_size=32" in said


def check_the_first_batch_is_of_the_same_bytes_as_in_keras() -> None:
    """Pictures of this size need no interpolation, so both must read the same values."""
    if keras.backend.backend() != "tensorflow":
        return
    theirs = keras.utils.image_dataset_from_directory(FOLDER, image_size=(9, 10), shuffle=False, verbose=False)
    ours = opened(image_size=(9, 10), shuffle=False, batch_size=32)
    (a, b), (c, d) = next(iter(theirs)), next(iter(ours))
    assert np.array_equal(a.numpy(), c)
    assert np.array_equal(b.numpy(), d)
    assert ours.class_names == theirs.class_names
    assert ours.file_paths == theirs.file_paths


def check_files_come_in_the_order_of_keras() -> None:
    if keras.backend.backend() != "tensorflow":
        return
    top = Path(tempfile.mkdtemp(prefix="vary-test-"))
    for name in ("a/z.png", "a/10.PNG", "a/2.png", "a/k/c.png", "a/k/b/3.png", "a-b/0.png", "B/x.gif", "10/y.bmp"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(top / name)
    for options in ({}, {"labels": None}, {"class_names": ["a-b", "a", "10", "B"]}, {"class_names": ["a", "10"]}):
        given = {"shuffle": False, "verbose": False, "image_size": (8, 8), **options}
        ours = image_dataset_from_directory(top, **given)
        assert ours.file_paths == keras.utils.image_dataset_from_directory(top, **given).file_paths, options
        assert len(ours.file_paths) == sum(
            len(x) for x, *_ in (one if options.get("labels", 1) else (one,) for one in ours)
        )


def check_streams_say_that_they_are_datasets() -> None:
    train = vary.stream(FOLDER, vary.Policy([vary.Resize(8, 8)]), batch_size=4)
    assert train.as_keras() is train
    model().fit(train.as_keras(), verbose=0)
