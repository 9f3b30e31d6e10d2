"""Huge or broken metadata is no error, and one rule gives the orientation for all formats."""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from conftest import RESOURCES, require
from PIL import Image, PngImagePlugin
from sources.made_tiff import DEFLATE, NONE, RGB, tiff

from vary import _native
from vary.codecs.decode import apply_orientation, read_image
from vary.codecs.png import PNG, bare_png
from vary.errors import DecodeError

PIXELS = np.random.default_rng(11).integers(0, 256, (8, 12, 3), np.uint8)
WRONG_SUM = b"\0\0\0\0"


def encode(kind: str, image: Any = PIXELS, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes, check: bytes | None = None) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + body)) if check is None else check
    return struct.pack(">I", len(body)) + kind + body + check


FILE = encode("PNG")
ROWS = FILE.index(b"IDAT") - 4
ANCILLARY = (
    *(b"gAMA", b"pHYs", b"cHRM", b"sRGB", b"tIME", b"bKGD", b"sBIT", b"eXIf", b"iCCP", b"hIST", b"sPLT", b"acTL"),
    *(b"fcTL", b"fdAT", b"tEXt", b"zTXt", b"iTXt", b"oFFs", b"pCAL", b"cICP", b"vpAg", b"tRNS"),
)
BODIES = (b"", b"\0", b"\xff" * 5, bytes(300), b"key\0\0" + zlib.compress(bytes(100))[:-5])


def same(data: bytes, expected: np.ndarray = PIXELS, channels: tuple[int, ...] = (3,)) -> None:
    for allow_truncated in (False, True):
        assert np.array_equal(read_image(data, allow_truncated=allow_truncated), expected)
        for count in channels:
            assert read_image(data, count, allow_truncated=allow_truncated).shape[2] == count


@pytest.mark.parametrize("kind", ANCILLARY)
def test_a_png_with_a_broken_chunk(kind: bytes) -> None:
    last = FILE.index(b"IEND") - 4
    for body in BODIES:
        for check in (None, WRONG_SUM):
            for at in (33, ROWS, last):
                same(FILE[:at] + chunk(kind, body, check) + FILE[at:], channels=(1,))
    same(FILE[:last] + chunk(kind, bytes(90))[:40])  # the file breaks off in it: every row is there


LARGE = {
    "a profile of 2 MB": encode("PNG", icc_profile=bytes(2 << 20)),
    "a text of 5 MB": FILE[:33] + chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5 << 20))) + FILE[33:],
    "80 MB of texts": FILE[:33] + chunk(b"tEXt", b"k\0" + bytes(4 << 20)) * 20 + FILE[33:],
    "a text of another language": FILE[:33]
    + chunk(b"iTXt", b"k\0\1\0xx\0y\0" + zlib.compress(bytes(5 << 20)))
    + FILE[33:],
}


@pytest.mark.parametrize("name", LARGE)
def test_a_png_with_large_chunks(name: str) -> None:
    same(LARGE[name], channels=(1, 4))


def test_a_png_without_ancillary_chunks_is_not_copied() -> None:
    assert bare_png(FILE).data is FILE
    with_text = FILE[:33] + chunk(b"tEXt", b"a\0b") + FILE[33:]
    assert bare_png(with_text).data == FILE


def test_what_makes_pixels_is_still_checked() -> None:
    palette = encode("PNG", Image.fromarray(PIXELS).quantize(16))
    at = palette.index(b"PLTE") + 10
    damaged = bytearray(FILE)
    damaged[ROWS + 60] ^= 0xFF
    for broken in (palette[:at] + b"?" + palette[at + 1 :], bytes(damaged), FILE[:20] + b"?" + FILE[21:]):
        with pytest.raises(DecodeError):
            read_image(broken)


@pytest.mark.parametrize("body", [b"", b"\0", bytes(9)])
@pytest.mark.parametrize("check", [None, WRONG_SUM])
def test_damaged_transparency_is_refused_where_it_shows(body: bytes, check: bytes | None) -> None:
    data = FILE[:33] + chunk(b"tRNS", body, check) + FILE[33:]
    same(data, channels=(1,))
    says = r"transparency .* is damaged; allow_truncated=True reads the part that can be decoded"
    with pytest.raises(DecodeError, match=says):
        read_image(data, 4)
    assert read_image(data, 4, allow_truncated=True)[..., 3].min() == 255
    sound = FILE[:33] + chunk(b"tRNS", struct.pack(">HHH", *PIXELS[2, 3])) + FILE[33:]
    assert read_image(sound, 4)[2, 3, 3] == 0


