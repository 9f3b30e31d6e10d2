"""Files, Pillow's images and arrays: as the original, but with EXIF, 16 bits and rounding."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import oracle
from keras_images.original import original
from PIL import Image

import vary
from vary import keras as K  # noqa: N812

MODES = {1: "L", 3: "RGB", 4: "RGBA"}


def pixels(height: int = 10, width: int = 15, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels)).astype(np.uint8)


def turned(path: Path) -> Path:
    """A PNG file whose EXIF data say: turn by 90 degrees."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels()).save(path, exif=exif)
    return path


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("scale", [True, False])
def test_arrays_and_images_are_as_the_originals(channels: int, data_format: str, scale: bool) -> None:
    k, x = original(), pixels(channels=channels).astype(np.float32) * (0.5 if scale else 1)
    x = np.moveaxis(x, -1, 0) if data_format == "channels_first" else x
    expected, found = k.array_to_img(x, data_format, scale), K.array_to_img(x, data_format, scale)
    assert found.mode == expected.mode == MODES[channels]
    assert np.abs(np.asarray(found, int) - np.asarray(expected, int)).max() <= 1
    old = K.array_to_img(x, data_format, scale, compat="1.1.2")
    np.testing.assert_array_equal(np.asarray(old), np.asarray(expected))
    back = K.img_to_array(found, data_format)
    np.testing.assert_array_equal(back, k.img_to_array(found, data_format))
    assert back.dtype == np.float32
    if not scale:
        np.testing.assert_array_equal(back, x)


def test_values_are_rounded_and_clipped() -> None:
    x = np.array([[[254.9999, -3.0, 300.0]]], np.float32)
    assert np.asarray(K.array_to_img(x, scale=False)).tolist() == [[[255, 0, 255]]]
    deep = np.array([[[70000.0]], [[3.0]]], np.float32)
    assert np.asarray(K.array_to_img(deep, scale=False)).tolist() == [[70000], [3]]


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: K.array_to_img(np.zeros((4, 4))), "three axes"),
        (lambda: K.array_to_img(np.zeros((4, 4, 2))), "2 channels"),
        (lambda: K.array_to_img(np.zeros((4, 4, 3)), "channels"), "channels_first"),
        (lambda: K.img_to_array(np.zeros((2, 4, 4, 3))), "two or three axes"),
        (lambda: K.load_img("x.png", color_mode="bgr"), "color_mode='bgr'.*grayscale"),
        (lambda: K.load_img("x.png", target_size=(5, 5), interpolation="cubic"), "interpolation='cubic'.*bicubic"),
        (lambda: K.smart_resize(pixels(), (5, 5), "cubic"), "bilinear"),
        (lambda: K.smart_resize(pixels()[..., 0], (5, 5)), "3 or 4 axes"),
    ],
)
def test_errors_name_the_cure(call: Any, says: str) -> None:
    with pytest.raises(vary.InputError, match=says):
        call()


@pytest.mark.parametrize("mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"])
def test_load_img_equals_the_originals(tmp_path: Path, mode: str, interpolation: str) -> None:
    k = original()
    for channels in (1, 3, 4):
        path = tmp_path / f"{channels}.png"
        Image.fromarray(np.squeeze(pixels(channels=channels))).save(path)
        for size in (None, (7, 21)):
            expected = k.load_img(str(path), color_mode=mode, target_size=size, interpolation=interpolation)
            for source in (str(path), path, bytes(path), io.BytesIO(path.read_bytes())):
                found = K.load_img(source, color_mode=mode, target_size=size, interpolation=interpolation)
                assert found.mode == expected.mode
                np.testing.assert_array_equal(np.asarray(found), np.asarray(expected))


def test_load_img_turns_by_exif(tmp_path: Path) -> None:
    path = turned(tmp_path / "x.png")
    np.testing.assert_array_equal(np.asarray(K.load_img(path)), np.rot90(pixels(), -1))
    np.testing.assert_array_equal(np.asarray(K.load_img(path, compat="keras-2")), pixels())


