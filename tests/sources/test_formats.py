"""Tar, Parquet, Arrow and .npy files and data sets of Hugging Face give the same batches as files of their pictures."""

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sources.formats import (  # noqa: F401  fixtures
    CLASSES,
    COUNT,
    MAKERS,
    POLICY,
    batches,
    given_expected,
    given_pictures,
)

import vary
from vary.errors import InputError, SourceError
from vary.sources.subset import Source


@pytest.fixture(params=MAKERS)
def source(
    request: pytest.FixtureRequest, pictures: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Source:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path / "cache"))
    return MAKERS[request.param](pictures, tmp_path)


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
        code = 2
        try:
            code = int(batches(source) != wanted)
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_no_descriptor_is_left(source: Source) -> None:
    batches(source)
    before = set(os.listdir("/proc/self/fd"))  # noqa: PTH208
    batches(source, threads=3)
    assert set(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


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


@pytest.mark.usefixtures("arrays")
def test_wrong_arrays_in_files(tmp_path: Path) -> None:
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
