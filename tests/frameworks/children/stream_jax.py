"""`stream.as_jax()`: on one device, divided over several, in several processes, and resumed."""

import os
import sys
import threading
from pathlib import Path
from typing import NamedTuple

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec

sys.path.insert(0, str(Path(__file__).parent))
from epochs import STEPS, claim_shares, expected, in_a_row, labels, mixed, stream, together

import vary


def over_devices() -> NamedSharding:
    return NamedSharding(jax.make_mesh((4,), ("x",)), PartitionSpec("x"))


def check_arrays_are_the_batch_itself() -> None:
    one = stream()
    array = one.peek()
    batch = one.as_jax()._converter()(array)
    assert type(batch) is type(array)
    assert all(isinstance(leaf, jax.Array) for leaf in batch)
    assert batch.images.unsafe_buffer_pointer() == array.images.ctypes.data
    assert batch.labels.dtype == np.int32
    assert batch.indices.tolist() == array.indices.tolist()
    values = array.images.copy()
    del array
    rest = [other.images for other in one]  # memory that is free is used for these
    assert len(rest) == STEPS
    assert np.array_equal(batch.images, values)


def check_memory_is_not_used_again_while_jax_has_it() -> None:
    one = stream(cache="memory")
    kept = [batch.images for batch in one.as_jax()]
    again = stream()
    for images, batch in zip(kept, again, strict=True):
        assert np.array_equal(images, batch.images)


def check_each_iteration_is_an_epoch() -> None:
    one = stream()
    batches = one.as_jax()
    assert len(batches) == STEPS
    assert [labels(batches) for _ in range(3)] == expected(3)
    assert batches.epoch == one.epoch == 3
    batches.set_epoch(1)
    assert labels(batches) == expected(2)[1]
    assert labels(mixed().as_jax()) == labels(mixed())
    assert jax.tree.map(lambda leaf: leaf * 2, next(iter(batches))).labels.tolist() == [
        2 * label for label in expected(3)[2][0]
    ]


def check_threads_share_an_iterator() -> None:
    for _ in range(5):
        one = stream()
        left, start, found = iter(one.as_jax()), threading.Barrier(4), []

        def take(left=left, start=start, found=found) -> None:
            start.wait()
            found.extend(labels(left))

        threads = [threading.Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == sorted(expected(1)[0])
        assert one.epoch == 1


def check_divided_over_devices() -> None:
    plain = list(stream(batch_size=8, drop_last=True))
    for batch, array in zip(stream(batch_size=8, drop_last=True).as_jax(over_devices()), plain, strict=True):
        assert [shard.data.shape for shard in batch.images.addressable_shards] == [(2, 12, 16, 3)] * 4
        assert np.array_equal(batch.images, array.images)
        assert np.array_equal(batch.labels, array.labels)
    for says, call in (
        ("drop_last", lambda: list(stream(batch_size=8).as_jax(over_devices()))),
        ("NamedSharding", lambda: stream().as_jax("x")),
    ):
        with pytest.raises(vary.InputError, match=says):
            call()


class Device(NamedTuple):
    process_index: int
    number: int


class InProcesses:
    """A sharding whose devices belong to two processes, two to each."""

    def __init__(self, sharding: NamedSharding) -> None:
        self.sharding, self.device_set, self.spec = sharding, sharding.device_set, sharding.spec

    def devices_indices_map(self, shape: tuple[int, ...]) -> dict[object, tuple[slice, ...]]:
        found = self.sharding.devices_indices_map(shape).items()
        return {Device(device.id // 2, device.id): index for device, index in found}


def check_processes_that_hold_the_same_part_get_the_same_samples() -> None:
    from vary.frameworks.jax import part_of_process

    devices = np.array(jax.devices())
    rows = devices.reshape(2, 2)
    one, two = (0, 1), (0, 1)
    for mesh, spec, wanted in (
        (Mesh(devices, ("x",)), PartitionSpec("x"), [(0, 2), (1, 2)]),
        (Mesh(devices, ("x",)), PartitionSpec(), [one, two]),
        (Mesh(rows, ("data", "model")), PartitionSpec("data"), [(0, 2), (1, 2)]),
        (Mesh(rows.T, ("data", "model")), PartitionSpec("data"), [one, two]),
        (Mesh(rows, ("data", "model")), PartitionSpec(None, "model"), [one, two]),
    ):
        sharding = InProcesses(NamedSharding(mesh, spec))
        assert [part_of_process(sharding, process) for process in (0, 1)] == wanted


def check_what_cannot_be_divided_is_named() -> None:
    mesh = jax.make_mesh((4,), ("x",))
    spec = PartitionSpec("x", None, None, None)
    batch = next(iter(stream(drop_last=True).as_jax(NamedSharding(mesh, spec))))  # labels have one axis
    assert (batch.images.sharding.num_devices, batch.labels.sharding.num_devices) == (4, 4)
    with pytest.raises(vary.InputError, match=r"labels has 1 axes, and sharding=.* give a sharding of the first axis"):
        next(iter(stream(drop_last=True).as_jax(NamedSharding(mesh, PartitionSpec(None, "x")))))


def check_numbers_that_jax_would_change_are_named() -> None:
    images = np.zeros((4, 8, 8, 3), np.uint8)
    for wrong in (5_000_000_000, -5_000_000_000):
        one = vary.stream((images, np.array([0, 1, 2, wrong])), vary.Policy([]))
        with pytest.raises(vary.InputError, match=rf"labels holds {wrong}, .*jax_enable_x64"):
            next(iter(one.as_jax()))


def check_the_rest_after_a_state() -> None:
    for stop in (0, 1, 5, STEPS - 1, STEPS, STEPS + 3):
        one, before = stream().as_jax(), []
        while len(before) < stop:
            for batch in one:
                before += labels([batch])
                if len(before) == stop:
                    break
        other = stream().as_jax()
        other.load_state_dict(one.state_dict())
        rest = []
        while len(before + rest) < 3 * STEPS:
            rest += labels(other)
        assert before + rest == in_a_row(3)


PROCESS = """
import sys
import jax
from epochs import stream
rank, ranks, port = map(int, sys.argv[1:])
jax.distributed.initialize(f"127.0.0.1:{port}", ranks, rank)
batches = stream().as_jax()
for epoch in range(2):
    for batch in batches:
        print(*batch.labels.tolist(), flush=True)
whole = jax.sharding.NamedSharding(jax.make_mesh((ranks,), ("x",)), jax.sharding.PartitionSpec("x"))
batch = next(iter(stream().as_jax(whole)))
assert batch.images.shape[0] == 8, batch.images.shape
jax.distributed.shutdown()
"""


def check_processes_of_jax_distributed() -> None:
    found = together(PROCESS)
    assert found == together(PROCESS)
    claim_shares(found, expected(2))


def check_dlpack() -> None:
    batch = stream().peek()
    assert jax.dlpack.from_dlpack(batch.images).unsafe_buffer_pointer() == batch.images.ctypes.data
