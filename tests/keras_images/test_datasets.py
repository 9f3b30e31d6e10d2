"""`image_dataset_from_directory` and its datasets, without Keras: tests/frameworks trains on them."""

import copy
import pickle
import random
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary
from vary.keras import ImageDataset, TrapWarning, image_dataset_from_directory

COUNTS = {"cat": 10, "dog": 20}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """cat/0.png .. and dog/0.png ..: each picture is plain, and its level is its number; 100 more for dogs."""
    for number, (name, count) in enumerate(COUNTS.items()):
        (tmp_path / "data" / name).mkdir(parents=True)
        for level in range(count):
            pixels = np.full((12, 10 + level, 3), 100 * number + level, np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / name / f"{level}.png")
    return tmp_path / "data"


def opened(folder: Path, **options: Any) -> Any:
    return image_dataset_from_directory(folder, **{"image_size": (8, 8), "verbose": False, "batch_size": 4} | options)


def levels(dataset: Any) -> list[int]:
    elements = [one if isinstance(one, np.ndarray) else one[0] for one in dataset]
    return [round(float(level)) for images in elements for level in images.reshape(-1, 192)[:, 0]]


LEVELS = [100 * number + level for number, count in enumerate(COUNTS.values()) for level in range(count)]


def test_batches_have_the_form_of_keras(folder: Path) -> None:
    forms = {"int": ((4,), np.int32), "categorical": ((4, 2), np.float32), "binary": ((4, 1), np.float32)}
    for mode, (shape, dtype) in forms.items():
        dataset = opened(folder, label_mode=mode)
        images, labels = next(iter(dataset))
        assert (images.shape, images.dtype) == ((4, 8, 8, 3), np.float32)
        assert (labels.shape, labels.dtype) == (shape, dtype)
        ids = labels.argmax(1) if mode == "categorical" else labels.ravel()
        assert ((images[:, 0, 0, 0] >= 100) == ids).all()
        assert dataset.class_names == ["cat", "dog"]
        assert len(dataset) == 8
    for options in ({"label_mode": None}, {"labels": None}):
        dataset = opened(folder, **options)
        assert next(iter(dataset)).shape == (4, 8, 8, 3)
        assert dataset.class_names is None
    assert sorted(levels(opened(folder))) == sorted(LEVELS)


def test_colours_and_layouts(folder: Path) -> None:
    for mode, channels in {"grayscale": 1, "rgb": 3, "rgba": 4}.items():
        assert next(iter(opened(folder, color_mode=mode)))[0].shape[3] == channels
        assert next(iter(opened(folder, color_mode=mode, data_format="channels_first")))[0].shape[1] == channels
    assert next(iter(opened(folder, dtype="uint8")))[0].dtype == np.uint8


def test_orders_are_drawn_by_seed_and_epoch(folder: Path) -> None:
    dataset = opened(folder, seed=3)
    first, second = levels(dataset), levels(dataset)
    assert sorted(first) == sorted(second) == sorted(LEVELS)
    assert first != second
    assert levels(opened(folder, seed=3)) == first != levels(opened(folder, seed=4))
    plain = opened(folder, shuffle=False)
    assert [Path(path).name for path in plain.file_paths[:2]] == ["0.png", "1.png"]
    names = [100 * (Path(one).parent.name == "dog") + int(Path(one).stem) for one in plain.file_paths]
    assert levels(plain) == levels(plain) == names


def test_split_parts_are_complete_and_have_the_same_shares(folder: Path) -> None:
    for seed in (None, 5):
        training, validation = opened(folder, validation_split=0.2, subset="both", seed=seed)
        found = sorted(levels(validation))
        assert sorted(levels(training) + found) == sorted(LEVELS)
        assert [sum(level < 100 for level in found), sum(level >= 100 for level in found)] == [2, 4]
        for shuffle in (True, False):
            one = opened(folder, validation_split=0.2, subset="validation", seed=seed, shuffle=shuffle)
            assert sorted(levels(one)) == found
            rest = opened(folder, validation_split=0.2, subset="training", seed=seed, shuffle=shuffle)
            assert sorted(levels(rest) + found) == sorted(LEVELS)
    assert levels(validation) == levels(validation)  # in the order of the files


