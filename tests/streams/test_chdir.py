"""A source that was opened by relative paths reads the same files after the current folder has changed."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary
from vary.paths import absolute
from vary.sources import Item, Source, fingerprints_of

HERE, THERE = 10, 200  # the colours of the two folders
POLICY = vary.Policy([])
NAMES = ["a/0.png", "a/1.png", "b/2.png", "b/3.png"]


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder has pictures of the one colour, the folder that is returned has the same ones in another."""
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    for place, colour in (("here", HERE), ("there", THERE)):
        for name in NAMES:
            path = tmp_path / place / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((8, 8, 3), colour, np.uint8)).save(path)
        np.save(tmp_path / place / "data.npy", np.full((4, 8, 8, 3), colour, np.uint8))
        (tmp_path / place / "link").symlink_to(tmp_path / place / "data" / "a")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "there"


class Pairs(Source):
    """A source of one's own that is made of another."""

    def __init__(self, folder: vary.Folder) -> None:
        self.folder = folder

    def __len__(self) -> int:
        return len(self.folder)

    def item(self, index: int) -> Item:
        return Item(self.folder[index].image)

    def path(self, index: int) -> str:
        return self.folder.path(index)


def listed() -> vary.Folder:
    vary.Folder("data", listing="names")
    return vary.Folder("data", listing="names")


SOURCES: dict[str, Callable[[], Any]] = {
    "text": lambda: "data",
    "path": lambda: Path("data"),
    "folder": lambda: vary.Folder("./data/"),
    "above": lambda: vary.Folder("../here/data"),
    "through a link": lambda: vary.Folder("link/../../data"),
    "labels": lambda: vary.Folder("data", labels=[0, 1, 2, 3]),
    "other labels": lambda: vary.Folder("data").with_labels([0, 1, 2, 3]),
    "listing": listed,
    "subset": lambda: vary.Folder("data")[::2],
    "split": lambda: vary.Folder("data").split(0.5)[0],
    "files": lambda: vary.Files([f"data/{name}" for name in NAMES], [0, 1, 2, 3]),
    "files of a folder": lambda: vary.Files(vary.Folder("data").paths),
    "files of a subset": lambda: vary.Files(vary.Folder("data")[1:].paths),
    "own": lambda: Pairs(vary.Folder("data")),
    "map": lambda: np.load("data.npy", mmap_mode="r"),
}


def colours(batches: Any) -> set[int]:
    found: set[int] = set()
    for batch in batches:
        found |= set(np.unique(batch.images).tolist())
        if batch.paths is not None:
            assert all(path.startswith("/") and "/here/" in path for path in batch.paths)
    return found


@pytest.mark.parametrize("kind", SOURCES)
def test_epochs_read_the_folder_that_was_given(kind: str, there: Path) -> None:
    train = vary.stream(SOURCES[kind](), POLICY, batch_size=2)
    os.chdir(there)
    assert colours(train) == {HERE}
    os.chdir("/")
    assert colours(train) == {HERE}
    assert colours([train.replay(0), train.peek()]) == {HERE}
    os.chdir(there)
    assert colours(pickle.loads(pickle.dumps(train))) == {HERE}
    source = pickle.loads(pickle.dumps(train.source))
    assert colours(vary.stream(source, POLICY)) == {HERE}
    if hasattr(source, "fingerprints"):
        keys: Any = fingerprints_of(source, range(len(source)))
        assert all("/here/" in path and size > 0 for path, size, _ in keys)


@pytest.mark.parametrize("kind", ["text", "listing", "files", "subset", "map"])
def test_another_process_reads_the_folder_that_was_given(kind: str, there: Path) -> None:
    with vary.stream(SOURCES[kind](), POLICY, batch_size=2, process=True) as train:
        os.chdir(there)
        assert colours(train) == {HERE}


@pytest.mark.parametrize("kind", ["text", "listing", "files", "subset"])
@pytest.mark.parametrize("cache", ["memory", "disk"])
def test_what_is_kept_belongs_to_the_folder_that_was_given(kind: str, cache: Any, there: Path) -> None:
    here = Path.cwd()
    train = vary.stream(SOURCES[kind](), POLICY, batch_size=2, cache=cache)
    os.chdir(there)
    assert [colours(train), colours(train)] == [{HERE}] * 2
    for place, colour in ((there, THERE), (here, HERE)):
        os.chdir(place)
        images = [batch.images for batch in vary.stream(SOURCES[kind](), POLICY, batch_size=2, cache=cache)]
        assert set(np.unique(images)) == {colour}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a", "/x/y/a"),
        ("./a//b/.", "/x/y/a/b"),
        ("..", "/x"),
        ("../../../../a", "/a"),
        ("./../a", "/x/a"),
        ("a/../b", "/x/y/a/../b"),
        ("../a/..", "/x/a/.."),
        ("/a//b/./c/", "/a/b/c"),
        ("/a/../b", "/a/../b"),
        ("/../a", "/a"),
        (".", "/x/y"),
        ("/", "/"),
    ],
)
def test_absolute_paths(path: str, expected: str) -> None:
    assert absolute(path, "/x/y") == expected


def test_the_current_folder_is_asked_only_for_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gone").mkdir()
    os.chdir("gone")
    (tmp_path / "gone").rmdir()
    assert vary.Files(["/a.jpg"]).paths == ["/a.jpg"]
    with pytest.raises(FileNotFoundError):
        vary.Files(["a.jpg"])
