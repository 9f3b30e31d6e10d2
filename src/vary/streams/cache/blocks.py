"""The files of a batch as blocks: from a store, or decoded once for each level when a slice of the batch needs them.

A level is the scale denominator of a JPEG: 1, 2, 4 or 8. Of several that are needed, the smallest is decoded. Files
that are read as uint16 have level 1 alone, and their blocks are arrays (`arrays.py`).
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

import numpy as np

from vary.codecs.decode import keep
from vary.sample import Array
from vary.sources import Encoded
from vary.streams.cache.arrays import array_in, block_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from vary.plan.request import Decode, Source
    from vary.plan.runner import Runner
    from vary.streams.cache.memory import File, Store

__all__ = ["Blocks", "Raw"]

Raw = Array | bytes | Encoded | Exception
"""A picture as its source has it, the bytes of a JPEG, another file, or why there is none."""

Key = tuple[int, int]
"""A file, by its first place in the batch, and a level."""


class Blocks:
    """Files by their place in a batch. Blocks of the store are fetched at once; other files remain bytes until `open`.

    specs: a runner, its rows (n * views, columns), and the views of a file, which are neighbours.
    files: the file at each place. One file, by its fingerprint, may be at several places.
    read: reads the files at some places, as `fetch.read_some` does.
    fingerprints: of the files at some places, asked anew.

    missing: places whose file has to be decoded.
    errors: why there is no picture at a place: a reason, or an error. `open` adds to it.
    hits: places whose file was not read.
    refused: files whose blocks the store could not keep.
    decode: nanoseconds, summed over threads.
    """

    def __init__(
        self,
        store: Store,
        specs: Sequence[tuple[Runner, Array, int]],
        files: Sequence[File],
        read: Callable[[list[int]], list[Raw]],
        fingerprints: Callable[[list[int]], Sequence[Hashable]],
        decode: Decode,
    ) -> None:
        self._store, self._files = store, files
        template = specs[0][0].template
        self._channels, self._tolerant = template.channels, decode.allow_truncated
        self._wide = template.dtype != "uint8"
        self.errors: dict[int, Exception | str] = {}
        self._replaced: set[int] = set()
        self.decode = self.refused = 0
        known: dict[Hashable, int] = {}
        # For each place, the first place of the same file.
        first = [known.setdefault(file.fingerprint, place) for place, file in enumerate(files)]
        places = sorted(known.values())
        heads = {place: head for place in places if (head := store.get(files[place], 0)) is not None}
        self._raw: dict[int, Raw] = {}
        self._read(read, [place for place in places if place not in heads])
        self._choose_levels(specs, first, heads, decode)
        late = sorted({file for (file, _), block in self._blocks.items() if block is None} - set(self._raw))
        self._read(read, late)
        asked = sorted(self._raw)
        # Files that changed before they were read: their blocks in the store, and their keys, are of another picture.
        self._replaced = {p for p, one in zip(asked, fingerprints(asked), strict=True) if one != files[p].fingerprint}
        if self._replaced & set(late):
            heads = {place: head for place, head in heads.items() if place not in self._replaced}
            self._choose_levels(specs, first, heads, decode)
        self._last = {key: place for place, key in enumerate(self._keys)}
        self.errors |= {place: self.errors[file] for place, file in enumerate(first) if file in self.errors}
        self.missing = {
            place for place, key in enumerate(self._keys) if place not in self.errors and self._blocks[key] is None
        }
        self.hits = sum(file not in self._raw and file not in self.errors for file in first)

    def _choose_levels(
        self, specs: Sequence[tuple[Runner, Array, int]], first: list[int], heads: dict[int, Array], decode: Decode
    ) -> None:
        """Find the level of the file at each place, and get these blocks from the store."""
        sources = heads | self._raw  # the size is in the head of a block, or in the file itself
        levels = self._levels(specs, {p: sources[f] for p, f in enumerate(first) if f in sources}, decode)
        self._keys = [(file, levels.get(place, 0)) for place, file in enumerate(first)]
        wanted = dict.fromkeys(self._keys[place] for place in levels)  # a set that keeps its order
        self._blocks: dict[Key, Raw | None] = {
            (f, level): None if f in self._replaced else self._store.get(self._files[f], level) for f, level in wanted
        }

    def _read(self, read: Callable[[list[int]], list[Raw]], places: list[int]) -> None:
        for place, one in zip(places, read(places) if places else (), strict=True):
            if isinstance(one, Exception):
                self.errors[place] = one
            else:
                self._raw[place] = one

    def _levels(
        self, specs: Sequence[tuple[Runner, Array, int]], sources: Mapping[int, Raw], decode: Decode
    ) -> dict[int, int]:
        """The level for each of these places: the smallest that any spec needs. Files other than JPEGs have level 1."""
        levels = {place: 1 if self._wide or isinstance(source, Encoded) else 8 for place, source in sources.items()}
        asked = [place for place, level in levels.items() if level > 1]
        for runner, rows, views in specs:
            some = [place * views + view for place in asked for view in range(views)]
            found = runner.levels([sources[row // views] for row in some], np.ascontiguousarray(rows[some]), decode)
            for row, level in zip(some, found, strict=True):
                if isinstance(level, str):
                    self.errors.setdefault(row // views, level)
                else:
                    levels[row // views] = min(levels[row // views], level)
        return {place: level for place, level in levels.items() if place not in self.errors}

    def needed(self, place: int) -> tuple[Raw, int]:
        """For a missing place: what `read` returned, and the level."""
        file, level = self._keys[place]
        return self._raw[file], level

    def open(self, places: Sequence[int], decoded: Callable[[list[Raw]], list[Raw]], threads: int) -> list[Source]:
        """Blocks at these places, or the bytes of damaged files; None where there is an error.

        places: ascending, and each only once: a block that no later place needs is released.
        decoded: decodes results of `read`, as `fetch.open_some` does.
        """
        self._make(dict.fromkeys(self._keys[place] for place in places if place not in self.errors), decoded, threads)
        pictures: list[Source] = [self._picture(self._keys[place]) for place in places]
        for key in {self._keys[place] for place in places}:
            if self._last[key] <= max(places):
                self._blocks.pop(key, None)
        return pictures

    def _picture(self, key: Key) -> Source:
        block = self._blocks.get(key)
        return array_in(block) if self._wide and isinstance(block, np.ndarray) else block

    def _make(self, wanted: Iterable[Key], decoded: Callable[[list[Raw]], list[Raw]], threads: int) -> None:
        keys = [key for key in wanted if self._blocks.get(key) is None]
        if not keys:
            return
        pictures = dict(zip(keys, decoded([self._raw[file] for file, _ in keys]), strict=True))
        broken = {file: one for (file, _), one in pictures.items() if isinstance(one, Exception)}
        self.errors |= {place: broken[file] for place, (file, _) in enumerate(self._keys) if file in broken}
        keys = [key for key in keys if key[0] not in broken]
        began = perf_counter_ns()
        made = self._kept([pictures[key] for key in keys], [level for _, level in keys], threads)
        self.decode += (perf_counter_ns() - began) * min(threads, len(keys))
        for key, block in zip(keys, made, strict=True):
            if isinstance(block, str):  # damaged: kept as bytes, so that it is an error only if a draw shows the damage
                self._blocks[key] = pictures[key]
                continue
            self._blocks[key] = block
            file, level = key
            if file not in self._replaced:
                self.refused += self._store.put(self._files[file], level, block) is False

    def _kept(self, pictures: list[Raw], levels: list[int], threads: int) -> list[Array | str]:
        """These pictures as blocks, or why one cannot be made."""
        if self._wide:
            return [block_of(picture) for picture in pictures if isinstance(picture, np.ndarray)]
        return keep([*pictures], levels, self._channels, self._tolerant, self._store.compact, threads)
