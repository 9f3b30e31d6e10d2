"""Subsets of every source: which samples they hold, and errors for selections without samples."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vary.errors import InputError
from vary.sources import Arrays, Files, Folder, Indexed, Item, Source, Subset, subset

N = 12
IMAGES = np.arange(N, dtype=np.uint8)[:, None, None, None].repeat(4, 1).repeat(5, 2).repeat(3, 3)
LABELS = np.arange(N) % 3


class Plain:
    """A source without a base class."""

    fields = ("images", "labels")

    def __len__(self) -> int:
        return N

    def __getitem__(self, index: int) -> Item:
        return Item(IMAGES[index], (index % 3,))


class Own(Source):
    fields = ("images", "labels")
    classes = ["a", "b", "c"]  # noqa: RUF012

    def __len__(self) -> int:
        return N

    def item(self, index: int) -> Item:
        return Item(IMAGES[index], (index % 3,))

    def label_batch(self, indices: Any) -> tuple[np.ndarray, ...]:
        return (np.asarray(indices) % 3,)


@pytest.fixture(params=["arrays", "list", "folder", "listing", "files", "own", "plain"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Twelve samples; every value of the n-th is n, in files nearly."""
    if request.param in ("arrays", "list"):
        return Arrays(IMAGES if request.param == "arrays" else list(IMAGES), LABELS, classes=["a", "b", "c"])
    if request.param in ("own", "plain"):
        return Own() if request.param == "own" else Plain()
    paths = [tmp_path / "data" / "abc"[n // 4] / f"{n:02}.png" for n in range(N)]
    for image, path in zip(IMAGES, paths, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    if request.param == "files":
        return Files(paths, LABELS)
    return Folder(tmp_path / "data", listing=tmp_path / "names" if request.param == "listing" else None)


def taken(source: Any, which: Any) -> Subset:
    return subset(source, which) if isinstance(source, Plain) else source[which]


def same(one: Item, other: Item) -> bool:
    if isinstance(one.image, np.ndarray):
        return np.array_equal(one.image, other.image) and one.labels == other.labels
    return one == other


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (slice(2, 5), [2, 3, 4]),
        (slice(None, None, 5), [0, 5, 10]),
        (slice(-5, None), [7, 8, 9, 10, 11]),
        (slice(None, None, -4), [11, 7, 3]),
        (slice(7, 400), [7, 8, 9, 10, 11]),
        ([7, 2, -1], [7, 2, 11]),
        (np.array([7, 2], np.uint8), [7, 2]),
        (range(1, 12, 5), [1, 6, 11]),
        (np.arange(N) % 5 == 0, [0, 5, 10]),
        ([n % 5 == 0 for n in range(N)], [0, 5, 10]),
        (..., list(range(N))),
    ],
    ids=str,
)
def test_which_samples(source: Any, which: Any, expected: list[int]) -> None:
    part = taken(source, which)
    whole: Indexed = part.parent
    assert isinstance(part, Subset)
    assert len(part) == len(expected)
    assert part.numbers.tolist() == expected
    assert (part.fields, part.classes) == (whole.fields, whole.classes)
    for place, number in enumerate(expected):
        assert same(part[place], source[number])
        assert part.path(place) == whole.path(number)
    places = list(range(len(expected)))[::-1]
    columns = zip(part.label_batch(places), whole.label_batch(np.array(expected)[::-1]), strict=True)
    assert all(one.tolist() == other.tolist() for one, other in columns)
    if hasattr(source, "paths"):
        assert list(part.paths) == [source.paths[number] for number in expected]
    with pytest.raises(IndexError):
        part[len(expected)]


def test_a_subset_of_a_subset_is_one_of_the_whole(source: Any) -> None:
    part = taken(taken(source, slice(2, None, 2)), [3, 1])
    assert part.numbers.tolist() == [8, 4]
    assert not isinstance(part.parent, Subset)
    assert taken(part, np.array([False, True])).numbers.tolist() == [4]


def test_a_number_is_a_sample(source: Any) -> None:
    for number in (3, np.int64(3), -9):
        assert same(source[number], source[3])


def test_it_pickles(source: Any) -> None:
    part = taken(source, [7, 2])
    _ = getattr(part, "paths", None)
    again = pickle.loads(pickle.dumps(part))
    assert same(again[1], part[1])
    assert again.numbers.tolist() == [7, 2]


@pytest.mark.parametrize(
    ("which", "says"),
    [
        ([12], r"source\[\[12\]\] names sample 12, and the source has 12: 0 .. 11"),
        ([-13], "names sample -13"),
        (np.uint64([2**63]), "names sample 9223372036854775808"),
        ([1, 2, 1], "names sample 1 more than once.*repeat= or weights="),
        ([1, -11], "names sample 1 more than once"),
        ([True, False], "has 2 truth values, and the source 12 samples"),
        (np.ones((12, 1), bool), r"of shape \(12, 1\) and dtype bool"),
        ([0.5, 1], "dtype float64; give a slice, whole numbers, or a mask with one truth value for each sample"),
        (["a"], "give a slice"),
        ("a", "give a slice"),
        (None, "give a slice"),
        (True, "give a slice"),
        (1.5, "give a slice"),
        ([[1], [1, 2]], "give a slice"),
        ((1, 2), r"several indices.*source\[\[1, 2\]\]"),
        (slice("a", None), "give a slice"),
        (slice(0, 5, 0), "give a slice"),
        ([], "picks none of the 12 samples"),
        (slice(20, 30), "picks none of the 12 samples"),
        (np.zeros(12, bool), "picks none of the 12 samples"),
    ],
    ids=str,
)
def test_invalid_selections(which: Any, says: str) -> None:
    for source in (Arrays(IMAGES, LABELS), Own(), Plain(), Arrays(IMAGES, LABELS)[:]):
        with pytest.raises(InputError, match=says):
            taken(source, which)


def test_warning_for_a_single_class_of_several(tmp_path: Path) -> None:
    for name in ("cat/1.jpg", "cat/2.jpg", "cat/3.jpg", "dog/4.jpg", "dog/5.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    folder = Folder(tmp_path)
    with pytest.warns(
        UserWarning, match=r"these 2 of 5 samples are all of class 'cat'.*source\.split\(0\.2\)"
    ) as reported:
        part = folder[:2]
    assert reported[0].filename == __file__
    with pytest.warns(UserWarning, match="class 'dog'") as reported:
        subset(folder, [3, 4])
    assert reported[0].filename == __file__
    with pytest.warns(UserWarning, match="all of class 2, and the source has 3 classes"):
        Arrays(IMAGES, LABELS)[LABELS == 2]
    with pytest.warns(UserWarning, match="all of class 1"):
        Arrays(IMAGES, np.eye(3)[LABELS])[LABELS == 1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        folder[1:4]
        folder[2:3]  # a single sample is of a single class
        part[:2]  # of a single class already
        Arrays(IMAGES, np.zeros(N, int))[:5]
        Arrays(IMAGES)[:5]
        Arrays(IMAGES, np.zeros(N))[:5]  # no class ids


def test_a_source_without_label_batch_is_not_read_for_the_warning() -> None:
    class Costly(Plain):
        def __getitem__(self, index: int) -> Item:
            raise AssertionError(index)

    assert len(subset(Costly(), slice(0, 5))) == 5


def test_a_subset_of_a_folder_without_classes(tmp_path: Path) -> None:
    for name in "abc":
        Image.new("L", (4, 4)).save(tmp_path / f"{name}.png")
    flat = Folder(tmp_path)
    assert [Path(path).stem for path in flat[1:].paths] == ["b", "c"]
    assert flat.split(0.4)[1].labels is None