def test_validation_pictures_have_the_range_and_size_of_training_but_are_not_varied(folder: Path) -> None:
    policy = vary.Policy([vary.Brightness((0.1, 0.2)), vary.RandomCrop(5, 6), vary.Rescale(1 / 255)])
    training, validation = opened(folder, validation_split=0.2, subset="both", policy=policy)
    (images, _), (plain, _) = next(iter(training)), next(iter(validation))
    assert images.shape[1:] == plain.shape[1:] == (5, 6, 3)
    assert max(images.max(), plain.max()) <= 1
    assert (images.max(axis=(1, 2, 3)) < 0.17).all()
    assert plain[:, 0, 0, 0] * 255 == pytest.approx(levels_of(validation)[:4], abs=0.01)


def levels_of(dataset: Any) -> list[int]:
    source = dataset.stream.source
    return [int(Path(source.path(i)).stem) + 100 * int(source.labels[i]) for i in range(len(source))]


def test_policies_are_drawn_by_the_seed(folder: Path) -> None:
    policy = vary.Policy([vary.Brightness(0.5)])
    one, other = (levels(opened(folder, policy=policy, seed=2, shuffle=False)) for _ in range(2))
    assert one == other != levels(opened(folder, seed=2, shuffle=False))


def test_labels_of_ones_own_are_in_the_order_of_keras(tmp_path: Path) -> None:
    """Sorted by folder, then by name: "a" comes before "a-b", though the path a-b/0.png comes before a/0.png."""
    for number, name in enumerate(("0.png", "a/0.png", "a/1.png", "a-b/0.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (8, 8), number).save(tmp_path / name)
    dataset = opened(tmp_path, labels=[0, 1, 2, 3])
    for images, labels in dataset:
        assert images[:, 0, 0, 0].tolist() == labels.tolist()
    assert dataset.class_names == ["0", "1", "2", "3"]
    assert opened(tmp_path, labels=[7, 7, 9, 9]).class_names == ["7", "9"]
    assert next(iter(opened(tmp_path, labels=[0, 1, 1, 0], label_mode="categorical")))[1].shape == (4, 2)


def test_class_names_order_the_ids(folder: Path) -> None:
    dataset = opened(folder, class_names=["dog", "cat"])
    images, labels = next(iter(dataset))
    assert ((images[:, 0, 0, 0] < 100) == labels).all()


def test_links_are_read_only_if_asked_for(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    Image.new("L", (8, 8), 250).save(tmp_path / "more" / "x.png")
    (folder / "cat" / "more").symlink_to(tmp_path / "more")
    (folder / "whole").symlink_to(tmp_path / "more")
    assert sorted(levels(opened(folder))) == [*sorted(LEVELS), 250]
    assert sorted(levels(opened(folder, follow_links=True))) == [*sorted(LEVELS), 250, 250]


@pytest.mark.filterwarnings("ignore:skip:vary.keras.TrapWarning")
def test_parts_of_epochs(folder: Path) -> None:
    dataset = opened(folder, seed=1)
    first, second = levels(dataset), levels(dataset)
    dataset.stream.set_epoch(0)
    for count in (1, 3, 8, 99):
        part = dataset.take(count)
        assert len(part) == min(count, 8)
        assert levels(part) == first[: 4 * count]
        assert levels(part) == second[: 4 * count]
    assert levels(dataset.skip(2)) == first[8:]
    assert levels(dataset.skip(2).take(1)) == levels(dataset.take(3).skip(2)) == first[8:12]
    assert levels(dataset.take(-1)) == first
    assert levels(dataset) == first  # the parts have epochs of their own
    for wrong in (lambda: dataset.take(0), lambda: dataset.skip(8), lambda: dataset.take(1.5)):
        with pytest.raises(vary.InputError):
            wrong()


class Tensor:
    """As torch's: it cannot be converted before it is detached and on the CPU."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def detach(self) -> "Tensor":
        return self

    def cpu(self) -> Any:
        return self.values


def test_map(folder: Path) -> None:
    dataset = opened(folder, shuffle=False)
    mapped = dataset.map(lambda x, y: (x / 2, {"id": Tensor(y)}), num_parallel_calls=-1).map(lambda x, y: (x * 4, y))
    for (x, y), (double, ids) in zip(dataset, mapped, strict=True):
        assert (double == x * 2).all()
        assert (ids["id"] == y).all()
    assert next(iter(mapped.take(2)))[0].dtype == np.float32
    images = opened(folder, label_mode=None, shuffle=False).map(lambda x: x + 1)
    assert levels(images) == [level + 1 for level in levels(dataset)]
    with pytest.raises(vary.InputError, match="function"):
        dataset.map(3)


def test_what_tf_data_needs_is_there_already(folder: Path) -> None:
    dataset = opened(folder)
    assert dataset.cache() is dataset.prefetch(buffer_size=-1) is dataset.shuffle(1000) is dataset
    with pytest.raises(vary.InputError, match="shuffle=True"):
        opened(folder, shuffle=False).shuffle(1000)


def test_single_samples(folder: Path) -> None:
    dataset = opened(folder, batch_size=None, shuffle=False, label_mode="binary")
    assert len(dataset) == 30
    image, label = next(iter(dataset))
    assert (image.shape, label.shape) == ((8, 8, 3), (1,))
    assert levels(dataset.take(5)) == levels(dataset)[:5]
    assert next(iter(opened(folder, batch_size=None, label_mode=None))).shape == (8, 8, 3)


def test_copies_and_pickles(folder: Path) -> None:
    dataset = opened(folder, seed=9).take(3)
    first = levels(dataset)
    for other in (pickle.loads(pickle.dumps(dataset)), copy.copy(dataset), copy.deepcopy(dataset)):
        assert type(other) is ImageDataset
        other.stream.set_epoch(0)
        assert levels(other) == first
    assert "ImageDataset(" in repr(dataset)


def test_what_is_found_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "train").mkdir()
    (folder / ".ipynb_checkpoints").mkdir()
    for place in (folder / "train", folder / ".ipynb_checkpoints"):
        Image.new("L", (8, 8)).save(place / "x.png")
    (folder / "empty").mkdir()
    Image.new("L", (8, 8)).save(folder / "loose.png")
    opened(folder, verbose=True, validation_split=0.2, subset="both")
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "left out: ['empty'], which are empty, and ['loose.png'], beside the classes",
        "Found 31 files belonging to 3 classes.",
        "Using 25 files for training.",
        "Using 6 files for validation.",
    ]
    opened(folder, verbose=True, labels=None)
    assert capsys.readouterr().out == "Found 32 files.\n"
    (folder / "empty").rmdir()
    (folder / "loose.png").unlink()
    (folder / "cat" / "x.heic").write_bytes(b"picture")
    opened(folder, verbose=True)
    assert ".heic" in capsys.readouterr().out.splitlines()[0]  # what the folder warns of
    opened(folder)
    assert not capsys.readouterr().out


def test_files_come_in_the_order_of_keras(tmp_path: Path) -> None:
    """By class, then by folder, then by name; so a folder's own files come before those of its sub-folders."""
    names = ["a-b/0.png", "a/1.png", "a/z.png", "a/k/b/3.png", "a/k/c.png", "b/x.png"]
    for number, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        Image.new("L", (8, 8), number).save(tmp_path / name)

    def order(**options: Any) -> list[str]:
        dataset = opened(tmp_path, shuffle=False, **options)
        found = [Path(path).relative_to(tmp_path).as_posix() for path in dataset.file_paths]
        assert levels(dataset) == [names.index(name) for name in found]
        return found

    of_a = ["a/1.png", "a/z.png", "a/k/c.png", "a/k/b/3.png"]
    assert order() == [*of_a, "a-b/0.png", "b/x.png"]
    assert order(class_names=["b", "a"]) == ["b/x.png", *of_a]
    assert order(labels=None) == ["a/1.png", "a/z.png", "a-b/0.png", "a/k/c.png", "a/k/b/3.png", "b/x.png"]
    numbered = opened(tmp_path, labels=list(range(6)), shuffle=False)
    assert [label for _, labels in numbered for label in labels.tolist()] == list(range(6))


def test_labels_of_ones_own_are_those_of_the_files_without_links(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    Image.new("L", (8, 8), 250).save(tmp_path / "more" / "x.png")
    (folder / "cat" / "more").symlink_to(tmp_path / "more")
    ids = [level // 100 for level in LEVELS]
    for images, labels in opened(folder, labels=ids):
        assert (images[:, 0, 0, 0] // 100 == labels).all()
    with pytest.raises(vary.InputError, match=r"labels has 30 entries, and .* 31 files"):
        opened(folder, labels=ids, follow_links=True)


def test_repeat(folder: Path) -> None:
    dataset = opened(folder, seed=2)
    epochs = [levels(dataset) for _ in range(3)]
    three = opened(folder, seed=2).repeat(3)
    assert (len(three), three.cardinality()) == (24, 24)
    assert levels(three) == [*epochs[0], *epochs[1], *epochs[2]]
    endless = opened(folder, seed=2).repeat()
    assert endless
    assert endless.cardinality() == -1
    with pytest.raises(TypeError, match="no end"):
        len(endless)
    assert [len(x) for (x, _), _ in zip(endless, range(20), strict=False)] == [len(x) for x, _ in three][:20]
    part = opened(folder, seed=2).repeat().take(10)
    assert len(part) == 10
    assert levels(part) == (epochs[0] + epochs[1])[:38]
    assert len(opened(folder).take(2).repeat(5)) == len(opened(folder).repeat(5).take(10)) == 10
    assert pickle.loads(pickle.dumps(three)).cardinality() == 24
    for wrong in (
        lambda: endless.skip(1),
        lambda: endless.repeat(0),
        part.repeat,
        part.unbatch,
        lambda: endless.repeat(1.5),
    ):
        with pytest.raises(vary.InputError):
            wrong()


def test_batches_of_samples_and_samples_of_batches(folder: Path) -> None:
    plain = opened(folder, shuffle=False)
    samples = plain.unbatch()
    assert len(samples) == 30
    assert [round(float(image[0, 0, 0])) for image, _ in samples] == levels(plain)
    again = samples.map(lambda x, y: (x + y, {"id": y})).batch(8).map(lambda x, y: (x * 2, y["id"]))
    assert [len(labels) for _, labels in again] == [8, 8, 8, 6]
    assert levels(again) == [2 * (level + level // 100) for level in levels(plain)]
    assert [len(labels) for _, labels in samples.batch(8, drop_remainder=True)] == [8, 8, 8]
    assert levels(plain.rebatch(7)) == levels(plain)
    assert levels(plain.take(2).rebatch(3)) == levels(plain)[:8]
    assert len(opened(folder, batch_size=None).shuffle(100).batch(4).prefetch(1)) == 8
    assert next(iter(opened(folder, batch_size=None, label_mode=None).batch(5))).shape == (5, 8, 8, 3)
    for wrong in (lambda: plain.batch(4), lambda: plain.map(lambda x, y: (x, y)).unbatch(), lambda: samples.batch(0)):
        with pytest.raises(vary.InputError):
            wrong()
    uneven = samples.map(lambda x, y: (x[: 1 + y], y)).batch(30)
    with pytest.raises(vary.InputError, match=r"batch.*shapes"):
        next(iter(uneven))


@pytest.mark.parametrize("times", [1, 4])
def test_threads_share_an_iterator(folder: Path, times: int) -> None:
    slow = opened(folder, batch_size=1).map(lambda x, y: (time.sleep(0.001), (x, y))[1]).repeat(times)
    shared = iter(slow)
    with ThreadPoolExecutor(4) as pool:
        parts = [*pool.map(lambda _: [round(float(x[0, 0, 0, 0])) for x, _ in shared], range(4))]
    found = [one for part in parts for one in part]
    assert sorted(found) == sorted(LEVELS * times)


def test_a_fixed_order_makes_parts_that_share_no_sample(folder: Path) -> None:
    dataset = opened(folder, seed=4).shuffle(1000, reshuffle_each_iteration=False)
    training, test = dataset.skip(3), dataset.take(3)
    assert levels(dataset) == levels(dataset) != LEVELS
    for _ in range(3):
        assert sorted(levels(training) + levels(test)) == sorted(LEVELS)
    with pytest.warns(TrapWarning, match="reshuffle_each_iteration=False"):
        opened(folder).skip(3)
    opened(folder, shuffle=False).skip(3)
    opened(folder).skip(0)


def test_specs_of_elements(folder: Path) -> None:
    def spec(dataset: Any) -> Any:
        return [(one.shape, one.dtype) for one in dataset.element_spec]

    assert spec(opened(folder)) == [((None, 8, 8, 3), np.float32), ((None,), np.int32)]
    assert spec(opened(folder, batch_size=5)) == [((5, 8, 8, 3), np.float32), ((5,), np.int32)]
    assert spec(opened(folder, label_mode="categorical").unbatch()) == [((8, 8, 3), np.float32), ((2,), np.float32)]
    assert spec(opened(folder).map(lambda x, y: (x[:, :4], y[:, None]))) == [
        ((None, 4, 8, 3), np.float32),
        ((None, 1), np.int32),
    ]
    assert opened(folder, label_mode=None).element_spec.shape == (None, 8, 8, 3)


def test_other_methods_of_tf_data_say_what_to_write(folder: Path) -> None:
    dataset = opened(folder)
    assert dataset.with_options(None) is dataset
    assert dataset.apply(len) == 8
    assert len(list(dataset.as_numpy_iterator())) == 8
    for name, cure in {
        "enumerate": "enumerate(dataset)",
        "filter": "Folder",
        "takes": "take",
        "batches": "batch",
    }.items():
        with pytest.raises(AttributeError, match=f"{name}.*; .*{re.escape(cure)}"):
            getattr(dataset, name)
    assert not hasattr(dataset, "xyz")
    with pytest.raises(AttributeError, match=r"class_indices.*class_names"):
        dataset.class_indices  # noqa: B018
    with pytest.raises(RuntimeError, match="StopIteration"):
        list(dataset.map(lambda x, y: next(iter([]))))
    for wrong in ("", None, 3):
        with pytest.raises(vary.InputError, match=f"directory={wrong!r}"):
            image_dataset_from_directory(wrong)  # type: ignore[arg-type]
    with pytest.raises(vary.InputError, match="returned None"):
        next(iter(dataset.map(lambda x, y: None)))


def test_without_a_seed_runs_differ_but_not_the_split(folder: Path) -> None:
    random.seed(5)
    first, second = (levels(opened(folder)) for _ in range(2))
    random.seed(5)
    assert levels(opened(folder)) == first != second
    parts = [levels(opened(folder, validation_split=0.2, subset=one)) for one in ("training", "validation")]
    assert sorted(parts[0] + parts[1]) == sorted(LEVELS)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"label_mode": "sparse"}, "label_mode='sparse'; give one of 'int'"),
    ({"color_mode": "bgr"}, "color_mode"),
    ({"interpolation": "cubic"}, "interpolation='cubic'"),
    ({"data_format": "NHWC"}, "data_format"),
    ({"subset": "test", "validation_split": 0.2}, "subset='test'"),
    ({"subset": "training"}, "validation_split="),
    ({"validation_split": 0.2}, "subset="),
    ({"validation_split": 1.5, "subset": "both"}, "validation_split=1.5"),
    ({"labels": [1, 2]}, "labels has 2 entries"),
    ({"labels": ["a"] * 30}, "whole numbers"),
    ({"labels": "cat"}, "'inferred'"),
    ({"labels": [3] * 15 + [9] * 15, "label_mode": "binary"}, "number the classes from 0"),
    ({"labels": None, "class_names": ["cat"]}, "class_names="),
    ({"class_names": ["cat"], "label_mode": "binary"}, "2 classes"),
    ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "one of them"),
    ({"image_sizes": (8, 8)}, "no argument 'image_sizes'; did you mean image_size?"),
    ({"xyz": 1}, "it has directory, labels"),
    ({"classes": ["cat"]}, "class_names="),
    ({"layout": "NCHW"}, "data_format="),
    ({"batch_size": 0}, "batch_size=0"),
    ({"format": "numpy"}, "format='numpy'; give one of 'tf', 'grain'"),
    ({"shuffle": "no"}, "shuffle='no'; give True or False"),
    ({"follow_links": "no"}, "follow_links='no'"),
    ({"crop_to_aspect_ratio": None}, "crop_to_aspect_ratio=None"),
    ({"pad_to_aspect_ratio": "False"}, "pad_to_aspect_ratio='False'"),
    ({"class_names": []}, "class_names=[]"),
    ({"class_names": "cat"}, "class_names='cat'"),
    ({"class_names": ["cat", "cow"]}, "class_names names ['cow']"),
    ({"class_names": ["cat", "cat"]}, "class_names=['cat', 'cat']"),
    ({"class_names": ["cat", 1]}, "class_names[1]=1"),
    ({"interpolation": None}, "interpolation=None"),
    ({"class_names": {"cat", "dog"}}, "in the order of their ids"),
    ({"class_names": {"cat": 1, "dog": 0}}, "class_names={'cat': 1, 'dog': 0}; give a list"),
    ({"class_names": ["cat/", "dog"]}, "class_names names ['cat/']"),
    ({"validation_split": "0.2", "subset": "both"}, "validation_split=0.2; give a fraction"),
    ({"validation_split": [0.2], "subset": "both"}, "validation_split=[0.2]; give a fraction"),
    ({"policy": [vary.Rotate(3)]}, "policy is a list; give a policy"),
    ({"policy": vary.Rotate(3)}, "policy is a Rotate"),
]


@pytest.mark.parametrize(("options", "says"), WRONG, ids=[str(options) for options, _ in WRONG])
def test_errors_name_the_argument_and_the_cure(folder: Path, options: dict[str, Any], says: str) -> None:
    with pytest.raises(vary.InputError, match=re.escape(says)):
        opened(folder, **options)


def test_a_folder_without_classes_says_so(folder: Path) -> None:
    with pytest.raises(vary.SourceError, match="labels=None"):
        opened(folder / "cat")
    assert len(opened(folder / "cat", labels=None)) == 3


@pytest.mark.parametrize("version", ["2.15.0", "3.4.1"])
def test_streams_say_which_keras_they_need(folder: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    train = opened(folder).stream
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    assert train.as_keras() is train
    old = ModuleType("keras")
    old.__version__ = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keras", old)
    with pytest.raises(vary.InputError, match=rf"Keras {version}.*steps_per_epoch=len\(stream\)"):
        train.as_keras()


def test_only_keras_asks_by_number(folder: Path) -> None:
    with pytest.raises(TypeError, match="for images, labels"):
        opened(folder)[0]
