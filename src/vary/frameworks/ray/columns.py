"""Columns of pictures in tables of Arrow: read where they are, and made without a copy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from vary.errors import InputError
from vary.frameworks.elements import picture_of
from vary.sample import Array

__all__ = ["numbers_of", "pictures_of", "tensor_column"]

Column = Any  # Any: a pyarrow.ChunkedArray; pyarrow has no types
BINARY = ("binary", "large_binary")


def pictures_of(column: Column, name: str) -> list[Array]:
    """The pictures of a column: encoded files as (bytes,) uint8, others as (H, W, C) or (H, W). Their memory is the
    column's. `InputError` for a column of something else, or without a value in some row."""
    if column.null_count:
        raise InputError(f"column {name!r} lacks a picture in {column.null_count} of {len(column)} rows; filter them")
    return [picture for chunk in column.chunks for picture in _pictures(chunk, name)]


def _pictures(chunk: Any, name: str) -> Iterator[Array]:
    kind = str(chunk.type)
    if kind in BINARY:
        _, places, data = chunk.buffers()
        dtype = np.int64 if kind == "large_binary" else np.int32
        ends = np.frombuffer(places, dtype, len(chunk) + 1, chunk.offset * np.dtype(dtype).itemsize).tolist()
        values = np.frombuffer(data or b"", np.uint8)
        return (values[start:end] for start, end in pairwise(ends))
    if kind.startswith("struct<") and "bytes" in {field.name for field in chunk.type}:
        inner = chunk.field("bytes")
        if inner.null_count:
            raise InputError(f"column {name!r} has paths without bytes; vary.ray.read(source) reads files")
        return _pictures(inner, name)
    if hasattr(chunk, "to_numpy_ndarray"):
        return iter(chunk.to_numpy_ndarray())
    if hasattr(chunk.type, "extension_name"):
        return (picture_of(one, f"column {name!r}") for one in chunk.to_numpy(zero_copy_only=False))
    raise InputError(
        f"column {name!r} is of {kind}; give encoded files (binary) or arrays (tensors), as vary.ray.read makes them"
    )


def numbers_of(column: Column, name: str) -> Array:
    """A column of whole numbers from 0 on, as int64; `InputError` for any other."""
    if column.null_count or not str(column.type).startswith(("int", "uint")):
        missing = f" without a number in {column.null_count} rows" if column.null_count else ""
        raise InputError(
            f"column {name!r} is of {column.type}{missing}; it has to hold each sample's number, 0, 1, 2, ...: "
            "vary.ray.read(source) makes such a column"
        )
    numbers: Array = column.to_numpy().astype(np.int64)
    if len(numbers) and numbers.min() < 0:
        raise InputError(f"column {name!r} holds {numbers.min()}; numbers of samples begin with 0")
    return numbers


def tensor_column(arrays: Array | Sequence[Array]) -> Column:
    """Arrays as a column of tensors: of one shape in the memory that they have, of several shapes copied."""
    from ray.data.extensions import ArrowTensorArray, ArrowVariableShapedTensorArray

    if not isinstance(arrays, np.ndarray):
        if len({one.shape for one in arrays}) > 1:
            return ArrowVariableShapedTensorArray.from_numpy(list(arrays))
        arrays = np.stack(arrays)
    return ArrowTensorArray.from_numpy(arrays)
