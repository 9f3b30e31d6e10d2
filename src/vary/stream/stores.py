"""Which store a stream has: what was asked for, or what fits."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from vary.errors import DecodeError, InputError, SourceError
from vary.plan.decode import picture_bytes
from vary.plan.run import libjpeg_version
from vary.sources import Encoded
from vary.stream.cache import Memory, memory_limit
from vary.stream.disk import Disk, cache_folder

if TYPE_CHECKING:
    from vary.sources import Indexed
    from vary.stream.cache import Store
    from vary.stream.options import Options

__all__ = ["holds_files", "store_of"]

ROOMY = 4
"""Finished pixels are kept, for an eighth more speed, where they take no more than this part of what they may; else
chroma stays as coded, in half the memory."""
LOOKED_AT = 16  # files by which "auto" tells what all will take


def holds_files(source: Indexed) -> bool:
    """By its first sample."""
    if not len(source):
        return False
    try:
        return isinstance(source[0].image, Encoded)
    except SourceError:
        return True


def store_of(source: Indexed, options: Options) -> tuple[Store | None, str]:
    """Where files are kept once they are decoded, and what the report says of it; None where nothing is kept."""
    if options.cache is None:
        return None, ""
    if options.cache == "disk":
        return _disk(source, options), "on disk"
    limit = options.cache_bytes
    if limit is None:
        limit = memory_limit() // options.part.ranks  # which may share this machine
    expected = _expected(source, options.channels)
    if options.cache == "auto" and expected > limit:
        asked, given = f"{expected / 1e6:,.0f} MB", f"{limit / 1e6:,.0f} MB"
        return None, f"none: all files would take about {asked}, it may take {given} (cache_bytes=)"
    return Memory(limit, compact=not 0 < 2 * expected <= limit / ROOMY), "in memory"


def _disk(source: Indexed, options: Options) -> Store:
    if getattr(source, "identity", None) is None:
        raise InputError(
            f"cache='disk': {type(source).__name__} does not say by what its files are known from run to run; "
            "take cache='memory', or give the source a method identity(index)"
        )
    import shutil  # these two take longer than all of vary
    from importlib import metadata

    folder = cache_folder()
    limit = options.cache_bytes
    if limit is None:
        above = next(path for path in (folder, *folder.parents) if path.exists())
        limit = shutil.disk_usage(above).free // 10
    decoders = libjpeg_version(), metadata.version("pillow")
    return Disk(folder, limit, (options.channels, options.tolerant, *decoders))


def _expected(source: Indexed, channels: int) -> float:
    """Bytes that all files take in full, by a few of them."""
    n = len(source)
    sizes = []
    for index in islice(range(0, n, max(1, n // LOOKED_AT)), LOOKED_AT):
        try:
            image = source[index].image
            if isinstance(image, Encoded):
                sizes.append(picture_bytes(image, channels))
        except (DecodeError, SourceError):
            continue
    return n * sum(sizes) / len(sizes) if sizes else 0.0
