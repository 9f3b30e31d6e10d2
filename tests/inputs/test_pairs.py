"""Streams of images and masks: pairs by name or by order, the same draws, exact numbers, and errors with both names."""

import os
import pickle
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vary
from vary import Files, Folder, InputError, Pairs, Policy, PolicyError, SourceError, Stream, VaryError
from vary.errors import DecodeError

POLICY = Policy(
    [vary.Rotate(40), vary.HorizontalFlip(), vary.ColorJitter(0.3, 0.3), vary.Resize(24, 20), vary.Rescale(1 / 255)],
    fill=0,
    mask_fill=9,
)
RANDOM = np.random.default_rng(8)
PALETTE = RANDOM.integers(0, 256, 768, dtype=np.uint8).tobytes()
COUNT = 14


def indexed(numbers: np.ndarray) -> Image.Image:
    image = Image.frombytes("P", numbers.shape[::-1], numbers.tobytes())
    image.putpalette(PALETTE)
    return image


def save(image: Image.Image, path: Path, **how: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **how)
    return path


def photo(height: int, width: int, seed: int = 0) -> Image.Image:
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def classes(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 7, (height, width), dtype=np.uint8)


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """Folders of images and masks of different sizes, JPEG and PNG, in sub-folders, with dots in their names."""
    for number in range(COUNT):
        height, width = 90 + number, 120 - number
        name = f"{'ab'[number % 2]}/{number:02}.v1"
        how = {"suffix": "png"} if number % 5 == 0 else {"suffix": "jpg"}
        save(photo(height, width, number), tmp_path / f"images/{name}.{how['suffix']}")
        save(indexed(classes(height, width, number)), tmp_path / f"masks/{name}.{'gif' if number % 4 == 1 else 'png'}")
    return tmp_path / "images", tmp_path / "masks"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))


