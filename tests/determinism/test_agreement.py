"""A picture is f(source, policy, seed, epoch, index, view) and nothing else."""

import os
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from determinism.hashes import POLICIES, waves

from vary import Policy

N = 32
PICTURES = [waves(61, 47, 3) for _ in range(N - 8)] + [waves(61, 47, 3)[::-1] for _ in range(8)]
INDICES = np.arange(N) * 31 + 5
each = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)


def one_by_one(policy: Policy, **address: int) -> np.ndarray:
    given = {"seed": 9, **address}
    return np.stack([policy(image, index=int(i), **given) for image, i in zip(PICTURES, INDICES, strict=True)])  # type: ignore[arg-type]


def whole(policy: Policy, **keywords: Any) -> np.ndarray:
    return policy.batch(PICTURES, indices=INDICES, seed=9, **keywords)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@each
def test_any_number_of_threads_and_any_batch(policy: Policy) -> None:
    expected = one_by_one(policy)
    for threads in (1, 2, 7):
        assert same(whole(policy, threads=threads), expected)
    for size in (1, 5):
        parts = [policy.batch(PICTURES[k : k + size], indices=INDICES[k : k + size], seed=9) for k in range(0, N, size)]
        assert same(np.concatenate(parts), expected)


@each
def test_any_order_and_any_time(policy: Policy) -> None:
    expected = whole(policy)
    order = (np.arange(N) * 11) % N
    shuffled = policy.batch([PICTURES[k] for k in order], indices=INDICES[order], seed=9)
    assert same(shuffled[np.argsort(order)], expected)
    assert same(whole(policy), expected)


@each
def test_other_addresses_are_other_pictures(policy: Policy) -> None:
    drawn = bool(policy.runner(3, "uint8").template.draws)
    expected = one_by_one(policy)
    for address in ({"seed": 10}, {"epoch": 1}, {"view": 1}):
        other = one_by_one(policy, **address)
        assert same(other, one_by_one(policy, **address))
        assert same(other, expected) != drawn


@each
def test_layouts_and_outputs(policy: Policy) -> None:
    expected = whole(policy)
    planar = np.ascontiguousarray(expected.transpose(0, 3, 1, 2))
    assert same(whole(policy, layout="NCHW"), planar)
    for layout, wanted in (("NHWC", expected), ("NCHW", planar)):
        room = np.full((2 * N, *wanted.shape[1:]), 7, wanted.dtype)
        out = room[::2]
        assert whole(policy, layout=layout, out=out) is out
        assert same(np.ascontiguousarray(out), wanted)
        assert (room[1::2] == 7).all()
        backwards = room[::-2]
        assert same(np.ascontiguousarray(whole(policy, layout=layout, out=backwards)), wanted)


@each
def test_one_array_is_a_batch_and_strides_do_not_matter(policy: Policy) -> None:
    image = waves(61, 47, 3)
    expected = policy.batch([image] * 4, seed=1)
    assert same(policy.batch(np.stack([image] * 4), seed=1), expected)
    wide = np.zeros((2 * 61, 47 * 3, 4), np.uint8)
    wide[::2, ::3, :3] = image
    views = [np.asfortranarray(image), image[::-1].copy()[::-1], image[:, ::-1].copy()[:, ::-1], wide[::2, ::3, :3]]
    assert same(policy.batch(views, seed=1), expected)


@each
def test_a_pickled_policy_and_a_forked_child(policy: Policy) -> None:
    expected = whole(policy, threads=2)  # the pool runs before the fork
    assert same(whole(pickle.loads(pickle.dumps(policy))), expected)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking while threads run: what is tested here
        child = os.fork()
    if child == 0:
        os._exit(0 if same(whole(policy, threads=2), expected) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert same(whole(policy, threads=2), expected)


def test_concurrent_callers() -> None:
    policies = list(POLICIES.values())
    expected = [whole(policy) for policy in policies]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(whole, policy, threads=1 + k % 3) for policy in policies for k in range(4)]
        results = [job.result() for job in jobs]
    assert all(same(result, expected[k // 4]) for k, result in enumerate(results))
