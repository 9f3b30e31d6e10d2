"""The layout of sheets; their pixels are those of the policy."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

import vary
from vary.apps.cli import main
from vary.apps.inputs import main_policy
from vary.display.sheet import GUTTER, HEADER, LINE, TITLE, Cell, Sheet, draw, layout_of, shortened


def photo(height: int = 90, width: int = 120) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x + 2 * y) % 256], axis=-1).astype(np.uint8)


def preview(*args: object) -> np.ndarray:
    assert main(["preview", *map(str, args), "-o", "sheet.png"]) == 0
    with Image.open("sheet.png") as sheet:
        assert sheet.mode == "RGB"
        return np.array(sheet)


def cell(sheet: np.ndarray, row: int, column: int, size: tuple[int, int]) -> np.ndarray:
    y, x = HEADER + TITLE + row * (TITLE + size[0] + GUTTER), GUTTER + column * (size[1] + GUTTER)
    return sheet[y : y + size[0], x : x + size[1]]


def title(sheet: np.ndarray, row: int, size: tuple[int, int]) -> np.ndarray:
    """The line over a row."""
    y = HEADER + row * (TITLE + size[0] + GUTTER)
    return sheet[y : y + TITLE]


def differs_by(a: np.ndarray, b: np.ndarray) -> int:
    assert a.shape == b.shape
    return int(np.abs(a.astype(int) - b).max())


@pytest.mark.usefixtures("work")
def test_variations_are_the_policys(data: Path) -> None:
    sheet = preview(data, "--rows", 4, "--columns", 5, "--seed", 9)
    folder, policy = vary.sources.Folder(data), main_policy()
    for row, index in enumerate((1, 3, 5, 7)):  # evenly over the eight
        image = vary.read_image(folder.path(index))
        for epoch in range(4):
            expected = np.rint(policy(image, seed=9, epoch=epoch, index=index) * 255)
            found = cell(sheet, row, epoch + 1, (150, 150))
            assert differs_by(found, expected) <= 1  # 1: the halves, which float32 pushes either way
            assert (found == expected).mean() > 0.98


@pytest.mark.usefixtures("work")
def test_the_first_column_is_the_fitted_original(data: Path) -> None:
    sheet = preview(data, "--rows", 99, "--columns", 2)
    for row, path in enumerate(sorted(data.rglob("*.*g"))):
        with Image.open(path) as image:
            height, width = (side * 150 // max(image.size) for side in image.size[::-1])
            small = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
        found = cell(sheet, row, 0, (150, 150))
        y, x = (150 - height) // 2, (150 - width) // 2
        inside = found[y : y + height, x : x + width]
        assert differs_by(inside[1:-1, 1:-1], small[1:-1, 1:-1]) <= 1
        outside = found.copy()
        outside[max(y - 1, 0) : y + height + 1, max(x - 1, 0) : x + width + 1] = 255
        assert (outside == 255).all()


@pytest.mark.usefixtures("work")
def test_cells_are_equal_gutters_white_and_columns_captioned(data: Path) -> None:
    sheet = preview(data, "--rows", 3, "--columns", 4)
    bottom = HEADER + 3 * (TITLE + 150 + GUTTER)
    assert sheet.shape == (bottom + 2 * LINE + GUTTER, GUTTER + 4 * (150 + GUTTER), 3)
    rest = sheet.copy()
    for row in range(3):
        title(rest, row, (150, 150))[:] = 255
        for column in range(4):
            cell(rest, row, column, (150, 150))[:] = 255
    assert (rest[HEADER:bottom] == 255).all()
    assert (rest[bottom : bottom + LINE] < 200).any(), "a note on the values of the originals"
    assert (rest[bottom + LINE : -GUTTER] < 200).any(), "and of the variations"
    for column in range(4):
        x = GUTTER + column * (150 + GUTTER)
        inked = np.nonzero((rest[:HEADER, x : x + 150] < 200).any(axis=(0, 2)))[0]
        assert len(inked)
        assert abs(inked.mean() - 75) < 10, "the caption is centred"


@pytest.mark.usefixtures("work")
def test_a_row_is_captioned_with_class_and_file(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The texts are caught on their way to Pillow; where their ink lies is read from the sheet."""
    drawn: list[tuple[str, tuple[int, int, int]]] = []
    write = ImageDraw.ImageDraw.text

    def watched(draw: Any, at: Any, text: str, ink: Any, *args: Any, **how: Any) -> None:
        drawn.append((text, ink))
        write(draw, at, text, ink, *args, **how)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", watched)
    sheet = preview(data, "--rows", 4, "--columns", 2)
    texts = [text for text, _ in drawn if text][2:10]  # after the captions, before the notes
    assert texts == ["cat", "1.jpg", "cat", "3.jpg", "dog", "1.jpg", "dog", "3.jpg"]
    for row in range(4):
        inked = np.nonzero((title(sheet, row, (150, 150)) < 200).any(axis=(0, 2)))[0]
        assert inked[0] in range(GUTTER, GUTTER + 3)
        assert inked[-1] > GUTTER + 40
    drawn.clear()
    preview(data / "cat", "--rows", 1, "--columns", 2)
    assert [text for text, _ in drawn if text][2:3] == ["2.png"]
    drawn.clear()
    preview(data / "cat" / "0.png", "--columns", 2)
    assert [text for text, _ in drawn if text][2:3] == ["0.png"]


