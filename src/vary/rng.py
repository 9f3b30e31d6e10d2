"""Randomness: every number is a pure function of its address, so a picture never depends on what was drawn before.

    draw = Philox4x32-10(key, counter)[word] / 2^32                                        in [0, 1)
    key       64 bits   Philox(key = seed, counter = name of the transform)[0:2]
    name      64 bits   FNV-1a of "ClassName#k": the k-th of its class in the policy, counted in listed order
    counter  128 bits   index (64) | epoch (32) | view (20) | draw block (12); a block is four draws of 32 bits

`index` is the sample's index in its source, never its place in a shuffle; `view` counts repetitions of a sample within
an epoch. Draw 0 of every transform is its gate (`p`); the others have the order in which its `lower` asks for them.
Policies that share a transform share its draws, so two policies are compared with the same rotations and flips.

There is no state here. The numbers are made in the core (native/random.h), because to set up one of NumPy's generators
for each picture would take longer than making the picture.
"""

from __future__ import annotations

from functools import cache
from operator import index
from typing import NamedTuple, SupportsIndex

import numpy as np

from vary import _native
from vary.errors import InputError

__all__ = [
    "EPOCH_LIMIT",
    "KINDS",
    "VIEW_LIMIT",
    "Draw",
    "check_address",
    "integer",
    "key_name",
    "noise",
    "permutation",
    "permute",
    "uniforms",
]

KINDS = ("chance", "uniform", "log_uniform", "integer", "between", "among", "word", "computed")
"""How a draw u in [0, 1) becomes a value of a column; native/random.h defines each kind."""

SEED_LIMIT, EPOCH_LIMIT, VIEW_LIMIT = 1 << 64, 1 << 32, 1 << 20


class Draw(NamedTuple):
    """One column of the parameter array: how a number becomes a value, and which number to draw (native/random.h)."""

    kind: str
    a: float = 0.0
    b: float = 0.0
    column: int = -1
    among: int = 0
    name: int = 0
    number: int = 0
    parent: int = -1

    def native(self) -> tuple[int, int, int, float, float, int, int, int]:
        kind = KINDS.index(self.kind)
        return self.name, self.number, kind, self.a, self.b, self.parent, self.column, self.among


def key_name(name: str, occurrence: int) -> int:
    """The 64-bit name under which a transform draws: FNV-1a (Fowler, Noll, Vo). Philox mixes its bits."""
    value = 0xCBF29CE484222325
    for byte in f"{name}#{occurrence}".encode():
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value


def check_address(seed: SupportsIndex, epoch: SupportsIndex, view: SupportsIndex = 0) -> None:
    """Raise `InputError` if a part of the address does not fit into its bits (see above)."""
    for name, value, limit in (("seed", seed, SEED_LIMIT), ("epoch", epoch, EPOCH_LIMIT), ("view", view, VIEW_LIMIT)):
        try:
            fits = 0 <= index(value) < limit and not isinstance(value, bool)
        except TypeError:  # 1.5, "one"
            fits = False
        if not fits:
            raise InputError(f"{name}={value!r}; give a whole number from 0 to {limit - 1}")


def permutation(n: int, seed: int, epoch: int) -> np.ndarray:
    """The order of an epoch: (n,) int64, each of 0 .. n-1 once. Fisher-Yates on Philox; for n < 2^20."""
    return _native.permutation(n, seed, key_name("order", epoch))


def permute(positions: np.ndarray, n: int, seed: int, epoch: int, name: str = "order") -> np.ndarray:
    """Where a permutation of 0 .. n-1 takes these positions, for any n up to 2^63, without a table: a 10-round Feistel
    network, repeated until the result is below n (cycle walking).

    `positions` is (m,) int64 within 0 .. n-1; returns (m,) int64. The permutation differs from that of `permutation`,
    and permutations of different names are independent.
    """
    return _native.permute(positions, n, seed, key_name(name, epoch))


def integer(n: int, seed: int, epoch: int, name: str) -> int:
    """A random whole number for an epoch, uniform in 0 .. n-1."""
    return int(permute(np.zeros(1, np.int64), n, seed, epoch, name)[0])


def uniforms(
    name: str, count: int, seed_and_epoch: tuple[int, int], indices: np.ndarray, views: np.ndarray
) -> np.ndarray:
    """Numbers in [0, 1) for n samples, as a transform of this name would draw them: (n, count) float64.

    They are draws 1 .. count of the first transform of its class; draw 0 is the gate. indices, views: (n,) int64.
    """
    return _plan_of_uniforms(name, count).draw(*seed_and_epoch, indices, views)


@cache
def _plan_of_uniforms(name: str, count: int) -> _native.Plan:
    key = key_name(name, 0)
    draws = [Draw("uniform", 0.0, 1.0, name=key, number=number + 1).native() for number in range(count)]
    return _native.Plan([], draws, 1, (0, [0.0], False, False))


def noise(seed: int, epoch: int, index: int, view: int, name: int) -> np.random.Generator:
    """A NumPy generator for a user's function, keyed as draws are, by `name` modulo 2^64. It takes about 50 us."""
    key = np.array([seed, name % (1 << 64)], dtype=np.uint64)
    counter = np.array([0, index, epoch, view], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))
