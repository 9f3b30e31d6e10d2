"""Paths as users write them: text or `os.PathLike`, perhaps with `~` for the home folder."""

from __future__ import annotations

import os

from vary.errors import InputError, brief

__all__ = ["expanded", "path_text"]


def expanded(path: str | os.PathLike[str]) -> str:
    """The path as text, with a leading `~` or `~user` replaced by the home folder, if there is one."""
    return os.path.expanduser(os.fspath(path))  # noqa: PTH111  text, because an epoch may read a million paths


def path_text(name: str, path: object, cure: str) -> str:
    """The argument `name` as a path in text, with `~` expanded; `InputError` if it is no path, or holds a zero byte."""
    found = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(found, str) or "\0" in found:
        raise InputError(f"{name}={brief(path)}; give {cure}")
    return expanded(str(found))
