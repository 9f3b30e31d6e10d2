"""Files as uint16: 16-bit samples as they were written, 8-bit samples times 257, in every number of channels."""

import io
import itertools
import struct
from typing import Any

import numpy as np
import pytest
from conftest import oracle
from PIL import Image
from sources.made_png import chunk, png
from sources.made_tiff import DEFLATE, INKS, MINIS_BLACK, MINIS_WHITE, RGB, tiff
from sources.test_tiff import KINDS, WAYS, attempt

from vary.codecs.decode import apply_orientation, prepare, read_image
from vary.errors import DecodeError, InputError
from vary.sources import Encoded

RANDOM = np.random.default_rng(12)
DEEP = RANDOM.integers(0, 65536, (21, 37, 4), np.uint16)
WHITE = 65535


def wide(data: bytes, channels: int = 3, **options: Any) -> np.ndarray:
    """Through `prepare`, which must agree with `read_image`."""
    pixels = prepare(Encoded(data, "some/file"), channels, dtype="uint16", **options)
    assert isinstance(pixels, np.ndarray)
    assert pixels.dtype == np.uint16
    assert pixels.flags.c_contiguous
    assert pixels.shape[2] == channels
    assert np.array_equal(pixels, read_image(data, channels, dtype="uint16", **options))
    return pixels


def expected(stored: np.ndarray, channels: int) -> np.ndarray:
    """What (h, w, 1 to 4) uint16 is in these channels."""
    alpha = stored[..., -1:] if stored.shape[2] in (2, 4) else np.full_like(stored[..., :1], WHITE)
    colours = stored[..., :3] if stored.shape[2] > 2 else stored[..., :1].repeat(3, axis=2)
    if channels == 1:
        if stored.shape[2] < 3:
            return stored[..., :1]
        red, green, blue = (colours[..., c].astype(np.int64) for c in range(3))
        luma = (19595 * red + 38470 * green + 7471 * blue + 0x8000) >> 16
        return luma.astype(np.uint16)[..., None]
    return colours if channels == 3 else np.concatenate([colours, alpha], axis=2)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_every_kind_of_png(samples: int, interlaced: bool) -> None:
    stored = DEEP[..., :samples]
    data = png(stored, interlaced=interlaced)
    for channels in (1, 3, 4):
        assert np.array_equal(wide(data, channels), expected(stored, channels)), channels
    assert np.array_equal(read_image(data, 4)[..., 3], expected(stored, 4)[..., 3] >> 8)  # as uint8, as before


def test_single_pixels_and_rows() -> None:
    for h, w, samples in itertools.product((1, 2), (1, 2), (1, 2, 3, 4)):
        stored = DEEP[:h, :w, :samples]
        for interlaced in (False, True):
            assert np.array_equal(wide(png(stored, interlaced=interlaced), 4), expected(stored, 4))


def test_another_writer_agrees() -> None:
    cv2 = oracle("cv2")
    for samples in (1, 3, 4):
        stored = DEEP[..., :samples]
        swapped = stored if samples == 1 else stored[..., [2, 1, 0, 3][:samples]]
        for kind in (".png", ".tiff"):
            data = cv2.imencode(kind, np.ascontiguousarray(swapped))[1].tobytes()
            if kind == ".png" or samples < 4:  # it does not say that TIFF's fourth sample is alpha
                assert np.array_equal(wide(data, samples), stored), (kind, samples)
    tifffile = oracle("tifffile")
    for samples in (1, 3):
        stored, file = DEEP[..., :samples].squeeze(), io.BytesIO()
        tifffile.imwrite(file, stored, photometric="minisblack" if samples == 1 else "rgb", compression="zlib")
        assert np.array_equal(wide(file.getvalue(), samples).squeeze(), stored)


def test_one_transparent_colour() -> None:
    stored = DEEP[..., :3].copy()
    stored[4, 5] = stored[4, 5] & 0xFF00 | 7
    stored[6, 7] = stored[4, 5] ^ 1  # the same eight upper bits
    clear = chunk(b"tRNS", struct.pack(">HHH", *stored[4, 5].tolist()))
    seen = wide(png(stored, more=clear), 4)
    assert np.array_equal(seen[..., :3], stored)
    assert [seen[4, 5, 3], seen[6, 7, 3]] == [0, WHITE]
    grey = wide(png(stored[..., :1], more=chunk(b"tRNS", struct.pack(">H", stored[4, 5, 0]))), 4)
    assert np.array_equal(grey[..., 3] == 0, stored[..., 0] == stored[4, 5, 0])


