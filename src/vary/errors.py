"""Errors and warnings. Every error that vary raises on purpose is a `VaryError` and names the value seen and the cure.

VaryError
|- PolicyError   (ValueError)  a transform's or policy's argument, a policy file
|- InputError    (ValueError)  any other argument: an image, label, dtype, layout, `out=`, ...
|- SourceError   (OSError)     a folder or file that is missing, empty or unreadable
|- StreamTimeoutError (TimeoutError) a batch that has not come within `timeout=` seconds
`- DecodeError   (ValueError)  a file that is not a picture, is broken, or is over the pixel limit

Values that raise no error, but would train on nonsense, cause a warning, `ValueWarning` (a UserWarning), which also
names the value seen and the cure.
"""

from __future__ import annotations

import sys
import warnings

__all__ = [
    "NO_ROWS",
    "DecodeError",
    "InputError",
    "PolicyError",
    "SourceError",
    "StreamTimeoutError",
    "ValueWarning",
    "VaryError",
    "brief",
    "counted",
    "shortened",
    "stop_iteration_error",
    "warn_caller",
]

MOST = 1990
"""The most characters of a message, which may contain a list of any length."""
NO_ROWS = "the data set has no rows; give one with at least one picture"
LIST, VALUE = 300, 100  # characters of a list in a message, and of one value in it


class VaryError(Exception):
    """Base of every error that vary raises on purpose."""

    def __str__(self) -> str:
        return shortened(super().__str__(), MOST)


class PolicyError(VaryError, ValueError):
    """An argument of a transform or policy is invalid, or a policy file cannot be read."""


class InputError(VaryError, ValueError):
    """An argument of a call, other than the policy itself, cannot be used."""


class SourceError(VaryError, OSError):
    """A source of pictures is missing, empty or unreadable."""


class StreamTimeoutError(VaryError, TimeoutError):
    """A batch has not come within `timeout=` seconds. The text says which, and what its threads are doing."""


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
    last, left, words = shortened(repr(value[-1]), VALUE), limit, list[str]()
    for one in value[:-1]:
        word = shortened(repr(one), VALUE)
        left -= len(word) + 2
        if words and left < len(last):
            break
        words.append(word)
    return f"[{', '.join(words)}, ..., {last}] ({len(value):,} in all)"


def counted(count: int, noun: str) -> str:
    """Such as "1 mask", "2 masks" or "2 passes"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}{'es' if noun.endswith('s') else 's'}"


def shortened(text: str, limit: int) -> str:
    """The text in at most `limit` characters. Its end is kept, because vary's messages name the cure there."""
    end = limit // 3
    return text if len(text) <= limit else f"{text[: limit - end - 5]} ... {text[-end:]}"


def stop_iteration_error(what: str) -> RuntimeError:
    """The error to raise if a user's code, which `what` names, raises StopIteration.

    In a loop over an iterator (`map`, an epoch), StopIteration would end the loop without an error, and the rest
    would be missing. For generators, Python also replaces it by a RuntimeError: PEP 479.
    """
    return RuntimeError(f"{what} raised StopIteration: perhaps its next(...) found no more values")


class ValueWarning(UserWarning):
    """Values that would train on nonsense: float pictures in 0 .. 255 where 0 .. 1 is assumed, angles in radians, and
    so on. The text names the numbers, the transform and the cure.

    Each kind of mistake causes one warning for each stream and each policy. To silence all:
    `warnings.filterwarnings("ignore", category=vary.ValueWarning)`.
    """


def warn_caller(text: str, category: type[Warning] = ValueWarning) -> None:
    """Warn, with the file and line at which the user's code called vary."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "vary":
        level, frame = level + 1, frame.f_back
    warnings.warn(text, category, stacklevel=level)
