"""An epoch of training on real photos with PyTorch, JAX or TensorFlow (KERAS_BACKEND): the loss falls."""

import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from epochs import photos

FRAMEWORK = os.environ["KERAS_BACKEND"]


def torch_losses() -> tuple[float, float]:
    import torch

    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 5, 3),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 15 * 15, 2),
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    loss = torch.nn.functional.cross_entropy

    def measured() -> float:
        with torch.no_grad():
            return float(np.mean([float(loss(net(batch.images), batch.labels)) for batch in photos().as_torch()]))

    before = measured()
    for images, labels in photos().as_torch():
        optimizer.zero_grad()
        loss(net(images), labels).backward()
        optimizer.step()
    return before, measured()


def jax_losses() -> tuple[float, float]:
    import jax

    def loss(weights, batch):  # type: ignore[no-untyped-def]
        hidden = jax.nn.relu(batch.images.reshape(len(batch.images), -1) @ weights[0])
        return -jax.nn.log_softmax(hidden @ weights[1])[jax.numpy.arange(len(batch.labels)), batch.labels].mean()

    keys = jax.random.split(jax.random.key(0))
    weights = [jax.random.normal(keys[0], (48 * 48 * 3, 16)) / 83, jax.random.normal(keys[1], (16, 2)) / 4]

    def measured() -> float:
        return float(np.mean([loss(weights, batch) for batch in photos().as_jax()]))

    before = measured()
    for batch in photos().as_jax():
        steps = jax.jit(jax.grad(loss))(weights, batch)
        weights = [one - 0.02 * step for one, step in zip(weights, steps, strict=True)]
    return before, measured()


def tensorflow_losses() -> tuple[float, float]:
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    net = keras.Sequential([keras.Input((48, 48, 3)), layers.Conv2D(8, 5, 3), layers.ReLU(), layers.Flatten()])
    net.add(layers.Dense(2))
    net.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    before = net.evaluate(photos().as_tf(), verbose=0)
    net.fit(photos().as_tf(), verbose=0)
    return before, net.evaluate(photos().as_tf(), verbose=0)


def check_the_loss_falls_in_an_epoch_of_photos() -> None:
    before, after = globals()[f"{FRAMEWORK}_losses"]()
    assert 0 < after < before, (before, after)
    print(before, after, file=sys.stderr)
