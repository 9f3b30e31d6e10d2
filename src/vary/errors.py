"""One error tree: every error vary raises on purpose is a `VaryError`, names what was seen, and says the cure.

VaryError
|- PolicyError   (ValueError)  a transform's or policy's argument, a policy file
|- InputError    (ValueError)  an image, label, dtype, layout or `out=` handed in by the caller
|- SourceError   (OSError)     a folder or file that is missing, empty or unreadable
`- DecodeError   (ValueError)  a file that is no picture, is broken, or is over the pixel limit
"""

from __future__ import annotations

__all__ = ["DecodeError", "InputError", "PolicyError", "SourceError", "VaryError"]


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
