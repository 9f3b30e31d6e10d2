"""Keras uses a stream as a dataset, on the backend that KERAS_BACKEND names."""

import copy
import inspect
import pickle
import sys
import warnings
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np

import vary

COUNT, SIZE = 23, 4
IMAGES = np.repeat(np.arange(COUNT, dtype=np.uint8), 8 * 8 * 3).reshape(COUNT, 8, 8, 3)  # each says its number
LABELS = np.arange(COUNT) % 3
POLICY = vary.Policy([vary.Rescale(1 / 255)])
EARLY = vary.stream((IMAGES, LABELS), POLICY, batch_size=SIZE)  # before `import keras`
assert "keras" not in sys.modules
assert EARLY.__class__ is vary.Stream

import keras  # noqa: E402


def stream(**options: Any) -> vary.Stream:
    return vary.stream((IMAGES, LABELS), POLICY, batch_size=SIZE, **options)


def numbers(images: Any) -> list[int]:
    return np.rint(np.asarray(images)[:, 0, 0, 0] * 255).astype(int).tolist()


class Recorded(keras.Model):
    """Notes what its training steps were given."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten, self.dense = keras.layers.Flatten(), keras.layers.Dense(3)
        self.trained: list[list[int]] = []
        self.weighted: list[list[float]] = []
        self.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), run_eagerly=True)

    def call(self, x: Any) -> Any:
        return self.dense(self.flatten(x))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):  # type: ignore[no-untyped-def]
        if training and not isinstance(x, keras.KerasTensor):
            self.trained.append(numbers(keras.ops.convert_to_numpy(x)))
            if sample_weight is not None:
                self.weighted.append(keras.ops.convert_to_numpy(sample_weight).tolist())
        return super().compute_loss(x, y, y_pred, sample_weight, training)


class First(keras.Model):
    """The number of each picture."""

    def call(self, x: Any) -> Any:
        return x[:, 0, 0, :1]


def predicted(data: Any, **options: Any) -> list[int]:
    return np.rint(First().predict(data, verbose=0, **options)[:, 0] * 255).astype(int).tolist()


def model(**options: Any) -> keras.Model:
    made = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])  # not built: Keras looks at a batch first
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    made.compile("sgd", loss, metrics=["accuracy"], **options)
    return made


class Watch(keras.callbacks.Callback):
    """Where the stream stands after each step of training."""

    def __init__(self, train: vary.Stream | vary.Mixed, stop_after: int | None = None) -> None:
        super().__init__()
        self.train, self.stop_after = train, stop_after
        self.begun: tuple[int, int] | None = None
        self.steps: list[list[tuple[int, int]]] = []

    def place(self) -> tuple[int, int]:
        state = self.train.state_dict()
        return int(state["epoch"]), int(state["position"])

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002
        self.begun = self.place()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        self.steps.append([])

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        self.steps[-1].append(self.place())
        if len(self.steps[-1]) == self.stop_after:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        assert self.place() == self.steps[-1][-1]


def places(epoch: int, first: int = 0) -> list[tuple[int, int]]:
    """After each batch of an epoch, from position `first` on."""
    return [*((epoch, position) for position in range(first + SIZE, COUNT, SIZE)), (epoch + 1, 0)]


def expected(*epochs: int, **options: Any) -> list[list[int]]:
    found = []
    for epoch in epochs:
        again = stream(**options)
        again.set_epoch(epoch)
        found += [numbers(batch.images) for batch in again]
    return found


def raised(call: Callable[[], Any]) -> str:
    """What it says; TensorFlow wraps errors in its own."""
    try:
        call()
    except Exception as error:  # noqa: BLE001
        return str(error)
    return "nothing was raised"


def check_streams_are_datasets() -> None:
    both = vary.mix([EARLY, stream(seed=1)])
    for one in (EARLY, stream(), both):
        assert isinstance(one, keras.utils.PyDataset)
        assert isinstance(one, type(one))
        assert type(one) in (vary.Stream, vary.Mixed)
        assert one.__class__ is one.__class__
    assert not isinstance(POLICY, keras.utils.PyDataset)
    assert isinstance(EARLY, vary.Stream)
    assert "Stream(" in repr(EARLY)


def check_epochs_follow_each_other_and_states_are_exact() -> None:
    for train in (EARLY, stream(process=True), stream(prefetch=0)):
        train.set_epoch(0)
        watch, net = Watch(train), Recorded()
        history = net.fit(train, epochs=3, verbose=0, callbacks=[watch]).history
        assert len(history["loss"]) == 3
        assert net.trained == expected(0, 1, 2)
        assert (watch.begun, watch.steps) == ((0, 0), [places(0), places(1), places(2)])
        assert (train.epoch, train.report().images) == (3, COUNT)
        watch = Watch(train)
        net.fit(train, epochs=7, initial_epoch=5, verbose=0, callbacks=[watch])
        assert net.trained == expected(0, 1, 2, 3, 4)
        assert (watch.begun, watch.steps) == ((3, 0), [places(3), places(4)])
        train.close()


def check_compiled_steps_count_as_well() -> None:
    several = [] if keras.backend.backend() == "torch" else [{"steps_per_execution": 2}, {"steps_per_execution": 4}]
    for options in ({}, *several):
        train, each = stream(), options.get("steps_per_execution", 1)
        watch = Watch(train)
        model(**options).fit(train, epochs=2, verbose=0, callbacks=[watch])
        assert watch.begun == (0, 0)
        assert watch.steps == [[*places(epoch)[each - 1 : -1 : each], places(epoch)[-1]] for epoch in (0, 1)]


def check_validation_and_evaluation() -> None:
    train, validation = stream(), stream(shuffle=False)
    net = model()
    history = net.fit(train, validation_data=validation, epochs=3, verbose=0).history
    assert len(history["val_loss"]) == len(history["val_accuracy"]) == 3
    assert (train.epoch, validation.epoch) == (3, 3)
    scaled = IMAGES.astype(np.float32) / 255
    for steps, count in ((None, COUNT), (2, 2 * SIZE), (2, 2 * SIZE)):
        found = net.evaluate(stream(shuffle=False) if steps is None else validation, steps=steps, verbose=0)
        assert np.allclose(found, net.evaluate(scaled[:count], LABELS[:count], verbose=0), rtol=1e-4)
    net.fit(train, validation_data=validation, validation_steps=2, validation_freq=2, epochs=4, verbose=0)
    assert train.epoch == 7


def check_predictions_come_in_order() -> None:
    once = list(range(COUNT))
    for data in (stream(shuffle=False), vary.stream(IMAGES, POLICY, batch_size=SIZE, shuffle=False)):
        assert predicted(data) == once
        assert predicted(data, steps=2) == once[: 2 * SIZE]
        assert predicted(data) == once
    assert sorted(predicted(stream())) == once
    built = model()
    built.fit(stream(), verbose=0)
    data = stream(shuffle=False)
    assert np.allclose(built.predict(data, verbose=0), built.predict(data, verbose=0))


def check_steps_per_epoch() -> None:
    train, net = stream(), Recorded()
    watch = Watch(train)
    net.fit(train, epochs=6, steps_per_epoch=2, verbose=0, callbacks=[watch])
    assert net.trained == expected(0, 1)
    assert watch.steps == [found[place : place + 2] for found in (places(0), places(1)) for place in (0, 2, 4)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Keras: "Your input ran out of data"
        net.fit(train, epochs=2, steps_per_epoch=4, verbose=0)
        net.fit(train, epochs=2, steps_per_epoch=9, verbose=0)
    assert net.trained == expected(0, 1, 2, 3, 4)
    for _ in range(3):
        net.fit(train, epochs=1, steps_per_epoch=1, verbose=0)
    assert net.trained == [*expected(0, 1, 2, 3, 4), *(expected(epoch)[0] for epoch in (5, 6, 7))]


def check_an_epoch_of_one_batch() -> None:
    train, net = vary.stream((IMAGES, LABELS), POLICY, batch_size=COUNT), Recorded()
    watch = Watch(train)
    net.fit(train, epochs=2, verbose=0, callbacks=[watch])
    assert (watch.begun, watch.steps) == ((0, 0), [[(1, 0)], [(2, 0)]])
    assert sorted(net.trained[0]) == sorted(net.trained[1]) == list(range(COUNT))


def check_training_that_is_stopped_goes_on_from_its_state() -> None:
    for after in (1, 3, 6):
        train, net = stream(), Recorded()
        watch = Watch(train, stop_after=after)
        net.fit(train, epochs=3, verbose=0, callbacks=[watch])
        assert net.trained == expected(0)[:after]
        assert watch.place() == places(0)[after - 1]
        again = stream()
        again.load_state_dict(train.state_dict())
        watch = Watch(again)
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Your input ran out of data")
            net.fit(again, epochs=2, verbose=0, callbacks=[watch])
        epochs = [places(0, SIZE * after), places(1)] if after < 6 else [places(1), places(2)]
        assert watch.steps == epochs
        assert net.trained == expected(0, 1, 2)[: after + len([*chain(*epochs)])]
        net.fit(train, verbose=0)  # without its state: the next epoch
        assert net.trained[-6:] == expected(1)


def check_a_state_of_the_very_end() -> None:
    train, net = stream(drop_last=True), Recorded()
    state = train.state_dict()
    train.load_state_dict({**state, "position": COUNT - 1})  # less than a batch
    net.fit(train, epochs=1, verbose=0)
    assert net.trained == expected(1, drop_last=True)


def check_states_set_in_callbacks() -> None:
    train, net = stream(), Recorded()
    again = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, _: train.set_epoch(0) if epoch == 0 else None)
    net.fit(train, epochs=3, verbose=0, callbacks=[again])
    assert net.trained == expected(0, 0, 1)


def check_class_weights_and_sample_weights() -> None:
    net = Recorded()
    net.fit(stream(shuffle=False), class_weight={0: 1.0, 1: 2.0, 2: 5.0}, verbose=0)
    assert [*chain(*net.weighted)] == [(1.0, 2.0, 5.0)[label] for label in LABELS]
    for name in ("sample_weight", "weights"):
        weights = np.linspace(0, 1, COUNT, dtype=np.float32)
        train = vary.stream(IMAGES, POLICY, labels={"labels": LABELS, name: weights}, batch_size=SIZE, shuffle=False)
        net = Recorded()
        net.fit(train, verbose=0)
        assert np.allclose([*chain(*net.weighted)], weights)


def check_several_fields_go_by_name() -> None:
    large, small = keras.Input((2, 8, 8, 3), name="large"), keras.Input((8, 8, 3), name="small")
    joined = keras.layers.Concatenate()([keras.layers.Flatten()(large), keras.layers.Flatten()(small)])
    outputs = {name: keras.layers.Dense(1, name=name)(joined) for name in ("age", "size")}
    net = keras.Model({"large": large, "small": small}, outputs)
    net.compile("sgd", {"age": "mse", "size": "mse"})
    labels = {"age": LABELS.astype(np.float32), "size": LABELS.astype(np.float32)}
    views = {"large": (POLICY, 2), "small": POLICY}
    train = vary.stream(IMAGES, views, labels=labels, batch_size=SIZE, shuffle=False)
    assert len(net.fit(train, epochs=2, verbose=0).history["loss"]) == 2
    assert {*net.predict(train, verbose=0)} == {"age", "size"}


def check_a_mix() -> None:
    both, other = (vary.mix([stream(), stream(seed=1)], ratios=[2, 1]) for _ in range(2))
    wanted = [numbers(batch.images) for _ in range(2) for batch in other]
    net = Recorded()
    net.fit(both, epochs=2, verbose=0)
    assert net.trained == wanted


def check_pictures_of_many_sizes() -> None:
    draw = np.random.default_rng(0)
    pictures = [draw.integers(0, 256, (8 + place, 30 - place, 3), dtype=np.uint8) for place in range(9)]
    train = vary.stream(pictures, POLICY, labels=np.arange(9) % 3, batch_size=1)
    net = keras.Sequential([keras.Input((None, None, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3)])
    net.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    net.fit(train, epochs=2, verbose=0)
    assert train.epoch == 2


class Odd(vary.Arrays):
    """Samples 5 to 8 and 11 are broken."""

    def __getitem__(self, index: int) -> Any:
        if index in (5, 6, 7, 8, 11):
            raise vary.SourceError(f"sample {index} is broken")
        return super().__getitem__(index)

    @property
    def whole(self) -> None:
        return None


def check_batches_of_broken_files_are_left_out() -> None:
    options = {"batch_size": 2, "shuffle": False, "on_error": "skip", "cache": None}
    other = vary.stream(Odd(IMAGES, LABELS), POLICY, **options)
    epoch = [numbers(batch.images) for batch in other]
    assert [*chain(*epoch)] == [number for number in range(COUNT) if number not in (5, 6, 7, 8, 11)]
    train, net = vary.stream(Odd(IMAGES, LABELS), POLICY, **options), Recorded()
    net.fit(train, epochs=3, verbose=0)
    wanted = epoch * 4
    assert net.trained == wanted[: len(net.trained)]
    assert len(net.trained) in range(3 * len(epoch), 4 * len(epoch))
    assert train.state_dict()["position"] in (0, 2)


def check_errors_arrive() -> None:
    train = vary.stream(Odd(IMAGES, LABELS), POLICY, batch_size=2, shuffle=False, cache=None)
    assert "sample 5 is broken" in raised(lambda: model().fit(train, verbose=0))


def check_copies_and_pickles() -> None:
    import cloudpickle

    copies: list[vary.Stream] = []

    def copied(*_: Any, **__: Any) -> None:
        copies.extend(pickle.loads(pickle.dumps(train, version)) for version in range(6))
        copies.extend([copy.copy(train), copy.deepcopy(train), cloudpickle.loads(cloudpickle.dumps(train))])

    train = stream()
    copied()
    train.set_epoch(0)
    model().fit(train, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=copied)])
    for again in copies:
        assert type(again) is vary.Stream
        assert again.state_dict().keys() == train.state_dict().keys()
    assert [again.state_dict()["position"] for again in copies[9::9]] == [*range(SIZE, COUNT, SIZE), 0]
    net = Recorded()
    net.fit(copies[-1], verbose=0)
    assert net.trained == expected(1)
    assert dict(inspect.getmembers(train))["epoch"] == 1
    assert inspect.signature(train.set_epoch)


def check_only_keras_may_ask_by_number() -> None:
    assert "for batch in stream" in raised(lambda: stream()[0])


def check_adaptation() -> None:
    layer = keras.layers.Normalization()
    layer.adapt(stream(shuffle=False))
    scaled = IMAGES.astype(np.float32) / 255
    assert np.allclose(keras.ops.convert_to_numpy(layer.mean).ravel(), scaled.mean((0, 1, 2)), rtol=1e-3)


def check_batches_are_not_made_again() -> None:
    made: list[int] = []

    def noted(image: np.ndarray) -> np.ndarray:
        made.append(int(image[0, 0, 0]))
        return image

    policy = vary.Policy([vary.Lambda(noted), vary.Rescale(1 / 255)])
    train = vary.stream((IMAGES, LABELS), policy, batch_size=SIZE, threads=1, prefetch=0)
    net = model()
    net.build((None, 8, 8, 3))
    net.fit(train, epochs=3, verbose=0)
    looked_at = 2 * SIZE if keras.backend.backend() == "tensorflow" else 0
    assert len(made) == 3 * COUNT + looked_at


def check_accelerators_that_take_one_ahead() -> None:
    if keras.backend.backend() != "jax":
        return
    import jax

    original, jax.default_backend = jax.default_backend, lambda: "gpu"
    try:
        train, net = stream(), Recorded()
        watch = Watch(train)
        net.fit(train, epochs=2, verbose=0, callbacks=[watch])
        net.fit(train, epochs=3, steps_per_epoch=2, verbose=0, callbacks=[watch])
    finally:
        jax.default_backend = original
    assert watch.steps == [places(0), places(1), *(places(2)[place : place + 2] for place in (0, 2, 4))]
    assert net.trained == expected(0, 1, 2)
