"""Folder: which files it reads, in which order, of which class; errors for wrong folders."""

import hashlib
import os
import pickle
import random
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sources.relative import relative

from vary._native import file_stamps
from vary.errors import InputError, SourceError
from vary.sources import Encoded, Folder, open_source


def plant(root: Path, *names: str) -> Path:
    """Files under root, each holding its own name, made in a random order."""
    for name in random.Random(len(names)).sample(names, len(names)):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def held(source: Folder, index: int) -> Encoded:
    image = source[index].image
    assert isinstance(image, Encoded)
    return image


def state(root: Path) -> Iterator[tuple[str, int, int, str]]:
    for path in sorted(root.rglob("*")):
        status = path.stat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        yield str(path), status.st_mtime_ns, status.st_mode, digest


def test_classes_are_sorted_sub_folders_and_files_are_in_plain_order(tmp_path: Path) -> None:
    names = ["dog/b.png", "dog/a.JPG", "cat/deep/er/z.jpeg", "cat/10.gif", "cat/9.tiff", "Ant/x.webp", "cat-b/x.bmp"]
    source = Folder(plant(tmp_path, *names))
    assert source.classes == ["Ant", "cat", "cat-b", "dog"]
    assert relative(source) == sorted(names)
    assert source.fields == ("images", "labels")
    assert source.labels is not None
    assert source.labels.dtype == np.int64
    assert [source.classes[label] for label in source.labels] == [name.split("/")[0] for name in sorted(names)]
    for index, name in enumerate(sorted(names)):
        assert held(source, index) == (name.encode(), f"{tmp_path}/{name}")
        assert source[index].labels == (source.labels[index],)
        assert source.path(index) == f"{tmp_path}/{name}"
    (batch,) = source.label_batch([6, 0])
    assert batch.dtype == np.int64
    assert list(batch) == [3, 0]
    with pytest.raises(IndexError):
        source[7]


def test_pictures_without_folders_are_unlabelled(tmp_path: Path) -> None:
    source = Folder(plant(tmp_path, "b.png", "a.png", "notes/readme.txt"))
    assert relative(source) == ["a.png", "b.png"]
    assert source.fields == ("images",)
    assert source.classes is None
    assert source.labels is None
    assert source[0].labels == ()
    assert source.label_batch([0, 1]) == ()


@pytest.mark.parametrize(
    "name",
    [
        ".hidden/x.jpg", "cat/.x.jpg", "cat/._a.jpg", "Thumbs.db/x.jpg", "__MACOSX/cat/x.jpg", "cat/__MACOSX/x.jpg",
        "@eaDir/x.jpg", "cat/x.txt", "cat/x.jpg.txt", "cat/jpg", "x.csv", "cat/x.npy",
    ],
)  # fmt: skip
def test_ignored_files(tmp_path: Path, name: str) -> None:
    source = Folder(plant(tmp_path, "cat/a.jpg", name))
    assert relative(source) == ["cat/a.jpg"]
    assert source.classes == ["cat"]


def test_links(tmp_path: Path) -> None:
    plant(tmp_path, "data/cat/a.jpg", "elsewhere/b.jpg", "more/c.jpg")
    root = tmp_path / "data"
    (root / "cat" / "link.jpg").symlink_to(tmp_path / "elsewhere" / "b.jpg")
    (root / "cat" / "loop").symlink_to(root)
    (root / "cat" / "itself.jpg").symlink_to(root / "cat" / "itself.jpg")
    (root / "cat" / "nothing.jpg").symlink_to(root / "absent.jpg")
    (root / "dog").symlink_to(tmp_path / "more")
    source = Folder(root)
    assert relative(source) == ["cat/a.jpg", "cat/link.jpg", "dog/c.jpg"]
    assert held(source, 1).data == b"elsewhere/b.jpg"


