"""Arrays: items are views of the given arrays; labels have the dtypes that training needs."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError, SourceError
from vary.sources import Arrays, Item

IMAGES = np.arange(4 * 6 * 5 * 3, dtype=np.uint8).reshape(4, 6, 5, 3)


def pixels(source: Arrays, index: int) -> np.ndarray:
    image = source[index].image
    assert isinstance(image, np.ndarray)
    return image


@pytest.mark.parametrize("images", [IMAGES, IMAGES[..., 0], IMAGES[::-1, ::2], IMAGES.astype(np.float32)])
def test_an_array_is_read_through_views(images: np.ndarray) -> None:
    source = Arrays(images)
    assert len(source) == 4
    assert source.fields == ("images",)
    assert source.classes is None
    for index in range(4):
        assert np.shares_memory(pixels(source, index), images)
        assert (pixels(source, index) == images[index]).all()
        assert source[index].labels == ()
        assert source.path(index) is None
    assert source.label_batch([0, 1]) == ()


def test_pictures_of_mixed_sizes() -> None:
    images = [np.zeros((4, 5, 3), np.uint8), np.zeros((2, 7), np.uint8), np.zeros((3, 3, 4), np.uint8)]
    source = Arrays(images)
    assert [pixels(source, index).shape for index in range(3)] == [(4, 5, 3), (2, 7), (3, 3, 4)]
    assert all(np.shares_memory(pixels(source, index), image) for index, image in enumerate(images))
    assert len(Arrays(np.array([*images, None], object)[:3])) == 3


def test_items_are_read_only() -> None:
    images = [IMAGES[0].copy(), IMAGES[1].copy()]
    with pytest.raises(ValueError, match="read-only"):
        pixels(Arrays(images), 1)[0, 0, 0] = 1
    assert images[1].flags.writeable


def test_pictures_of_one_array_come_at_once() -> None:
    images = np.random.default_rng(2).integers(0, 256, (5, 4, 6, 3), np.uint8)
    whole = Arrays(images).whole
    assert whole is not None
    assert np.may_share_memory(whole, images)
    assert np.array_equal(whole, images)
    assert not whole.flags.writeable
    assert images.flags.writeable
    assert Arrays(list(images)).whole is None, "perhaps of several sizes"

    class Other(Arrays):
        def __getitem__(self, index: int) -> Item:
            return Item(super().__getitem__(index).image[::-1])  # type: ignore[index]

    assert Other(images).whole is None


def test_a_memory_map_stays_one(tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    np.save(path, IMAGES)
    before = path.read_bytes(), path.stat().st_mtime_ns
    mapped = np.load(path, mmap_mode="r")
    image = pixels(Arrays(mapped), 2)
    assert type(image) is np.ndarray
    assert np.shares_memory(image, mapped)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        ([3, 1, 2, 0], np.int64),
        (np.array([3, 1, 2, 0], np.uint8), np.int64),
        ([True, False, True, True], np.int64),
        ([0.5, 1.5, 2.0, 3.0], np.float32),
        (np.eye(4), np.float32),
        (np.eye(4, dtype=bool), np.uint8),
        (np.eye(4, dtype=np.int64), np.int64),
        (np.eye(4, dtype=np.int8), np.int8),
        (np.eye(4, dtype=np.uint8), np.uint8),
        (np.arange(8).reshape(4, 2), np.int64),
        (np.zeros((4, 6, 5), np.int16), np.int16),
        (np.zeros((4, 6, 5)), np.float32),
        (np.array([1, 2, 3, 0], object), np.int64),
        (np.array([[1, 2.5], [3, 0], [1, 1], [0, 0]], object), np.float32),
    ],
)
def test_labels(labels: Any, dtype: Any) -> None:
    source = Arrays(IMAGES, labels)
    assert source.fields == ("images", "labels")
    (column,) = source.label_batch(np.array([2, 0]))
    assert column.dtype == dtype
    assert len(column) == 2
    for place, index in enumerate((2, 0)):
        (label,) = source[index].labels
        assert np.array_equal(np.asarray(label), np.asarray(labels[index]))
        assert np.array_equal(np.asarray(column[place]), np.asarray(labels[index]))


def test_several_fields() -> None:
    source = Arrays(IMAGES, {"age": [1.0, 2.0, 3.0, 4.0], "breed": [7, 8, 9, 7]}, classes=["a", "b"])
    assert source.fields == ("images", "age", "breed")
    assert source.classes == ["a", "b"]
    age, breed = source.label_batch([3])
    assert (age.dtype, breed.dtype) == (np.float32, np.int64)
    assert source[1].labels == (2.0, 8)


def test_it_pickles() -> None:
    source = pickle.loads(pickle.dumps(Arrays(IMAGES, [1, 2, 3, 4])))
    assert (pixels(source, 3) == IMAGES[3]).all()
    assert source[3].labels == (4,)


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (IMAGES, [1, 2, 3], "4 images but 3 labels"),
        (IMAGES, {"age": [1, 2]}, "4 images but 2 age"),
        (IMAGES, {"images": [1, 2, 3, 4]}, "the field of pictures has this name"),
        (IMAGES, 3, "one label for every picture"),
        (IMAGES, np.full(4, 2**63, np.uint64), str(2**63)),
        (IMAGES[0, 0], None, "single picture"),
        (IMAGES[:0], None, "empty"),
        ([], None, "empty"),
        (["cat.jpg"], None, r"images\[0\] is of type str, not a NumPy array; vary\.read_image\(path\) makes one"),
        ([IMAGES[0], [[1]]], None, r"images\[1\] is of type list, .*; numpy\.asarray\(image\) makes one"),
        ([IMAGES[0], IMAGES], None, r"images\[1\] has shape \(4, 6, 5, 3\)"),
        (7, None, "images is a int"),
        (np.zeros((2, 3, 32, 32), np.uint8), None, "channels last"),
        (np.zeros((2, 0, 5, 3), np.uint8), None, "no pixel"),
        (np.zeros((2, 4, 5, 3), complex), None, "complex128"),
    ],
)
def test_mistakes_are_named(images: Any, labels: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Arrays(images, labels)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_memory_map_pickles_as_its_file(tmp_path: Path, order: Any) -> None:
    path = tmp_path / "images.npy"
    np.save(path, np.asarray(np.arange(40 * 8 * 8 * 3).reshape(40, 8, 8, 3) % 251, np.uint8, order=order))
    for mode, small in (("r", True), ("r+", True), ("c", False)):  # what is written to the last one is in no file
        whole = np.load(path, mmap_mode=mode)
        if mode == "c":
            whole[3] = 7
        data = pickle.dumps(Arrays(whole, np.arange(40)))
        assert (len(data) < 1500) == small
        copy = pickle.loads(data)
        assert np.array_equal(copy._images, whole)
        assert np.array_equal(copy.label_batch([3, 5])[0], [3, 5])
        part = pickle.loads(pickle.dumps(Arrays(whole[5:20])))
        assert np.array_equal(part._images, whole[5:20])


def test_a_memory_map_of_another_file_is_no_copy(tmp_path: Path) -> None:
    path, other = tmp_path / "images.npy", tmp_path / "other.npy"
    for file in (path, other):
        np.save(file, np.full((4, 8, 8, 3), len(file.name), np.uint8))
    source = Arrays(np.load(path, mmap_mode="r"))
    other.replace(path)
    data = pickle.dumps(source)
    with pytest.raises(SourceError, match=r"images\.npy: is another file than when its memory map was pickled"):
        pickle.loads(data)


def test_a_memory_map_of_a_deleted_file_goes_as_its_values(tmp_path: Path) -> None:
    path = tmp_path / "images.npy"
    np.save(path, np.arange(4 * 8 * 8 * 3, dtype=np.uint8).reshape(4, 8, 8, 3))
    images = np.load(path, mmap_mode="r")
    path.unlink()
    source = Arrays(images)
    assert np.array_equal(pickle.loads(pickle.dumps(source))._images, images)
