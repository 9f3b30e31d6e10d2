"""`stream.as_jax()`: batches of a stream as arrays of JAX. Importing this module imports jax."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from vary.errors import InputError
from vary.frameworks.batches import Handed, ranked, with_arrays
from vary.sample import Array

try:
    import jax
except ImportError as error:
    raise ImportError("as_jax() needs JAX, which cannot be imported: pip install jax") from error

if TYPE_CHECKING:
    from collections.abc import Callable

    from vary.streams import Batch, Mixed, Stream
    from vary.streams.options import Options

__all__ = ["JaxBatches"]

ALIGNED = 64
"""Bytes. JAX on a CPU uses memory that begins at a multiple of it, and copies all other."""


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
            raise InputError(f"sharding={sharding!r}; give a jax.sharding.Sharding, such as NamedSharding(mesh, P('x'))")
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
        return ranked(options, jax.process_index(), jax.process_count())

    def _converter(self) -> Callable[[Batch], Batch]:
        if self.sharding is not None:
            sharding = self.sharding
            return lambda batch: with_arrays(
                batch, [jax.make_array_from_process_local_data(sharding, array) for array in batch]
            )
        device = _default_device()
        shares = device.platform == "cpu"

        def convert(batch: Batch) -> Batch:
            made: list[Any] = [
                jax.dlpack.from_dlpack(array) if shares and _is_shared(array) else array for array in batch
            ]
            rest = [place for place, array in enumerate(made) if isinstance(array, np.ndarray)]
            for place, array in zip(rest, jax.device_put([made[place] for place in rest], device), strict=True):
                made[place] = array
            return with_arrays(batch, made)

        return convert


def _specs(stream: Stream | Mixed) -> list[tuple[str, np.dtype[Any]]]:
    """Names and dtypes of the labels, which are known before a picture is read."""
    first = stream if hasattr(stream, "_first_labels") else stream.streams[0]
    labels = first._first_labels()
    return list(zip(first._images.fields[1:], [column.dtype for column in labels], strict=True))


def _default_device() -> Any:
    found = jax.config.jax_default_device
    return jax.devices(found)[0] if isinstance(found, str) else found or jax.local_devices()[0]


def _is_shared(array: Array) -> bool:
    """Can JAX use the memory of this array as it is?"""
    flags = array.flags
    is_type = jax.dtypes.canonicalize_dtype(array.dtype) == array.dtype and array.dtype.isnative
    return (
        is_type
        and flags.c_contiguous
        and flags.writeable
        and prod(array.shape) > 0
        and array.ndim > 2
        and array.ctypes.data % ALIGNED == 0
    )
