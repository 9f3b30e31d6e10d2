"""Draws: probabilities are kept, draws are independent, and none depends on other transforms."""

from collections import Counter
from math import sqrt

import numpy as np
import pytest

from vary import (
    Brightness,
    ChannelShift,
    ColorJitter,
    HorizontalFlip,
    Hue,
    OneOf,
    Policy,
    RandomRotate90,
    Rotate,
    Saturation,
    Shear,
    SomeOf,
    Sometimes,
    Transform,
    Translate,
    Transpose,
    VerticalFlip,
    Zoom,
)
from vary.plan.request import Address

N = 4096
SHAPE = (8, 8, 3)


def drawn(transforms: list[Transform], n: int = N, **address: int) -> list[list[tuple[str, tuple[float, ...]]]]:
    """The program of each of n samples."""
    policy = Policy(transforms)
    return [[(i.op, i.args) for i in policy.program(SHAPE, index=k, **address).instructions] for k in range(n)]


def within(count: int, p: float, n: int = N) -> bool:
    return abs(count - n * p) <= 4 * sqrt(n * p * (1 - p))  # missed once in 16000


def test_a_probability_is_kept() -> None:
    flipped = sum(map(len, drawn([HorizontalFlip()])))
    assert within(flipped, 0.5)
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    batch = Policy([HorizontalFlip()]).batch([image] * N, seed=0)
    assert sum(bool(one[0, 0, 0] == 7) for one in batch) == flipped
    for p in (0.0, 0.1, 0.9, 1.0):
        assert within(sum(map(len, drawn([Rotate(5, p=p)]))), p)


ALIKE = [
    HorizontalFlip(),
    VerticalFlip(),
    Transpose(),
    HorizontalFlip(),
    Rotate(1, p=0.5),
    Rotate(1, p=0.5),
    Sometimes([Hue(0.1)]),
]


def test_transforms_do_not_draw_in_lockstep() -> None:
    """Gates of different transforms, of two of a kind, of neighbours in index, epoch, view and seed."""
    policy = Policy(ALIKE)
    runner = policy.runner(3, "uint8")
    gates = [i for i, draw in enumerate(runner.template.draws) if draw.kind == "chance"]
    assert len(gates) == len(ALIKE)

    def columns(**address: int) -> np.ndarray:
        whose = {"seed": 0, "epoch": 0, "view": 0, **address}
        return runner.rows(Address(**whose, indices=np.arange(N)))[:, gates].T  # type: ignore[arg-type]

    first = columns()
    others = [columns(seed=1), columns(epoch=1), columns(view=1), columns(seed=1 << 40), np.roll(first, 1, axis=1)]
    every = np.concatenate([first, *others])
    correlation = np.corrcoef(every) - np.eye(len(every))
    assert np.abs(correlation).max() < 4.5 / sqrt(N)


def test_values_are_spread_over_their_range() -> None:
    angles = np.array([program[0][1][0] for program in drawn([Rotate((-10, 30))])])
    assert angles.min() >= -10
    assert angles.max() < 30
    counts = np.histogram(angles, bins=16, range=(-10, 30))[0]
    assert ((counts - N / 16) ** 2 / (N / 16)).sum() < 37.7  # chi squared, 15 degrees, .001


@pytest.mark.parametrize(
    "added", [Brightness(0.2), Shear(10), Sometimes([Zoom(0.1), Translate(0.1)]), ColorJitter(0.1)], ids=str
)
@pytest.mark.parametrize("last", [False, True])
def test_no_draw_depends_on_other_transforms(added: Transform, last: bool) -> None:
    """The program of several transforms is the programs of each alone, in listed order."""
    others: list[Transform] = [Rotate(40), HorizontalFlip(), Hue(0.5)]
    listed = [*others, added] if last else [added, *others]
    alone = [drawn([transform], 200) for transform in listed]
    assert all(len({str(program) for program in programs}) > 1 for programs in alone)
    for index, program in enumerate(drawn(listed, 200)):
        assert program == [instruction for programs in alone for instruction in programs[index]]


def test_a_gate_of_0_changes_no_other_draws() -> None:
    open_, closed = (
        drawn([Sometimes([Rotate(40)], p=1), Shear(30)], 200),
        drawn([Sometimes([Rotate(40)], p=0.5), Shear(30)], 200),
    )
    assert {len(program) for program in closed} == {1, 2}
    for one, other in zip(open_, closed, strict=True):
        assert one[-len(other) :] == other


def test_quarter_turns_are_equally_likely() -> None:
    turns = Counter(program[0][1] for program in drawn([RandomRotate90()]))
    assert set(turns) == {(0,), (1,), (2,), (3,)}
    assert all(within(count, 0.25) for count in turns.values())


def test_values_of_one_transform_are_drawn_independently() -> None:
    """Draws for two axes, for three channels, and of two equal transforms are not correlated."""
    transforms = [Translate(0.5, 0.5), ChannelShift(0.5), Rotate(5), Rotate(5), Zoom(0.5, 0.5)]
    values = np.array([[v for op, args in program for v in args[:3]] for program in drawn(transforms)]).T
    assert len(values) == 9
    assert np.abs(np.corrcoef(values) - np.eye(9)).max() < 4.5 / sqrt(N)
    joint = drawn([ChannelShift(0.5, joint=1)], 50)
    assert all(len(set(program[0][1][:3])) == 1 for program in joint)


def test_one_of_keeps_its_weights() -> None:
    even = Counter(program[0][0] for program in drawn([OneOf([Rotate(1), Zoom(0.1), Hue(0.1), Brightness(0.1)])]))
    assert all(within(count, 0.25) for count in even.values())
    assert len(even) == 4
    weighed = Counter(program[0][0] for program in drawn([OneOf([Rotate(1), Zoom(0.1), Hue(0.1)], [1, 0, 3])]))
    assert within(weighed["rotate"], 0.25)
    assert within(weighed["hue"], 0.75)
    assert "zoom" not in weighed


@pytest.mark.parametrize(
    ("n", "counts"), [(0, {0}), (2, {2}), ((1, 3), {1, 2, 3}), ((0, 4), {0, 1, 2, 3, 4}), (4, {4})]
)
def test_some_of_chooses_n_all_equally_likely(n: object, counts: set[int]) -> None:
    listed = ["rotate", "shear_degrees", "zoom", "hue"]
    programs = [[op for op, _ in program] for program in drawn([SomeOf(n, [Rotate(1), Shear(1), Zoom(0.1), Hue(0.1)])])]
    assert all(ops == sorted(ops, key=listed.index) for ops in programs), "in listed order, none twice"
    sizes = Counter(map(len, programs))
    assert set(sizes) == counts
    assert all(within(count, 1 / len(counts)) for count in sizes.values())
    each = Counter(op for ops in programs for op in ops)
    assert all(within(each[op], sum(counts) / len(counts) / 4) for op in listed)


def test_gates_within_gates() -> None:
    inner = OneOf([Rotate(1), Sometimes([Hue(0.1), Saturation(0.1)], p=0.5)])
    seen = Counter(tuple(op for op, _ in program) for program in drawn([Sometimes([inner, Zoom(0.1)], p=0.5)]))
    expected = {(): 0.5, ("rotate", "zoom"): 0.25, ("hue", "saturation", "zoom"): 0.125, ("zoom",): 0.125}
    assert set(seen) == set(expected)
    assert all(within(seen[ops], p) for ops, p in expected.items())
