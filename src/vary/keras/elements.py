"""The elements of an `ImageDataset`: arrays in tuples and dicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from vary.errors import InputError, stop_iteration_error
from vary.streams.batch import ArraySpec

__all__ = ["INFINITE", "NAMES_ELSEWHERE", "Element", "applied", "arrays_of", "single", "spec_of", "stacked"]

Element = Any  # `Any`: (images, labels), images, or what a user's function made of them
INFINITE = -1  # tf.data.INFINITE_CARDINALITY
LOOP = "loop over the dataset instead: `for images, labels in dataset` gives NumPy arrays"
OF_SOURCE = "leave the files out of the folder, or write vary.stream(vary.Folder(...)[mask], policy)"
NAMES_ELSEWHERE = {
    "enumerate": "write enumerate(dataset)",
    "filter": OF_SOURCE,
    "shard": "give image_dataset_from_directory shard=(number, count)",
    "concatenate": "vary.mix([first.stream, second.stream]) reads both",
    "zip": "write zip(first, second)",
    "classes": "write dataset.class_names",
    "num_classes": "write len(dataset.class_names)",
    "class_indices": "write {name: number for number, name in enumerate(dataset.class_names)}",
    "labels": "dataset.stream.source.labels has those of all files",
    "filenames": "write dataset.file_paths",
    "samples": "write len(dataset.file_paths)",
    "numpy": "the arrays of a dataset are NumPy arrays; leave .numpy() out",
    "reduce": LOOP,
    "scan": LOOP,
    "unique": LOOP,
    "window": LOOP,
    "interleave": LOOP,
    "flat_map": LOOP,
    "padded_batch": "pictures have one size here; write batch()",
    "ignore_errors": "give image_dataset_from_directory on_error='skip'",
    "save": "give image_dataset_from_directory cache='disk', which keeps decoded files",
    "snapshot": "give image_dataset_from_directory cache='disk', which keeps decoded files",
    "_variant_tensor": "this is no tf.data.Dataset, so functions of tf.data do not take it; len(dataset) is its "
    "cardinality, and tf.data.Dataset.from_generator(lambda: iter(dataset), ...) makes one of it",
}
"""Names that tf.data.Dataset or iterators of Keras have and `ImageDataset` has not, and what to write."""


def applied(functions: Sequence[Callable[..., object]], element: Element) -> Element:
    """What the functions make of an element, one after the other. `InputError` if one returns None."""
    for function in functions:
        name = getattr(function, "__name__", "function")
        try:
            made = function(*element) if isinstance(element, tuple) else function(element)
        except StopIteration as error:  # which would end the epoch early
            raise stop_iteration_error(f"map(): {name}") from error
        if made is None:
            raise InputError(f"map(): {name} returned None; return (images, labels), or what Keras is to get of them")
        element = arrays_of(made)
    return element


def arrays_of(value: Element) -> Element:
    """The same tuples, lists and dicts, with NumPy arrays in place of tensors."""
    if isinstance(value, Mapping):
        return {key: arrays_of(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return tuple(map(arrays_of, value))
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def single(element: Element, place: int) -> Element:
    """One sample of a batch."""
    return tuple(one[place] for one in element) if isinstance(element, tuple) else element[place]


def stacked(samples: Sequence[Element]) -> Element:
    """Samples as a batch."""
    first = samples[0]
    if isinstance(first, Mapping):
        return {key: stacked([one[key] for one in samples]) for key in first}
    if isinstance(first, tuple):
        return tuple(map(stacked, zip(*samples, strict=True)))
    shapes = {np.shape(one) for one in samples}
    if len(shapes) > 1:
        raise InputError(
            f"batch(): map() made arrays of the shapes {sorted(shapes)}, which are no batch; give them one shape"
        )
    return np.stack(samples)


def spec_of(element: Element, is_batch: bool, length: int | None) -> Element:
    """The shape and dtype of each array. length: of batches; None: it differs."""
    if isinstance(element, Mapping):
        return {key: spec_of(one, is_batch, length) for key, one in element.items()}
    if isinstance(element, tuple):
        return tuple(spec_of(one, is_batch, length) for one in element)
    shape = (length, *element.shape[1:]) if is_batch and element.ndim else element.shape
    return ArraySpec(shape, element.dtype)
