"""The size of results is known before any draw if and only if all draws give the same size."""

from collections.abc import Iterator
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from strategies import GEOMETRIC, build, nested, policies

from vary import Policy, Resize
from vary.plan.infer import output_size
from vary.plan.program import Template
from vary.plan.request import Address
from vary.plan.runner import Runner
from vary.transforms.base import Column

DRAWS = 20
SIZING = ["CenterCrop", "Pad", "RandomRotate90", "Resize", "Transpose"]
FIXED = ("crop", "center_crop", "resized_crop")
FEW = st.builds(Policy, st.lists(nested(SIZING), min_size=1, max_size=2))
PROPORTIONAL = (1, 3)  # modes of resize, fit and cover, whose size is never known


def test_the_size_of_an_empty_policy() -> None:
    runner = Policy([]).runner(3, "uint8")
    assert output_size(runner.template) is None
    assert output_size(runner.template, (5, 7)) == (5, 7)


@pytest.mark.parametrize(
    ("mode", "known"), [("stretch", (6, 4)), ("letterbox", (6, 4)), ("fit", None), ("cover", None)]
)
def test_a_resize_that_keeps_proportions_has_no_known_size(mode: str, known: tuple[int, int] | None) -> None:
    template = Policy([Resize(6, 4, mode)]).runner(3, "uint8").template
    assert output_size(template) == output_size(template, (10, 12)) == known


def ends_proportional(template: Template) -> bool:
    """Is there a resize to fit or to cover, and no fixed size after it?"""
    found = False
    for i in template.instructions:
        if i.op == "resize" and i.args[2] in PROPORTIONAL:
            found = True
        elif i.gate < 0 and i.op in ("resize", *FIXED):
            found = False
    return found


def with_own_gates(template: Template) -> Template:
    """The same with a gate of its own for each instruction that has one: a size is known without regard to which gates
    open together."""
    gates, gated = count(len(template.draws)), sum(i.gate >= 0 for i in template.instructions)
    alone = tuple(i if i.gate < 0 else i._replace(gate=next(gates)) for i in template.instructions)
    return template._replace(instructions=alone, draws=(*template.draws, *template.draws[:1] * gated))


def rows(template: Template, columns: int) -> Iterator[np.ndarray]:
    """Parameters as if each gate were open or closed, and each quarter turn made or not, by itself: one of them alone,
    all but one, and any."""
    deciding = sorted(
        {i.gate for i in template.instructions if i.gate >= 0}
        | {int(a) for i in template.instructions if i.op == "rotate90" for a in i.args if isinstance(a, Column)}
    )
    n, random = len(deciding), np.random.default_rng(3)
    for chosen in (*np.zeros((1, n)), *np.eye(n), *(1 - np.eye(n)), *random.integers(0, 2, (32, n))):
        row = np.full(columns, 0.5)
        row[deciding] = chosen
        yield row


@settings(max_examples=300)
@given(st.one_of(policies(GEOMETRIC), FEW), st.integers(1, 30), st.integers(1, 30))
def test_a_size_is_known_if_and_only_if_no_draw_decides_it(policy: Policy, height: int, width: int) -> None:
    runner = policy.runner(3, "uint8")
    template = with_own_gates(runner.template)
    reported = output_size(runner.template, (height, width))

    def sizes(runner: Runner, parameters: np.ndarray) -> set[tuple[int, int]]:
        images = [np.zeros((height, width, 3), np.uint8)] * len(parameters)
        (plan,) = runner.plans
        return set(plan.sizes(images, np.ascontiguousarray(parameters), height * width))

    drawn = sizes(runner, runner.rows(Address(3, 0, 0, np.arange(DRAWS))))
    possible = sizes(Runner(template), np.array([*rows(template, len(template.draws))]))
    if ends_proportional(runner.template) or len(possible) > 1:
        assert reported is None
    else:
        assert {reported} == possible == drawn


@pytest.mark.parametrize("name", GEOMETRIC)
def test_the_size_after_each_transform_alone(name: str) -> None:
    """With many arguments: random policies seldom end with one that decides the size."""
    image = np.zeros((5, 7, 3), np.uint8)
    for arguments in range(40):
        policy = Policy([build(name, arguments)])
        template = policy.runner(3, "uint8").template
        reported = output_size(template, (5, 7))
        made = {policy(image, seed=0, index=index).shape[:2] for index in range(DRAWS)}
        if reported is None:
            assert len(made) > 1 or ends_proportional(template)
        else:
            assert made == {reported}
