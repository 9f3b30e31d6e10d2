"""The members of tar files, and where their bytes are: read once, from headers alone, and kept in the user's cache.

An index is a file of this form in `<cache folder>/tars`, or beside its tar. It is written under another name and then
renamed, and used only if size and time of the tar are still those of the first line:

    JSON   {"version": ..., "size": bytes of the tar, "time": ns, "members": number}
    int64  offset and size of each member, little-endian
    UTF-8  names, with a zero byte between two
"""

from __future__ import annotations

import contextlib
import json
import os
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vary.errors import SourceError
from vary.paths import cache_folder
from vary.sample import Array
from vary.stores import Storage, is_url, open_file, shown, stamp_of

__all__ = ["Members", "beside", "members_of"]

VERSION = 1
COMPRESSED = {b"\x1f\x8b": "gzip", b"BZ": "bzip2", b"\xfd7": "xz", b"(\xb5": "zstd"}
"""First bytes of a compressed file -> what it was compressed with."""


class Members(NamedTuple):
    """The regular files of a tar, in its order. places: (n, 2) int64, offset and size in bytes. stamp: of the tar:
    (size, time of change in ns), or (size, tag) at a URL, as `Stamp`."""

    names: list[str]
    places: Array
    stamp: tuple[int, int]


def beside(tar: str) -> Path:
    """The path of an index beside its tar."""
    return Path(f"{tar}.vary-index")


def members_of(tar: str, index: bool | None, storage: Storage) -> Members:
    """The members of the tar file at this absolute path or URL.

    index: keep the index in the user's cache (None), beside the tar (True; of a URL in the cache) or nowhere (False).
        One that cannot be written is left out: it only saves time.

    `SourceError` if the file is not a tar, is compressed, is cut off, or has members that are stored in pieces.
    """
    stamp: tuple[int, int] = stamp_of(tar, storage) if is_url(tar) else stamp_of_file(tar)
    path = None if is_url(tar) and not stamp[1] else _kept_at(tar, index)  # 0: the store states no version
    found = None if path is None else _read(path, stamp)
    if found is None:
        found = _listed(tar, stamp, storage)
        if path is not None:
            _write(path, found)
    return found


def stamp_of_file(tar: str) -> tuple[int, int]:
    """(size in bytes, time of the last change in ns); `SourceError` if the file does not exist."""
    try:
        status = os.stat(tar)  # noqa: PTH116  text
    except OSError as error:
        raise SourceError(f"{tar}: {error.strerror or error}; give the path of a tar file") from error
    return status.st_size, status.st_mtime_ns


def _kept_at(tar: str, index: bool | None) -> Path | None:
    if index and not is_url(tar):
        return beside(tar)
    if index is not False:
        with contextlib.suppress(Exception):  # a user without a home folder
            return cache_folder() / "tars" / blake2b(os.fsencode(tar), digest_size=15).hexdigest()
    return None


def _listed(tar: str, stamp: tuple[int, int], storage: Storage) -> Members:
    import tarfile

    names: list[str] = []
    places: list[tuple[int, int]] = []
    try:
        with open_file(tar, storage) if is_url(tar) else open(tar, "rb") as file:  # noqa: PTH123  text
            packed = COMPRESSED.get(file.read(2))
            file.seek(0)
            if packed is not None:
                raise SourceError(
                    f"{shown(tar)} is compressed ({packed}) and cannot be read at random; unpack it to a .tar"
                )
            with tarfile.open(fileobj=file, mode="r:") as archive:
                for member in archive:
                    archive.members = []  # type: ignore[attr-defined]  # it would keep them all
                    if member.sparse is not None:
                        raise SourceError(
                            f"{shown(tar)}: {member.name} is stored in pieces (sparse); pack it without --sparse"
                        )
                    if not member.isreg():
                        continue
                    if member.offset_data + member.size > stamp[0]:
                        raise SourceError(f"{shown(tar)} is cut off within {member.name}; copy it again")
                    names.append(member.name.removeprefix("./"))
                    places.append((member.offset_data, member.size))
    except SourceError:
        raise
    except tarfile.ReadError as error:
        raise SourceError(f"{shown(tar)} is not a tar file, or is cut off: {error}") from error
    except OSError as error:
        raise SourceError(f"{shown(tar)}: {error.strerror or error}") from error
    return Members(names, np.array(places, np.int64).reshape(-1, 2), stamp)


def _read(path: Path, stamp: tuple[int, int]) -> Members | None:
    """The index at this path; None if there is none, it is of another state of the tar, or it is damaged."""
    try:
        head, _, body = path.read_bytes().partition(b"\n")
        said = json.loads(head)
        count = said["members"]
        if (said["version"], said["size"], said["time"]) != (VERSION, *stamp):
            return None
        if said["digest"] != blake2b(body, digest_size=16).hexdigest():
            return None
        places = np.frombuffer(body, "<i8", 2 * count).reshape(-1, 2).astype(np.int64)
        names = body[16 * count :].decode("utf-8", "surrogateescape").split("\0") if count else []
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Members(names, places, stamp) if len(names) == count else None


def _write(path: Path, found: Members) -> None:
    names = "\0".join(found.names).encode("utf-8", "surrogateescape")
    body = found.places.astype("<i8").tobytes() + names
    said = {"version": VERSION, "size": found.stamp[0], "time": found.stamp[1], "members": len(found.names)}
    head = json.dumps(said | {"digest": blake2b(body, digest_size=16).hexdigest()}).encode()
    unfinished = path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(head + b"\n" + body)
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
