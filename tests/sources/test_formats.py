"""Tar, Parquet, Arrow and .npy files and data sets of Hugging Face give the same batches as files of their pictures."""

import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import oracle, require
from PIL import Image

import vary
from vary.errors import InputError, SourceError
from vary.sources.subset import Source

CLASSES = ["cat", "dog"]
COUNT = 13


@pytest.fixture(scope="module")
def pictures() -> list[bytes]:
    """Encoded pictures of several sizes and formats."""
    random, found = np.random.default_rng(0), []
    for number in range(COUNT):
        array = random.integers(0, 256, (20 + number, 30 - number, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(array).save(file, "PNG" if number % 3 else "JPEG")
        found.append(file.getvalue())
    return found


@pytest.fixture
def expected(pictures: list[bytes], tmp_path: Path) -> vary.Files:
    """The same pictures as files."""
    (tmp_path / "files").mkdir()
    paths = [tmp_path / "files" / f"{number:02}.{suffix_of(data)}" for number, data in enumerate(pictures)]
    for path, data in zip(paths, pictures, strict=True):
        path.write_bytes(data)
    return vary.Files(paths, [CLASSES[number % 2] for number in range(COUNT)])


def suffix_of(data: bytes) -> str:
    return "png" if data.startswith(b"\x89PNG") else "jpg"


def add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))


def tars(pictures: list[bytes], folder: Path, form: int = tarfile.GNU_FORMAT, prefix: str = "") -> Source:
    """Three tar files, with a folder, a hidden file and a JSON member among the samples."""
    for shard in range(3):
        with tarfile.open(folder / f"pets-{shard:02}.tar", "w", format=form) as tar:
            for number in range(shard * 5, min(COUNT, shard * 5 + 5)):
                data = pictures[number]
                add(tar, f"{prefix}{number:04}.{suffix_of(data).upper()}", data)
                add(tar, f"{prefix}{number:04}.cls", f" {CLASSES[number % 2]}\n".encode())
                add(tar, f"{prefix}._{number:04}.jpg", b"of macOS")
                add(tar, f"{prefix}{number:04}.json", b'{"animal": {"age": %d}}' % number)
    return vary.WebDataset(folder / "pets-{00..02}.tar", "cls")


def rows(pictures: list[bytes]) -> dict[str, list[Any]]:
    return {
        "image": [{"bytes": data, "path": f"{number}.jpg"} for number, data in enumerate(pictures)],
        "bytes": pictures,
        "breed": [CLASSES[number % 2] for number in range(COUNT)],
    }


def parquet(pictures: list[bytes], folder: Path, images: str = "image") -> Source:
    oracle("pyarrow")
    from pyarrow import Table, parquet as files

    files.write_table(Table.from_pydict(rows(pictures)), folder / "pets.parquet", row_group_size=4)
    return vary.table(folder / "pets.parquet", images, "breed")


def arrow(pictures: list[bytes], folder: Path, stream: bool = False, images: str = "image") -> Source:
    pa = oracle("pyarrow")
    table = pa.Table.from_pydict(rows(pictures))
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with pa.OSFile(str(folder / "pets.arrow"), "wb") as file, new(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=5)
    return vary.table(folder / "pets.arrow", images, "breed")


def dataset_of(pictures: list[bytes]) -> Any:
    try:
        import datasets
    except ImportError:
        require("datasets", "datasets is not installed")
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "breed": datasets.ClassLabel(names=CLASSES),
            "age": datasets.Value("float32"),
            "bytes": datasets.Value("binary"),
        }
    )
    ages = [float(number) for number in range(COUNT)]
    found = rows(pictures) | {"age": ages}
    return datasets.Dataset.from_dict({name: found[name] for name in features}, features)


def hugging_face(pictures: list[bytes], folder: Path) -> Source:
    dataset = dataset_of(pictures)
    dataset.save_to_disk(folder / "pets")
    return vary.HuggingFace(type(dataset).load_from_disk(folder / "pets"))


