"""`ImageDataset`: what `image_dataset_from_directory` returns. A stream whose batches have the form of Keras' own
dataset, with the methods of `tf.data.Dataset` that such code calls."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from vary.errors import InputError
from vary.streams import keras
from vary.streams.order.samples import Window

if TYPE_CHECKING:
    from vary.streams.batch import Batch
    from vary.streams.stream import Stream

__all__ = ["ImageDataset", "LabelMode"]

LabelMode = Literal["int", "categorical", "binary"] | None
Element = Any  # `Any`: (images, labels), images, or what a user's function made of them


class ImageDataset:
    """Batches of pictures and labels; each `for` over it is one epoch, in a new order. `model.fit` takes it, too.

    An element is (images, labels), or images alone without labels: NumPy arrays. images: (n, height, width, channels)
    float32, 0 .. 255 unless the policy rescales them. labels: (n,) int32, (n, classes) float32 or (n, 1) float32, by
    label_mode "int", "categorical" or "binary". With batch_size=None, elements are single samples, without `n`.

    class_names: the names of the classes, in the order of their ids; None without labels.
    file_paths: the paths of all files, in the order of their indices.
    stream: the `vary.Stream` below, with `report`, `state_dict` and `set_epoch`.
    """

    workers, use_multiprocessing, max_queue_size = 1, False, 1  # for Keras; the stream has threads of its own

    def __init__(
        self, stream: Stream, label_mode: LabelMode, class_names: list[str] | None = None, batched: bool = True
    ) -> None:
        """batched: False: elements are single samples; the stream's batches then hold one."""
        self.stream = stream
        self.class_names = class_names
        self._label_mode = label_mode
        self._batched = batched
        self._functions: tuple[Callable[..., object], ...] = ()

    @property
    def file_paths(self) -> list[str]:
        source = self.stream.source
        return [str(source.path(index)) for index in range(len(source))]

    def __len__(self) -> int:
        """Elements in an epoch: batches, or samples with batch_size=None."""
        return len(self.stream)

    def __iter__(self) -> Iterator[Element]:
        for batch in self.stream:
            yield self._element(batch)

    def _element(self, batch: Batch) -> Element:
        images: Element = batch[0]
        element: Element = images
        if self._label_mode is not None:
            labels = batch[1]
            labels = labels.astype(np.int32) if self._label_mode == "int" else labels.astype(np.float32)
            labels = labels[:, None] if self._label_mode == "binary" else labels
            element = batch._replace(labels=labels) if self._batched else (images[0], labels[0])
        elif not self._batched:
            element = images[0]
        for function in self._functions:
            element = arrays_of(function(*element) if isinstance(element, tuple) else function(element))
        return element

    def take(self, count: int) -> ImageDataset:
        """A dataset of the first `count` elements of each epoch; of all with -1."""
        return self._part(0, None if count == -1 else _whole("take", count, 1))

    def skip(self, count: int) -> ImageDataset:
        """A dataset of all but the first `count` elements of each epoch. With shuffle=True, each epoch skips others."""
        return self._part(_whole("skip", count, 0), None)

    def _part(self, first: int, length: int | None) -> ImageDataset:
        each = self.stream.options.batch_size * self.stream.options.part.ranks
        made = copy(self)
        made.stream = copy(self.stream)
        made.stream._samples = Window(self.stream._samples, first * each, None if length is None else length * each)
        if not len(made):
            raise InputError(f"skip({first}) leaves nothing of {len(self)} elements; skip fewer")
        return made

    def map(
        self, function: Callable[..., object], num_parallel_calls: object = None, deterministic: object = None
    ) -> ImageDataset:
        """A dataset of `function(images, labels)`, or `function(images)` without labels, for each element.

        The function is given NumPy arrays. What it returns may hold arrays or tensors of any framework, in tuples,
        lists and dicts; they become NumPy arrays. It is called in the thread that asks for the element. The other
        arguments are ignored: elements come in order.
        """
        del num_parallel_calls, deterministic
        if not callable(function):
            raise InputError(f"map() was given {function!r}; give a function of (images, labels)")
        made = copy(self)
        made.stream = copy(self.stream)
        made._functions = (*self._functions, function)
        return made

    def cache(self, filename: object = "") -> ImageDataset:
        """The same dataset: decoded files are cached anyway, and augmented anew in each epoch. The argument is ignored;
        `cache="disk"` of `image_dataset_from_directory` keeps them on disk."""
        del filename
        return self

    def prefetch(self, buffer_size: object = None) -> ImageDataset:
        """The same dataset: batches are prepared ahead anyway. The argument is ignored."""
        del buffer_size
        return self

    def shuffle(self, buffer_size: object = None, **_: object) -> ImageDataset:
        """The same dataset, which is shuffled completely in each epoch. The arguments are ignored. `InputError` if it
        was made with shuffle=False."""
        del buffer_size
        if not self.stream.options.shuffle:
            raise InputError("this dataset has shuffle=False; make it with shuffle=True, then every epoch is shuffled")
        return self

    # The methods of a PyDataset, for Keras: see vary/streams/keras.py.

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            return keras.class_seen(type(self))

    @property
    def num_batches(self) -> int:
        return self.stream.num_batches

    def on_epoch_begin(self) -> None:
        keras.begin(self.stream, sys._getframe(1))

    def on_epoch_end(self) -> None:
        keras.end(self.stream, sys._getframe(1))

    def __getitem__(self, number: int) -> Element:
        """Only for Keras, in `model.fit(dataset)`."""
        if not keras.is_keras(sys._getframe(1)):
            raise TypeError("a dataset has no elements by number: `for images, labels in dataset` is an epoch")
        if not self._batched:
            raise InputError("batch_size=None makes single samples, and Keras trains on batches; give batch_size=32")
        element = self._element(self.stream._batch_for_keras(number))
        return tuple(element) if isinstance(element, tuple) else (element,)

    def __reduce__(self) -> tuple[object, ...]:  # the default fails, because __class__ may differ from the type
        return ImageDataset, (self.stream, self._label_mode, self.class_names, self._batched), self.__dict__

    def __repr__(self) -> str:
        mapped = f", {len(self._functions)} functions" if self._functions else ""
        return f"ImageDataset({self.stream!r}, label_mode={self._label_mode!r}{mapped})"


def arrays_of(value: Element) -> Element:
    """The same tuples, lists and dicts, with NumPy arrays in place of tensors."""
    if isinstance(value, Mapping):
        return {key: arrays_of(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return tuple(map(arrays_of, value))
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def _whole(name: str, count: object, least: int) -> int:
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < least:
        raise InputError(f"{name}({count!r}); give a whole number of at least {least}")
    return int(count)
