"""Labels: their dtypes, ids of names, and errors for invalid labels, which name the sample."""

import datetime as dt
import decimal
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import require
from sources.relative import relative

from vary.errors import InputError
from vary.policy import Policy
from vary.sources import Arrays, Files, Folder, Item, Source, open_source
from vary.streams import stream

IMAGES = np.zeros((4, 4, 5, 3), np.uint8)
NAMES = ["dog", "cat", "dog", "ant"]


class Categorical:
    """As pandas has it, with no pandas."""

    def __init__(self, codes: list[int], categories: list[Any]) -> None:
        self.codes, self.dtype = np.array(codes, np.int8), type("Dtype", (), {"categories": categories})()


def own(labels: Any) -> Source:
    class Own(Source):
        fields = ("images", "labels")

        def __len__(self) -> int:
            return 4

        def item(self, index: int) -> Item:
            return Item(IMAGES[index], (labels[index],))

        def path(self, index: int) -> str:
            return f"/data/{index}.jpg"

        def label_batch(self, indices: Any) -> tuple[Any, ...]:
            return ([labels[index] for index in indices],)

    return Own()


def column(source: Any) -> np.ndarray:
    (found,) = source.label_batch(np.arange(4))
    return np.asarray(found)


@pytest.mark.parametrize(
    "names",
    [
        NAMES,
        tuple(NAMES),
        np.array(NAMES),
        np.array(NAMES, object),
        np.array(NAMES, np.dtypes.StringDType()),
        [name.encode() for name in NAMES],
        np.array(NAMES, "S"),
    ],
    ids=lambda names: f"{type(names).__name__} {getattr(names, 'dtype', '')}",
)
def test_names_become_ids_of_sorted_classes(names: Any) -> None:
    source = Arrays(IMAGES, names)
    assert source.classes == ["ant", "cat", "dog"]
    assert type(source.classes) is list
    assert column(source).tolist() == [2, 1, 2, 0]
    assert column(source).dtype == np.int64
    assert source[1].labels == (1,)
    assert source.labels is not None
    assert source.labels.tolist() == [2, 1, 2, 0]


def test_given_classes_fix_the_ids() -> None:
    source = Arrays(IMAGES, NAMES, classes=("dog", "fox", "cat", "ant"))
    assert source.classes == ["dog", "fox", "cat", "ant"]
    assert column(source).tolist() == [0, 2, 0, 3]
    assert Arrays(IMAGES, [0, 1, 1, 0], classes=np.array(["a", "b"])).classes == ["a", "b"]
    with pytest.raises(InputError, match=r"labels of sample 1 is 'cat', which classes=\['dog', 'ant'\] does not name"):
        Arrays(IMAGES, NAMES, classes=["dog", "ant"])
    with pytest.raises(InputError, match=r"labels of sample 2 is 2, and classes=\['a', 'b'\] names the ids 0 .. 1"):
        Arrays(IMAGES, [0, 1, 2, 1], classes=["a", "b"])
    with pytest.raises(InputError, match="labels of sample 0 is -1"):
        Arrays(IMAGES, [-1, 1, 0, 1], classes=["a", "b"])
    with pytest.raises(InputError, match=r"labels has 4 columns, and classes=\['a', 'b'\] names others"):
        Arrays(IMAGES, np.eye(4, dtype=int), classes=["a", "b"])
    with pytest.raises(InputError, match=r"labels has dtype float32, and classes=\['a', 'b'\] names ids, .*astype"):
        Arrays(IMAGES, [0.0, 1.0, 1.0, 0.0], classes=["a", "b"])
    assert Arrays(IMAGES, np.full((4, 2), 0.5), classes=["a", "b"]).classes == ["a", "b"], "shares of classes"


