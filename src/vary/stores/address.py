"""URLs as users write them, and the options of a store, `Storage`, whose secrets are never shown."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

from vary.errors import InputError, brief

__all__ = [
    "OWN_OPTIONS",
    "WEB",
    "Address",
    "Storage",
    "address_of",
    "as_url",
    "cleaned",
    "identity",
    "is_url",
    "local_path",
    "shown",
    "without_query",
]

URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")  # two characters at least: C:// is a path of Windows
LIMITS: dict[str, float] = {  # option of vary's own -> its default
    "attempts": 8,  # requests for one object
    "budget": 60.0,  # seconds for one object, all attempts together
    "connect_timeout": 5.0,  # seconds until a connection is made
    "timeout": 20.0,  # seconds of one request
    "cache_bytes": 128 << 20,  # bytes of ranges that are kept in memory, and as many in cache_folder
}
OWN_OPTIONS = (*LIMITS, "cache_folder")


def is_url(path: object) -> bool:
    """Is this text of the form scheme://...?"""
    return isinstance(path, str) and URL.match(path) is not None


def local_path(url: str) -> str | None:
    """The path of a file:// URL; None for other URLs."""
    if url[:7].lower() != "file://":
        return None
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise InputError(f"{shown(url)!r} names another machine; a local file is file:///path")
    return unquote(parts.path)


def as_url(path: object) -> str | None:
    """The text of a URL of a store; None if `path` is anything else, also a file:// URL."""
    return path if isinstance(path, str) and is_url(path) and local_path(path) is None else None


CONTAINERS = frozenset({"abfs", "abfss", "wasb", "wasbs"})  # scheme://container@account
WEB = frozenset({"http", "https"})
USER = re.compile(r"[^/?#]*@")
HOST = re.compile(r"[^/?#]*")
QUERY = re.compile(r"\?[^?/=]*=")  # of a store: elsewhere a name may have a "?"
WEB_QUERY = re.compile(r"[?#]")
ANYWHERE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s'\"<>]+")


def shown(url: str) -> str:
    """The URL for messages: without a user, a password, and a query (signatures). Other texts as they are."""
    head, mark, rest = url.partition("://")
    if not mark:
        return url
    scheme = head.lower()
    user = None if scheme in CONTAINERS else USER.match(rest)
    rest = rest if user is None else rest[user.end() :]
    host = HOST.match(rest)
    name, colon, port = ("" if host is None else host[0]).rpartition(":")
    if colon and not port.isdigit() and name[:1] != "[" and not name.startswith("arn:"):  # a password with / ? or #
        rest = rest.rpartition("@")[2] if "@" in rest else f"***{rest[len(name) + 1 + len(port) :]}"
    return f"{head}{mark}{without_query(rest, scheme)}"


def without_query(url: str, scheme: str | None = None) -> str:
    """The URL, or the rest of one of this scheme, up to its query."""
    web = (url.partition("://")[0].lower() if scheme is None else scheme) in WEB
    found = (WEB_QUERY if web else QUERY).search(url)
    return url if found is None else url[: found.start()]


def identity(url: str) -> str:
    """A text that differs for each URL, for fingerprints: as it is shown, and a hash of what is not."""
    short = shown(url)
    if short == url:
        return url
    from hashlib import blake2b  # imported here, because it takes a tenth of the time that importing vary does

    return f"{short}#{blake2b(url.encode('utf-8', 'surrogateescape'), digest_size=12).hexdigest()}"


def cleaned(text: str, url: str) -> str:
    """The text of an error without what `shown` leaves out of this URL, or of any other URL in it."""
    found = ANYWHERE.sub(lambda one: shown(one[0]), text.replace(url, shown(url)))
    for secret in _secrets(url):
        found = found.replace(secret, "***")
    return found


def _secrets(url: str) -> list[str]:
    """The parts of a URL that may be secret, as written, decoded and encoded; the longest first."""
    if "://" not in url:
        return []
    hidden = [without_query(url).removesuffix(shown(url).partition("://")[2]).partition("://")[2].rstrip("@")]
    hidden.append(hidden[0].partition(":")[2])
    query = url[len(without_query(url)) + 1 :]
    hidden += [query, *(one.partition("=")[2] for one in re.split("[&;#]", query))]
    forms = {form for one in hidden for form in (one, unquote(one), quote(one, safe=""))}
    return sorted((one for one in forms if len(one) > 3), key=lambda one: (-len(one), one))


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
        for value in sorted(_hidden_in(dict(self.options)), key=len, reverse=True):
            text = text.replace(value, "***")
        return text

    def place(self) -> str:
        """The options that may say where objects are, because two stores may have buckets of one name."""
        return repr([(name, value) for name, value in self.options if SECRET.search(name) is None])

    def __hash__(self) -> int:
        return hash(repr((self.options, self.limits, self.cache_folder)))

    def __repr__(self) -> str:
        return f"Storage({', '.join(f'{name}=...' for name, _ in (*self.options, *self.limits))})"


SECRET = re.compile(r"key|token|secret|pass|sas|credential|signature", re.IGNORECASE)  # these may be renewed


def _hidden_in(options: Mapping[str, object]) -> set[str]:
    found: set[str] = set()
    for name, value in options.items():
        if isinstance(value, Mapping):
            found |= _hidden_in(value)
        elif isinstance(value, str) and "endpoint" in str(name):
            found |= set(_secrets(value))
        elif isinstance(value, str) and len(value) > 3 and "region" not in str(name):
            found.add(value)
    return found
