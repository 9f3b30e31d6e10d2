"""TIFF: every kind gives the pixels that were written, as other readers do, or is refused with the cure."""

import io
import itertools
import logging
import struct
from typing import Any

import numpy as np
import pytest
from conftest import oracle
from sources.made_tiff import DEFLATE, INKS, LAB, MINIS_BLACK, MINIS_WHITE, NONE, PACKBITS, PALETTE, RGB, YCBCR, tiff

from vary.codecs.decode import read_image
from vary.codecs.tiff import ELSEWHERE
from vary.errors import DecodeError

RANDOM = np.random.default_rng(2)
HEIGHT, WIDTH = 21, 37
WAYS = (
    *({"rows": 5}, {"tile": 16}, {"planar": True}, {"planar": True, "rows": 5}, {"planar": True, "tile": 16}),
    *({}, {"compression": DEFLATE}, {"compression": DEFLATE, "planar": True}, {"compression": PACKBITS, "rows": 5}),
    *({"compression": DEFLATE, "predictor": 2}, {"compression": DEFLATE, "predictor": 2, "planar": True, "tile": 16}),
    *({"compression": PACKBITS, "planar": True}, {"fill_order": 2}, {"fill_order": 2, "planar": True}),
    *({"compression": DEFLATE, "fill_order": 2, "tile": 16}, {"compression": PACKBITS, "fill_order": 2}),
)
KINDS: dict[str, tuple[int, int, tuple[int, ...]]] = {  # photometric interpretation, samples, what more ones are
    "white is 0": (MINIS_WHITE, 1, ()),
    "black is 0": (MINIS_BLACK, 1, ()),
    "grey and another": (MINIS_BLACK, 2, (0,)),
    "grey and alpha": (MINIS_BLACK, 2, (2,)),
    "grey and premultiplied alpha": (MINIS_BLACK, 2, (1,)),
    "white is 0, and alpha": (MINIS_WHITE, 2, (2,)),
    "RGB": (RGB, 3, ()),
    "RGB and another": (RGB, 4, (0,)),
    "RGB and premultiplied alpha": (RGB, 4, (1,)),
    "RGB and alpha": (RGB, 4, (2,)),
    "RGB and what is not said": (RGB, 4, ()),
    "palette": (PALETTE, 1, ()),
    "CMYK": (INKS, 4, ()),
    "CMYK and another": (INKS, 5, (0,)),
}
READ = {  # kind -> bits that are read, at least as plain strips of the usual byte order
    "white is 0": {1, 2, 4, 8, 12, 16},
    "black is 0": {1, 2, 4, 8, 12, 16},
    "palette": {1, 2, 4, 8},
    "RGB": {8, 16},
    "RGB and alpha": {8, 16},
    "RGB and premultiplied alpha": {8, 16},
    "CMYK": {8, 16},
    "grey and alpha": {8},
    "grey and premultiplied alpha": {8},
}


def made(kind: str, bits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """What is stored, what is meant by it as RGB, and a colour table."""
    photometric, samples, extra = KINDS[kind]
    stored = RANDOM.integers(0, 1 << bits, (HEIGHT, WIDTH, samples), np.int64)
    if extra == (1,):
        stored[..., -1] = (1 << bits) - 1
    colours = RANDOM.integers(0, 65536, (1 << bits, 3)) if photometric == PALETTE else None
    if colours is not None:
        return stored, (colours[stored[..., 0]] >> 8).astype(np.uint8), colours
    eight = stored >> (bits - 8) if bits >= 8 else stored * 255 // ((1 << bits) - 1)
    if photometric == INKS:
        intended = (255 - eight[..., :3]) * (255 - eight[..., 3:4]) / 255 + 0.5
    elif photometric == RGB:
        intended = eight[..., :3]
    else:
        intended = np.repeat(255 - eight[..., :1] if photometric == MINIS_WHITE else eight[..., :1], 3, axis=2)
    return stored, intended.astype(np.uint8), colours


def attempt(data: bytes, **options: Any) -> tuple[np.ndarray | None, str]:
    """The picture, or why there is none."""
    try:
        return read_image(data, **options), ""
    except DecodeError as error:
        return None, error.reason


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [1, 2, 4, 8, 12, 16, 32])
def test_every_kind_is_right_or_refused(kind: str, bits: int) -> None:
    if kind == "palette" and bits > 8:
        return
    photometric, _, extra = KINDS[kind]
    stored, intended, colours = made(kind, bits)
    read = 0
    for way, order in itertools.product(WAYS, "<>"):
        if way.get("predictor") == 2 and bits not in (8, 16, 32):
            continue
        data = tiff(stored, photometric, bits, order=order, extra=extra, colours=colours, **way)  # type: ignore[arg-type]
        seen, reason = attempt(data)
        if seen is None:
            assert "as an array" in reason, (way, reason)
            assert way or order == ">" or bits not in READ.get(kind, ()), (way, reason)
            assert attempt(data, allow_truncated=True)[0] is None
            continue
        read += 1
        assert np.abs(seen.astype(int) - intended).max() <= 1, (way, order)
        assert np.abs(read_image(data, allow_truncated=True).astype(int) - intended).max() <= 1
    assert read or bits not in READ.get(kind, ())


