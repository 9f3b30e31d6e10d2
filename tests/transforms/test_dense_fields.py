"""A user's dense fields, and how they and matrices move masks and points."""

import pickle
import re
from typing import Any

import numpy as np
import pytest
from truth.closeness import assert_close

from vary import (
    HorizontalFlip,
    InputError,
    Lambda,
    Normalize,
    Pad,
    Perspective,
    Policy,
    PolicyError,
    RandomCrop,
    RandomResizedCrop,
    Resize,
    Rotate,
    Transform,
    Translate,
    Transpose,
    Zoom,
    stream,
)
from vary.transforms import REGISTRY, FieldTransform, MatrixTransform, TableTransform

RANDOM = np.random.default_rng(5)
PICTURE = RANDOM.integers(0, 256, (90, 121, 3)).astype(np.uint8)


class Ripple(FieldTransform):
    rows, columns = 5, 7

    def field(self, rng: np.random.Generator) -> Any:
        return rng.uniform(-0.035, 0.035, (5, 7, 2))


class Fine(FieldTransform):
    rows = columns = 20

    def field(self, rng: np.random.Generator) -> Any:
        return rng.uniform(-0.15, 0.15, 2) + rng.uniform(-0.012, 0.012, (20, 20, 2))


class Still(FieldTransform):
    def field(self, rng: np.random.Generator) -> Any:  # noqa: ARG002
        return np.zeros((8, 8, 2))


class Shift(FieldTransform):
    rows, columns = 2, 3

    def field(self, rng: np.random.Generator) -> Any:  # noqa: ARG002
        return np.tile([0.25, -0.5], (2, 3, 1))


class Zoomed(FieldTransform):
    """Shows the middle half, as `Zoom(2)` does."""

    rows, columns = 3, 4

    def field(self, rng: np.random.Generator) -> Any:  # noqa: ARG002
        y, x = np.meshgrid(np.linspace(0, 1, 3), np.linspace(0, 1, 4), indexing="ij")
        return np.stack([0.25 - x / 2, 0.25 - y / 2], axis=-1)


class Slant(MatrixTransform):
    def matrix(self, rng: np.random.Generator) -> Any:
        turned = np.deg2rad(rng.uniform(-90, 90))
        c, s = np.cos(turned), np.sin(turned)
        return np.array([[c, s, rng.uniform(-0.1, 0.1)], [-s, c, 0.05]]) * [[1.1, 0.9, 1], [0.9, 1.2, 1]]


for _own in (Ripple, Fine, Still, Shift, Zoomed, Slant):  # other tests list the registry
    del REGISTRY[_own.__name__]

