"""A source at a URL has the samples, labels, order and batches of the same files on the local disk."""

import io
import pickle
import subprocess
import sys
import tarfile
import traceback
from typing import Any

import numpy as np
import pytest
from stores.conftest import World
from stores.servers import request

import vary
from vary import stores
from vary.sources.own import Adapted
from vary.sources.subset import Source, whole_of

pytestmark = pytest.mark.needs("store")

POLICY = vary.Policy([vary.Resize(16, 16), vary.Rotate(30)])
TRAIN = "s3://pets/train"


def epoch(source: object, **options: object) -> list[tuple[np.ndarray, ...]]:
    stream = vary.stream(source, POLICY, batch_size=5, seed=3, **options)  # type: ignore[call-overload]
    return [tuple(batch) for batch in stream]


def assert_equal(one: list[tuple[np.ndarray, ...]], other: list[tuple[np.ndarray, ...]]) -> None:
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        for left, right in zip(a, b, strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("process", [False, True])
@pytest.mark.parametrize("cache", [None, "memory"])
def test_a_folder_gives_the_local_batches(world: World, process: bool, cache: str | None) -> None:
    remote, local = vary.Folder(TRAIN, storage=world.storage()), vary.Folder(world.folder / "train")
    assert remote.classes == local.classes
    assert [path.removeprefix(TRAIN) for path in remote.paths] == [
        path.removeprefix(str(world.folder / "train")) for path in local.paths
    ]
    assert_equal(epoch(remote, process=process, cache=cache), epoch(local, cache=cache))


@pytest.mark.parametrize("cache", [None, "memory"])
def test_two_epochs_cost_one_request_for_each_object(world: World, cache: str | None) -> None:
    """Those that a stream reads to find out what its cache will need are among them."""
    source = vary.Folder(TRAIN, storage=world.storage(cache_bytes=1 << 20))
    world.script([])
    stream = vary.stream(source, POLICY, batch_size=5, cache=cache)  # type: ignore[arg-type]
    for _ in range(2):
        list(stream)
        assert world.requests() <= len(source) == 12


def test_files_and_tables_give_the_local_batches(world: World) -> None:
    storage = world.storage()
    paths = [str(path) for path in vary.Folder(world.folder / "train").paths]
    urls = [path.replace(str(world.folder), "s3://pets") for path in paths]
    assert_equal(epoch(vary.Files(urls, storage=storage), cache="memory"), epoch(vary.Files(paths), cache="memory"))
    mixed = [*urls[:4], *(f"file://{path}".replace(" ", "%20") for path in paths[4:])]
    assert_equal(epoch(vary.Files(mixed, storage=storage)), epoch(vary.Files(paths)))
    local = vary.table(world.folder / "table.csv", "file", "label")
    for remote in (
        vary.table("s3://pets/table.csv", "file", "label", storage=storage),
        vary.table(world.folder / "table.csv", "file", "label", root="s3://pets", storage=storage),
    ):
        assert remote.classes == local.classes
        assert_equal(epoch(remote, shuffle=False), epoch(local, shuffle=False))


def test_a_column_of_urls(world: World) -> None:
    local = vary.Folder(world.folder / "train")
    urls = [path.replace(str(world.folder), "s3://pets") for path in local.paths]
    frame = {"file": [*urls, "s3://pets/train/none.jpg"], "label": [*["cat"] * 6, *["dog"] * 7]}
    with pytest.raises(vary.SourceError, match=r"1 of the 13 files.*none\.jpg"):
        vary.table(frame, "file", "label", storage=world.storage())
    with pytest.warns(UserWarning, match="leaves them out"):
        remote = vary.table(frame, "file", "label", missing="skip", storage=world.storage())
    assert_equal(epoch(remote), epoch(local))
    assert all(size > 0 and tag for _, size, tag in remote.fingerprints(range(12)))


def test_parquet_at_a_url(world: World) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    local = vary.Folder(world.folder / "train")
    names = [path.removeprefix(f"{world.folder}/") for path in local.paths]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"file": names, "label": local.labels}), sink)
    request(world.s3, "PUT", "/pets/rows.parquet", sink.getvalue().to_pybytes())
    found = vary.table("s3://pets/rows.parquet", "file", "label", storage=world.storage())
    assert_equal(epoch(found), epoch(vary.Files(local.paths, local.labels)))


def test_http_without_a_list(world: World) -> None:
    path = world.folder / "train" / "cat" / "ü 0.jpg"
    base = f"http://127.0.0.1:{world.s3}/pets/train/cat"
    url = f"{base}/{path.name}".replace(" ", "%20").replace("ü", "%C3%BC")
    np.testing.assert_array_equal(vary.read_image(url), vary.read_image(path))
    found = vary.table({"file": [url]}, "file")
    np.testing.assert_array_equal(epoch(found)[0][0], epoch(vary.Files([path]))[0][0])
    with pytest.raises(vary.SourceError, match=r"http has no lists.*vary\.Files"):
        vary.Folder(base)


