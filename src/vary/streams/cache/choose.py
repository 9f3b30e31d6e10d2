"""Which store a stream has: what was asked for, or what fits."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from vary.errors import DecodeError, InputError, SourceError
from vary.plan.decode import RULES, is_jpeg, picture_bytes
from vary.plan.run import Address, libjpeg_version
from vary.sources import Encoded, whole_of
from vary.streams.cache.disk import Disk, cache_folder
from vary.streams.cache.memory import Memory, memory_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vary.plan.run import Runner
    from vary.sources import Indexed
    from vary.streams.cache.memory import Store
    from vary.streams.options import Options
    from vary.streams.views import ViewSpec

__all__ = ["holds_files", "store_of"]

ROOMY = 4
"""Finished pixels are kept, for an eighth more speed, where they take no more than this part of what they may; else
chroma stays as coded, in half the memory."""
LOOKED_AT, DRAWN = 16, 4  # files by which "auto" tells what all will take, and epochs in which it specs at each


def holds_files(source: Indexed) -> bool:
    """By its first sample."""
    if not len(source):
        return False
    try:
        return isinstance(source[0].image, Encoded)
    except SourceError:
        return True


def store_of(source: Indexed, options: Options, specs: Sequence[tuple[ViewSpec, Runner]]) -> tuple[Store | None, str]:
    """Where files are kept once they are decoded, and what the report says of it; None where nothing is kept."""
    if options.cache is None:
        return None, ""
    if options.cache == "disk":
        return _disk(source, options), "on disk"
    limit = options.cache_bytes
    if limit is None:
        limit = memory_limit() // options.part.ranks  # which may share this machine
    expected = _expected(source, options, specs)
    if options.cache == "auto" and expected > limit:
        asked, given = f"{expected / 1e6:,.0f} MB", f"{limit / 1e6:,.0f} MB"
        cure = "cache='memory' keeps what fits"
        return None, f"none: all files would take about {asked}, it may take {given} (cache_bytes=); {cure}"
    return Memory(limit, compact=not 0 < 2 * expected <= limit / ROOMY), "in memory"


def _disk(source: Indexed, options: Options) -> Store:
    if getattr(source, "fingerprints", None) is None:
        raise InputError(
            f"cache='disk': {type(whole_of(source)[0]).__name__} has no method fingerprints(indices), by which its "
            "files are recognised in later runs; give it one, or use cache='memory'"
        )
    import shutil  # these two take longer than all of vary
    from importlib import metadata

    folder = cache_folder()
    limit = options.cache_bytes
    if limit is None:
        above = next(path for path in (folder, *folder.parents) if path.exists())
        limit = shutil.disk_usage(above).free // 10
    decoders = libjpeg_version(), metadata.version("pillow")
    return Disk(folder, limit, (options.channels, options.allow_truncated, RULES, *decoders))


def _expected(source: Indexed, options: Options, specs: Sequence[tuple[ViewSpec, Runner]]) -> float:
    """Bytes that all files will take, by a few of them: each at every level that some draws ask for."""
    n = len(source)
    sizes = []
    for index in islice(range(0, n, max(1, n // LOOKED_AT)), LOOKED_AT):
        try:
            image = source[index].image
            if isinstance(image, Encoded):
                whole = picture_bytes(image, options.channels)
                sizes.append(sum(whole / level**2 for level in _levels(image, index, options, specs)))
        except (DecodeError, SourceError):
            continue
    return n * sum(sizes) / len(sizes) if sizes else 0.0


def _levels(image: Encoded, index: int, options: Options, specs: Sequence[tuple[ViewSpec, Runner]]) -> set[int]:
    """Of this file in the first epochs: of several views, the least."""
    if not is_jpeg(image):
        return {1}
    epochs: list[set[int]] = []
    for spec, runner in specs:
        views = np.arange(spec.views)
        for epoch in range(DRAWN):
            rows = runner.rows(Address(options.seed, epoch, views, np.full(spec.views, index)))
            found = runner.levels([image.data] * spec.views, rows, options.decode)
            epochs.append({level for level in found if isinstance(level, int)})
    wanted = [min(levels) for levels in epochs if levels]
    return {min(wanted[epoch::DRAWN]) for epoch in range(DRAWN) if wanted[epoch::DRAWN]} or {1}
