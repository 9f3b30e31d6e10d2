"""Pictures that shrink, compared with a float64 reference and Pillow, and properties that every filter must have."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vary import HorizontalFlip, Policy, Resize, Rotate, Transpose, VerticalFlip, Zoom, read_image, stream

SUPER = 8  # samples for each canvas pixel along each axis
ANGLES = [7, 20, 33, 45, 75]
FILLS: list[str | int] = ["constant", "nearest", "reflect", "reflect101", "wrap"]


def bilinear(image: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Values at (x, y), of which the picture spans 0 .. width and 0 .. height."""
    height, width = image.shape[:2]
    left, top = np.floor(x - 0.5).astype(int), np.floor(y - 0.5).astype(int)
    wx, wy = (x - 0.5 - left)[..., None], (y - 0.5 - top)[..., None]
    rows, columns = (top.clip(0, height - 1), (top + 1).clip(0, height - 1)), (left, left + 1)
    a, b = (
        sum(image[row, column.clip(0, width - 1)] * w for column, w in zip(columns, (1 - wx, wx), strict=True))
        for row in rows
    )
    return np.asarray(a * (1 - wy) + b * wy)


def tent(lines: np.ndarray) -> np.ndarray:
    """Along the first axis: a tent of half-width one canvas pixel, of lines that begin and end a pixel outside."""
    away = (np.arange(3 * SUPER) + 0.5) / SUPER - 1.5
    weights = np.maximum(0, 1 - np.abs(away))
    count = len(lines) // SUPER - 2
    return np.stack([np.tensordot(weights / weights.sum(), lines[i * SUPER :][: 3 * SUPER], 1) for i in range(count)])


def ideal(image: np.ndarray, height: int, width: int, angle: float) -> np.ndarray:
    """Resized, then turned counter-clockwise, in float64: 8 x 8 samples a pixel under a tent."""
    points = [(np.arange(-SUPER, (n + 1) * SUPER) + 0.5) / SUPER - n / 2 for n in (height, width)]
    y, x = np.meshgrid(*points, indexing="ij")
    s, c = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    across, down = image.shape[1] / width, image.shape[0] / height
    seen = bilinear(image.astype(float), (c * x - s * y + width / 2) * across, (s * x + c * y + height / 2) * down)
    return tent(tent(seen).swapaxes(0, 1)).swapaxes(0, 1)


def inner(height: int, width: int, angle: float, margin: float = 3) -> np.ndarray:
    """The pixels of the canvas that the turned picture covers, without a margin."""
    y, x = np.ogrid[:height, :width]
    y, x = y + 0.5 - height / 2, x + 0.5 - width / 2
    s, c = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    return np.asarray((abs(c * x - s * y) < width / 2 - margin) & (abs(s * x + c * y) < height / 2 - margin))


def pillows(image: np.ndarray, height: int, width: int) -> Image.Image:
    return Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)


def photos(root: Path) -> Iterator[np.ndarray]:
    for path in [
        *sorted(root.glob("cats_dogs/val/*/*.jpg"))[3:30:13],
        *sorted(root.glob("clothing/val/*/*.jpg"))[::50],
    ]:
        yield read_image(path)


