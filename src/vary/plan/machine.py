"""What the core says of this machine and of itself, and how its work ends with the program."""

from __future__ import annotations

import os
from functools import lru_cache

from vary import _native

__all__ = ["cancel_all", "default_threads", "libjpeg_version", "target", "targets"]


@lru_cache(maxsize=1)
def _allowed(process: int) -> int:  # noqa: ARG001  the key: a forked child asks again
    return _native.allowed_threads()


def default_threads() -> int:
    """What affinity and cgroup allow this process, asked once in each."""
    return _allowed(os.getpid())


def cancel_all() -> None:
    """For the end of the program: native calls of all other threads return soon, with a RuntimeError, and so do later
    ones. The calling thread may go on, and so may a forked child."""
    _native.cancel_all()


def target() -> str:
    """The instruction set that runs here: "v2", "v3" or "v4" (x86-64 levels), or "base". VARY_TARGET forces one."""
    return _native.target()


def targets() -> list[str]:
    """The instruction sets that this build has and this machine runs, slowest first."""
    return _native.targets()


def libjpeg_version() -> str:
    """The libjpeg-turbo this build decodes with."""
    return _native.libjpeg_version()