def test_named_classes_fix_the_ids(tmp_path: Path) -> None:
    plant(tmp_path, "cat/a.jpg", "dog/b.jpg", "emu/c.jpg", "loose.jpg")
    (tmp_path / "ant").mkdir()
    source = Folder(tmp_path, classes=["emu", "ant", "cat"])
    assert source.classes == ["emu", "ant", "cat"]
    assert relative(source) == ["cat/a.jpg", "emu/c.jpg"]
    assert source.labels is not None
    assert list(source.labels) == [2, 0]
    with pytest.raises(SourceError, match=r"\['cow'\].*\['ant', 'cat', 'dog', 'emu'\]"):
        Folder(tmp_path, classes=["cat", "cow"])
    with pytest.raises(SourceError, match="twice"):
        Folder(tmp_path, classes=["cat", "cat"])
    with pytest.raises(SourceError, match="holds no pictures"):
        Folder(tmp_path, classes=["ant"])


def test_errors_for_wrong_folders_name_the_cure(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent' does not exist; give a folder with one sub-folder"):
        Folder(tmp_path / "absent")
    plant(tmp_path, "file.jpg", "text/a.txt", "mixed/a.jpg", "mixed/b.jpg", "mixed/cat/b.jpg", "gap/cat/a.jpg")
    with pytest.raises(SourceError, match="is a file"):
        Folder(tmp_path / "file.jpg")
    with pytest.raises(SourceError, match=r"holds no pictures: .*\.jpg \.jpeg .*give the folder that holds"):
        Folder(tmp_path / "text")
    with pytest.raises(SourceError, match=r"2 pictures directly \(such as 'a.jpg'\) beside the classes \['cat'\]"):
        Folder(tmp_path / "mixed")
    (tmp_path / "gap" / "dog").mkdir()
    with pytest.raises(SourceError, match=r"without pictures: \['dog'\].*classes=\[...\]"):
        Folder(tmp_path / "gap")


def test_warning_for_a_folder_of_train_and_val(tmp_path: Path) -> None:
    plant(tmp_path, *(f"{root}/{part}/cat/a.jpg" for root in ("pets", "more") for part in ("val", "train", "Test")))
    (tmp_path / "more" / "val" / "cat" / "a.jpg").rename(tmp_path / "more" / "val" / "a.jpg")
    for root in (tmp_path / "pets", tmp_path / "more"):
        with pytest.warns(UserWarning, match=rf"\['Test', 'train', 'val'\], which .* give one part, '{root}/train'"):
            source = open_source(root)
        assert len(source) == 3
        assert len(Folder(root, classes=["train", "val"])) == 2, "whoever names them means them"


@pytest.mark.parametrize("names", [["train/a.jpg", "val/b.jpg"], ["train/cat/a.jpg"], ["train/x/a.jpg", "bus/x/a.jpg"]])
def test_no_warning_for_other_folders(tmp_path: Path, names: list[str]) -> None:
    assert len(Folder(plant(tmp_path, *names))) == len(names)


def test_a_file_that_vanished_is_named(tmp_path: Path) -> None:
    source = Folder(plant(tmp_path, "cat/a.jpg"))
    (tmp_path / "cat" / "a.jpg").unlink()
    with pytest.raises(SourceError, match=r"cat/a\.jpg: was there .* No such file"):
        source[0]


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, "cat/a.jpg", "dog/b.jpg")
    scandir = os.scandir

    def guarded(path: str) -> object:
        if path.endswith("dog"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    with pytest.raises(SourceError, match="dog: cannot be listed: Permission denied"):
        Folder(tmp_path)


def test_it_pickles_and_the_ids_cannot_be_written(tmp_path: Path) -> None:
    source = Folder(plant(tmp_path, "cat/a.jpg", "dog/b.jpg"))
    again = pickle.loads(pickle.dumps(source))
    assert again[1] == source[1]
    assert source.labels is not None
    with pytest.raises(ValueError, match="read-only"):
        source.labels[0] = 1


def test_a_file_costs_less_than_200_bytes(tmp_path: Path) -> None:
    plant(tmp_path, *(f"n0{number % 7}/picture_{number:07}.jpg" for number in range(2000)))
    Folder(tmp_path)
    tracemalloc.start()
    source = Folder(tmp_path)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / len(source) < 200


def test_nothing_is_written(tmp_path: Path) -> None:
    plant(tmp_path, "cat/a.jpg", "dog/b.jpg")
    for path in (tmp_path / "cat", tmp_path / "dog", tmp_path):
        path.chmod(0o555)
    before = list(state(tmp_path))
    source = Folder(tmp_path)
    assert [held(source, index).data for index in range(2)] == [b"cat/a.jpg", b"dog/b.jpg"]
    assert list(state(tmp_path)) == before
    for path in (tmp_path / "cat", tmp_path / "dog", tmp_path):
        path.chmod(0o755)


def test_real_pets(pictures_root: Path) -> None:
    root = pictures_root / "cats_dogs" / "train"
    before = list(state(root))
    source = Folder(root)
    assert source.classes == ["cat", "dog"]
    assert source.labels is not None
    assert list(np.bincount(source.labels)) == [96, 100]
    assert all(held(source, index).data[:3] == b"\xff\xd8\xff" for index in range(len(source)))
    assert list(state(root)) == before


def test_missing_classes_keep_their_ids(tmp_path: Path) -> None:
    for name in ("cat/1.jpg", "dog/2.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"")
    folder = Folder(tmp_path, classes=["ant", "dog", "cat"])
    assert folder.classes == ["ant", "dog", "cat"]
    assert dict(zip(relative(folder), folder.label_batch([0, 1])[0].tolist(), strict=True)) == {
        "cat/1.jpg": 2,
        "dog/2.jpg": 1,
    }
    with pytest.raises(SourceError, match=r"classes names \['wolf'\], but .* only if it names all of these as well"):
        Folder(tmp_path, classes=["cat", "wolf"])  # or was it the dog?
    for wrong in ("cat", []):
        with pytest.raises(SourceError, match="give a list of sub-folders' names, at least one, or leave it out"):
            Folder(tmp_path, classes=wrong)


@pytest.mark.parametrize("given", [True, 3, b"data", ["data"]], ids=str)
def test_a_path_is_a_path(tmp_path: Path, given: Any) -> None:
    root = plant(tmp_path / "data", "cat/a.jpg")
    reported = re.escape(f"={given!r}; give the path of a f")
    with pytest.raises(InputError, match=f"^path{reported}older"):
        Folder(given)
    with pytest.raises(InputError, match=f"^listing{reported}ile to keep it in, or None"):
        Folder(root, listing=given)
    with pytest.raises(InputError, match=r"^path=None; give the path of a folder"):
        Folder(None)  # type: ignore[arg-type]


def test_files_are_known_by_path_size_and_time(tmp_path: Path) -> None:
    names = ["a.jpg", os.fsdecode(b"\xff.jpg"), "gone.jpg"]
    for number, name in enumerate(names):
        (tmp_path / name).write_bytes(b"x" * (number + 5))
        os.utime(tmp_path / name, ns=(0, 1_700_000_000_123_456_789 + number))
    source = Folder(tmp_path)
    (tmp_path / "gone.jpg").unlink()
    found = dict(zip(relative(source), source.fingerprints(range(3)), strict=True))
    for name in names[:2]:
        status = os.stat(tmp_path / name)  # noqa: PTH116
        assert found[name] == (f"{tmp_path}/{name}", status.st_size, status.st_mtime_ns)
    assert found["gone.jpg"] == (f"{tmp_path}/gone.jpg", -1, -1)


def test_a_path_that_no_system_has_is_no_other_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    with pytest.raises(ValueError, match="null"):
        file_stamps([f"{tmp_path}/a\0b"])
