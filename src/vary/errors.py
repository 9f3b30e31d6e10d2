"""One error tree: every error vary raises on purpose is a `VaryError`, names what was seen, and says the cure.

VaryError
|- PolicyError   (ValueError)  a transform's or policy's argument, a policy file
|- InputError    (ValueError)  an image, label, dtype, layout or `out=` handed in by the caller
|- SourceError   (OSError)     a folder or file that is missing, empty or unreadable
`- DecodeError   (ValueError)  a file that is no picture, is broken, or is over the pixel limit

What can be done but would train on nonsense is a warning, `ValueWarning` (UserWarning), which says the same.
"""

from __future__ import annotations

import sys
import warnings

__all__ = ["DecodeError", "InputError", "PolicyError", "SourceError", "ValueWarning", "VaryError", "warn_caller"]


class VaryError(Exception):
    """Base of every error that vary raises on purpose."""


class PolicyError(VaryError, ValueError):
    """A policy cannot mean what was written."""


class InputError(VaryError, ValueError):
    """An argument of a call, other than the policy itself, cannot be used."""


class SourceError(VaryError, OSError):
    """A source of pictures is missing, empty or unreadable."""


class DecodeError(VaryError, ValueError):
    """A file could not be turned into a picture: `.path` says which, `.reason` why."""

    def __init__(self, reason: str, path: str | None = None) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path

    def __reduce__(self) -> tuple[type[DecodeError], tuple[str, str | None]]:
        return DecodeError, (self.reason, self.path)


class ValueWarning(UserWarning):
    """Values that would train on nonsense: float pictures in 0 .. 255 taken for 0 .. 1, angles in radians, and so on.

    Each kind of mistake is told once a stream, and once a policy. To silence all:
    `warnings.filterwarnings("ignore", category=vary.ValueWarning)`.
    """


def warn_caller(text: str) -> None:
    """Warn with a `ValueWarning` that points at the line outside of vary that led here."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "vary":
        level, frame = level + 1, frame.f_back
    warnings.warn(text, ValueWarning, stacklevel=level)
