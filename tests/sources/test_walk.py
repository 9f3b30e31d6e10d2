"""The walk: suffixes of pictures, warnings for other files, circular links, deep folders."""

import inspect
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile
from sources.relative import relative

from vary.codecs.decode import read_image
from vary.errors import SourceError
from vary.sources import SUFFIXES, Folder

NOT_READ = {"EPS": "takes another program", "MPEG": "a stub", "PPM .pfm": "floats without a stated range"}


def plant(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return root


def test_all_that_pillow_opens_is_listed() -> None:
    Image.init()
    opens = {
        ending
        for ending, name in Image.registered_extensions().items()
        if name in Image.OPEN
        and not (isinstance(kind := Image.OPEN[name][0], type) and issubclass(kind, ImageFile.StubImageFile))
        and name not in NOT_READ
        and f"{name} {ending}" not in NOT_READ
    }
    assert opens <= set(SUFFIXES)
    of_jpeg = {".jif", ".jfi", ".pjpeg", ".pjp", ".mpo"}  # which is known by its first bytes
    newer = {".avif", ".avifs", ".qoi", ".j2c", ".pnm", ".apng", ".blp"}  # than the oldest Pillow, or optional
    assert set(SUFFIXES) - opens <= of_jpeg | newer


def test_what_is_listed_is_read(tmp_path: Path) -> None:
    """Of the formats that Pillow writes too."""
    Image.init()
    known, written = Image.registered_extensions(), []
    modes = {".bw": "L", ".pgm": "L", ".pbm": "1", ".rgba": "RGBA", ".xbm": "1", ".msp": "1", ".blp": "P"}
    for ending in SUFFIXES:
        name, mode = known.get(ending, "JPEG"), modes.get(ending, "RGB")
        if name not in Image.SAVE:
            continue
        path = tmp_path / f"{ending[1:]}{ending}"
        try:
            with warnings.catch_warnings(action="ignore"):  # a format may be deprecated
                Image.new("L", (16, 16), 77).convert(mode).save(path, name)
        except (OSError, KeyError):  # a codec that this Pillow lacks
            path.unlink(missing_ok=True)
            continue
        written.append(path.name)
        assert read_image(path).shape[2] == 3
    assert len(written) > 25
    assert sorted(relative(Folder(tmp_path))) == sorted(written)


def test_what_may_be_pictures_is_counted(tmp_path: Path) -> None:
    plant(tmp_path, "cat/1.jpg", "cat/2.HEIC", "cat/3.heic", "cat/4.nef", "cat/notes.txt", "dog/1.jpg", "dog/2.svg")
    with pytest.warns(UserWarning, match=r"skipped 2 \.heic, 1 \.nef, 1 \.svg; .*convert or rename") as reported:
        source = Folder(tmp_path)
    assert len(reported) == 1
    assert reported[0].filename == __file__
    assert len(source) == 2
    with pytest.warns(UserWarning, match=r"skipped 2 \.heic, 1 \.nef;"):
        Folder(tmp_path, classes=["cat"])


def test_first_bytes_of_files_without_a_suffix_are_checked(tmp_path: Path) -> None:
    plant(tmp_path, "cat/1.jpg", "cat/README", "cat/LICENSE")
    Folder(tmp_path)
    (tmp_path / "cat" / "0815").write_bytes(b"\xff\xd8\xff\xe0....")
    with pytest.warns(UserWarning, match="skipped 3 without a suffix"):
        Folder(tmp_path)


def test_many_endings_are_summed_up(tmp_path: Path) -> None:
    plant(tmp_path, "cat/1.jpg", *(f"cat/x.{number}" for number in range(300)))
    with pytest.warns(UserWarning, match=r", 292 of others; ") as reported:
        Folder(tmp_path)
    assert len(str(reported[0].message)) < 2000


def test_errors_count_the_other_files(tmp_path: Path) -> None:
    plant(
        tmp_path, "a/cat/1.heic", "a/cat/2.txt", "a/cat/3", "b/cat/1.jpg", "b/dog/2.heic", "b/dog/3.txt", "b/cat/4.nef"
    )
    counted = r"1 \.heic, 1 \.txt, 1 without a suffix"
    with pytest.raises(SourceError, match=rf"holds no pictures: .*skipped, and {counted}\); give the folder"):
        Folder(tmp_path / "a")
    with pytest.raises(SourceError, match=r"without pictures: \['dog'\], with 1 \.heic, 1 \.txt; remove them"):
        Folder(tmp_path / "b")


def test_folders_that_link_to_each_other(tmp_path: Path) -> None:
    n = 9
    for folder in range(n):
        plant(tmp_path, f"d{folder}/x.jpg")
        for other in set(range(n)) - {folder}:
            (tmp_path / f"d{folder}" / f"l{other}").symlink_to(f"../d{other}")
    source = Folder(tmp_path)
    assert len(source) == n * n, "every folder once a class"
    assert source.labels is not None
    assert np.bincount(source.labels).tolist() == [n] * n
    assert len(Folder(tmp_path, labels=range(n))) == n, "and without classes once"


def test_exponentially_many_links(tmp_path: Path) -> None:
    for depth in range(30):
        plant(tmp_path, f"d{depth}/x.jpg")
        for name in "ab":
            (tmp_path / f"d{depth}" / name).symlink_to(f"../d{depth + 1}")
    plant(tmp_path, "d30/x.jpg")
    assert len(Folder(tmp_path, classes=["d0"])) == 31


def test_links_to_the_root_and_above_end(tmp_path: Path) -> None:
    root = plant(tmp_path / "data", "cat/1.jpg", "dog/2.jpg")
    (root / "cat" / "up").symlink_to(root)
    (root / "cat" / "higher").symlink_to(tmp_path)
    (root / "dog" / "itself").symlink_to(root / "dog")
    assert relative(Folder(root)) == ["cat/1.jpg", "dog/2.jpg"]


def test_two_classes_may_be_one_folder(tmp_path: Path) -> None:
    plant(tmp_path, "store/1.jpg", "store/2.jpg")
    (tmp_path / "data").mkdir()
    for name in ("cat", "pet"):
        (tmp_path / "data" / name).symlink_to(tmp_path / "store")
    assert relative(Folder(tmp_path / "data")) == ["cat/1.jpg", "cat/2.jpg", "pet/1.jpg", "pet/2.jpg"]


def nested(root: Path, name: str, depth: int) -> None:
    """A picture so many folders below."""
    for _ in range(depth):
        os.chdir(root)
        Path(name).mkdir()
        root = Path(name)
    os.chdir(root)
    Path("x.jpg").write_bytes(b"")


def test_deep_folders_need_no_recursion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    nested(tmp_path, "d", 400)
    limit, frames = sys.getrecursionlimit(), len(inspect.stack(0))
    sys.setrecursionlimit(frames + 100)
    try:
        source = Folder(tmp_path)
    finally:
        sys.setrecursionlimit(limit)
    assert relative(source) == ["d/" * 400 + "x.jpg"]
    assert source.classes == ["d"]


def test_folders_that_are_too_deep_for_a_path_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    nested(tmp_path, "d" * 250, 20)
    with pytest.raises(SourceError, match="File name too long") as reported:
        Folder(tmp_path)
    assert len(str(reported.value)) < 2000
