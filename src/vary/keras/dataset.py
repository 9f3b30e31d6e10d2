"""`ImageDataset`: what `image_dataset_from_directory` returns. A stream whose batches have the form of Keras' own
dataset, with the methods of `tf.data.Dataset` that such code calls."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from copy import copy
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

import numpy as np

from vary.errors import InputError
from vary.guidance import close
from vary.keras.elements import INFINITE, NAMES_ELSEWHERE, Element, applied, single, spec_of, stacked
from vary.keras.traps import warn_of_trap
from vary.streams import keras
from vary.streams.order.samples import Window

if TYPE_CHECKING:
    from vary.streams.batch import Batch
    from vary.streams.stream import Stream

__all__ = ["ImageDataset", "LabelMode"]

LabelMode = Literal["int", "categorical", "binary"] | None


class Mapped(NamedTuple):
    """A function of `map`. is_single: it is given single samples, also where batches are made of them later."""

    function: Callable[..., object]
    is_single: bool


class ImageDataset:
    """Batches of pictures and labels; each `for` over it is one epoch, in a new order. `model.fit` accepts it, too.

    An element is (images, labels), or images alone without labels: NumPy arrays. images: (n, height, width, channels)
    float32, 0 .. 255 unless the policy rescales them. labels: (n,) int32, (n, classes) float32 or (n, 1) float32, by
    label_mode "int", "categorical" or "binary". With batch_size=None, elements are single samples, without `n`.

    class_names: the names of the classes, in the order of their ids; None without labels.
    file_paths: the paths of all files, in the order of their indices.
    stream: the `vary.Stream` below, with `report`, `state_dict` and `set_epoch`.

    `take`, `skip`, `repeat`, `map`, `batch` and the like return another dataset, with epochs of its own.
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
        self._functions: tuple[Mapped, ...] = ()
        self._epochs: int | None = 1  # of the stream, in one epoch here; None: without an end
        self._most: int | None = None  # elements in an epoch, by take() after repeat()

    @property
    def file_paths(self) -> list[str]:
        source = self.stream.source
        return [str(source.path(index)) for index in range(len(source))]

    @property
    def element_spec(self) -> Element:
        """The shape and dtype of an element's arrays, in its form: each is an `ArraySpec`. None in a shape: the number
        of samples may differ. The first element is made to find out."""
        return spec_of(self._element(self.stream.peek()), self._batched, self.stream.element_spec[0].shape[0])

    def __len__(self) -> int:
        """Elements in an epoch: batches, or samples with batch_size=None. `TypeError` after repeat() without a count:
        there is no end."""
        count = self._count()
        if count == math.inf:
            raise TypeError("a dataset has no length after repeat(), because it has no end; repeat(3) has one")
        return int(count)

    def _count(self) -> float:
        count = math.inf if self._epochs is None else len(self.stream) * self._epochs
        return count if self._most is None else min(self._most, count)

    def __bool__(self) -> bool:
        return True

    def cardinality(self) -> int:
        """The length; -1 (tf.data.INFINITE_CARDINALITY) if there is no end."""
        return INFINITE if self._count() == math.inf else len(self)

    def __iter__(self) -> Iterator[Element]:
        """One epoch. Threads may share the iterator."""
        batches = self.stream if self._epochs == 1 else self.stream.batches(self._epochs)
        return map(self._element, islice(batches, self._most))  # no generator, which threads cannot share

    def as_numpy_iterator(self) -> Iterator[Element]:
        """The same as `iter(dataset)`: elements are NumPy arrays anyway."""
        return iter(self)

    def _element(self, batch: Batch) -> Element:
        element = self._formed(batch)
        singles = [one.function for one in self._functions if one.is_single]
        if singles or not self._batched:
            samples = [applied(singles, single(element, place)) for place in range(len(batch[0]))]
            element = stacked(samples) if self._batched else samples[0]
        return applied([one.function for one in self._functions if not one.is_single], element)

    def _formed(self, batch: Batch) -> Element:
        """A batch of the stream, with labels in the form of the label mode."""
        if self._label_mode is None:
            return batch[0]
        labels = batch[1]
        labels = labels.astype(np.int32) if self._label_mode == "int" else labels.astype(np.float32)
        return batch._replace(labels=labels[:, None] if self._label_mode == "binary" else labels)

    def take(self, count: int) -> ImageDataset:
        """A dataset of the first `count` elements of each epoch; of all with -1."""
        most = None if count == -1 else _whole("take", count, 1)
        if self._epochs == 1:
            return self._part(0, most)
        made = self._copy()
        made._most = self._most if most is None else min(most, self._most or most)
        return made

    def skip(self, count: int) -> ImageDataset:
        """A dataset of all but the first `count` elements of each epoch.

        With shuffle=True, each epoch skips others, so parts made by take() and skip() overlap: a `TrapWarning` says so.
        For parts that stay the same, call `shuffle(1000, reshuffle_each_iteration=False)` before.
        """
        first = _whole("skip", count, 0)
        if self._epochs != 1:
            raise InputError("skip() after repeat() would skip elements of the first epoch alone; call it before")
        if first and self.stream.options.shuffle and not self._is_fixed:
            warn_of_trap(
                f"skip({first}) of a shuffled dataset skips other samples in each epoch, so that it shares samples "
                "with take(); for parts, give validation_split= and subset='both', or call "
                "shuffle(1000, reshuffle_each_iteration=False) before"
            )
        return self._part(first, None)

    def _part(self, first: int, length: int | None) -> ImageDataset:
        each = self.stream.options.batch_size * self.stream.options.part.ranks
        made = self._copy()
        made.stream._samples = Window(self.stream._samples, first * each, None if length is None else length * each)
        if not len(made):
            raise InputError(f"skip({first}) leaves nothing of {len(self)} elements; skip fewer")
        return made

    def _copy(self, **options: object) -> ImageDataset:
        """The same dataset, with epochs of its own. options: of its stream, that differ."""
        made = copy(self)
        made.stream = self.stream._with(**options)
        return made

    @property
    def _is_fixed(self) -> bool:
        """Has each epoch the same order?"""
        samples: object = self.stream._samples
        while isinstance(samples, Window) and not samples.is_fixed:
            samples = samples.whole
        return isinstance(samples, Window)

    def repeat(self, count: int | None = None) -> ImageDataset:
        """A dataset whose epochs are `count` epochs of this one; without an end if None or -1. Each has an order of its
        own, and a batch holds samples of one of them."""
        times = None if count is None or count == -1 else _whole("repeat", count, 1)
        if self._most is not None:
            raise InputError("repeat() after repeat().take() is not possible; call take() before repeat()")
        made = self._copy()
        made._epochs = None if times is None or self._epochs is None else self._epochs * times
        return made

    def batch(
        self, batch_size: int, drop_remainder: bool = False, num_parallel_calls: object = None, **_: object
    ) -> ImageDataset:
        """A dataset of batches, of one of single samples. What map() did to samples is done to each. drop_remainder:
        leave out a last batch that is not full. The other arguments are ignored."""
        del num_parallel_calls
        if self._batched:
            raise InputError(
                f"batch({batch_size}): the elements are batches already, of {self.stream.options.batch_size}; call "
                "unbatch() before, or give image_dataset_from_directory this batch_size="
            )
        self._check_parts("batch")
        made = self._copy(batch_size=_whole("batch", batch_size, 1), drop_last=bool(drop_remainder))
        made._batched = True
        return made

    def unbatch(self) -> ImageDataset:
        """A dataset of single samples."""
        if any(not one.is_single for one in self._functions):
            raise InputError("unbatch() after a map() of batches is not possible; call unbatch() before map()")
        self._check_parts("unbatch")
        made = self._copy(batch_size=1)
        made._batched = False
        return made

    def rebatch(self, batch_size: int, drop_remainder: bool = False) -> ImageDataset:
        """A dataset of batches of another size."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def _check_parts(self, name: str) -> None:
        if self._most is not None:
            raise InputError(f"{name}() after repeat().take() is not possible; call {name}() before take()")

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
        made = self._copy()
        made._functions = (*self._functions, Mapped(function, not self._batched))
        return made

    def apply(self, transformation_func: Callable[[ImageDataset], Element]) -> Element:
        """`transformation_func(dataset)`."""
        return transformation_func(self)

    def cache(self, filename: object = "") -> ImageDataset:
        """The same dataset: decoded files are cached anyway, and augmented anew in each epoch. The argument is ignored;
        `cache="disk"` of `image_dataset_from_directory` keeps them on disk."""
        del filename
        return self

    def prefetch(self, buffer_size: object = None) -> ImageDataset:
        """The same dataset: batches are prepared ahead anyway. The argument is ignored."""
        del buffer_size
        return self

    def with_options(self, options: object) -> ImageDataset:
        """The same dataset: options of tf.data have no effect."""
        del options
        return self

    def shuffle(
        self, buffer_size: object = None, seed: object = None, reshuffle_each_iteration: bool | None = True
    ) -> ImageDataset:
        """The same dataset, which is shuffled completely in each epoch; or, with reshuffle_each_iteration=False, one
        with the same order in all epochs. The other arguments are ignored. `InputError` if it was made with
        shuffle=False."""
        del buffer_size, seed
        if not self.stream.options.shuffle:
            raise InputError("this dataset has shuffle=False; make it with shuffle=True, then every epoch is shuffled")
        if reshuffle_each_iteration in (True, None):
            return self
        made = self._copy()
        made.stream._samples = Window(self.stream._samples, is_fixed=True)
        return made

    if not TYPE_CHECKING:  # with this method, a type checker would accept every name

        def __getattr__(self, name: str) -> NoReturn:
            cure = NAMES_ELSEWHERE.get(name, "") or ("" if name.startswith("_") else close(name, dir(ImageDataset)))
            raise AttributeError(f"'ImageDataset' object has no attribute {name!r}{cure and f'; {cure}'}")

    # The methods of a PyDataset, for Keras: see vary/streams/keras.py.

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            return keras.class_seen(type(self))

    @property
    def num_batches(self) -> int | None:
        """None: without an end."""
        if self._epochs == 1:
            return self.stream.num_batches
        if sys._getframe(1).f_code.co_name == "get_data_adapter":  # which warns of None
            return len(self.stream)
        return None if self._count() == math.inf else len(self)

    def on_epoch_begin(self) -> None:
        caller = sys._getframe(1)
        keras.begin(self.stream, caller)
        steps = keras.epoch_iterator(caller)
        if self._epochs != 1:
            steps._num_batches = self.num_batches
            if steps._num_batches is None and not steps.steps_per_epoch:
                raise InputError(
                    "the dataset has no end after repeat(); give fit steps_per_epoch=, for validation data "
                    "validation_steps=, and evaluate and predict steps="
                )

    def on_epoch_end(self) -> None:
        keras.end(self.stream, sys._getframe(1))

    def __getitem__(self, number: int) -> Element:
        """Only for Keras, in `model.fit(dataset)`."""
        if not keras.is_keras(sys._getframe(1)):
            raise TypeError("a dataset has no elements by number: `for images, labels in dataset` is an epoch")
        if not self._batched:
            raise InputError(
                "the elements are single samples, by batch_size=None or unbatch(), and Keras trains on batches; give "
                "batch_size=32, or dataset.batch(32)"
            )
        element = self._element(self.stream._batch_for_keras(number, self._count()))
        return tuple(element) if isinstance(element, tuple) else (element,)

    def __reduce__(self) -> tuple[object, ...]:  # the default fails, because __class__ may differ from the type
        return ImageDataset, (self.stream, self._label_mode, self.class_names, self._batched), self.__dict__

    def __repr__(self) -> str:
        mapped = f", {len(self._functions)} functions" if self._functions else ""
        mapped += "" if self._epochs == 1 else f", repeat({'' if self._epochs is None else self._epochs})"
        return f"ImageDataset({self.stream!r}, label_mode={self._label_mode!r}{mapped})"


def _whole(name: str, count: object, least: int) -> int:
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < least:
        raise InputError(f"{name}({count!r}); give a whole number of at least {least}")
    return int(count)
