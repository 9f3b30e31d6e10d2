"""Chooses the store of a stream, by `cache=` and by how much memory and disk is free."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from vary.codecs.decode import RULES, is_jpeg, picture_bytes
from vary.elements import ELEMENTS
from vary.errors import DecodeError, InputError, warn_caller
from vary.paths import cache_folder
from vary.plan.machine import libjpeg_version
from vary.plan.request import Address
from vary.sources import Encoded, masks_of, stated_kind, whole_of
from vary.streams.cache.disk import Disk, check_writable, size_of_cache
from vary.streams.cache.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from vary.plan.runner import Runner
    from vary.sources import Indexed
    from vary.streams.cache.memory import Store
    from vary.streams.options import Options
    from vary.streams.views import ViewSpec

__all__ = ["place_of", "store_of"]

ROOMY = 4
"""Finished pixels are kept, which are an eighth faster to vary, if they need at most 1 / ROOMY of the limit; otherwise
chroma is kept as coded, in half the memory."""
SAMPLED, EPOCHS = 16, 4  # files, and epochs of each, from which the size of all is estimated


def place_of(source: Indexed, options: Options) -> Path | Memory | None:
    """Where a new stream will keep files: a folder, or memory whose demand is not known yet.

    `InputError` for cache="disk" and a source without fingerprints.
    """
    kind = stated_kind(source)
    if options.cache is None or (kind is not None and not kind.encoded):
        return None
    if options.cache != "disk":
        return Memory(options.cache_bytes, ranks=options.part.ranks)
    if kind is not None:
        _check_fingerprints(source)
    return cache_folder()


def store_of(
    source: Indexed,
    options: Options,
    specs: Sequence[tuple[ViewSpec, Runner]],
    place: Path | Memory | None,
    note_sample: Callable[[int], None],
) -> tuple[Store | None, str]:
    """The store of decoded files, None if nothing is kept, and the report's note on it.

    place: what `place_of` returned. note_sample: called with the index of each sample before it is read.
    """
    if place is None:
        return None, ""
    if isinstance(place, Memory):
        return _in_memory(source, options, specs, place, note_sample)
    _check_fingerprints(source)
    try:
        check_writable(place)
        return _on_disk(place, options, _dtype(specs)), "on disk"
    except OSError as error:
        why = f"{place} cannot be written: {error.strerror or error}"
    cure = "name another folder with VARY_CACHE"
    warn_caller(f"cache='disk': {why}; decoded files are kept in memory instead; {cure}", UserWarning)
    store = Memory(ranks=options.part.ranks)
    if options.cache_bytes is not None:  # it was meant for a disk, so it may exceed the memory
        store.most = min(options.cache_bytes, store.limit)
    return _in_memory(source, options, specs, store, note_sample)[0], f"in memory: {why}"


def _in_memory(
    source: Indexed,
    options: Options,
    specs: Sequence[tuple[ViewSpec, Runner]],
    store: Memory,
    note_sample: Callable[[int], None],
) -> tuple[Store | None, str]:
    expected = _expected(source, options, specs, note_sample)
    store.demand = int(expected)
    limit = store.limit
    if options.cache == "auto" and expected > limit:
        asked, given = f"{expected / 1e6:,.0f} MB", f"{limit / 1e6:,.0f} MB"
        cure = "cache='memory' keeps what fits"
        return None, f"none: all files would take about {asked}, it may take {given} (cache_bytes=); {cure}"
    store.compact = not 0 < 2 * expected <= limit / ROOMY
    return store, "in memory"


def _check_fingerprints(source: Indexed) -> None:
    if getattr(source, "fingerprints", None) is None:
        raise InputError(
            f"cache='disk': {type(whole_of(source)[0]).__name__} has no method fingerprints(indices), by which its "
            "files are recognised in later runs; give it one, or use cache='memory'"
        )


def _dtype(specs: Sequence[tuple[ViewSpec, Runner]]) -> str:
    """As what files are read."""
    return specs[0][1].template.dtype


def _on_disk(folder: Path, options: Options, dtype: str) -> Store:
    from importlib import metadata  # imported here, because it takes longer than importing vary

    limit = options.cache_bytes
    if limit is None:
        disk = os.statvfs(folder)
        limit = (disk.f_bavail * disk.f_frsize + size_of_cache(folder)) // 10
    decoders = libjpeg_version(), metadata.version("pillow")
    return Disk(folder, limit, (options.channels, dtype, options.allow_truncated, RULES, *decoders))


def _expected(
    source: Indexed, options: Options, specs: Sequence[tuple[ViewSpec, Runner]], note_sample: Callable[[int], None]
) -> float:
    """Bytes that all files will need, estimated from a few of them, each at all levels that their first epochs need."""
    n, masks = len(source), masks_of(source) is not None
    sizes = []
    for index in islice(range(0, n, max(1, n // SAMPLED)), SAMPLED):
        note_sample(index)
        try:
            item = source[index]
            sizes.append(_kept_bytes(item.image, index, options, specs))
            if masks:
                sizes[-1] += sum(picture_bytes(mask, None) for mask in item.labels if isinstance(mask, Encoded))
        except (DecodeError, OSError):  # reported when a batch needs the file
            continue
    return n * sum(sizes) / len(sizes) if sizes else 0.0


def _kept_bytes(image: object, index: int, options: Options, specs: Sequence[tuple[ViewSpec, Runner]]) -> float:
    """Bytes of a file at the levels that some draws need; 0 for an array."""
    if not isinstance(image, Encoded):
        return 0.0
    whole = picture_bytes(image, options.channels * ELEMENTS[_dtype(specs)].size)
    return sum(whole / level**2 for level in _levels(image, index, options, specs))


def _levels(image: Encoded, index: int, options: Options, specs: Sequence[tuple[ViewSpec, Runner]]) -> set[int]:
    """The levels of this file in the first epochs: in each, the smallest that one of its views needs."""
    if not is_jpeg(image) or _dtype(specs) != "uint8":
        return {1}
    epochs: list[set[int]] = []
    for spec, runner in specs:
        views = np.arange(spec.views)
        for epoch in range(EPOCHS):
            rows = runner.rows(Address(options.seed, epoch, views, np.full(spec.views, index)))
            found = runner.levels([image.data] * spec.views, rows, options.decode)
            epochs.append({level for level in found if isinstance(level, int)})
    wanted = [min(levels) for levels in epochs if levels]
    return {min(wanted[epoch::EPOCHS]) for epoch in range(EPOCHS) if wanted[epoch::EPOCHS]} or {1}