@pytest.mark.parametrize(
    ("classes", "says"),
    [
        ("cat", "classes='cat'; give a list"),
        ({"a": 1}, "give a list"),
        ({"a", "b"}, "give a list"),
        (3, "classes=3; give a list"),
        ([], r"classes=\[\] names none"),
        (["a", 3], r"classes\[1\]=3 is a int; give a list"),
        (["a", None], r"classes\[1\]=None is a NoneType"),
        (["a", "b", "a"], "names 'a' twice"),
    ],
)
def test_invalid_classes(classes: Any, says: str) -> None:
    for make in (lambda: Arrays(IMAGES, NAMES, classes=classes), lambda: Files(["a.jpg"] * 4, NAMES, classes=classes)):
        with pytest.raises(InputError, match=says):
            make()


def test_classes_without_labels_are_an_error() -> None:
    with pytest.raises(InputError, match=r"classes=\['a'\] name the ids of labels; give labels="):
        Arrays(IMAGES, classes=["a"])


def test_a_categorical_has_the_ids_of_its_sorted_categories() -> None:
    source = Arrays(IMAGES, Categorical([2, 0, 2, 1], ["wolf", "cat", "dog", "unseen"]))
    assert source.classes == ["cat", "dog", "unseen", "wolf"], "also of what no sample has: parts of a table agree"
    assert column(source).tolist() == [1, 3, 1, 0]
    numbers = Arrays(IMAGES, Categorical([0, 1, 2, 1], [10, 9, 100]))
    assert numbers.classes == ["9", "10", "100"]
    assert column(numbers).tolist() == [1, 0, 2, 0]
    fixed = Arrays(IMAGES, Categorical([0, 1, 1, 0], ["a", "b"]), classes=["b", "a"])
    assert column(fixed).tolist() == [1, 0, 0, 1]
    with pytest.raises(InputError, match="labels of sample 3 is missing"):
        Arrays(IMAGES, Categorical([0, 1, 1, -1], ["a", "b"]))


def test_pandas() -> None:
    try:
        import pandas as pd  # type: ignore[import-untyped, unused-ignore]
    except ImportError:
        require("pandas", "pandas is not installed")
    for values in (pd.Series(NAMES), pd.Categorical(NAMES), pd.Series(NAMES, dtype="category"), pd.Index(NAMES)):
        source = Arrays(IMAGES, values)
        assert source.classes == ["ant", "cat", "dog"]
        assert column(source).tolist() == [2, 1, 2, 0]
        for number, part in enumerate((values[:2], values[2:])):
            again = Arrays(IMAGES[:2], part, classes=source.classes)
            assert again.labels is not None
            assert again.labels.tolist() == [[2, 1], [2, 0]][number]
    for values in (
        pd.Series(["a", None, "b", "a"]),
        pd.Categorical(["a", None, "b", "a"]),
        pd.Series([1, pd.NA, 2, 3]),
    ):
        with pytest.raises(InputError, match="labels of sample 1 is"):
            Arrays(IMAGES, values)
    assert column(Arrays(IMAGES, pd.Series([1, 2, 3, 0], dtype="Int64"))).dtype == np.int64
    assert Files(pd.Series(["a.jpg", "b.jpg"]), pd.Series(["x", "y"])).classes == ["x", "y"]
    assert len(Arrays(IMAGES, [1, 2, 3, 4])[pd.Series([True, False, True, False])]) == 2


