"""`Policy.preview`: what it accepts, what it shows, how large the sheet is, and where it is written."""

import base64
import io
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary
from vary.display.originals import picked
from vary.display.page import _data_uri

POLICY = vary.Policy([vary.Resize(40, 50), vary.Rotate(30), vary.Rescale(1 / 255)])


def images_of(html: str) -> list[Image.Image]:
    """Every picture of the HTML, which must be whole in itself."""
    sources = re.findall(r'src="([^"]*)"', html)
    assert all(source.startswith("data:image/") for source in sources)
    found = [Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2]))) for source in sources]
    for one in found:
        one.load()
    return found


def test_originals_stand_beside_their_variations(photos: list[np.ndarray]) -> None:
    sheet = POLICY.preview(photos, seed=5, n=3).sheet
    assert sheet.columns == ("original", "epoch 0", "epoch 1", "epoch 2")
    for index, (row, image) in enumerate(zip(sheet.rows, photos, strict=True)):
        assert (row[0].image == image).all()
        for epoch, cell in enumerate(row[1:]):
            expected = POLICY(image, seed=5, epoch=epoch, index=index) * 255
            assert np.abs(cell.image - expected).max() < 0.51


@pytest.mark.parametrize("kind", ["one", "grey", "list", "batch", "tuple", "path", "text", "paths", "folder", "source"])
def test_all_kinds_of_input(kind: str, photos: list[np.ndarray], data: Path) -> None:
    file = data / "cat" / "0.png"
    given: dict[str, tuple[Any, int, list[str]]] = {
        "one": (photos[0], 1, []),
        "grey": (photos[0][..., 0], 1, []),
        "list": (photos, 4, []),
        "batch": (np.stack([photos[2]] * 5), 5, []),
        "tuple": ((photos, [3, 1, 4, 1]), 4, ["label 3", "label 1", "label 4", "label 1"]),
        "path": (file, 1, ["0.png"]),
        "text": (str(file), 1, ["0.png"]),
        "paths": ([file, str(data / "dog" / "1.png")], 2, ["0.png", "1.png"]),
        "folder": (data, 6, ["cat", "cat", "cat", "dog", "dog", "dog"]),
        "source": (vary.Arrays(photos), 4, []),
    }
    images, rows, titles = given[kind]
    found = POLICY.preview(images, n=1)
    assert len(found.sheet.rows) == rows
    assert [next(filter(None, title)) for title in found.sheet.titles] == titles
    assert len(images_of(found._repr_html_())) == 2 * rows
    with Image.open(io.BytesIO(found._repr_png_())) as sheet:
        sheet.load()


@pytest.mark.parametrize(
    ("images", "says"),
    [
        ([], "images is empty"),
        (np.zeros((0, 8, 8, 3), np.uint8), "images is empty"),
        ("nowhere", "nowhere: No such file"),
        (np.zeros((3, 40, 40), np.uint8), "looks like (C, H, W)"),
        (5, "int is not a source"),
        (vary.stream(np.zeros((3, 8, 8, 3), np.uint8), POLICY), "stream.preview() shows it"),
        (np.zeros((8, 8, 3)), "float64"),
        ([np.zeros((8, 8, 3), np.uint8), None], "images[1] is None, not a NumPy array"),
    ],
)
def test_nothing_to_show_is_an_error(images: Any, says: str) -> None:
    with pytest.raises(vary.VaryError, match=re.escape(says)):
        POLICY.preview(images)


def test_the_picture_that_does_not_fit_is_named(photos: list[np.ndarray], data: Path) -> None:
    policy = vary.Policy([vary.Lambda(lambda image: image[:0] if len(image) == 64 else image)])
    assert policy.preview(photos[:2], n=1).sheet.rows
    with pytest.raises(vary.InputError, match=r"^image 2 is 0 x 64 x 3; a picture needs"):
        policy.preview(photos)
    with pytest.raises(vary.InputError, match=r"^cat, 2\.png is 0 x 64 x 3; a picture needs"):
        policy.preview(data, rows=8)
    with pytest.raises(vary.InputError, match=r"^seed='a'; give a whole number from 0"):
        POLICY.preview(photos, seed="a")  # type: ignore[arg-type]


def test_numbers_are_checked(photos: list[np.ndarray]) -> None:
    for name in ("n", "rows"):
        with pytest.raises(vary.InputError, match=f"{name}=0; give a whole number"):
            POLICY.preview(photos, **{name: 0})


def test_pictures_are_spread_over_the_folder(data: Path) -> None:
    folder = vary.Folder(data)
    assert [one.number for one in picked(folder, 2, 3).originals] == [2, 6]
    assert [one.number for one in picked(folder, 99, 3).originals] == list(range(8))
    files = [folder.path(number) for number in range(8)]
    for given in (files, tuple(map(Path, files)), vary.Files(files)):
        assert [one.number for one in picked(given, 2, 3).originals] == [2, 6]


