"""`stream.as_torch()`: in loops, in DataLoaders of every kind, in torch.distributed, and resumed."""

import copy
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import ChainDataset, DataLoader, IterableDataset
from torchdata.stateful_dataloader import StatefulDataLoader

sys.path.insert(0, str(Path(__file__).parent))
from epochs import STEPS, claim_shares, expected, in_a_row, labels, mixed, stream, together

import vary


def refused(says: str, call) -> None:
    with pytest.raises(vary.InputError, match=says):
        call()


def check_tensors_are_the_batch_itself() -> None:
    array = stream().peek()
    batch = next(iter(stream().as_torch()))
    assert isinstance(stream().as_torch(), IterableDataset)
    assert type(batch) is type(array)
    assert batch.images.shape == (4, 3, 12, 16)
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    assert batch.images.dtype == torch.float32
    assert batch.labels.dtype == torch.int64
    assert np.array_equal(batch.images.permute(0, 2, 3, 1).numpy(), array.images)
    assert batch.indices.tolist() == array.indices.tolist()
    assert batch.epoch == 0
    assert "images" in repr(batch)
    for options in ({"dtype": "uint8"}, {"layout": "NCHW"}, {"process": True}):
        policy = vary.Policy([vary.HorizontalFlip()])
        one = vary.stream(np.zeros((9, 8, 8, 3), np.uint8), policy, batch_size=3, **options)
        made = iter(one)
        converted = one.as_torch()._converter()
        for batch in made:
            tensors = converted(batch)
            assert tensors.images.data_ptr() == batch.images.ctypes.data
            assert tensors.images.shape == (3, 3, 8, 8)
        one.close()


def check_every_kind_of_field() -> None:
    images, masks = np.zeros((6, 8, 10, 3), np.uint8), np.ones((6, 8, 10), np.uint8)
    policy = vary.Policy([vary.HorizontalFlip()])
    batch = next(iter(vary.stream(vary.Pairs(images, masks), policy, batch_size=3).as_torch()))
    assert batch.images.shape == (3, 3, 8, 10)
    assert batch.masks.shape == (3, 8, 10)
    assert batch.masks.dtype == torch.uint8
    batch = next(iter(vary.stream(vary.Pairs(images, masks[..., None]), policy, batch_size=3).as_torch()))
    assert batch.masks.shape == (3, 1, 8, 10)
    batch = next(iter(vary.stream(images, policy, views=2, batch_size=3).as_torch()))
    assert batch.images.shape == (3, 2, 3, 8, 10)
    batch = next(iter(vary.stream((images, np.arange(6, dtype=np.uint8)), policy, one_hot=True).as_torch()))
    assert batch.labels.shape == (6, 6)
    assert batch.labels.dtype == torch.float32
    named = {"small": np.arange(6, dtype=np.int16), "wide": np.arange(6, dtype=">i4")}
    batch = next(iter(vary.stream(images, policy, labels=named, shuffle=False).as_torch()))
    assert batch.small.dtype == batch.wide.dtype == torch.int64
    assert batch.small.tolist() == batch.wide.tolist() == [0, 1, 2, 3, 4, 5]
    assert labels(mixed().as_torch()) == labels(mixed())


def check_read_only_memory_without_a_warning() -> None:
    one = stream()
    batch = one.peek()
    for array in batch:
        array.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tensors = one.as_torch()._converter()(batch)
    assert tensors.images.data_ptr() == batch.images.ctypes.data
    pointer, values = batch.images.ctypes.data, batch.images.copy()
    del batch, array
    assert tensors.images.data_ptr() == pointer
    assert np.array_equal(tensors.images.permute(0, 2, 3, 1).numpy(), values)  # the tensor holds the memory


def check_pinned_where_there_is_cuda() -> None:
    pinned, there, pin = [], torch.cuda.is_available, torch.Tensor.pin_memory
    torch.cuda.is_available = lambda: True
    torch.Tensor.pin_memory = lambda self, *_: pinned.append(self) or self  # type: ignore[method-assign]
    try:
        next(iter(stream().as_torch()))
    finally:
        torch.cuda.is_available, torch.Tensor.pin_memory = there, pin
    assert len(pinned) == 2


def check_each_iteration_is_an_epoch() -> None:
    one = stream()
    dataset = one.as_torch()
    assert len(dataset) == STEPS
    iter(dataset)  # not used: no epoch
    assert [labels(dataset) for _ in range(3)] == expected(3)
    assert dataset.epoch == one.epoch == 3
    dataset.set_epoch(1)
    assert labels(one.as_torch()) == expected(2)[1]
    copies = [copy.copy(dataset), copy.deepcopy(dataset), pickle.loads(pickle.dumps(dataset))]
    del dataset
    for copied in copies:
        copied.set_epoch(1)
        assert labels(copied) == expected(2)[1]


