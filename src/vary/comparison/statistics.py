"""Differences between policies, with intervals. Nothing here knows of networks.

Scores are (repeats, pictures): in each repeat, every picture was held back once, and judged by a network that had not
seen it. Two policies are paired: the same pictures and folds, and the same weights before training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vary.sample import Array

__all__ = ["Interval", "detectable", "difference", "fitted_temperature", "interval_of", "log_loss", "verdict"]

DRAWS, CHUNK = 2000, 100  # of a bootstrap: an end of an interval then varies by a thirtieth of its width
SEED = 20261201  # the same draws in every report
FIXED, BY_REPEAT = 6.8, 69.0
"""The square of the smallest detectable difference, in points of accuracy, with 240 pictures: a part that more repeats
do not lower, and one that falls with their number. Fitted to 433 trainings on two sets of photos, in which 1, 3, 5, 10
and 20 repeats of 4 folds detected 9.5, 5.8, 4.8, 3.8 and 3.2 points, and 7.8, 5.0, 4.3, 3.6 and 3.2."""


class Interval(NamedTuple):
    """A mean score or difference as a share: 0.01 is a point of accuracy. level: such as 0.95."""

    mean: float
    low: float
    high: float
    level: float


def difference(scores: Array, base: Array, *, comparisons: int = 1, level: float = 0.95) -> Interval:
    """The mean of `scores` less that of `base`, (repeats, pictures) each, of one experiment.

    comparisons: how many such intervals are read together. Each is widened so that all of them hold at once with
    `level` (Bonferroni).
    """
    if scores.shape != base.shape:
        raise ValueError(f"scores of shape {scores.shape} and {base.shape}: only those of one experiment are paired")
    return interval_of(scores.astype(np.float64) - base, 1 - (1 - level) / max(comparisons, 1))


def interval_of(values: Array, level: float = 0.95) -> Interval:
    """The mean of (repeats, pictures) with the two-way bootstrap interval: both are drawn with replacement, each
    independently of the other, and the percentiles of the means are taken (Owen, The pigeonhole bootstrap, Annals of
    Applied Statistics 2007; it is conservative)."""
    means = np.concatenate(list(_means(values.astype(np.float64))))
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(values.mean()), float(low), float(high), level)


def _means(values: Array) -> Iterator[Array]:
    """Means of draws: how often each repeat and each picture was drawn, in place of copies."""
    random, (repeats, pictures) = np.random.default_rng(SEED), values.shape
    for _ in range(DRAWS // CHUNK):
        rows = random.multinomial(repeats, np.full(repeats, 1 / repeats), CHUNK)
        columns = random.multinomial(pictures, np.full(pictures, 1 / pictures), CHUNK)
        yield ((rows @ values) * columns).sum(1) / (repeats * pictures)


def verdict(found: Interval) -> str:
    """Of a difference: "better", "worse" or "cannot tell"."""
    return "better" if found.low > 0 else "worse" if found.high < 0 else "cannot tell"


def detectable(pictures: int, repeats: int) -> float:
    """The smallest difference of accuracy, as a share, that about four of five experiments would find. A rule of thumb
    (see `FIXED`); it falls with the root of the number of pictures."""
    return float(np.sqrt((FIXED + BY_REPEAT / repeats) * 240 / pictures) / 100)


def log_loss(logits: Array, labels: Array, temperature: float = 1.0) -> float:
    """The mean cross-entropy, in nats, of (n, classes) logits divided by the temperature; labels are (n,) class ids."""
    scaled = logits.astype(np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    chosen = np.take_along_axis(scaled, labels[:, None], 1)[:, 0]
    return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - chosen))


def fitted_temperature(logits: Array, labels: Array) -> float:
    """The temperature within 0.05 .. 20 of the least log-loss (Guo et al., On calibration, ICML 2017). With it,
    log-loss compares networks fairly; without, it favours those that learnt little."""
    low, high, golden = float(np.log(0.05)), float(np.log(20.0)), (np.sqrt(5) - 1) / 2
    for _ in range(40):  # golden-section search
        one, other = high - golden * (high - low), low + golden * (high - low)
        if log_loss(logits, labels, np.exp(one)) < log_loss(logits, labels, np.exp(other)):
            high = other
        else:
            low = one
    return float(np.exp((low + high) / 2))