def rows(stream: Stream) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(index, image, mask) of each sample of an epoch."""
    for batch in stream:
        images, masks = batch
        assert batch.fields == ("images", "masks")
        assert batch.images is images
        assert batch.masks is masks
        yield from zip(batch.indices.tolist(), images.copy(), masks.copy(), strict=True)


def epoch_of(stream: Stream) -> dict[int, tuple[bytes, bytes]]:
    return {index: (image.tobytes(), mask.tobytes()) for index, image, mask in rows(stream)}


def alone(pairs: Pairs, index: int, **address: int) -> vary.Sample:
    image, mask = vary.read_image(pairs.path(index) or ""), vary.read_mask(pairs.masks.path(index))
    return POLICY(image=image, mask=mask, index=index, **address)


def test_a_row_is_what_the_policy_makes_of_both_files(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    stream = vary.stream(pairs, POLICY, batch_size=4, seed=5, full_decode=True)
    for epoch in range(2):
        made = list(rows(stream))
        assert len(made) == len(pairs) == COUNT
        for index, image, mask in made:
            one = alone(pairs, index, seed=5, epoch=epoch)
            assert np.array_equal(one.image, image)
            assert np.array_equal(one.mask, mask)
            assert set(np.unique(mask)) <= {*range(7), 9}
    replayed = stream.replay(3, epoch=1)
    assert np.array_equal(replayed.masks[0], alone(pairs, 3, seed=5, epoch=1).mask)


def test_images_are_those_of_a_stream_of_images(pair: tuple[Path, Path]) -> None:
    options: dict[str, Any] = {"batch_size": 4, "seed": 5}
    images = vary.stream(Folder(pair[0], labels={}), POLICY, **options)
    for batch, own in zip(images, vary.stream(Pairs(*pair), POLICY, **options), strict=True):
        assert np.array_equal(batch.images, own.images)
        assert batch.paths == own.paths


WAYS: dict[str, dict[str, Any]] = {
    "memory": {"cache": "memory"},
    "disk": {"cache": "disk"},
    "nothing kept": {"cache": None},
    "full decode": {"cache": "memory", "full_decode": True},
    "process": {"process": True},
    "one thread": {"threads": 1, "prefetch": 0},
    "one batch": {"batch_size": COUNT},
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_masks(pair: tuple[Path, Path], way: str) -> None:
    """Those of the first epoch, which fills a cache, and of the second, which reads it."""
    options = {"batch_size": 3, "seed": 1, **WAYS[way]}
    stream, pairs = vary.stream(Pairs(*pair), POLICY, **options), Pairs(*pair)
    for epoch in range(2):
        for index, _, mask in rows(stream):
            assert np.array_equal(mask, alone(pairs, index, seed=1, epoch=epoch).mask)


def test_a_cache_keeps_masks(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real = vary.sources.Folder.item

    def counted(self: Folder, index: int) -> Any:
        read.append(self.path(index))
        return real(self, index)

    monkeypatch.setattr(Folder, "item", counted)
    monkeypatch.setattr("vary.sources.folder.inherits", lambda *_: True)
    monkeypatch.setattr("vary.sources.pairs.inherits", lambda *_: True)
    for cache in ("memory", "disk"):
        stream = vary.stream(Pairs(*pair), POLICY, batch_size=3, seed=1, cache=cache)
        first = epoch_of(stream)
        stream.set_epoch(0)
        read.clear()
        assert epoch_of(stream) == first
        assert read == []
        kept = stream.report().cache_bytes
        assert kept > COUNT * 90 * 107  # bytes of masks alone
        again = vary.stream(Pairs(*pair), POLICY, batch_size=3, seed=1, cache=cache)
        assert epoch_of(again) == first


def test_a_mask_that_changes_is_read_again(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    stream = vary.stream(pairs, POLICY, batch_size=3, seed=1, cache="memory", frozen=True)
    before = epoch_of(stream)
    path = Path(pairs.masks.path(4))
    size = vary.read_mask(path).shape
    save(indexed(np.full(size, 5, np.uint8)), path)
    os.utime(path, ns=(1, 1))
    after = epoch_of(stream)
    assert {index for index in before if before[index] != after[index]} == {4}
    assert set(after[4][1]) <= {5, 9}


@pytest.mark.parametrize("form", ["flat", "one channel"])
@pytest.mark.parametrize("dtype", ["uint8", "int64", "uint16", "bool", "int16"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_arrays(form: str, dtype: str, layout: str) -> None:
    images = RANDOM.integers(0, 256, (11, 30, 40, 3), dtype=np.uint8)
    masks = RANDOM.integers(0, 2 if dtype == "bool" else 100, (11, 30, 40)).astype(dtype)
    policy = Policy([vary.Rotate(40), vary.RandomCrop(20, 16)], fill=0, mask_fill=1)
    stream = vary.stream(
        Pairs(images, masks if form == "flat" else masks[..., None]), policy, batch_size=4, seed=2, layout=layout
    )
    shape = (20, 16) if form == "flat" else (1, 20, 16) if layout == "NCHW" else (20, 16, 1)
    assert stream.element_spec.masks.shape == (None, *shape)
    assert stream.element_spec.masks.dtype == masks.dtype
    for index, image, mask in rows(stream):
        one = policy(image=images[index], mask=masks[index], seed=2, index=index, layout=layout)
        assert np.array_equal(one.image, image)
        assert mask.shape == shape
        assert mask.dtype == masks.dtype
        assert np.array_equal(one.mask, mask.reshape(20, 16))


def test_lists_of_arrays_and_a_mapped_file(tmp_path: Path) -> None:
    images = [RANDOM.integers(0, 256, (30 + n, 40, 3), dtype=np.uint8) for n in range(5)]
    masks = [RANDOM.integers(0, 9, (30 + n, 40), dtype=np.uint16) for n in range(5)]
    for index, image, mask in rows(vary.stream(Pairs(images, masks), POLICY, batch_size=2, seed=2)):
        one = POLICY(image=images[index], mask=masks[index], seed=2, index=index)
        assert np.array_equal(one.image, image)
        assert np.array_equal(one.mask, mask)
    np.save(tmp_path / "masks.npy", np.stack([mask[:30] for mask in masks]))
    mapped = np.load(tmp_path / "masks.npy", mmap_mode="r")
    pairs = Pairs(np.stack([image[:30] for image in images]), mapped)
    assert len(pickle.dumps(pairs.masks)) < 2000  # the place of the file, not its numbers
    here = epoch_of(vary.stream(pairs, POLICY, batch_size=2, seed=2))
    assert epoch_of(vary.stream(pairs, POLICY, batch_size=2, seed=2, process=True)) == here


class Own(vary.sources.Source):
    """Arrays, or files of a folder, that are made when they are asked for."""

    def __init__(self, given: Any) -> None:
        self.given = given

    def __len__(self) -> int:
        return len(self.given)

    def item(self, index: int) -> vary.sources.Item:
        one = self.given[index]
        return one if isinstance(one, vary.sources.Item) else vary.sources.Item(one)


def test_sources_of_your_own(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    expected = epoch_of(vary.stream(pairs, POLICY, batch_size=4, seed=5))
    for images, masks in [
        (Own(pairs.images), Own(pairs.masks)),
        (Own(pairs.images), [vary.read_mask(pairs.masks.path(n)) for n in range(COUNT)]),
        (pair[0], Own([vary.read_mask(pairs.masks.path(n)) for n in range(COUNT)])),
    ]:
        for cache in (None, "memory"):
            stream = vary.stream(Pairs(images, masks), POLICY, batch_size=4, seed=5, cache=cache)
            assert epoch_of(stream) == expected
            stream.set_epoch(0)
            assert epoch_of(stream) == expected


def test_sources_of_your_own_that_return_no_masks() -> None:
    images = RANDOM.integers(0, 256, (3, 30, 40, 3), dtype=np.uint8)
    good = np.zeros((30, 40), np.int64)
    for wrong, says in [
        (np.zeros((30, 40, 3), int), "the mask of sample 2 has shape (30, 40, 3)"),
        (np.zeros((30, 40)), "the mask of sample 2 is float64"),
        (np.zeros((30, 40), np.uint8), "the mask of sample 2 is uint8 with 2 axes, and mask 0 is int64 with 2"),
        ("a.png", "the mask of sample 2 is of type str"),
        (np.zeros((40, 30), np.int64), "sample 2: the image is 30 x 40, and its mask mask 2 40 x 30"),
    ]:
        with pytest.raises(VaryError, match=re.escape(says)):
            epoch_of(vary.stream(Pairs(images, Own([good, good, wrong])), POLICY, shuffle=False))


def test_splits_and_subsets_draw_as_the_whole(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    whole = epoch_of(vary.stream(pairs, POLICY, batch_size=4, seed=5))
    training, validation = pairs.split(0.3)
    for part in (training, validation, pairs[3:9][::2], pairs[[5, 1]]):
        made = epoch_of(vary.stream(part, POLICY, batch_size=4, seed=5))
        assert made == {index: whole[index] for index in made}
        assert len(made) == len(part)
    assert len(training) + len(validation) == COUNT
    assert training.classes is None
    assert pairs[3:5].paths == tuple(pairs.paths[3:5])
    item = pairs[2]
    assert (item.image.path, item.labels[0].path) == (pairs.path(2), pairs.masks.path(2))


def test_folders_and_files_as_sources(pair: tuple[Path, Path]) -> None:
    """Sub-folders are no classes here, and Files are paired by the paths below their common folder."""
    expected = epoch_of(vary.stream(Pairs(*pair), POLICY, batch_size=4, seed=5))
    images, masks = Folder(pair[0]), Folder(pair[1])
    assert images.classes == ["a", "b"]
    shuffled = RANDOM.permutation(COUNT)
    for given in [
        (images, masks),
        (str(pair[0]), masks),
        (images, Files([masks.paths[n] for n in shuffled])),
        (Files(images.paths), masks),
        (images, masks[[*range(COUNT)[::-1]]]),
    ]:
        assert epoch_of(vary.stream(Pairs(*given), POLICY, batch_size=4, seed=5)) == expected
    some = Pairs(images[2:12:3], Files(masks.paths[2:12:3]), by="order")
    assert [Path(path).name[:2] for path in some.paths] == ["04", "10", "03", "09"]


def test_names_that_differ_go_by_order(pair: tuple[Path, Path]) -> None:
    images = Folder(pair[0]).paths
    masks = [str(save(indexed(classes(90, 120)), pair[0].parent / f"m/{n}_mask.png")) for n in range(COUNT)]
    with pytest.raises(SourceError, match=r"by='order' pairs two vary\.Files in the order of their paths"):
        Pairs(Files(images), Files(masks))
    pairs = Pairs(Files(images), Files(masks), by="order")
    assert [pairs[n].labels[0].path for n in range(COUNT)] == masks


def test_a_missing_partner_is_named(pair: tuple[Path, Path]) -> None:
    lost = pair[1] / "a/02.v1.png"
    lost.unlink()
    with pytest.raises(SourceError) as error:
        Pairs(*pair)
    assert f"1 image without a mask: {pair[0] / 'a/02.v1.jpg'}; {str(pair[1])!r} has no" in str(error.value)
    (pair[0] / "a/02.v1.jpg").unlink()
    assert len(Pairs(*pair)) == COUNT - 1
    (pair[0] / "b/03.v1.jpg").unlink()
    with pytest.raises(SourceError) as error:
        Pairs(*pair)
    assert f"1 mask without an image: {pair[1] / 'b/03.v1.png'}; {str(pair[0])!r} has no" in str(error.value)
    for path in pair[0].rglob("*.jpg"):
        path.unlink()
    with pytest.raises(SourceError, match=r"10 masks without an image: (\S+, ){3}and 7 more; "):
        Pairs(*pair)


def test_names_are_compared_exactly(tmp_path: Path) -> None:
    """Hidden files are no pictures, capitals count, and only the last suffix is cut off."""
    for name in ("a.b", "a.b.c", "A", ".hidden"):
        save(photo(20, 30), tmp_path / f"images/{name}.JPG", format="JPEG")
        save(indexed(classes(20, 30)), tmp_path / f"masks/{name}.Png")
    save(indexed(classes(20, 30)), tmp_path / "masks/.other.png")
    (tmp_path / "masks/notes.txt").write_text("no picture")
    pairs = Pairs(tmp_path / "images", tmp_path / "masks")
    assert [Path(path).stem for path in pairs.paths] == ["A", "a.b", "a.b.c"]
    assert [Path(pairs.masks.path(n)).stem for n in range(3)] == ["A", "a.b", "a.b.c"]
    (tmp_path / "masks/A.Png").rename(tmp_path / "masks/a.png")
    with pytest.raises(SourceError, match=r"1 image without a mask: \S+/A.JPG"):
        Pairs(tmp_path / "images", tmp_path / "masks")


def test_two_files_of_one_name(pair: tuple[Path, Path]) -> None:
    save(photo(9, 9), pair[0] / "a/02.v1.png")
    with pytest.raises(SourceError) as error:
        Pairs(*pair)
    assert f"two images have one name but for their suffixes: {pair[0] / 'a/02.v1'}.jpg and " in str(error.value)
    with pytest.raises(SourceError, match="two masks have one name"):
        Pairs(pair[1], pair[0])


def test_what_is_no_source_of_pairs(pair: tuple[Path, Path], tmp_path: Path) -> None:
    images = np.zeros((5, 30, 40, 3), np.uint8)
    masks = np.zeros((5, 30, 40), np.uint8)
    (tmp_path / "empty").mkdir()
    for given, says in [
        ((images, masks[:4]), "there are 5 images and 4 masks"),
        ((images, masks[:, 1:]), "image has shape (30, 40, 3), and mask has shape (29, 40)"),
        (([*images], [*masks[:4], masks[4, 1:]]), "image 4 has shape (30, 40, 3), and mask 4 has shape (29, 40)"),
        ((images, images), "masks[0] has shape (30, 40, 3); give one number for each pixel"),
        ((images, vary.Arrays(images)), "masks[0] has shape (30, 40, 3)"),
        ((images, masks / 255), "masks[0] is float64"),
        ((images, masks[0]), "masks has shape (30, 40)"),
        ((images, []), "masks is empty"),
        ((images, ["a.png"]), "masks[0] is a path, 'a.png'; vary.Files(paths)"),
        (((images, [0, 1, 2, 3, 4]), masks), "the source of images has the fields ('images', 'labels')"),
        ((Pairs(images, masks), masks), "the source of images has the fields ('images', 'masks')"),
        ((pair[0], Files(Folder(pair[1]).paths, [*range(COUNT)])), "the source of masks has the fields"),
        ((tmp_path / "empty", pair[1]), "holds no pictures"),
        ((pair[0], tmp_path / "none"), "does not exist"),
        ((images, masks, "name"), "by='name' goes with files"),
        ((images, masks, "stem"), "by='stem'; give 'name', 'order', or None"),
        ((images, None), "NoneType is no source"),
    ]:
        with pytest.raises(VaryError, match=re.escape(says)):
            Pairs(*given[:2], by=given[2] if len(given) > 2 else None)
    for keywords in ({"labels": [0] * 5}, {"classes": ["a"]}, {"weights": "balanced"}):
        with pytest.raises(InputError):
            vary.stream(Pairs(images, masks), POLICY, **keywords)


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
    import struct
    import zlib

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


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("which", ["image", "mask", "no mask", "size"])
def test_broken_files_are_skipped_or_replaced(pair: tuple[Path, Path], which: str, process: bool) -> None:
    pairs = Pairs(*pair)
    names = {2: pairs.path(2) or "", 7: pairs.path(7) or ""} if which in ("image", "size") else {}
    names = names or {n: pairs.masks.path(n) for n in (2, 7)}
    for name in names.values():
        if which == "size":
            index = pairs.paths.index(name)
            save(indexed(classes(5, 5)), Path(pairs.masks.path(index)))
        elif which == "no mask":
            Path(name).unlink()
        else:
            Path(name).write_bytes(b"broken")
    options: dict[str, Any] = {"batch_size": 4, "seed": 5, "process": process}
    with pytest.raises(VaryError, match=re.escape(str(pair[0].parent))) as error:
        epoch_of(vary.stream(pairs, POLICY, **options))
    assert any(name in str(error.value) for name in names.values())
    stream = vary.stream(pairs, POLICY, on_error="skip", **options)
    made = epoch_of(stream)
    assert made.keys() == set(range(COUNT)) - {2, 7}
    skipped = stream.report().skipped
    assert {name for name in names.values() if any(name in f"{one.path} {one.reason}" for one in skipped)} == {
        *names.values()
    }
    for index, (_, mask) in made.items():
        assert mask == alone(pairs, index, seed=5).mask.tobytes()
    replaced = list(vary.stream(pairs, POLICY, on_error="replace", **options))
    assert sum(len(batch.masks) for batch in replaced) == COUNT
    for batch in replaced:
        for index, view, mask in zip(batch.indices.tolist(), batch.views.tolist(), batch.masks, strict=True):
            assert np.array_equal(mask, alone(pairs, index, seed=5, view=view).mask)


def test_resuming_in_the_middle(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    options: dict[str, Any] = {"batch_size": 4, "seed": 5}
    whole = [batch.masks.copy() for batch in vary.stream(pairs, POLICY, **options)]
    stream = vary.stream(pairs, POLICY, **options)
    iterator = iter(stream)
    next(iterator)
    state = stream.state_dict()
    other = vary.stream(Pairs(*pair), POLICY, **options)
    other.load_state_dict(state)
    rest = [batch.masks.copy() for batch in other]
    assert len(rest) == len(whole) - 1
    assert all(map(np.array_equal, rest, whole[1:]))
    vary.testing.check_resume(lambda: vary.stream(Pairs(*pair), POLICY, **options))
    with pytest.raises(InputError, match="other fields or classes of the source"):
        vary.stream(pairs.images, POLICY, **options).load_state_dict(state)


def test_shards_repeats_weights_and_mixes(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    seen: list[int] = []
    for rank in range(2):
        for index, _, mask in rows(vary.stream(pairs, POLICY, batch_size=2, seed=5, shard=(rank, 2))):
            assert np.array_equal(mask, alone(pairs, index, seed=5).mask)
            seen.append(index)
    assert sorted(seen) == list(range(COUNT))
    for keywords in ({"repeat": 3}, {"weights": [1 + n % 3 for n in range(COUNT)]}, {"shuffle_block_size": 4}):
        for batch in vary.stream(pairs, POLICY, batch_size=4, seed=5, **keywords):
            for index, view, mask in zip(batch.indices.tolist(), batch.views.tolist(), batch.masks, strict=True):
                assert np.array_equal(mask, alone(pairs, index, seed=5, view=view).mask)
    arrays = Pairs(np.zeros((6, 30, 40, 3), np.uint8), np.full((6, 30, 40), 8, np.uint8))
    for process in (False, True):
        mixed = vary.mix(
            [vary.stream(one, POLICY, batch_size=6, seed=5, process=process) for one in (pairs, arrays)], ratios=[2, 1]
        )
        for batch in mixed:
            for number, index, mask in zip(batch.streams, batch.indices.tolist(), batch.masks, strict=True):
                if number:
                    assert set(np.unique(mask)) <= {8, 9}
                else:
                    assert np.array_equal(mask, alone(pairs, index, seed=5).mask)
        assert mixed.element_spec.masks.shape == (None, 24, 20)
    deep = Pairs(arrays.images, np.full((6, 30, 40), 8, np.uint16))
    with pytest.raises(InputError, match="masks of dtype and form"):
        next(iter(vary.mix([vary.stream(one, POLICY, batch_size=6) for one in (pairs, deep)])))
    with pytest.raises(InputError, match="fields"):
        vary.mix([vary.stream(one, POLICY, batch_size=6) for one in (pairs, arrays.images)])


def test_several_views(pair: tuple[Path, Path]) -> None:
    pairs = Pairs(*pair)
    batch = next(iter(vary.stream(pairs, POLICY, batch_size=4, seed=5, views=2)))
    assert batch.images.shape == (4, 2, 24, 20, 3)
    assert batch.masks.shape == (4, 2, 24, 20)
    for index, masks in zip(batch.indices.tolist(), batch.masks, strict=True):
        for view, mask in enumerate(masks):
            assert np.array_equal(mask, alone(pairs, index, seed=5, view=view).mask)
    small = Policy([vary.Resize(8, 9)])
    stream = vary.stream(pairs, {"large": (POLICY, 2), "small": small}, batch_size=4, seed=5)
    assert stream.fields == ("large", "small", "large_masks", "small_masks")
    for batch in stream:
        assert batch.small_masks.shape[1:] == (8, 9) == stream.element_spec.small_masks.shape[1:]
        assert batch.large_masks.shape[1:] == (2, 24, 20) == stream.element_spec.large_masks.shape[1:]
        for index, masks, mask in zip(batch.indices.tolist(), batch.large_masks, batch.small_masks, strict=True):
            assert np.array_equal(masks[1], alone(pairs, index, seed=5, view=1).mask)
            numbers = vary.read_mask(pairs.masks.path(index))
            image = np.zeros((*numbers.shape, 3), np.uint8)
            assert np.array_equal(mask, small(image=image, mask=numbers, seed=5, index=index, view=2).mask)
    for names in ({"a": small, "a_masks": small}, {"masks": small}):
        with pytest.raises(InputError, match="policy names views"):
            vary.stream(pairs, names)


def test_threads_may_share_an_iterator(pair: tuple[Path, Path]) -> None:
    pairs, found = Pairs(*pair), dict[int, bytes]()
    stream = vary.stream(pairs, POLICY, batch_size=2, seed=5, repeat=4)
    iterator = iter(stream)

    def consume() -> None:
        for batch in iterator:
            for index, view, mask in zip(batch.indices.tolist(), batch.views.tolist(), batch.masks, strict=True):
                found[index, view] = mask.tobytes()  # type: ignore[index]

    threads = [threading.Thread(target=consume) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == COUNT * 4
    for (index, view), mask in found.items():  # type: ignore[misc]
        assert mask == alone(pairs, index, seed=5, view=view).mask.tobytes()


def test_of_a_large_batch_only_some_masks_are_decoded_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Although JPEGs, which are decoded in working memory, do not divide it."""
    monkeypatch.setattr("vary.streams.batches.render.PER_THREAD", 2)
    monkeypatch.setattr("vary.streams.batches.render.BYTES", 1)
    for number in range(11):
        save(photo(60, 80, number), tmp_path / f"images/{number:02}.jpg")
        save(indexed(classes(60, 80, number)), tmp_path / f"masks/{number:02}.png")
    save(photo(6, 8), tmp_path / "images/04.jpg")
    pairs = Pairs(tmp_path / "images", tmp_path / "masks")
    for policy in (POLICY, Policy([vary.Lambda(np.copy), *POLICY.transforms], fill=0, mask_fill=9)):
        stream = vary.stream(
            pairs, policy, batch_size=11, seed=5, cache=None, threads=1, on_error="skip", full_decode=True
        )
        made = list(rows(stream))
        assert len(made) == 10
        for index, image, mask in made:
            one = policy(
                image=vary.read_image(pairs.path(index) or ""),
                mask=vary.read_mask(pairs.masks.path(index)),
                seed=5,
                index=index,
            )
            assert np.array_equal(one.image, image)
            assert np.array_equal(one.mask, mask)
        assert stream.report().in_flight["decoded"] <= 2 * 60 * 80 + 11 * 4000 * stream.options.total_threads * 2


