"""`model.fit` of Keras 3 on a stream and on arrays in memory, with a small classic network at 96x96.

`cases()` is for modules that have chosen a backend by KERAS_BACKEND before they import this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

import vary
from benchmarks.peers import Batch, Build, Image, Step
from benchmarks.peers.vary import main_policy

if TYPE_CHECKING:
    from collections.abc import Sequence

COPIES, SIZE = 16, 32  # of the 32 pictures; of a batch
UNITS_AN_IMAGE = {"fit_stream": COPIES / SIZE, "fit_arrays": COPIES / SIZE}  # steps


def versions() -> dict[str, str]:
    return {"keras": keras.__version__, "vary": vary.__version__, "numpy": np.__version__}


def network() -> Any:
    layers = keras.layers
    model = keras.Sequential([keras.Input((96, 96, 3))])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, activation="relu"))
        model.add(layers.MaxPooling2D())
    for layer in (layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(1, activation="sigmoid")):
        model.add(layer)
    model.compile("adam", "binary_crossentropy")
    return model


def fitted(data: Any, *more: Any, last: Batch) -> Step:
    keras.utils.set_random_seed(7)
    model = network()

    def step(_epoch: int) -> Batch:
        model.fit(data, *more, batch_size=SIZE if more else None, verbose=0)
        return last

    return step


def held(images: Sequence[Image]) -> tuple[Image, Any]:
    x = np.stack(list(images) * COPIES)
    return x, (np.arange(len(x)) % 2).astype(np.float32)


def stream(images: Sequence[Image], _threads: int) -> Step:
    train = vary.stream(held(images), main_policy(96), batch_size=SIZE, seed=7).as_keras()
    return fitted(train, last=next(iter(train))[0])


def arrays(images: Sequence[Image], _threads: int) -> Step:
    """The pictures of one epoch of the stream."""
    batches = list(vary.stream(held(images), main_policy(96), batch_size=SIZE, seed=7))
    x = np.concatenate([np.array(batch[0]) for batch in batches])
    return fitted(x, np.concatenate([batch[1] for batch in batches]), last=x)


def cases() -> dict[str, Build]:
    return {"fit_stream": stream, "fit_arrays": arrays}