def test_the_next_file_replaces_a_broken_one(data: Path) -> None:
    folder = vary.Folder(data)

    def chosen(count: int) -> list[int]:
        return [one.number for one in picked(folder, count, 3).originals]

    for number, name in [(2, "cat/2.png"), (7, "dog/3.png")]:
        assert folder.path(number) == str(data / name)
        (data / name).write_bytes(b"\xff\xd8\xff\xe0 and\nno more")
    assert chosen(2) == [3, 6]
    ((path, reason),) = picked(folder, 2, 3).skipped
    assert path == str(data / "cat" / "2.png")
    assert path not in reason
    assert "\n" not in reason
    assert chosen(4) == [0, 1, 3, 5], "7 is the last: the search goes on at 0"
    assert chosen(99) == [0, 1, 3, 4, 5, 6]
    found = POLICY.preview(data, rows=2, n=1)
    assert found.skipped[0][0] == path
    assert f"skipped: {path}" in found._repr_html_()
    for file in data.rglob("*.png"):
        file.unlink()
    with pytest.raises(vary.SourceError, match=r"none of the 8 pictures can be opened; the last: .*No such file"):
        chosen(2)


def test_names_are_escaped(tmp_path: Path, photos: list[np.ndarray]) -> None:
    folder = tmp_path / "data" / "<script>alert(1)<"
    folder.mkdir(parents=True)
    Image.fromarray(photos[0]).save(folder / '"onload=x&.png')
    html = POLICY.preview(tmp_path / "data")._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;" in html
    assert "&quot;onload=x&amp;.png" in html


@pytest.mark.parametrize(("rows", "n", "shown"), [(12, 9, 120), (40, 9, 150), (2, 200, 201)])
def test_html_stays_small_and_png_too(rows: int, n: int, shown: int) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (rows, 150, 200, 3), dtype=np.uint8)
    found = vary.Policy([vary.Rotate(20)]).preview(noise, rows=rows, n=n)
    assert len(found.sheet.cells) == rows * (n + 1)
    html = found._repr_html_()
    assert len(html) < 300_000
    assert len(images_of(html)) == shown
    assert (f"and {rows - shown // (n + 1)} more rows" in html) == (shown < rows * (n + 1))
    assert len(found._repr_png_()) < 2_500_000


def test_a_picture_has_at_most_its_bytes() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (160, 160, 3), dtype=np.uint8)
    sizes, bytes_ = [], []
    for limit in (40_000, 20_000, 12_000, 6_000, 2_000):
        source, _ = _data_uri(noise, (160, 160), limit)
        data = base64.b64decode(source.partition("base64,")[2])
        assert len(data) <= limit
        sizes.append(Image.open(io.BytesIO(data)).size[0])
        bytes_.append(len(data))
    assert sizes[:3] == [160, 160, 160], "first the quality is lowered"
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(bytes_)) == 5


@pytest.mark.filterwarnings("ignore")  # of a picture of few colours
def test_large_pictures_are_not_kept_whole() -> None:
    large = np.zeros((1500, 2000, 3), np.uint8)
    large[:, 1000:] = 200
    found = vary.Policy([vary.HorizontalFlip(p=1)]).preview(large, n=1)
    assert sum(cell.image.nbytes for cell in found.sheet.cells) < 1_000_000
    assert found.sheet.cells[1].size == (1500, 2000)
    assert found.sheet.cells[1].image[0, 0].tolist() == [200] * 3


@pytest.mark.filterwarnings("ignore")  # of a picture of few colours
def test_alpha_lies_over_a_checkerboard() -> None:
    clear = np.zeros((16, 16, 4), np.uint8)
    clear[:, 8:] = (10, 20, 30, 255)
    found = vary.Policy([]).preview(clear, n=1)
    image = found.sheet.cells[1].image
    assert image[:, 8:].reshape(-1, 3).tolist() == [[10, 20, 30]] * 128
    assert image[0, 0].tolist() != image[8, 0].tolist()
    assert "alpha over a checkerboard" in found.notes[1]


def test_saving(photos: list[np.ndarray], tmp_path: Path) -> None:
    found = POLICY.preview(photos)
    for name, kind in (("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.webp", "WEBP")):
        found.save(tmp_path / name)
        with Image.open(tmp_path / name) as sheet:
            assert sheet.format == kind
    for path, says in (
        (tmp_path / "a.txt", "ends in .png, .jpg"),
        (tmp_path / "nowhere" / "a.png", "does not exist"),
        (tmp_path / "folder.png", "is a folder"),
    ):
        (tmp_path / "folder.png").mkdir(exist_ok=True)
        with pytest.raises(vary.InputError, match=says):
            found.save(path)


def test_in_a_prompt_it_is_text(photos: list[np.ndarray]) -> None:
    lines = repr(POLICY.preview(photos, rows=2, n=3)).splitlines()
    assert lines[0] == "Preview(2 of 4 pictures, each in 3 variations)"
    assert lines[1].startswith("  originals: uint8, 0 .. 255")
    assert lines[2].endswith("shown from 0 (black) to 1 (white)")


def test_floats_of_a_range_of_their_own() -> None:
    ramp = np.linspace(0, 4000, 64 * 64, dtype=np.float32).reshape(64, 64, 1)
    found = vary.Policy([vary.HorizontalFlip(p=0)], value_range=4000).preview(ramp, n=1)
    for cell in found.sheet.cells:
        assert cell.image.min() == 0
        assert cell.image.max() == 255
    assert found.notes[0].endswith("shown from 0 (black) to 4000 (white)")


@pytest.mark.filterwarnings("ignore")  # such pictures may be warned of when they are made; not when they are shown
def test_showing_does_not_warn() -> None:
    odd = np.full((8, 8, 3), np.nan, np.float32)
    odd[0] = np.inf
    found = vary.Policy([vary.HorizontalFlip(p=0)]).preview(odd, n=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found._repr_html_()
        found._repr_png_()
        assert "values NaN or infinite" in repr(found)
