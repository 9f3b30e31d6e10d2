"""Data sets of Hugging Face by row: columns, classes, and files that they name."""

import os

import pytest
from sources.formats import CLASSES, COUNT, POLICY, batches, dataset_of, given_expected, given_pictures  # noqa: F401  fixtures

import vary
from vary.errors import InputError, SourceError


def test_data_sets_are_sources(pictures: list[bytes], expected: vary.Files) -> None:
    dataset = dataset_of(pictures)
    assert batches(dataset) == batches(expected)
    for other in (dataset.with_format("numpy"), dataset.with_transform(lambda _: {"image": []})):
        assert batches(vary.HuggingFace(other)) == batches(expected)
    assert batches(vary.HuggingFace(dataset, "bytes", "breed")) == batches(expected)
    some = vary.HuggingFace(dataset.select([3, 1, 12]), labels={"breed": "breed", "age": "age"})
    assert [column.tolist() for column in some.label_batch([0, 1, 2])] == [[1, 1, 0], [3.0, 1.0, 12.0]]
    assert [item.image.data for item in some] == [pictures[number] for number in (3, 1, 12)]
    assert vary.HuggingFace(dataset, labels=()).fields == ("images",)
    several = dataset.add_column("seen", [["indoors", "asleep"][: number % 3] for number in range(COUNT)])
    multiple = vary.HuggingFace(several, labels="seen")
    assert multiple.classes == ["asleep", "indoors"]
    assert multiple.label_batch([0, 1, 2])[0].tolist() == [[0, 0], [0, 1], [1, 1]]
    assert some.fingerprints([0]) != vary.HuggingFace(dataset).fingerprints([0])


def test_paths_in_data_sets(expected: vary.Files) -> None:
    dataset_of([b""] * COUNT)
    import datasets

    found = datasets.Dataset.from_dict({"image": list(expected.paths)}).cast_column("image", datasets.Image())
    assert [item.image.data for item in vary.HuggingFace(found)] == [item.image.data for item in expected]
    assert str(expected.paths[3]) in vary.HuggingFace(found).path(3)
    gone = datasets.Dataset.from_dict({"image": ["gone.png"]}).cast_column("image", datasets.Image())
    with pytest.raises(SourceError, match=r"gone\.png: the data set names it, but No such file"):
        vary.HuggingFace(gone)[0]


def test_wrong_data_sets(pictures: list[bytes]) -> None:
    dataset = dataset_of(pictures)
    import datasets

    for wrong, message in (
        (
            datasets.DatasetDict(train=dataset),
            r"DatasetDict of the splits \['train'\]; give one of them: dataset\['train",
        ),
        ({"image": pictures}, r"dataset is a dict; give a datasets\.Dataset"),
        (dataset.select([]), "has no rows"),
        (dataset.remove_columns(["image", "bytes"]), "has 0 columns of images"),
    ):
        with pytest.raises(InputError, match=message):
            vary.HuggingFace(wrong)
    for keywords, message in (
        ({"images": "imag"}, "did you mean image"),
        ({"images": "age"}, r"cast_column\('age', datasets\.Image\(\)\) makes it one"),
        ({"labels": "bred"}, "did you mean breed"),
        ({"labels": {"a": "breed", "b": 3}}, r"labels\['b'\]=3: the data set has no such column"),
    ):
        with pytest.raises(InputError, match=message):
            vary.HuggingFace(dataset, **keywords)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="give one of them"):
        vary.stream(datasets.DatasetDict(train=dataset), POLICY)
    empty = dataset_of([None, *pictures[1:]])  # type: ignore[list-item]
    with pytest.raises(SourceError, match="row 0: the row has no picture; leave it out"):
        list(vary.stream(vary.HuggingFace(empty, "bytes"), POLICY))


def test_classes_are_of_the_field_that_has_them(pictures: list[bytes]) -> None:
    import datasets

    dataset = dataset_of(pictures)
    sexes = [number % 4 for number in range(COUNT)]
    tags = [[number % 2] * (number % 3) for number in range(COUNT)]
    dataset = dataset.add_column("sex", sexes).add_column("tags", tags)
    feature = datasets.Sequence(datasets.ClassLabel(names=["day", "night"]))
    dataset = dataset.cast_column("tags", feature)
    for one in (dataset, dataset.to_iterable_dataset()):
        two = vary.HuggingFace(one, labels={"labels": "sex", "breed": "breed"})
        assert (two.classes, two.class_field) == (None, "labels")
        first = next(iter(vary.stream(two, POLICY, shuffle=False)))
        assert first.labels.tolist() == sexes
        assert first.breed.tolist() == [number % 2 for number in range(COUNT)]
        other = vary.HuggingFace(one, labels={"breed": "breed", "age": "age"})
        assert (other.classes, other.class_field) == (CLASSES, "breed")
        several = vary.HuggingFace(one, labels="tags")
        assert several.classes == ["day", "night"]
        rows = next(iter(vary.stream(several, POLICY, shuffle=False))).labels
        assert rows.tolist() == [[int(0 in some), int(1 in some)] for some in tags]
    lists = dataset.add_column("seen", [["a"]] * COUNT).add_column("heard", [["b"]] * COUNT)
    with pytest.raises(InputError, match=r"labels\['\w+'\] holds lists of names, .*call it 'labels'"):
        vary.HuggingFace(lists, labels={"a": "seen", "b": "heard"})


def test_files_that_a_data_set_only_names(expected: vary.Files) -> None:
    """A picture that has changed is not taken from a cache."""
    dataset_of([b""] * COUNT)
    import datasets

    paths = [str(path) for path in expected.paths]
    dataset = datasets.Dataset.from_dict({"image": paths}).cast_column("image", datasets.Image())
    before = vary.HuggingFace(dataset).fingerprints([0, 1])
    os.utime(paths[1], ns=(1, 1))
    after = vary.HuggingFace(dataset).fingerprints([0, 1])
    assert before[0] == after[0]
    assert before[1] != after[1]
