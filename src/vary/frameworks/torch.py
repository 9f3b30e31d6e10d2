"""`stream.as_torch()`: a stream as an `IterableDataset` of PyTorch. Importing this module imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError
from vary.frameworks.batches import Converted, Handed, ranked, with_arrays
from vary.frameworks.workers import Share, asks_for_samples, note, refuse_accelerate
from vary.sample import Array

try:
    import torch
    from torch.utils.data import IterableDataset, get_worker_info
except ImportError as error:
    raise ImportError("as_torch() needs PyTorch, which cannot be imported: pip install torch") from error

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vary.streams import Batch, Mixed, Stream
    from vary.streams.options import Options
    from vary.streams.state import Term

__all__ = ["TorchBatches"]


class TorchBatches(Handed, IterableDataset):  # type: ignore[misc]
    """What `stream.as_torch()` returns: an `IterableDataset` of whole batches, named tuples of tensors.

        for images, labels in train.as_torch(): ...                                 # vary's own threads
        loader = DataLoader(train.as_torch(), batch_size=None, num_workers=4)       # processes, the same batches

    Images are (n, channels, height, width) tensors in channels_last memory, which is the stream's own: nothing is
    copied. Pictures with an axis for views, and masks with one for channels, have their channels there, too. Class ids
    and other columns of whole numbers are int64; all else has the stream's dtype. Text stays a NumPy array. With CUDA
    the tensors are in pinned memory, unless this is a worker of a DataLoader, which has pin_memory=.

    Each `iter` is the next epoch of the stream, in a DataLoader, too, with any start method and with
    persistent_workers. Its workers make every n-th batch each, so that each batch comes once, and in the same order
    as without workers. In torch.distributed, each rank has its own share, unless the stream has a shard=.

    `InputError` in a DataLoader with a batch_size, because these are batches already; in its workers with
    on_error="skip" or max_errors=, because none of them sees all batches; in a loader that Accelerate has prepared.
    """

    def __init__(self, stream: Stream | Mixed) -> None:
        super().__init__(stream)
        self._share = Share()

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_share": self._share.copied(self)}

    def __iter__(self) -> Converted:
        if asks_for_samples():
            raise InputError(
                "DataLoader(stream.as_torch()) would put batches into batches; give it batch_size=None, and the size "
                "of the batches to vary.stream(batch_size=...)"
            )
        refuse_accelerate()
        worker = get_worker_info()
        if worker is None:
            return super().__iter__()
        self._share.enter(self)
        options, turn = self._share.of_worker(self, worker.id, worker.num_workers)
        made = Converted(lambda: self._share.begun(self.stream, options, turn), self._converter())
        made.begun()  # now, because StatefulDataLoader may replace an iterator that no batch was taken from
        return made

    def _begin(self) -> Any:  # Any: the Iteration, of a base that is unknown without torch
        note(self.stream)
        return super()._begin()

    def _options(self) -> Options:
        options = self.stream.options
        there = torch.distributed
        if self._share.shard is not None:
            return ranked(options, *self._share.shard)
        if get_worker_info() is None and there.is_available() and there.is_initialized():
            return ranked(options, there.get_rank(), there.get_world_size())
        return options

    def __len__(self) -> int:
        note(self.stream)
        return super().__len__()

    @property
    def epoch(self) -> int:
        """The number of the next iteration's epoch."""
        note(self.stream)
        return super().epoch

    def state_dict(self) -> dict[str, Term]:
        """Where the next batch of the latest iteration begins, as `Stream.state_dict`.

        In workers of a DataLoader, only that knows which batches were used: torchdata's `StatefulDataLoader` has a
        `state_dict` that does, and calls this one. `InputError` for other loaders with workers.
        """
        return self._share.state(self.stream)

    def load_state_dict(self, state: Mapping[str, Term]) -> None:
        """Make the next iteration continue where the state was saved, as `Stream.load_state_dict`."""
        self._share.load(self, state)

    def _converter(self) -> Callable[[Batch], Batch]:
        pins = torch.cuda.is_available() if get_worker_info() is None else False
        schema = self.stream._schema()
        last = {one.field for one in schema.pictures if one.layout == "NHWC"}
        flat = {one.field for one in schema.pictures if one.masks}
        views = {one.field for one in schema.pictures if one.views}

        def kind_of(field: str, array: Array) -> bool:
            """Is the last axis of this field's array that of the channels?"""
            return field in last and not (field in flat and array.ndim == 3 + (field in views))

        def convert(batch: Batch) -> Batch:
            tensors = [
                _tensor(array, kind_of(field, array), pins) for field, array in zip(batch.fields, batch, strict=True)
            ]
            return with_arrays(batch, tensors)

        return convert


def _tensor(array: Array, channels_last: bool, pins: bool) -> Any:  # Any: a tensor, or an array of text
    """A tensor over the array's memory; channels_last: with the last axis moved before height and width."""
    if array.dtype.kind not in "biufc":
        return array
    if array.dtype.kind in "iu" and array.ndim == 1 and array.dtype != np.int64:
        array = array.astype(np.int64)
    if not array.dtype.isnative or any(step < 0 for step in array.strides):
        array = array.astype(array.dtype.newbyteorder("="), order="C")
    tensor = torch.from_numpy(array if array.flags.writeable else _writeable(array))
    if channels_last:
        tensor = tensor.movedim(-1, -3)
    return tensor.pin_memory() if pins else tensor


class _Memory:
    """The memory of a read-only array, as NumPy's interface describes it. torch has no read-only tensors, and warns."""

    def __init__(self, array: Array) -> None:
        self._array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (array.ctypes.data, False)}


def _writeable(array: Array) -> Array:
    return np.asarray(_Memory(array))
