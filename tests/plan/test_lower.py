"""What transforms record: gates, numbers of draws, value ranges, and errors."""

import numpy as np
import pytest

from vary import (
    Brightness,
    HorizontalFlip,
    Hue,
    Normalize,
    OneOf,
    Policy,
    PolicyError,
    Rescale,
    Rotate,
    SomeOf,
    Sometimes,
    Transform,
    Zoom,
)
from vary.transforms import REGISTRY, Lowering

LIGHT = Brightness((1.1, 1.1))


def lines(*transforms: Transform, dtype: str = "uint8", index: int = 0, **settings: object) -> list[str]:
    program = Policy(list(transforms), **settings).program((9, 9, 3), dtype=dtype, index=index)  # type: ignore[arg-type]
    return program.text().splitlines()[3:]


@pytest.mark.parametrize(
    ("before", "dtype", "given", "found"),
    [
        ([], "uint8", None, "0 255"),
        ([], "float32", None, "0 1"),
        ([], "uint8", 100.0, "0 100"),
        ([], "float32", (-1.0, 2.0), "-1 2"),
        ([Rescale(0.5)], "uint8", None, "0 127.5"),
        ([Rescale(2, 10)], "uint8", None, "10 520"),
        ([Rescale(0.5), Rescale(2, 1)], "uint8", None, "1 256"),
    ],
    ids=str,
)
def test_the_value_range_at_each_place(before: list[Transform], dtype: str, given: object, found: str) -> None:
    assert lines(*before, LIGHT, dtype=dtype, value_range=given)[-1] == f"brightness 1.1000000000000001 {found}"
    assert lines(LIGHT, *before, dtype=dtype, value_range=given)[0] == lines(LIGHT, dtype=dtype, value_range=given)[0]


@pytest.mark.parametrize(
    "before",
    [
        [Normalize(0.5, 0.2)],
        [Rescale(2, p=0.5)],
        [Sometimes([Rescale(2)])],
        [Rescale(2, p=0.5), Rescale(3)],
        [Rotate(9, p=0.5), Rescale(2, p=0.5)],
    ],
    ids=str,
)
def test_where_there_is_no_value_range(before: list[Transform]) -> None:
    says = r"^Brightness\(.*needs a value range, but comes after Normalize \(or a Rescale that is not always applied\)"
    with pytest.raises(PolicyError, match=says):
        lines(*before, LIGHT)


@pytest.mark.parametrize(
    ("rescale", "says"),
    [
        (Rescale(0.001, 1e6), r"^Rescale\(.*changes the value range: .* is too narrow for float32"),
        (Rescale(1e-40), "^Rescale makes the total factor on the picture's values 1e-40"),
    ],
    ids=str,
)
def test_a_rescale_that_float32_cannot_hold(rescale: Transform, says: str) -> None:
    with pytest.raises(PolicyError, match=says):
        lines(rescale)


def test_a_draw_that_is_not_needed_uses_up_its_number() -> None:
    """A range of one value needs no draw, but the draws after it stay the same."""
    drawn = lines(Zoom((0.5, 2), (0.5, 2)))[0].split()
    first, second = lines(Zoom((1.5, 1.5), (0.5, 2)))[0].split()[1:]
    assert first == "1.5"
    assert second == drawn[2]


def test_transforms_of_one_class_draw_independently() -> None:
    both = lines(Rotate(40), Rotate(40))
    assert both[0] != both[1]
    assert lines(Rotate(40), HorizontalFlip(p=1), Rotate(40)) == [both[0], "flip_horizontal", both[1]]


def test_a_closed_gate_closes_the_gates_within() -> None:
    perhaps = Sometimes([Rotate(9), Sometimes([Zoom(0.1)], p=1)], p=0.5)
    seen = {tuple(line.split()[0] for line in lines(perhaps, Hue(0.1), index=index)) for index in range(40)}
    assert seen == {("hue",), ("rotate", "zoom", "hue")}


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 1.0], [5.0, 0.0, 5.0]])
def test_exactly_one_of_several(weights: list[float] | None) -> None:
    one = OneOf([Rotate(9), Zoom(0.1), Hue(0.1)], weights)
    counts = [len(lines(one, index=index)) for index in range(200)]
    assert set(counts) == {1}


def test_the_right_number_of_several() -> None:
    some = SomeOf((1, 2), [Rotate(9), Zoom(0.1), Hue(0.1)])
    assert {len(lines(some, index=index)) for index in range(100)} == {1, 2}


def test_a_transform_that_stops_an_iteration_is_an_error() -> None:
    class StopsEarly(Transform):
        def lower(self, to: object) -> None:  # noqa: ARG002
            next(iter(()))

    REGISTRY.pop("StopsEarly")
    with pytest.raises(Exception, match=r"StopsEarly\.lower") as caught:
        lines(StopsEarly())
    assert not isinstance(caught.value, StopIteration)


@pytest.mark.parametrize(
    ("op", "count", "says"),
    [
        ("rotat", 1, r"'rotat', which is no instruction; did you mean rotate\?"),
        ("xyz", 1, "'xyz', which is no instruction"),
        ("cut", 1, "'cut', which is no instruction"),
        ("call", 2, "'call', which is no instruction"),
        ("rotate", 0, "'rotate' with 0 arguments, but it has 1: angle degrees"),
        ("rotate", 2, "'rotate' with 2 arguments, but it has 1: angle degrees"),
        ("flip_horizontal", 1, "'flip_horizontal' with 1 arguments, but it has 0: none"),
    ],
)
def test_what_is_no_instruction(op: str, count: int, says: str) -> None:
    class EmitsThis(Transform):
        def lower(self, to: Lowering) -> None:
            to.emit(op, *[0.0] * count)

    REGISTRY.pop("EmitsThis")
    with pytest.raises(PolicyError, match=f"^EmitsThis emits {says}$"):
        lines(EmitsThis())


@pytest.mark.parametrize(("channels", "some"), [(2, 1), (5, 3), (9, 3)])
def test_colours_that_pictures_do_not_have(channels: int, some: int) -> None:
    """Are refused, with the channels to leave out; but what changes nothing is accepted."""
    says = rf"^Hue\(.* pictures of {channels} channels have none: .*image\[..., :{some}\]$"
    for turn in (0.1, (0.1, 0.1), (-0.1, -0.1)):
        with pytest.raises(PolicyError, match=says):
            Policy([Hue(turn)]).program((9, 9, channels))
    for turn in (0, (-0.0, 0.0)):
        assert "hue 0 0 255" in Policy([Hue(turn)]).program((9, 9, channels)).text().replace("-0", "0")


def test_names_in_messages_are_those_of_the_transforms() -> None:
    """The error of a picture names the transform with its arguments; a group by its class alone."""
    image = np.zeros((5, 5, 3), np.uint8)
    with pytest.raises(PolicyError, match=r"^Zoom\(x=\(1e-09, 1e-09\)"):
        Policy([Sometimes([Rotate(9), Zoom((1e-9, 1e-9))], p=1)]).explain(image.shape)
