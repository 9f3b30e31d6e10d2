"""The bytes at a URL, whole or in part, through the cache of ranges."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, NamedTuple

from vary.stores.address import Storage, address_of, shown
from vary.stores.clients import Client, Got, Meta, client_of
from vary.stores.faults import ChangedError, TruncatedError, attempted
from vary.stores.kept import kept_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

__all__ = ["Found", "Stamp", "list_files", "open_file", "read", "read_range", "read_stamped", "size_of", "stamp_of"]

BLOCK = 1 << 16  # bytes: ranges are read and kept in such parts
AHEAD = 1 << 18  # bytes that a file object asks for at a time


class Stamp(NamedTuple):
    """The version of an object. size: -1: not known. tag: a hash of its ETag, which is odd, or else of the time of its
    last change, which is even; 0: not known."""

    size: int
    tag: int


class Found(NamedTuple):
    """An object of a list. name: its key after the prefix."""

    name: str
    stamp: Stamp


def read(url: str, storage: object = None) -> bytes:
    """All bytes of an object. `SourceError` with the URL if it cannot be read (see faults.py)."""
    return read_stamped(url, Storage.of(storage))[0]


def read_stamped(url: str, storage: Storage, known: Stamp | None = None) -> tuple[bytes, Stamp]:
    """All bytes of an object, and its version. known: the version it has to have, for an error if it changed."""
    cache = kept_of(int(storage.limit("cache_bytes")), storage.cache_folder)
    name = _key(url, storage, known, -1) if cache.most and known is not None and known.tag else None
    kept = None if name is None else cache.get(name)
    if kept is not None and known is not None:
        return kept, known
    confirmed: list[bool] = []
    doubted: list[bytes] = []  # bodies whose MD5 is not the ETag

    def once() -> Got:
        client, key = client_of(url, storage)
        got = client.get(key)
        if known is not None:
            confirmed.append(_is_confirmed(client, key, got.meta, known))
        if 0 <= got.meta.size != len(got.data):
            raise TruncatedError(f"{len(got.data)} bytes came instead of {got.meta.size}")
        if known is not None and 0 <= known.size != len(got.data):
            raise TruncatedError(f"{len(got.data)} bytes came instead of the {known.size} that were listed")
        if got.data in doubted:  # the same bytes twice: then the ETags of this store are no MD5 (encryption by KMS)
            _not_md5.add(address_of(url).store)
        elif not _is_sound(url, got):
            doubted.append(got.data)
            raise TruncatedError("the bytes that came do not have the MD5 that the store states")
        return got

    got = attempted(url, storage, once)
    stamp = _stamp(got.meta._replace(size=len(got.data)))
    same = known is not None and bool(known.tag) and (confirmed[-1] or not stamp.tag)
    version = known if known is not None and same else stamp
    if cache.most and version.tag and (confirmed[-1:] == [True] or version == stamp):
        cache.put(_key(url, storage, version, -1), got.data)
    return got.data, version


def size_of(url: str, storage: object = None) -> int:
    """Bytes of an object, by one request."""
    return _version(url, Storage.of(storage)).size


def stamp_of(url: str, storage: object = None) -> Stamp:
    """The present version of an object, by one request."""
    return _version(url, Storage.of(storage))


def read_range(url: str, start: int, stop: int, storage: object = None, known: Stamp | None = None) -> bytes:
    """Bytes start .. stop of an object; fewer at its end. Parts that were read before are not downloaded again.

    known: its version, from an earlier call or list; without it, one more request asks for it.
    """
    options = Storage.of(storage)
    stamp = _version(url, options) if known is None or known.size < 0 else known
    stop = min(stop, stamp.size)
    if start < 0 or start >= stop:
        return b""
    cache = kept_of(int(options.limit("cache_bytes")), options.cache_folder)
    numbers = range(start // BLOCK, -(-stop // BLOCK))
    names = {number: _key(url, options, stamp, number) for number in numbers}
    blocks = {number: cache.get(name) if stamp.tag else None for number, name in names.items()}
    absent = [number for number, block in blocks.items() if block is None]
    for first, last in _runs(absent):
        a, b = first * BLOCK, min((last + 1) * BLOCK, stamp.size)
        data, confirmed = _fetched(url, options, stamp, (a, b))
        for number in range(first, last + 1):
            block = data[number * BLOCK - a : (number + 1) * BLOCK - a]
            blocks[number] = block
            if confirmed:
                cache.put(names[number], block)
    whole = b"".join(block for block in blocks.values() if block is not None)
    at = numbers.start * BLOCK
    return whole[start - at : stop - at]


def open_file(url: str, storage: object = None) -> BinaryIO:
    """A seekable file, read-only, of an object in its present version; changed bytes are an error."""
    options = Storage.of(storage)
    return io.BufferedReader(_Ranges(url, options, _version(url, options)), AHEAD)


def list_files(url: str, storage: object = None) -> list[Found]:
    """All objects below a URL, at any depth, in plain order of their names, which begin after `url` and a slash."""
    options = Storage.of(storage)
    key = address_of(url).key
    prefix = f"{key.rstrip('/')}/" if key.strip("/") else ""
    listing = attempted(url, options, lambda: client_of(url, options)[0].listing(prefix))
    while attempted(url, options, listing.more):  # each page has attempts and a budget of its own
        pass
    found = [Found(name[len(prefix) :], _stamp(meta)) for name, meta in listing.rows if name.startswith(prefix)]
    return sorted((one for one in found if one.name and not one.name.endswith("/")), key=lambda one: one.name)


class _Ranges(io.RawIOBase):
    def __init__(self, url: str, storage: Storage, stamp: Stamp) -> None:
        super().__init__()
        self._url, self._storage, self._stamp, self._at = url, storage, stamp, 0
        self.name = shown(url)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._stamp.size}[whence]
        if base + offset < 0:
            raise ValueError(f"seek to {base + offset}; give a position from 0")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # of RawIOBase: any buffer
        data = read_range(self._url, self._at, self._at + len(buffer), self._storage, self._stamp)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _fetched(url: str, storage: Storage, stamp: Stamp, span: tuple[int, int]) -> tuple[bytes, bool]:
    """The bytes, and whether they are known to be of this version."""

    def once() -> tuple[bytes, bool]:
        client, key = client_of(url, storage)
        got = client.get(key, *span)
        confirmed = _is_confirmed(client, key, got.meta, stamp)
        if len(got.data) != span[1] - span[0]:
            raise TruncatedError(f"{len(got.data)} bytes came instead of {span[1] - span[0]}")
        return got.data, confirmed

    return attempted(url, storage, once)


def _version(url: str, storage: Storage) -> Stamp:
    def once() -> Meta:
        client, key = client_of(url, storage)
        return client.meta(key)

    return _stamp(attempted(url, storage, once))


def _stamp(meta: Meta) -> Stamp:
    from hashlib import blake2b  # imported here and below: it takes a tenth of the time that importing vary does

    if not meta.etag and not meta.modified:
        return Stamp(meta.size, 0)
    number = int.from_bytes(blake2b((meta.etag or meta.modified).encode(), digest_size=7).digest(), "little")
    return Stamp(meta.size, number | 1 if meta.etag else (number & ~1) or 2)


def _is_confirmed(client: Client, key: str, meta: Meta, known: Stamp) -> bool:
    """Is what was just read of the known version? If the answer did not state that, the store is asked. An error if it
    is of another version; False if no version is known or stated, and only sizes were compared."""
    if not known.tag or _comparable(meta, known):
        return _check_version(meta, known)
    _check_version(meta, known)
    return _check_version(client.meta(key), known)


def _comparable(meta: Meta, known: Stamp) -> bool:
    """Does this state the version in the same way: an ETag, or a time?"""
    return bool(meta.etag if known.tag & 1 else meta.modified)


def _check_version(meta: Meta, known: Stamp) -> bool:
    """Is this the known version? An error if it is another one; False if only the sizes can be compared."""
    compared = bool(known.tag) and _comparable(meta, known)
    now = _stamp(meta if known.tag & 1 else meta._replace(etag="")) if compared else _stamp(meta)
    sizes = now.size >= 0 and 0 <= known.size != now.size
    if now.tag != known.tag if compared else sizes:
        raise ChangedError(
            f"has changed since it was listed or read first: {known.size} bytes then, {now.size} now, of the ETag "
            f"{meta.etag or 'not stated'}"
        )
    return compared


_not_md5: set[str] = set()  # stores whose ETags look like an MD5, and are none


def _is_sound(url: str, got: Got) -> bool:
    """Does the body have the MD5 that the store states? True if it states none."""
    tag = got.meta.etag.strip('"').lower()
    if len(tag) != 32 or not set(tag) <= set("0123456789abcdef") or address_of(url).store in _not_md5:
        return True
    from hashlib import md5

    return md5(got.data, usedforsecurity=False).hexdigest() == tag


def _key(url: str, storage: Storage, stamp: Stamp, number: int) -> bytes:
    """Of a part in the cache: of the whole URL, and of the options that say where its store is."""
    from hashlib import blake2b

    text = f"{storage.place()}\0{url}\0{stamp.size}\0{stamp.tag}\0{number}"
    return blake2b(text.encode("utf-8", "surrogateescape"), digest_size=16).digest()


def _runs(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of neighbours."""
    first = last = None
    for number in numbers:
        if first is None or last is None:
            first = last = number
        elif number == last + 1:
            last = number
        else:
            yield first, last
            first = last = number
    if first is not None and last is not None:
        yield first, last
