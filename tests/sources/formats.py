"""Pictures in every form that a source reads, for the tests of sources. `expected` has them as files."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import oracle, require
from PIL import Image

import vary
from vary.sources.subset import Source

CLASSES = ["cat", "dog"]
COUNT = 13


@pytest.fixture(scope="module", name="pictures")
def given_pictures() -> list[bytes]:
    """Encoded pictures of several sizes and formats."""
    random, found = np.random.default_rng(0), []
    for number in range(COUNT):
        array = random.integers(0, 256, (20 + number, 30 - number, 3), np.uint8)
        file = io.BytesIO()
        Image.fromarray(array).save(file, "PNG" if number % 3 else "JPEG")
        found.append(file.getvalue())
    return found


@pytest.fixture(name="expected")
def given_expected(pictures: list[bytes], tmp_path: Path) -> vary.Files:
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


POLICY = vary.Policy([vary.Resize(16, 16), vary.Rotate(20), vary.HorizontalFlip(), vary.Rescale(1 / 255)])


def batches(source: Source, **keywords: Any) -> list[bytes]:
    with vary.stream(source, POLICY, batch_size=4, seed=3, **keywords) as train:
        return [b"".join((batch.images.tobytes(), batch.labels.tobytes())) for _ in range(2) for batch in train]
