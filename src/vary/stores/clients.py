"""A client for each store, process and options: obstore where it is installed and knows the scheme, else fsspec."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple, Protocol  # Any: obstore and fsspec may be absent
from urllib.parse import unquote

from vary.errors import InputError, SourceError
from vary.stores.address import OWN_OPTIONS, WEB, Address, Storage, address_of, shown

__all__ = ["Client", "Got", "Meta", "client_of"]

Row = dict[str, Any]  # of obstore, or of fsspec
Page = list[Row]
PAGE = 1000  # objects of a list in one request
OBSTORE = frozenset({"s3", "s3a", "gs", "az", "azure", "abfs", "abfss", "http", "https"})


class Meta(NamedTuple):
    """size: bytes; -1: not known. etag: what the store calls this version of the object; empty: not known. modified:
    the time of its last change, in the store's words; empty: not known."""

    size: int
    etag: str
    modified: str = ""


class Got(NamedTuple):
    data: bytes
    meta: Meta


class Client(Protocol):
    def get(self, key: str, start: int | None = None, stop: int | None = None) -> Got:
        """The object, or bytes start .. stop of it, in one request; with its version, if the answer states it."""

    def meta(self, key: str) -> Meta:
        """The present version, from no cache."""

    def listing(self, prefix: str) -> Listing:
        """A list of all objects whose key begins with `prefix`, which ends with a slash, or is empty."""


class Listing(Protocol):
    rows: list[tuple[str, Meta]]

    def more(self) -> bool:
        """Add a page of the list to `rows`; False after the last. Called again after an error, it goes on."""


class _Pages:
    """Of obstore. After an error, a new request begins after the last key; at the beginning if keys have no order."""

    def __init__(self, listed: Callable[..., Iterable[Page]], prefix: str) -> None:
        self.rows: list[tuple[str, Meta]] = []
        self._listed, self._prefix = listed, prefix
        self._pages: Iterator[Page] | None = None
        self._is_sorted = True
        self._reached = 0  # rows before it began again: a call returns when there are more

    def more(self) -> bool:
        try:
            while self._next():
                if len(self.rows) > self._reached:
                    return True
        except BaseException:
            self._pages = None
            if not self._is_sorted:
                self._reached = max(self._reached, len(self.rows))
                self.rows.clear()
            raise
        return False

    def _next(self) -> bool:
        if self._pages is None:
            after = self.rows[-1][0] if self.rows else None
            self._pages = iter(self._listed(self._prefix or None, offset=after, chunk_size=PAGE))
        page = next(self._pages, None)
        if page is None:
            return False
        keys = [*(key for key, _ in self.rows[-1:]), *(row["path"] for row in page)]
        self._is_sorted = self._is_sorted and all(one < two for one, two in pairwise(_ordered(keys)))
        self.rows += [(row["path"], _meta_of_row(row)) for row in page]
        return True


def _ordered(keys: list[str]) -> list[bytes]:
    """Stores sort by bytes of UTF-8."""
    return [key.encode("utf-8", "surrogateescape") for key in keys]


class _Whole:
    """A list that comes in one call."""

    def __init__(self, listed: Callable[[], list[tuple[str, Meta]]]) -> None:
        self.rows: list[tuple[str, Meta]] = []
        self._listed = listed

    def more(self) -> bool:
        self.rows = self._listed()
        return False


class _Obstore:
    def __init__(self, module: Any, address: Address, storage: Storage) -> None:
        self._module = module
        self.lists = address.scheme not in WEB
        options = dict(storage.options)
        plain = address.scheme == "http" or str(options.get("endpoint", "")).startswith("http://")
        client = {name: f"{1000 * storage.limit(name):.0f}ms" for name in ("timeout", "connect_timeout")}
        if options and not self.lists:
            raise InputError(
                f"storage[{next(iter(options))!r}]: http and https have no options but those of vary: "
                f"{', '.join(OWN_OPTIONS)}; leave it out"
            )
        try:
            self._store: Any = importlib.import_module("obstore.store").from_url(
                address.store,
                **({"config": options} if options else {}),
                client_options={**client, "allow_http": plain},
                retry_config={"max_retries": 0},  # faults.py counts and waits
            )
        except module.exceptions.UnknownConfigurationKeyError as error:
            raise _unknown_option(error, address, options) from None
        self._unquote = not self.lists

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> Got:
        options = None if start is None else {"range": (start, stop)}
        found = self._module.get(self._store, self._name(key), options=options)
        return Got(bytes(found.bytes()), _meta_of_row(found.meta))

    def meta(self, key: str) -> Meta:
        return _meta_of_row(self._module.head(self._store, self._name(key)))

    def listing(self, prefix: str) -> Listing:
        if not self.lists:
            raise NotImplementedError("http has no lists of files; give vary.Files(urls), or a table of URLs")
        return _Pages(partial(self._module.list, self._store), prefix)

    def _name(self, key: str) -> str:
        return unquote(key) if self._unquote else key


COMMON = ("endpoint", "region", "access_key_id", "secret_access_key", "session_token", "skip_signature", "account_name")
COMMON_MORE = (
    "account_key",
    "sas_token",
    "service_account_key",
    "service_account_path",
    "virtual_hosted_style_request",
)


