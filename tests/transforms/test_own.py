"""A user's own transforms, by kind: they are fused, draw by address, and agree with the reference."""

import pickle
from typing import Any

import numpy as np
import pytest
from truth.closeness import assert_close

from vary import (
    GaussNoise,
    HorizontalFlip,
    Normalize,
    OneOf,
    Policy,
    PolicyError,
    Resize,
    Rotate,
    ValueWarning,
    Zoom,
    stream,
)
from vary.transforms import REGISTRY, FieldTransform, MatrixTransform, PolynomialTransform, TableTransform

PICTURE = np.random.default_rng(5).integers(0, 256, (40, 56, 3)).astype(np.uint8)


class Turn(MatrixTransform):
    def matrix(self, rng: np.random.Generator) -> Any:
        a = rng.normal(0, 0.5)
        return [[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]


class Moved(MatrixTransform):
    def matrix(self, rng: np.random.Generator) -> Any:  # noqa: ARG002
        return [[1, 0, 0.25], [0, 1, -0.5]]


class Tones(TableTransform):
    entries = 9

    def table(self, rng: np.random.Generator) -> Any:
        return np.sort(rng.random(9))


class Inverse(TableTransform):
    entries = 2

    def table(self, rng: np.random.Generator) -> Any:  # noqa: ARG002
        return [1, 0]


class Curve(PolynomialTransform):
    def polynomial(self, rng: np.random.Generator) -> Any:
        return [0.1, rng.uniform(0.5, 1), 0, 0.2]


OWN = [Turn(), Moved(), Tones(), Inverse(), Curve()]
for _own in OWN:  # other tests list the registry
    del REGISTRY[type(_own).__name__]


@pytest.mark.parametrize("own", OWN, ids=lambda own: type(own).__name__)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("strict", [False, True])
def test_they_are_held_to_the_reference(own: Any, dtype: str, strict: bool) -> None:
    picture = PICTURE if dtype == "uint8" else (PICTURE / 255).astype(np.float32)
    policy = Policy([HorizontalFlip(), own, Zoom(0.2), Resize(30, 30), Normalize()], strict=strict)
    for seed in range(4):
        program = policy.program(picture.shape, dtype=dtype, seed=seed)  # type: ignore[arg-type]
        assert_close(policy(picture, seed=seed), program, picture)


def test_they_fuse() -> None:
    policy = Policy([Rotate(10), *OWN, Resize(30, 30)])
    assert policy.explain((40, 56, 3)).count("pass ") == 1


def test_what_they_do() -> None:
    moved = Policy([Moved()], fill=0)(PICTURE)
    assert np.array_equal(moved[:20, 14:], PICTURE[20:, :42]), "a quarter to the right, half upwards"
    assert not moved[20:].any()
    assert np.array_equal(Policy([Inverse()])(PICTURE), 255 - PICTURE)
    alpha = np.dstack([PICTURE, PICTURE[..., :1]])
    assert np.array_equal(Policy([Inverse()])(alpha)[..., 3], alpha[..., 3])
    nan = np.full((2, 2, 1), np.nan, np.float32)
    with pytest.warns(ValueWarning, match="NaN"):
        assert np.isnan(Policy([Inverse(), Curve()])(nan)).all()


def test_they_draw_by_address_alone() -> None:
    policy = Policy([OneOf([Turn(), Tones()]), Turn(p=0.5)])
    images = [PICTURE] * 12
    one = policy.batch(images, seed=3, threads=1)
    assert np.array_equal(one, policy.batch(images, seed=3, threads=2))
    assert np.array_equal(one[7], policy(PICTURE, seed=3, index=7))
    assert len({out.tobytes() for out in one}) == 12
    assert not np.array_equal(one[7], policy(PICTURE, seed=3, index=7, view=1))
    again = pickle.loads(pickle.dumps(policy))
    assert np.array_equal(one, again.batch(images, seed=3))
    (batch,) = stream(np.stack(images), policy, batch_size=12, seed=3, shuffle=False, process=True)
    assert np.array_equal(batch.images, one)


def test_a_transform_that_is_not_applied_computes_nothing() -> None:
    class Counted(MatrixTransform):
        calls = 0

        def matrix(self, rng: np.random.Generator) -> Any:  # noqa: ARG002
            Counted.calls += 1
            return np.eye(2)

    policy = Policy([Counted(p=0.5)])
    policy.batch([PICTURE] * 100, seed=1)
    drawn = sum("matrix" in policy.program(PICTURE.shape, seed=1, index=i).text() for i in range(100))
    assert 30 < drawn < 70
    assert Counted.calls == 2 * drawn


def wrong(returned: Any) -> MatrixTransform:
    class Wrong(MatrixTransform):
        def matrix(self, rng: np.random.Generator) -> Any:  # noqa: ARG002
            if isinstance(returned, Exception):
                raise returned
            return returned

    return Wrong()


@pytest.mark.parametrize(
    ("returned", "says"),
    [
        (np.eye(3), r"Wrong.matrix returned shape \(3, 3\); it must return numbers of shape \(2, 3\)"),
        (
            [[1, 0], [0, np.nan]],
            "Wrong.matrix returned a number that is not finite, for the sample of index 7",
        ),
        (
            [[1, 0], [0, 0]],
            "Wrong.matrix, called for the sample of index 7, returned a singular matrix, which leaves a line",
        ),
        (ZeroDivisionError("none"), "none"),
        (StopIteration(), "Wrong.matrix, called for the sample of index 7, raised StopIteration"),
    ],
)
def test_mistakes_name_the_transform_and_the_sample(returned: Any, says: str) -> None:
    with pytest.raises(Exception, match=says) as caught:
        Policy([wrong(returned), GaussNoise(0.1)])(PICTURE, seed=1, index=7)
    if isinstance(returned, ZeroDivisionError):
        assert caught.value.__notes__ == ["raised in Wrong.matrix for the sample of index 7"]


def test_base_classes_are_no_transforms() -> None:
    import vary

    for base in ("MatrixTransform", "TableTransform", "PolynomialTransform"):
        assert base not in vary.transforms.REGISTRY
        with pytest.raises(PolicyError, match="no transform"):
            Policy.from_dict([base])


def test_arguments_that_are_not_declared() -> None:
    class Set(MatrixTransform):
        def __init__(self, k: float) -> None:
            self.k = k

    class Annotated(MatrixTransform):
        k: float = 2.0

        def matrix(self, rng: np.random.Generator) -> Any:  # noqa: ARG002
            return np.eye(2) * self.k

    class Bare(TableTransform):
        power: float

    with pytest.raises(PolicyError, match=r"Set is immutable; .* `k: float = vary.transforms.field\("):
        Set(3)
    declare = r'declare it as an argument: `k: float = vary.transforms.field\("what it is", default=2.0\)`'
    for make in (lambda: Annotated(k=3), lambda: Annotated(3)):  # type: ignore[call-arg]
        with pytest.raises(PolicyError, match=declare):
            make()
    with pytest.raises(PolicyError, match=r"`power: float = vary.transforms.field\(\"what it is\"\)`"):
        Bare(power=2)
    with pytest.raises(
        PolicyError, match=r"has no argument 'rows'; declare it as an argument: `rows: int = .* default=8, whole=True"
    ):
        type("Grid", (FieldTransform,), {})(rows=4)
    with pytest.raises(PolicyError, match=r"vary.transforms.field\(.*\)`. It has p"):
        Annotated(k=3)
    with pytest.raises(PolicyError, match="Policy has no argument 'fields'; it has"):
        Policy([], fields=1)  # type: ignore[call-arg]
    with pytest.raises(PolicyError, match="takes no argument by place, not 1; p goes by name"):
        type("Plain", (FieldTransform,), {})(4)


@pytest.mark.parametrize("name", ["Wobbel", "Zzz"])
def test_a_file_of_unknown_transforms_says_to_import_them(name: str) -> None:
    cure = "if it is your own, import the module that defines it before; the command line cannot know"
    with pytest.raises(PolicyError, match=cure):
        Policy.from_dict([name])
    for known in ("RandomRotation", "Resize(150, 160)", "Rotate(degrees=4)"):
        with pytest.raises(PolicyError, match="no transform") as caught:
            Policy.from_dict([known])
        assert "your own" not in str(caught.value)
