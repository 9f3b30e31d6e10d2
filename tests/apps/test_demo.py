"""`vary demo` runs a stream, writes a sheet, and prints at the end where the sheet is and the speed."""

import re
import shutil
import tempfile
from pathlib import Path

import pytest
from conftest import oracle
from PIL import Image

import vary
from vary.apps import demo, inputs
from vary.apps.cli import main
from vary.display.sheet import GUTTER, LINE

NOTES = 2 * LINE + GUTTER  # below a sheet of this width
SPEED = re.compile(
    r"[\d,]+ images/s: (\d+) epochs? of (\d+) files to (\d+) x (\d+) (\w+), \d+ threads?; "
    r"the consumer, doing nothing else, waited \d+% of \d+\.\d s"
)

pytestmark = pytest.mark.usefixtures("work")


def reported(capsys: pytest.CaptureFixture[str], *args: object) -> list[str]:
    assert main(["demo", *map(str, args)]) == 0
    out, err = capsys.readouterr()
    assert not err
    return out.splitlines()


def test_a_folder_of_classes(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = reported(capsys, data, "--epochs", 3)
    assert lines[0] == f"8 pictures in {data}"
    assert [line.split() for line in lines[2:4]] == [["cat", "4"], ["dog", "4"]]
    assert "    Resize(height=150, width=150)," in lines
    explained = inputs.main_policy().explain(vary.read_image(data / "cat" / "0.png").shape)
    assert "\n".join(f"  {line}".rstrip() for line in explained.splitlines()) in "\n".join(lines)
    assert any(line.startswith("  epoch 2: 8 images in ") for line in lines)
    assert lines[-2] == "Sheet: vary-demo.png"
    found = SPEED.fullmatch(lines[-1])
    assert found
    assert found.groups() == ("3", "8", "150", "150", "float32")
    with Image.open("vary-demo.png") as sheet:
        assert sheet.size == (8 + 8 * 158, 28 + 6 * 178 + NOTES)


def test_a_flat_folder(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = reported(capsys, data / "cat")
    assert lines[:2] == [
        f"4 pictures in {data / 'cat'}",
        "No sub-folders, so no classes: the batches hold pictures alone.",
    ]
    assert SPEED.fullmatch(lines[-1])


def test_own_pictures_run_two_epochs(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = reported(capsys, data)
    place = lines.index("Epoch by epoch:")
    first, second, after = lines[place + 1 : place + 4]
    assert re.fullmatch(r"  epoch 0: [\d,]+ images/s; 0 of 8 from the cache", first)
    assert re.fullmatch(r"  epoch 1: [\d,]+ images/s; \d of 8 from the cache", second)
    assert not after
    found = SPEED.fullmatch(lines[-1])
    assert found
    assert found.groups()[:2] == ("2", "8")


def test_a_policy_file(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vary.Policy([vary.Resize(20, 30), vary.Rotate(30)], fill="reflect", strict=True).save("mine.yaml")
    lines = reported(capsys, data, "--policy", "mine.yaml", "-o", "mine.png")
    assert "], fill='reflect', strict=True)" in lines
    assert lines[-2] == "Sheet: mine.png"
    found = SPEED.fullmatch(lines[-1])
    assert found
    assert found.groups() == ("2", "8", "20", "30", "uint8")


def test_sizes_that_differ_name_the_cure(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vary.Policy([vary.Rotate(30)]).save("mine.yaml")
    assert main(["demo", str(data), "--policy", "mine.yaml"]) == 1
    assert "put Resize(height, width) into the policy" in capsys.readouterr().err
    assert not Path("vary-demo.png").exists()


def test_broken_files_are_left_out_and_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "cat" / "0.png").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    (data / "dog" / "empty.png").touch()
    lines = reported(capsys, data)
    assert lines[-2] == "Sheet: vary-demo.png"
    assert "  skipped: 2" in lines
    assert any("0.png" in line for line in lines)
    assert ": 2 epochs of 7 files to " in lines[-1]


def test_no_picture_can_be_opened(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in data.rglob("*.*g"):
        path.write_bytes(b"")
    assert main(["demo", str(data)]) == 1
    assert "none of the 8 pictures can be opened; the last: " in capsys.readouterr().err


def test_many_classes_are_summed_up(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(20):
        shutil.copytree(data / "cat", data / f"more_{number:02}")
    lines = reported(capsys, data)
    assert "22 classes:" in lines
    assert "  and 12 more" in lines


def test_the_samples(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    oracle("skimage")
    monkeypatch.setattr(demo, "COPIES", 3)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(tmp_path.iterdir())
    lines = reported(capsys)
    assert lines[0] == "4 photographs of scikit-image as JPEG, 3 copies of each to time"
    assert [line.split() for line in lines[2:6]] == [[n, "3"] for n in ("astronaut", "chelsea", "coffee", "rocket")]
    assert sorted(tmp_path.iterdir()) == before, "the temporary folder is gone"
    with Image.open("vary-demo.png") as sheet:
        assert sheet.size == (8 + 8 * 158, 28 + 4 * 178 + NOTES)


def test_without_the_samples(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "find_spec", lambda _: None)
    assert main(["demo"]) == 1
    assert "pip install scikit-image" in capsys.readouterr().err


def test_a_preview_goes_on_without_broken_files(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "cat" / "0.png").write_bytes(b"")
    assert main(["preview", str(data), "--rows", "99"]) == 0
    assert capsys.readouterr().err == f"vary: skipped: {data / 'cat' / '0.png'}: the file is empty\n"
    with Image.open("vary-preview.png") as sheet:
        assert sheet.height == 28 + 7 * 178 + NOTES
