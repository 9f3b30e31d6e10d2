"""Which of its numbers a transform uses for what: by the layout that rng.py states, worked by hand."""

from collections.abc import Iterator
from math import exp, log

import numpy as np
import pytest

from vary import (
    GaussNoise,
    HorizontalFlip,
    OneOf,
    Policy,
    RandomResizedCrop,
    RandomRotate90,
    Rotate,
    SomeOf,
    Sometimes,
    Transform,
    Zoom,
    _native,
    rng,
)
from vary.transforms import REGISTRY, Lowering

PICTURES = range(60)


@pytest.fixture(autouse=True)
def _own_transforms_are_forgotten() -> Iterator[None]:
    known = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(known)


def numbers(name: str, occurrence: int = 0, *, index: int = 0) -> list[float]:
    """The first numbers, in [0, 1), of a transform: the `occurrence`-th of its class, for seed, epoch and view 0."""
    key = rng.key_name(name, occurrence)
    mixed = _native.philox([key & 0xFFFFFFFF, key >> 32, 0, 0], [0, 0])[:2]
    return [word / 2**32 for block in range(3) for word in _native.philox([index, 0, 0, block], mixed)]


def made(*transforms: Transform, index: int = 0) -> list[tuple[str, tuple[float, ...]]]:
    program = Policy(list(transforms)).program((9, 9, 3), seed=0, index=index)
    return [(i.op, i.args) for i in program.instructions]


def test_number_0_decides_whether_it_is_applied_and_the_next_ones_are_values() -> None:
    for index in PICTURES:
        gate, x, y, *_ = numbers("Zoom", index=index)
        zoom = [("zoom", (1 + x, 2 + y))]
        assert made(Zoom((1, 2), (2, 3)), index=index) == zoom
        assert made(Zoom((1, 2), (2, 3), p=0.3), index=index) == zoom * (gate < 0.3)


def test_the_second_of_a_class_has_numbers_of_its_own() -> None:
    angles = [("rotate", (numbers("Rotate", which)[1],)) for which in range(3)]
    turn = Rotate((0, 1))
    assert made(turn, turn, turn) == angles
    assert made(turn, Sometimes([turn], p=1), turn) == angles


def test_whole_numbers_and_logarithms() -> None:
    for index in PICTURES:
        assert made(RandomRotate90(), index=index) == [
            ("rotate90", (int(4 * numbers("RandomRotate90", index=index)[1]),))
        ]
        _, y, x, area, ratio, *_ = numbers("RandomResizedCrop", index=index)
        ((_, crop),) = made(RandomResizedCrop(5, 4, (0.5, 1), (0.5, 4)), index=index)
        assert crop == (5, 4, 0.5 + area / 2, pytest.approx(exp(log(0.5) + ratio * log(8)), rel=1e-12), y, x)


def test_a_range_may_go_down() -> None:
    class GoesDown(Transform):
        def lower(self, to: Lowering) -> None:
            to.emit("zoom", to.uniform((2, 1)), to.uniform((1, 1)))
            to.emit("rotate", to.uniform((1, 0)))

    _, x, _, angle, *_ = numbers("GoesDown")
    assert made(GoesDown()) == [("zoom", (2 - x, 1)), ("rotate", (1 - angle,))]


def test_keys_are_two_words() -> None:
    _, std, first, second, *_ = numbers("GaussNoise")
    assert made(GaussNoise((0, 1))) == [("gauss_noise", (std, first * 2**32, second * 2**32, 0, 255))]


@pytest.mark.parametrize("weights", [None, [1, 1, 2], [0, 3, 1], [0, 0, 1]])
def test_one_number_chooses_one_of_several(weights: list[float] | None) -> None:
    several = [Rotate((1, 1)), Zoom((2, 2)), HorizontalFlip(p=1)]
    shares = np.array(weights or [1, 1, 1]) / sum(weights or [1, 1, 1])
    for index in PICTURES:
        chosen = int((np.cumsum(shares) <= numbers("OneOf", index=index)[1]).sum())
        assert made(OneOf(several, weights), index=index) == made(several[chosen])


@pytest.mark.parametrize("count", [(1, 3), (0, 1), (2, 2), (0, 4)])
def test_the_smallest_numbers_choose_some_of_several(count: tuple[int, int]) -> None:
    several = [Rotate((1, 1)), Zoom((2, 2)), HorizontalFlip(p=1), Rotate((4, 4))]
    for index in PICTURES:
        _, more, *drawn = numbers("SomeOf", index=index)
        n = count[0] + int(more * (count[1] - count[0] + 1))
        chosen = sorted(range(4), key=lambda place: drawn[place])[:n]
        expected = [one for place, one in enumerate(several) if place in chosen]
        assert made(SomeOf(count, several), index=index) == made(*expected)


def test_a_transform_goes_on_after_the_parts_that_it_holds() -> None:
    """With its own numbers, and its own gate."""

    class HoldsOthers(Transform):
        def lower(self, to: Lowering) -> None:
            before = to.uniform((1, 2))
            to.child(Sometimes([Rotate((0, 1))], p=0.5))
            to.emit("zoom", before, to.uniform((1, 2)))

    for index in PICTURES:
        _, before, after, *_ = numbers("HoldsOthers", index=index)
        zoom = ("zoom", (1 + before, 1 + after))
        inner = [("rotate", (numbers("Rotate", index=index)[1],))] * (numbers("Sometimes", index=index)[0] < 0.5)
        assert made(HoldsOthers(), index=index) == [*inner, zoom]
        assert made(HoldsOthers(p=0), Zoom((1, 2)), index=index) == [
            ("zoom", (1 + numbers("Zoom", index=index)[1],) * 2)
        ]


def test_parts_under_a_gate_of_their_own_and_that_of_the_whole() -> None:
    class HoldsChoices(Transform):
        def lower(self, to: Lowering) -> None:
            first, second = to.one_of([1, 1])
            to.child(Rotate((1, 1), p=0.5), first)
            to.child(Zoom((2, 2)), second)
            to.emit("flip_horizontal")

    for index in PICTURES:
        gate, which, *_ = numbers("HoldsChoices", index=index)
        turned = [("rotate", (1.0,))] * (numbers("Rotate", index=index)[0] < 0.5)
        parts = [*(turned if which < 0.5 else [("zoom", (2.0, 2.0))]), ("flip_horizontal", ())]
        assert made(HoldsChoices(p=0.7), index=index) == parts * (gate < 0.7)


def test_numbers_that_a_transform_computes() -> None:
    """The generator has the name of the transform plus the number of the first of them; it is drawn where applied."""
    calls = []

    class Computes(Transform):
        def pair(self, random: np.random.Generator) -> np.ndarray:
            calls.append(1)
            return 1 + random.random(2)

        def lower(self, to: Lowering) -> None:
            to.emit("zoom", *to.computed(self.pair, (2,)))
            to.emit("zoom", *to.computed(self.pair, (2,)))
            to.emit("zoom", *to.computed(lambda random: 1 + random.random((2, 1)), (2, 1)))

    for occurrence, index in ((0, 0), (0, 1), (1, 7)):
        name = rng.key_name("Computes", occurrence)
        found = made(*[Computes()] * (occurrence + 1), index=index)[3 * occurrence :]
        assert found == [("zoom", tuple(1 + rng.noise(0, 0, index, 0, name + at).random(2))) for at in (1, 3, 5)]
    for index in PICTURES:
        calls.clear()
        applied = numbers("Computes", index=index)[0] < 0.4
        assert len(made(Computes(p=0.4), index=index)) == 3 * applied
        assert len(calls) == 2 * applied
