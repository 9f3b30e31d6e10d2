"""Streams of files that are read as uint16 have the bytes of streams of the same pictures as arrays."""

import io
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sources.made_png import chunk, png
from sources.made_tiff import DEFLATE, MINIS_BLACK, RGB, tiff

import vary
from vary.elements import DTYPES
from vary.errors import DecodeError, InputError, SourceError
from vary.policy import Policy
from vary.sources import Arrays, Encoded, Files, Folder, Item, Pairs, Source, subset
from vary.streams import mix, stream
from vary.streams.cache import choose
from vary.streams.cache.arrays import array_in, block_of
from vary.streams.cache.memory import Memory
from vary.transforms import (
    Brightness,
    GaussianBlur,
    HorizontalFlip,
    Lambda,
    Normalize,
    RandomResizedCrop,
    Resize,
    Rotate,
)

COUNT = 12
POLICY = Policy([Rotate(30), HorizontalFlip(), Resize(24, 20)])
POLICIES = {
    "geometry": POLICY,
    "nothing": Policy([Resize(24, 20)]),
    "colour": Policy([RandomResizedCrop(24, 20), Brightness(0.3), GaussianBlur(1.2)]),
    "normalized": Policy([RandomResizedCrop(24, 20), Normalize(0.4, 0.2)]),
    "function": Policy([RandomResizedCrop(24, 20), Lambda(np.flipud), HorizontalFlip()]),
}


