"""`sample.map` moves points with the pixels, there and back."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
import strategies
from hypothesis import HealthCheck, given, reject, settings, strategies as st

import vary
from vary import (
    GaussianBlur,
    HorizontalFlip,
    InputError,
    Lambda,
    Normalize,
    OneOf,
    Pad,
    Perspective,
    Policy,
    PolicyError,
    RandomCrop,
    RandomResizedCrop,
    RandomRotate90,
    Rescale,
    Resize,
    Rotate,
    Shear,
    Transform,
    Translate,
    Transpose,
    VerticalFlip,
    Zoom,
)

pytestmark = pytest.mark.filterwarnings("ignore::vary.ValueWarning")
many = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
HEIGHT, WIDTH, RADIUS = 90, 120, 12

MOVES: dict[str, list[Transform]] = {
    "rotate": [Rotate(180)],
    "affine": [Rotate(40), Shear(20), Zoom(0.3), Translate(0.2, 0.2), HorizontalFlip()],
    "crop": [RandomCrop(70, 80), Pad(5, 9, 3, 1), Rotate(20)],
    "resized": [RandomResizedCrop(60, 100), Transpose(), VerticalFlip()],
    "perspective": [Perspective(0.3), Rotate(30), Perspective(0.2)],
    "letterbox": [Resize(100, 100, "letterbox"), RandomRotate90()],
    "called": [Rotate(30), Lambda(np.copy), Zoom(0.2), GaussianBlur(1), Translate(0.1, 0.1)],
    "chosen": [OneOf([Rotate(90), Zoom((1, 2)), Transpose()]), Resize(64, 150)],
}


def dot(x: float, y: float) -> np.ndarray:
    """A soft dot whose centre of mass is (x, y)."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    far = np.hypot(columns - x, rows - y) / RADIUS
    return np.where(far < 1, np.cos(np.minimum(far, 1) * np.pi / 2) ** 2, 0).astype(np.float32)[..., None]


