"""What stands where on a sheet, and that its pixels are the policy's."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vary
from vary.apps.cli import main
from vary.apps.inputs import main_policy
from vary.apps.sheet import GUTTER, HEADER, cell_of, corner, fitted, shown

TAIL = vary.Rescale(1 / 255)
ADDRESS = {"seed": 3, "epoch": 2, "index": 1}


def photo(height: int = 90, width: int = 120) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, (x + 2 * y) % 256], axis=-1).astype(np.uint8)


def preview(*args: object) -> np.ndarray:
    assert main(["preview", *map(str, args), "-o", "sheet.png"]) == 0
    with Image.open("sheet.png") as sheet:
        assert sheet.mode == "RGB"
        return np.array(sheet)


def cell(sheet: np.ndarray, row: int, column: int, size: tuple[int, int]) -> np.ndarray:
    y, x = HEADER + row * (size[0] + GUTTER), GUTTER + column * (size[1] + GUTTER)
    return sheet[y : y + size[0], x : x + size[1]]


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
    assert sheet.shape == (HEADER + 3 * (150 + GUTTER), GUTTER + 4 * (150 + GUTTER), 3)
    rest = sheet.copy()
    for row in range(3):
        for column in range(4):
            cell(rest, row, column, (150, 150))[:] = 255
    assert (rest[HEADER:] == 255).all()
    for column in range(4):
        x = corner(0, column, (150, 150))[1]
        inked = np.nonzero((rest[:HEADER, x : x + 150] < 200).any(axis=(0, 2)))[0]
        assert len(inked)
        assert abs(inked.mean() - 75) < 10, "the caption is centred"


def test_one_picture_is_index_0(data: Path, work: Path) -> None:
    sheet = preview(data / "cat" / "0.png", "--columns", 2)
    image = vary.read_image(data / "cat" / "0.png")
    assert sheet.shape[0] == HEADER + 150 + GUTTER
    assert differs_by(cell(sheet, 0, 1, (150, 150)), np.rint(main_policy()(image, seed=0) * 255)) <= 1
    assert [path.name for path in work.iterdir()] == ["sheet.png"]


@pytest.mark.parametrize(
    ("tail", "without"),
    [
        ([TAIL], []),
        ([vary.Normalize()], []),
        ([TAIL, vary.Normalize()], []),
        ([vary.Rescale(1 / 127.5, -1)], []),
        ([vary.Sometimes([TAIL], p=0.5)], []),
        ([TAIL, vary.Brightness((0.5, 0.5))], [vary.Brightness((0.5, 0.5))]),
        ([vary.HorizontalFlip(p=1)], [vary.HorizontalFlip(p=1)]),
    ],
    ids=str,
)
def test_values_are_shown_as_the_pictures_own(tail: list[vary.Transform], without: list[vary.Transform]) -> None:
    head = [vary.Resize(40, 40), vary.Rotate(30)]
    for index in range(6):
        expected = vary.Policy([*head, *without])(photo(), seed=3, index=index)
        assert differs_by(shown(vary.Policy([*head, *tail]), photo(), 3, 0, index), expected) <= 1


def test_uint8_is_shown_untouched() -> None:
    policy = vary.Policy([vary.Resize(40, 50), vary.Rotate(30)])
    assert (shown(policy, photo(), 3, 2, 1) == policy(photo(), **ADDRESS)).all()


def test_cells() -> None:
    assert cell_of([(150, 150)]) == (150, 150)
    assert cell_of([(224, 224)]) == (224, 224)
    assert cell_of([(32, 32)]) == (96, 96), "tiny pictures grow by a whole factor"
    assert cell_of([(480, 960)]) == (120, 240), "large ones shrink"
    assert cell_of([(100, 60), (80, 120)]) == (100, 120)


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
    found = fitted(photo(50, 100), (60, 60))
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