def check_workers_make_the_same_batches() -> None:
    whole = expected(3)
    for method, workers, lives in (
        ("fork", 1, False),
        ("fork", 2, True),
        ("fork", 3, False),
        ("spawn", 2, False),
        ("forkserver", 2, True),
    ):
        dataset = stream().as_torch()
        loader = DataLoader(
            dataset,
            batch_size=None,
            num_workers=workers,
            persistent_workers=lives,
            multiprocessing_context=method,
        )
        assert [labels(loader) for _ in range(2)] == whole[:2], (method, workers, lives)
        assert dataset.epoch == 2
        dataset.set_epoch(1)
        for batch in loader:
            assert batch.images.is_contiguous(memory_format=torch.channels_last)
        assert labels(loader) == whole[2]
        refused("StatefulDataLoader", dataset.state_dict)


def check_more_workers_than_batches_and_two_loaders() -> None:
    assert (
        labels(DataLoader(stream(batch_size=40).as_torch(), batch_size=None, num_workers=3))
        == expected(1, batch_size=40)[0]
    )
    loader = DataLoader(stream().as_torch(), batch_size=None, num_workers=2)
    pairs = list(zip(loader, loader, strict=True))
    for number in (0, 1):
        assert labels(pair[number] for pair in pairs) == expected(2)[number]
    left = iter(loader)
    next(left)
    del left
    assert labels(loader) == expected(4)[3]
    chained = DataLoader(ChainDataset([stream().as_torch()]), batch_size=None, num_workers=2)
    assert [labels(chained) for _ in range(2)] == expected(2)


def check_errors_of_loaders() -> None:
    for workers in (0, 1):
        loader = DataLoader(stream().as_torch(), batch_size=8, num_workers=workers)
        refused("batch_size=None", lambda loader=loader: next(iter(loader)))
    worker = DataLoader(stream().as_torch(), batch_size=None, num_workers=1)
    state = StatefulDataLoader(stream().as_torch(), batch_size=None, num_workers=2)
    next(iter(state))
    found = state.state_dict()["_snapshot"]["_worker_snapshots"]["worker_0"]["dataset_state"]
    refused("worker", lambda: stream().load_state_dict(found))
    assert labels(worker) == expected(1)[0]


def check_state_of_the_dataset() -> None:
    for stop in (0, 1, 5, STEPS - 1, STEPS, STEPS + 3):
        one, before = stream().as_torch(), []
        while len(before) < stop:
            for batch in one:
                before += labels([batch])
                if len(before) == stop:
                    break
        other = stream().as_torch()
        other.load_state_dict(pickle.loads(pickle.dumps(one.state_dict())))
        rest = []
        while len(before + rest) < 3 * STEPS:
            rest += labels(other)
        assert before + rest == in_a_row(3)
        assert stream().load_state_dict(one.state_dict()) is None  # the state of a stream


def check_stateful_loaders_go_on_exactly() -> None:
    whole = in_a_row(3)
    cases = [(0, False, stop) for stop in (0, 1, 5, STEPS - 1, STEPS, STEPS + 1)]
    cases += [(1, False, 5), (2, True, 0), (2, True, 5), (2, True, STEPS), (2, False, 1), (2, False, STEPS - 1)]
    cases += [(2, False, STEPS), (2, False, STEPS + 6), (2, True, STEPS + 13)]
    for workers, lives, stop in cases:

        def make(workers: int = workers, lives: bool = lives) -> StatefulDataLoader:
            return StatefulDataLoader(
                stream().as_torch(), batch_size=None, num_workers=workers, persistent_workers=lives
            )

        loader, before, state = make(), [], None
        while state is None:
            if len(before) == stop:  # between two epochs
                state = loader.state_dict()
                break
            for batch in loader:
                before += labels([batch])
                if len(before) == stop and stop % STEPS:
                    state = loader.state_dict()
                    break
        other = make()
        other.load_state_dict(pickle.loads(pickle.dumps(state)))
        rest = []
        while len(before + rest) < len(whole):
            rest += labels(other)
        assert before + rest == whole, (workers, lives, stop)


RANK = """
import sys
import torch.distributed as dist
from torch.utils.data import DataLoader
from epochs import stream
rank, ranks, port = map(int, sys.argv[1:])
if __name__ == "__main__":
    dataset = stream().as_torch()
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=ranks)
    LOADER
    for epoch in range(2):
        for batch in loader:
            print(*batch.labels.tolist(), flush=True)
    dist.barrier()
    dist.destroy_process_group()
"""


def check_ranks_of_torch_distributed() -> None:
    loaders = (
        "loader = dataset",
        "loader = DataLoader(dataset, batch_size=None, num_workers=2)",
    )
    found = [together(RANK.replace("LOADER", loader)) for loader in loaders]
    assert found[0] == found[1]
    claim_shares(found[0], expected(2))


def check_dlpack() -> None:
    batch = stream().peek()
    for array in batch:
        assert torch.from_dlpack(array).data_ptr() == np.from_dlpack(array).ctypes.data == array.ctypes.data


def check_nothing_is_imported_until_asked_for() -> None:
    code = """
import sys
import vary
from epochs import stream
one = stream()
one.element_spec, list(one), repr(one), one.state_dict(), one.preview(2), dir(one), one.as_keras()
found = {"torch", "jax", "tensorflow", "keras"} & {*sys.modules}
assert not found, found
one.as_torch()
found = {"jax", "tensorflow", "keras"} & {*sys.modules}
assert not found, found
"""
    run = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
