"""`Files`: paths in any form, in the given order, with the user's labels."""

import os
import pickle
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary
from vary.errors import InputError, SourceError
from vary.sources import Encoded, Files


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{name}.png" for name in "cab"]
    for value, path in enumerate(paths):
        Image.new("RGB", (6, 5), (value, 10, 20)).save(path)
    return paths


def test_files_come_in_the_order_given(pictures: list[Path]) -> None:
    source = Files(pictures, ["x", "y", "x"])
    assert list(source.paths) == [str(path) for path in pictures]
    assert source.path(1) == str(pictures[1])
    assert source.fields == ("images", "labels")
    assert source.classes == ["x", "y"]
    image = source[2].image
    assert isinstance(image, Encoded)
    assert image == (pictures[2].read_bytes(), str(pictures[2]))
    assert source[2].labels == (0,)
    assert source[-1].image == image
    assert source.label_batch([1, 2])[0].tolist() == [1, 0]
    with pytest.raises(IndexError):
        source[3]
    assert Files(pictures).fields == ("images",)
    assert Files(pictures).classes is None
    assert vary.Files is Files


def test_a_stream_of_files(pictures: list[Path]) -> None:
    train = vary.stream(Files([*pictures, pictures[0]], [3, 1, 4, 1]), vary.Policy([]), shuffle=False, cache="memory")
    for _ in range(2):
        batch = next(iter(train))
        assert batch.images[:, 0, 0, 0].tolist() == [0, 1, 2, 0]
        assert batch.labels.tolist() == [3, 1, 4, 1]
        assert batch.paths == [str(path) for path in (*pictures, pictures[0])]
    train.close()


@pytest.mark.parametrize(
    "form",
    [
        tuple,
        lambda paths: [str(path) for path in paths],
        lambda paths: np.array([str(path) for path in paths]),
        lambda paths: np.array(paths, object),
        lambda paths: [str(paths[0]), paths[1], np.str_(paths[2])],
        lambda paths: (path for path in paths),
        lambda paths: [PurePosixPath(path) for path in paths],
    ],
)
def test_paths_in_any_form(pictures: list[Path], form: Any) -> None:
    source = Files(form(pictures))
    assert list(source.paths) == [str(path) for path in pictures]
    assert all(type(path) is str for path in source.paths)


def test_relative_paths_stay_valid_after_chdir(pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pictures[0].parent)
    source = Files(["c.png", "./a.png", Path("b.png"), f"../{pictures[0].parent.name}/c.png"])
    monkeypatch.chdir("/")
    assert [source.path(index) for index in range(3)] == [str(path) for path in pictures]
    assert source[3].image == (pictures[0].read_bytes(), source.path(3))


def test_the_home_folder(pictures: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(pictures[0].parent))
    assert Files(["~/c.png", Path("~/a.png")]).paths == [str(path) for path in pictures[:2]]


@pytest.mark.parametrize(
    ("paths", "says"),
    [
        ("a.jpg", r"paths='a.jpg' is a single path; give a list of paths, or vary.Folder\(path\)"),
        (Path("a.jpg"), "is a single path"),
        ([], "paths is empty"),
        (3, "paths is a int; give a list"),
        (None, "paths is a NoneType; give a list"),
        ({"a.jpg"}, "paths is a set; give a list.* in their order"),
        ({"a.jpg": 1}, "paths is a dict; give a list"),
        (np.array([["a.jpg"]]), "paths is a ndarray; give a list"),
        (["a.jpg", None], r"paths\[1\]=None; give the path of a picture's file"),
        (["a.jpg", float("nan")], r"paths\[1\]=nan"),
        (["a.jpg", b"b.jpg"], r"paths\[1\]=b'b.jpg'"),
        (["a.jpg", ""], r"paths\[1\]=''"),
        (["a.jpg", "b\0.jpg"], r"paths\[1\]='b\\x00.jpg'"),
        (["a.jpg", ["b.jpg"]], r"paths\[1\]=\['b.jpg'\]"),
    ],
    ids=str,
)
def test_invalid_paths(paths: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        Files(paths)


def test_numbers_of_paths_and_labels(pictures: list[Path]) -> None:
    with pytest.raises(InputError, match="3 images but 2 labels"):
        Files(pictures, [1, 2])


def test_a_missing_file_is_an_error_when_it_is_read(pictures: list[Path]) -> None:
    source = Files([*pictures, "/nowhere/x.jpg"])
    with pytest.raises(SourceError, match=r"/nowhere/x\.jpg: was listed, but No such file"):
        source[3]
    batch = next(iter(vary.stream(source, vary.Policy([]), on_error="skip")))
    assert len(batch.images) == 3


def test_it_pickles_small(pictures: list[Path]) -> None:
    source = Files(pictures, ["x", "y", "x"])
    again = pickle.loads(pickle.dumps(source))
    assert (again.paths, again.classes, again[1]) == (source.paths, source.classes, source[1])
    many = [f"/a/folder/of/pictures/{number:08}.jpg" for number in range(1000)]
    assert len(pickle.dumps(Files(many, range(1000)))) < 1000 * (len(many[0]) + 9 + 8 + 1) + 1500


def test_files_are_known_by_path_size_and_time(pictures: list[Path]) -> None:
    status = os.stat(pictures[1])  # noqa: PTH116
    assert Files(pictures).fingerprints([1]) == [(str(pictures[1]), status.st_size, status.st_mtime_ns)]


def test_a_list_of_paths_is_no_list_of_pictures(pictures: list[Path]) -> None:
    with pytest.raises(InputError, match=r"images\[0\] is of type str.*vary\.Files\(paths, labels\) is a source"):
        vary.stream([str(path) for path in pictures], vary.Policy([]))
