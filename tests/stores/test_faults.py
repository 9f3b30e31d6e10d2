"""Whatever a network does within the budget, the bytes are the object's; beyond it, an error says what happened."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from stores.conftest import World
from stores.servers import request

import vary
from vary import stores
from vary.stores.clients import client_of
from vary.stores.faults import FAULTS, ChangedError, TruncatedError, attempted, delay, fault_of

pytestmark = pytest.mark.needs("store")

URL = "s3://pets/train/cat/ü 0.jpg"
PASSING = ("500", "503", "429", "drop", "truncate", "flip", "stall")
LASTING = {"403": "check the credentials", "404": "does not exist", "etag": "has changed since"}


def the_bytes(world: World) -> bytes:
    return (world.folder / "train" / "cat" / "ü 0.jpg").read_bytes()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits of microseconds, so that many examples fit."""
    monkeypatch.setattr("vary.stores.faults.delay", lambda *_: 0.0)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([one for one in PASSING if one != "stall"]), max_size=5))
@pytest.mark.usefixtures("quick")
def test_faults_that_pass(world: World, faults: list[str]) -> None:
    world.script(faults)
    assert stores.read(URL, world.storage()) == the_bytes(world)
    assert world.requests() == len(faults) + 1


def test_a_stall_is_cut_off_and_tried_again(world: World) -> None:
    world.script(["stall", "ok"])
    assert stores.read(URL, world.storage()) == the_bytes(world)
    assert world.requests() == 2


@pytest.mark.usefixtures("quick")
def test_an_epoch_among_faults_equals_the_local_one(world: World) -> None:
    policy = vary.Policy([vary.Resize(16, 16), vary.Rotate(30)])
    source = vary.Folder("s3://pets/train", storage=world.storage())
    local = vary.Folder(world.folder / "train")
    world.script([*PASSING, "short", "ok"] * 2)
    streams = [vary.stream(one, policy, batch_size=4, seed=1) for one in (source, local)]
    for one, other in zip(*streams, strict=True):
        assert (one.images == other.images).all()
        assert (one.labels == other.labels).all()
    assert world.requests() > 12


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("fault", [one for one in PASSING if one != "stall"])
def test_faults_that_last_end_after_the_stated_attempts(world: World, fault: str) -> None:
    world.script({"always": fault})
    with pytest.raises(vary.SourceError, match=r"not read in 3 attempts.*the last error: .*raise storage") as caught:
        stores.read(URL, world.storage(attempts=3))
    assert str(caught.value).startswith(URL)
    assert world.requests() == 3


@pytest.mark.parametrize("fault", LASTING)
def test_faults_that_no_retry_helps(world: World, fault: str) -> None:
    source = vary.Folder("s3://pets/train", storage=world.storage())
    world.script({"always": fault})
    with pytest.raises(vary.SourceError, match=LASTING[fault]) as caught:
        source[0]
    assert isinstance(caught.value, FileNotFoundError) is (fault == "404")
    assert source.path(0) in str(caught.value)
    assert world.requests() == 1


def test_the_budget_of_time_ends_the_attempts(world: World) -> None:
    world.script({"always": "500"})
    with pytest.raises(vary.SourceError, match=r"1 attempts within 0.01 seconds"):
        stores.read(URL, world.storage(attempts=1000, budget=0.01))
    assert world.requests() == 1