def test_any_scheme_of_fsspec() -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    encoded = _png(pixels)
    for name in ("b/2.png", "a/1.png", "a/.junk.png", "b/x/3.png"):
        memory.pipe(f"/pets/{name}", encoded)
    try:
        source = vary.Folder("memory://pets")
        assert source.classes == ["a", "b"]
        assert [path.removeprefix("memory://pets/") for path in source.paths] == ["a/1.png", "b/2.png", "b/x/3.png"]
        np.testing.assert_array_equal(vary.read_image(source.path(2)), pixels)
        assert source[1].image.data == encoded
        assert stores.read_range("memory://pets/a/1.png", 3, 9) == encoded[3:9]
        assert stores.size_of("memory://pets/a/1.png") == len(encoded)
        with pytest.raises(FileNotFoundError, match=r"memory://pets/none\.png: does not exist"):
            stores.read("memory://pets/none.png")
    finally:
        memory.rm("/pets", recursive=True)
    with pytest.raises(vary.InputError, match=r"nonsense://x/y: .*give s3://"):
        vary.Folder("nonsense://x/y")


def test_secrets_are_shown_nowhere(world: World) -> None:
    source = vary.Folder(TRAIN, storage=world.storage())
    stream = vary.stream(source, POLICY, batch_size=5)
    shown = [repr(source), repr(stream), repr(stores.Storage.of(world.storage())), source.fingerprints([0, 1])]
    shown += [stream.state_dict(), pickle.dumps(source.fingerprints([0])), pickle.dumps(stream.state_dict())]
    world.script({"always": "403"})
    with pytest.raises(vary.SourceError) as caught:
        source[0]
    shown += traceback.format_exception(caught.value)
    assert not any(secret in str(one) for one in shown for secret in ("aSecretKey", "anAccessKey"))
    assert stores.shown("https://me:word@host/a/b.jpg?sig=1") == "https://host/a/b.jpg"


def test_a_pickled_source_reads_and_keeps_its_versions(world: World) -> None:
    source = pickle.loads(pickle.dumps(vary.Folder(TRAIN, storage=world.storage())))
    assert_equal(epoch(source), epoch(vary.Folder(world.folder / "train")))
    assert source.fingerprints([1]) == vary.Folder(TRAIN, storage=world.storage()).fingerprints([1])


def test_arguments() -> None:
    with pytest.raises(vary.InputError, match="storage= goes with"):
        vary.Files(["a.jpg"], storage={})
    with pytest.raises(vary.InputError, match="give a dict"):
        vary.Folder("s3://pets", storage="key")  # type: ignore[arg-type]
    for wrong in (0, -1, "5", True, float("nan")):
        with pytest.raises(vary.InputError, match="number above 0"):
            vary.Folder("s3://pets", storage={"attempts": wrong})


FORK = """
import os, sys
import vary
from vary import stores
from vary.sources.own import Adapted
from vary.sources.subset import Source, whole_of
url, storage = "s3://pets/train/cat/\\u00fc 0.jpg", {storage}
used = {used}
if used:
    stores.read(url, storage)
child = os.fork()
if not child:
    try:
        print(len(stores.read(url, storage)), flush=True)
    except vary.SourceError as error:
        print(error, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(len(stores.read(url, storage)))
"""


@pytest.mark.parametrize("used", [False, True])
def test_a_forked_child_never_hangs(world: World, used: bool) -> None:
    """A child makes its own client; after obstore was used in the parent, an error says what to do."""
    code = FORK.format(storage=world.storage(timeout=5), used=used)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    first, last = done.stdout.splitlines()
    assert last.isdigit(), done.stderr
    assert ("spawn" in first) if used else first == last, done


NO_STORE = """
import sys, socket
def refuse(*_): raise AssertionError("a connection")
socket.socket.connect = refuse
import vary
list(vary.stream({folder!r}, vary.Policy([vary.Resize(8, 8)]), batch_size=4))
assert not {{"obstore", "fsspec"}} & set(sys.modules)
"""


def test_nothing_of_a_store_is_imported_without_a_url(world: World) -> None:
    code = NO_STORE.format(folder=str(world.folder / "train"))
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode == 0


def _png(pixels: np.ndarray) -> bytes:
    import io

    from PIL import Image

    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "png")
    return sink.getvalue()


def test_each_source_says_that_it_is_at_a_url(world: World) -> None:
    """A stream reads such sources with more threads."""
    of: dict[str, Any] = {"storage": world.storage()}
    paths = [str(path) for path in vary.Folder(world.folder / "train").paths]
    urls = [path.replace(str(world.folder), "s3://pets") for path in paths]
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.add(paths[0], "0.jpg")
    (world.folder / "one.tar").write_bytes(tar.getvalue())
    request(world.s3, "PUT", "/pets/one.tar", tar.getvalue())
    sources: list[tuple[Source, Source]] = [
        (vary.Folder(TRAIN, **of), vary.Folder(world.folder / "train")),
        (vary.Files(urls, **of), vary.Files(paths)),
        (vary.table({"f": urls}, "f", **of), vary.table({"f": paths}, "f")),
        (vary.WebDataset("s3://pets/one.tar", **of), vary.WebDataset(world.folder / "one.tar", index=False)),
        (in_order(vary.Files(urls, **of), vary.Files(paths)), in_order(vary.Files(paths), vary.Files(paths))),
        (in_order(vary.Files(paths), vary.Files(urls, **of)), in_order(vary.Files(paths), vary.Files(paths))),
    ]
    for remote, local in sources:
        for change in (lambda one: one, lambda one: one[:1], Adapted, pickled):
            assert getattr(whole_of(change(remote))[0], "remote", None) is True, remote
            assert getattr(whole_of(change(local))[0], "remote", None) is False, local


def in_order(images: Source, masks: Source) -> Source:
    return vary.Pairs(images, masks, by="order")


def pickled(source: Source) -> Source:
    found: Source = pickle.loads(pickle.dumps(source))
    return found
