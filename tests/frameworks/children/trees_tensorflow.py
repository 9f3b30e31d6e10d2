"""TensorFlow, keras.tree, dm-tree and optree use batches directly."""

import sys
from pathlib import Path

import keras
import numpy as np
import optree
import tensorflow as tf
import tree

sys.path.insert(0, str(Path(__file__).parent))
from batches import IMAGES, LABELS, POLICY, batches, streams

import vary


def check_nest() -> None:
    for batch in batches():
        doubled = tf.nest.map_structure(lambda array: array * 2, batch)
        assert type(doubled) is type(batch)
        assert np.array_equal(doubled[0], 2 * batch[0])
        leaves = tf.nest.flatten(batch)
        assert all(leaf is array for leaf, array in zip(leaves, batch, strict=True))
        assert type(tf.nest.pack_sequence_as(batch, leaves)) is type(batch)
        tf.nest.assert_same_structure(batch, doubled)


def check_one_tracing_for_all_batches() -> None:
    for stream in streams():
        traced = []

        @tf.function
        def step(batch: vary.Batch) -> tf.Tensor:
            traced.append(batch.fields)  # noqa: B023  called within this turn
            return tf.reduce_sum(batch[0])

        for batch in stream:
            there = tf.nest.map_structure(tf.convert_to_tensor, batch)
            assert np.isclose(step(there), batch[0].sum(), rtol=1e-4)
        assert traced == [stream.fields]


def check_data_from_generator() -> None:
    for stream in streams():
        batch = stream.peek()
        specs = [tf.TensorSpec((None, *array.shape[1:]), array.dtype) for array in batch]
        for signature in (tuple(specs), type(batch)(*specs)):
            stream.set_epoch(0)
            data = tf.data.Dataset.from_generator(lambda: iter(stream), output_signature=signature)  # noqa: B023
            found = list(data.as_numpy_iterator())
            stream.set_epoch(0)
            expected = list(stream)
            assert len(found) == len(expected) == len(stream)
            for one, other in zip(found, expected, strict=True):
                assert type(one) is type(signature)
                assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def check_other_libraries() -> None:
    for batch in batches():
        for map_tree in (keras.tree.map_structure, tree.map_structure, optree.tree_map):
            doubled = map_tree(lambda array: array * 2, batch)
            assert type(doubled) is type(batch)
            assert np.array_equal(doubled[-1], 2 * batch[-1])
        with_paths = tree.flatten_with_path(batch)
        assert [path for path, _ in with_paths] == [(name,) for name in batch._fields]
        assert all(leaf is array for (_, leaf), array in zip(with_paths, batch, strict=True))
        leaves, structure = optree.tree_flatten(batch)
        assert type(optree.tree_unflatten(structure, leaves)) is type(batch)
        packed = keras.tree.pack_sequence_as(batch, keras.tree.flatten(batch))
        assert type(packed) is type(batch)


def check_a_loop_of_generators() -> None:
    """The recipe of those who cannot give `fit` a stream: a generator without an end."""
    stream = vary.stream((IMAGES, LABELS), POLICY, batch_size=5)

    def forever():
        while True:
            yield from stream

    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = model.fit(forever(), steps_per_epoch=len(stream), epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2
