"""PyTorch, Lightning and Accelerate use batches directly."""

import sys
from pathlib import Path

import accelerate.utils
import numpy as np
import torch
import torch.utils._cxx_pytree as cxx_pytree
import torch.utils._pytree as pytree
from lightning_utilities.core.apply_func import apply_to_collection
from torch.utils.data import DataLoader, IterableDataset, default_collate, default_convert
from torch.utils.data._utils import pin_memory

sys.path.insert(0, str(Path(__file__).parent))
from batches import IMAGES, LABELS, POLICY, batches

import vary


def check_pytree() -> None:
    for tree in (pytree, cxx_pytree):
        for batch in batches():
            leaves, spec = tree.tree_flatten(batch)
            assert len(leaves) == len(batch)
            assert type(tree.tree_unflatten(leaves, spec)) is type(batch)
            doubled = tree.tree_map(lambda array: array * 2, batch)
            assert isinstance(doubled, vary.Batch)
            assert np.array_equal(doubled[-1], 2 * batch[-1])
        assert tree.tree_structure(batches()[1]) == tree.tree_structure(batches()[1])


def check_collate_and_convert() -> None:
    for batch in batches():
        tensors = default_convert(batch)
        assert type(tensors) is type(batch)
        assert all(isinstance(tensor, torch.Tensor) for tensor in tensors)
        stacked = default_collate([batch, batch, batch])
        assert type(stacked) is type(batch)
        assert [tuple(tensor.shape) for tensor in stacked] == [(3, *array.shape) for array in batch]


class Streamed(IterableDataset):
    def __init__(self, stream: vary.Stream) -> None:
        self.stream = stream

    def __iter__(self):
        return iter(self.stream)


def check_loaders() -> None:
    for workers in (0, 1):
        stream = vary.stream((IMAGES, LABELS), POLICY, batch_size=5, seed=1)
        expected = [batch.labels.tolist() for batch in vary.stream((IMAGES, LABELS), POLICY, batch_size=5, seed=1)]
        found = list(DataLoader(Streamed(stream), batch_size=None, num_workers=workers))
        assert all(isinstance(batch, vary.Batch) and isinstance(batch.images, torch.Tensor) for batch in found)
        assert [batch.labels.tolist() for batch in found] == expected


def check_pinned_memory() -> None:
    pinned = []
    torch.Tensor.pin_memory = lambda self, *_: pinned.append(self) or self  # type: ignore[method-assign]  no device here
    for batch in batches():
        again = pin_memory.pin_memory(default_convert(batch), "cpu")
        assert type(again) is type(batch)
        assert len(pinned) >= len(batch)


def check_vmap() -> None:
    batch = default_convert(batches()[1])
    assert torch.allclose(torch.vmap(lambda sample: sample[0].mean())(batch), batch.images.mean(dim=(1, 2, 3)))


def check_lightning() -> None:
    for batch in batches():
        tensors = apply_to_collection(batch, np.ndarray, torch.from_numpy)
        assert type(tensors) is type(batch)
        moved = apply_to_collection({"batch": [tensors]}, torch.Tensor, lambda tensor: tensor + 1)
        assert type(moved["batch"][0]) is type(batch)
        assert np.array_equal(moved["batch"][0][0], batch[0] + 1)


def check_accelerate() -> None:
    for batch in batches():
        tensors = default_convert(batch)
        moved = accelerate.utils.send_to_device(tensors, "cpu")
        assert type(moved) is type(batch)
        doubled = accelerate.utils.recursively_apply(lambda tensor: tensor * 2, tensors)
        assert type(doubled) is type(batch)
        assert np.array_equal(doubled[0], 2 * batch[0])
        assert accelerate.utils.find_batch_size(tensors) == len(batch[0])
        joined = accelerate.utils.concatenate([tensors, tensors])
        assert type(joined) is type(batch)
        assert len(joined[0]) == 2 * len(batch[0])
        assert type(accelerate.utils.honor_type(batch, (array for array in batch))) is type(batch)