@pytest.mark.usefixtures("work")
def test_any_name_fits(data: Path) -> None:
    """Long names, several lines, bytes that are no text, letters that the font has not."""
    names = ["x" * 200 + ".png", "two\nlines.png", os.fsdecode(b"\xff\xfe.png"), "\u732b.png"]
    folder = data / ("a very long name of a class " * 3)
    folder.mkdir()
    for name in names:
        shutil.copyfile(data / "cat" / "0.png", folder / name)
    sheet = preview(data, "--rows", 99, "--columns", 2)
    assert sheet.shape[0] > HEADER + 12 * (TITLE + 150 + GUTTER)
    assert sheet.shape[1] == GUTTER + 2 * (150 + GUTTER)
    for row in range(12):
        inked = np.nonzero((title(sheet, row, (150, 150)) < 200).any(axis=(0, 2)))[0]
        assert len(inked)
        assert inked[-1] < sheet.shape[1] - GUTTER


def test_long_names_are_shortened_in_the_middle() -> None:
    assert shortened("cat_0001.jpg", 12, len) == "cat_0001.jpg"
    assert shortened("cat_0001.jpg", 9, len) == "cat_\u2026.jpg"
    assert shortened("cat_0001.jpg", 2, len) == "c\u2026"
    assert shortened("cat_0001.jpg", 0, len) == "\u2026"
    assert shortened("", 0, len) == ""
    assert shortened("a\nb\udcff", 9, len) == "a?b?"
    assert shortened("K\u00e4tzchen \u732b", 99, len) == "Katzchen ?"


def test_one_picture_is_index_0(data: Path, work: Path) -> None:
    sheet = preview(data / "cat" / "0.png", "--columns", 2)
    image = vary.read_image(data / "cat" / "0.png")
    assert sheet.shape[0] >= HEADER + TITLE + 150 + GUTTER
    assert differs_by(cell(sheet, 0, 1, (150, 150)), np.rint(main_policy()(image, seed=0) * 255)) <= 1
    assert [path.name for path in work.iterdir()] == ["sheet.png"]


def test_cells() -> None:
    def cell_of(*sizes: tuple[int, int]) -> tuple[int, int]:
        return layout_of(Sheet((tuple(Cell(photo(), size) for size in sizes),))).cell

    assert cell_of((150, 150)) == (150, 150)
    assert cell_of((224, 224)) == (224, 224)
    assert cell_of((32, 32)) == (96, 96), "tiny pictures grow by a whole factor"
    assert cell_of((480, 960)) == (120, 240), "large ones shrink"
    assert cell_of((100, 60), (80, 120)) == (100, 120)


@pytest.mark.usefixtures("work")
def test_tiny_pictures_keep_their_pixels(data: Path) -> None:
    vary.Policy([vary.Resize(32, 32), vary.HorizontalFlip()]).save("small.yaml")
    sheet = preview(data, "--rows", 1, "--columns", 2, "--policy", "small.yaml")
    image = vary.read_image(data / "dog" / "0.png")
    expected = vary.Policy.load("small.yaml")(image, seed=0, index=4)
    assert (cell(sheet, 0, 1, (96, 96)) == expected.repeat(3, axis=0).repeat(3, axis=1)).all()


@pytest.mark.usefixtures("work")
def test_sizes_may_differ(data: Path) -> None:
    vary.Policy([vary.HorizontalFlip(p=0)]).save("plain.yaml")
    sheet = preview(data, "--rows", 8, "--columns", 2, "--policy", "plain.yaml")
    image = vary.read_image(data / "cat" / "2.png")  # 64 x 64 in a cell of 120 x 130
    found = cell(sheet, 2, 1, (120, 130))
    assert (found[28 : 28 + 64, 33 : 33 + 64] == image).all()
    found[28 : 28 + 64, 33 : 33 + 64] = 255
    assert (found == 255).all()


def test_a_fitted_picture_keeps_its_aspect() -> None:
    wide = Cell(photo(50, 100), (50, 100), fits=True)
    found = draw(Sheet(((wide, Cell(photo(60, 60), (60, 60))),)))
    found = found[GUTTER : GUTTER + 60, GUTTER : GUTTER + 60]
    assert (found[:14] == 255).all()
    assert (found[-14:] == 255).all()
    assert (found[16:-16] != 255).any(axis=(1, 2)).all()


@pytest.mark.parametrize(
    ("name", "kind"), [("a.jpg", "JPEG"), ("a.JPEG", "JPEG"), ("a.webp", "WEBP"), ("a.png", "PNG")]
)
def test_the_name_chooses_the_format(data: Path, work: Path, name: str, kind: str) -> None:
    assert main(["preview", str(data), "-o", name]) == 0
    with Image.open(work / name) as sheet:
        assert sheet.format == kind


def test_long_notes_are_broken() -> None:
    row = (Cell(photo(150, 200), (150, 200)),)
    plain = draw(Sheet((row,)))
    found = draw(Sheet((row,), notes=("a note of many words that does not fit into one line", "short")))
    assert found.shape[1] == plain.shape[1]
    assert found.shape[0] == plain.shape[0] + 3 * LINE + GUTTER
    assert (found[: len(plain)] == plain).all()


@pytest.mark.usefixtures("work")
def test_the_command_prints_the_notes(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vary.Policy([vary.Resize(20, 20), vary.Normalize()]).save("mine.yaml")
    assert main(["preview", str(data), "--policy", "mine.yaml"]) == 0
    originals, variations, path = capsys.readouterr().out.splitlines()
    assert originals.startswith("originals: uint8, 0 .. 255, mean ")
    assert variations.startswith("variations: float32, -2")
    assert variations.endswith("shown from -3 (black) to 3 (white), after Normalize, which has no range")
    assert path == "vary-preview.png"
