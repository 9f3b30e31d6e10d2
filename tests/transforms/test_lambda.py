"""The user's own function: its arguments, and what it may return."""

from typing import Any

import numpy as np
import pytest

from vary import (
    Brightness,
    Contrast,
    GaussianBlur,
    GaussNoise,
    InputError,
    Lambda,
    Policy,
    PolicyError,
    Rescale,
    Resize,
    Rotate,
    Translate,
)
from vary.plan.reference import reference
from vary.transforms.base import Transform

IMAGE = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)


class Seen:
    """A function that remembers what it was handed."""

    def __init__(self) -> None:
        self.images: list[np.ndarray] = []

    def __call__(self, image: np.ndarray) -> np.ndarray:
        self.images.append(image.copy())
        return image


def noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.integers(0, 256, image.shape).astype(np.uint8)


def test_it_runs_at_its_place() -> None:
    def mark(image: np.ndarray) -> np.ndarray:
        image[0, 0] = 255
        return image

    before = IMAGE.copy()
    out = Policy([Translate((0.25, 0.25)), Lambda(mark), Translate(0, (0.5, 0.5))], fill=0)(IMAGE)
    assert (out[3, 0] == 255).all()
    assert (out[:3] == 0).all()
    assert np.array_equal(out[3:, 2:], IMAGE[:3, :-2])
    assert np.array_equal(IMAGE, before), "it was handed a copy"


@pytest.mark.parametrize(
    ("transforms", "given", "handed"),
    [
        ([], np.uint8, np.uint8),
        ([Rescale(1 / 255)], np.uint8, np.float32),
        ([Brightness((2, 2))], np.float32, np.float32),
    ],
)
def test_it_gets_the_dtype_at_its_place(transforms: list, given: Any, handed: Any) -> None:
    seen = Seen()
    image = (IMAGE / (1 if given is np.uint8 else 255)).astype(given)
    Policy([*transforms, Lambda(seen)])(image)
    assert seen.images[0].dtype == handed
    assert seen.images[0].shape == (6, 8, 3)
    assert np.array_equal(seen.images[0], Policy(transforms)(image))


def test_it_gets_channels_last_for_any_layout() -> None:
    seen = Seen()
    out = Policy([Lambda(seen)]).batch([IMAGE[..., 0], IMAGE[..., 0]], layout="NCHW")
    assert [one.shape for one in seen.images] == [(6, 8, 1)] * 2
    assert out.shape == (2, 1, 6, 8)


def test_its_rng_is_keyed_like_any_draw() -> None:
    policy = Policy([Lambda(noisy)])
    addresses: list[dict[str, int]] = [{}, {"seed": 1}, {"epoch": 1}, {"index": 1}, {"view": 1}]
    outs = [policy(IMAGE, **{"seed": 0} | address).tobytes() for address in addresses]
    assert len(set(outs)) == len(outs)
    assert outs == [policy(IMAGE, **{"seed": 0} | address).tobytes() for address in addresses]
    batch = policy.batch([IMAGE] * 3, seed=0, indices=[5, 1, 0])
    assert [batch[2].tobytes(), batch[1].tobytes()] == [outs[0], outs[3]]
    twice = Policy([Lambda(noisy), Lambda(noisy)])
    assert twice(IMAGE).tobytes() != outs[0], "two functions draw for themselves"


