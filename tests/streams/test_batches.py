"""A batch is f(source, policy, seed, epoch, positions): what it holds, and what it does not depend on."""

import copy
import itertools
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.codecs.decode import read_image
from vary.errors import InputError
from vary.policy import Policy
from vary.rng import permutation
from vary.sources import Arrays, Encoded, Folder, Item
from vary.streams import Batch, Stream, stream
from vary.transforms import HorizontalFlip, Lambda, Normalize, Rescale, Resize, Rotate


def epoch_of(source: object, policy: Policy, **options: Any) -> dict[int, np.ndarray]:
    """index -> picture, over one epoch."""
    found: dict[int, np.ndarray] = {}
    for batch in stream(source, policy, **options):
        assert len(batch[0]) == len(batch.indices)
        found |= zip(batch.indices.tolist(), batch[0], strict=True)
    return found


def same(one: dict[int, np.ndarray], other: dict[int, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[i], other[i]) for i in one)


def test_a_picture_is_what_the_policy_makes_of_it(images: np.ndarray, policy: Policy) -> None:
    train = stream(images, policy, batch_size=5, seed=7)
    for epoch in range(2):
        place = 0
        for batch in train:
            expected = permutation(23, 7, epoch)[place : place + 5]
            assert np.array_equal(batch.indices, expected)
            assert batch.epoch == epoch
            assert batch.paths is None
            whole = policy.batch(images[expected], seed=7, epoch=epoch, indices=expected)
            assert np.array_equal(batch[0], whole)
            one = policy(images[expected[0]], seed=7, epoch=epoch, index=int(expected[0]))
            assert np.array_equal(batch[0][0], one)
            place += len(expected)
        assert place == 23


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_files_and_arrays_give_the_same_bytes(folder: Path, channels: int) -> None:
    policy = Policy([Rotate(20), Resize(12, 10), *([Normalize()] if channels == 3 else [])])
    source = Folder(folder)
    arrays = [read_image(source.path(index), channels) for index in range(len(source))]
    options: dict[str, Any] = {"seed": 3, "batch_size": 4, "layout": "NCHW"}
    files = epoch_of(folder, policy, channels=channels, full_decode=True, **options)
    assert same(files, epoch_of(arrays, policy, **options))
    assert files[0].shape == (channels, 12, 10)
    if channels == 3:
        assert not same(files, epoch_of(folder, policy, channels=channels, **options)), "nothing was decoded smaller"


def test_threads_batch_size_prefetch_and_shuffle_change_no_picture(
    folder: Path, images: np.ndarray, policy: Policy
) -> None:
    for source in (folder, images):
        expected = epoch_of(source, policy, seed=1, threads=1, prefetch=0)
        assert len(expected) == len(stream(source, policy).source)
        for threads, batch_size, prefetch, shuffle in itertools.product((1, 3), (1, 4, 64), (0, 1, 5), (True, False)):
            options = {"threads": threads, "batch_size": batch_size, "prefetch": prefetch, "shuffle": shuffle}
            assert same(expected, epoch_of(source, policy, seed=1, **options)), options
        assert not same(expected, epoch_of(source, policy, seed=2))


