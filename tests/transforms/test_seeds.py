"""Calls without a seed draw new values, in every process; with a seed they are functions of their arguments."""

import itertools
import json
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary import HorizontalFlip, InputError, Lambda, OneOf, Policy, RandomCrop, Resize, Rotate, Zoom, stream

IMAGE = np.random.default_rng(3).integers(0, 256, (20, 20, 3), np.uint8)
POLICY = Policy([Rotate(40), Zoom(0.2)])


def different(pictures: Any) -> int:
    return len({picture.tobytes() for picture in pictures})


def noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, image.shape, np.uint8)


@pytest.mark.parametrize(
    "policy", [POLICY, Policy([OneOf([Rotate(40), Zoom(0.2)])]), Policy([Lambda(noisy)])], ids=["map", "choice", "call"]
)
def test_every_call_without_a_seed_draws_afresh(policy: Policy) -> None:
    assert different(policy(IMAGE) for _ in range(20)) == 20
    assert different(itertools.chain.from_iterable(policy.batch([IMAGE] * 5) for _ in range(4))) == 20
    assert different(policy(IMAGE, seed=None, layout="NCHW", dtype="float32") for _ in range(9)) == 9


def test_the_draws_are_spread() -> None:
    flipped = [np.array_equal(Policy([HorizontalFlip()])(IMAGE), IMAGE) for _ in range(400)]
    assert abs(sum(flipped) - 200) < 100, "some five deviations"
    corners = {int(Policy([RandomCrop(1, 1)])(np.arange(64, dtype=np.uint8).reshape(8, 8)).item()) for _ in range(900)}
    assert len(corners) > 55


def test_nothing_is_drawn_from_generators_of_the_process() -> None:
    """Neither Python's nor NumPy's: whoever seeds them neither repeats these draws nor loses any."""
    import random

    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[union-attr,call-overload]  # noqa: NPY002
    one = POLICY(IMAGE)
    assert before == (random.getstate(), np.random.get_state()[1].tobytes())  # type: ignore[union-attr,call-overload]  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    assert not np.array_equal(POLICY(IMAGE), one)


@pytest.mark.parametrize("method", [m for m in ("fork", "spawn") if m in multiprocessing.get_all_start_methods()])
def test_workers_do_not_repeat_each_other(method: str) -> None:
    child = Path(__file__).with_name("worker_child.py")
    run = subprocess.run([sys.executable, child, method], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    digests = [one for worker in json.loads(run.stdout) for one in worker]
    assert len(digests) == len(set(digests)) == 7 * 4


def test_epoch_index_and_view_are_0_if_not_given() -> None:
    one = POLICY(IMAGE, seed=7)
    assert np.array_equal(one, POLICY(IMAGE, seed=7))
    assert np.array_equal(one, POLICY(IMAGE, seed=7, epoch=0, index=0, view=0))
    assert np.array_equal(one, POLICY.batch([IMAGE], seed=7)[0])
    assert np.array_equal(one, POLICY.batch([IMAGE], seed=7, epoch=0, view=0, indices=[0])[0])
    for other in ({"seed": 8}, {"epoch": 1}, {"index": 1}, {"view": 1}):
        assert not np.array_equal(one, POLICY(IMAGE, **{"seed": 7} | other))


ADDRESSED: list[tuple[str, Callable[..., np.ndarray]]] = [
    *((name, lambda **given: POLICY(IMAGE, **given)) for name in ("epoch", "index", "view")),
    *((name, lambda **given: POLICY.batch([IMAGE], **given)) for name in ("epoch", "view")),
]


@pytest.mark.parametrize(("name", "call"), ADDRESSED)
@pytest.mark.parametrize("value", [0, 3, np.int64(0)])
def test_what_belongs_to_a_seed_needs_one(name: str, call: Callable[..., np.ndarray], value: int) -> None:
    with pytest.raises(InputError, match=f"{name}=.* was given without seed=.*such as seed=7, {name}="):
        call(**{name: value})
    call(seed=0, **{name: value})
    call(**{name: None})


def test_indices_alone_are_harmless() -> None:
    """They say who shares draws: nothing that a seed would decide."""
    first, again, other = POLICY.batch([IMAGE] * 3, indices=[5, 5, 6])
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, POLICY.batch([IMAGE], indices=[5])[0])


@pytest.mark.parametrize("kind", [int, np.uint8, np.int32, np.int64, np.uint64])
def test_whole_numbers_of_any_kind(kind: type) -> None:
    expected = POLICY(IMAGE, seed=7, epoch=2, index=5, view=3)
    found = POLICY(IMAGE, seed=kind(7), epoch=kind(2), index=kind(5), view=kind(3))
    assert np.array_equal(found, expected)
    assert np.array_equal(POLICY.batch([IMAGE], seed=kind(7), epoch=kind(2), view=kind(3), indices=[5])[0], expected)
    shape = IMAGE.shape
    assert POLICY.explain(shape, seed=kind(7), index=kind(5)) == POLICY.explain(shape, seed=7, index=5)
    assert POLICY.program(shape, seed=kind(7), index=kind(5)) == POLICY.program(shape, seed=7, index=5)


@pytest.mark.parametrize("name", ["seed", "epoch", "index", "view"])
@pytest.mark.parametrize("value", [True, False, np.True_, 1.0, 0.5, -1, np.int64(-1), "7", [1], 2**64, object])
def test_numbers_that_are_not_whole(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^{name}=.*give a whole number") as caught:
        POLICY(IMAGE, **{"seed": 0, name: value})
    assert "indices" not in str(caught.value)
    if name != "view":
        with pytest.raises(InputError, match=rf"^{name}=.*give a whole number"):
            POLICY.explain(IMAGE.shape, **{name: value})
    if name == "seed":
        with pytest.raises(InputError, match=r"^seed=.*give a whole number"):
            stream([IMAGE], POLICY, seed=value)


def test_what_shows_a_policy_is_the_same_each_time() -> None:
    for show in (POLICY.explain, POLICY.program):
        assert show(IMAGE.shape) == show(IMAGE.shape) == show(IMAGE.shape, seed=0, epoch=0, index=0)
    with pytest.raises(InputError, match="seed=None"):
        POLICY.explain(IMAGE.shape, seed=None)  # type: ignore[arg-type]
    assert POLICY.program(IMAGE.shape) == POLICY.program(IMAGE.shape, seed=0, epoch=0, index=0, view=0)


def test_a_stream_without_a_seed_is_the_one_of_seed_0() -> None:
    (first,), (again,) = (next(iter(stream([IMAGE] * 4, POLICY, shuffle=False))) for _ in range(2))
    assert np.array_equal(first, again)
    assert np.array_equal(first[1], POLICY(IMAGE, seed=0, index=1))


class Pictures:
    """What torch.utils.data.Dataset asks for."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, place: int) -> np.ndarray:
        return POLICY(IMAGE)


def test_a_data_set_that_calls_a_policy_sees_no_picture_twice() -> None:
    pictures = Pictures()
    assert different(pictures[place] for _ in range(5) for place in range(len(pictures))) == 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks by hand")
def test_a_fork_by_hand_draws_other_numbers() -> None:
    POLICY(IMAGE)
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, POLICY(IMAGE).tobytes())
        os._exit(0)
    here = POLICY(IMAGE).tobytes()
    there = os.read(read, len(here))
    os.waitpid(child, 0)
    assert len(there) == len(here)
    assert there != here


def test_where_nothing_is_drawn_nothing_changes() -> None:
    plain = Policy([Resize(9, 9), Rotate((15, 15))])
    assert different(plain(IMAGE) for _ in range(3)) == 1
