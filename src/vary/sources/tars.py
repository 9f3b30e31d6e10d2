"""The members of tar files, and where their bytes are: read once, from headers alone, and kept in the user's cache.

An index is a file of this form in `<cache folder>/tars`, or beside its tar. It is written under another name and then
renamed, and used only if size and time of the tar are still those of the first line:

    JSON   {"version": ..., "size": bytes of the tar, "time": ns, "members": number}
    int64  offset and size of each member, little-endian
    UTF-8  names, with a zero byte between two

Labels that were asked for are kept next to it, as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

from vary.errors import SourceError
from vary.paths import cache_folder
from vary.sample import Array
from vary.stores import Storage, is_url, open_file, shown, stamp_of

if TYPE_CHECKING:
    from tarfile import TarInfo

__all__ = ["Members", "beside", "keep_values", "kept_values", "members_of"]

VERSION = 1
COMPRESSED = {b"\x1f\x8b\x08": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\0": "xz", b"(\xb5/\xfd": "zstd"}
"""First bytes of a compressed file -> what it was compressed with."""
BLOCK = 512  # bytes of a header


class Members(NamedTuple):
    """The regular files of a tar, in its order. places: (n, 2) int64, offset and size in bytes. stamp: of the tar:
    (size, time of change in ns), or (size, hash of its ETag) at a URL."""

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
    path = _kept_at(tar, index, stamp)
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


def _kept_at(tar: str, index: bool | None, stamp: tuple[int, int]) -> Path | None:
    if is_url(tar) and not stamp[1]:  # the store states no version
        return None
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
    links = _Links()
    try:
        with open_file(tar, storage) if is_url(tar) else open(tar, "rb") as file:  # noqa: PTH123  text
            head = file.read(BLOCK)
            file.seek(0)
            with tarfile.open(fileobj=file, mode="r:") as archive:
                for member in archive:
                    archive.members = []  # type: ignore[attr-defined]  # it would keep them all
                    if member.sparse is not None:
                        raise SourceError(
                            f"{shown(tar)}: {member.name} is stored in pieces (sparse); pack it without --sparse"
                        )
                    if member.issym():
                        raise SourceError(
                            f"{shown(tar)}: {member.name} is a symbolic link to {member.linkname}; pack the "
                            "files themselves: "
                            "tar --dereference"
                        )
                    if not member.isreg() and not member.islnk():
                        continue
                    if member.offset_data + member.size > stamp[0]:
                        raise SourceError(f"{shown(tar)} is cut off within {member.name}; copy it again")
                    place = member.offset_data, member.size
                    if member.islnk():
                        place = links.place(tar, member, names, places)
                    names.append(member.name.removeprefix("./"))
                    places.append(place)
                _check_end(tar, file, archive.offset, names)
    except SourceError:
        raise
    except tarfile.ReadError as error:
        for first, name in COMPRESSED.items():
            if head.startswith(first):
                raise SourceError(
                    f"{shown(tar)} is compressed ({name}) and cannot be read at random; unpack it to a .tar"
                ) from error
        raise SourceError(f"{shown(tar)} is not a tar file, or is cut off: {error}") from error
    except OSError as error:
        raise SourceError(f"{shown(tar)}: {error.strerror or error}") from error
    return Members(names, np.array(places, np.int64).reshape(-1, 2), stamp)


class _Links:
    """Finds the places of hard links: GNU tar writes one for each further name of a file."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[int, int]] = {}

    def place(self, tar: str, member: TarInfo, names: list[str], places: list[tuple[int, int]]) -> tuple[int, int]:
        """The place of the earlier member that a link stands for. names, places: of all members so far."""
        known = len(self._places)
        self._places |= zip(names[known:], places[known:], strict=True)
        found = self._places.get(member.linkname.removeprefix("./"))
        if found is None:
            raise SourceError(
                f"{shown(tar)}: {member.name} is a link to {member.linkname}, which is not before it; pack "
                "them together"
            )
        return found


def _check_end(tar: str, file: BinaryIO, offset: int, names: list[str]) -> None:
    """`SourceError` if anything but zeros follows the last member: tarfile takes a damaged header for the end."""
    file.seek(offset)
    data = file.read(BLOCK)
    after = f"after {names[-1]} ({len(names)} members)" if names else "at its beginning"
    if len(data) < BLOCK:
        raise SourceError(f"{shown(tar)} is cut off {after}, at byte {offset:,}: its end is missing; copy it again")
    while data:
        if data.strip(b"\0"):
            raise SourceError(
                f"{shown(tar)} is damaged {after}, near byte {offset:,}, or is several tar files in one; copy "
                "it again, or "
                "give each tar by itself"
            )
        offset += len(data)
        data = file.read(1 << 16)


def kept_values(tar: str, index: bool | None, stamp: tuple[int, int], what: str) -> list[Any] | None:
    """The labels of a tar from an earlier run, if it is still the same. what: which."""
    path = _values_at(tar, index, stamp, what)
    try:
        said = {} if path is None else json.loads(path.read_bytes())
        return list(said["values"]) if said["of"] == [VERSION, *stamp, what] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_values(tar: str, index: bool | None, stamp: tuple[int, int], what: str, values: list[Any]) -> None:
    path = _values_at(tar, index, stamp, what)
    if path is not None:
        _store(path, json.dumps({"of": [VERSION, *stamp, what], "values": values}).encode())


def _values_at(tar: str, index: bool | None, stamp: tuple[int, int], what: str) -> Path | None:
    path = _kept_at(tar, index, stamp)
    return None if path is None else path.with_name(f"{path.name}-{blake2b(what.encode(), digest_size=8).hexdigest()}")


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
    _store(path, head + b"\n" + body)


def _store(path: Path, data: bytes) -> None:
    """Write a file at once, or not at all: it only saves time."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