def test_user_functions_see_their_own_draws(images: np.ndarray) -> None:
    def noisy(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return image + rng.integers(0, 9, image.shape, np.uint8)

    policy = Policy([HorizontalFlip(p=0.5), Lambda(noisy)])
    found = epoch_of(images, policy, seed=5, batch_size=4)
    whole = policy.batch(images, seed=5)
    assert all(np.array_equal(found[index], whole[index]) for index in range(23))


def test_a_folder_gives_labels_and_paths(folder: Path, policy: Policy) -> None:
    train = stream(folder, policy, batch_size=5)
    assert train.classes == ["cat", "dog"]
    assert train.fields == ("images", "labels")
    assert len(train) == 5
    sizes = []
    for batch in train:
        images, labels = batch
        sizes.append(len(images))
        assert labels.dtype == np.int64
        assert batch.indices.dtype == np.int64
        assert batch.paths == [train.source.path(index) for index in batch.indices]
        assert [Path(path).parent.name for path in batch.paths] == [train.classes[label] for label in labels]
    assert sizes == [5, 5, 5, 5, 2]


def test_fields_come_in_the_order_of_the_source(images: np.ndarray, policy: Policy) -> None:
    ages, tags = np.linspace(1, 9, 23), np.eye(23, 4, dtype=bool)
    for _, age, tag in (train := stream(images, policy, labels={"age": ages, "tags": tags}, batch_size=23)):
        assert train.fields == ("images", "age", "tags")
        assert age.dtype == np.float32
        assert tag.dtype == np.uint8
        assert np.array_equal(age, ages.astype(np.float32)[permutation(23, 0, 0)])
    (pictures,) = next(iter(stream(images, policy)))
    assert pictures.shape == (23, 24, 20, 3)
    (pair,) = list(stream((images, ages), policy, batch_size=30))
    assert len(pair) == 2


def test_fields_have_names(images: np.ndarray, policy: Policy) -> None:
    batch = next(iter(stream(images, policy, labels={"age": np.arange(23), "count": np.arange(23)})))
    assert isinstance(batch, tuple)
    assert batch.images is batch[0]
    assert batch.age is batch[1]
    assert batch.fields == ("images", "age", "count")
    assert {*batch.fields, "paths"} <= {*dir(batch)}
    assert callable(batch.count), "a tuple stays a tuple"
    with pytest.raises(AttributeError, match=r"no 'shape'; its fields are images, age, count, as in batch\.images"):
        _ = batch.shape
    copies = [copy.copy(batch), copy.deepcopy(batch), *(pickle.loads(pickle.dumps(batch, n)) for n in range(6))]
    for again in copies:
        assert np.array_equal(again.age, batch.age)
        assert again.fields == batch.fields


def test_dtype_and_layout(images: np.ndarray, policy: Policy) -> None:
    scaled = Policy([*policy.transforms, Rescale(1 / 255)])

    def kind(policy: Policy, **options: Any) -> tuple[str, tuple[int, ...]]:
        batch = next(iter(stream(images, policy, batch_size=2, **options)))[0]
        return batch.dtype.name, batch.shape

    assert kind(policy) == ("uint8", (2, 24, 20, 3))
    assert kind(scaled) == ("float32", (2, 24, 20, 3))
    assert kind(policy, dtype=np.float32, layout="NCHW") == ("float32", (2, 3, 24, 20))


def test_drop_last_and_batches_of_one(images: np.ndarray, policy: Policy) -> None:
    dropped = stream(images, policy, batch_size=5, drop_last=True)
    assert [len(batch.indices) for batch in dropped] == [5, 5, 5, 5]
    assert len(dropped) == 4
    assert len(list(stream(images, policy, batch_size=1))) == 23
    assert len(list(stream(images, policy, batch_size=23, drop_last=True))) == 1


def test_the_error_for_different_sizes_names_the_cure(folder: Path) -> None:
    with pytest.raises(InputError, match=r"put Resize\(height, width\) into the policy"):
        next(iter(stream(folder, Policy([HorizontalFlip()]))))
    assert len(list(stream(folder, Policy([HorizontalFlip()]), batch_size=1))) == 22


class Odd:
    """Someone else's source: encoded pictures in memory, then whatever it was given."""

    fields = ("images",)
    classes = None

    def __init__(self, *images: object) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Item:
        return Item(self.images[index])  # type: ignore[arg-type]

    def path(self, index: int) -> None:  # noqa: ARG002
        return None

    def label_batch(self, indices: object) -> tuple[np.ndarray, ...]:  # noqa: ARG002
        return ()


def test_any_object_with_the_methods_is_a_source(folder: Path, policy: Policy) -> None:
    jpeg, png = (Encoded((folder / "dog" / name).read_bytes()) for name in ("00.jpg", "10.png"))
    array = read_image(png.data)
    whole = epoch_of(Odd(jpeg, png, array), policy, full_decode=True)
    assert same(whole, epoch_of([read_image(jpeg.data), array, array], policy))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (np.zeros((4, 4), np.uint8), "sample 1 is uint8 .* sample 0 was uint8 with 3 channels; make them one kind"),
        (np.zeros((4, 4, 3), np.float32), "sample 1 is float32 of shape .*sample 0 was uint8"),
        (np.zeros((4, 4, 3), ">f4"), "sample 1 is >f4, in the other byte order; give image.astype"),
        (np.zeros((4, 4, 2), np.uint8), r"sample 1 is uint8 of shape \(4, 4, 2\), sample 0 was uint8 with 3 channels"),
        (np.zeros((0, 4, 3), np.uint8), r"sample 1 has shape \(0, 4, 3\)"),
        ("picture.jpg", "sample 1 is a str; give NumPy arrays or vary.sources.Encoded"),
    ],
)
def test_a_picture_of_another_kind_is_named(policy: Policy, wrong: object, says: str) -> None:
    source = Odd(np.zeros((4, 4, 3), np.uint8), wrong)
    with pytest.raises(InputError, match=says):
        next(iter(stream(source, policy, shuffle=False)))