BAD = [
    ([1, None, 2, 3], "labels of sample 1 is None; give every sample one, or leave the sample out"),
    (["a", "b", None, "a"], "labels of sample 2 is None"),
    (["a", "b", float("nan"), "a"], "labels of sample 2 is nan"),
    (["a", "b", "", "a"], "labels of sample 2 is ''"),
    (["a", 3, "b", "a"], "labels of sample 1 is 3, a int, among names"),
    ([0.5, float("nan"), 1, 2], "labels of sample 1 is nan, not a number within float32"),
    ([0.5, 1, float("inf"), 2], "labels of sample 2 is inf"),
    ([0.5, 1, 1e300, 2], r"labels of sample 2 is 1e\+300"),
    ([[0.5, 1], [1, float("nan")], [1, 2], [1, 2]], r"labels of sample 1 is \[1.0, nan\]"),
    ([[1], [1, 2], [3], [4]], r"labels of sample 1 has shape \(2,\), and that of sample 0 \(1,\)"),
    ([[1], None, [3], [4]], "labels of sample 1 is None"),
    ([[[1], [1, 2]]] * 4, "labels of sample 0 has rows of different lengths"),
    ([1, 2, [3], 4], r"labels of sample 2 has shape \(1,\), and that of sample 0 \(\)"),
    ([["a", "b"], ["a"], ["b"], ["a"]], r"labels of sample 1 has shape \(1,\)"),
    ([["a", "b"]] * 4, r"labels has shape \(4, 2\) of str; give one name for each sample, or,"),
    (
        [decimal.Decimal(1)] * 4,
        r"labels of sample 0 is Decimal\('1'\), a Decimal; give whole numbers, floats, or names",
    ),
    ([1, 2, decimal.Decimal(1), 3], "labels of sample 2 is Decimal"),
    ([dt.date(2020, 1, 1)] * 4, "labels of sample 0 is datetime.date.*, a date"),
    (np.array(["2020-01-01"] * 4, "M8[D]"), r"labels has dtype datetime64\[D\]"),
    ([1j, 2, 3, 4], "labels has dtype complex128"),
    (np.array([1, 2, 2**63, 3], np.uint64), "labels of sample 2 is 9223372036854775808; ids go up to"),
    ([1, 2, 2**70, 3], "labels of sample 2 is 1180591620717411303424, beyond int64"),
    ([{"age": 1}] * 4, "labels of sample 0 is .*, a dict"),
    (np.ma.masked_array([1, 2, 3, 4], [0, 0, 1, 0]), "labels of sample 2 is masked"),
    ("cats", "labels='cats': give a sequence"),
    ({1, 2, 3, 4}, "give a sequence with one label for every picture"),
    (range(3), "4 images but 3 labels"),
]


@pytest.mark.parametrize(("labels", "says"), BAD, ids=range(len(BAD)))
def test_invalid_labels_are_named_with_their_sample(labels: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Arrays(IMAGES, labels)
    with pytest.raises(InputError, match=says.replace("labels", "age", 1)):
        Arrays(IMAGES, {"age": labels, "size": [1, 2, 3, 4]})


def test_a_file_is_named_with_its_sample(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels of sample 1 \(/data/b.jpg\) is None"):
        Files(["/data/a.jpg", "/data/b.jpg"], ["x", None])
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=rf"labels of sample 1 \({tmp_path}/b.jpg\) is None"):
        Folder(tmp_path, labels=["x", None])


def test_objects_stay_what_they_are() -> None:
    labels = np.array([{"boxes": [[1, 2]] * number} for number in range(4)], object)
    assert column(Arrays(IMAGES, labels)).tolist() == labels.tolist()


def test_fields() -> None:
    source = Arrays(IMAGES, {"age": [1.5, 2, 3, 4], "breed": NAMES})
    assert source.fields == ("images", "age", "breed")
    assert source.classes == ["ant", "cat", "dog"]
    assert source[0].labels == (1.5, 2)
    captions = Arrays(IMAGES, {"labels": [0, 1, 0, 1], "caption": NAMES}, classes=["x", "y"])
    assert captions.label_batch([3])[1].tolist() == ["ant"], "names of what are no classes stay names"
    assert captions.classes == ["x", "y"]
    with pytest.raises(InputError, match="'a' and 'b' hold names, and a source has one list of classes"):
        Arrays(IMAGES, {"a": NAMES, "b": NAMES})


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        ([0.5, 1.5, 2.0, 3.0], np.float32),
        (np.eye(4), np.float32),
        (np.eye(4, dtype=np.int32), np.int32),
        (np.array([1, 2, 3, 0], np.int16), np.int64),
        ([True, False, True, True], np.int64),
    ],
)
def test_a_source_of_ones_own_gives_the_same_kinds(labels: Any, dtype: Any) -> None:
    batch = next(iter(stream(own(labels), Policy([]), shuffle=False)))
    assert batch.labels.dtype == dtype
    assert np.array_equal(batch.labels, labels)


