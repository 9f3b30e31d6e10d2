"""The size of what comes out: told before any draw, where it can be, and what every draw gives."""

import numpy as np
from hypothesis import given, strategies as st
from strategies import GEOMETRIC, policies

from vary import Policy
from vary.plan.infer import output_size
from vary.plan.request import Address

DRAWS = 20


def test_a_law_that_is_not_empty() -> None:
    runner = Policy([]).runner(3, "uint8")
    assert output_size(runner.template) is None
    assert output_size(runner.template, (5, 7)) == (5, 7)


@given(policies(GEOMETRIC), st.integers(1, 30), st.integers(1, 30))
def test_the_size_told_beforehand_is_that_of_every_draw(policy: Policy, height: int, width: int) -> None:
    runner = policy.runner(3, "uint8")
    (plan,) = runner.plans
    images = [np.zeros((height, width, 3), np.uint8)] * DRAWS
    found = set(plan.sizes(images, runner.rows(Address(3, 0, 0, np.arange(DRAWS))), height * width))
    told = output_size(runner.template, (height, width))
    if told is None:
        assert any(i.gate >= 0 or i.op in ("resize", "rotate90") for i in runner.template.instructions)
    else:
        assert found == {told}
