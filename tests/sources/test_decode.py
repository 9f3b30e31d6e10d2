"""decode.py: which decoder is used, the pixels of every kind of picture, and errors for broken ones."""

import io
import struct
import subprocess
import sys
import threading
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from vary.codecs.decode import apply_orientation, prepare, read_image
from vary.errors import DecodeError, InputError, SourceError
from vary.sources import Encoded

RANDOM = np.random.default_rng(7)
RGBA = RANDOM.integers(0, 256, (6, 9, 4), np.uint8)
RGB = np.ascontiguousarray(RGBA[..., :3])
GREY = np.ascontiguousarray(RGBA[..., 0])
DEEP = RANDOM.integers(0, 65536, (6, 9), np.uint16)
ORIENTATION = 0x0112


def encode(image: Image.Image | np.ndarray, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def decode(data: bytes, channels: int = 3, **options: Any) -> np.ndarray:
    """Through `prepare`, which must agree with `read_image`."""
    pixels = prepare(Encoded(data, "some/file"), channels, **options)
    assert isinstance(pixels, np.ndarray)
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
    assert np.array_equal(pixels, read_image(data, channels, **options))
    return pixels


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, extra: bytes = b"", rows: bytes | None = None, bits: int = 8) -> bytes:
    """A grey PNG that claims this size, with `extra` chunks before its rows."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    body = zlib.compress(bytes((width + 1) * height) if rows is None else rows)
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def icon() -> bytes:
    """An ICO that states half of its picture's size: Pillow warns, and gives the picture."""
    data = bytearray(encode(Image.new("RGB", (16, 16)), "ICO", sizes=[(16, 16)]))
    data[6:8] = 8, 8
    return bytes(data)


WARNING = icon()


def test_a_jpeg_stays_as_it_is() -> None:
    data = encode(RGB, "JPEG")
    assert prepare(Encoded(data, "a.png")) is data
    broken = b"\xff\xd8\xff and nothing else"
    assert prepare(Encoded(broken)) is broken


def test_the_first_bytes_decide_not_the_name(tmp_path: Path) -> None:
    path = tmp_path / "really_a_png.jpg"
    path.write_bytes(encode(RGB, "PNG"))
    assert np.array_equal(read_image(path), RGB)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "PPM", "TGA"])