def test_a_fill_that_masks_cannot_hold() -> None:
    pairs = Pairs(np.zeros((6, 30, 40, 3), np.uint8), np.zeros((6, 30, 40), np.uint8))
    with pytest.raises(PolicyError, match=r"Policy\(mask_fill=256\): masks of uint8 hold 0 .. 255"):
        next(iter(vary.stream(pairs, Policy([vary.Rotate(40)], fill=0, mask_fill=256))))


def test_a_function_that_changes_the_size() -> None:
    pairs = Pairs(np.zeros((6, 30, 40, 3), np.uint8), np.zeros((6, 30, 40), np.uint8))
    with pytest.raises(PolicyError, match="changed the size of a picture, so that masks do not fit any more"):
        next(iter(vary.stream(pairs, Policy([vary.Lambda(lambda image: image[::2])]))))


def test_they_are_shown(pair: tuple[Path, Path], tmp_path: Path) -> None:
    pairs = Pairs(*pair)
    stream = vary.stream(pairs, POLICY, batch_size=4, seed=5, layout="NCHW")
    assert "masks: (4, 24, 20) uint8 in 0 .. " in repr(stream.peek())
    assert "each number is shown as a grey of its own" in stream._repr_html_()
    stream.preview().save(tmp_path / "sheet.png")
    both = np.asarray(Image.open(tmp_path / "sheet.png"))
    vary.stream(pairs.images, POLICY, batch_size=4, seed=5).preview().save(tmp_path / "sheet.png")
    assert both.shape != np.asarray(Image.open(tmp_path / "sheet.png")).shape
    shown = POLICY.preview(pairs, n=2, rows=2)
    assert [title[0] for title in shown.sheet.titles] == ["", ""]
    wide = vary.stream(Pairs(np.zeros((2, 9, 9, 3), np.uint8), np.zeros((2, 9, 9, 1), int)), Policy([]), views=2)
    assert len(wide.preview().sheet.cells[0]) == 4