LISTS: dict[str, list[Transform]] = {
    "alone": [Ripple()],
    "fine": [Fine()],
    "flip first": [HorizontalFlip(p=1), Ripple()],
    "flip last": [Ripple(), HorizontalFlip(p=1)],
    "before resize": [Ripple(), Resize(37, 140)],
    "after resize": [Resize(37, 140), Ripple()],
    "crops": [RandomCrop(70, 61), Fine(), RandomResizedCrop(50, 44), Pad(3, 9, 1, 4)],
    "two": [Ripple(), Rotate(40), Fine(), Transpose()],
    "perspectives": [Perspective(0.3), Ripple(), Perspective(0.3), Rotate(90)],
    "shrunk": [Ripple(), Rotate(40), Resize(20, 25)],
    "cut": [Ripple(), Lambda(np.copy), Ripple(), Normalize()],
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("fill", [17.0, "nearest", "reflect", "reflect101", "wrap"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_they_are_held_to_the_reference(name: str, fill: Any, interpolation: str) -> None:
    policy = Policy(LISTS[name], fill=fill, interpolation=interpolation)
    for seed in range(3):
        assert_close(policy(PICTURE, seed=seed), policy.program(PICTURE.shape, seed=seed), PICTURE)


@pytest.mark.parametrize(("dtype", "channels"), [("uint16", 1), ("int16", 4), ("float16", 2), ("float32", 5)])
@pytest.mark.parametrize("strict", [False, True])
def test_every_element_and_number_of_channels(dtype: str, channels: int, strict: bool) -> None:
    picture = (np.random.default_rng(1).random((40, 50, channels)) * (1 if "float" in dtype else 30000)).astype(dtype)
    policy = Policy([Ripple(), Rotate(30), Ripple()], fill="reflect", strict=strict)
    for seed in range(3):
        program = policy.program(picture.shape, dtype=dtype, seed=seed)  # type: ignore[arg-type]
        assert_close(policy(picture, seed=seed), program, picture)


def test_a_field_without_displacements_changes_nothing() -> None:
    for picture in (PICTURE, PICTURE.astype(np.uint16) * 257, np.float32(PICTURE / 255)):
        assert np.array_equal(Policy([Still()])(picture), picture)
    policy, without = Policy([Rotate(30), Still(), Resize(40, 50)]), Policy([Rotate(30), Resize(40, 50)])
    off = np.abs(policy(PICTURE, seed=4).astype(int) - without(PICTURE, seed=4))
    assert off.max() <= 1, "but for the rounding of positions"


def test_what_a_field_is() -> None:
    """It says where a point of the result comes from, so a picture moves against it."""
    for fill in (0, "wrap"):
        shifted = Policy([Shift()], fill=fill)(PICTURE[:80, :120])
        assert np.array_equal(shifted, Policy([Translate((-0.25, -0.25), (0.5, 0.5))], fill=fill)(PICTURE[:80, :120]))
    zoomed = Policy([Zoomed()])(PICTURE).astype(int)
    assert np.abs(zoomed - Policy([Zoom((2, 2))])(PICTURE)).max() <= 1


def test_order_matters_and_all_of_it_is_one_pass() -> None:
    for one in (HorizontalFlip(p=1), RandomCrop(50, 60), Rotate((30, 30)), Shift(), Pad(9, 0, 0, 0)):
        first, last = (Policy(both)(PICTURE, seed=2) for both in ([one, Ripple()], [Ripple(), one]))
        assert first.shape == last.shape
        assert np.abs(first.astype(int) - last).mean() > 5, repr(one)
    before, after = (
        Policy(LISTS[name], antialias=False)(PICTURE, seed=2) for name in ("before resize", "after resize")
    )
    assert np.abs(before.astype(int) - after).max() <= 1, "fractions of the sides are those of any size"
    text = Policy(LISTS["two"]).explain(PICTURE.shape)
    assert text.count("pass ") == 1
    assert "displace         5 x 7 points, displaced in x and y by" in text
    assert "found for each pixel by itself" in text
    assert max(map(len, text.splitlines())) < 200


def disc(x: float, y: float) -> np.ndarray:
    rows, columns = np.mgrid[:180, :240] + 0.5
    return np.hypot(columns - x, rows - y) < 9


def centre(mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask)[:, ::-1].mean(axis=0) + 0.5


@pytest.mark.parametrize("moves", [[Fine()], [Slant()], [Rotate(20), Fine(), Resize(200, 150), Slant(), Fine()]])
@pytest.mark.parametrize("strict", [False, True])
def test_masks_and_points_move_with_pictures(moves: list[Transform], strict: bool) -> None:
    policy, seen = Policy(moves, fill=0, strict=strict), 0
    for seed in range(20):
        point = np.random.default_rng(seed).uniform((40, 40), (200, 140))
        mask = disc(*point)
        sample = policy(image=mask.astype(np.float32)[..., None], mask=mask, seed=seed)
        rim = point + 9 * np.array([(np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, 60)])
        if (sample.map(rim) < 1).any() or (sample.map(rim) > np.array(sample.map.size[::-1]) - 1).any():
            continue  # a part of it has left the picture
        seen += 1
        # A disc is bent, so its centre is that of what its points become.
        within = point + np.random.default_rng(1).uniform(-9, 9, (900, 2))
        places = sample.map(within[np.hypot(*(within - point).T) < 9])
        areas = _areas(sample.map, places)
        expected = (places * areas[:, None]).sum(axis=0) / areas.sum()
        assert np.abs(centre(sample.mask) - expected).max() < (0.5 * len(moves) if strict else 0.5)
        assert np.abs(centre(sample.image[..., 0] > 0.5) - expected).max() < 0.5
        assert np.abs(sample.map.inverse(sample.map(point)) - point).max() < 1e-6
    assert seen >= 5


def _areas(found: Any, places: np.ndarray) -> np.ndarray:
    """How much larger a small area of the source is in the result, at these places of it."""
    across = found.inverse(places + np.array((1e-3, 0))) - found.inverse(places - np.array((1e-3, 0)))
    down = found.inverse(places + np.array((0, 1e-3))) - found.inverse(places - np.array((0, 1e-3)))
    return np.asarray(4e-6 / np.abs(across[:, 0] * down[:, 1] - across[:, 1] * down[:, 0]))


@pytest.mark.parametrize("name", ["fine", "crops", "two", "cut"])
def test_points_go_there_and_back(name: str) -> None:
    points = np.random.default_rng(0).uniform(-500, 900, (3, 400, 2))  # also far outside, where fields go on
    for seed in range(20):
        found = Policy(LISTS[name])(image=PICTURE, seed=seed).map
        there = found(points)
        assert there.shape == points.shape
        assert np.abs(found.inverse(there) - points).max() < 1e-9
        assert np.abs(found(found.inverse(points)) - points).max() < 1e-9
        again = pickle.loads(pickle.dumps(found))
        assert np.array_equal(again(points), there)


@pytest.mark.parametrize("seed", [777, 2812, 3025, 3784])
def test_points_of_steep_fields_go_there_and_back(seed: int) -> None:
    """Cells so sheared that a place may lie within the box of a cell of which no point comes from it."""
    random = np.random.default_rng(seed)
    steep = own(returned=random.uniform(-1, 1, (2, 4, 2)) * (0.1, 0.45), rows=2, columns=4)
    found = Policy([steep])(image=PICTURE, mask=PICTURE[..., 0]).map
    places = np.random.default_rng(1).uniform(-0.2, 1.2, (4000, 2)) * (121, 90)
    assert np.allclose(found(found.inverse(places)), places, rtol=0, atol=1e-6)


def test_odd_points_through_a_field() -> None:
    found = Policy([Ripple()])(image=PICTURE, seed=1).map
    assert found([]).shape == found.inverse([]).shape == (0, 2)
    assert found((3, 4)).shape == (2,)
    assert np.isnan(found([(np.nan, 3), (5, 5)])[0]).any()
    assert np.isfinite(found([(np.nan, 3), (5, 5)])[1]).all()
    with pytest.raises(InputError, match="no matrix does; call the map with points"):
        found.matrix  # noqa: B018
    with pytest.raises(InputError, match="give an array"):
        found([1, 2, 3])


def test_streams_make_the_same_by_threads_and_by_a_process() -> None:
    images = np.stack([PICTURE] * 12)
    policy = Policy([Fine(p=0.7), HorizontalFlip(), Ripple(), Resize(40, 50)])
    expected = policy.batch(list(images), seed=3, threads=1)
    assert len({out.tobytes() for out in expected}) == 12
    assert np.array_equal(expected, policy.batch(list(images), seed=3, threads=2))
    assert np.array_equal(expected, pickle.loads(pickle.dumps(policy)).batch(list(images), seed=3))
    for keywords in ({"threads": 2}, {"process": True}):
        (batch,) = stream(images, policy, batch_size=12, seed=3, shuffle=False, **keywords)  # type: ignore[arg-type]
        assert np.array_equal(batch.images, expected)


def own(base: Any = FieldTransform, returned: Any = None, **attributes: Any) -> Transform:
    def given(self: object, rng: np.random.Generator) -> Any:  # noqa: ARG001
        return returned

    name = {FieldTransform: "field", MatrixTransform: "matrix", TableTransform: "table"}[base]
    given.__name__ = name
    kind = type("Wrong", (base,), {name: given, **attributes})
    REGISTRY.pop("Wrong")
    return kind()  # type: ignore[no-any-return]


FOLDED = np.zeros((3, 3, 2))
FOLDED[1, 1] = 0.6, 0


@pytest.mark.parametrize(
    ("transform", "says"),
    [
        (own(returned=FOLDED, rows=3, columns=3), "returned a field that folds the picture: several of its points"),
        (
            own(returned=FOLDED, rows=3, columns=3),
            "by 0.250000 from left to right, and by 0.250000 from top to bottom",
        ),
        (
            own(returned=np.zeros((8, 7, 2))),
            "Wrong.field returned shape (8, 7, 2); it must return numbers of shape (8,",
        ),
        (own(returned=np.zeros((8, 8))), "Wrong.field returned shape (8, 8); it must"),
        (own(returned=None), "Wrong.field returned None; it must return numbers of shape (8, 8, 2)"),
        (own(returned=[[1, 2], [3]]), "Wrong.field returned [[1, 2], [3]]; it must return numbers of shape"),
        (own(returned=np.zeros((8, 8, 2)) * 1j), "Wrong.field returned an array of complex128; it must return numbers"),
        (own(returned=np.full((8, 8, 2), np.nan)), "Wrong.field returned a number that is not finite"),
        (own(returned=np.full((8, 8, 2), np.inf)), "Wrong.field returned a number that is not finite"),
        (own(returned=np.full((8, 8, 2), 1e16)), "Wrong() has an argument that is not finite, or too large"),
        (own(rows=1), "Wrong has rows = 1; make it a whole number of at least 2"),
        (own(columns=2.5), "Wrong has columns = 2.5; make it a whole number of at least 2"),
        (own(rows="8"), "Wrong has rows = '8'; make it a whole number of at least 2"),
        (
            own(rows=1000, columns=1000),
            "Wrong needs 2000000 numbers for each picture, of shape (1000, 1000, 2); the",
        ),
        (own(field=FieldTransform.field), "Wrong has no method field(self, rng) of its own; define it in the class"),
        (own(field=FOLDED), "where it must have a method of a NumPy Generator"),
        (own(TableTransform, entries=0), "Wrong has entries = 0; make it a whole number of at least 1"),
        (own(TableTransform, "abc"), "Wrong.table returned 'abc'; it must return numbers of shape (256,)"),
        (own(MatrixTransform, [[1, 0], [1]]), "Wrong.matrix returned [[1, 0], [1]]; it must return numbers of shape"),
        (own(MatrixTransform, [[1, 2], [0.1, 0.2]]), "returned a singular matrix, which leaves a line or a point of"),
        (own(MatrixTransform, np.zeros((2, 3))), "returned a singular matrix"),
        (own(MatrixTransform, "ab"), "Wrong.matrix returned 'ab'; it must return numbers of shape (2, 3)"),
        (own(MatrixTransform, matrix=MatrixTransform.matrix), "Wrong has no method matrix(self, rng) of its own"),
    ],
)
def test_mistakes_say_what_to_mend(transform: Transform, says: str) -> None:
    with pytest.raises((PolicyError, InputError), match=re.escape(says)):
        Policy([transform])(PICTURE, seed=1)


@pytest.mark.parametrize("base", [FieldTransform, MatrixTransform], ids=lambda base: base.__name__)
@pytest.mark.parametrize("on_error", ["raise", "skip", "replace"])
def test_an_unusable_map_is_a_fault_of_the_policy_and_of_no_picture(base: Any, on_error: Any) -> None:
    """Also if few draws are: nothing is left out of the epoch."""

    def rarely(self: object, rng: np.random.Generator) -> Any:  # noqa: ARG001
        bad = rng.random() < 0.3
        return FOLDED * bad if base is FieldTransform else np.eye(2) * (not bad)

    name = "field" if base is FieldTransform else "matrix"
    rarely.__name__ = name
    kind = type("Rarely", (base,), {name: rarely, "rows": 3, "columns": 3})
    del REGISTRY["Rarely"]
    images, policy = np.stack([PICTURE] * 20), Policy([kind()])
    says = rf"^Rarely\.{name}, called for the sample of index \d+, returned a "
    with pytest.raises(PolicyError, match=says):
        policy.batch(list(images), seed=3)
    with pytest.raises(PolicyError, match=says):
        list(stream(images, policy, batch_size=5, seed=3, on_error=on_error))
