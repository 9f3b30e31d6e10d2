"""What may go wrong with a request, as a table: which faults are retried, and what the error says otherwise."""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic, sleep
from typing import NamedTuple, TypeVar

from vary.errors import SourceError, VaryError, shortened
from vary.stores.address import Storage, cleaned, shown

__all__ = [
    "FAULTS",
    "ChangedError",
    "Fault",
    "MissingError",
    "TruncatedError",
    "attempted",
    "fault_of",
    "interruptible",
]

T = TypeVar("T")


class MissingError(SourceError, FileNotFoundError):
    """There is no object at a URL."""


class TruncatedError(Exception):
    """A body is shorter than the store said."""


class ChangedError(Exception):
    """An object is not the one that was listed or read first."""


class Fault(NamedTuple):
    """classes: names of exceptions. pattern: found in the text of one. cure: what the message says to do."""

    name: str
    classes: frozenset[str]
    pattern: str
    retried: bool
    cure: str


def _row(name: str, classes: str, pattern: str, retried: bool, cure: str) -> Fault:
    return Fault(name, frozenset(classes.split()), pattern, retried, cure)


LATER = "try again later, or raise storage['attempts'] and storage['budget']"
NEVER = r"(?!)"
STATUS = r"(?:status code: |^|An error occurred \()"  # as obstore, aiohttp and botocore write it
FAULTS = (  # the first that fits
    _row("changed", "ChangedError", NEVER, False, "make the source again, and do not change objects during an epoch"),
    _row("truncated", "TruncatedError", NEVER, True, LATER),
    _row(
        "missing", "NotFoundError FileNotFoundError", STATUS + r"404\b", False, "is the name, or the bucket, misspelt?"
    ),
    _row(
        "no credentials",
        "NoCredentialsError PartialCredentialsError NoAuthTokenError DefaultCredentialsError ClientAuthenticationError",
        r"169\.254\.169\.254|metadata\.google\.internal|[Aa]ccount must be specified|[Mm]issing (account|credentials)",
        False,
        "give credentials: storage={'access_key_id': ..., ...} or the environment; for public objects of S3, "
        "storage={'skip_signature': True}",
    ),
    _row(
        "refused",
        "PermissionDeniedError UnauthenticatedError PermissionError",
        STATUS + r"40[13]\b",
        False,
        "check the credentials and the rights they give: storage={'access_key_id': ..., ...} or the environment",
    ),
    _row("busy", "", STATUS + r"(408|425|429|503)\b|SlowDown", True, LATER),
    _row("of the server", "", STATUS + r"5\d\d\b", True, LATER),
    _row(
        "wrong request",
        "ImportError ModuleNotFoundError NotImplementedError ValueError TypeError UnknownConfigurationKeyError",
        STATUS + r"[34]\d\d\b|path segment|invalid path",
        False,
        "check the URL and storage=",
    ),
    _row("of the program", "", NEVER, False, "check the URL and storage=, and the versions of obstore and fsspec"),
    _row("of the network", "", r"", True, f"check the network and the endpoint; {LATER}"),
)


STATED = (OSError, EOFError, ValueError, TypeError, NotImplementedError, ImportError)
"""Errors of Python itself that a library raises for a fault of a request; others are mistakes of a program."""


def fault_of(error: BaseException) -> Fault:
    names = {one.__name__ for one in type(error).__mro__}
    text = str(error)
    if type(error).__module__ == "builtins" and not isinstance(error, STATED):
        return next(one for one in FAULTS if one.name == "of the program")
    return next(one for one in FAULTS if names & one.classes or re.search(one.pattern, text) is not None)


_here = threading.local()


@contextmanager
def interruptible(check: Callable[[], None]) -> Iterator[None]:
    """In this thread and block, call `check` now and then while a retry waits; it raises to end the waiting."""
    _here.check = check
    try:
        yield
    finally:
        _here.check = None


DETAILS = re.compile(r"\s*(Debug source:|: <\?xml|: <[A-Z]).*", re.DOTALL)  # obstore appends its data structures


def _said(error: BaseException, url: str) -> str:
    text = " ".join(cleaned(DETAILS.sub("", str(error)), url).split())
    return shortened(text, 300) or type(error).__name__


STEP = 0.05  # seconds between two calls of `check`


def _pause(seconds: float) -> None:
    check, until = getattr(_here, "check", None), monotonic() + seconds
    while (left := until - monotonic()) > 0:
        if check is not None:
            check()
        sleep(min(left, STEP))


def delay(url: str, attempt: int) -> float:
    """Seconds before the next attempt: 0.1, 0.2, 0.4, ..., at most 5, times 0.5 to 1 by a hash of URL and attempt, so
    that many readers do not come back at once."""
    jitter = zlib.crc32(f"{url} {attempt}".encode("utf-8", "surrogateescape")) / (1 << 32)
    return float(min(5.0, 0.1 * 2.0 ** (attempt - 1)) * (0.5 + jitter / 2))


PASSED = (MemoryError, LookupError, AttributeError, NameError, AssertionError, ArithmeticError)
"""Mistakes of a program, and no memory: no fault of one object, so they are neither retried nor skipped."""


def attempted(url: str, storage: Storage, call: Callable[[], T]) -> T:
    """The result of `call`, which is tried again after faults of the table that are retried. `SourceError` otherwise:
    with the URL, the number of attempts, the last error and a cure."""
    began, attempt = monotonic(), 0
    budget, most = storage.limit("budget"), storage.limit("attempts")
    while True:
        attempt += 1
        try:
            return call()
        except (VaryError, *PASSED):
            raise
        except Exception as error:  # noqa: BLE001  each library has its own
            fault = fault_of(error)
            text = storage.hidden(_said(error, url))
            where = shown(url)
            if not fault.retried:
                kind = MissingError if fault.name == "missing" else SourceError
                said = "does not exist: " if fault.name == "missing" else ""
                raise kind(f"{where}: {said}{text}; {fault.cure}") from None
            wait = delay(url, attempt)
            if attempt >= most or monotonic() - began + wait > budget:
                spent = f"{attempt} attempts within {budget:g} seconds"
                raise SourceError(f"{where}: not read in {spent}; the last error: {text}; {fault.cure}") from None
        _pause(wait)