def test_one_transparent_colour_of_16_bits_as_uint8() -> None:
    stored = np.full((4, 5, 3), (0x3412, 0x5634, 0x7856), np.uint16)
    stored[1, 2] = 0x34, 0x56, 0x78  # its low bytes are the high bytes of the others
    pixels = read_image(png(stored, more=chunk(b"tRNS", struct.pack(">3H", *stored[1, 2]))), 4)
    expected_alpha = np.full((4, 5), 255)
    expected_alpha[1, 2] = 0
    assert np.array_equal(pixels[..., 3], expected_alpha)
    assert np.array_equal(pixels[..., :3], stored >> 8)


def meant(stored: np.ndarray, kind: str) -> np.ndarray:
    """These 16-bit samples of a kind of TIFF as RGB."""
    photometric, _, extra = KINDS[kind]
    if photometric == INKS:
        left = 1 - stored[..., 3:4] / WHITE
        return np.asarray(left * (1 - stored[..., :3] / WHITE) * WHITE)
    if photometric != RGB:
        return np.asarray(stored[..., :1].repeat(3, axis=2) ^ (WHITE if photometric == MINIS_WHITE else 0))
    if extra == (1,):
        return np.asarray(np.minimum(stored[..., :3] / stored[..., 3:4] * WHITE, WHITE))
    return stored[..., :3]


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "palette"])
def test_every_kind_of_tiff_is_exact_or_refused(kind: str) -> None:
    photometric, samples, extra = KINDS[kind]
    stored = RANDOM.integers(1, 65536, (21, 37, samples), np.int64)
    read = []
    for way, order in itertools.product(WAYS, "<>"):
        data = tiff(stored, photometric, 16, order=order, extra=extra, **way)  # type: ignore[arg-type]
        seen, reason = attempt(data, dtype="uint16")
        if seen is None:
            assert "as an array" in reason, (way, reason)
            continue
        read.append(way)
        off = np.abs(seen - meant(stored, kind)).max()
        assert off <= (1 if photometric == INKS or extra == (1,) else 0), (way, order)
        if extra == (2,):
            assert np.array_equal(wide(data, 4)[..., 3], stored[..., 3])
    usual = {"white is 0", "black is 0", "RGB", "RGB and alpha", "RGB and premultiplied alpha", "CMYK"}
    assert kind not in usual or {"compression": DEFLATE, "predictor": 2} in read
    assert kind not in usual or {} in read


def test_separate_planes_name_the_cure() -> None:
    data = tiff(DEEP[..., :3], RGB, 16, planar=True, compression=DEFLATE)
    with pytest.raises(
        DecodeError, match="some/file: its 16-bit colours lie in separate planes; load it with tifffile"
    ):
        prepare(Encoded(data, "some/file"), dtype="uint16")


def test_twelve_bits_reach_white() -> None:
    stored = np.arange(4096).reshape(64, 64, 1)
    seen = wide(tiff(stored, MINIS_BLACK, 12), 1)
    assert np.array_equal(seen, np.rint(stored * WHITE / 4095).astype(np.uint16))
    assert np.array_equal(wide(tiff(stored, MINIS_WHITE, 12), 1), WHITE - seen)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF", "WEBP", "JPEG"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_eight_bits_are_multiplied_by_257(kind: str, mode: str) -> None:
    if (mode in ("LA", "RGBA") and kind in ("JPEG", "BMP", "GIF")) or (kind == "JPEG" and mode == "P"):
        return
    image = Image.fromarray((DEEP >> 8).astype(np.uint8)).convert(mode)
    file = io.BytesIO()
    image.save(file, kind)
    for channels in (1, 3, 4):
        assert np.array_equal(wide(file.getvalue(), channels), read_image(file.getvalue(), channels) * np.uint16(257))
    assert WHITE == 255 * 257


