"""A small classic CNN, trained by Keras on TensorFlow, which is the fastest backend at 32x32 (NOTES.md); optional."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # read when TensorFlow is imported
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import tensorflow as tf

import vary
from benchmarks.peers import Batch, Build, Check, Image, Step, fits, handed
from benchmarks.peers.vary import main_policy

if TYPE_CHECKING:
    from collections.abc import Sequence

CLASSES = 10
Batches = Iterable[Any]  # of (images, labels)


def versions() -> dict[str, str]:
    told = {"tensorflow": tf.__version__, "keras": keras.__version__}
    return {**told, "vary": vary.__version__, "numpy": np.__version__}


def network() -> Any:
    layers = keras.layers
    model = keras.Sequential([keras.Input((32, 32, 3))])
    for filters in (32, 64, 64):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    for layer in (layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(CLASSES)):
        model.add(layer)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


def streamed(images: Sequence[Image]) -> vary.Stream:
    """As a user would write it first."""
    labels = np.arange(len(images)) % CLASSES
    return vary.stream((np.stack(images), labels), main_policy(32), batch_size=32, seed=7)


def held(images: Sequence[Image]) -> Batches:
    """The batches of one epoch, in memory."""
    return [(pictures.copy(), labels.copy()) for pictures, labels in streamed(images)]


def trained(feed: Callable[[Sequence[Image]], Batches]) -> Build:
    """An epoch of training steps; the last pictures are handed back."""

    def build(images: Sequence[Image], threads: int) -> Step:
        with_threads(threads)
        keras.utils.set_random_seed(7)
        model, batches = network(), feed(images)

        def step(_epoch: int) -> Batch:
            for pictures, labels in batches:
                model.train_on_batch(pictures, labels)
            return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))

        return step

    return build


def with_threads(threads: int) -> None:
    if tf.config.threading.get_intra_op_parallelism_threads() != threads:  # it is an error once a step was run
        tf.config.threading.set_intra_op_parallelism_threads(threads)


def alone(images: Sequence[Image], _threads: int) -> Step:
    """The stream, and nothing that trains."""
    batches = streamed(images)

    def step(_epoch: int) -> Batch:
        for pictures, _ in batches:
            last = pictures
        return np.ascontiguousarray(last.transpose(0, 3, 1, 2))

    return step


CASES: dict[str, Build] = {"stream": trained(streamed), "arrays": trained(held), "alone": alone}
UNITS_AN_IMAGE = {**dict.fromkeys(CASES, 1 / 32), **fits.UNITS_AN_IMAGE}  # steps
CASES |= fits.cases() | handed.cases(lambda stream: stream.as_tf(), memoryview)
CHECKS: dict[str, Check] = {}
