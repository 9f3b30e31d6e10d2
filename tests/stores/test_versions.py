"""An object that changes is noticed however its store states versions, and bytes of an unknown version are not kept."""

import io
import pickle
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import vary
from vary import stores
from vary.stores.clients import Got, Listing, Meta, _Whole

pytestmark = pytest.mark.needs("store")


def bmp(value: int) -> bytes:
    """Of one size for all values."""
    sink = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(sink, "bmp")
    return sink.getvalue()


def tar_of(*values: int) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for number, value in enumerate(values):
            for name, data in ((f"{number}.bmp", bmp(value)), (f"{number}.cls", str(value).encode())):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
    return sink.getvalue()


class Fake:
    """A store in memory. stated: which of "etag" and "modified" its answers have, by method."""

    def __init__(self, **stated: str) -> None:
        self.stated = stated
        self.objects: dict[str, bytes] = {}
        self.times: dict[str, int] = {}
        self.gets = 0

    def put(self, key: str, data: bytes) -> None:
        self.objects[key] = data
        self.times[key] = self.times.get(key, 0) + 1

    def _meta(self, key: str, method: str) -> Meta:
        stated, size, version = self.stated.get(method, ""), len(self.objects[key]), str(self.times[key])
        return Meta(size, f"e{version}" * ("etag" in stated), *([version] if "modified" in stated else []))

    def get(self, key: str, start: int | None = None, stop: int | None = None) -> Got:
        self.gets += 1
        return Got(self.objects[key][start:stop], self._meta(key, "get"))

    def meta(self, key: str) -> Meta:
        return self._meta(key, "meta")

    def listing(self, prefix: str) -> Listing:
        return _Whole(lambda: [(key, self._meta(key, "listed")) for key in self.objects if key.startswith(prefix)])


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fake:
    found = Fake()
    monkeypatch.setenv("VARY_CACHE", str(tmp_path))
    monkeypatch.setattr("vary.stores.clients._clients", {})
    monkeypatch.setattr("vary.stores.clients._made", lambda *_: found)
    monkeypatch.setattr("vary.stores.kept._all", {})
    return found


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[object]:
    fsspec = pytest.importorskip("fsspec")
    monkeypatch.setenv("VARY_CACHE", str(tmp_path))
    found = fsspec.filesystem("memory")
    found.pipe("/pets/a/1.bmp", bmp(1))
    found.pipe("/pets/one.tar", tar_of(1, 2))
    yield found
    found.rm("/pets", recursive=True)


def test_a_picture_that_changes_in_a_file_system_of_fsspec(memory: object) -> None:
    source = vary.Folder("memory://pets/a")
    assert source[0].image.data == bmp(1)
    memory.pipe("/pets/a/1.bmp", bmp(9))  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(source))
    again._remote.storage = stores.Storage.of({"cache_bytes": 0})
    with pytest.raises(vary.SourceError, match=r"memory://pets/a/1\.bmp: has changed since"):
        again[0]
    assert vary.Folder("memory://pets/a")[0].image.data == bmp(9)


def test_a_tar_that_changes_in_a_file_system_of_fsspec(memory: object) -> None:
    source = vary.WebDataset("memory://pets/one.tar", "cls", storage={"cache_bytes": 0})
    assert source[1].image.data == bmp(2)
    memory.pipe("/pets/one.tar", tar_of(3, 4))  # type: ignore[attr-defined]
    with pytest.raises(vary.SourceError, match="has changed since"):
        source[1]


def test_a_range_that_changed_is_not_kept_under_the_former_version(fake: Fake) -> None:
    fake.stated = {"meta": "etag", "listed": "etag"}  # as with fsspec: none with `get`
    fake.put("a", b"old bytes")
    url = "fake://h/a"
    stamp = stores.stamp_of(url)
    fake.put("a", b"new bytes")
    with pytest.raises(vary.SourceError, match="has changed since"):
        stores.read_range(url, 0, 9, None, stamp)
    with pytest.raises(vary.SourceError, match="has changed since"):
        stores.read_stamped(url, stores.Storage(), stamp)
    fake.objects["a"], fake.times["a"] = b"old bytes", 1
    assert stores.read_range(url, 0, 9, None, stamp) == b"old bytes"
    assert stores.read_stamped(url, stores.Storage(), stamp) == (b"old bytes", stamp)
    gets = fake.gets
    stores.read_range(url, 0, 9, None, stamp)
    stores.read_stamped(url, stores.Storage(), stamp)
    assert fake.gets == gets  # kept


def test_bytes_whose_version_nobody_states_are_not_kept(fake: Fake) -> None:
    fake.stated = {"listed": "etag"}
    fake.put("a", b"bytes")
    known = stores.list_files("fake://h")[0].stamp
    for _ in range(2):
        assert stores.read_range("fake://h/a", 0, 5, None, known) == b"bytes"
        assert stores.read_stamped("fake://h/a", stores.Storage(), known)[0] == b"bytes"
    assert fake.gets == 4


@pytest.mark.parametrize("get", ["", "modified", "etag", "etag modified"])
@pytest.mark.parametrize("listed", ["modified", "etag", "etag modified"])
def test_versions_that_are_stated_differently(fake: Fake, listed: str, get: str) -> None:
    """An ETag is not compared with a time: then the store is asked."""
    fake.stated = {"get": get, "listed": listed, "meta": "etag modified"}
    fake.put("c/1.bmp", bmp(1))
    source = vary.Folder("fake://h", storage={"cache_bytes": 0})
    assert [source[0].image.data for _ in range(2)] == [bmp(1)] * 2
    fake.put("c/1.bmp", bmp(2))
    with pytest.raises(vary.SourceError, match="has changed since"):
        source[0]


@pytest.mark.parametrize("stated", ["", "modified", "etag"])
def test_an_index_of_a_tar_belongs_to_one_version(fake: Fake, stated: str, tmp_path: Path) -> None:
    fake.stated = dict.fromkeys(("get", "meta", "listed"), stated)
    fake.put("one.tar", tar_of(1, 2))

    def made() -> vary.WebDataset:
        return vary.WebDataset("fake://h/one.tar", "cls")

    first, same = made(), made()
    assert bool(list(tmp_path.rglob("tars/*"))) is bool(stated)
    assert (first.fingerprints([0, 1]) == same.fingerprints([0, 1])) is bool(stated)
    assert pickle.loads(pickle.dumps(first)).fingerprints([1]) == first.fingerprints([1])
    assert len(set(first.fingerprints([0, 1]))) == 2
    other = io.BytesIO()
    with tarfile.open(fileobj=other, mode="w") as tar:  # of equal size, with other members
        for name, data in (("x.cls", b"7"), ("x.bmp", bmp(7)), ("y.bmp", bmp(8)), ("y.cls", b"8")):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    assert len(other.getvalue()) == len(tar_of(1, 2))
    fake.put("one.tar", other.getvalue())
    new = made()
    assert [new.path(0), new[0].image.data, new[1].image.data] == ["fake://h/one.tar/x.bmp", bmp(7), bmp(8)]
    assert new.fingerprints([0]) != first.fingerprints([0])