def test_pgm_of_sixteen_bits() -> None:
    head = b"P5 37 21 65535\n"
    assert np.array_equal(wide(head + DEEP[..., 0].astype(">u2").tobytes(), 1)[..., 0], DEEP[..., 0])


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_orientation(samples: int, orientation: int) -> None:
    stored = DEEP[..., :samples]
    tag = struct.pack("<2sHIHHHIHH", b"II", 42, 8, 1, 274, 3, 1, orientation, 0)
    upright = apply_orientation(expected(stored, 3), orientation)
    assert np.array_equal(wide(png(stored, more=chunk(b"eXIf", tag))), upright)
    if samples in (1, 3):
        entry = (274, 3, 1, struct.pack("<H", orientation))
        data = tiff(stored, MINIS_BLACK if samples == 1 else RGB, 16, more=(entry,))
        assert np.array_equal(wide(data), upright)
    jpeg = io.BytesIO()
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray((DEEP[..., :3] >> 8).astype(np.uint8)).save(jpeg, "JPEG", exif=exif)
    assert np.array_equal(wide(jpeg.getvalue()), read_image(jpeg.getvalue()) * np.uint16(257))


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
def test_a_file_that_breaks_off(samples: int) -> None:
    stored = RANDOM.integers(0, 256, (200, 100, samples), np.uint16) << 8  # the low bytes are 0, which is no damage
    cut = png(stored)
    cut = cut[: len(cut) // 2]
    with pytest.raises(
        DecodeError, match=r"some/file: cannot be read: .*; allow_truncated=True reads the part that can be decoded"
    ):
        prepare(Encoded(cut, "some/file"), dtype="uint16")
    seen = wide(cut, 4, allow_truncated=True)
    assert np.array_equal(seen[:60], expected(stored, 4)[:60])
    assert not seen[150:, :, :3].any()
    with pytest.raises(DecodeError, match="truncated"):
        prepare(Encoded(png(stored)[:60], None), allow_truncated=True, dtype="uint16")


@pytest.mark.parametrize("samples", [1, 2, 3, 4])
@pytest.mark.parametrize("shift", [0, 8])
def test_a_dark_file_that_breaks_off(samples: int, shift: int) -> None:
    stored = RANDOM.integers(1, 256, (200, 100, samples), np.uint16) << shift  # the other bytes are 0
    cut = png(stored)
    seen = wide(cut[: len(cut) // 2], 4, allow_truncated=True)
    assert np.array_equal(seen[:60], expected(stored, 4)[:60])


def test_the_limit_of_pixels() -> None:
    for data in (png(DEEP), tiff(DEEP[..., :3], RGB, 16)):
        assert wide(data, max_pixels=777).shape == (21, 37, 3)
        with pytest.raises(DecodeError, match=r"37 x 21 = 777 pixels, over the limit of 776"):
            prepare(Encoded(data, None), max_pixels=776, dtype="uint16")
    jpeg = io.BytesIO()
    Image.new("RGB", (37, 21)).save(jpeg, "JPEG")
    with pytest.raises(DecodeError, match="limit of 776"):
        prepare(Encoded(jpeg.getvalue(), None), max_pixels=776, dtype="uint16")


def test_a_broken_jpeg_has_its_path() -> None:
    with pytest.raises(DecodeError, match="some/file: "):
        prepare(Encoded(b"\xff\xd8\xff\xe0 nothing else", "some/file"), dtype="uint16")


@pytest.mark.parametrize("dtype", ["float32", "int16", "UINT16", None, 16, "", np.float32, {}])
def test_other_dtypes_are_refused(dtype: Any) -> None:
    with pytest.raises(
        InputError, match=r"dtype=.*: files are read as 'uint8', or as 'uint16'.*vary.stream\(\.\.\., dtype=\)"
    ):
        read_image(png(DEEP), dtype=dtype)


@pytest.mark.parametrize("dtype", ["uint16", np.uint16, np.dtype("uint16"), np.dtype(">u2")])
def test_names_and_types(dtype: Any) -> None:
    assert read_image(png(DEEP), dtype=dtype).dtype == np.uint16
