"""URLs as users write them, and the options of a store, `Storage`, whose secrets are never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from vary.errors import InputError, brief

__all__ = ["Address", "Storage", "address_of", "as_url", "is_url", "local_path", "shown"]

URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")  # two characters at least: C:// is a path of Windows
LIMITS: dict[str, float] = {  # option of vary's own -> its default
    "attempts": 8,  # requests for one object
    "budget": 60.0,  # seconds for one object, all attempts together
    "connect_timeout": 5.0,  # seconds until a connection is made
    "timeout": 20.0,  # seconds of one request
    "cache_bytes": 128 << 20,  # bytes of ranges that are kept in memory, and as many in cache_folder
}


def is_url(path: object) -> bool:
    """Is this text of the form scheme://...?"""
    return isinstance(path, str) and URL.match(path) is not None


def local_path(url: str) -> str | None:
    """The path of a file:// URL; None for other URLs."""
    if url[:7].lower() != "file://":
        return None
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise InputError(f"{url!r} names the machine {parts.netloc!r}; a local file is file:///path")
    return unquote(parts.path)


def as_url(path: object) -> str | None:
    """The text of a URL of a store; None if `path` is anything else, also a file:// URL."""
    return path if isinstance(path, str) and is_url(path) and local_path(path) is None else None


def shown(url: str) -> str:
    """The URL for messages and fingerprints: without a user, a password, and what follows "?" (signatures)."""
    head, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    query = path.partition("?")[0] if head.lower() in ("http", "https") else path
    return f"{head}{mark}{host.rpartition('@')[2]}{slash}{query}"


class Address(NamedTuple):
    """store: scheme and bucket, such as s3://bucket. key: the name in it, without a leading slash."""

    scheme: str
    store: str
    key: str


def address_of(url: str) -> Address:
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    return Address(scheme.lower(), f"{scheme.lower()}://{bucket}", key)


@dataclass(frozen=True, repr=False)
class Storage:
    """The options of a store, as in `storage={"endpoint": ..., "access_key_id": ...}`.

    Those in `LIMITS`, and `cache_folder`, are vary's own; all others go to obstore (as its config) or to fsspec.
    The repr has their names alone. A pickled source contains them, because a worker process needs them; a state or a
    fingerprint never does. Credentials in the environment are found by obstore and fsspec, and are pickled nowhere.
    """

    options: tuple[tuple[str, object], ...] = ()
    limits: tuple[tuple[str, float], ...] = ()
    cache_folder: str | None = None

    @staticmethod
    def of(given: object) -> Storage:
        """From the argument `storage=`; `InputError` if it is no dict, or a limit is no positive number."""
        if isinstance(given, Storage):
            return given
        if given is None:
            return Storage()
        if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
            raise InputError(
                f"storage= is a {type(given).__name__}; give a dict of a store's options, such as "
                '{"endpoint": "http://...", "access_key_id": "...", "secret_access_key": "..."}'
            )
        options, limits, folder = {}, {}, None
        for name, value in given.items():
            if name in LIMITS:
                number = isinstance(value, int | float) and not isinstance(value, bool)
                if not number or not (value > 0 or (name == "cache_bytes" and value == 0)):
                    raise InputError(f"storage[{name!r}]={brief(value)}; give a number above 0")
                limits[name] = value
            elif name == "cache_folder":
                if not isinstance(value, str | os.PathLike | None) or value == "":
                    raise InputError(f"storage['cache_folder']={brief(value)}; give the path of a folder, or None")
                folder = None if value is None else os.path.abspath(os.path.expanduser(value))  # noqa: PTH100, PTH111
            else:
                options[name] = value
        return Storage(tuple(sorted(options.items())), tuple(sorted(limits.items())), folder)

    def limit(self, name: str) -> float:
        return dict(self.limits).get(name, LIMITS[name])

    def hidden(self, text: str) -> str:
        """The text without the values of options that may be secrets."""
        for name, value in self.options:
            if isinstance(value, str) and len(value) > 3 and name not in ("endpoint", "region"):
                text = text.replace(value, "***")
        return text

    def __hash__(self) -> int:
        return hash(repr((self.options, self.limits, self.cache_folder)))

    def __repr__(self) -> str:
        return f"Storage({', '.join(f'{name}=...' for name, _ in (*self.options, *self.limits))})"
