"""This machine and this build, as the core sees them, and cancelling the core's work when the program ends."""

from __future__ import annotations

import os
from functools import lru_cache

from vary import _native
from vary._native import BatchThreads

__all__ = ["BatchThreads", "cancel_all", "default_threads", "libjpeg_version", "target", "targets"]


@lru_cache(maxsize=1)
def _allowed(process: int) -> int:  # noqa: ARG001  the key: a forked child asks again
    return _native.allowed_threads()


def default_threads() -> int:
    """The number of threads that CPU affinity and cgroup allow this process; found once in each process."""
    return _allowed(os.getpid())


def cancel_all() -> None:
    """For the end of the program: the native calls of all other threads, present and later ones, return soon with a
    RuntimeError. Those of the calling thread, and of forked children, run as usual."""
    _native.cancel_all()


def target() -> str:
    """The instruction set in use: "v2", "v3" or "v4" (x86-64 levels), or "base". VARY_TARGET forces one."""
    return _native.target()


def targets() -> list[str]:
    """The instruction sets that this build contains and this machine supports, slowest first."""
    return _native.targets()


def libjpeg_version() -> str:
    """The version of libjpeg-turbo that this build decodes with."""
    return _native.libjpeg_version()
