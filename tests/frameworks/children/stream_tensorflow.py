"""`stream.as_tf()`: its spec, its epochs, and the state of the stream below it."""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(Path(__file__).parent))
from epochs import STEPS, expected, in_a_row, labels, mixed, stream

import vary


def check_the_spec_is_static() -> None:
    spec = stream().as_tf().element_spec
    assert spec.images == tf.TensorSpec((None, 12, 16, 3), tf.float32)
    assert spec.labels == tf.TensorSpec((None,), tf.int64)
    assert stream(drop_last=True).as_tf().element_spec.images.shape == (4, 12, 16, 3)
    assert isinstance(next(iter(stream().as_tf())), vary.Batch)


def check_each_iteration_is_an_epoch() -> None:
    one = stream()
    dataset = one.as_tf()
    assert dataset.cardinality() == tf.data.UNKNOWN_CARDINALITY
    assert [labels(dataset) for _ in range(3)] == expected(3)
    one.set_epoch(1)
    assert labels(dataset) == expected(2)[1]
    assert labels(mixed().as_tf()) == labels(mixed())
    for batch, array in zip(stream().as_tf(), stream(), strict=True):
        assert np.array_equal(batch.images, array.images)
    assert labels(stream().as_tf().prefetch(2)) == expected(1)[0]


def check_every_kind_of_field() -> None:
    images, masks = np.zeros((6, 8, 10, 3), np.uint8), np.ones((6, 8, 10), np.uint8)
    policy = vary.Policy([vary.HorizontalFlip()])
    streams = [
        vary.stream(vary.Pairs(images, masks), policy, batch_size=3),
        vary.stream(images, policy, views=2, batch_size=3),
        vary.stream((images, np.arange(6)), policy, one_hot=True, batch_size=4),
        vary.stream(images, policy, labels={"age": np.arange(6, dtype=np.float32), "old": np.arange(6) > 2}),
        vary.stream((images, list("abcabc")), policy, batch_size=4),
        vary.stream((images, np.arange(24).reshape(6, 2, 2)), policy, layout="NCHW", batch_size=4),
        vary.stream(images.astype(np.uint16), policy),
    ]
    for one in streams:
        for batch, array in zip(one.as_tf(), list(one), strict=True):
            for tensor, expected_ in zip(batch, array, strict=True):
                assert tensor.shape == expected_.shape
                assert tensor.dtype == tf.as_dtype(expected_.dtype)


def check_the_rest_after_a_state() -> None:
    for stop in (0, 1, 5, STEPS - 1, STEPS, STEPS + 3):
        one, before = stream(), []
        dataset = one.as_tf()
        while len(before) < stop:
            for batch in dataset:
                before += labels([batch])
                if len(before) == stop:
                    break
        other, rest = stream(), []
        dataset = other.as_tf()
        other.load_state_dict(one.state_dict())
        while len(before + rest) < 3 * STEPS:
            rest += labels(dataset)
        assert before + rest == in_a_row(3), stop


def check_a_state_of_another_batch_size() -> None:
    """Loaded after the dataset was made."""
    one, other = stream(batch_size=3), stream(batch_size=8)
    dataset = other.as_tf()
    taken = next(iter(one))
    other.load_state_dict(one.state_dict())
    rest = [batch.labels.numpy() for batch in dataset]
    whole = np.concatenate([batch.labels for batch in stream(batch_size=8)])
    assert np.array_equal(np.concatenate([taken.labels, *rest]), whole)


def check_an_iterator_that_is_dropped_ends_the_streams() -> None:
    import gc
    import threading

    before = threading.active_count()
    for batch in stream().as_tf():
        assert len(batch.labels)
        break
    gc.collect()
    left = [thread for thread in threading.enumerate() if thread.name.startswith("vary")]
    assert not left, (before, left)