def as_eight_bits(pixels: Any) -> np.ndarray:
    found = np.asarray(pixels)
    return found if found.dtype == np.uint8 else (found >> 8).astype(np.uint8)


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", ["black is 0", "RGB", "RGB and alpha"])
def test_other_readers_agree(kind: str, bits: int, order: str) -> None:
    cv2, tifffile = oracle("cv2"), oracle("tifffile")
    photometric, samples, extra = KINDS[kind]
    stored, intended, _ = made(kind, bits)
    for way in WAYS:
        data = tiff(stored, photometric, bits, order=order, extra=extra, **way)  # type: ignore[arg-type]
        seen, _ = attempt(data, channels=samples)
        if seen is None:
            continue
        # It multiplies by alpha, and does not know all planes and tiles.
        if samples < 4 and not way.get("planar") and not way.get("tile"):
            theirs = as_eight_bits(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
            assert np.array_equal(theirs.reshape(HEIGHT, WIDTH, -1)[..., ::-1], seen), way
        if way.get("predictor", 1) == 1 and "fill_order" not in way:  # without more packages it reads no others
            theirs = tifffile.imread(io.BytesIO(data))
            if way.get("planar") and samples > 1:
                theirs = np.moveaxis(theirs, 0, -1)
            assert np.array_equal(as_eight_bits(theirs).reshape(seen.shape), seen), way
    assert (
        np.abs(read_image(tiff(stored, photometric, bits, order=order, extra=extra)).astype(int) - intended).max() <= 1
    )


def test_alpha_of_sixteen_bits() -> None:
    stored = RANDOM.integers(0, 65536, (HEIGHT, WIDTH, 4), np.int64)
    assert np.array_equal(read_image(tiff(stored, RGB, 16, extra=(2,)), 4), stored >> 8)


def test_white_is_zero_in_every_count_of_channels() -> None:
    stored = RANDOM.integers(0, 65536, (HEIGHT, WIDTH, 1), np.int64)
    for order in "<>":
        for channels in (1, 3, 4):
            seen = read_image(tiff(stored, MINIS_WHITE, 16, order=order), channels)
            assert np.array_equal(seen[..., :1], 255 - (stored >> 8))
            assert channels < 4 or seen[..., 3].min() == 255


def test_colour_tables_of_eight_bits() -> None:
    cv2 = oracle("cv2")
    stored, colours = RANDOM.integers(0, 16, (HEIGHT, WIDTH, 1)), RANDOM.integers(0, 256, (16, 3))
    for order in "<>":
        data = tiff(stored, PALETTE, 4, order=order, colours=colours)
        assert np.array_equal(read_image(data), colours[stored[..., 0]])
        assert np.array_equal(cv2.imdecode(np.frombuffer(data, np.uint8), 1)[..., ::-1], colours[stored[..., 0]])


def subsampling(x: int, y: int) -> Any:
    return ((530, 3, 2, struct.pack("<HH", x, y)),)


def test_ycbcr_and_lab() -> None:
    cv2, colour = oracle("cv2"), oracle("skimage.color")
    smooth = np.linspace(60, 190, HEIGHT * WIDTH * 3).reshape(HEIGHT, WIDTH, 3).astype(np.int64)
    for compression in (NONE, DEFLATE):
        data = tiff(smooth, YCBCR, compression=compression, more=subsampling(1, 1))
        theirs = cv2.imdecode(np.frombuffer(data, np.uint8), 1)[..., ::-1]
        assert np.abs(read_image(data).astype(int) - theirs).max() <= 2
        lab = np.dstack([smooth[..., 0], np.full((HEIGHT, WIDTH), 5), np.full((HEIGHT, WIDTH), 250)])  # 250 is -6
        data = tiff(lab, LAB, compression=compression)
        theirs = 255 * colour.lab2rgb(np.dstack([smooth[..., 0] / 2.55, lab[..., 1], lab[..., 2] - 256]))
        assert np.abs(read_image(data) - theirs).max() <= 6  # of another white
    for more in ((), subsampling(2, 2), subsampling(2, 1)):
        with pytest.raises(DecodeError, match=r"YCbCr of fewer samples.*tifffile"):
            read_image(tiff(smooth, YCBCR, more=more))


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"planar": True}, "separate planes of 16 bits"),
        ({"sample_format": 2}, "as an array"),
        ({"sample_format": 3}, "as an array"),
    ],
)
def test_errors_name_tifffile(how: dict[str, Any], says: str) -> None:
    stored = RANDOM.integers(0, 65536, (HEIGHT, WIDTH, 3), np.int64)
    with pytest.raises(DecodeError, match=says) as caught:
        read_image(tiff(stored, RGB, 16, **how))
    assert ELSEWHERE in caught.value.reason
    assert "allow_truncated" not in caught.value.reason