def test_real_pictures_and_their_masks(pictures_root: Path) -> None:
    root = pictures_root / "pets_seg"
    pairs = Pairs(root / "images", root / "masks")
    policy = Policy([vary.RandomResizedCrop(64, 64), vary.HorizontalFlip(), vary.ColorJitter(0.2, 0.2)])
    stream = vary.stream(pairs, policy, batch_size=8, seed=5)
    for index, image, mask in rows(stream):
        numbers = vary.read_mask(pairs.masks.path(index))
        assert image.shape == (64, 64, 3)
        assert set(np.unique(mask)) <= set(np.unique(numbers))
        one = policy(image=vary.read_image(pairs.path(index) or ""), mask=numbers, seed=5, index=index)
        assert np.array_equal(mask, one.mask)


def test_keras_gets_masks_as_targets(pair: tuple[Path, Path]) -> None:
    """`model.fit(stream)` asks for batches by number, from within keras."""
    for policy, kinds in (
        (POLICY, (np.ndarray, np.ndarray)),
        ({"large": POLICY, "small": Policy([vary.Resize(8, 9)])}, (dict, dict)),
    ):
        stream = vary.stream(Pairs(*pair), policy, batch_size=4, seed=5)
        inside = {"__name__": "keras.trainer", "stream": stream}
        exec("x, y = stream[0]", inside)
        assert (type(inside["x"]), type(inside["y"])) == kinds
        if isinstance(inside["y"], dict):
            assert [*inside["x"], *inside["y"]] == [*stream.fields]
        else:
            assert np.array_equal(inside["y"], stream.peek().masks)
