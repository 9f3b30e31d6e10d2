"""Paths as users write them: text or `os.PathLike`, perhaps with `~` for the home folder."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from vary.errors import InputError, brief

__all__ = ["absolute", "cache_folder", "expanded", "searched_in", "path_text", "to_write"]


def expanded(path: str | os.PathLike[str]) -> str:
    """The path as text, with a leading `~` or `~user` replaced by the home folder, if there is one."""
    return os.path.expanduser(os.fspath(path))  # noqa: PTH111  text, because an epoch may read a million paths


def absolute(path: str, here: str = "") -> str:
    """The path made absolute; a relative one starts at the folder `here`, by default the current one.

    Links are not resolved. So ".." after the name of a folder is kept, because the folder may be a link.
    """
    names = [name for name in path.split("/") if name not in ("", ".")]
    up = next((place for place, name in enumerate(names) if name != ".."), len(names))
    start = "" if os.path.isabs(path) else here or os.getcwd()  # noqa: PTH109, PTH117
    folders = [name for name in start.split("/") if name]
    return "/" + "/".join(folders[: max(len(folders) - up, 0)] + names[up:])


def searched_in(path: str) -> str:
    """For the error that this path does not exist: the current folder, if the path is relative; else empty."""
    return "" if os.path.isabs(path) else f" in the current folder, {os.getcwd()!r}"  # noqa: PTH109, PTH117


def path_text(name: str, path: object, cure: str) -> str:
    """The argument `name` as the text of a path, with `~` expanded; `InputError` if it is not a path, or has a zero
    byte."""
    found = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(found, str) or "\0" in found:
        raise InputError(f"{name}={brief(path)}; give {cure}")
    return expanded(str(found))


def to_write(path: str | os.PathLike[str]) -> Path:
    """The path of a file to be written; `InputError` if its folder does not exist, or the path is a folder."""
    target = Path(path_text("path", path, "the path of a file to write"))
    if not target.parent.is_dir():
        raise InputError(f"path={str(path)!r}: the folder {str(target.parent)!r} does not exist; make it first")
    if target.is_dir():
        raise InputError(f"path={str(path)!r} is a folder; give the path of a file in it")
    return target


def cache_folder() -> Path:
    """The folder of this user's cache: $VARY_CACHE, or the platform's cache folder. Absolute."""
    if given := os.environ.get("VARY_CACHE"):
        return Path(expanded(given)).absolute()
    try:
        home = Path.home()
    except RuntimeError as error:  # a container's user without a name
        raise InputError("this user has no home folder for a cache; name a folder with VARY_CACHE") from error
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "vary"
    return Path(expanded(os.environ.get("XDG_CACHE_HOME") or home / ".cache")).absolute() / "vary"
