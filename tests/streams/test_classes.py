"""classes= fixes the class ids of every source; classes that do not fit are an error or a warning."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError, SourceError, VaryError
from vary.policy import Policy
from vary.sources import Arrays, Files, Folder, Indexed, Item, subset
from vary.streams import stream
from vary.transforms import Resize

POLICY = Policy([Resize(4, 4)])
IMAGES = np.zeros((4, 4, 4, 3), np.uint8)


@pytest.fixture
def data(folder: Path) -> Path:
    """Two parts: one of cat, dog and fox, one of cat and dog."""
    for part, names in (("train", ("cat", "dog", "fox")), ("val", ("cat", "dog"))):
        for name in names:
            (folder.parent / part / name).mkdir(parents=True)
            (folder.parent / part / name / "1.png").write_bytes((folder / "cat" / "01.png").read_bytes())
    return folder.parent


def named(train: Any) -> list[tuple[str, str]]:
    """(folder of the file, name of the id) of each sample."""
    return sorted(
        (Path(path).parent.name, train.classes[label])
        for batch in train
        for path, label in zip(batch.paths, batch.labels, strict=True)
    )


def test_ids_of_training_hold_in_validation(data: Path) -> None:
    train = stream(data / "train", POLICY)
    with pytest.warns(UserWarning, match=r"no samples of 1 of the 3 classes in classes=: \['fox'\]") as reported:
        validation = stream(data / "val", POLICY, classes=train.classes)
    assert reported[0].filename == __file__
    assert validation.classes == train.classes == ["cat", "dog", "fox"]
    assert named(validation) == [("cat", "cat"), ("dog", "dog")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert stream(data / "train", POLICY, classes=train.classes).classes == train.classes
        turned = stream(data / "train", POLICY, classes=["fox", "dog", "cat"])
    assert turned.classes == ["fox", "dog", "cat"]
    assert named(turned) == [("cat", "cat"), ("dog", "dog"), ("fox", "fox")]


def test_unnamed_classes_are_an_error(data: Path) -> None:
    with pytest.raises(SourceError, match=r"pictures that classes= does not name: \['fox'\]; name them as well"):
        stream(data / "train", POLICY, classes=["cat", "dog"])
    with pytest.raises(InputError, match=r"classes that classes= does not name: \['fox'\]"):
        stream(Folder(data / "train"), POLICY, classes=["cat", "dog"])
    with pytest.raises(SourceError, match=r"classes names \['dgo'\], but .* has the sub-folders \['cat', 'dog'\]"):
        stream(data / "val", POLICY, classes=["cat", "dgo"])
    (data / "train" / "notes").mkdir()
    (data / "train" / "notes" / "a.txt").write_text("no picture")
    assert len(stream(data / "train", POLICY, classes=["cat", "dog", "fox"]).source) == 3


class Own:
    fields = ("images", "labels")

    def __init__(self, labels: Any, classes: list[str] | None) -> None:
        self.given = labels
        if classes is not None:
            self.classes = classes

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Item:
        return Item(IMAGES[index], (self.given[index],))


@pytest.mark.parametrize("kind", ["arrays", "tuple", "files", "folder", "listing", "subset", "own", "names"])
def test_every_source_takes_the_classes(data: Path, tmp_path: Path, kind: str) -> None:
    """Two cats, a dog and a fox, by other ids."""
    names = ["cat", "fox", "cat", "dog"]
    ids, own = [1, 0, 1, 2], ["fox", "cat", "dog"]
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for path in paths:
        path.write_bytes((data / "val" / "cat" / "1.png").read_bytes())
    (data / "train" / "cat" / "2.png").write_bytes(paths[0].read_bytes())
    sources: dict[str, Any] = {
        "arrays": lambda: Arrays(IMAGES, ids, classes=own),
        "tuple": lambda: (IMAGES, names),
        "files": lambda: Files(paths, names),
        "folder": lambda: Folder(data / "train"),
        "listing": lambda: Folder(data / "train", listing=tmp_path / "names"),
        "subset": lambda: Arrays(IMAGES.repeat(2, 0), np.repeat(ids, 2), classes=own)[::2],
        "own": lambda: Own(ids, own),
        "names": lambda: Own(names, ["wolf", *own][1:]),
    }
    wanted = ["dog", "cat", "ape", "fox"]
    with (
        pytest.warns(UserWarning, match=r"no samples of 1 of the 4 classes in classes=: \['ape'\]")
        if kind
        not in (
            "own",
            "names",
        )
        else warnings.catch_warnings()
    ):
        train = stream(sources[kind](), POLICY, classes=wanted, shuffle=False)
    assert train.classes == wanted
    (batch,) = train
    assert sorted(wanted[label] for label in batch.labels) == sorted(names)
    assert sorted(wanted[train.source[n].labels[0]] for n in range(4)) == sorted(names)  # type: ignore[call-overload]
    with pytest.raises(VaryError, match=r"does not name|which classes=.* does not name"):
        stream(sources[kind](), POLICY, classes=["dog", "cat"])


def test_a_subset_needs_no_names_of_classes_that_it_left_out(data: Path) -> None:
    folder = Folder(data / "train")
    arrays = Arrays(IMAGES, ["cat", "dog", "fox", "dog"])
    for whole in (folder, arrays, Own([0, 1, 2, 1], ["cat", "dog", "fox"])):
        labels = np.array([whole[n].labels[0] for n in range(len(whole))])
        part = subset(whole, labels != 0)
        train = stream(part, POLICY, classes=["fox", "dog"])
        assert train.classes == ["fox", "dog"]
        assert sorted(label for batch in train for label in batch.labels) == sorted(2 - labels[labels != 0])
        with pytest.raises(InputError, match=r"classes that classes= does not name: \['fox'\]|'fox', which classes="):
            next(iter(stream(part, POLICY, classes=["dog"])))  # labels that samples are read for: not before


def test_ids_get_names(images: np.ndarray) -> None:
    labels = np.arange(23) % 2
    for source in ((images, labels), Arrays(images, labels), Arrays(images, labels)[2:20]):
        assert stream(source, POLICY, classes=["a", "b"]).classes == ["a", "b"]
    assert stream(images, POLICY, labels=labels, classes=["a", "b"]).classes == ["a", "b"]
    for source in ((images, labels), Arrays(images, labels)):
        with pytest.raises(InputError, match=r"labels of sample 1 is 1, and classes=\['a'\] names the ids 0 .. 0"):
            stream(source, POLICY, classes=["a"])
    for source in (images, Arrays(images)):
        with pytest.raises(InputError, match="classes="):
            stream(source, POLICY, classes=["a"])


def test_rows_keep_their_classes(images: np.ndarray) -> None:
    rows = np.eye(2, dtype=np.int64)[np.arange(23) % 2]
    source = Arrays(images, rows, classes=["a", "b"])
    assert stream(source, POLICY, classes=["a", "b"]).classes == ["a", "b"]
    with pytest.raises(InputError, match="labels are rows of"):
        stream(source, POLICY, classes=["b", "a"])


@pytest.mark.parametrize("classes", ["cat", [], ["cat", "cat"], [1, 2], {"cat": 0}, 3], ids=str)
def test_invalid_classes(data: Path, classes: Any) -> None:
    for source in (data / "val", Folder(data / "val"), (IMAGES, ["cat", "dog"] * 2)):
        with pytest.raises(VaryError, match="classes"):
            stream(source, POLICY, classes=classes)


def test_labels_of_a_folder(folder: Path) -> None:
    paths = Folder(folder).paths
    train = stream(folder, POLICY, labels=[path[-3:] for path in paths], shuffle=False)
    assert train.classes == ["jpg", "png"]
    assert [train.classes[label] for batch in train for label in batch.labels] == [path[-3:] for path in paths]
    ages = stream(folder, POLICY, labels={"age": np.arange(22.0)}, shuffle=False)
    assert np.concatenate([batch.age for batch in ages]).tolist() == list(range(22))
    with pytest.raises(InputError, match=r"22 images but 3 labels; .*in the plain order of the paths: 'cat/01.png'"):
        stream(folder, POLICY, labels=[1, 2, 3])
    source_with_classes = Folder(folder)
    endings = [path[-3:] for path in paths]
    again = stream(source_with_classes, POLICY, labels=endings, classes=["png", "jpg"], shuffle=False)
    assert [again.classes[label] for batch in again for label in batch.labels] == [path[-3:] for path in paths]
    assert source_with_classes.classes == ["cat", "dog"], "it keeps its own"
    assert isinstance(train.source, Folder)
    source: Indexed = train.source
    assert source.label_batch([0])[0].dtype == np.int64


def test_classes_are_a_list(data: Path, images: np.ndarray) -> None:
    for train in (
        stream(data / "train", POLICY),
        stream((images[:2], ["b", "a"]), POLICY),
        stream((images[:2], [0, 1]), POLICY, classes=("x", "y")),
        stream(Folder(data / "train", classes=("fox", "dog", "cat")), POLICY),
    ):
        assert type(train.classes) is list