def test_animated_png_files_show_their_first_picture() -> None:
    frames = [Image.fromarray(PIXELS), Image.fromarray(255 - PIXELS)]
    data = encode("PNG", frames[0], save_all=True, append_images=frames[1:])
    for kind in (b"acTL", b"fcTL", b"fdAT"):
        at = data.index(kind) + 4
        same(data[:at] + b"\xff\xff" + data[at + 2 :])  # and a wrong sum with it


TAGS = (269, 270, 271, 282, 283, 296, 297, 305, 306, 315, 316, 318, 330, 700, 33432, 33550, 34377, 34665, 34675, 34853)
VALUES = ((0, b""), (1, b"\1\2\3\4"), (7, b"\x10\0\0\0"), (1_000_000, b"\xff\xff\xff\x7f"), (2**32 - 1, bytes(4)))


@pytest.mark.parametrize("compression", [NONE, DEFLATE])
@pytest.mark.parametrize("tag", [*TAGS, 37724, 50341, 65000])
def test_a_tiff_with_a_broken_tag(tag: int, compression: int) -> None:
    for kind in (0, 1, 2, 3, 4, 5, 7, 10, 12, 13, 99):
        for count, value in VALUES:
            more = ((tag, kind, count, value.ljust(4, b"\0")),)
            same(tiff(PIXELS, RGB, compression=compression, more=more))


def webp(*chunks: tuple[bytes, bytes], claim: int = 0, last: int | None = None) -> bytes:
    """last: the length that the last chunk claims; claim: bytes that the file claims too many."""
    lengths = [len(body) for _, body in chunks]
    lengths[-1] = lengths[-1] if last is None else last
    parts = zip(chunks, lengths, strict=True)
    body = b"WEBP" + b"".join(k + struct.pack("<I", n) + b + bytes(len(b) % 2) for (k, b), n in parts)
    return b"RIFF" + struct.pack("<I", len(body) + claim) + body


def test_a_webp_with_broken_chunks() -> None:
    simple = encode("WEBP", lossless=True)
    rows = (b"VP8L", simple[20 : 20 + struct.unpack_from("<I", simple, 16)[0]])
    size = struct.pack("<I", PIXELS.shape[1] - 1)[:3] + struct.pack("<I", PIXELS.shape[0] - 1)[:3]
    for flags in (0, 0x04, 0x08, 0x20, 0x2C):  # of what is promised
        head = (b"VP8X", bytes([flags, 0, 0, 0]) + size)
        same(webp(head, rows))
        for kind in (b"EXIF", b"XMP ", b"ICCP", b"JUNK"):
            for body in (b"", b"junk", b"Exif\0\0II*\0\xff\xff\xff\x7f", bytes(999)):
                same(webp(head, rows, (kind, body)))
                same(webp(head, (kind, body), rows))
            same(webp(head, rows, (kind, b"abcd"), last=1 << 31))
            same(webp(head, rows, (kind, bytes(99)))[:-50])
            same(webp(head, rows, (kind, b"abcd"), claim=77))
    same(webp(rows, (b"EXIF", b"abc")))


