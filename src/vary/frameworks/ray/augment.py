"""`augment`: the pictures of a Ray dataset, varied where they are."""

from __future__ import annotations

import pickle
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsIndex

import numpy as np

from vary.codecs.decode import prepare
from vary.errors import DecodeError, InputError
from vary.frameworks.ray.columns import numbers_of, pictures_of, tensor_column
from vary.frameworks.ray.workers import cpus, imported, whole_number
from vary.guidance import guided
from vary.plan.address import address_of, index_of
from vary.plan.arguments import output_of
from vary.plan.request import Decode, Output, Request
from vary.policy import Policy
from vary.sample import Array
from vary.sources import Encoded

if TYPE_CHECKING:
    from vary.plan.runner import Runner
    from vary.sample import Dtype, Layout

__all__ = ["augment"]

JPEG = b"\xff\xd8\xff"
READ = "vary.ray.read(source) makes a dataset with the columns index and image"


class Job(NamedTuple):
    """What to make of each table. policy: pickled, so that a worker process compiles it once for all blocks."""

    policy: bytes
    seed: int
    epoch: int
    image: str
    number: str  # the column of indices
    channels: int
    output: Output
    decode: Decode
    threads: int


@guided("vary.ray.augment", suggest=False)
def augment(
    dataset: Any,  # Any: a ray.data.Dataset, and Ray may not be installed
    policy: Policy,
    *,
    seed: SupportsIndex,
    epoch: SupportsIndex = 0,
    image: str = "image",
    index: str = "index",
    channels: int = 3,
    dtype: Dtype | None = None,
    layout: Layout = "NHWC",
    full_decode: bool = False,
    batch_size: int = 256,
    num_cpus: float = 1,
    concurrency: int | None = None,
) -> Any:
    """The dataset with the pictures of one column varied; the other columns pass unchanged.

    dataset: with the columns `image`, encoded files or arrays, and `index`, the number of each row's sample;
        `vary.ray.read(source)` makes it. Rows may be in any order, filtered or repeated.
    seed, epoch: the picture of a row equals that of `vary.stream` with this seed; with full_decode=True, also
        `policy(picture, seed=seed, epoch=epoch, index=index)`. Call `augment` again for the next epoch.
    channels: of encoded files: 1 (grey), 3 (RGB) or 4 (RGBA). dtype, layout: as of `policy(image)`.
    full_decode: as of `vary.stream`; False decodes JPEGs at a smaller scale where the result allows it.
    batch_size: rows varied in one call of the core; no byte depends on it.
    num_cpus: cores that one task reserves in Ray and uses, at least one thread.
    concurrency: the most tasks at once; None: as many as Ray has cores for. Ray waits with new tasks while the results
        of others are not consumed.

    Results of one size are a column of tensors of one shape, others of several shapes. Nothing runs until the dataset
    is consumed. `InputError` for wrong columns and `DecodeError`, with the index, for a broken picture come inside
    Ray's error.
    """
    imported()
    if not isinstance(policy, Policy):
        raise InputError(f"policy is of type {type(policy).__name__}; give a vary.Policy")
    if not hasattr(dataset, "map_batches"):
        raise InputError(f"dataset is of type {type(dataset).__name__}; give a ray.data.Dataset: {READ}")
    if channels not in (1, 3, 4):
        raise InputError(f"channels={channels!r}; a file gives 1 (grey), 3 (RGB) or 4 (RGBA)")
    address_of(seed, epoch, 0, index_of(0))
    _check_columns(dataset.columns(fetch_if_missing=False), image, index)
    output, decode, threads = output_of(dtype, layout), Decode(full_decode), max(1, int(cpus(num_cpus)))
    pickled = import_pickle().dumps(policy)
    job = Job(pickled, int(seed), int(epoch), image, index, channels, output, decode, threads)
    return dataset.map_batches(
        partial(augment_table, job=job),
        batch_size=whole_number("batch_size", batch_size),
        batch_format="pyarrow",
        zero_copy_batch=True,
        num_cpus=num_cpus,
        concurrency=concurrency,
    )


def import_pickle() -> Any:  # Any: a module
    """Ray's copy of cloudpickle, for policies with functions of a script."""
    from ray import cloudpickle

    return cloudpickle


def augment_table(table: Any, job: Job) -> Any:
    """The table with its pictures varied."""
    _check_columns(table.column_names, job.image, job.number)
    if not len(table):
        return table
    indices = numbers_of(table.column(job.number), job.number)
    pictures = pictures_of(table.column(job.image), job.image)
    made = _varied(_policy(job.policy), pictures, indices, job)
    return table.set_column(table.column_names.index(job.image), job.image, tensor_column(made))


@lru_cache(maxsize=8)
def _policy(pickled: bytes) -> Policy:
    found: Policy = pickle.loads(pickled)
    return found


def _varied(policy: Policy, pictures: list[Array], indices: Array, job: Job) -> Array | list[Array]:
    """One array for all if the policy decides their size, or they are arrays of one shape; else one for each."""
    encoded = pictures[0].ndim == 1
    runner = policy.runner(job.channels, "uint8") if encoded else policy.runner_for(pictures[0])
    opened = (
        [_opened(one, int(index), job) for one, index in zip(pictures, indices, strict=True)] if encoded else pictures
    )
    same = (
        not encoded and len({one.shape for one in pictures}) == 1 and runner.size_after(pictures[0].shape) is not None
    )
    if runner.size is not None or same:
        return _made(policy, runner, opened, indices, job)
    found = []
    for at, index in enumerate(indices.tolist()):
        try:
            found.append(_made(policy, runner, opened[at : at + 1], indices[at : at + 1], job)[0])
        except InputError as error:
            raise InputError(
                f"sample {index}, of column {job.image!r}, is not as the first of its block: {error}"
            ) from error
    return found


def _made(policy: Policy, runner: Runner, pictures: list[Array], indices: Array, job: Job) -> Array:
    address = address_of(job.seed, job.epoch, 0, indices)
    request = Request((pictures,), address, (job.output,), job.threads, job.decode)  # type: ignore[arg-type]
    result = runner.batch(request)
    if result.failures:
        place, reason = result.failures[0]
        raise DecodeError(reason, f"sample {indices[place]}, of column {job.image!r}")
    policy.watch(runner, request, result)
    return result.arrays[0]


def _opened(picture: Array, index: int, job: Job) -> Array:
    """A JPEG as its bytes, another file decoded."""
    if picture[:3].tobytes() == JPEG:
        return picture
    name = f"sample {index}, of column {job.image!r}"
    opened = prepare(Encoded(picture.tobytes(), name), job.channels, job.decode.max_pixels)
    assert isinstance(opened, np.ndarray)
    return opened


def _check_columns(columns: list[str] | None, image: str, index: str) -> None:
    """`InputError` if one is missing. None: columns that are not known yet."""
    if columns is None:
        return
    for argument, name in (("image", image), ("index", index)):
        if name not in columns:
            raise InputError(
                f"the dataset has no column {name!r}; it has {', '.join(map(repr, columns)) or 'none'}: name the right "
                f"one, {argument}=..., or begin with {READ}"
            )