def test_arrays_handed_in_are_unchanged(images: np.ndarray) -> None:
    def scribble(image: np.ndarray) -> np.ndarray:
        image[:] = 255 - image
        return image

    before = images.copy()
    list(stream(images, Policy([Lambda(scribble)])))
    assert np.array_equal(images, before)
    assert images.flags.writeable


def test_streams_and_batches_pickle(folder: Path, images: np.ndarray, policy: Policy) -> None:
    for source in (folder, Arrays(images, np.arange(23))):
        train = stream(source, policy, seed=4, batch_size=6, shuffle=False)
        train.set_epoch(3)
        next(iter(train))
        again: Stream = pickle.loads(pickle.dumps(train))
        assert again.epoch == 4
        for one, other in zip(train, again, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
            twin: Batch = pickle.loads(pickle.dumps(one))
            assert isinstance(twin, Batch)
            assert (twin.epoch, twin.paths) == (one.epoch, one.paths)
            assert one.paths is None or other.paths == one.paths
            assert np.array_equal(twin.indices, one.indices)
            assert np.array_equal(twin[0], one[0])


def test_real_pets(pictures_root: Path) -> None:
    root = pictures_root / "cats_dogs" / "val"
    before = [(path, path.stat().st_mtime_ns) for path in sorted(root.rglob("*"))]
    policy = Policy([Rotate(40), HorizontalFlip(p=0.5), Resize(64, 64), Rescale(1 / 255)])
    train = stream(root, policy, seed=7, batch_size=16, full_decode=True)
    assert (train.classes, len(train)) == (["cat", "dog"], 4)
    for batch in train:
        images, labels = batch
        assert images.dtype == np.float32
        assert 0 <= images.min() < images.max() <= 1
        assert [Path(path).parent.name for path in batch.paths or ()] == [("cat", "dog")[label] for label in labels]
        pictures = [read_image(path) for path in batch.paths or ()]
        assert np.array_equal(images, policy.batch(pictures, seed=7, indices=batch.indices))
    assert train.report().images == 49
    assert [(path, path.stat().st_mtime_ns) for path in sorted(root.rglob("*"))] == before


def test_parts_of_one_array_are_not_asked_for_one_by_one(
    images: np.ndarray, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = np.arange(len(images))
    expected = [
        array.tobytes() for batch in stream(list(images), policy, labels=labels, batch_size=5) for array in batch
    ]
    train = stream((images, labels), policy, batch_size=5)

    def never(*_: object) -> Any:
        raise AssertionError("asked for one picture")

    monkeypatch.setattr(Arrays, "__getitem__", never)
    assert [array.tobytes() for batch in train for array in batch] == expected


def test_a_source_around_another_gives_its_own_pictures(numbered: np.ndarray) -> None:
    class Subset:
        """Says of the other whatever it does not say itself."""

        def __init__(self, source: Arrays, keep: list[int]) -> None:
            self.inner, self.keep = source, keep

        def __getattr__(self, name: str) -> Any:
            return getattr(self.__dict__["inner"], name)

        def __len__(self) -> int:
            return len(self.keep)

        def __getitem__(self, index: int) -> Item:
            return self.inner[self.keep[index]]

        def label_batch(self, indices: Any) -> Any:
            return self.inner.label_batch([self.keep[index] for index in indices])

    source = Subset(Arrays(numbered, np.arange(10)), [9, 8, 7, 6])
    ((images, labels),) = stream(source, Policy([]), shuffle=False)
    assert images[:, 0, 0, 0].tolist() == labels.tolist() == [9, 8, 7, 6]


def test_paths_are_those_of_the_batch_as_it_was(folder: Path, policy: Policy) -> None:
    first, same = (next(iter(stream(folder, policy, batch_size=4))) for _ in range(2))
    first.indices += 4
    first.note = "mine"
    again = copy.copy(first)
    assert (again.paths, again.note) == (same.paths, "mine")
    first.paths = ["elsewhere"]
    assert first.paths == ["elsewhere"]
