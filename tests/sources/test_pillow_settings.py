"""A program's settings of Pillow change nothing; formats that it registers with Pillow are read."""

import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import (
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from vary.codecs.decode import read_image
from vary.errors import DecodeError

PIXELS = np.random.default_rng(3).integers(0, 256, (60, 80, 3), np.uint8)


def encode(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or Image.fromarray(PIXELS)).save(buffer, kind, **options)
    return buffer.getvalue()


TEXTS = PngImagePlugin.PngInfo()
TEXTS.add_text("a", "b" * 999, zip=True)
SOUND = {
    "PNG": encode("PNG"),
    "PNG with a text": encode("PNG", pnginfo=TEXTS),
    "GIF": encode("GIF", save_all=True, append_images=[Image.new("RGB", (80, 60), "red")]),
    "TIFF": encode("TIFF"),
    "TIFF, compressed": encode("TIFF", compression="tiff_lzw"),
    "WEBP": encode("WEBP", lossless=True),
    "BMP": encode("BMP"),
    "JPEG": encode("JPEG"),
    "CMYK": encode("JPEG", Image.fromarray(PIXELS).convert("CMYK")),
}
BROKEN = {f"{kind}, cut": SOUND[kind][: len(SOUND[kind]) // 2] for kind in ("PNG", "GIF", "BMP", "WEBP", "JPEG")} | {
    "PNG, wrong sum": SOUND["PNG"][:29] + bytes(4) + SOUND["PNG"][33:],
    "PNG, damaged": SOUND["PNG"][:9000] + bytes(50) + SOUND["PNG"][9050:],
    "TIFF, cut": SOUND["TIFF, compressed"].replace(SOUND["TIFF, compressed"][500:2500], b""),
}
SETTINGS: dict[str, tuple[Any, str, Any]] = {
    "truncated": (ImageFile, "LOAD_TRUNCATED_IMAGES", True),
    "pixels": (Image, "MAX_IMAGE_PIXELS", 7),
    "no pixels": (Image, "MAX_IMAGE_PIXELS", None),
    "text": (PngImagePlugin, "MAX_TEXT_CHUNK", 3),
    "texts": (PngImagePlugin, "MAX_TEXT_MEMORY", 3),
    "block": (ImageFile, "MAXBLOCK", 16),
    "safe": (ImageFile, "SAFEBLOCK", 16),
    "GIF": (GifImagePlugin, "LOADING_STRATEGY", GifImagePlugin.LoadingStrategy.RGB_ALWAYS),
    "libtiff": (TiffImagePlugin, "READ_LIBTIFF", True),
    "kinds of TIFF": (TiffImagePlugin, "OPEN_INFO", {}),
    "modes of PNG": (PngImagePlugin, "_MODES", {}),
    "no WebP": (WebPImagePlugin, "SUPPORTED", False),
    "markers": (JpegImagePlugin, "MARKER", {}),
    "decoders": (Image, "DECODERS", {"zip": None}),
    "formats": (Image, "OPEN", {}),
    "names": (Image, "ID", []),
    "loading": (ImageFile.ImageFile, "load", None),
    "converting": (Image.Image, "convert", None),
}


def outcome(data: bytes, **options: Any) -> object:
    try:
        return read_image(data, **options).tobytes()
    except DecodeError as error:
        return error.reason


def outcomes() -> dict[str, list[object]]:
    return {
        name: [
            outcome(data, channels=channels, allow_truncated=allow_truncated)
            for channels in (1, 4)
            for allow_truncated in (False, True)
        ]
        for name, data in (SOUND | BROKEN).items()
    }


PLAIN = outcomes()


def test_outcomes_without_settings() -> None:
    for name, found in PLAIN.items():
        assert isinstance(found[0], bytes) == (name in SOUND), (name, found[0])


@pytest.mark.parametrize("name", SETTINGS)
def test_no_setting_changes_an_outcome(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*SETTINGS[name])
    assert outcomes() == PLAIN
    module, attribute, value = SETTINGS[name]
    assert getattr(module, attribute) is value, "nor is it changed"


def test_settings_made_before_the_first_picture() -> None:
    code = (
        "from PIL import Image, ImageFile\n"
        "ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS, Image.OPEN = True, 2, {}\n"
        "import sys, vary\n"
        "data = sys.stdin.buffer.read()\n"
        "assert vary.read_image(data).shape == (60, 80, 3)\n"
        "try: vary.read_image(data[:9000])\n"
        "except vary.DecodeError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], input=SOUND["PNG"], capture_output=True, check=True)
    assert b"truncated; allow_truncated=True reads the part that can be decoded" in run.stdout


def test_max_pixels_counts_inside_of_files_too() -> None:
    icon = encode("ICO", Image.new("RGB", (64, 64), "red"), sizes=[(64, 64)])
    assert read_image(icon, max_pixels=4096).shape == (64, 64, 3)
    for pixels in (10, 4095):
        with pytest.raises(DecodeError, match=rf"over the limit of {pixels}; .* max_pixels="):
            read_image(icon, max_pixels=pixels)


@pytest.fixture
def _registered() -> Iterator[None]:
    """A format of the program's own, as packages for Pillow register theirs."""

    class Squares(ImageFile.ImageFile):
        format = "SQUARES"

        def _open(self) -> None:
            assert self.fp is not None
            side = self.fp.read(5)[4]
            self._mode = "L"
            self._size = (side, side)
            self.tile = [ImageFile._Tile("raw", (0, 0, side, side), 5, ("L", 0, 1))]

    Image.register_open("SQUARES", Squares, lambda head: head[:4] == b"SQRS")  # type: ignore[arg-type]
    yield
    Image.OPEN.pop("SQUARES")
    Image.ID.remove("SQUARES")


@pytest.mark.usefixtures("_registered")
def test_a_format_that_the_program_registers_is_read() -> None:
    values = bytes(range(49))
    assert read_image(b"SQRS\x07" + values, 1).tobytes() == values
    assert outcome(SOUND["PNG"], channels=1) == PLAIN["PNG"][0]
    with pytest.raises(DecodeError, match="not a picture in a known format"):
        read_image(b"SQRT\x07" + values)


def test_threads_begin_together() -> None:
    code = (
        "import sys, threading, vary\n"
        "data, found = sys.stdin.buffer.read(), []\n"
        "start = threading.Barrier(8)\n"
        "def read():\n"
        "    start.wait()\n"
        "    found.append(vary.read_image(data).tobytes())\n"
        "threads = [threading.Thread(target=read) for _ in range(8)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n"
        "print(len(found), len(set(found)))\n"
    )
    for data in (SOUND["PNG"], SOUND["WEBP"], SOUND["TIFF"]):
        run = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)
        assert run.stdout.split() == [b"8", b"1"], run.stderr


def test_limits_of_threads_are_independent() -> None:
    wrong: list[object] = []

    def read(pixels: int) -> None:
        for _ in range(100):
            found = outcome(SOUND["PNG"], channels=3, max_pixels=pixels)
            if isinstance(found, bytes) != (pixels >= 4800):
                wrong.append(found)

    threads = [threading.Thread(target=read, args=(pixels,)) for pixels in (4800, 4799, 10_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