def test_a_gif_with_broken_extensions() -> None:
    data = encode("GIF", Image.fromarray(PIXELS // 128 * 255))
    table = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    blocks = (
        b"!\xfe\0",
        b"!\xfe\3abc\0",
        b"!\1\0",
        b"!\xf9\1\0\0",
        b"!\x99\2ab\0",
        b"!\xff\0",
        b"!\xff\x0bsomething..\1a\0",
    )
    for block in blocks:
        same(data[:table] + block + data[table:], PIXELS // 128 * 255)


def test_trailing_bytes_cost_nothing() -> None:
    for kind in ("PNG", "TIFF", "GIF", "BMP", "PPM", "WEBP", "JPEG"):
        data = encode(kind)
        for junk in (b"junk", bytes(5000), data):
            same(data + junk, read_image(data))


def segments() -> Iterator[bytes]:
    """Of a JPEG: each kind of metadata, with nothing sensible in it."""
    heads = (
        b"",
        b"Exif\0\0",
        b"http://ns.adobe.com/xap/1.0/\0",
        b"ICC_PROFILE\0\1\2",
        b"JFXX\0\x13",
        b"MPF\0",
        b"Adobe",
    )
    for marker in (*range(0xE1, 0xF0), 0xFE):
        for head in (*heads, b"Photoshop 3.0\0" + b"8BIM"):
            for body in (b"", b"\xff", b"II*\0\xff\xff\xff\x7f", b"\xff\xd9\xff\xda" * 3):
                if marker != 0xEE or head != b"Adobe":  # which says how colours are coded
                    yield b"\xff" + bytes([marker]) + struct.pack(">H", 2 + len(head + body)) + head + body
    yield b"\xff\xe1\0\2"
    yield b"\xff\xfe" + struct.pack(">H", 65535) + bytes(65533)


def test_a_jpeg_with_broken_segments() -> None:
    data = encode("JPEG", quality=95)
    plain = read_image(data)
    for segment in segments():
        assert np.array_equal(read_image(data[:2] + segment + data[2:]), plain), segment[:40]


def packet(value: int, form: str = 'tiff:Orientation="{}"') -> bytes:
    head = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
    text = form.format(value)
    inside = f"{text}/>" if "=" in text else f">{text}</rdf:Description>"
    return f"{head}{inside}</rdf:RDF></x:xmpmeta>".encode()


FORMS = ('tiff:Orientation="{}"', "tiff:Orientation = '{}'", "<tiff:Orientation>{}</tiff:Orientation>")


def with_xmp(kind: str, xmp: bytes, exif: Any) -> bytes:
    more = {} if exif is None else {"exif": exif}
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=len(xmp) % 2 == 0)
        return encode(kind, pnginfo=texts, **more)
    if kind == "TIFF":
        tags = () if exif is None else ((274, 3, 1, struct.pack("<HH", exif[274], 0)),)
        return tiff(PIXELS, RGB, compression=DEFLATE, more=(*tags, (700, 1, len(xmp), xmp)))
    if kind == "WEBP":
        return encode(kind, lossless=True, xmp=xmp, **more)
    if kind == "AVIF":
        return encode(kind, quality=100, subsampling="4:4:4", xmp=xmp, **more)
    data, body = encode(kind, quality=100, subsampling=0, **more), b"http://ns.adobe.com/xap/1.0/\0" + xmp
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
@pytest.mark.parametrize("form", FORMS)
def test_orientation_is_that_of_exif_or_else_of_xmp(kind: str, form: str) -> None:
    if kind == "AVIF" and (reason := RESOURCES["avif"]()):
        require("avif", reason)
    for value, said in ((6, 6), (3, 3), (8, 8), (1, 1), (0, 1), (9, 1)):
        seen = read_image(with_xmp(kind, packet(value, form), None))
        expected = apply_orientation(PIXELS, said)
        assert seen.shape == expected.shape
        assert np.abs(seen.astype(int) - expected).max() <= 8
        for tag, wins in ((3, 3), (1, 1), (0, said)) if kind != "AVIF" else ((3, 3),):  # which has no word for 1
            exif = Image.Exif()
            exif[274] = tag
            seen = read_image(with_xmp(kind, packet(value, form), exif))
            assert np.abs(seen.astype(int) - apply_orientation(PIXELS, wins)).max() <= 8, (value, tag)


def test_orientation_in_other_places() -> None:
    exif = Image.Exif()
    exif[274] = 6
    turned = apply_orientation(PIXELS, 6)
    tags = exif.tobytes()[6:]
    digits = b"\nexif\n      %d\n%s\n" % (len(tags), tags.hex().encode())
    for kind, text in ((b"tEXt", digits), (b"zTXt", b"\0" + zlib.compress(digits))):
        same(FILE[:33] + chunk(kind, b"Raw profile type exif\0" + text) + FILE[33:], turned)
    same(FILE[:-12] + chunk(b"eXIf", tags) + FILE[-12:], turned)  # behind the rows
    same(FILE[:33] + chunk(b"eXIf", tags, WRONG_SUM) + FILE[33:], PIXELS)  # not to be trusted
    for value in (0, 9, 15, 65535):
        same(tiff(PIXELS, RGB, more=((274, 3, 1, struct.pack("<HH", value, 0)),)))
    gif = encode("GIF", Image.fromarray(PIXELS // 128 * 255))
    table = 13 + 3 * 2 ** ((gif[10] & 7) + 1)
    block = b"!\xff\x0bXMP DataXMP" + packet(6) + b"\1" + bytes(range(255, -1, -1)) + b"\0"
    same(gif[:table] + block + gif[table:], apply_orientation(PIXELS // 128 * 255, 6))


@pytest.mark.parametrize(
    "text", [b"", b"tiff:Orientation", b'tiff:Orientation="', b"tiff:Orientation=6", b"tiff:Orientation>66<"]
)
def test_xmp_that_says_nothing(text: bytes) -> None:
    assert _native.xmp_orientation(text) == 0
    assert _native.xmp_orientation(text + b' tiff:Orientation="5"') == 5


def test_the_signature_is_one() -> None:
    assert FILE.startswith(PNG)