def test_formats(kind: str) -> None:
    options = {"lossless": True} if kind == "WEBP" else {}
    assert np.array_equal(decode(encode(RGB // 128 * 255, kind, **options)), RGB // 128 * 255)


def luma(rgb: np.ndarray) -> np.ndarray:
    return (rgb @ np.array([0.299, 0.587, 0.114]))[..., None]


def test_channels() -> None:
    data = encode(RGBA, "PNG")
    assert np.array_equal(decode(data, 4), RGBA)
    assert np.array_equal(decode(data, 3), RGB)  # alpha dropped, not blended
    assert np.abs(decode(data, 1) - luma(RGB)).max() <= 0.51
    assert np.array_equal(decode(encode(RGB, "PNG"), 4)[..., 3], np.full((6, 9), 255))
    grey = encode(GREY, "PNG")
    assert np.array_equal(decode(grey, 1), GREY[..., None])
    assert np.array_equal(decode(grey, 3), np.repeat(GREY[..., None], 3, axis=2))
    both = encode(Image.fromarray(RGBA[..., :2], "LA"), "PNG")
    assert np.array_equal(decode(both, 4)[..., [0, 3]], RGBA[..., :2])
    assert np.array_equal(decode(both, 1), RGBA[..., :1])


def test_bits_and_palettes() -> None:
    bits = encode(Image.fromarray(GREY > 127), "PNG")
    assert np.array_equal(decode(bits, 1)[..., 0], np.where(GREY > 127, 255, 0))
    palette = Image.fromarray(GREY % 4, "P")
    palette.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])
    colours = np.array([[10, 20, 30], [40, 50, 60], [70, 80, 90], [100, 110, 120]])[GREY % 4]
    data = encode(palette, "PNG", transparency=bytes([0, 128, 255, 255]))
    assert np.array_equal(decode(data), colours)
    assert np.array_equal(decode(data, 4)[..., 3], np.array([0, 128, 255, 255])[GREY % 4])
    assert np.abs(decode(data, 1) - luma(colours)).max() <= 0.51


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    for kind in ("PNG", "TIFF"):
        data = encode(DEEP, kind)
        assert np.array_equal(decode(data, 1)[..., 0], DEEP >> 8)
        assert np.array_equal(decode(data, 3), np.repeat((DEEP >> 8)[..., None], 3, axis=2))
        assert np.array_equal(decode(data, 4)[..., 3], np.full((6, 9), 255))
    rows = b"".join(b"\0" + row.tobytes() for row in DEEP.astype(">u2"))
    clear = png(9, 6, chunk(b"tRNS", struct.pack(">H", DEEP[2, 3])), rows, bits=16)
    assert np.array_equal(decode(clear, 1)[..., 0], DEEP >> 8)
    assert np.array_equal(decode(clear, 4)[..., 3], np.where(DEEP[2, 3] == DEEP, 0, 255))
    wide = b"P5 9 6 65535\n" + DEEP.astype(">u2").tobytes()
    assert np.array_equal(decode(wide, 1)[..., 0], DEEP >> 8)


def test_twelve_bits(pictures_root: Path) -> None:
    path = pictures_root / "odd" / "deep" / "pillow-12bit.cropped.tif"
    with Image.open(path) as image:
        values = np.asarray(image)
    assert values.max() < 4096
    assert np.array_equal(read_image(path, 1)[..., 0], values >> 4)


def test_cmyk_and_other_colour_spaces() -> None:
    inks = encode(Image.fromarray(RGBA, "CMYK"), "TIFF")
    paper = 255.0 - RGBA[..., 3:]
    assert np.abs(decode(inks) - (255.0 - RGBA[..., :3]) * paper / 255).max() <= 1
    assert decode(inks, 4)[..., 3].min() == 255
    assert np.abs(decode(inks, 1) - luma(decode(inks))).max() <= 0.51
    smooth = Image.linear_gradient("L").resize((16, 16)).convert("RGB")
    lab = encode(smooth.convert("LAB"), "TIFF")
    assert np.abs(decode(lab).astype(int) - np.asarray(smooth)).max() <= 6
    assert np.array_equal(decode(lab, 4)[..., :3], decode(lab))
    assert np.abs(decode(lab, 1) - luma(decode(lab))).max() <= 0.51


@pytest.mark.parametrize("values", [GREY.astype(np.float32), GREY.astype(np.int32)])
def test_pixels_without_a_range_are_refused(values: np.ndarray) -> None:
    with pytest.raises(DecodeError, match=r"some/file: .*without a stated range; load it as an array"):
        prepare(Encoded(encode(values, "TIFF"), "some/file"))


@pytest.mark.parametrize("orientation", range(10))
def test_orientation(orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # EXIF -> Image.Transpose
    upright = Image.fromarray(RGB)
    if orientation in turns:
        upright = upright.transpose(Image.Transpose(turns[orientation]))
    if 1 <= orientation <= 8:
        assert np.array_equal(apply_orientation(RGB, orientation), np.asarray(upright))
    for kind in ("PNG", "TIFF", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {}
        assert np.array_equal(decode(encode(RGB, kind, exif=exif, **options)), np.asarray(upright)), kind
    jpeg = read_image(encode(RGB, "JPEG", exif=exif, quality=100, subsampling=0))
    assert np.abs(jpeg.astype(int) - np.asarray(upright)).max() <= 6


@pytest.mark.parametrize("tags", [b"II*\0\xff\xff\xff\x7f", b"neither II nor MM"])
def test_a_broken_orientation_tag_is_ignored(tags: bytes) -> None:
    data = encode(RGB, "PNG", exif=b"Exif\0\0" + tags)
    assert np.array_equal(decode(data), RGB)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_frame(kind: str) -> None:
    frames = [Image.new("RGB", (4, 3), colour) for colour in ("red", "blue", "lime")]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:])
    assert np.abs(decode(data).astype(int) - np.asarray(frames[0])).max() <= 2


def test_the_limit_is_checked_before_the_pixels_are_made() -> None:
    bomb = png(40_000, 50_000, rows=b"")
    begin = time.process_time()
    with pytest.raises(DecodeError, match=r"40000 x 50000 = 2000000000 .* limit of 178956970; .* max_pixels="):
        decode(bomb)
    assert time.process_time() - begin < 1
    small = encode(RGB, "PNG")
    assert decode(small, max_pixels=54).shape == (6, 9, 3)
    with pytest.raises(DecodeError, match="limit of 53"):
        decode(small, max_pixels=53)
    with pytest.raises(DecodeError, match=r"9 x 6 = 54 .* limit of 53; .* max_pixels="):
        read_image(encode(RGB, "JPEG"), max_pixels=53)


def test_the_limit_is_an_argument_not_pillows_global(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    assert np.array_equal(decode(encode(RGB, "PNG")), RGB)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF"])
def test_a_file_that_breaks_off(kind: str) -> None:
    picture = RANDOM.integers(0, 256, (200, 300), np.uint8)
    whole = encode(picture, kind, **({"interlace": False} if kind == "GIF" else {}))
    cut = whole[: len(whole) // 2] if kind != "TIFF" else whole.replace(picture.tobytes()[-30_000:], b"")
    with pytest.raises(DecodeError, match="some/file: cannot be read: "):
        prepare(Encoded(cut, "some/file"), 1)
    if kind == "TIFF":
        return  # its directory comes last
    rows = decode(cut, 1, allow_truncated=True)[..., 0]
    if kind == "BMP":  # bottom first
        rows, picture = rows[::-1], picture[::-1]
    assert np.array_equal(rows[:80], picture[:80])
    assert not rows[120:].any()
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_allow_truncated_needs_at_least_one_intact_row() -> None:
    with pytest.raises(DecodeError, match="truncated"):
        prepare(Encoded(png(300, 200, rows=b""), None), 1, allow_truncated=True)
    cut = encode(RGB.repeat(9, 0).repeat(9, 1), "JPEG")[:-100]
    with pytest.raises(DecodeError, match="Premature end"):
        read_image(cut)
    assert read_image(cut, allow_truncated=True).shape == (54, 81, 3)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html>", "not a picture .* b'<!DOCTYPE html><'"),
        (b"\x89PNG\r\n\x1a\n", "broken at its beginning"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "EPS is not read"),
        (b"\xff\xd8\xff\xe0 nothing else", "some/file: "),
    ],
)
def test_no_picture(data: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "some" / "file"
    path.parent.mkdir()
    path.write_bytes(data)
    with pytest.raises(DecodeError, match=says) as caught:
        read_image(path)
    assert caught.value.path == str(path)
    assert caught.value.reason in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent\.jpg: No such file"):
        read_image(tmp_path / "absent.jpg")
    with pytest.raises(InputError, match="channels=2"):
        read_image(encode(RGB, "PNG"), 2)


def test_warnings_are_dropped_in_this_thread_only() -> None:
    def complain(seen: list[str]) -> None:
        try:
            warnings.warn("mine", stacklevel=1)
        except UserWarning as error:
            seen.append(str(error))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="expected size"), Image.open(io.BytesIO(WARNING)) as image:
            image.load()
        assert not decode(WARNING).any()
        seen: list[str] = []
        complain(seen)  # after a decode
        started, stop = threading.Event(), threading.Event()

        def keep_decoding() -> None:
            while not stop.is_set():
                decode(WARNING)
                started.set()

        other = threading.Thread(target=keep_decoding)
        other.start()
        started.wait()
        for _ in range(200):
            complain(seen)  # during one
        stop.set()
        other.join()
        assert seen == ["mine"] * 201


@pytest.mark.skipif(sys.version_info < (3, 14), reason="warnings of a context of its own came with Python 3.14")
def test_warnings_are_dropped_where_filters_are_of_a_context() -> None:
    """As in free-threaded Python: then the filters of the module are not those that count."""
    code = (
        "import sys, warnings; from vary.codecs.decode import read_image; assert sys.flags.context_aware_warnings\n"
        "with warnings.catch_warnings(action='error'): read_image(sys.stdin.buffer.read())"
    )
    command = [sys.executable, "-X", "context_aware_warnings=1", "-c", code]
    subprocess.run(command, input=WARNING, check=True)


def test_the_warning_filter_is_one() -> None:
    with warnings.catch_warnings():
        for number in range(20):
            warnings.filterwarnings("ignore", message=f"number {number}")
            decode(WARNING)
        ours = [entry for entry in warnings.filters if "_Quiet" in type(entry[1]).__name__]
        assert len(ours) == (0 if getattr(sys.flags, "context_aware_warnings", 0) else 1)


def test_threads_agree() -> None:
    files = [encode(RGB, "PNG"), encode(RGB, "GIF"), WARNING, encode(DEEP, "TIFF"), encode(RGB, "JPEG"), b"no picture"]

    def outcome_of(data: bytes) -> bytes:
        try:
            return read_image(data).tobytes()
        except DecodeError as error:
            return error.reason.encode()

    plain = [outcome_of(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(outcome_of, files * 50)) == plain * 50


def test_importing_does_not_import_pillow() -> None:
    code = "import sys, vary.codecs.decode, vary.sources; assert 'PIL' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