@pytest.mark.parametrize(("labels", "says"), BAD[:18], ids=range(18))
def test_a_source_of_ones_own_is_checked_when_it_is_read(labels: Any, says: str) -> None:
    train = stream(own(labels), Policy([]), shuffle=False)
    with pytest.raises(
        InputError, match=re.sub(r"^(labels of sample \d)", r"\1 \\(/data/..jpg\\)", says.partition(", and")[0])
    ):
        next(iter(train))


def test_names_of_a_source_of_ones_own_need_its_classes() -> None:
    source = own(NAMES)
    with pytest.raises(InputError, match=r"labels of sample 0 .* a name, but Own has no classes; set its attribute"):
        next(iter(stream(source, Policy([]), shuffle=False)))

    class Bare:
        fields = ("images", "labels")

        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Item:
            return source.item(index)

    with pytest.raises(InputError, match="a name, but Bare has no classes"):
        next(iter(stream(Bare(), Policy([]), shuffle=False)))
    source.classes = ["cat", "dog", "ant"]
    assert next(iter(stream(source, Policy([]), shuffle=False))).labels.tolist() == [1, 0, 1, 2]


def test_samples_of_a_source_of_ones_own_are_checked() -> None:
    class Own(Source):
        fields = ("images", "labels")
        given: Any = ()

        def __len__(self) -> int:
            return 4

        def item(self, index: int) -> Item:
            return self.given[index]  # type: ignore[no-any-return]

    source = Own()
    source.given = [(image, 1) for image in IMAGES]
    with pytest.raises(InputError, match=r"sample 0 of the source is a tuple; a source gives vary.sources.Item\(image"):
        next(iter(stream(source, Policy([]))))
    for labels in ((), (1, 2)):
        source.given = [Item(image, labels) for image in IMAGES]
        with pytest.raises(InputError, match=rf"sample 0 has {len(labels)} labels, and the source names 1 field"):
            next(iter(stream(source, Policy([]), shuffle=False)))


def test_too_few_labels_of_a_source_of_ones_own() -> None:
    source = own(range(4))
    source.label_batch = lambda indices: ([1],)  # type: ignore[method-assign, assignment, misc]
    with pytest.raises(InputError, match=r"Own\.label_batch gave 1 labels for 4 samples"):
        next(iter(stream(source, Policy([]))))


def test_a_folder_takes_labels_in_the_order_of_its_paths(tmp_path: Path) -> None:
    for name in ("b/2.jpg", "a/1.jpg", "3.jpg", "a/deep/0.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    source = Folder(tmp_path, labels=["x", "y", "x", "z"])
    assert relative(source) == ["3.jpg", "a/1.jpg", "a/deep/0.jpg", "b/2.jpg"]
    assert source.classes == ["x", "y", "z"]
    assert source.labels is not None
    assert source.labels.tolist() == [0, 1, 0, 2]
    assert [source[index].labels for index in range(4)] == [(0,), (1,), (0,), (2,)]
    ages = open_source(tmp_path, {"age": [1.0, 2.0, 3.0, 4.0]})
    assert ages.fields == ("images", "age")
    assert ages.classes is None
    assert open_source(tmp_path, [0, 1, 0, 1], ["even", "odd"]).classes == ["even", "odd"]
    with pytest.raises(
        InputError,
        match=r"4 images but 2 labels; .*in the plain order of the paths: '3.jpg', 'a/1.jpg', ..., 'b/2.jpg'",
    ):
        Folder(tmp_path, labels=[1, 2])