def cut(image: np.ndarray, shrink: float) -> np.ndarray:
    """The middle of the picture, of which about 64 pixels are left after the shrink."""
    size = int(64 * shrink)
    top, left = (max(0, (n - size) // 2) for n in image.shape[:2])
    return np.ascontiguousarray(image[top : top + size, left : left + size])


def error(seen: np.ndarray, expected: np.ndarray, where: np.ndarray) -> float:
    return float(np.sqrt(((np.asarray(seen, float) - expected)[where] ** 2).mean()))


@pytest.mark.parametrize(("shrink", "most"), [(1.1, 1.05), (1.3, 0.8), (1.6, 0.8), (1.75, 0.8), (2.1, 0.8), (2.9, 0.8)])
def test_error_on_photos(pictures_root: Path, shrink: float, most: float) -> None:
    check_error(pictures_root, shrink, most)


@pytest.mark.parametrize("shrink", [4, 5.5, 8, 13, 30])
def test_error_on_photos_that_shrink_much(pictures_root: Path, shrink: float) -> None:
    check_error(pictures_root, shrink, 0.85)


def check_error(root: Path, shrink: float, most: float) -> None:
    """The root mean square error is at most `most` times that of Pillow's resize followed by a bilinear turn."""
    for photo in photos(root):
        image = cut(photo, min(shrink, 8))
        height, width = (round(n / shrink) for n in image.shape[:2])
        for angle in ANGLES:
            where = inner(height, width, angle)
            if where.sum() < 100:
                continue
            expected = ideal(image, height, width, angle)
            turned = np.asarray(pillows(image, height, width).rotate(angle, Image.Resampling.BILINEAR))
            seen = Policy([Resize(height, width), Rotate((angle, angle))])(image, seed=0)
            assert error(seen, expected, where) <= most * error(turned, expected, where), angle


@pytest.mark.parametrize("shrink", [1.1, 1.25, 1.5, 1.68, 1.72, 1.9, 2, 2.2, 2.5, 3.1, 3.5, 4.4, 6, 8, 12.5])
@pytest.mark.parametrize("axis", [0, 1])
def test_stripes_of_one_pixel_become_grey(shrink: float, axis: int) -> None:
    size = int(120 * shrink) // 2 * 2
    stripes = np.zeros((size, size, 3), np.uint8)
    stripes[(slice(None),) * axis + (slice(None, None, 2),)] = 255
    middle = np.s_[25:95, 25:95, 0]
    left = np.asarray(pillows(stripes, 120, 120))[middle].std()
    for angle in (1, 10, 33, 60):
        policy = Policy([Resize(120, 120), Rotate((angle, angle))])
        assert policy(stripes, seed=0)[middle].std() <= 2 * left + 1.5


# ---- symmetry -------------------------------------------------------------------------------------------------------

SEEN = {  # what was done to a picture -> the transforms that take it back
    "mirrored": (lambda a: a[:, ::-1], [HorizontalFlip(p=1)]),
    "upside down": (lambda a: a[::-1], [VerticalFlip(p=1)]),
    "half turned": (lambda a: a[::-1, ::-1], [HorizontalFlip(p=1), VerticalFlip(p=1)]),
    "transposed": (lambda a: a.swapaxes(0, 1), [Transpose(p=1)]),
    "turned": (np.rot90, [Transpose(p=1), HorizontalFlip(p=1)]),
}


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("size", [(48, 61), (97, 30), (150, 150)])
def test_turned_and_mirrored_sources_give_the_same_picture(size: tuple[int, int], fill: str) -> None:
    rng = np.random.default_rng(4)
    coarse = Image.fromarray(rng.integers(0, 256, (40, 30, 3), dtype=np.uint8))
    for image in (rng.integers(0, 256, (211, 167, 3), dtype=np.uint8), np.asarray(coarse.resize((211, 300)))):
        warp = [Resize(*size), Rotate((20, 20)), Zoom((0.73, 0.9))]
        expected = Policy(warp, fill=fill)(image, seed=0).astype(int)
        for change, back in SEEN.values():
            seen = Policy([*back, *warp], fill=fill)(np.ascontiguousarray(change(image)), seed=0)
            wrong = np.abs(seen - expected).max(axis=2) > 1
            # The border of a constant fill, and the seam of wrap, are decided by the last bits of a position.
            assert wrong.sum() <= (2 if fill in ("constant", "wrap") else 0)


@pytest.mark.parametrize("fill", ["reflect", "nearest"])
def test_exif_turned_files_give_the_same_picture(pictures_root: Path, tmp_path: Path, fill: str) -> None:
    photo = Image.fromarray(next(photos(pictures_root)))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = orientation
        photo.save(tmp_path / f"{orientation}.jpg", quality=95, exif=exif)
    policy = Policy([Resize(48, 60), Rotate((20, 20)), Zoom((0.8, 0.8))], fill=fill)
    for batch in stream(tmp_path, policy, batch_size=1, full_decode=True, shuffle=False, cache=None):
        expected = policy(read_image(batch.paths[0]), seed=0, epoch=batch.epoch, index=int(batch.indices[0]))
        assert np.abs(expected.astype(int) - batch.images[0]).max() <= 1


# ---- extent ---------------------------------------------------------------------------------------------------------


def centre_of(picture: np.ndarray) -> tuple[float, float, float]:
    """x, y and the side of a square as bright, of a picture of some white on black."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    light = picture[..., 0] / 255.0
    return (light * x).sum() / light.sum(), (light * y).sum() / light.sum(), math.sqrt(light.sum())


@pytest.mark.parametrize("size", [61, 100, 121, 257, 999, 1000, 1020, 1031])
@pytest.mark.parametrize("angle", [0, 0.5, 45])
@pytest.mark.filterwarnings("ignore::vary.ValueWarning")  # half a degree
def test_a_white_picture_keeps_its_place(size: int, angle: float) -> None:
    policy = Policy([Resize(50, 50), Rotate((angle, angle)), Zoom((0.6, 0.6))], fill="constant")
    x, y, side = centre_of(policy(np.full((size, size, 3), 255, np.uint8), seed=0))
    assert (x, y) == pytest.approx((25, 25), abs=0.1)
    assert side == pytest.approx(30, abs=0.1 if angle < 1 else 0.5)  # hard edges: whole pixels


@pytest.mark.parametrize("size", [300, 301, 997])
@pytest.mark.parametrize("shrink", [1.2, 1.8, 2.7, 7, 20])
@pytest.mark.parametrize("angle", [10, 45, 80])
def test_a_white_square_keeps_its_area_and_centre(size: int, shrink: float, angle: float) -> None:
    image = np.zeros((size, size, 3), np.uint8)
    part = size // 3
    image[size // 2 - part // 2 : size // 2 - part // 2 + part, part : 2 * part] = 255
    count = round(size / shrink)
    scale = count / size
    x, y, side = centre_of(Policy([Resize(count, count), Rotate((angle, angle))])(image, seed=0))
    s, c = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    right, down = (part * 1.5 - size / 2) * scale, (size // 2 - part // 2 + part / 2 - size / 2) * scale
    assert x == pytest.approx(count / 2 + c * right + s * down, abs=0.1)
    assert y == pytest.approx(count / 2 - s * right + c * down, abs=0.1)
    assert side == pytest.approx(part * scale, abs=0.1)


@pytest.mark.parametrize("transforms", [[], [Rotate((0, 0)), Zoom((0.6, 0.6))], [Rotate((12, 12)), Zoom((0.6, 0.6))]])
def test_levels_of_jpegs_keep_the_extent(tmp_path: Path, transforms: list) -> None:
    for width in (121, 257, 431, 1001):
        white = Image.fromarray(np.full((width - 4, width, 3), 255, np.uint8))
        white.save(tmp_path / f"{width}.jpg")
    policy = Policy([Resize(50, 50), *transforms, Zoom((0.6, 0.6))], fill="constant")
    for full_decode in (True, False):
        for batch in stream(tmp_path, policy, batch_size=1, shuffle=False, full_decode=full_decode, cache=None):
            x, y, _ = centre_of(batch.images[0])
            assert (x, y) == pytest.approx((25, 25), abs=0.1)


def test_levels_of_jpegs_are_like_full_decoding(pictures_root: Path) -> None:
    """Random warps of photos to 64 x 64."""
    folder = pictures_root / "clothing" / "val"
    policy = Policy([HorizontalFlip(), Resize(64, 64), Rotate(40), Zoom((0.7, 1.4))])
    few, whole = (
        np.concatenate([b.images for b in stream(folder, policy, batch_size=16, seed=5, full_decode=f, cache=None)])
        for f in (False, True)
    )
    difference = np.abs(few.astype(int) - whole).mean()
    assert 0.1 < difference <= 1.5
