"""`read`: any source as a Ray dataset."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from vary.codecs.decode import prepare
from vary.errors import InputError
from vary.frameworks.ray.columns import tensor_column
from vary.frameworks.ray.workers import cpus, imported, whole_number
from vary.guidance import guided
from vary.sample import Array
from vary.sources import Encoded, batch_labels, item_of, masks_of, open_source, stated_kind, whole_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vary.sources import Indexed

__all__ = ["read"]

FEW, MANY = 256, 1024  # samples in a block: enough to be worth a task, and few enough to use all cores
A_CORE = 4  # blocks of more than FEW samples for each core: tasks that end at different times then wait little
MOST_BLOCKS = 10_000  # Ray's scheduler keeps track of each
AT_ONCE = 256  # samples in a table, so that few files are in memory

_sources: dict[str, Indexed] = {}  # of this process, by the number of Ray's object; the latest only


@guided("vary.ray.read", suggest=False)
def read(
    source: object,
    *,
    labels: object = None,
    classes: Sequence[str] | None = None,
    blocks: int | None = None,
    num_cpus: float = 1,
) -> Any:  # Any: a ray.data.Dataset, and Ray may not be installed
    """A Ray dataset with a row for each sample of a source: "index" (int64), "image" and, if it has any, "label".

    source, labels, classes: as for `vary.stream`. Nodes have to reach the files by the same paths. "index" is the
        sample's number in the whole source, also of a subset, as in `batch.indices`. "image" is a file's bytes, or an
        array; files of a source with dtype="uint16" are decoded here. A source with other fields than "labels" has a
        column for each, by its name. `vary.Pairs` are an `InputError`: `augment` moves no masks.
    blocks: parts that are read independently; None: of 256 to 1,024 samples, at most 10,000.
    num_cpus: of the cores that Ray manages, those that reading one part takes. `augment` with as many runs in the same
        tasks.

    Nothing is read until Ray runs the dataset. `SourceError` with the path, inside Ray's error, for a file that cannot
    be read.
    """
    ray, found = imported(), open_source(source, labels, classes)
    _check(found)
    count = len(found)
    if not count:
        raise InputError("the source has no samples, and Ray needs rows")
    cpus(num_cpus)
    parts = _blocks(count, ray) if blocks is None else whole_number("blocks", blocks)
    rows = import_module("vary.frameworks.ray.rows").Samples(ray.put(found), count)
    return ray.data.read_datasource(rows, override_num_blocks=min(parts, count, MOST_BLOCKS), num_cpus=num_cpus)


def _check(source: Indexed) -> None:
    """`InputError` for a source whose rows would train on something else than a stream of it."""
    if masks_of(source) is not None:
        raise InputError(
            "source has masks, which vary.ray.augment would leave where they are; stream pairs by vary.stream, with "
            "shard=(rank, ranks) on each node"
        )
    taken = [name for name in source.fields[1:] if _column(name) in ("index", "image")]
    if len({_column(name) for name in source.fields[1:]}) < len(source.fields) - 1:
        taken.append("label")
    if taken:
        raise InputError(
            f"the source has a field {taken[0]!r}, and the dataset a column of this name for something else; give the "
            "labels another name, labels={'name': ...}"
        )


def _column(field: str) -> str:
    return "label" if field == "labels" else field


def _blocks(count: int, ray: Any) -> int:
    """How many blocks: of MANY samples, or of fewer if these are too few for the cores."""
    cores = int(ray.cluster_resources().get("CPU", 1))
    return max(-(-count // MANY), min(-(-count // FEW), A_CORE * cores))


def read_tables(kept: Any, start: int, stop: int) -> Iterator[Any]:
    """Samples start .. stop - 1 as tables."""
    for first in range(start, stop, AT_ONCE):
        yield read_table(_source(kept), np.arange(first, min(first + AT_ONCE, stop)))


def read_table(source: Indexed, indices: Array) -> Any:  # Any: of pyarrow
    """These samples as a table."""
    import pyarrow as pa

    whole, numbers = whole_of(source)
    wide = "uint8" if (kind := stated_kind(whole)) is None else kind.dtype
    images = [item_of(source, index).image for index in indices.tolist()]
    if wide != "uint8":  # a column of bytes does not say as what they are read
        images = [prepare(one, dtype=wide) if isinstance(one, Encoded) else one for one in images]  # type: ignore[misc]
    encoded = [one.data for one in images if isinstance(one, Encoded)]
    if encoded and len(encoded) < len(images):
        raise InputError("the source gives files and arrays; a column holds one of both")
    columns = {"index": pa.array(indices if numbers is None else numbers[indices], pa.int64())}
    columns["image"] = pa.array(encoded, pa.large_binary()) if encoded else tensor_column(images)  # type: ignore[arg-type]
    for name, values in zip(source.fields[1:], batch_labels(source, indices), strict=True):
        column = pa.array(values) if values.ndim == 1 else tensor_column(values)
        columns[_column(name)] = column
    return pa.table(columns)


def _source(kept: Any) -> Indexed:
    """The source that Ray keeps. A process unpickles it once, not for each block."""
    import ray

    found = _sources.get(kept.hex())
    if found is None:
        found = ray.get(kept)
        _sources.clear()
        _sources[kept.hex()] = found
    return found
