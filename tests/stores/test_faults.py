"""Whatever a network does within the budget, the bytes are the object's; beyond it, an error says what happened."""

import threading

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from stores.conftest import World
from stores.servers import request

import vary
from vary import stores
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
    ],
)
def test_the_table_of_faults(error: Exception, name: str) -> None:
    assert fault_of(error).name == name
    assert {one.name for one in FAULTS if not one.retried} == {"changed", "missing", "refused", "wrong request"}


def test_no_thread_of_ours_outlives_an_epoch(world: World) -> None:
    source = vary.Folder("s3://pets/train", storage=world.storage())
    before = threading.active_count()
    list(vary.stream(source, vary.Policy([vary.Resize(8, 8)]), batch_size=4))
    assert threading.active_count() == before
