"""Mask files: exact numbers of each kind of file, and sizes that fit the image."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inputs.pairs import POLICY, RANDOM, classes, epoch_of, indexed, photo, rows, save
from PIL import Image

import vary
from vary import Pairs, Policy, SourceError
from vary.errors import DecodeError


def test_numbers_of_files_are_exact(tmp_path: Path) -> None:
    """A row for each kind of file: without geometry, the mask of a batch is what was written."""
    whole = RANDOM.permutation(600).astype(np.uint8).reshape(20, 30)  # each value occurs, or Pillow renumbers GIFs
    deep = RANDOM.integers(0, 65536, (20, 30), dtype=np.uint16)
    cases: dict[str, tuple[Image.Image, np.ndarray]] = {
        "palette.png": (indexed(whole), whole),
        "palette4.png": (indexed(whole % 16), whole % 16),
        "palette.gif": (indexed(whole), whole),
        "palette.bmp": (indexed(whole), whole),
        "grey.png": (Image.fromarray(whole), whole),
        "grey.tif": (Image.fromarray(whole), whole),
        "bits.png": (Image.fromarray(whole > 100), (whole > 100).astype(np.uint8)),
        "bits.tif": (Image.fromarray(whole > 100), (whole > 100).astype(np.uint8)),
        "deep.png": (Image.fromarray(deep), deep),
        "deep.tif": (Image.fromarray(deep), deep),
        "deep.pgm": (Image.fromarray(deep), deep),
    }
    for name, (image, numbers) in cases.items():
        mask = save(image, tmp_path / f"masks {name}/1{Path(name).suffix}", **({"bits": 4} if "4" in name else {}))
        save(photo(20, 30), tmp_path / "images/1.png")
        assert vary.read_mask(mask).dtype == numbers.dtype
        for process in (False, True):
            stream = vary.stream(Pairs(tmp_path / "images", mask.parent), Policy([]), process=process)
            for _ in range(2):
                ((_, _, made),) = rows(stream)
                assert np.array_equal(made, numbers), name
                assert made.dtype == numbers.dtype


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_grey_of_few_bits_is_not_stretched(tmp_path: Path, bits: int) -> None:

    numbers = RANDOM.integers(0, 1 << bits, (6, 16), dtype=np.uint8)
    packed = np.packbits(np.unpackbits(numbers[..., None], axis=2)[..., -bits:].reshape(6, -1), axis=1)
    lines = b"".join(b"\0" + line.tobytes() for line in packed)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 16, 6, bits, 0, 0, 0, 0)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    (tmp_path / "m.png").write_bytes(b"\x89PNG\r\n\x1a\n" + data)
    assert np.array_equal(vary.read_mask(tmp_path / "m.png"), numbers)


@pytest.mark.parametrize("most", [3, 20, 255, 1000])
def test_the_largest_value_of_a_pgm_changes_nothing(tmp_path: Path, most: int) -> None:
    numbers = RANDOM.integers(0, most + 1, (6, 16))
    for kind, data in (
        (b"P5", numbers.astype("u1" if most < 256 else ">u2").tobytes()),
        (b"P2", b" ".join(b"%d" % number for number in numbers.ravel())),
    ):
        (tmp_path / "m.pgm").write_bytes(b"%s 16 6 %d\n" % (kind, most) + data)
        assert np.array_equal(vary.read_mask(tmp_path / "m.pgm"), numbers)


def test_masks_that_hold_no_numbers(tmp_path: Path) -> None:
    grey = classes(20, 30)
    for name, image, says in [
        ("rgb.png", photo(20, 30), r"is a mask in colours \(RGB\), not in class numbers; convert it once"),
        (
            "grey.png",
            Image.fromarray(np.dstack([grey] * 3)),
            r"all of them grey; save it as grey: vary.read_image\(path, ",
        ),
        ("rgba.png", photo(20, 30).convert("RGBA"), r"is a mask in colours \(RGBA\)"),
        ("jpeg.jpg", Image.fromarray(grey), "is a JPEG, whose compression changes class numbers"),
        ("float.tif", Image.fromarray(grey.astype(np.float32)), "floating-point"),
        ("cut.png", None, "broken|truncated|cannot be read"),
    ]:
        path = tmp_path / name / f"1{Path(name).suffix}"
        save(image or indexed(classes(300, 300)), path)
        if image is None:
            path.write_bytes(path.read_bytes()[:2000])
        save(photo(20, 30), tmp_path / "images/1.png")
        for call in (
            lambda path=path: vary.read_mask(path),
            lambda path=path: epoch_of(vary.stream(Pairs(tmp_path / "images", path.parent), POLICY)),
        ):
            with pytest.raises(DecodeError, match=says) as error:
                call()
            assert str(error.value).startswith(f"{path}: ")
            assert error.value.path == str(path)
    with pytest.raises(SourceError, match="No such file"):
        vary.read_mask(tmp_path / "none.png")


def test_the_cure_for_colours_works(tmp_path: Path) -> None:
    colours, numbers = RANDOM.permutation(256)[:7, None] + np.arange(3), classes(20, 30)
    path = save(Image.fromarray((colours % 256).astype(np.uint8)[numbers]), tmp_path / "m.png")
    found = (vary.read_image(path)[:, :, None] == colours % 256).all(-1).argmax(-1).astype("uint8")
    assert np.array_equal(found, numbers)


def exif(orientation: int) -> Image.Exif:
    found = Image.Exif()
    found[0x0112] = orientation
    return found


@pytest.mark.parametrize("options", [{}, {"cache": "memory"}, {"full_decode": True}, {"process": True}])
def test_sizes_are_compared_upright(tmp_path: Path, options: dict[str, Any]) -> None:
    """Also of a JPEG that is decoded at an eighth of its size."""
    policy = Policy([vary.Resize(20, 24)])
    image = save(photo(400, 600), tmp_path / "images/1.jpg", exif=exif(6))
    upright = classes(600, 400)
    mask = save(indexed(upright), tmp_path / "masks/1.png")
    stream = vary.stream(Pairs(image.parent, mask.parent), policy, **options)
    for _ in range(2):
        ((_, _, made),) = rows(stream)
        assert np.array_equal(made, policy(image=vary.read_image(image), mask=upright).mask)
    save(indexed(classes(400, 600)), mask)
    for _ in range(2):
        with pytest.raises(DecodeError) as error:
            list(rows(vary.stream(Pairs(image.parent, mask.parent), policy, **options)))
        said = f"{image}: the image is 600 x 400, and its mask {mask} 400 x 600 (height x width); EXIF turns the image"
        assert str(error.value).startswith(said)
    save(indexed(classes(599, 400)), mask)
    with pytest.raises(DecodeError, match=r"and its mask \S+ 599 x 400 .* make the mask of the image as it is"):
        list(rows(vary.stream(Pairs(image.parent, mask.parent), policy, **options)))


def test_masks_of_different_depth(pair: tuple[Path, Path]) -> None:
    path = pair[1] / "b/03.v1.png"
    save(Image.fromarray(np.zeros(vary.read_mask(path).shape, np.uint16)), path)
    with pytest.raises(
        DecodeError, match=r"is uint16 with 2 axes, and \S+00\.v1\.png is uint8 with 2; give all"
    ) as error:
        list(rows(vary.stream(Pairs(*pair), POLICY)))
    assert error.value.path == str(path)
