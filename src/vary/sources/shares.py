"""Which samples belong to which part of a split. The arithmetic is on integers, so it is the same on every machine."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np

from vary.errors import InputError, brief
from vary.rng import check_address, permute
from vary.sample import Array

__all__ = ["named_parts", "parts", "parts_of_groups"]


def parts(n: int, validation: object, ids: Array | None, seed: int) -> tuple[Array, Array]:
    """Places 0 .. n-1 as two ascending (m,) int64 arrays, of which the second is for validation.

    validation: a fraction between 0 and 1, or a number of samples of at least 2.
    ids: (n,) class ids, or None. Each class has the same share in both parts, and at least one sample in each if it has
        two. A class of one sample is in the first part, unless the second needs it to reach its size.
    """
    check_address(seed, 0)
    whole = _size(validation, n)
    drawn = _drawn(n, seed, "split")
    if ids is None:
        return _checked(np.flatnonzero(drawn >= whole), np.flatnonzero(drawn < whole), validation, n)
    _, groups, counts = np.unique(ids, return_inverse=True, return_counts=True)
    exact = isinstance(validation, Integral)
    several = int(counts[counts > 1].sum())
    size = whole if exact or not several else _size(validation, several)
    wanted = _shares(counts.tolist(), size, exact, _drawn(len(counts), seed, "split of classes").tolist())
    order = np.lexsort((drawn, groups))  # class by class, each in the drawn order
    place = np.arange(n) - np.repeat(np.cumsum(counts) - counts, counts)  # within its class
    chosen = np.zeros(n, bool)
    chosen[order] = place < np.repeat(np.array(wanted, np.int64), counts)
    return _checked(np.flatnonzero(~chosen), np.flatnonzero(chosen), validation, n)


def parts_of_groups(n: int, validation: object, ids: Array | None, seed: int, groups: Array) -> tuple[Array, Array]:
    """As `parts`, with all samples of a group in the same part. groups: (n,) int64 numbers of groups, 0 .. k - 1.

    Groups come class by class, by the class that most of their samples have, and in a drawn order within each. A group
    is for validation if that brings the number of samples so far closer to its share. Then a class that is in one part
    alone, and in several groups, gives the smallest of them to the other part; so do all groups together.
    """
    check_address(seed, 0)
    sizes = np.bincount(groups)
    if len(sizes) < 2:
        raise InputError(f"groups= puts all {n} samples into one group; give two groups or more")
    share = _size(validation, n) / n
    numbers = np.zeros(n, np.int64) if ids is None else np.unique(ids, return_inverse=True)[1]
    pairs, counts = np.unique(numbers * len(sizes) + groups, return_counts=True)
    number, owner = np.divmod(pairs, len(sizes))
    most = np.lexsort(
        (-number, counts, owner)
    )  # group by group, the most frequent class last; of equal ones the lowest
    main = number[most][np.flatnonzero(np.diff(owner[most], append=-1))]
    chosen, seen, held = np.zeros(len(sizes), bool), 0, 0
    order = np.lexsort((_drawn(len(sizes), seed, "split"), main))
    for some in np.split(order, np.cumsum(np.bincount(main))[:-1]):
        own = sizes[some].tolist()
        seen += sum(own)
        for group, size in zip(some.tolist(), own, strict=True):
            if 2 * held + size < 2 * share * seen:
                chosen[group], held = True, held + size
    for some in (*np.split(owner, np.cumsum(np.bincount(number))[:-1]), np.arange(len(sizes))):
        if len(some) > 1 and (chosen[some] == chosen[some[0]]).all():
            chosen[some[np.argmin(sizes[some])]] ^= True
    picked = chosen[groups]
    return _checked(np.flatnonzero(~picked), np.flatnonzero(picked), validation, n)


def named_parts(names: Sequence[str], validation: object, seed: int) -> tuple[Array, Array]:
    """Two parts by a hash of each name: a name stays in its part if others are added or removed.

    validation: the probability of the second part. A larger one keeps every name that was there.
    """
    from hashlib import blake2b  # imported here, because it takes a tenth of the time that importing vary does

    check_address(seed, 0)
    if isinstance(validation, Integral):
        raise InputError(
            f"validation={validation!r} and by='name': a hash divides by a fraction alone; give one between 0 and 1"
        )
    _size(validation, len(names))
    limit, key = int(float(validation) * 2**64), int(seed).to_bytes(8, "little")  # type: ignore[arg-type]
    hashed = b"".join(
        blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8, key=key).digest() for name in names
    )
    chosen = np.frombuffer(hashed, "<u8") < np.uint64(limit)
    return _checked(np.flatnonzero(~chosen), np.flatnonzero(chosen), validation, len(names))


def _drawn(n: int, seed: int, name: str) -> Array:
    return permute(np.arange(n, dtype=np.int64), n, seed, 0, name) if n else np.zeros(0, np.int64)


def _size(validation: object, n: int) -> int:
    """The number of samples for validation."""
    cure = "give a fraction between 0 and 1, such as 0.2, or a number of samples of at least 2"
    if isinstance(validation, bool | np.bool_) or not isinstance(validation, Real):
        raise InputError(f"validation={brief(validation)}; {cure}")
    if not isinstance(validation, Integral):
        share = float(validation)
        if not 0 < share < 1:
            raise InputError(f"validation={validation}; {cure}")
        return int(np.floor(share * n + 0.5))
    size = int(validation)
    if size < 2:
        raise InputError(f"validation={validation}; {cure}")
    if size >= n:
        raise InputError(f"validation={validation} of {n} samples leaves none to train on; give fewer")
    return size


def _shares(counts: list[int], size: int, exact: bool, ties: list[int]) -> list[int]:
    """How many samples of each class are for validation: in proportion, rounded by largest remainders.

    exact: reach `size`, even if then not every class is in both parts. ties: the order of classes whose remainders are
        equal.
    """
    least = sum(count > 1 for count in counts)
    most = sum(counts) - len(counts)  # all but one of each
    if not exact and most:
        size = min(max(size, least), most)
    lowest = [int(count > 1 and size >= least) for count in counts]
    singles = len(counts) - least if size > most else 0  # classes of one sample that are needed to reach the size
    highest = [(int(singles > 0) if count == 1 else count - 1) if size <= most + singles else count for count in counts]
    weights = [count if high else 0 for count, high in zip(counts, highest, strict=True)]
    total = sum(weights) or 1
    bounds = list(zip(lowest, highest, strict=True))
    shares = [min(max(size * weight // total, low), high) for weight, (low, high) in zip(weights, bounds, strict=True)]
    left = size - sum(shares)
    step = 1 if left > 0 else -1

    def excess(k: int) -> tuple[int, int, int]:
        return step * (shares[k] * total - size * weights[k]), ties[k], k

    heap = [excess(k) for k in range(len(counts))]
    heapq.heapify(heap)
    while left and heap:
        k = heapq.heappop(heap)[-1]
        if lowest[k] <= shares[k] + step <= highest[k]:
            shares[k], left = shares[k] + step, left - step
            heapq.heappush(heap, excess(k))
    return shares


def _checked(first: Array, second: Array, validation: object, n: int) -> tuple[Array, Array]:
    if not len(first) or not len(second):
        empty = "to train on" if len(second) else "for validation"
        raise InputError(
            f"validation={validation} of {n} samples leaves none {empty}; give another size, or more samples"
        )
    return first, second
