"""Every path may begin with `~`, the home folder."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vary
from vary.apps.cli import main
from vary.errors import InputError
from vary.paths import cache_folder, path_text


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data" / "cat").mkdir(parents=True)
    Image.new("RGB", (8, 6), (10, 20, 30)).save(tmp_path / "data" / "cat" / "1.png")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_pictures(home: Path) -> None:
    for path in ("~/data", Path("~/data")):
        folder = vary.Folder(path, listing="~/names")
        assert folder.root == f"{home}/data"
        assert folder.path(0) == f"{home}/data/cat/1.png"
    assert (home / "names").is_file()
    assert vary.read_image("~/data/cat/1.png").shape == vary.read_image(Path("~/data/cat/1.png")).shape == (6, 8, 3)
    assert vary.Files(["~/data/cat/1.png"]).path(0) == f"{home}/data/cat/1.png"
    batch = next(iter(vary.stream("~/data", vary.Policy([]))))
    assert batch.paths == [f"{home}/data/cat/1.png"]


def test_policies(home: Path) -> None:
    for name in ("~/mine.yaml", Path("~/mine.json")):
        vary.Policy([vary.Rotate(40)]).save(name)
        assert vary.Policy.load(name) == vary.Policy([vary.Rotate(40)])
    assert {path.name for path in home.iterdir()} >= {"mine.yaml", "mine.json"}


def test_sheets(home: Path) -> None:
    for name in ("~/sheet.png", Path("~/sheet.jpg")):
        vary.Policy([]).preview(home / "data").save(name)
        vary.stream(home / "data", vary.Policy([])).preview().save(name)
    assert {path.name for path in home.iterdir()} >= {"sheet.png", "sheet.jpg"}


def test_caches(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", "~/kept")
    assert cache_folder() == home / "kept"
    monkeypatch.delenv("VARY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "~/.others")
    assert sys.platform == "darwin" or cache_folder() == home / ".others" / "vary"


def test_the_command(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "~/data", "--output=~/sheet.png"]) == 0, capsys.readouterr()
    assert np.asarray(Image.open(home / "sheet.png")).any()
    assert main(["preview", "~/data", "-o", "~/data/sheet.png"]) != 0
    assert "into the data" in capsys.readouterr().err


def test_other_paths_stay_as_they_are() -> None:
    assert path_text("path", "~nobody-of-this-name/x", "one") == "~nobody-of-this-name/x"
    assert path_text("path", "a/~/b~", "one") == "a/~/b~"
    for wrong in (None, 3, b"x", "a\0b"):
        with pytest.raises(InputError, match=r"path=.*; give one"):
            path_text("path", wrong, "one")
