"""`--dtype uint16`: commands read all 16 bits of files."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vary
from vary.apps.cli import CHANNELS, DTYPES, main
from vary.apps.inputs import WHITE, main_policy
from vary.codecs import wide
from vary.elements import DTYPES as ALL, MOST_CHANNELS

pytestmark = pytest.mark.usefixtures("work")


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """Dark radiographs: as uint8, their values are 0 and 1."""
    root = tmp_path / "deep"
    root.mkdir()
    for number in range(4):
        y, x = np.mgrid[:90, :120]
        Image.fromarray((x * 2 + y * 2 + number).astype(np.uint16)).save(root / f"{number}.png")
    return root


def test_the_same_tables() -> None:
    assert sorted(DTYPES) == sorted(ALL)
    assert CHANNELS == MOST_CHANNELS
    assert WHITE == wide.WHITE


@pytest.mark.filterwarnings("ignore::vary.ValueWarning")
def test_preview(deep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for given in (deep, deep / "2.png"):
        assert main(["preview", str(given), "--dtype", "uint16", "-o", "sheet.png"]) == 0
        first, second, _ = capsys.readouterr().out.splitlines()
        files = vary.Files([given], dtype="uint16") if given.is_file() else vary.Folder(given, dtype="uint16")
        expected = main_policy("uint16").preview(files)
        assert (first, second) == expected.notes
        assert first.startswith("originals: uint16, ")
        assert main(["preview", str(given), "-o", "sheet.png"]) == 0
        assert capsys.readouterr().out.startswith("originals: uint8, 0 .. 1, ")


def test_the_policy_without_a_file_goes_with_the_dtype() -> None:
    white = np.full((20, 20, 3), 65535, np.uint16)
    assert main_policy("uint16")(white, seed=0).max() == 1
    assert main_policy()(np.full((20, 20, 3), 255, np.uint8), seed=0).max() == 1


@pytest.mark.filterwarnings("ignore::vary.ValueWarning")
def test_demo_and_profile(deep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", str(deep), "--dtype", "uint16", "-o", "sheet.png"]) == 0
    assert "originals: uint16, " in capsys.readouterr().out
    bytes_ = []
    for dtype in ("uint8", "uint16"):
        assert main(["profile", str(deep), "--dtype", dtype, "--cache", "memory", "--json"]) == 0
        bytes_.append(json.loads(capsys.readouterr().out)[-1]["cache_bytes"])
    assert bytes_[1] > 1.9 * bytes_[0]