MAKERS: dict[str, Callable[[list[bytes], Path], Source]] = {
    "tars": tars,
    "tars-ustar": lambda pictures, folder: tars(pictures, folder, tarfile.USTAR_FORMAT),
    "tars-pax": lambda pictures, folder: tars(pictures, folder, tarfile.PAX_FORMAT, "a folder/" + "ä" * 90 + "/"),
    "tars-long": lambda pictures, folder: tars(pictures, folder, tarfile.GNU_FORMAT, "b" * 120 + "/"),
    "parquet": parquet,
    "parquet-bytes": lambda pictures, folder: parquet(pictures, folder, "bytes"),
    "arrow": arrow,
    "arrow-stream": lambda pictures, folder: arrow(pictures, folder, True),
    "arrow-bytes": lambda pictures, folder: arrow(pictures, folder, False, "bytes"),
    "hugging-face": hugging_face,
}


@pytest.fixture(params=MAKERS)
def source(
    request: pytest.FixtureRequest, pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Source:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    return MAKERS[request.param](pictures, tmp_path)


POLICY = vary.Policy([vary.Resize(16, 16), vary.Rotate(20), vary.HorizontalFlip(), vary.Rescale(1 / 255)])


def batches(source: Source, **keywords: Any) -> list[bytes]:
    with vary.stream(source, POLICY, batch_size=4, seed=3, **keywords) as train:
        return [b"".join((batch.images.tobytes(), batch.labels.tobytes())) for _ in range(2) for batch in train]


@pytest.mark.parametrize(
    "keywords",
    [{}, {"threads": 3, "prefetch": 4}, {"process": True}, {"cache": None}, {"cache": "disk"}, {"views": 2}],
    ids=str,
)
def test_batches_are_those_of_files(source: Source, expected: vary.Files, keywords: dict[str, Any]) -> None:
    assert batches(source, **keywords) == batches(expected, **keywords)


def test_samples_and_labels(source: Source, pictures: list[bytes]) -> None:
    assert len(source) == COUNT
    assert source.classes == CLASSES
    assert [item.image.data for item in source] == pictures
    assert source.label_batch([0, 1, 12])[0].tolist() == [0, 1, 0]
    assert vary.sources.stated_kind(source) == vary.sources.Kind(True, "uint8", None)
    named = [str(source.path(number)) for number in range(COUNT)]
    assert len(set(named)) == COUNT or named == ["None"] * COUNT
    assert str(COUNT) in repr(source)
    assert len(repr(source)) < 200


def test_copies_subsets_and_states(source: Source, expected: vary.Files) -> None:
    copied = pickle.loads(pickle.dumps(source))
    assert batches(copied) == batches(expected)
    assert len(pickle.dumps(source)) < 20_000, "the pictures are not in it"
    train, validation = source.split(0.25, seed=1)
    assert batches(train) == batches(expected.split(0.25, seed=1)[0])
    assert len(train) + len(validation) == COUNT
    first = vary.stream(source, POLICY, batch_size=4)
    iterator = iter(first)
    next(iterator)
    state = first.state_dict()
    rest = [batch.images.tobytes() for batch in iterator]
    again = vary.stream(copied, POLICY, batch_size=4)
    again.load_state_dict(state)
    assert [batch.images.tobytes() for batch in again] == rest


def test_a_forked_child_reads_too(source: Source, expected: vary.Files) -> None:
    wanted = batches(expected)
    assert batches(source) == wanted  # files are open by now
    pid = os.fork()
    if not pid:
        os._exit(batches(source) != wanted)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_no_descriptor_is_left(source: Source) -> None:
    batches(source)
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    batches(source, threads=3)
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


# ---- tar files


def test_indexes_are_kept_and_used(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    tars(pictures, tmp_path)
    kept = sorted((tmp_path / "cache" / "tars").iterdir())
    assert len(kept) == 6  # members and labels of each
    assert not list(tmp_path.glob("*index*")), "data folders are not written"
    opened: list[str] = []
    real = tarfile.open
    monkeypatch.setattr(tarfile, "open", lambda *a, **k: (opened.append("tar"), real(*a, **k))[1])
    shards = [tmp_path / f"pets-{number:02}.tar" for number in range(3)]
    assert len(vary.WebDataset(shards, "cls")) == COUNT
    assert not opened
    for path in kept:
        whole = path.read_bytes()
        for damaged in (b"", whole[:40], whole[:-1], whole[:-9] + b"x" + whole[-8:], b"{}\n" + whole):
            path.write_bytes(damaged)
            assert len(vary.WebDataset(shards, "cls")) == COUNT
            assert path.read_bytes() == whole
    assert len(opened) == 15
    (tmp_path / "cache" / "tars" / kept[0].name).unlink()
    assert vary.WebDataset(shards, "cls", index=False).classes == CLASSES
    assert len(list((tmp_path / "cache" / "tars").iterdir())) == 2
    vary.WebDataset(shards[0], index=True)
    assert [path.name for path in tmp_path.glob("*index*")] == ["pets-00.tar.vary-index"]


def test_a_changed_tar(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    old = tars(pictures, tmp_path)
    tars(pictures[::-1], tmp_path)
    with pytest.raises(SourceError, match=r"pets-00\.tar: has changed since it was listed"):
        old[0]
    new = vary.WebDataset(tmp_path / "pets-*.tar", "cls")
    assert [item.image.data for item in new] == pictures[::-1]
    (tmp_path / "pets-00.tar").unlink()
    with pytest.raises(SourceError, match=r"pets-00\.tar: was listed, but No such file"):
        new[0]


@pytest.mark.parametrize("fails", ["mkdir", "write_bytes", "replace"])
def test_an_index_that_cannot_be_written(
    pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    with monkeypatch.context() as patched:
        patched.setattr(Path, fails, full)
        assert len(tars(pictures, tmp_path)) == COUNT
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def written(folder: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(folder / "one.tar", "w") as tar:
        for name, data in members:
            add(tar, name, data)
    return folder / "one.tar"


def test_labels_of_tars(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    tars(pictures, tmp_path)
    paths = [tmp_path / f"pets-{number:02}.tar" for number in range(3)]
    several = vary.WebDataset(paths, {"breed": "cls", "age": "json:animal.age"})
    assert several.fields == ("images", "breed", "age")
    assert several.label_batch([12])[1].tolist() == [12]
    assert vary.WebDataset(paths).fields == ("images",)
    assert len(vary.WebDataset(tmp_path / "pets-0{0,1}.tar")) == 10
    numbers = written(tmp_path, ("a.png", pictures[1]), ("a.cls", b"7"), ("b.png", pictures[1]), ("b.cls", b"-1"))
    assert vary.WebDataset(numbers, "cls").label_batch([0, 1])[0].tolist() == [7, -1]
    with pytest.raises(SourceError, match=r"a\.json: no label in b'\[1\]'"):
        vary.WebDataset(written(tmp_path, ("a.png", pictures[1]), ("a.json", b"[1]")), "json:label")
    with pytest.raises(SourceError, match=r"b has no \.cls for labels; its members are \['png'\]"):
        vary.WebDataset(written(tmp_path, ("a.png", b"1"), ("a.cls", b"7"), ("b.png", b"1")), "cls")
    for wrong in ("json", "cls:label", "", 3, {"age": "json"}):
        with pytest.raises(InputError, match="give the suffix of members that hold a text"):
            vary.WebDataset(numbers, wrong)  # type: ignore[arg-type]


def test_wrong_tars(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    png = pictures[1]
    for members, message in (
        ([("a.txt", b"x")], "a has no picture; its members are"),
        ([("a.png", png), ("a.jpg", png)], "name one suffix as images="),
        ([("a.png", png), ("b.png", png), ("a.cls", b"1")], "a occurs twice"),
        ([], "no picture in 1 tar files"),
    ):
        with pytest.raises(SourceError, match=message):
            vary.WebDataset(written(tmp_path, *members))
    both = written(tmp_path, ("a.png", png), ("a.jpg", b"x"))
    assert vary.WebDataset(both, images=[".PNG"])[0].image.data == png
    path = written(tmp_path, ("a.png", png), ("b.png", png))
    whole = path.read_bytes()
    for cut in (600, 512 + len(png) // 2, 100):
        path.write_bytes(whole[:cut])
        with pytest.raises(SourceError, match=r"one\.tar is (cut off within|not a tar file, or is cut off)"):
            vary.WebDataset(path)
    heads = ((b"\x1f\x8b\x08", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"(\xb5/\xfd", "zstd"))
    for head, name in heads:
        path.write_bytes(head + whole)
        with pytest.raises(SourceError, match=f"is compressed \\({name}\\) and cannot be read at random; unpack"):
            vary.WebDataset(path)
    for shards, error in (
        ([], InputError),
        (7, InputError),
        (tmp_path / "none-*.tar", SourceError),
        (tmp_path / "none.tar", SourceError),
        (tmp_path, SourceError),
        ([path, path], InputError),
    ):
        with pytest.raises(error, match="shards"):
            vary.WebDataset(shards)  # type: ignore[arg-type]
    with pytest.raises(SourceError, match=r"one\.tar' is a file; .*vary\.WebDataset\(path, labels=\) reads tar files"):
        vary.stream(path, POLICY)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_nothing_is_lost_of_a_damaged_tar(pictures: list[bytes], tmp_path: Path, form: int) -> None:
    """tarfile takes a damaged header for the end."""
    path = tmp_path / "one.tar"
    with tarfile.open(path, "w", format=form) as tar:
        for number in range(6):
            add(tar, f"{number}.png", pictures[1])
    whole = path.read_bytes()
    with tarfile.open(path) as tar:
        starts = [member.offset for member in tar]
    assert len(vary.WebDataset(path, index=False)) == 6
    for cut in (starts[3], starts[3] + 100, starts[3] + 511, starts[3] + 512):
        path.write_bytes(whole[:cut])
        with pytest.raises(SourceError, match=r"one\.tar is (cut off|damaged)"):
            vary.WebDataset(path, index=False)
    flipped = bytearray(whole)
    flipped[starts[4] + 5] ^= 1
    for wrong in (bytes(flipped), whole + whole, whole + b"\0" * 99_000 + b"x"):
        path.write_bytes(wrong)
        with pytest.raises(SourceError, match=r"is damaged after [35]\.png \([46] members\)"):
            vary.WebDataset(path, index=False)
    path.write_bytes(whole + b"\0" * 99_000)
    assert len(vary.WebDataset(path, index=False)) == 6


def test_links_and_members_that_occur_twice(pictures: list[bytes], tmp_path: Path) -> None:
    def link(kind: bytes, target: str) -> Path:
        with tarfile.open(tmp_path / "one.tar", "w") as tar:
            add(tar, "./a.png", pictures[1])
            add(tar, "b.png", pictures[2])
            member = tarfile.TarInfo("c.png")
            member.type, member.linkname = kind, target
            tar.addfile(member)
        return tmp_path / "one.tar"

    for target in ("a.png", "./a.png"):
        source = vary.WebDataset(link(tarfile.LNKTYPE, target), index=False)
        assert [item.image.data for item in source] == [pictures[1], pictures[2], pictures[1]]
    with pytest.raises(SourceError, match=r"c\.png is a symbolic link to a\.png; .*--dereference"):
        vary.WebDataset(link(tarfile.SYMTYPE, "a.png"), index=False)
    with pytest.raises(SourceError, match=r"c\.png is a link to z\.png, which is not before it"):
        vary.WebDataset(link(tarfile.LNKTYPE, "z.png"), index=False)
    for second in ("a.png", "a.PNG"):
        with pytest.raises(SourceError, match=r"a has two members \.png"):
            vary.WebDataset(written(tmp_path, ("a.png", b"1"), (second, b"2")), index=False)


def test_names_of_members(pictures: list[bytes], tmp_path: Path) -> None:
    several = written(tmp_path, ("a.input.png", pictures[1]), ("a.target.png", pictures[2]))
    assert vary.WebDataset(several, images=["input.png"])[0].image.data == pictures[1]
    with pytest.raises(SourceError, match="several pictures; name one suffix as images="):
        vary.WebDataset(several)
    assert len(vary.WebDataset(written(tmp_path, ("BZ_0001.png", pictures[1])))) == 1
    texts = ("a.png", b""), ("a.cls", b"007"), ("b.png", b""), ("b.cls", b"7")
    assert vary.WebDataset(written(tmp_path, *texts), "cls", index=False).classes == ["007", "7"]
    with pytest.raises(InputError, match=r"the range \{5\.\.0\} is empty"):
        vary.WebDataset("one-{5..0}.tar")


def test_labels_of_an_earlier_run(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are kept with the index, for this tar and these labels alone."""
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    from vary.sources import webdataset as module

    read: list[int] = []
    real = module._value
    monkeypatch.setattr(module, "_value", lambda *of: (read.append(1), real(*of))[1])
    one = written(tmp_path, ("a.png", pictures[1]), ("a.cls", b"3"), ("a.json", b'{"x": 5}'))
    for labels, wanted, reads in (("cls", 3, 1), ("cls", 3, 0), ("json:x", 5, 1), ("json:x", 5, 0)):
        read.clear()
        assert vary.WebDataset(one, labels).label_batch([0])[0].tolist() == [wanted]
        assert len(read) == reads
    os.utime(written(tmp_path, ("a.png", pictures[1]), ("a.cls", b"4")), ns=(1, 1))
    assert vary.WebDataset(one, "cls").label_batch([0])[0].tolist() == [4]


def test_sparse_members_are_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("a.png")
    member.type = tarfile.GNUTYPE_SPARSE
    with tarfile.open(tmp_path / "one.tar", "w") as tar:
        tar.addfile(member)
    with pytest.raises(SourceError, match=r"a\.png is stored in pieces"):
        vary.WebDataset(tmp_path / "one.tar", index=False)


# ---- Parquet and Arrow


def test_row_groups_are_read_once_in_order(
    pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = parquet(pictures, tmp_path)
    from vary.sources import arrow as module

    read: list[int] = []
    real = module.ParquetBytes._read
    monkeypatch.setattr(module.ParquetBytes, "_read", lambda self, group: (read.append(group), real(self, group))[1])
    monkeypatch.setattr(module, "LIMIT", 1)  # one group is kept
    assert [item.image.data for item in source] == pictures
    assert read == [0, 1, 2, 3]
    [source[place] for place in (0, 12, 0)]
    assert read[4:] == [0, 3, 0]


@pytest.mark.parametrize("maker", [parquet, arrow])
def test_a_changed_table_file(maker: Callable[..., Source], pictures: list[bytes], tmp_path: Path) -> None:
    source = maker(pictures, tmp_path)
    data = pickle.dumps(source)
    (path,) = tmp_path.glob("pets.*")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(SourceError, match="has changed since the source was pickled"):
        pickle.loads(data)


@pytest.mark.parametrize("maker", [parquet, arrow])
@pytest.mark.parametrize("change", ["shorter", "rewritten"])
def test_a_file_that_changes_while_it_is_open(
    maker: Callable[..., Source], pictures: list[bytes], tmp_path: Path, change: str
) -> None:
    """Its pictures would have the labels of others; and beyond the end of a mapped file, a read ends the process."""
    source = maker(pictures, tmp_path)
    (path,) = tmp_path.glob("pets.*")
    data = path.read_bytes()
    with path.open("r+b") as file:
        file.truncate(100) if change == "shorter" else file.write(data[:1])
    os.utime(path, ns=(1, 1))
    with pytest.raises(SourceError, match="has changed since it was opened"):
        source[COUNT - 1]


def test_compressed_arrow_files(pictures: list[bytes], expected: vary.Files, tmp_path: Path) -> None:
    """write_feather compresses by itself. Such a file is in memory once, not twice."""
    oracle("pyarrow")
    import pyarrow as pa
    from pyarrow import feather

    for compression in ("lz4", "zstd", "uncompressed"):
        for column in (pa.array(pictures), pa.array([{"bytes": one, "path": None} for one in pictures])):
            breeds = [CLASSES[number % 2] for number in range(COUNT)]
            path = tmp_path / "pets.arrow"
            feather.write_feather(pa.table({"image": column, "breed": breeds}), path, compression=compression)
            source = vary.table(path, "image", "breed")
            assert batches(source) == batches(expected)
            assert batches(pickle.loads(pickle.dumps(source))) == batches(expected)
            is_mapped = type(source._cells.data).__name__ == "ArrowBytes"  # type: ignore[union-attr]
            assert is_mapped == (compression == "uncompressed")


def test_columns_of_a_table_that_has_changed(
    pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table is read again for split(groups=), from where it was."""
    path = tmp_path / "pets.parquet"
    parquet(pictures, tmp_path)
    monkeypatch.chdir(tmp_path)
    source = vary.table("pets.parquet", "image", "breed")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert len(source.split(0.5, groups="breed")[0])
    source = vary.table(path, "image", "breed")
    os.utime(path, ns=(1, 1))
    with pytest.raises(SourceError, match="has changed since it was opened"):
        source.split(0.5, groups="breed")


def test_large_row_groups(pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are a warning, and a column in several chunks, as one over 2 GB is, is read."""
    oracle("pyarrow")
    import pyarrow as pa

    from vary.sources import arrow as module

    monkeypatch.setattr(module, "LIMIT", 100)
    with pytest.warns(UserWarning, match=r"pets\.parquet: a row group has .*row_group_size="):
        parquet(pictures, tmp_path)
    rows = module._Chunks(pa.chunked_array([pictures[:5], [], pictures[5:]]))
    assert [rows[place] for place in range(COUNT)] == pictures
    assert len(rows) == COUNT


@pytest.mark.parametrize("maker", [parquet, arrow])
def test_missing_bytes_are_an_error(maker: Callable[..., Source], pictures: list[bytes], tmp_path: Path) -> None:
    missing: Any = [*pictures[:4], None, *pictures[5:]]
    with pytest.raises(InputError, match="row 4"):
        maker(missing, tmp_path)


def test_damaged_table_files(tmp_path: Path) -> None:
    oracle("pyarrow")
    for head in (b"ARROW1\0\0", b"\xff\xff\xff\xff", b"PAR1"):
        (tmp_path / "pets").write_bytes(head + b"nothing" * 20)
        with pytest.raises(SourceError, match=r"is a damaged (Arrow|Parquet) file"):
            vary.table(tmp_path / "pets", "image")


# ---- Hugging Face


def test_data_sets_are_sources(pictures: list[bytes], expected: vary.Files) -> None:
    dataset = dataset_of(pictures)
    assert batches(dataset) == batches(expected)
    for other in (dataset.with_format("numpy"), dataset.with_transform(lambda _: {"image": []})):
        assert batches(vary.HuggingFace(other)) == batches(expected)
    assert batches(vary.HuggingFace(dataset, "bytes", "breed")) == batches(expected)
    some = vary.HuggingFace(dataset.select([3, 1, 12]), labels={"breed": "breed", "age": "age"})
    assert [column.tolist() for column in some.label_batch([0, 1, 2])] == [[1, 1, 0], [3.0, 1.0, 12.0]]
    assert [item.image.data for item in some] == [pictures[number] for number in (3, 1, 12)]
    assert vary.HuggingFace(dataset, labels=()).fields == ("images",)
    several = dataset.add_column("seen", [["indoors", "asleep"][: number % 3] for number in range(COUNT)])
    multiple = vary.HuggingFace(several, labels="seen")
    assert multiple.classes == ["asleep", "indoors"]
    assert multiple.label_batch([0, 1, 2])[0].tolist() == [[0, 0], [0, 1], [1, 1]]
    assert some.fingerprints([0]) != vary.HuggingFace(dataset).fingerprints([0])


def test_paths_in_data_sets(expected: vary.Files) -> None:
    dataset = dataset_of([b""] * COUNT)
    import datasets

    found = datasets.Dataset.from_dict({"image": list(expected.paths)}).cast_column("image", datasets.Image())
    assert [item.image.data for item in vary.HuggingFace(found)] == [item.image.data for item in expected]
    assert str(expected.paths[3]) in vary.HuggingFace(found).path(3)
    gone = datasets.Dataset.from_dict({"image": ["gone.png"]}).cast_column("image", datasets.Image())
    with pytest.raises(SourceError, match=r"gone\.png: the data set names it, but No such file"):
        vary.HuggingFace(gone)[0]
    assert dataset.features


def test_wrong_data_sets(pictures: list[bytes]) -> None:
    dataset = dataset_of(pictures)
    import datasets

    for wrong, message in (
        (
            datasets.DatasetDict(train=dataset),
            r"DatasetDict of the splits \['train'\]; give one of them: dataset\['train",
        ),
        ({"image": pictures}, r"dataset is a dict; give a datasets\.Dataset"),
        (dataset.select([]), "has no rows"),
        (dataset.remove_columns(["image", "bytes"]), "has 0 columns of images"),
    ):
        with pytest.raises(InputError, match=message):
            vary.HuggingFace(wrong)
    for keywords, message in (
        ({"images": "imag"}, "did you mean image"),
        ({"images": "age"}, r"cast_column\('age', datasets\.Image\(\)\) makes it one"),
        ({"labels": "bred"}, "did you mean breed"),
        ({"labels": {"a": "breed", "b": 3}}, r"labels\['b'\]=3: the data set has no such column"),
    ):
        with pytest.raises(InputError, match=message):
            vary.HuggingFace(dataset, **keywords)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="give one of them"):
        vary.stream(datasets.DatasetDict(train=dataset), POLICY)
    empty = dataset_of([None, *pictures[1:]])  # type: ignore[list-item]
    with pytest.raises(SourceError, match="row 0: the row has no picture; leave it out"):
        list(vary.stream(vary.HuggingFace(empty, "bytes"), POLICY))


def test_classes_are_of_the_field_that_has_them(pictures: list[bytes]) -> None:
    import datasets

    dataset = dataset_of(pictures)
    sexes = [number % 4 for number in range(COUNT)]
    tags = [[number % 2] * (number % 3) for number in range(COUNT)]
    dataset = dataset.add_column("sex", sexes).add_column("tags", tags)
    feature = datasets.Sequence(datasets.ClassLabel(names=["day", "night"]))
    dataset = dataset.cast_column("tags", feature)
    for one in (dataset, dataset.to_iterable_dataset()):
        two = vary.HuggingFace(one, labels={"labels": "sex", "breed": "breed"})
        assert (two.classes, two.class_field) == (None, "labels")
        first = next(iter(vary.stream(two, POLICY, shuffle=False)))
        assert first.labels.tolist() == sexes
        assert first.breed.tolist() == [number % 2 for number in range(COUNT)]
        other = vary.HuggingFace(one, labels={"breed": "breed", "age": "age"})
        assert (other.classes, other.class_field) == (CLASSES, "breed")
        several = vary.HuggingFace(one, labels="tags")
        assert several.classes == ["day", "night"]
        rows = next(iter(vary.stream(several, POLICY, shuffle=False))).labels
        assert rows.tolist() == [[int(0 in some), int(1 in some)] for some in tags]
    lists = dataset.add_column("seen", [["a"]] * COUNT).add_column("heard", [["b"]] * COUNT)
    with pytest.raises(InputError, match=r"labels\['\w+'\] holds lists of names, .*call it 'labels'"):
        vary.HuggingFace(lists, labels={"a": "seen", "b": "heard"})


def test_files_that_a_data_set_only_names(expected: vary.Files) -> None:
    """A picture that has changed is not taken from a cache."""
    dataset_of([b""] * COUNT)
    import datasets

    paths = [str(path) for path in expected.paths]
    dataset = datasets.Dataset.from_dict({"image": paths}).cast_column("image", datasets.Image())
    before = vary.HuggingFace(dataset).fingerprints([0, 1])
    os.utime(paths[1], ns=(1, 1))
    after = vary.HuggingFace(dataset).fingerprints([0, 1])
    assert before[0] == after[0]
    assert before[1] != after[1]


# ---- .npy and .npz


@pytest.fixture
def arrays(tmp_path: Path) -> tuple[np.ndarray, np.ndarray]:
    images = np.random.default_rng(0).integers(0, 256, (7, 9, 8, 3), np.uint8)
    labels = np.arange(7) % 3
    np.save(tmp_path / "images.npy", images)
    np.save(tmp_path / "labels.npy", labels)
    np.savez(tmp_path / "both.npz", x=images, y=labels, turned=np.asfortranarray(images))
    np.savez_compressed(tmp_path / "small.npz", x=images, y=labels)
    return images, labels


def test_arrays_in_files(arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    wanted = batches(vary.Arrays(*arrays))
    images, labels = tmp_path / "images.npy", str(tmp_path / "labels.npy")
    mapped = [
        vary.Arrays(images, labels),
        vary.Arrays.from_npz(tmp_path / "both.npz", "x", "y"),
        vary.Arrays.from_npz(tmp_path / "both.npz", "turned", {"labels": "y"}),
    ]
    for source in mapped:
        assert batches(source) == wanted
        assert batches(source, process=True) == wanted
        assert isinstance(source[0].image.base, np.memmap)
        assert len(pickle.dumps(source)) < 2000
        assert batches(pickle.loads(pickle.dumps(source))) == wanted
    assert batches(vary.Arrays.from_npz(tmp_path / "small.npz", "x", "y")) == wanted
    assert [batch.images.tobytes() for batch in vary.stream(images, POLICY, labels=labels)] == [
        batch.images.tobytes() for batch in vary.stream((str(images), labels), POLICY)
    ]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("name", ["x", "xy", "xyz", "xyzw"])
def test_arrays_that_begin_at_any_byte(tmp_path: Path, dtype: str, name: str) -> None:
    """numpy.savez aligns nothing: where an array begins depends on its name."""
    images = (np.arange(4 * 6 * 5 * 3) % 256).reshape(4, 6, 5, 3).astype(dtype) / (255 if dtype == "float32" else 1)
    images = images.astype(dtype)
    np.savez(tmp_path / "one.npz", **{name: images})
    found = vary.stream(vary.Arrays.from_npz(tmp_path / "one.npz", name), vary.Policy([]), shuffle=False)
    assert (next(iter(found)).images == images).all()
    memory = np.frombuffer(b"?" + images.tobytes(), np.uint8)[1:].view(dtype).reshape(images.shape)
    assert (next(iter(vary.stream(memory, vary.Policy([]), shuffle=False))).images == images).all()


def test_labels_in_files_are_read(tmp_path: Path) -> None:
    """A label that changes afterwards would belong to another picture."""
    np.save(tmp_path / "images.npy", np.zeros((4, 5, 5, 3), np.uint8))
    np.save(tmp_path / "labels.npy", np.arange(4))
    np.savez(tmp_path / "both.npz", x=np.zeros((4, 5, 5, 3), np.uint8), y=np.arange(4))
    sources = [
        vary.Arrays(tmp_path / "images.npy", tmp_path / "labels.npy"),
        vary.Arrays.from_npz(tmp_path / "both.npz", "x", "y"),
    ]
    for name in ("labels.npy", "both.npz"):
        path = tmp_path / name
        path.write_bytes(bytes(path.stat().st_size))
    for source in sources:
        assert source.labels is not None
        assert source.labels.tolist() == [0, 1, 2, 3]


def test_wrong_arrays_in_files(arrays: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    both = tmp_path / "both.npz"
    with pytest.raises(InputError, match=r"images='z': .*both\.npz has no such array; it has \['x', 'y', 'turned'\]"):
        vary.Arrays.from_npz(both, "z")
    with pytest.raises(InputError, match=r"labels\['labels'\]='z'"):
        vary.Arrays.from_npz(both, "x", "z")
    with pytest.raises(InputError, match=r"both\.npz'; give an array .*vary\.Arrays\.from_npz reads \.npz files"):
        vary.Arrays(both)
    with pytest.raises(SourceError, match=r"there is no such file"):
        vary.Arrays(tmp_path / "none.npy")
    whole = both.read_bytes()
    both.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match=r"is not a \.npz file"):
        vary.Arrays.from_npz(both, "x")
    np.save(tmp_path / "objects.npy", np.array([{}, {}], object))
    np.savez(tmp_path / "objects.npz", x=np.array([{}, {}], object))
    with pytest.raises(SourceError, match="Python objects in dtype"):
        vary.Arrays(tmp_path / "objects.npy")
    with pytest.raises(SourceError, match="holds objects"):
        vary.Arrays.from_npz(tmp_path / "objects.npz", "x")
    (tmp_path / "images.npy").write_bytes((tmp_path / "images.npy").read_bytes()[:-5])
    with pytest.raises(SourceError, match=r"images\.npy' is not a \.npy file"):
        vary.Arrays(tmp_path / "images.npy")
    assert len(arrays[0]) == 7
