"""One picture instead of several, and several instead of one, are errors that name the cure."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary

POLICY = vary.Policy([vary.Resize(8, 8)])


def photo(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def stream(images: Any) -> np.ndarray:
    made: np.ndarray = next(iter(vary.stream(images, POLICY, shuffle=False)))[0]
    return made


def batch(images: Any) -> np.ndarray:
    return POLICY.batch(images, seed=0)


def one(image: Any) -> np.ndarray:
    return POLICY(image, seed=0)


RGB, GREY = photo(20, 30, 3), photo(20, 30)
BATCH = "images[None]"
LIST = "[first, second]"
CASES: list[tuple[str, Callable[[Any], Any], Any, tuple[str, ...]]] = [
    *(
        (f"{name} to {take.__name__}", take, picture, (BATCH, LIST, f"pictures of {picture.shape[1]} x"))
        for name, picture in (("RGB", RGB), ("RGBA", photo(9, 7, 4)), ("grey with its axis", photo(20, 30, 1)))
        for take in (stream, vary.Arrays, batch)
    ),
    ("float", batch, RGB.astype(np.float32), (BATCH,)),
    ("a tuple of two colour pictures", stream, (RGB, RGB), ("(images, labels)", LIST)),
    ("of two sizes", stream, (RGB, photo(9, 8, 3)), ("(images, labels)", LIST)),
    ("a tuple of two grey pictures", stream, (GREY, GREY), ("(images, labels)", LIST)),
    ("a tuple of three", stream, (RGB, RGB, RGB), ("a list of pictures",)),
    ("a picture and its label", stream, (RGB, 1), (BATCH,)),
    ("a picture and a list of its label", stream, (RGB, [1]), (BATCH,)),
    *((f"rows to {take.__name__}", take, list(RGB), ("the rows of", LIST)) for take in (stream, vary.Arrays, batch)),
    ("a tuple of rows", batch, tuple(RGB), ("the rows of",)),
    ("a grey picture", stream, GREY, (BATCH,)),
    ("a grey picture", batch, GREY, (BATCH,)),
    ("Pillow", stream, Image.fromarray(RGB), ("[numpy.asarray(image)]",)),
    ("Pillow", vary.Arrays, Image.fromarray(RGB), ("[numpy.asarray(image)]",)),
    ("Pillow", batch, Image.fromarray(RGB), ("[numpy.asarray(image)]",)),
    ("two of Pillow", stream, (Image.fromarray(RGB), Image.fromarray(RGB)), ("numpy.asarray(image)",)),
    ("a path", batch, "cat.jpg", ("[vary.read_image(path)]",)),
    ("nothing", batch, None, ("NoneType", "give a list")),
    ("a number", batch, 3, ("give a list",)),
    ("bytes", batch, b"\x00\x01", ("give a list",)),
    ("a mapping", batch, {"images": photo(2, 9, 9, 3)}, ("give a list",)),
    ("channels first, many", batch, photo(2, 3, 20, 30), ("np.moveaxis",)),
    ("channels first", one, photo(3, 20, 30), ("np.moveaxis(image, 0, -1)",)),
    ("a batch", one, photo(2, 20, 30, 3), ("batch(images)",)),
    ("a list", one, [RGB, RGB], ("batch(images)",)),
    ("a tuple", one, (RGB, RGB), ("batch(images)",)),
]


@pytest.mark.parametrize(("take", "given", "words"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_picture_instead_of_several_is_refused_with_the_cure(
    take: Callable[[Any], Any], given: Any, words: tuple[str, ...]
) -> None:
    with pytest.raises(vary.InputError) as caught:
        take(given)
    said = str(caught.value)
    assert all(word in said for word in words), said
    assert len(said) < 2000


@pytest.mark.parametrize(
    ("given", "shape"),
    [
        (RGB[None], (1, 8, 8, 3)),
        ([RGB, RGB], (2, 8, 8, 3)),
        (RGB[..., None], (20, 8, 8, 1)),
        (photo(20, 30, 5), (20, 8, 8, 1)),
        (photo(7, 28, 28), (7, 8, 8, 1)),
        (photo(2, 30, 3), (2, 8, 8, 1)),
        ([GREY, GREY], (2, 8, 8, 1)),
        ([photo(30, 3)], (1, 8, 8, 1)),
        ([photo(30, 3), photo(20, 4)], (2, 8, 8, 1)),
    ],
    ids=str,
)
def test_the_cures_and_grey_stacks_work(given: Any, shape: tuple[int, ...]) -> None:
    assert stream(given).shape == shape
    assert (stream(given) == batch(given)).all()


def test_masks_are_labels() -> None:
    """Two arrays of many grey pictures are images and labels."""
    with pytest.warns(vary.ValueWarning, match="as masks are: labels come out as they are and do not follow"):
        train = vary.stream((photo(6, 9, 9), photo(6, 9, 9)), POLICY)
    images, masks = next(iter(train))
    assert (images.shape, masks.shape) == ((6, 8, 8, 1), (6, 9, 9))
