"""Intervals hold the truth as often as they say, and numbers equal those of scipy."""

import numpy as np
import pytest
from conftest import oracle

from vary.comparison.statistics import (
    Interval,
    detectable,
    difference,
    fitted_temperature,
    interval_of,
    log_loss,
    verdict,
)


def scores(random: np.random.Generator, truth: float, repeats: int = 5, pictures: int = 120) -> np.ndarray:
    """Differences with a part of each repeat and a part of each picture, which a bootstrap of cells would miss."""
    of_repeat, of_picture = random.normal(0, 0.05, (repeats, 1)), random.normal(0, 0.3, (1, pictures))
    return truth + of_repeat + of_picture + random.normal(0, 0.3, (repeats, pictures))


def test_intervals_hold_the_truth() -> None:
    """Of 400 experiments of 5 repeats, 95 % intervals miss at most 8 %: those of 5 repeats are a little narrow."""
    random = np.random.default_rng(1)
    found = [interval_of(scores(random, 0.1)) for _ in range(400)]
    held = np.mean([one.low <= 0.1 <= one.high for one in found])
    assert 0.92 <= held <= 0.99
    assert np.mean([one.mean for one in found]) == pytest.approx(0.1, abs=0.005)


def test_a_picture_and_a_repeat_count_once() -> None:
    """Copies of the same repeats or pictures do not narrow what the others can vary."""
    values = scores(np.random.default_rng(2), 0, repeats=1)
    wide, copied = interval_of(values), interval_of(np.repeat(values, 20, axis=0))
    assert copied.high - copied.low == pytest.approx(wide.high - wide.low, rel=0.1)


def test_intervals_are_those_of_drawn_rows_and_columns() -> None:
    random, values = np.random.default_rng(3), scores(np.random.default_rng(4), 0.02)
    means = []
    for _ in range(4000):
        rows, columns = random.integers(5, size=5), random.integers(120, size=120)
        means.append(values[np.ix_(rows, columns)].mean())
    low, high = np.quantile(means, [0.025, 0.975])
    found = interval_of(values)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.006), pytest.approx(high, abs=0.006))
    assert found == interval_of(values)


def test_more_comparisons_widen_the_interval() -> None:
    random = np.random.default_rng(5)
    base, other = random.random((5, 100)) < 0.6, random.random((5, 100)) < 0.7
    one, five = difference(other, base), difference(other, base, comparisons=5)
    assert (one.level, five.level) == (pytest.approx(0.95), pytest.approx(0.99))
    assert five.low < one.low < one.mean == five.mean < one.high < five.high
    with pytest.raises(ValueError, match="only those of one experiment are paired"):
        difference(other, base[:, 1:])


@pytest.mark.parametrize(
    ("low", "high", "said"), [(0.01, 0.1, "better"), (-0.2, -0.1, "worse"), (-0.1, 0.1, "cannot tell")]
)
def test_verdicts(low: float, high: float, said: str) -> None:
    assert verdict(Interval((low + high) / 2, low, high, 0.95)) == said


def test_two_trainings_of_one_policy_differ_seldom() -> None:
    random, alarms = np.random.default_rng(6), 0
    for _ in range(200):
        hard = random.random(100)
        one, other = (random.random((5, 100)) < hard for _ in range(2))
        alarms += verdict(difference(one, other)) != "cannot tell"
    assert alarms <= 16


def test_what_can_be_detected() -> None:
    """The measured values of two sets, between which the rule lies."""
    for repeats, cats, clothes in ((1, 9.5, 7.8), (3, 5.8, 5.0), (5, 4.8, 4.3), (10, 3.8, 3.6), (20, 3.2, 3.2)):
        assert clothes - 0.15 <= 100 * detectable(240, repeats) <= cats + 0.15
    assert detectable(60, 5) == pytest.approx(2 * detectable(240, 5))


def test_log_loss_and_its_temperature() -> None:
    special, optimize = oracle("scipy.special"), oracle("scipy.optimize")
    random = np.random.default_rng(7)
    labels = random.integers(0, 4, 300)
    logits = 3 * random.normal(size=(300, 4)) + 2 * np.eye(4)[labels]
    expected = -special.log_softmax(logits / 1.7, axis=1)[np.arange(300), labels].mean()
    assert log_loss(logits, labels, 1.7) == pytest.approx(expected)
    best = optimize.minimize_scalar(lambda one: log_loss(logits, labels, one), bounds=(0.05, 20), method="bounded")
    assert fitted_temperature(logits, labels) == pytest.approx(best.x, rel=1e-3)
    assert np.isfinite(log_loss(np.array([[1e4, -1e4]]), np.array([1])))
