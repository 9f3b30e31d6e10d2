"""`element_spec` says before the first batch what its arrays will be; batches agree."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.policy import Policy
from vary.sources import Arrays, Encoded, Item
from vary.streams import mix, stream
from vary.streams.batch import ArraySpec
from vary.transforms import HorizontalFlip, Lambda, Rescale, Resize

SMALL = Policy([Resize(8, 6)])


def agrees(train: Any) -> Any:
    spec = train.element_spec
    assert type(spec) is type(train.peek())
    for batch in train:
        for one, array in zip(spec, batch, strict=True):
            assert one.dtype == array.dtype
            assert len(one.shape) == array.ndim
            assert all(known in (None, seen) for known, seen in zip(one.shape, array.shape, strict=True))
    return spec


OPTIONS: list[tuple[dict[str, Any], tuple[Any, ...], str]] = [
    ({}, (None, 8, 6, 3), "uint8"),
    ({"drop_last": True}, (4, 8, 6, 3), "uint8"),
    ({"batch_size": 11}, (11, 8, 6, 3), "uint8"),
    ({"batch_size": 11, "on_error": "skip"}, (None, 8, 6, 3), "uint8"),
    ({"layout": "NCHW", "dtype": "float32"}, (None, 3, 8, 6), "float32"),
    ({"channels": 1}, (None, 8, 6, 1), "uint8"),
    ({"views": 2}, (None, 2, 8, 6, 3), "uint8"),
    ({"shard": (0, 2), "batch_size": 11}, (11, 8, 6, 3), "uint8"),
]


@pytest.mark.parametrize(("options", "shape", "dtype"), OPTIONS, ids=str)
def test_files(folder: Path, options: dict[str, Any], shape: tuple[Any, ...], dtype: str) -> None:
    spec = agrees(stream(folder, SMALL, **{"batch_size": 4, **options}))
    assert spec.images == ArraySpec(shape, np.dtype(dtype))
    assert spec.labels == ArraySpec(shape[:1], np.dtype("int64"))


def test_arrays_and_policies_without_a_size(images: np.ndarray) -> None:
    labels = {"age": np.arange(23.0), "boxes": np.zeros((23, 4), np.int64)}
    spec = agrees(stream((images, labels), Policy([HorizontalFlip(), Rescale(1 / 255)]), batch_size=23))
    assert spec == (
        ArraySpec((23, 9, 8, 3), np.dtype("float32")),
        ArraySpec((23,), np.dtype("float32")),
        ArraySpec((23, 4), np.dtype("int64")),
    )
    assert agrees(stream(list(images), Policy([]))).images.shape == (None, None, None, 3)
    assert agrees(stream(images, Policy([Lambda(np.copy)]))).images.shape == (None, None, None, 3)
    several = agrees(stream(images, {"one": (SMALL, 2), "other": Policy([])}, batch_size=4))
    assert [one.shape for one in several] == [(None, 2, 8, 6, 3), (None, 9, 8, 3)]


def test_mixes(images: np.ndarray) -> None:
    train = stream((images, np.arange(23)), SMALL, batch_size=4)
    assert agrees(mix([train, train])).images.shape == (None, 8, 6, 3)


class Unopened(Arrays):
    """States its kind; reading it is an error."""

    kind = ("uint8", 3)
    closed = True

    def item(self, index: int) -> Item:
        assert not self.closed
        return super().item(index)


def test_neither_a_stream_nor_its_specification_opens_a_file(
    folder: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Unopened(images, np.arange(23))
    train = stream(source, SMALL, batch_size=4, weights="balanced", shard=(0, 2))
    assert train.element_spec.images.shape == (None, 8, 6, 3) or train.element_spec.images.shape == (4, 8, 6, 3)
    files = stream(folder, SMALL, cache="memory")
    monkeypatch.setattr("vary.sources.folder.read_file", lambda *_: pytest.fail("a file was read"))
    assert stream(folder, SMALL, cache="disk").element_spec.images.shape == (None, 8, 6, 3)
    assert len(files) == 1
    assert "22 pictures" in repr(files)
    mix([files, files])
    source.closed = False
    assert len(list(train)) == 3


def test_without_a_kind_sample_0_is_read_with_the_first_batch() -> None:
    class Own:
        fields = ("images",)
        asked = 0

        def __len__(self) -> int:
            return 4

        def __getitem__(self, index: int) -> Item:
            Own.asked += 1
            return Item(np.full((4, 5), index, np.uint8))

    train = stream(Own(), Policy([]), batch_size=4)
    assert len(train) == 1
    assert Own.asked == 0
    (batch,) = train
    assert batch.images.shape == (4, 4, 5, 1)
    assert Own.asked == 5, "the first one twice"


def test_a_kind_that_the_samples_contradict_is_an_error(folder: Path) -> None:
    class Wrong(Arrays):
        kind = "files"

    with pytest.raises(Exception, match="sample 0 is"):
        list(stream(Wrong(np.zeros((3, 4, 4, 3), np.float32)), Policy([])))

    class Encodes(Arrays):
        kind = ("float32", 3)

        def item(self, _: int) -> Item:
            return Item(Encoded(next(folder.rglob("*.jpg")).read_bytes()))

    with pytest.raises(Exception, match="sample 0 is a file"):
        list(stream(Encodes(np.zeros((3, 4, 4, 3), np.uint8)), Policy([]), shuffle=False))


def test_the_last_batch_differs(images: np.ndarray) -> None:
    def order(epoch: int) -> range:
        return range(10 if epoch == 0 else 13)

    given = stream(images, Policy([]), order=order, batch_size=10)
    assert agrees(given)[0].shape[0] is agrees(given)[0].shape[0] is None
    assert agrees(stream(images, Policy([]), order=order, batch_size=5, drop_last=True))[0].shape[0] == 5
    resumed = stream(images[:20], Policy([]), batch_size=10)
    first = iter(stream(images[:20], Policy([]), batch_size=5))
    next(first)
    resumed.load_state_dict(first.state_dict())
    assert agrees(resumed)[0].shape[0] is None
    assert agrees(resumed)[0].shape[0] == 10, "of a whole epoch"


def test_mixed_lengths(images: np.ndarray) -> None:
    padded = [stream(images[:7], Policy([]), batch_size=4, shard=(0, 2)) for _ in range(4)]
    assert agrees(mix(padded))[0].shape[0] is None, "the parts divide, and the whole does not"
    some = [stream(images[:n], Policy([]), batch_size=4) for n in (5, 7)]
    assert agrees(mix(some))[0].shape[0] == 4
    some = [stream(images[:n], Policy([]), batch_size=4, drop_last=n == 5) for n in (5, 6)]
    assert agrees(mix(some))[0].shape[0] == 4
    some = [stream(images[:4], Policy([]), batch_size=4, on_error=word) for word in ("skip", "raise")]  # type: ignore[arg-type]
    assert agrees(mix(some))[0].shape[0] is None


def test_a_part_of_an_array(images: np.ndarray) -> None:
    assert agrees(stream(Arrays(images)[3:9], Policy([]), batch_size=3)).images.shape == (3, 9, 8, 3)
