"""One error tree: every error vary raises on purpose is a `VaryError`, names what was seen, and says the cure.

VaryError
|- PolicyError   (ValueError)  a transform's or policy's argument, a policy file
|- InputError    (ValueError)  an image, label, dtype, layout or `out=` handed in by the caller
|- SourceError   (OSError)     a folder or file that is missing, empty or unreadable
|- StreamTimeoutError (TimeoutError) a batch that has not come within `timeout=` seconds
`- DecodeError   (ValueError)  a file that is no picture, is broken, or is over the pixel limit

Values that can be computed with, but would train on nonsense, are a warning, `ValueWarning` (a UserWarning), which also
names what was seen and the cure.
"""

from __future__ import annotations

import sys
import warnings

__all__ = [
    "DecodeError",
    "InputError",
    "PolicyError",
    "SourceError",
    "StreamTimeoutError",
    "ValueWarning",
    "VaryError",
    "brief",
    "shortened",
    "stopped",
    "warn_caller",
]

MOST = 1990
"""Most characters of a message: it may name a list of any length, and must still be readable."""
LIST, VALUE = 300, 100  # characters of a list in a message, and of one value in it


class VaryError(Exception):
    """Base of every error that vary raises on purpose."""

    def __str__(self) -> str:
        return shortened(super().__str__(), MOST)


class PolicyError(VaryError, ValueError):
    """A policy cannot mean what was written."""


class InputError(VaryError, ValueError):
    """An argument of a call, other than the policy itself, cannot be used."""


class SourceError(VaryError, OSError):
    """A source of pictures is missing, empty or unreadable."""


class StreamTimeoutError(VaryError, TimeoutError):
    """A batch has not come within `timeout=` seconds: the text says which, and what its makers are doing."""


class DecodeError(VaryError, ValueError):
    """A file could not be turned into a picture: `.path` says which, `.reason` why."""

    def __init__(self, reason: str, path: str | None = None) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, str | None]]:
        return DecodeError, (self.reason, self.path)


def brief(value: object, limit: int = LIST) -> str:
    """`repr(value)` for a message, shortened: a long list shows its first values, its last one and its length."""
    text = repr(value)
    if len(text) <= limit or not isinstance(value, list | tuple | range) or len(value) < 2:
        return shortened(text, limit)
    last, room, words = shortened(repr(value[-1]), VALUE), limit, list[str]()
    for one in value[:-1]:
        word = shortened(repr(one), VALUE)
        room -= len(word) + 2
        if words and room < len(last):
            break
        words.append(word)
    return f"[{', '.join(words)}, ..., {last}] ({len(value):,} in all)"


def shortened(text: str, limit: int) -> str:
    """The text, at most `limit` characters: its beginning and its end, where vary's messages name the cure."""
    end = limit // 3
    return text if len(text) <= limit else f"{text[: limit - end - 5]} ... {text[-end:]}"


def stopped(what: str) -> RuntimeError:
    """The error for a StopIteration out of a user's code, which `what` names; to be raised from it.

    Where the call stands in a loop over an iterator (`map`, an epoch), StopIteration would end the loop without an
    error, and the rest would be missing. Generators do the same: PEP 479.
    """
    return RuntimeError(f"{what} raised StopIteration: perhaps its next(...) found no more values")


class ValueWarning(UserWarning):
    """Values that would train on nonsense: float pictures in 0 .. 255 where 0 .. 1 is assumed, angles in radians, and
    so on. The text names the numbers, the transform and the cure.

    Each kind of mistake is warned of once for each stream and each policy. To silence all:
    `warnings.filterwarnings("ignore", category=vary.ValueWarning)`.
    """


def warn_caller(text: str, category: type[Warning] = ValueWarning) -> None:
    """Warn, with the file and line of the call into vary that led here."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "vary":
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)