def deep(number: int, samples: int = 4) -> np.ndarray:
    """A smooth picture, each with its own size, that needs all 16 bits."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[: 30 + number, : 50 - number]
    waves = [np.sin(random.uniform(0.02, 0.2) * x + random.uniform(0.02, 0.2) * y + c) for c in range(samples)]
    return np.round((np.dstack(waves) * 0.45 + 0.5) * 65535 - 0.25).astype(np.uint16)


def eight(number: int, mode: str, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray((deep(number, 3) >> 8).astype(np.uint8)).convert(mode).save(file, kind, **options)
    return file.getvalue()


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[274] = 6
    return exif


TURNED = chunk(b"eXIf", struct.pack("<2sHIHHHIHH", b"II", 42, 8, 1, 274, 3, 1, 8, 0))


def written(root: Path) -> Path:
    """Two classes of files: PNG and TIFF of 16 bits, and others of 8 bits."""
    made = {
        "00.png": png(deep(0, 3)),
        "01.png": png(deep(1, 1)),
        "02.png": png(deep(2, 2)),
        "03.png": png(deep(3, 4), interlaced=True),
        "04.png": png(deep(4, 3), more=TURNED),
        "05.tiff": tiff(deep(5, 3), RGB, 16),
        "06.tiff": tiff(deep(6, 1), MINIS_BLACK, 16, order=">"),
        "07.tif": tiff(deep(7, 3), RGB, 16, compression=DEFLATE, predictor=2),
        "08.png": eight(8, "RGB", "PNG"),
        "09.png": eight(9, "P", "PNG"),
        "10.jpg": eight(10, "RGB", "JPEG", quality=90, exif=turned()),
        "11.jpg": eight(11, "L", "JPEG", quality=90),
    }
    for number, (name, data) in enumerate(made.items()):
        path = root / "ab"[number % 2] / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return written(tmp_path / "data")


def arrays_of(root: Path, channels: int = 3) -> tuple[list[np.ndarray], np.ndarray]:
    """The same pictures and labels as arrays."""
    folder = Folder(root)
    pictures = [vary.read_image(folder.path(index), channels, dtype="uint16") for index in range(len(folder))]
    assert folder.labels is not None
    return pictures, folder.labels


def batches(source: Any, policy: Any = POLICY, epochs: int = 1, **options: Any) -> list[Any]:
    train = stream(source, policy, batch_size=5, seed=3, **options)
    with train:
        return [(*(a.copy() for a in batch), batch.indices.copy()) for _ in range(epochs) for batch in train]


def equal(one: list[Any], other: list[Any]) -> bool:
    assert len(one) == len(other) > 0
    return all(
        a.dtype == b.dtype and np.array_equal(a, b)
        for first, second in zip(one, other, strict=True)
        for a, b in zip(first, second, strict=True)
    )


def test_a_folder_has_both_kinds_of_values(root: Path) -> None:
    images = np.concatenate([batch[0].ravel() for batch in batches(Folder(root, dtype="uint16"), POLICIES["nothing"])])
    assert images.dtype == np.uint16
    assert len(np.unique(images & 255)) == 256


@pytest.mark.filterwarnings("ignore::vary.errors.ValueWarning")  # of what casts to uint8 and int16 lose
@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_files_are_as_arrays(root: Path, name: str, channels: int) -> None:
    pictures = arrays_of(root, channels)
    for output in (None, *DTYPES):
        if name == "normalized" and output not in (None, "float32", "float16"):
            continue
        options: dict[str, Any] = {"dtype": output, "layout": "NCHW" if output == "float32" else "NHWC"}
        files = batches(Folder(root, dtype="uint16"), POLICIES[name], channels=channels, **options)
        assert equal(files, batches(pictures, POLICIES[name], **options)), output


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize(
    "cache",
    [
        {"cache": "memory"},
        {"cache": "memory", "cache_bytes": 30_000},  # not enough
        {"cache": "disk"},
        {"cache": "auto"},
        {"cache": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("views", [None, 2])
def test_caches_change_nothing(root: Path, name: str, cache: dict[str, Any], views: int | None) -> None:
    expected = batches(arrays_of(root), POLICIES[name], epochs=3, views=views)
    for _ in range(2):  # on disk, the second stream begins with what the first one kept
        assert equal(batches(Folder(root, dtype="uint16"), POLICIES[name], 3, views=views, **cache), expected)


@pytest.mark.parametrize("cache", [None, "memory", "disk"])
def test_another_process_changes_nothing(root: Path, cache: Any) -> None:
    expected = batches(arrays_of(root), epochs=2)
    assert equal(batches(Folder(root, dtype="uint16"), epochs=2, process=True, cache=cache), expected)
    assert equal(batches(Folder(root, dtype="uint16"), epochs=2, threads=1, prefetch=0, cache=cache), expected)


def test_several_policies_share_a_decoding(root: Path) -> None:
    policies = {"big": (POLICIES["colour"], 2), "small": Policy([Resize(8, 8)])}
    for cache in ("memory", None):
        assert equal(
            batches(Folder(root, dtype="uint16"), policies, 2, cache=cache), batches(arrays_of(root), policies, 2)
        )


def test_later_epochs_decode_nothing(root: Path) -> None:
    for cache in ("memory", "disk"):
        train = stream(Folder(root, dtype="uint16"), POLICY, batch_size=5, cache=cache)
        for hits in (0, COUNT, COUNT):
            for _ in train:
                pass
            assert train.report().cache_hits == hits, cache


def test_a_cache_on_disk_keeps_both_dtypes_apart(root: Path) -> None:
    for _ in range(2):
        for dtype in ("uint8", "uint16"):
            source = Folder(root, dtype=dtype)  # type: ignore[arg-type]
            plain = batches(source, cache=None)
            assert plain[0][0].dtype == dtype
            assert equal(batches(source, cache="disk"), plain)


def test_the_bytes_of_a_cache_are_counted(root: Path) -> None:
    pictures, _ = arrays_of(root)
    bytes_ = sum(picture.nbytes for picture in pictures)
    train = stream(Folder(root, dtype="uint16"), POLICY, batch_size=4, cache="memory")
    for _ in train:
        pass
    assert bytes_ <= train._store.held <= bytes_ + 64 * COUNT  # type: ignore[union-attr]
    assert isinstance(train._store, Memory)
    assert train._store.demand == pytest.approx(bytes_, rel=0.05)
    refused = stream(Folder(root, dtype="uint16"), POLICY, batch_size=4, cache="auto", cache_bytes=int(bytes_ * 0.8))
    assert "none: all files would take" in str(refused.report().cache)


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 1), (1, 1, 4), (7, 2, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_blocks(shape: tuple[int, ...], dtype: Any) -> None:
    array = np.random.default_rng(1).integers(0, 256, shape).astype(dtype) * 200
    for given in (array, array[::-1]):
        found = array_in(block_of(given))
        assert found.dtype == dtype
        assert found.shape == shape
        assert np.array_equal(found, given)


def test_a_file_that_changes_is_read_again(root: Path) -> None:
    train = stream(
        Folder(root, dtype="uint16"), Policy([Resize(24, 20)]), batch_size=COUNT, shuffle=False, cache="memory"
    )
    (first,) = [batch.images.copy() for batch in train]
    path = root / "a/00.png"
    path.write_bytes(png(deep(20, 3)))
    (second,) = [batch.images.copy() for batch in train]
    changed = [not np.array_equal(a, b) for a, b in zip(first, second, strict=True)]
    assert changed == [True] + [False] * (COUNT - 1)
    assert equal(batches(Folder(root, dtype="uint16")), batches(arrays_of(root)))


def test_levels_concern_uint8_alone(root: Path) -> None:
    small = Policy([Resize(6, 5)])
    source = Folder(root, dtype="uint16")
    assert equal(batches(source, small), batches(source, small, full_decode=True))
    assert equal(batches(source, small), batches(arrays_of(root), small))


class Own(Source):
    fields = ("images", "labels")
    kind = "files"
    file_dtype = "uint16"

    def __init__(self, root: Path) -> None:
        self.folder = Folder(root)

    def __len__(self) -> int:
        return len(self.folder)

    def item(self, index: int) -> Item:
        path = self.folder.path(index)
        return Item(Encoded(Path(path).read_bytes(), path), self.folder.item(index).labels)


class Unstated(Own):
    kind = None


class Duck:
    fields = ("images", "labels")
    file_dtype = "uint16"

    def __init__(self, root: Path) -> None:
        self.folder = Folder(root)

    def __len__(self) -> int:
        return len(self.folder)

    def __getitem__(self, index: int) -> Item:
        return self.folder[index]


class Counting(Folder):
    def item(self, index: int) -> Item:
        return super().item(index)


SOURCES: dict[str, Callable[[Path], Any]] = {
    "folder": lambda root: Folder(root, dtype="uint16"),
    "type": lambda root: Folder(root, dtype=np.uint16),
    "labels": lambda root: Folder(root, labels=list(range(COUNT)), dtype="uint16").with_labels(Folder(root).labels),
    "files": lambda root: Files(list(Folder(root).paths), Folder(root).labels, dtype="uint16"),
    "own": Own,
    "own, without a kind": Unstated,
    "own, duck-typed": Duck,
    "subclass": lambda root: Counting(root, dtype="uint16"),
    "pickled": lambda root: pickle.loads(pickle.dumps(Folder(root, dtype="uint16"))),
}


@pytest.mark.parametrize("name", SOURCES)
def test_every_source_of_files(root: Path, name: str) -> None:
    source = SOURCES[name](root)
    expected = batches(arrays_of(root))
    assert equal(batches(source), expected)
    if not name.startswith("own, "):
        assert equal(batches(source, cache="memory"), expected)
    some = Arrays(*arrays_of(root))[2:9]
    assert equal(batches(subset(source, slice(2, 9))), batches(some))


def test_other_classes(root: Path) -> None:
    pictures, labels = arrays_of(root)
    source = Folder(root, dtype="uint16")
    assert equal(batches(source, classes=["b", "a"]), batches((pictures, 1 - labels)))
    some = Folder(root, classes=["b"], dtype="uint16")
    assert equal(batches(some), batches((pictures[6:], labels[6:] * 0)))


def test_a_dtype_of_batches_alone_is_warned_of(root: Path) -> None:
    with pytest.warns(vary.ValueWarning, match=r"files are read as uint8.*vary.Folder\(path, dtype='uint16'\)") as seen:
        train = stream(root, POLICY, batch_size=5, dtype="uint16")
    assert len(seen) == 1
    train.peek()
    stream(Folder(root, dtype="uint16"), POLICY, batch_size=5, dtype="uint16").peek()
    stream(root, POLICY, batch_size=5).peek()
    stream(np.zeros((8, 9, 9, 3), np.uint8), POLICY, batch_size=5, dtype="uint16").peek()


def test_the_bytes_of_16_bit_masks_are_expected(tmp_path: Path) -> None:
    image, mask = png(deep(0, 3)), png(deep(0, 1) >> 12)
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    (tmp_path / "images/0.png").write_bytes(image)
    (tmp_path / "masks/0.png").write_bytes(mask)
    pairs = Pairs(tmp_path / "images", tmp_path / "masks", dtype="uint16")
    train = stream(pairs, POLICY, batch_size=1, cache="memory")
    for images, masks in train:
        assert (images.dtype, masks.dtype) == (np.uint16, np.uint16)
    assert isinstance(train._store, Memory)
    assert train._store.demand == 30 * 50 * (6 + 2)
    assert train._store.held == train._store.demand + 2 * 64


def test_repr_says_it(root: Path) -> None:
    assert repr(Folder(root, dtype="uint16")).endswith("dtype='uint16')")
    assert "dtype='uint16'" in repr(Files([root / "a/00.png"], dtype=np.uint16))
    assert "dtype" not in repr(Folder(root)) + repr(Files([root / "a/00.png"]))


@pytest.mark.parametrize(
    "make", [lambda root, dtype: Folder(root, dtype=dtype), lambda root, dtype: Files([root], dtype=dtype)]
)
@pytest.mark.parametrize("dtype", ["float32", "int16", "float16", "16", None, 8])
def test_other_dtypes_name_the_cure(root: Path, make: Any, dtype: Any) -> None:
    with pytest.raises(InputError, match=r"dtype=.*'uint8', or as 'uint16'.*vary.stream\(\.\.\., dtype=\)"):
        make(root, dtype)


def test_an_own_source_is_checked(root: Path) -> None:
    source = Own(root)
    source.file_dtype = "float32"
    with pytest.raises(InputError, match=r"Own.file_dtype='float32': files are read as 'uint8'"):
        stream(source, POLICY)


def test_an_own_source_names_its_dtype_in_any_way(root: Path) -> None:
    expected = batches(Own(root), shuffle=False)
    source = Own(root)
    source.file_dtype = np.uint16  # type: ignore[assignment]
    assert equal(batches(source, shuffle=False), expected)
    assert stream(source, POLICY, seed=1).state_dict() == stream(Own(root), POLICY, seed=1).state_dict()
    source.file_dtype = None  # type: ignore[assignment]
    with pytest.raises(InputError, match=r"Own\.file_dtype=None: files are read as"):
        stream(source, POLICY)


def test_specs_replay_and_states(root: Path) -> None:
    def made(**options: Any) -> Any:
        return stream(Folder(root, dtype="uint16"), POLICY, batch_size=5, seed=3, **options)

    train = made()
    assert train.element_spec.images.dtype == np.uint16
    assert made(dtype="float32").element_spec.images.dtype == np.float32
    arrays = stream(arrays_of(root), POLICY, batch_size=5, seed=3)
    for batch in train:
        for row, index in enumerate(batch.indices.tolist()):
            assert np.array_equal(train.replay(index).images[0], batch.images[row])
            assert np.array_equal(arrays.replay(index).images[0], batch.images[row])
    vary.testing.check_resume(made)
    vary.testing.check_resume(lambda: made(cache="memory", views=2))
    iterator = iter(train)
    next(iterator)
    state = train.state_dict()
    other = stream(Folder(root), POLICY, batch_size=5, seed=3)
    with pytest.raises(InputError, match="another dtype of its files"):
        other.load_state_dict(state)
    frozen = made(frozen=True)
    one, two = ([batch.images.copy() for batch in frozen] for _ in range(2))
    assert np.array_equal(np.sort(np.concatenate(one), axis=0), np.sort(np.concatenate(two), axis=0))


def test_a_mix_of_files_and_arrays(root: Path) -> None:
    def mixed(source: Any) -> list[Any]:
        other = (np.arange(10 * 8 * 8 * 3).reshape(10, 8, 8, 3).astype(np.uint16), np.zeros(10, int))
        streams = [stream(one, POLICY, batch_size=4, seed=1) for one in (source, other)]
        return [tuple(a.copy() for a in batch) for batch in mix(streams)]

    assert equal(mixed(Folder(root, dtype="uint16")), mixed(arrays_of(root)))


@pytest.mark.parametrize("cache", [None, "memory", "disk"])
def test_pairs(root: Path, tmp_path: Path, cache: Any) -> None:
    pictures, _ = arrays_of(root)
    folder, masks = Folder(root), []
    for index, picture in enumerate(pictures):
        mask = (picture[..., 0] >> 13).astype(np.uint8)
        path = (tmp_path / "masks" / Path(folder.path(index)).relative_to(root)).with_suffix(".png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
        masks.append(mask)
    for pairs in (
        Pairs(root, tmp_path / "masks", dtype="uint16"),
        Pairs(Folder(root, dtype="uint16"), tmp_path / "masks"),
        Pairs(Files([folder.path(index) for index in range(COUNT)], dtype="uint16"), masks),
    ):
        for source, expected in ((pairs, Pairs(pictures, masks)), (pairs[3:], Pairs(pictures, masks)[3:])):
            found = batches(source, epochs=2, cache=cache)
            assert found[0][0].dtype == np.uint16
            assert found[0][1].dtype == np.uint8
            assert equal(found, batches(expected, epochs=2))


def test_a_state_of_pairs_knows_their_dtype(root: Path, tmp_path: Path) -> None:
    for index in range(COUNT):
        name = (tmp_path / "masks" / Path(Folder(root).path(index)).relative_to(root)).with_suffix(".png")
        name.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (9, 9)).save(name)
    state = stream(Pairs(root, tmp_path / "masks", dtype="uint16"), POLICY, batch_size=4).state_dict()
    with pytest.raises(InputError, match="another dtype of its files"):
        stream(Pairs(root, tmp_path / "masks"), POLICY, batch_size=4).load_state_dict(state)


def test_pairs_of_arrays_have_their_own_dtype(root: Path) -> None:
    with pytest.raises(InputError, match=r"dtype='uint16' goes with the path of a folder of images; a ndarray has"):
        Pairs(np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, 8, 8), np.uint8), dtype="uint16")
    with pytest.raises(InputError, match=r"vary.Folder\(path, dtype=\)"):
        Pairs(Folder(root), root, dtype="uint16")


def break_file(root: Path) -> None:
    data = (root / "a/04.png").read_bytes()
    (root / "a/04.png").write_bytes(data[: len(data) // 2])


@pytest.mark.parametrize("cache", [None, "memory", "disk"])
def test_broken_files(root: Path, cache: Any) -> None:
    pictures, labels = arrays_of(root)
    break_file(root)
    source = Folder(root, dtype="uint16")
    with pytest.raises(DecodeError, match=r"04.png: cannot be read: .*allow_truncated=True"):
        batches(source, cache=cache)
    good = [index for index in range(COUNT) if not source.path(index).endswith("04.png")]
    fits = {"shuffle": False, "batch_size": 1}
    skipped = stream(source, POLICY, seed=3, on_error="skip", cache=cache, **fits)  # type: ignore[arg-type]
    whole = stream((pictures, labels), POLICY, seed=3, **fits)  # type: ignore[arg-type]
    expected = [batch.images for batch in whole]
    seen = [batch.images for batch in skipped]
    assert len(seen) == COUNT - 1
    assert all(np.array_equal(one, expected[index]) for one, index in zip(seen, good, strict=True))
    replaced = stream(source, POLICY, batch_size=5, seed=3, on_error="replace", cache=cache)
    assert sum(len(batch.images) for batch in replaced) == COUNT
    tolerant = batches(source, allow_truncated=True, cache=cache, epochs=2)
    index = [source.path(k) for k in range(COUNT)].index(source.path(next(k for k in range(COUNT) if k not in good)))
    pictures[index] = vary.read_image(source.path(index), dtype="uint16", allow_truncated=True)
    assert equal(tolerant, batches((pictures, labels), epochs=2))


def test_limits_and_missing_files(root: Path) -> None:
    source = Folder(root, dtype="uint16")
    with pytest.raises(DecodeError, match="over the limit of 100"):
        batches(source, max_pixels=100)
    (root / "a/10.jpg").unlink()
    with pytest.raises(SourceError, match=r"10\.jpg: was there"):
        batches(source)


def test_previews_show_files_as_they_are_read(root: Path) -> None:
    seen = POLICY.preview(Folder(root, dtype="uint16"), n=2, rows=3)
    arrays = POLICY.preview(arrays_of(root), n=2, rows=3)
    assert seen.notes == arrays.notes
    assert "uint16" in seen.notes[0]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(seen.sheet.cells, arrays.sheet.cells, strict=True))
    assert "uint16" in str(stream(Folder(root, dtype="uint16"), POLICY, batch_size=4).preview().notes)


def test_choose_counts_levels_once(root: Path) -> None:
    source = Folder(root, dtype="uint16")
    train = stream(source, Policy([Resize(6, 5)]), batch_size=4)
    index = next(k for k in range(COUNT) if source.path(k).endswith("10.jpg"))
    image = source.item(index).image
    assert isinstance(image, Encoded)
    assert choose._levels(image, index, train.options, train._specs) == {1}