def test_signed_bytes_are_refused() -> None:
    with pytest.raises(DecodeError, match=r"signed numbers; load it with tifffile"):
        read_image(tiff(RANDOM.integers(0, 256, (HEIGHT, WIDTH, 1)), MINIS_BLACK, sample_format=2))


def test_big_tiff(tmp_path: Any) -> None:
    tifffile = oracle("tifffile")
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)
    stored = RANDOM.integers(0, 65536, (HEIGHT, WIDTH), np.uint16)
    for order in "<":  # Pillow knows no others
        for photometric, intended in (("minisblack", stored >> 8), ("miniswhite", 255 - (stored >> 8))):
            path = tmp_path / f"{photometric}.tif"
            tags = [(274, 3, 1, 3, True)]
            tifffile.imwrite(path, stored, bigtiff=True, photometric=photometric, byteorder=order, extratags=tags)
            assert np.array_equal(read_image(path, 1)[..., 0], intended[::-1, ::-1])
    tifffile.imwrite(path, np.zeros((9, 9), np.float16))
    with pytest.raises(DecodeError, match="as an array"):
        read_image(path)


@pytest.mark.parametrize("size", [*range(8, 40), 60, 100])
def test_a_directory_that_breaks_off_is_an_error(size: int) -> None:
    data = tiff(RANDOM.integers(0, 256, (2, 2, 3)), RGB)
    assert len(data) > 150
    with pytest.raises(DecodeError):
        read_image(data[:size])
    for head in (b"II+\0\x08\0\0\0" + b"\xff" * 8, b"MM\0*" + b"\xff" * 4):
        with pytest.raises(DecodeError):
            read_image(head + bytes(size))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_of_sixteen_bits_gives_the_eight_most_significant(channels: int) -> None:
    cv2 = oracle("cv2")
    for samples in (1, 3, 4):
        stored = RANDOM.integers(0, 65536, (HEIGHT, WIDTH, samples)).astype(np.uint16)
        swapped = stored[..., [2, 1, 0, 3][:samples]] if samples > 1 else stored
        data = cv2.imencode(".png", swapped)[1].tobytes()
        seen = read_image(data, channels)
        if channels == samples:
            assert np.array_equal(seen, stored >> 8)
        elif channels == 3:
            assert np.array_equal(seen, np.broadcast_to((stored >> 8)[..., :3], seen.shape))
