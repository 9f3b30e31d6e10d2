"""A source states what its pictures are, so that opening one and making a stream of it reads no sample."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vary.errors import InputError, SourceError
from vary.sources import Arrays, Encoded, Files, Folder, Item, Kind, Source, open_source
from vary.sources.kinds import FILES, asked_kind, stated_kind

IMAGES = np.zeros((6, 5, 4, 3), np.uint8)
recorders: list[list[str]] = []


def note(event: str, arguments: tuple[Any, ...]) -> None:
    for paths in recorders:
        if event == "open":
            paths.append(str(arguments[0]))


sys.addaudithook(note)  # it cannot be removed


@contextmanager
def files_opened() -> Iterator[list[str]]:
    """The paths of all files that are opened inside, by whatever means of Python."""
    recorders.append(found := [])
    try:
        yield found
    finally:
        recorders.remove(found)


class Unread(Source):
    """Fails where a sample is read."""

    fields = ("images", "labels")
    classes: list[str] | None = ["a", "b"]  # noqa: RUF012

    def __len__(self) -> int:
        return 6

    def item(self, index: int) -> Item:
        raise AssertionError(f"sample {index} is read")


class Turned(Arrays):
    """Gives other pictures than its array."""

    def item(self, index: int) -> Item:
        return Item(np.zeros((3, 3), np.float32), super().item(index).labels)


class Stated(Turned):
    kind = np.float32, np.int64(1)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of two classes whose files hold no picture."""
    for name in ("cat/1.jpg", "cat/2.png", "dog/3.webp"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no picture")
    return tmp_path / "photos"


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (Arrays(IMAGES), Kind(False, "uint8", 3)),
        (Arrays(IMAGES[..., :1].astype(np.float32)), Kind(False, "float32", 1)),
        (Arrays(list(IMAGES)), Kind(False, "uint8", 3)),
        (Arrays([IMAGES[0], IMAGES[0, ..., :1]]), None),
        (Arrays(IMAGES, [0, 1] * 3)[1:4], Kind(False, "uint8", 3)),
        (open_source((IMAGES, ["b", "a"] * 3), classes=["a", "b", "c"][:2]), Kind(False, "uint8", 3)),
        (open_source(Arrays(IMAGES, ["b", "a"] * 3), classes=["b", "a"]), Kind(False, "uint8", 3)),
        (Files(["a.jpg"]), FILES),
        (Files(["a.jpg", "b.jpg"])[1:], FILES),
        (Turned(IMAGES), None),
        (Turned(IMAGES)[2:], None),
        (Stated(IMAGES), Kind(False, "float32", 1)),
        (Stated(IMAGES)[2:], Kind(False, "float32", 1)),
        (Unread(), None),
    ],
)
def test_what_sources_state(source: Any, kind: Kind | None) -> None:
    assert stated_kind(source) == kind


def test_a_folder_states_files(photos: Path) -> None:
    class Decoded(Folder):
        def item(self, index: int) -> Item:
            return Item(IMAGES[index], super().item(index).labels)

    assert stated_kind(Folder(photos)) == stated_kind(open_source(photos, classes=["dog", "cat"])) == FILES
    assert stated_kind(Decoded(photos)) is None
    assert asked_kind(Decoded(photos)) == Kind(False, "uint8", 3)


@pytest.mark.parametrize(
    "kind",
    [
        "file",
        b"files",
        ("uint8",),
        ("int32", 3),
        ("uint8", 0),
        ("uint8", 1025),
        ("uint8", True),
        ("nothing", 3),
        3,
        np.uint8,
    ],
)
def test_invalid_kinds(kind: Any) -> None:
    source = Unread()
    source.kind = kind
    with pytest.raises(InputError, match=r"^Unread\.kind is .*; set kind = \"files\""):
        stated_kind(source[:2])


def test_arrays_of_other_dtypes_are_named() -> None:
    with pytest.raises(InputError, match="sample 0 is float64; give uint8, uint16, int16, float16 or float32"):
        stated_kind(Arrays(IMAGES.astype(float)))
    with pytest.raises(InputError, match=r"sample 0 has shape \(5, 4, 1025\)"):
        stated_kind(Arrays([np.zeros((5, 4, 1025), np.uint8)]))


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        (Item(IMAGES[0]), Kind(False, "uint8", 3)),
        (Item(IMAGES[0, ..., 0].astype(np.float32)), Kind(False, "float32", 1)),
        (Item(Encoded(b"")), FILES),
        (SourceError("gone"), FILES),
        (IMAGES[0], "sample 0 of the source is a ndarray; a source gives vary.sources.Item"),
        (Item([1, 2]), "sample 0 is a list; give NumPy arrays or vary.sources.Encoded"),  # type: ignore[arg-type]
        (Item(IMAGES), r"sample 0 has shape \(6, 5, 4, 3\)"),
    ],
)
def test_without_a_kind_sample_0_is_read(sample: Any, kind: Any) -> None:
    class Asked(Unread):
        def item(self, index: int) -> Item:
            if isinstance(sample, Exception):
                raise sample
            assert index == 0
            return sample  # type: ignore[no-any-return]

    if isinstance(kind, str):
        with pytest.raises(InputError, match=kind):
            asked_kind(Asked())
    else:
        assert asked_kind(Asked()) == kind


def test_opening_a_source_opens_no_file(photos: Path) -> None:
    paths = [str(path) for path in sorted(photos.rglob("*.*"))]
    np.save(photos.parent / "images.npy", IMAGES)
    mapped = np.load(photos.parent / "images.npy", mmap_mode="r")
    unread = Unread()
    with files_opened() as found:
        for given, classes in (
            (photos, None),
            (photos, ["dog", "cat"]),
            (Folder(photos)[1:], ["dog", "cat"]),
            (Files(paths, ["x", "y", "x"]), ["y", "x"]),
            (Arrays(mapped, ["x", "y"] * 3), ["y", "x"]),
            (unread, None),
            (unread, ["b", "a"]),
            (unread, ["b", "a", "c"]),
            (unread[1:3], ["b"]),
        ):
            source = open_source(given, classes=classes)
            assert len(source)
            if not isinstance(given, Unread):
                stated_kind(source)
        unread.classes = None
        open_source(unread, classes=["b", "a"])
        open_source(unread[:3], classes=["b", "a"])
    assert not found
    with files_opened() as found:
        Folder(photos).item(0)
    assert found == [paths[0]]


def test_labels_that_samples_are_read_for_are_checked_with_their_batch() -> None:
    class Own(Unread):
        def item(self, index: int) -> Item:
            return Item(IMAGES[index], (index % 2,))

    part = open_source(Own()[:], classes=["b", "c", "a"])
    assert [part[index].labels for index in (2, 3)] == [(2,), (0,)]
    with pytest.raises(InputError, match=r"labels of sample 1 is 'b', which classes=\['a'\] does not name"):
        open_source(Own()[::2], classes=["a"]).parent.label_batch([0, 1])  # type: ignore[attr-defined]
