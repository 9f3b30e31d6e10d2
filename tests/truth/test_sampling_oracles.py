"""Resampling against other libraries: Pillow's filter, OpenCV's and scikit-image's warps, NumPy's padding."""

from pathlib import Path

import numpy as np
import pytest
from conftest import oracle
from PIL import Image

from vary import Affine, CenterCrop, HorizontalFlip, Normalize, Pad, Policy, Resize, Rotate, Shear, Translate, Zoom

SIZES = [(224, 224), (97, 161), (33, 500), (31, 17), (401, 299), (600, 601), (1, 1)]


def smooth(height: int, width: int) -> np.ndarray:
    """Waves of some 30 pixels: steep enough to show a small shift, smooth enough for 5-bit weights."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / 5 + c) * np.cos(y / 6 - c) for c in range(3)]
    return np.uint8(np.stack(waves, axis=2) * 110 + 128)


def photos(root: Path) -> list[np.ndarray]:
    paths = sorted((root / "cats_dogs" / "val").rglob("*.jpg"))[:3]
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


def pillow(image: np.ndarray, height: int, width: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def levels(a: np.ndarray, b: np.ndarray) -> float:
    assert a.shape == b.shape
    return float(np.abs(a.astype(float) - b.astype(float)).max())


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_resize_equals_pillows(height: int, width: int) -> None:
    for source in ((301, 199, 3), (300, 200, 3), (37, 53, 1), (5, 2, 3)):
        noise = np.random.default_rng(2).integers(0, 256, source).astype(np.uint8)
        expected = pillow(noise[..., 0] if source[2] == 1 else noise, height, width)
        assert levels(Policy([Resize(height, width)])(noise), np.atleast_3d(expected)) <= 1


@pytest.mark.parametrize("size", [(224, 224), (75, 331)])
def test_resize_of_photos_equals_pillows(pictures_root: Path, size: tuple[int, int]) -> None:
    for photo in photos(pictures_root):
        assert levels(Policy([Resize(*size)])(photo), pillow(photo, *size)) <= 1
        half_right = Policy([Resize(*size), HorizontalFlip(p=1)])(photo)
        assert levels(half_right[:, ::-1], pillow(photo, *size)) <= 1


def test_preprocessing_of_pretrained_networks_equals_pillows(pictures_root: Path) -> None:
    mean, std = np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225))
    policy = Policy([Resize(256, 256, "cover"), CenterCrop(224, 224), Normalize()])
    for photo in photos(pictures_root):
        h, w = photo.shape[:2]
        size = (256, int(256 * w / h)) if h <= w else (int(256 * h / w), 256)
        top, left = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
        expected = (pillow(photo, *size)[top : top + 224, left : left + 224] / 255 - mean) / std
        out = policy(photo)
        assert out.dtype == np.float32
        assert levels(out * std * 255, expected * std * 255) <= 1.001


def forward(height: int, width: int, *steps: np.ndarray) -> np.ndarray:
    """3 x 3, from points of the picture (edges counted) to points of the canvas: `steps` about the centre, in order."""
    there, back = np.eye(3), np.eye(3)
    there[:2, 2], back[:2, 2] = (width / 2, height / 2), (-width / 2, -height / 2)
    return np.linalg.multi_dot([there, *steps[::-1], back])


def between_centres(matrix: np.ndarray) -> np.ndarray:
    """The same map for those who say that pixel (0, 0) has its centre at the origin."""
    half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    return np.asarray(np.linalg.inv(half) @ matrix @ half)


def turn(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])  # counter-clockwise, y pointing down


def slant(x: float, y: float) -> np.ndarray:
    return np.array([[1, x, 0], [y, 1, 0], [0, 0, 1]])


H, W = 90, 120
MAPS = [
    ([Rotate((33, 33))], forward(H, W, turn(33))),
    ([Shear(portion=(0.4, 0.4))], forward(H, W, slant(0.4, 0))),
    ([Shear((15, 15), (-20, -20))], forward(H, W, slant(np.tan(np.radians(15)), np.tan(np.radians(-20))))),
    ([Zoom((1.7, 1.7), (1.2, 1.2))], forward(H, W, np.diag((1.7, 1.2, 1)))),
    (
        [Translate((0.11, 0.11), (-0.07, -0.07))],
        forward(H, W, np.array([[1, 0, 0.11 * W], [0, 1, -0.07 * H], [0, 0, 1]])),
    ),
    ([Rotate((-70, -70)), Zoom((1.3, 1.3))], forward(H, W, turn(-70), np.diag((1.3, 1.3, 1)))),
    (
        [Affine(rotate=(20, 20), shear=(10, 10), zoom=(1.1, 1.1), translate_x=(0.05, 0.05))],
        forward(
            H,
            W,
            np.diag((1.1, 1.1, 1)),
            slant(np.tan(np.radians(10)), 0),
            turn(20),
            np.array([[1, 0, 6], [0, 1, 0], [0, 0, 1]]),
        ),
    ),
]


@pytest.mark.parametrize(("transforms", "matrix"), MAPS, ids=[str(row[0]) for row in MAPS])
def test_warps_equal_opencvs(transforms: list, matrix: np.ndarray) -> None:
    cv2 = oracle("cv2")
    image = smooth(H, W)
    expected = cv2.warpAffine(
        image, between_centres(matrix)[:2], (W, H), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    assert levels(Policy(transforms, antialias=False)(image), expected) <= 2  # OpenCV's weights have 5 bits
    exact = cv2.getRotationMatrix2D(((W - 1) / 2, (H - 1) / 2), 33, 1)
    assert np.allclose(between_centres(MAPS[0][1])[:2], exact), "OpenCV's counter-clockwise is ours"


@pytest.mark.parametrize(("transforms", "matrix"), MAPS, ids=[str(row[0]) for row in MAPS])
@pytest.mark.parametrize(("fill", "mode"), [("nearest", "edge"), ("reflect", "symmetric"), ("reflect101", "reflect")])
def test_warps_equal_scikit_images(transforms: list, matrix: np.ndarray, fill: str, mode: str) -> None:
    oracle("skimage")
    from skimage.transform import AffineTransform, warp

    image = np.random.default_rng(3).random((H, W, 3), dtype=np.float32)
    inverse = AffineTransform(matrix=between_centres(matrix)).inverse
    expected = warp(image.astype(float), inverse, order=1, mode=mode, preserve_range=True)
    out = Policy(transforms, fill=fill, antialias=False)(image)
    assert np.abs(out - expected).max() < 2e-4  # positions are rounded to 2^-15 pixel twice


PADS = [("nearest", "edge"), ("reflect", "symmetric"), ("reflect101", "reflect"), ("wrap", "wrap"), (7, "constant")]


@pytest.mark.parametrize(("fill", "mode"), PADS)
@pytest.mark.parametrize("size", [(6, 4), (1, 3), (2, 2)])
def test_fills_equal_numpys(fill: str | int, mode: str, size: tuple[int, int]) -> None:
    """Far beyond the picture too: each fill goes on for ever."""
    image = np.random.default_rng(4).integers(0, 256, (*size, 3)).astype(np.uint8)
    widths = ((17, 5), (3, 30), (0, 0))
    given = {"constant_values": fill} if mode == "constant" else {}
    expected = np.pad(image, widths, mode=mode, **given)  # type: ignore[call-overload]
    for interpolation in ("bilinear", "nearest"):
        policy = Policy([Pad(17, 30, 5, 3)], fill=fill, interpolation=interpolation)
        assert np.array_equal(policy(image), expected)