def test_a_store_whose_etags_are_no_md5(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with encryption by KMS: the same bytes twice are taken for the object, and later ones are not doubted."""
    monkeypatch.setattr("vary.stores.ranges._not_md5", set())
    world.script({"always": "no-md5"})
    for requests in (2, 3):
        assert stores.read(URL, world.storage()) == the_bytes(world)
        assert world.requests() == requests


def test_an_object_that_changes_under_an_open_file(world: World) -> None:
    request(world.s3, "PUT", "/pets/changing.bin", bytes(200_000))
    with stores.open_file("s3://pets/changing.bin", world.storage()) as file:
        assert file.read(10) == bytes(10)
        request(world.s3, "PUT", "/pets/changing.bin", bytes(199_999) + b"1")
        file.seek(-5, 2)
        with pytest.raises(vary.SourceError, match="has changed since"):
            file.read()


def test_a_skipped_file_is_reported_with_its_url(world: World) -> None:
    request(world.s3, "PUT", "/pets/broken/a/1.jpg", b"no picture")
    request(world.s3, "PUT", "/pets/broken/a/2.jpg", the_bytes(world))
    source = vary.Folder("s3://pets/broken", storage=world.storage())
    stream = vary.stream(source, vary.Policy([vary.Resize(8, 8)]), batch_size=2, on_error="skip")
    assert sum(len(batch.images) for batch in stream) == 1
    assert [one.path for one in stream.report().skipped] == ["s3://pets/broken/a/1.jpg"]


def test_waits_grow_and_differ() -> None:
    waits = [[delay(url, attempt) for attempt in range(1, 12)] for url in ("s3://a/1", "s3://a/2")]
    for some in waits:
        assert all(0.05 * 2**n <= wait <= 0.1 * 2**n for n, wait in enumerate(some[:5]))
        assert max(some) <= 5
    assert waits[0] != waits[1]
    assert delay("s3://a/1", 3) == waits[0][2]


def test_a_wait_can_be_interrupted() -> None:
    class EndError(Exception): ...

    def check() -> None:
        raise EndError

    def fail() -> None:
        raise ConnectionError

    with pytest.raises(EndError), stores.interruptible(check):
        attempted("s3://a/1", stores.Storage.of({"attempts": 100}), fail)


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ChangedError("404"), "changed"),
        (TruncatedError("403"), "truncated"),
        (OSError("in 404ms - Server returned non-2xx status code: 500 Internal"), "of the server"),
        (OSError("s3://b/404.jpg: timed out"), "of the network"),
        (OSError("403, message='Forbidden'"), "refused"),
        (OSError("status code: 503 SlowDown"), "busy"),
        (FileNotFoundError("x"), "missing"),
        (PermissionError("x"), "refused"),
        (ConnectionResetError("x"), "of the network"),
        (TimeoutError("x"), "of the network"),
        (EOFError("x"), "of the network"),
        (type("ClientError", (Exception,), {"__module__": "aiohttp"})("x"), "of the network"),
        (type("NoCredentialsError", (Exception,), {"__module__": "botocore"})("x"), "no credentials"),
        (OSError("GET http://169.254.169.254/latest/api/token: timed out"), "no credentials"),
        (TypeError("x"), "wrong request"),
        (RuntimeError("status code: 503"), "of the program"),
    ],
)
def test_the_table_of_faults(error: Exception, name: str) -> None:
    assert fault_of(error).name == name
    assert {one.name for one in FAULTS if not one.retried} == {
        "changed",
        "missing",
        "refused",
        "no credentials",
        "wrong request",
        "of the program",
    }


@pytest.mark.parametrize("kind", [KeyError, AttributeError, MemoryError, IndexError, AssertionError, ZeroDivisionError])
def test_mistakes_of_a_program_pass_at_once(kind: type[Exception]) -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise kind("503")

    with pytest.raises(kind, match="503"):
        attempted("s3://a/1", stores.Storage.of({"attempts": 5}), fail)
    assert len(calls) == 1


def test_missing_credentials_end_at_once_with_a_cure() -> None:
    kind, calls = type("NoCredentialsError", (Exception,), {"__module__": "botocore"}), []

    def fail() -> None:
        calls.append(1)
        raise kind("Unable to locate credentials")

    with pytest.raises(vary.SourceError, match=r"Unable to locate credentials; give credentials: storage="):
        attempted("s3://a/1", stores.Storage.of({"attempts": 5}), fail)
    assert len(calls) == 1


@pytest.mark.parametrize("url", ["s3://pets/a", "gs://pets/a", "az://pets/a"])
def test_a_misspelt_option_is_named_with_a_cure(url: str) -> None:
    storage = {"endpont": "http://TopSecret", "cache_bytes": 0}
    for call in (stores.read, stores.list_files, stores.size_of, stores.open_file):
        with pytest.raises(vary.InputError, match=r"storage\['endpont'\].*did you mean endpoint\?; give") as caught:
            call(url, storage)
        assert "TopSecret" not in str(caught.value)
        assert "Debug" not in str(caught.value)
    with pytest.raises(vary.InputError, match=r"did you mean cache_bytes\?"):
        vary.Folder(url, storage={"cache_byte": 0})


def test_options_that_another_library_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(vary.InputError, match=r"storage\['region'\]: http and https have no options"):
        stores.read("http://127.0.0.1:1/a", {"region": "x"})

    def filesystem(*_: object, **__: object) -> None:
        raise TypeError("unexpected argument TopSecret")

    monkeypatch.setattr("fsspec.filesystem", filesystem)
    with pytest.raises(vary.InputError, match=r"storage= of sftp:// is refused.*hostt") as caught:
        stores.read("sftp://h/a", {"hostt": "TopSecret"})
    assert "TopSecret" not in str(caught.value)


def lists_by(monkeypatch: pytest.MonkeyPatch, listed: object) -> None:
    """Let obstore list the bucket b so."""
    monkeypatch.setattr("vary.stores.clients._clients", {})
    monkeypatch.setattr(client_of("s3://b/p", LISTS)[0], "_module", SimpleNamespace(list=listed))


LISTS = stores.Storage.of({"attempts": 3, "region": "us-east-1"})


class Flaky:
    """A list of obstore whose pages fail now and then."""

    def __init__(self, keys: list[str], every: int) -> None:
        self.keys, self.every, self.pages, self.calls = keys, every, 0, list[str | None]()

    def __call__(
        self, _: object, __: object, *, offset: str | None = None, chunk_size: int
    ) -> Iterator[list[dict[str, object]]]:
        self.calls.append(offset)
        keys = self.keys if offset is None else [key for key in self.keys if key.encode() > offset.encode()]
        time = datetime(2026, 1, 1, tzinfo=UTC)
        for first in range(0, len(keys), chunk_size):
            self.pages += 1
            if self.pages % self.every == 0:
                raise ConnectionError("a page")
            some = keys[first : first + chunk_size]
            yield [{"path": key, "size": 1, "e_tag": "e", "last_modified": time} for key in some]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("order", [False, True])
def test_a_page_of_a_list_is_tried_again_and_not_the_whole(monkeypatch: pytest.MonkeyPatch, order: bool) -> None:
    keys = [f"p/{n:05}" for n in range(5500)] + ["p/ü", "p/𐀀"]
    listed = Flaky(keys, 4)
    lists_by(monkeypatch, listed)
    if not order:
        listed.every = 10
        listed.keys = keys[4000:] + keys[:4000]  # a store whose keys have no order begins anew
        listed.pages = 5
    found = stores.list_files("s3://b/p", LISTS)
    assert [one.name for one in found] == sorted(key[2:] for key in keys)
    assert len(listed.calls) > 1
    if order:
        assert all(offset is not None for offset in listed.calls[1:])


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("keys", [["p/1", "p/2"], ["p/2", "p/1"]])
def test_a_page_that_always_fails_ends_the_list(monkeypatch: pytest.MonkeyPatch, keys: list[str]) -> None:
    def listed(*_: object, **__: object) -> Iterator[list[dict[str, object]]]:
        time = datetime(2026, 1, 1, tzinfo=UTC)
        yield [{"path": key, "size": 1, "e_tag": "e", "last_modified": time} for key in keys]
        raise ConnectionError

    def fail(*_: object, **options: object) -> Iterator[list[dict[str, object]]]:
        if options["offset"] is not None:
            raise ConnectionError
        return listed()

    lists_by(monkeypatch, fail)
    with pytest.raises(vary.SourceError, match="3 attempts"):
        stores.list_files("s3://b/p", LISTS)


def test_a_list_of_several_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vary.stores.clients.PAGE", 3)
    assert len(stores.list_files("s3://pets/train", world.storage())) == 15


def test_no_thread_of_ours_outlives_an_epoch(world: World) -> None:
    source = vary.Folder("s3://pets/train", storage=world.storage())
    before = threading.active_count()
    list(vary.stream(source, vary.Policy([vary.Resize(8, 8)]), batch_size=4))
    assert threading.active_count() == before