def test_a_second_argument_with_a_default_is_the_users_own() -> None:
    assert np.array_equal(Policy([Lambda(np.flip)])(IMAGE), IMAGE[::-1, ::-1, ::-1])

    def darker(image: np.ndarray, by: int = 2) -> np.ndarray:
        return image // by

    assert np.array_equal(Policy([Lambda(darker)])(IMAGE), IMAGE // 2)

    class Method:
        def noisy(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
            return noisy(image, rng)

    assert np.array_equal(Policy([Lambda(Method().noisy)])(IMAGE, seed=0), Policy([Lambda(noisy)])(IMAGE, seed=0))


def test_probabilities_hold_for_it() -> None:
    seen = Seen()
    Policy([Lambda(seen, p=0.3)]).batch([IMAGE] * 500, seed=0)
    assert abs(len(seen.images) - 150) < 4 * np.sqrt(500 * 0.3 * 0.7)


def test_it_may_change_size_and_strides() -> None:
    assert np.array_equal(Policy([Lambda(lambda image: image[::2, ::-1])])(IMAGE), IMAGE[::2, ::-1])
    grow = Lambda(lambda image: np.pad(image, ((1, 1), (0, 0), (0, 0))))
    assert Policy([grow, grow]).batch([IMAGE, IMAGE]).shape == (2, 10, 8, 3)
    assert Policy([grow, Resize(4, 5)]).batch([IMAGE, IMAGE[:3]]).shape == (2, 4, 5, 3)
    with pytest.raises(InputError, match=r"put Resize\(height, width\)"):
        Policy([grow]).batch([IMAGE, IMAGE[:3]])


WRONG = [
    (lambda image: None, "returned NoneType; it must return an array of height x width x 3"),
    (lambda image: image[..., 0], r"returned shape \(6, 8\); it must return"),
    (lambda image: image[..., :1], r"returned shape \(6, 8, 1\)"),
    (lambda image: image / 2, "was given uint8 and returned float64; convert it back"),
    (lambda image: image[:0], "at least one pixel"),
]


@pytest.mark.parametrize(("function", "words"), WRONG, ids=[row[1] for row in WRONG])
def test_wrong_returns(function: Any, words: str) -> None:
    with pytest.raises((PolicyError, InputError), match=words):
        Policy([Lambda(function)])(IMAGE)


def test_its_own_errors_come_through() -> None:
    def broken(image: np.ndarray) -> np.ndarray:
        raise KeyError(image.shape)

    with pytest.raises(KeyError):
        Policy([Rotate(5), Lambda(broken)])(IMAGE, seed=0)


def test_where_it_does_not_run_it_still_cuts() -> None:
    """So that all pictures of a batch go through the same stages; and the program says so."""
    policy = Policy([Rotate((20, 20)), Lambda(np.ascontiguousarray, p=0.5), Rotate((-20, -20))])
    seen = set()
    for index in range(8):
        program = policy.program(IMAGE.shape, index=index)
        seen.add(program.instructions[1].op)
        expected = reference(program, IMAGE, dtype="uint8").astype(int)
        assert np.abs(policy(IMAGE, seed=0, index=index) - expected).max() <= 2
    assert seen == {"call", "cut"}


def test_explain_shows_the_cut() -> None:
    reported = Policy([Rotate(5), Lambda(noisy), Rotate(5)]).explain(IMAGE.shape)
    assert "1 user function: each adds a cut" in reported


@pytest.mark.parametrize("inner", [Rotate(40), Policy([Rotate(40)])], ids=str)
def test_a_transform_is_no_function(inner: Any) -> None:
    """Its draws would not be those of the picture."""
    with pytest.raises(PolicyError, match="is a transform, not a function; put it into the list itself"):
        Lambda(inner)


def test_one_that_stops_is_an_error_and_not_the_end_of_a_loop() -> None:
    values = iter(range(2))

    def counted(image: np.ndarray) -> np.ndarray:
        return image + np.uint8(next(values))

    policy = Policy([Lambda(counted)])
    loops: list[Any] = [
        lambda: list(map(policy, [IMAGE] * 4)),
        lambda: list(policy(image) for image in [IMAGE] * 4),  # noqa: C400
        lambda: policy.batch([IMAGE] * 4, seed=0, threads=1),
    ]
    for loop in loops:
        values = iter(range(2))
        with pytest.raises(RuntimeError, match=r"^Lambda\(.*counted\), called for the sample of index \d, ") as caught:
            loop()
        assert "raised StopIteration" in str(caught.value)
        assert isinstance(caught.value.__cause__, StopIteration)


def test_a_transform_of_ones_own_that_stops_is_an_error() -> None:
    class Stops(Rescale):
        def lower(self, to: Any) -> None:
            to.emit(next(iter(())))

    with pytest.raises(RuntimeError, match=r"^Stops\.lower raised StopIteration"):
        list(map(Policy([Stops(1 / 255)]), [IMAGE] * 4))


def mirrored(image: np.ndarray) -> np.ndarray:
    return image[:, ::-1].copy()


def test_explain_counts_what_comes_after_a_function() -> None:
    """How large its result is, nobody knows: the text says so, and goes on as if the size were kept."""
    after = Policy([Rotate(10), Lambda(mirrored), Resize(50, 40), Rescale(1 / 255)]).explain((375, 500, 3))
    name = f"then the user function {__name__}:mirrored: the size of its result is not known; if it is 375 x 500,"
    assert name in after.splitlines()
    assert "to 50 x 40, from 1 geometric map" in after.partition(name)[2]
    assert "cost: 2 resampling passes, 1 cut; reads at most 549 KiB, writes 23 KiB of float32, if" in after
    first = Policy([Lambda(mirrored), Resize(50, 40)]).explain((375, 500, 3))
    assert "pass 1: copy of the picture\n" in first
    assert "cost: 1 resampling pass, 1 cut" in first
    skipped = Policy([Lambda(mirrored, p=0), Resize(50, 40)]).explain((375, 500, 3))
    assert "user function" not in skipped


@pytest.mark.parametrize("one", [Brightness(0.2), Contrast(0.2), GaussianBlur(2), GaussNoise(0.1)], ids=str)
def test_explain_of_no_geometry_resamples_nothing(one: Transform) -> None:
    text = Policy([one]).explain((60, 60, 3))
    assert "pass 1: copy of the picture\n        then 1 instruction on its pixels, " in text
    assert "cost: 0 resampling passes, 0 cuts" in text
    assert "source x" not in text
    assert ("1 more pass over the whole picture" in text) == isinstance(one, (Contrast, GaussianBlur))
