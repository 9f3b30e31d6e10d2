"""`ImageDataGenerator` itself: signature, attributes, statistics and policy."""

import inspect
import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
from keras_images.original import original, quietly
from keras_images.pictures import folder_of_pictures, random_images

import vary
from vary.keras import ImageDataGenerator, PairIterator, TrapWarning
from vary.keras.parameters import Parameters


def test_signatures_are_the_originals_with_more_keywords() -> None:
    for name in ("flow", "flow_from_directory", "get_random_transform", "apply_transform", "standardize", "fit"):
        ours, theirs = (
            inspect.signature(getattr(kind, name)).parameters
            for kind in (ImageDataGenerator, original().ImageDataGenerator)
        )
        for key, one in theirs.items():
            assert key in ours, (name, key)
            assert ours[key].default == one.default, (name, key)
    ours = inspect.signature(ImageDataGenerator).parameters
    theirs = inspect.signature(original().ImageDataGenerator).parameters
    assert [*theirs] == [key for key in ours if key != "compat"]


def test_parameters_are_attributes() -> None:
    first = ImageDataGenerator(zoom_range=0.2, rotation_range=3, data_format="channels_first", validation_split=0.1)
    assert first.zoom_range == [0.8, 1.2]
    assert first.parameters == Parameters(
        zoom_range=[0.8, 1.2], rotation_range=3, data_format="channels_first", validation_split=0.1
    )
    assert (first.channel_axis, first.row_axis, first.col_axis) == (1, 2, 3)
    last = ImageDataGenerator(True, compat="1.1.2")
    assert (last.channel_axis, last.row_axis, last.col_axis) == (3, 1, 2)
    assert (last.featurewise_center, last.mean, last.std, last.principal_components) == (True, None, None, None)
    assert pickle.loads(pickle.dumps(first)).parameters == first.parameters


@pytest.mark.parametrize(
    ("args", "given", "said"),
    [
        ((), {"rotaton_range": 3}, "rotation_range"),
        ((True,), {"featurewise_center": True}, "twice"),
        ((0,) * 24, {}, "24 were given"),
    ],
)
def test_unknown_arguments_are_type_errors(args: tuple[Any, ...], given: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        ImageDataGenerator(*args, **given)


def test_fit_finds_the_moments_of_what_is_normalised_later() -> None:
    x = random_images(70, (9, 8, 3)).astype(float) + 1e4  # far from 0: sums of squares would lose digits
    for given in ({}, {"rescale": 0.01}, {"preprocessing_function": np.sqrt}, {"data_format": "channels_first"}):
        data = np.moveaxis(x, 3, 1) if "data_format" in given else x
        generator = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True, **given)  # type: ignore[arg-type]
        generator.fit(data)
        batch = generator.flow(data, batch_size=70)[0]
        axes = (0, 2, 3) if "data_format" in given else (0, 1, 2)
        assert generator.mean.shape == ((3, 1, 1) if "data_format" in given else (1, 1, 3))
        assert np.abs(batch.mean(axes)).max() < 1e-3
        assert np.abs(batch.std(axes) - 1).max() < 1e-3


def test_fit_augments_before_rescale() -> None:
    x = random_images(40, (9, 8, 3))
    generator = ImageDataGenerator(featurewise_center=True, rescale=1 / 255, brightness_range=(0.5, 0.5))
    generator.fit(x, augment=True, rounds=2, seed=1)
    assert np.allclose(generator.mean.ravel(), x.mean((0, 1, 2)) / 510, atol=1e-5)


def test_fit_reads_files_of_an_iterator(tmp_path: Any) -> None:
    root = folder_of_pictures(tmp_path, {"a": 5, "b": 4})
    generator = ImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True)
    generator.fit(generator.flow_from_directory(str(root), target_size=(20, 15)))
    batch, _ = ImageDataGenerator().flow_from_directory(str(root), target_size=(20, 15))[0]
    assert np.allclose(generator.mean.ravel(), batch.mean((0, 1, 2)), atol=1e-3)
    assert np.allclose(generator.std.ravel(), batch.std((0, 1, 2)), atol=1e-3)


@pytest.mark.parametrize("count", [300, 20])
def test_whitened_data_have_no_correlations(count: int) -> None:
    random = np.random.default_rng(0)
    x = random.normal(100, 20, (count, 6, 5, 3)) @ random.normal(0, 1, (3, 3))
    generator = ImageDataGenerator(featurewise_center=True, zca_whitening=True)
    generator.fit(x)
    white = generator.flow(x, batch_size=count)[0].reshape(count, -1)
    values = np.linalg.eigvalsh(white.T @ white / count)
    rank = min(count, 90)
    assert np.allclose(values[-rank:], 1, atol=1e-3)
    assert np.abs(values[:-rank]).max(initial=0) < 1e-3