def centre(image: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    weights = image[..., 0] / image.sum()
    return np.array([(weights * columns).sum(), (weights * rows).sum()])


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("name", MOVES)
def test_a_dot_lands_where_the_map_says(name: str, strict: bool) -> None:
    policy, random, seen = Policy(MOVES[name], fill=0.0, strict=strict), np.random.default_rng(1), 0
    for seed in range(40):
        point = random.uniform((RADIUS, RADIUS), (WIDTH - RADIUS, HEIGHT - RADIUS))
        made = policy(image=dot(*point), seed=seed)
        expected = made.map(point)
        edge = made.map([(point[0] + RADIUS * np.cos(a), point[1] + RADIUS * np.sin(a)) for a in np.arange(0, 7, 0.2)])
        height, width = made.image.shape[:2]
        if (edge < 2).any() or (edge > (width - 2, height - 2)).any() or made.image.max() < 0.5:
            continue  # a part of it has left the picture
        seen += 1
        bent = np.abs(centre_of_edge(edge) - expected).max()  # a perspective moves the centre of mass as well
        assert np.abs(centre(made.image) - expected).max() < 0.5 + bent
    assert seen >= 5


def centre_of_edge(edge: np.ndarray) -> np.ndarray:
    return np.asarray((edge.min(axis=0) + edge.max(axis=0)) / 2)


@many
@given(st.data(), st.integers(0, 2**64 - 1))
def test_there_and_back(data: st.DataObject, seed: int) -> None:
    policy = data.draw(strategies.policies(strategies.EVERY))
    image = data.draw(strategies.pictures())
    try:
        made = policy(image=image, seed=seed)
    except PolicyError:
        reject()
    height, width = image.shape[:2]
    assert (made.map.source_size, made.map.size) == ((height, width), made.image.shape[:2])
    inner = np.random.default_rng(0).uniform((0, 0), (made.map.size[1], made.map.size[0]), (20, 2))
    points = made.map.inverse(inner)
    shown = np.isfinite(points).all(axis=-1)  # not beyond the horizon of a perspective
    assert shown.all() or np.any(made.map.matrix[2, :2])
    if shown.any():
        scale = np.abs(points[shown]).max() / max(height, width)  # far outside, numbers have fewer digits left
        assert np.abs(made.map(points[shown]) - inner[shown]).max() <= 1e-9 * max(1, scale)


@many
@given(st.data(), st.integers(0, 2**64 - 1))
def test_each_pixel_of_a_mask_comes_from_where_the_map_says(data: st.DataObject, seed: int) -> None:
    """For one resampling: at each cut, masks are rounded to whole pixels again."""
    policy = data.draw(strategies.policies(strategies.GEOMETRIC, strict=False, fill=0.0, mask_fill=-1))
    image = data.draw(strategies.pictures())
    numbers = np.arange(image.shape[0] * image.shape[1]).reshape(image.shape[:2])
    made = policy(image=image, mask=numbers, seed=seed)
    rows, columns = np.mgrid[: made.mask.shape[0], : made.mask.shape[1]] + 0.5
    found = made.map.inverse(np.stack([columns, rows], axis=-1))
    shown = np.isfinite(found).all(axis=-1)  # not beyond the horizon of a perspective
    inside = made.mask >= 0
    x, y = made.mask % image.shape[1], made.mask // image.shape[1]
    off = np.abs(found - np.stack([x, y], axis=-1) - 0.5).max(axis=-1)
    assert (off[inside & shown] <= 0.5 + 1e-4).all()
    outside = ((found < 0) | (found > (image.shape[1], image.shape[0]))).any(axis=-1)
    on_the_edge = (np.abs(found) < 1e-4).any(-1) | (np.abs(found - (image.shape[1], image.shape[0])) < 1e-4).any(-1)
    assert (inside != outside)[~on_the_edge & shown].all()


def test_the_picture_spans_its_width_and_height() -> None:
    corners = np.array([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], np.float64)
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for transforms, expected in (
        ([], corners),
        ([HorizontalFlip(p=1)], [(WIDTH, 0), (0, 0), (0, HEIGHT), (WIDTH, HEIGHT)]),
        ([Transpose(p=1)], corners[:, ::-1]),
        ([Resize(HEIGHT * 2, WIDTH // 2)], corners * (0.5, 2)),
        ([Pad(1, 2, 3, 4)], corners + np.array((4, 1))),
        ([Rescale(1 / 255), Normalize(0.5, 0.5)], corners),
    ):
        found = Policy(transforms)(image=image).map
        assert np.abs(found(corners) - expected).max() < 1e-12
        assert found(corners).dtype == np.float64
        assert np.abs(found.inverse(expected) - corners).max() < 1e-12


def test_points_of_any_form() -> None:
    found = Policy([Rotate((30, 30)), Perspective((0.2, 0.2))])(image=np.zeros((HEIGHT, WIDTH), np.uint8), seed=1).map
    points = np.random.default_rng(0).uniform(0, 90, (3, 4, 2))
    moved = found(points)
    assert moved.shape == (3, 4, 2)
    assert np.array_equal(found(points[0].tolist()), moved[0])
    assert np.array_equal(found(points[0, 0]), moved[0, 0])
    assert np.array_equal(found(points[0].astype(np.float32)), found(points[0].astype(np.float32).astype(np.float64)))
    assert found(np.empty((0, 2))).shape == found([]).shape == (0, 2)
    homogeneous = np.append(points[0], np.ones((4, 1)), axis=1) @ found.matrix.T
    assert np.abs(homogeneous[:, :2] / homogeneous[:, 2:] - moved[0]).max() < 1e-9
    for wrong in ([1, 2, 3], 5, "points", [[1, 2, 3]], None, {"x": 1}):
        with pytest.raises(InputError, match=r"points.*give an array \(n, 2\)"):
            found(wrong)


def test_what_lies_behind_the_viewer_is_nan() -> None:
    found = vary.Map([((1, 0, 0, 0, 1, 0, 0, 0, 1), 10, 10), ((1, 0, 0, 0, 1, 0, -0.1, 0, 1), 10, 10)])
    assert np.isnan(found.inverse([(20, 5)])).all()
    assert np.array_equal(found.inverse([(5, 5)]), [(10, 10)])


def test_samples_behave_as_named_tuples_and_by_key() -> None:
    image, mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8), np.zeros((HEIGHT, WIDTH), np.uint8)
    policy = Policy([Rotate(30)])
    sample = policy(image=image, mask=mask, seed=1)
    first, second = sample
    assert first is sample.image is sample["image"] is sample[0]
    assert second is sample.mask is sample["mask"] is dict(sample)["mask"]
    assert {**sample}.keys() == {"image", "mask"}
    assert sample._replace(mask=1).image is first
    assert sample._replace(mask=1).map is sample.map
    for again in (pickle.loads(pickle.dumps(sample)), copy.copy(sample), copy.deepcopy(sample)):
        assert type(again) is type(sample)
        assert np.array_equal(again.image, sample.image)
        assert np.array_equal(again.map.matrix, sample.map.matrix)
    rebuilt = type(sample)(*(array + 1 for array in sample))
    assert rebuilt.fields == ("image", "mask")
    for wrong, says in (("map", "made from arrays alone"), ("masks", "it has image, mask")):
        with pytest.raises(AttributeError, match=says):
            getattr(rebuilt, wrong)
    with pytest.raises(KeyError, match="boxes"):
        sample["boxes"]
    assert repr(sample) == "Sample(image uint8 (90, 120, 3), mask uint8 (90, 120))"


def test_an_image_by_name_makes_a_sample() -> None:
    image, policy = np.zeros((HEIGHT, WIDTH, 3), np.uint8), Policy([Rotate(30)])
    alone = policy(image=image, seed=1)
    assert isinstance(alone, vary.Sample)
    assert len(alone) == len(policy(image, mask=None, seed=1)) == 1
    assert isinstance(policy(image, seed=1), np.ndarray)
    with pytest.raises(AttributeError, match="no 'mask'; it has image"):
        alone.mask  # noqa: B018
    batch: Any = policy.batch([image], masks=[image[..., 0]])
    with pytest.raises(AttributeError, match=r"sample.maps\[0\]"):
        batch.map  # noqa: B018
