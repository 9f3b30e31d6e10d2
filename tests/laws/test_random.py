"""The random generator, and sine, logarithm and exponential, which must give the same result on every machine."""

import math

import numpy as np
import pytest

from vary import Policy, Rotate, _native, rng

PHILOX = [  # known answers of Random123's philox4x32-10: counter, key, result
    ("00000000 00000000 00000000 00000000", "00000000 00000000", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
]


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "result"), PHILOX)
def test_philox(counter: str, key: str, result: str) -> None:
    assert _native.philox(words(counter), words(key)) == words(result)


def test_a_draw_is_found_by_the_layout_in_rng() -> None:
    """rng.py's bit layout, computed by hand for the second draw of the first Rotate."""
    seed, epoch, index, view = 0x1122334455667788, 7, 0x99AABBCCDD, 3
    name = rng.key_name("Rotate", 0)
    key = _native.philox([name & 0xFFFFFFFF, name >> 32, 0, 0], [seed & 0xFFFFFFFF, seed >> 32])[:2]
    block = _native.philox([index & 0xFFFFFFFF, index >> 32, epoch, view << 12], key)
    program = Policy([Rotate((0, 1), p=0.999)]).program((4, 4, 3), seed=seed, epoch=epoch, index=index, view=view)
    assert program.instructions[0].args[0] == block[1] / 2**32


def test_generators_of_user_functions_stay_the_same() -> None:
    """Each part of the address has its place; the name is taken modulo 2^64."""
    for name in (5, (1 << 64) + 5):
        random = rng.noise(seed=1, epoch=2, index=3, view=4, name=name)
        assert random.bit_generator.random_raw(2).tolist() == [9363659582024437554, 17692111927716369828]


def within_ulps(value: float, expected: float, ulps: float) -> bool:
    return abs(value - expected) <= ulps * math.ulp(expected)


def test_sine_and_cosine() -> None:
    for degrees in [*range(-720, 721, 90)]:
        s, c = _native.sincos_degrees(degrees)
        assert (s, c) == (round(math.sin(math.radians(degrees))), round(math.cos(math.radians(degrees)))), degrees
    for degrees in np.random.default_rng(0).uniform(-45, 45, 2000):
        s, c = _native.sincos_degrees(degrees)
        assert within_ulps(s, math.sin(math.radians(degrees)), 3)
        assert within_ulps(c, math.cos(math.radians(degrees)), 2)
    for degrees in np.random.default_rng(1).uniform(-720, 720, 2000):
        s, c = _native.sincos_degrees(degrees)
        assert abs(s - math.sin(math.radians(degrees))) < 4e-15
        assert abs(c - math.cos(math.radians(degrees))) < 4e-15


def test_logarithm_and_exponential() -> None:
    for x in np.exp(np.random.default_rng(2).uniform(-30, 30, 2000)):
        assert abs(_native.natural_log(x) - math.log(x)) <= 2 * max(math.ulp(math.log(x)), math.ulp(0.5))
    for x in np.random.default_rng(3).uniform(-10, 10, 2000):
        assert within_ulps(_native.exponential(x), math.exp(x), 2 + 2 * abs(x))
    assert _native.natural_log(1.0) == 0
    assert _native.exponential(0.0) == 1
