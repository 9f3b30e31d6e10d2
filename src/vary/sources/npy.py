"""Arrays in .npy and .npz files, mapped where they are stored as they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from vary.errors import InputError, SourceError, brief
from vary.paths import absolute, path_text, searched_in
from vary.sample import Array

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

__all__ = ["from_npy", "npz_arrays"]

T = TypeVar("T")
STORED = 0  # zip's number of no compression
LOCAL = 30  # bytes of a local header of zip, before name and extra field, whose lengths are its last two numbers


def from_npy(name: str, value: T | str | os.PathLike[str]) -> T | Array:
    """The array in a .npy file, mapped, if the argument is the path of one; any other value as it is."""
    if not isinstance(value, str | os.PathLike) or not os.fspath(value).lower().endswith(".npy"):
        return value  # type: ignore[return-value]  # T may be str
    path = _existing(name, value, ".npy")
    try:
        found: Array = np.lib.format.open_memmap(path, mode="r")  # a pickle is refused
    except (OSError, ValueError, EOFError) as error:
        with open(path, "rb") as file:  # noqa: PTH123  text
            cure = "; vary.Arrays.from_npz reads .npz files" if file.read(2) == b"PK" else ""
        raise SourceError(f"{name}={path!r} is not a .npy file of numbers: {error}{cure}") from error
    return found


def npz_arrays(file: object, names: Mapping[str, object]) -> list[Array]:
    """The arrays of these names; one that is stored without compression is mapped.

    names: argument -> name of an array.
    """
    import zipfile

    path = _existing("path", file, ".npz")
    try:
        with zipfile.ZipFile(path) as archive:
            known = {one.filename.removesuffix(".npy"): one for one in archive.infolist()}
            absent = next((argument for argument, name in names.items() if name not in known), None)
            found = [] if absent else [_array(path, archive, known[str(name)]) for name in names.values()]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise SourceError(f"path={path!r} is not a .npz file of numbers: {error}") from error
    if absent:
        raise InputError(f"{absent}={brief(names[absent])}: {path} has no such array; it has {brief(list(known))}")
    return found


def _array(path: str, archive: ZipFile, member: ZipInfo) -> Array:
    with archive.open(member) as file:
        if member.compress_type != STORED:
            found: Array = np.lib.format.read_array(file)  # a pickle is refused
            return found
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        header = file.tell()
    if dtype.hasobject:
        raise ValueError(f"{member.filename} holds objects")
    with Path(path).open("rb") as whole:
        whole.seek(member.header_offset)
        local = whole.read(LOCAL)
    start = member.header_offset + LOCAL + sum(np.frombuffer(local[26:], "<u2").tolist()) + header
    if start + dtype.itemsize * int(np.prod(shape)) > Path(path).stat().st_size:
        raise ValueError(f"{member.filename} is cut off")
    if not np.prod(shape):
        return np.empty(shape, dtype)
    return np.memmap(path, dtype, "r", start, shape, "F" if fortran else "C")


def _existing(name: str, value: object, suffix: str) -> str:
    """The absolute path; `SourceError` if there is no such file."""
    text = path_text(name, value, f"an array, or the path of a {suffix} file")
    if not os.path.isfile(text):  # noqa: PTH113  text
        raise SourceError(
            f"{name}={text!r}: there is no such file{searched_in(text)}; give the path of a {suffix} file"
        )
    return absolute(text)
