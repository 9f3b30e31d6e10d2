"""`stream.as_jax()`: batches of a stream as arrays of JAX. Importing this module imports jax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError
from vary.frameworks.batches import Handed, ranked, with_arrays
from vary.sample import Array
from vary.streams import Mixed

try:
    import jax
except ImportError as error:
    raise ImportError("as_jax() needs JAX, which cannot be imported: pip install jax") from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from vary.streams import Batch, Stream
    from vary.streams.options import Options

__all__ = ["JaxBatches"]


class JaxBatches(Handed):
    """What `stream.as_jax()` returns: an iterable of whole batches, named tuples of `jax.Array`.

    Pictures stay in the stream's layout. Types are those that JAX has: without jax_enable_x64, labels are int32. On a
    CPU, pictures and masks are the stream's own memory, where it is aligned; nothing else writes to it. Text cannot be
    in an array of JAX, and is an `InputError`.

    sharding: over which devices each array is divided; None: the default device. With several processes
        (jax.distributed), each gets its own share of an epoch, unless the stream has a shard=, and a sharding over
        all devices makes arrays of all their batches together.

    Each `iter` is the next epoch of the stream, and states are those of the stream.
    """

    def __init__(self, stream: Stream | Mixed, sharding: Any = None) -> None:  # Any: of JAX, which may be absent
        if sharding is not None and not isinstance(sharding, jax.sharding.Sharding):
            raise InputError(
                f"sharding={sharding!r}; give a jax.sharding.Sharding, such as NamedSharding(mesh, P('x'))"
            )
        super().__init__(stream)
        self.sharding = sharding
        text = [name for name, spec in _specs(stream) if spec.kind not in "biufc"]
        if text:
            raise InputError(
                f"{', '.join(text)}: JAX has no arrays of text or objects; give labels= as numbers, and take the rest "
                "from batch.indices or batch.paths"
            )

    def _options(self) -> Options:
        options = self.stream.options
        if not jax.distributed.is_initialized():
            return options
        if self.sharding is None:
            return ranked(options, jax.process_index(), jax.process_count())
        return ranked(options, *part_of_process(self.sharding, jax.process_index()))

    def _converter(self) -> Callable[[Batch], Batch]:
        def convert(batch: Batch) -> Batch:
            for name, array in zip(batch.fields, batch, strict=True):
                _check_range(name, array)
            if self.sharding is None:
                return with_arrays(batch, jax.device_put(tuple(batch), may_alias=True))
            return with_arrays(batch, [self._divided(*one) for one in zip(batch.fields, batch, strict=True)])

        return convert

    def _divided(self, name: str, array: Array) -> Any:  # Any: of JAX
        try:
            return jax.make_array_from_process_local_data(self._sharding_of(name, array.ndim), array)
        except (ValueError, AssertionError) as error:
            raise InputError(
                f"{name} of shape {array.shape} cannot be divided by sharding={self.sharding}: {error}; if this is the "
                "last batch of an epoch, take drop_last=True, else a batch_size that the devices divide, and a "
                "sharding of the first axis alone"
            ) from error

    def _sharding_of(self, name: str, axes: int) -> Any:  # Any: of JAX
        """The sharding, for an array of so few axes: labels have fewer than pictures."""
        sharding: Any = self.sharding
        spec = getattr(sharding, "spec", ())
        if len(spec) <= axes:
            return self.sharding
        if any(one is not None for one in spec[axes:]):
            raise InputError(
                f"{name} has {axes} axes, and sharding={self.sharding} divides a later one; give a sharding of the "
                "first axis alone, such as NamedSharding(mesh, P('x'))"
            )
        return jax.sharding.NamedSharding(sharding.mesh, jax.sharding.PartitionSpec(*spec[:axes]))


def _check_range(name: str, array: Array) -> None:
    """`InputError` for whole numbers that JAX would change: without jax_enable_x64 it has 32 bits."""
    if array.dtype.kind not in "iu" or array.dtype.itemsize < 8 or jax.config.jax_enable_x64 or not array.size:
        return
    least, most = int(array.min()), int(array.max())
    if least < -(1 << 31) or most >= 1 << 31:
        raise InputError(
            f"{name} holds {most if most >= 1 << 31 else least}, and JAX has whole numbers of 32 bits here; set "
            "jax.config.update('jax_enable_x64', True), or give smaller numbers"
        )


def part_of_process(sharding: Any, process: int) -> tuple[int, int]:  # Any: of JAX
    """(rank, ranks) of the samples that a process needs: by the part of the first axis that its devices hold.

    Processes whose devices hold the same part, such as those of one row of a data x model mesh, need the same samples.
    """
    size = len(sharding.device_set)  # which any of its axes divides
    shape = (size,) * max(1, len(getattr(sharding, "spec", ())))
    held: dict[int, set[int]] = {}
    for device, index in sharding.devices_indices_map(shape).items():
        held.setdefault(device.process_index, set()).add(index[0].start or 0)
    parts = sorted({tuple(sorted(starts)) for starts in held.values()})
    if sum(map(len, parts)) > len({start for starts in parts for start in starts}):
        raise InputError(f"sharding={sharding} gives processes parts of a batch that overlap; divide it evenly")
    return parts.index(tuple(sorted(held[process]))), len(parts)


def _specs(stream: Stream | Mixed) -> list[tuple[str, np.dtype[Any]]]:
    """Names and dtypes of the labels, which are known before a picture is read."""
    first = stream.streams[0] if isinstance(stream, Mixed) else stream
    labels = first._first_labels()
    return list(zip(first._images.fields[1:], [column.dtype for column in labels], strict=True))