def test_whitening_of_large_images_is_that_of_their_main_directions() -> None:
    random = np.random.default_rng(0)
    main = np.linalg.qr(random.normal(0, 1, (40 * 40 * 3, 5)))[0]
    x = random.normal(0, 1, (5000, 5)) * [900, 700, 500, 300, 200] @ main.T + random.normal(0, 20, (5000, 4800))
    generator = ImageDataGenerator(featurewise_center=True, zca_whitening=True)
    generator.fit(x.reshape(-1, 40, 40, 3).astype(np.float32), rank=5)
    found = generator.zca_whitening_matrix
    assert found.basis.shape == (4800, 5)
    white = generator.flow(x.reshape(-1, 40, 40, 3).astype(np.float32), batch_size=5000)[0].reshape(5000, -1)
    inside = white @ main
    assert np.allclose(inside.T @ inside / len(x), np.eye(5), atol=0.05)
    rest = white - inside @ main.T
    assert np.isclose(rest.var(), 1, atol=0.05)


@pytest.mark.parametrize("count", [300, 1200])
def test_memory_of_whitening_is_bounded(count: int) -> None:
    """It does not grow with the number of images; 80 MB are what these 300 take as float32."""
    x = np.random.default_rng(0).integers(0, 256, (count, 150, 150, 3), np.uint8)
    generator = ImageDataGenerator(featurewise_center=True, zca_whitening=True)
    tracemalloc.start()
    generator.fit(x, rank=16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert generator.zca_whitening_matrix.basis.shape == (150 * 150 * 3, 16)
    assert peak < 80e6


@pytest.mark.parametrize("different", [0, 1, 3])
def test_whitening_of_large_images_that_are_alike(different: int) -> None:
    """Directions without any variance are left out; what remains is finite."""
    x = np.full((5000, 40, 40, 3), 7, np.uint8)
    for one in range(different):
        x[one :: different + 1] = np.random.default_rng(one).integers(0, 256, (40, 40, 3))
    generator = ImageDataGenerator(featurewise_center=True, zca_whitening=True)
    generator.fit(x, rank=8)
    assert generator.zca_whitening_matrix.basis.shape[1] == (different and different + 1)  # and the mean image
    white = generator.flow(x, batch_size=500, shuffle=False)[0]
    assert np.isfinite(white).all()
    assert white.any() == bool(different)


def test_a_policy_has_the_same_ranges() -> None:
    generator = ImageDataGenerator(
        rescale=1 / 255, rotation_range=40, width_shift_range=0.2, height_shift_range=3, shear_range=11, zoom_range=0.2
    )
    policy = generator.to_policy((30, 40))
    assert [type(one) for one in policy.transforms] == [
        vary.Resize,
        vary.Rotate,
        vary.Translate,
        vary.Shear,
        vary.Zoom,
        vary.Rescale,
    ]
    assert policy.transforms[4].values() == {"x": (0.8333, 1.25), "y": (0.8333, 1.25)}
    assert policy.transforms[2] == vary.Translate(x=0.2, y=2 / 30)
    out = policy.batch(random_images(4, (30, 40, 3)), seed=0)
    assert out.shape == (4, 30, 40, 3)
    with pytest.raises(ValueError, match="height_shift_range=3 is in pixels"):
        generator.to_policy()
    for given, says in (
        ({"featurewise_center": True}, "call it before to_policy"),
        ({"interpolation_order": 3}, "splines"),
    ):
        with pytest.raises(vary.InputError, match=says):
            ImageDataGenerator(**given).to_policy()
    assert ImageDataGenerator(width_shift_range=0).to_policy() == vary.Policy([], value_range=255)


@pytest.mark.parametrize("size", [150, (150,), (150, 150, 3), (0, 5), ("a", "b")])
def test_the_size_of_a_policy_is_a_pair(size: Any) -> None:
    with pytest.raises(vary.InputError, match=r"target_size=.*\(height, width\)"):
        ImageDataGenerator(rescale=1 / 255).to_policy(size)


@pytest.mark.parametrize("name", ["random_transform", "apply_transform", "get_random_transform", "standardize"])
def test_no_policy_for_methods_of_a_users_class(name: str) -> None:
    own = type("Own", (ImageDataGenerator,), {name: lambda self, x: x})
    with pytest.raises(vary.InputError, match=f"Own.{name} is not that of ImageDataGenerator"):
        own().to_policy()
    assert type("Same", (ImageDataGenerator,), {})().to_policy() == ImageDataGenerator().to_policy()


def test_negative_ranges_of_old_versions_are_the_positive_ones() -> None:
    names = ("rotation_range", "shear_range", "width_shift_range", "height_shift_range")
    old = ImageDataGenerator(**dict.fromkeys(names, -0.5), compat="1.1.2")
    assert old.to_policy() == ImageDataGenerator(**dict.fromkeys(names, 0.5), compat="1.1.2").to_policy()


@pytest.mark.parametrize("name", ["width_shift_range", "height_shift_range"])
def test_a_policy_moves_to_the_listed_places(name: str) -> None:
    x = random_images(4, (30, 40, 3)).astype(np.float32)
    for shifts in ([0.25], [-0.25]):
        with pytest.warns(TrapWarning, match="list both"):
            generator = ImageDataGenerator(**{name: shifts})
        expected = generator.flow(x, batch_size=4, shuffle=False, seed=1)[0]
        assert np.abs(expected - x).max() > 50
        assert np.abs(generator.to_policy().batch(x, seed=0) - expected).max() < 1


@pytest.mark.parametrize(
    "given",
    [
        {"featurewise_center": True, "featurewise_std_normalization": True, "rescale": 1 / 255},
        {"featurewise_center": True},
        {"featurewise_center": True, "featurewise_std_normalization": True, "preprocessing_function": np.negative},
        {"featurewise_center": True, "zca_whitening": True, "rescale": 1 / 255},
        {"featurewise_center": True, "zca_whitening": True, "data_format": "channels_first"},
        {"preprocessing_function": np.negative, "samplewise_center": True},
        {},
    ],
)
def test_a_policy_standardizes_alike(given: dict[str, Any]) -> None:
    x = random_images(6, (12, 10, 3))
    generator = ImageDataGenerator(**given)
    first = given.get("data_format") == "channels_first"
    ours = np.moveaxis(x, -1, 1) if first else x
    generator.fit(ours)
    expected = np.stack([generator.standardize(one) for one in ours])
    expected = np.moveaxis(expected, 1, -1) if first else expected
    assert np.abs(generator.to_policy().batch(x, seed=0) - expected).max() < 1e-4 * np.abs(expected).max()


def test_pairs_move_alike() -> None:
    x = random_images(11, (24, 17, 3))
    masks = (x[..., :1] > 128).astype(np.uint8)
    generator = ImageDataGenerator(rotation_range=40, horizontal_flip=True, interpolation_order=0)
    pair = PairIterator(generator.flow(x, batch_size=4), generator.flow(masks, batch_size=4))
    for _ in range(2 * len(pair)):
        a, b = next(pair)
        assert ((a[..., :1] > 128) == b).all()
    a, b = pair[1]
    c, d = pickle.loads(pickle.dumps(pair))[1]
    assert (a == c).all()
    assert (b == d).all()
    assert b.any()


def test_old_pairs_are_those_of_zip() -> None:
    x = random_images(11, (24, 17, 3))
    given = {"rotation_range": 40, "horizontal_flip": True}
    old = quietly(original().ImageDataGenerator, **given)
    new = ImageDataGenerator(**given, compat="1.1.2")  # type: ignore[arg-type]
    expected = [quietly(next, zip(old.flow(x, seed=3), old.flow(x[..., :1], seed=3), strict=True))]
    found = [next(PairIterator(new.flow(x, seed=3), new.flow(x[..., :1], seed=3)))]
    for (a, b), (c, d) in zip(expected, found, strict=True):
        assert np.abs(a - c).max() < 0.03
        assert np.abs(b - d).max() < 0.03


def test_old_pairs_by_number_move_alike_in_every_epoch() -> None:
    x = random_images(11, (24, 17, 3))
    generator = ImageDataGenerator(rotation_range=40, compat="keras-2")
    pair = PairIterator(generator.flow(x, seed=3, batch_size=4), generator.flow(x, seed=3, batch_size=4))
    orders = []
    for _ in range(3):
        for k in range(len(pair)):
            a, b = pair[k]
            assert (a == b).all()
        orders.append(pair.images.index_array.tolist())  # type: ignore[union-attr]
        pair.on_epoch_end()
    assert len({tuple(order) for order in orders}) == 3
    first = next(pair)
    pair.reset()
    assert (pair.images.batch_index, pair.masks.batch_index) == (0, 0)
    assert len(first[0]) == 4


def test_old_pairs_need_what_draws_alike() -> None:
    x = random_images(11, (24, 17, 3))
    old = ImageDataGenerator(rotation_range=40, compat="keras-2")
    for other in ({"seed": 2}, {"seed": 1, "batch_size": 4}, {"seed": 1, "shuffle": False}):
        with pytest.raises(vary.InputError, match="same seed, batch_size and shuffle"):
            PairIterator(old.flow(x, seed=1), old.flow(x, **other))
    with pytest.raises(vary.InputError, match="seed=None"):
        PairIterator(old.flow(x), old.flow(x))


def test_unequal_pairs_are_errors_and_traps() -> None:
    x = random_images(5, (8, 8, 3))
    turn, still = ImageDataGenerator(rotation_range=40), ImageDataGenerator()
    with pytest.raises(ValueError, match="5 images"):
        PairIterator(still.flow(x), still.flow(x[:4]))
    with pytest.raises(ValueError, match="given a list"):
        PairIterator(still.flow(x), [x])  # type: ignore[arg-type]
    with pytest.warns(TrapWarning, match="differ in rotation_range"):
        PairIterator(turn.flow(x), still.flow(x))
    with pytest.warns(TrapWarning, match="interpolation_order=0"):
        PairIterator(turn.flow(x), turn.flow(x))
    with pytest.raises(ValueError, match="images alone"):
        next(PairIterator(still.flow(x), still.flow(x, np.arange(5))))
