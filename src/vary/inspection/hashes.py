"""Perceptual hashes of pictures, and the pictures whose hashes are close."""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement

import numpy as np

from vary.sample import Array

__all__ = ["SIDE", "THUMBNAIL", "close_pairs", "groups_of", "hash_of"]

SIDE, KEPT = 32, 8  # pixels of a side that are transformed, and frequencies of a side that are kept
THUMBNAIL = 16  # pixels of a side of the pictures that confirm a pair
FURTHEST = 4
"""Bits of 64 in which hashes of nearly the same picture differ at most."""
BANDS = np.array_split(np.arange(64), FURTHEST + 1)
"""Parts of a hash. If two hashes differ in at most 4 bits, they have one of 5 parts in common."""
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
    """(m, 2) int64, the pairs of pictures that are nearly the same, the smaller number first.

    hashes: (n,) uint64. thumbnails: (n, 16, 16) uint8, grey.
    """
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)
    keys: list[Array] = [np.zeros(0, np.int64)]
    count = len(hashes)
    for band in BANDS:
        values = np.packbits(bits[:, band], axis=1).astype(np.int64) @ np.array([256, 1])
        order = np.argsort(values, kind="stable")
        starts = np.flatnonzero(np.diff(values[order], prepend=-1))
        for members in np.split(order, starts[1:]):
            blocks = [members[first : first + LARGEST] for first in range(0, len(members), LARGEST)]
            for rows, columns in combinations_with_replacement(blocks, 2):
                different = np.bitwise_count(hashes[rows][:, None] ^ hashes[columns][None])
                one, other = np.nonzero(different <= FURTHEST)
                low, high = np.sort([rows[one], columns[other]], axis=0)
                keys.append((low * count + high)[low != high])
    pairs: Array = np.stack(np.divmod(np.unique(np.concatenate(keys)), max(count, 1)), 1)
    found: Array = pairs[_look_alike(thumbnails, pairs)]
    return found


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
