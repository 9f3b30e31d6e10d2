"""Perceptual hashes of pictures, and the pictures whose hashes are close."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, combinations_with_replacement

import numpy as np

from vary.sample import Array

__all__ = ["SIDE", "THUMBNAIL", "close_pairs", "groups_of", "hash_of"]

SIDE, KEPT = 32, 8  # pixels of a side that are transformed, and frequencies of a side that are kept
THUMBNAIL = 16  # pixels of a side of the pictures that confirm a pair
FURTHEST = 4
"""Bits of 64 in which hashes of nearly the same picture differ at most."""
BANDS = np.array_split(np.arange(64), FURTHEST + 3)
"""Parts of a hash. If two hashes differ in at most 4 bits, they have 3 of 7 parts in common."""
DIFFERENCE = 10.0  # mean difference of two thumbnails of 0 .. 255, apart from brightness, at most
LARGEST = 2000  # pictures that are compared with each other at once


@cache
def _cosines() -> Array:
    """(8, 32): the lowest frequencies of the type II cosine transform, without the constant one."""
    places = np.arange(SIDE)
    found: Array = np.cos(np.pi / SIDE * (places + 0.5) * np.arange(1, KEPT + 1)[:, None])
    return found


def hash_of(grey: Array) -> int:
    """The perceptual hash of a picture: which of its 64 lowest frequencies are above their median.

    grey: (32, 32) uint8. As in C. Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010.
    """
    waves = _cosines() @ grey.astype(np.float64) @ _cosines().T
    bits = np.packbits((waves > np.median(waves)).ravel())
    return int.from_bytes(bits.tobytes(), "big")


def close_pairs(hashes: Array, thumbnails: Array) -> Array:
    """(m, 2) int64, pairs of pictures that are nearly the same, the smaller number first.

    hashes: (n,) uint64. thumbnails: (n, 16, 16) uint8, grey. Of pictures with one hash that look alike, each is paired
    with the first of them, and only that one with pictures of other hashes: n equal pictures give n - 1 pairs.
    """
    merged, kept = _merged(hashes, thumbnails)
    pairs = kept[_close_hashes(hashes[kept])]
    found = np.concatenate([merged, pairs[_look_alike(thumbnails, pairs)]])
    ordered: Array = found[np.lexsort((found[:, 1], found[:, 0]))]
    return ordered


def _merged(hashes: Array, thumbnails: Array) -> tuple[Array, Array]:
    """(m, 2) pairs of equal hashes, a first picture with each that looks like it, and the sorted numbers of the others
    with the first ones."""
    pairs: list[Array] = [np.zeros((0, 2), np.int64)]
    is_kept = np.ones(len(hashes), bool)
    for members in _equal(hashes):
        is_kept[members] = False
        rest = members
        while len(rest):
            first, others = rest[0], rest[1:]
            is_kept[first] = True
            both = np.stack([np.full(len(others), first), others], 1)
            alike = _look_alike(thumbnails, both)
            pairs.append(both[alike])
            rest = others[~alike]
    return np.concatenate(pairs), np.flatnonzero(is_kept)


def _equal(values: Array) -> Iterator[Array]:
    """The places of each value that occurs more than once, sorted."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, len(values)), bool), ordered[1:] != ordered[:-1]]))
    sizes = np.diff(starts, append=len(values))
    for start, size in zip(starts[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        yield order[start : start + size]


def _close_hashes(hashes: Array) -> Array:
    """(m, 2) int64, the pairs of hashes that differ in at most 4 bits, the smaller number first."""
    count = len(hashes)
    masks = [np.uint64(sum(1 << int(bit) for bit in band)) for band in BANDS]
    keys: Array = np.zeros(0, np.int64)
    for some in combinations(masks, len(BANDS) - FURTHEST):
        new: list[Array] = []
        for members in _equal(hashes & np.bitwise_or.reduce(some)):
            blocks = [members[first : first + LARGEST] for first in range(0, len(members), LARGEST)]
            for rows, columns in combinations_with_replacement(blocks, 2):
                different = np.bitwise_count(hashes[rows][:, None] ^ hashes[columns][None])
                one, other = np.nonzero(different <= FURTHEST)
                low, high = rows[one], columns[other]
                new.append((low * count + high)[low < high])
        keys = np.unique(np.concatenate([keys, *new]))
    return np.stack(np.divmod(keys, max(count, 1)), 1)


def _look_alike(thumbnails: Array, pairs: Array) -> Array:
    """(m,) bool: do the thumbnails of a pair differ little, apart from brightness?"""
    found = np.zeros(len(pairs), bool)
    for first in range(0, len(pairs), LARGEST):
        one, other = (thumbnails[pairs[first : first + LARGEST, place]].astype(np.float32) for place in (0, 1))
        change = one - other
        change -= change.mean((1, 2), keepdims=True)
        found[first : first + LARGEST] = np.abs(change).mean((1, 2)) <= DIFFERENCE
    return found


def groups_of(pairs: Array, count: int) -> list[list[int]]:
    """The pictures 0 .. count - 1 that pairs connect, as groups of two or more, each sorted."""
    leader = np.arange(count)

    def first(place: int) -> int:
        while leader[place] != place:
            leader[place] = leader[leader[place]]
            place = int(leader[place])
        return place

    for one, other in pairs.tolist():
        low, high = sorted((first(one), first(other)))
        leader[high] = low
    groups: dict[int, list[int]] = {}
    for place in np.unique(pairs).tolist():
        groups.setdefault(first(place), []).append(place)
    return list(groups.values())