def test_16_bits_become_8(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (6, 7)).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "x.png")
    found = np.asarray(K.load_img(tmp_path / "x.png"))
    np.testing.assert_array_equal(found[..., 0], np.rint(deep / 257))
    np.testing.assert_array_equal(np.asarray(K.load_img(tmp_path / "x.png", color_mode="grayscale")), deep)
    old = np.asarray(K.load_img(tmp_path / "x.png", compat="1.1.2"))
    np.testing.assert_array_equal(old, np.asarray(original().load_img(str(tmp_path / "x.png"))))


def test_the_aspect_ratio_can_be_kept(tmp_path: Path) -> None:
    Image.fromarray(pixels(10, 30)).save(tmp_path / "x.png")
    found = K.load_img(tmp_path / "x.png", target_size=(10, 10), keep_aspect_ratio=True)
    np.testing.assert_array_equal(np.asarray(found), pixels(10, 30)[:, 10:20])


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_save_img_can_be_read_back(tmp_path: Path, channels: int) -> None:
    K.save_img(tmp_path / "x.png", pixels(channels=channels), scale=False)
    found = np.asarray(Image.open(tmp_path / "x.png"))
    np.testing.assert_array_equal(found, np.squeeze(pixels(channels=channels)))
    buffer = io.BytesIO()
    K.save_img(buffer, pixels(channels=channels), file_format="png", scale=False)
    np.testing.assert_array_equal(np.asarray(Image.open(buffer)), found)


def test_save_img_keeps_16_bits(tmp_path: Path) -> None:
    deep = np.arange(60000, 60012).reshape(3, 4, 1)
    K.save_img(tmp_path / "x.png", deep, scale=False)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "x.png")), deep[..., 0])


def test_alpha_in_a_jpeg_is_a_trap(tmp_path: Path) -> None:
    with pytest.warns(K.TrapWarning, match="no alpha"):
        K.save_img(tmp_path / "x.jpg", pixels(channels=4))
    with Image.open(tmp_path / "x.jpg") as found:
        assert found.mode == "RGB"


def test_pictures_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    for name in ("a.png", "b/A.JPG", "b/c/x.tif", "b/c/notes.txt", "png"):
        (tmp_path / name).touch()
    found = K.list_pictures(tmp_path)
    assert found == [str(tmp_path / name) for name in ("a.png", "b/A.JPG", "b/c/x.tif")]
    assert found == sorted(original().list_pictures(str(tmp_path)))
    assert K.list_pictures(tmp_path, "txt") == [str(tmp_path / "b/c/notes.txt")]
    assert K.validate_filename(found[1], ("png", "jpg"))
    assert not K.validate_filename(found[1], ("png",))
    assert not K.validate_filename(str(tmp_path / "absent.png"), ("png",))


@pytest.mark.parametrize("size", [(8, 8), (20, 9), (11, 30), (64, 64)])
@pytest.mark.parametrize("channels_first", [False, True])
def test_smart_resize_cuts_about_the_centre_and_interpolates(size: tuple[int, int], channels_first: bool) -> None:
    cv2 = oracle("cv2")
    x = pixels(24, 37).astype(np.float32)
    h, w = min(24, int(37 * size[0] / size[1])), min(37, int(24 * size[1] / size[0]))
    top, left = (24 - h) // 2, (37 - w) // 2
    expected = cv2.resize(x[top : top + h, left : left + w], size[::-1], interpolation=cv2.INTER_LINEAR)
    given = np.stack([x, x[::-1]])
    given = np.moveaxis(given, -1, 1) if channels_first else given
    found = K.smart_resize(given, size, data_format="channels_first" if channels_first else "channels_last")
    found = np.moveaxis(found, 1, -1) if channels_first else found
    assert found.shape == (2, *size, 3)
    np.testing.assert_allclose(found[0], expected, rtol=0, atol=0.5)
    np.testing.assert_array_equal(K.smart_resize(x, size), found[0])


def test_smart_resize_by_the_nearest_pixel() -> None:
    x = pixels(6, 6)
    np.testing.assert_array_equal(K.smart_resize(x, (12, 12), "nearest"), x.repeat(2, 0).repeat(2, 1))