def _unknown_option(error: Exception, address: Address, options: dict[str, object]) -> InputError:
    from difflib import get_close_matches

    found = re.search(r"'([^']*)'", str(error))
    name = found[1] if found is not None else ", ".join(options)
    near = get_close_matches(name, (*COMMON, *COMMON_MORE, *OWN_OPTIONS), 1)
    similar = f"; did you mean {near[0]}?" if near else ""
    return InputError(
        f"storage[{name!r}]: {address.scheme}:// has no such option{similar}; give those of "
        f"obstore, such as {', '.join(COMMON[:4])}, or of vary: {', '.join(OWN_OPTIONS)}"
    )


class _Fsspec:
    def __init__(self, module: Any, address: Address, storage: Storage) -> None:
        options = dict(storage.options)
        try:
            self._fs: Any = module.filesystem(address.scheme, **options, skip_instance_cache=True)
        except TypeError as error:  # its text may have the values
            raise InputError(
                f"storage= of {address.scheme}:// is refused by fsspec: a {type(error).__name__}; are all of these its "
                f"options, and none missing: {', '.join(options) or 'none'}?"
            ) from None
        self._store = address.store

    def _name(self, key: str) -> str:
        return str(self._fs._strip_protocol(f"{self._store}/{key}"))

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> Got:
        data = self._fs.cat_file(self._name(key), start=start, end=stop)
        return Got(bytes(data), Meta(len(data) if start is None else -1, ""))

    def meta(self, key: str) -> Meta:
        self._fs.invalidate_cache()
        return _meta(self._fs.info(self._name(key)))

    def listing(self, prefix: str) -> Listing:
        return _Whole(partial(self._listed, prefix))

    def _listed(self, prefix: str) -> list[tuple[str, Meta]]:
        base = self._name("").rstrip("/")
        self._fs.invalidate_cache()
        found = self._fs.find(self._name(prefix.rstrip("/")), detail=True)
        return [(path[len(base) :].lstrip("/"), _meta(info)) for path, info in found.items()]


def _meta_of_row(row: Row) -> Meta:
    """Of obstore. Times are whole seconds, as in a header; the year 1970 stands for none."""
    seconds = int(row["last_modified"].timestamp())
    return Meta(row["size"], row["e_tag"] or "", str(seconds) if seconds > 0 else "")


TIMES = ("mtime", "modified", "LastModified", "last_modified", "Last-Modified", "updated", "modify", "created")
"""What file systems of fsspec call the time of the last change."""


def _meta(info: Row) -> Meta:
    """Of fsspec."""
    size, etag = info.get("size"), info.get("ETag") or info.get("etag")
    modified = next((_time_text(info[name]) for name in TIMES if info.get(name)), "")
    return Meta(-1 if size is None else int(size), str(etag or ""), modified)


def _time_text(time: object) -> str:
    """One text for a time in any form, because a list may have numbers, and a question about one object datetimes."""
    seconds = time.timestamp() if isinstance(time, datetime) else time
    return str(round(1e6 * seconds)) if isinstance(seconds, int | float) else str(seconds)


_clients: dict[tuple[str, bool, Storage], Client] = {}
_abandoned: list[object] = []  # clients of a parent process: using or destroying them here could wait for ever
_runtime_of: int | None = None  # the process in which obstore started its threads


def _forked() -> None:
    _abandoned.append(dict(_clients))
    _clients.clear()


os.register_at_fork(after_in_child=_forked)


def client_of(url: str, storage: Storage) -> tuple[Client, str]:
    """The client of a URL, and the URL's key in its store."""
    address = address_of(url)
    known = address.store, address.scheme in WEB and "?" in url, storage
    found = _clients.get(known)
    if found is None:
        found = _clients[known] = _made(url, address, storage)
    return found, address.key


def _made(url: str, address: Address, storage: Storage) -> Client:
    global _runtime_of  # noqa: PLW0603  a fact of the process
    wanted = address.scheme in OBSTORE and not (address.scheme in WEB and "?" in url)
    obstore = _imported("obstore") if wanted else None
    forked = obstore is not None and _runtime_of not in (None, os.getpid())
    if obstore is not None and not forked:
        _runtime_of = os.getpid()
        return _Obstore(obstore, address, storage)
    fsspec = _imported("fsspec")
    if fsspec is None and not forked:
        raise InputError(f"{shown(url)}: reading a URL needs fsspec or obstore: pip install 'vary[cloud]'")
    try:
        if fsspec is not None:
            return _Fsspec(fsspec, address, storage)
    except ImportError as error:
        if not forked:
            raise InputError(f"{shown(url)}: fsspec says: {error}; install that, or 'vary[cloud]'") from error
    except ValueError as error:  # of fsspec: no such scheme
        raise InputError(f"{shown(url)}: {error}; give s3://, gs://, az://, https:// or a scheme of fsspec") from error
    raise SourceError(
        f"{shown(url)}: this process was forked from one that uses obstore, which does not work after a fork; start "
        "workers by 'spawn', such as DataLoader(multiprocessing_context='spawn'), or vary.stream(process=True)"
    )


def _imported(name: str) -> Any | None:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
