"""`stream.as_tf()`: a stream as a `tf.data.Dataset`. Importing this module imports TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError

try:
    import tensorflow as tf
except ImportError as error:
    raise ImportError("as_tf() needs TensorFlow, which cannot be imported: pip install tensorflow") from error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vary.streams import Batch, Mixed, Stream

__all__ = ["dataset_of"]


def dataset_of(stream: Stream | Mixed) -> Any:  # Any: TensorFlow may be absent
    """A `tf.data.Dataset` of whole batches. Each iteration of it is the next epoch of the stream.

    Its element_spec is the stream's as `tf.TensorSpec`: a named tuple, None where sizes differ between batches; the
    number of samples in a batch is known with drop_last=True. Labels that are text are tf.string. States are those of
    the stream: `stream.state_dict()`. A state that is loaded later shortens an epoch, so the number of batches is
    unknown to tf.data; it is `len(stream)`.
    """
    spec = stream.element_spec
    tensors = [_tensor_spec(name, one, stream.options.drop_last) for name, one in zip(spec.fields, spec, strict=True)]
    signature = type(spec)._make(tensors)

    def batches() -> Iterator[Batch]:
        yield from stream

    return tf.data.Dataset.from_generator(batches, output_signature=signature).with_options(_options())


def _options() -> Any:
    """Nothing is added that asks for batches ahead: the stream does so, and its state counts what was asked for."""
    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.apply_default_optimizations = False
    options.experimental_optimization.inject_prefetch = False
    return options


def _tensor_spec(name: str, spec: Any, fixed: bool) -> Any:  # Any: an ArraySpec; a TensorSpec
    """fixed: have all batches the same number of samples, whatever state is loaded?"""
    kind = spec.dtype.kind
    if kind not in "biufcUSO":
        raise InputError(
            f"{name} of dtype {spec.dtype}: TensorFlow has no such tensors; give labels= as numbers or text"
        )
    shape = spec.shape if fixed else (None, *spec.shape[1:])
    return tf.TensorSpec(shape, tf.string if kind in "USO" else tf.as_dtype(np.dtype(spec.dtype)), name=None)
