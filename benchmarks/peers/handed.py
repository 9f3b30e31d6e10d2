"""What `as_torch()`, `as_jax()` and `as_tf()` add to an epoch of the stream alone. Each batch is waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import vary
from benchmarks.peers import Batch, Build, Step
from benchmarks.peers.vary import CROPS, main_policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


def handed(
    convert: Callable[[vary.Stream], Iterable[Any]], array: Callable[[Any], Any], policy: vary.Policy, **options: Any
) -> Build:
    """convert: the stream -> its batches for the framework. array: pictures of one -> an array, (n, H, W, C)."""

    def build(files: Sequence[Any], threads: int) -> Step:
        source = vary.Files([str(file) for file in files], list(range(len(files))))
        stream = vary.stream(source, policy, batch_size=32, seed=7, threads=threads, **options)
        batches = convert(stream)

        def step(_epoch: int) -> Batch:
            for batch in batches:
                last = array(batch[0])
            return np.ascontiguousarray(np.asarray(last).transpose(0, 3, 1, 2))

        return step

    return build


def cases(convert: Callable[[vary.Stream], Iterable[Any]], array: Callable[[Any], Any]) -> dict[str, Build]:
    small, large = main_policy(150), main_policy(224)
    return {
        "handed": handed(convert, array, large, cache=None),
        "alone224": handed(lambda stream: stream, lambda pictures: pictures, large, cache=None),
        "first": handed(convert, array, small, cache=None),
        "later": handed(convert, array, small, cache="memory"),
        "first_crops": handed(convert, array, CROPS, cache=None),
        "later_crops": handed(convert, array, CROPS, cache="memory"),
    }
