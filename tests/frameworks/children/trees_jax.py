"""JAX uses batches directly."""

import pickle
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from batches import batches, streams

import vary


def check_tree_map() -> None:
    for batch in batches():
        doubled = jax.tree.map(lambda array: array * 2, batch)
        assert type(doubled) is type(batch)
        assert isinstance(doubled, vary.Batch)
        assert all(np.array_equal(two, 2 * one) for one, two in zip(batch, doubled, strict=True))
        assert [type(leaf) for leaf in jax.tree.map(lambda _: None, batch)] == [type(None)] * len(batch)
        assert jax.tree.leaves(jax.tree.map(lambda array: [array], batch))[0] is batch[0]
        paths, _ = jax.tree_util.tree_flatten_with_path(batch)
        assert [path[0].name for path, _ in paths] == list(batch._fields)


def check_one_compilation_for_all_batches() -> None:
    for stream in streams():
        traced = []

        @jax.jit
        def step(batch: vary.Batch) -> jax.Array:
            traced.append(batch.fields)  # noqa: B023  called within this turn
            return batch[0].sum()

        structures = set()
        for _ in range(2):
            for batch in stream:
                assert np.isclose(step(batch), batch[0].sum(), rtol=1e-4)
                structures.add(jax.tree.structure(batch))
        assert traced == [stream.fields]
        assert len(structures) == 1
        assert pickle.loads(pickle.dumps(structures)) == structures


def check_device_put_and_vmap() -> None:
    for batch in batches():
        there = jax.device_put(batch)
        assert type(there) is type(batch)
        assert all(isinstance(array, jax.Array) for array in there)
        means = jax.vmap(lambda sample: sample[0].mean())(batch)
        assert np.allclose(means, batch[0].reshape(len(batch[0]), -1).mean(axis=1), rtol=1e-4)


def check_gradients_and_scan() -> None:
    for batch in batches():
        floats = jax.tree.map(lambda array: jnp.asarray(array, jnp.float32), batch)
        gradient = jax.grad(lambda batch: (batch[0] ** 2).sum())(floats)
        assert np.allclose(gradient[0], 2 * batch[0])
        stacked = jax.tree.map(lambda *arrays: jnp.stack(arrays), floats, floats, floats)
        total, _ = jax.lax.scan(lambda total, batch: (total + batch[0].sum(), None), 0.0, stacked)
        assert np.isclose(total, 3 * batch[0].sum(), rtol=1e-3)
