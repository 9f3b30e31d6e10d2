"""URLs differ wherever their texts do, and what is secret in them is shown nowhere."""

import io
import threading
import traceback
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
from PIL import Image

import vary
from vary import stores
from vary.stores.address import Address
from vary.stores.clients import Got, Meta
from vary.stores.faults import attempted
from vary.stores.ranges import Stamp, _key

pytestmark = pytest.mark.needs("store")

SECRET = "TopSecret/+"
URLS = (
    "http://me:TopSecret%2F%2B@127.0.0.1:1/a.jpg",
    "https://127.0.0.1:1/a.jpg?X-Amz-Signature=TopSecret%2F%2B&x=1",
    "az://c/1.jpg?sv=2020&sig=TopSecret/+",
    "sftp://me:TopSecret/+@h:22/p.jpg",
    "s3://me:TopSecret%2F%2B@bucket/p.jpg",
)


def png(value: int) -> bytes:
    sink = io.BytesIO()
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(sink, "png")
    return sink.getvalue()


class Handler(BaseHTTPRequestHandler):
    """A picture whose value is that of the query, or 7, with one ETag for all, or what `files` has."""

    files: ClassVar[dict[str, bytes]] = {}

    def log_message(self, *_: object) -> None: ...

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        known = self.files.get(unquote(parts.path))
        data = png(int(parts.query.rpartition("=")[2] or 7)) if known is None else known
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", '"same"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


class Plain:
    """A client for http, because fsspec needs aiohttp for a URL with a query."""

    def __init__(self, address: Address) -> None:
        self.store = address.store

    def get(self, key: str, *_: int | None) -> Got:
        with urlopen(f"{self.store}/{key}", timeout=10) as answer:
            data = answer.read()
            return Got(data, Meta(len(data), answer.headers["ETag"]))


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr("vary.stores.clients._made", lambda _, address, __: Plain(address))
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("cache", ["memory", "disk", None])
def test_pictures_of_urls_that_differ_in_the_query(
    host: str, cache: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VARY_CACHE", str(tmp_path))
    urls = [f"{host}/img", *(f"{host}/img?id={value}" for value in (10, 20, 30))]
    stream = vary.stream(vary.Files(urls), vary.Policy([vary.Resize(8, 8)]), batch_size=4, cache=cache)  # type: ignore[call-overload]
    for _ in range(2):
        values = {
            path: int(image.flat[0]) for batch in stream for path, image in zip(batch.paths, batch.images, strict=True)
        }
        assert values == dict(zip(urls, (7, 10, 20, 30), strict=True))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://h/img?id=10", "https://h/img?id=20"),
        ("https://h/img", "https://h/img?id=20"),
        ("https://a:b@h/img", "https://c:d@h/img"),
        ("https://h/img#a", "https://h/img#b"),
        ("abfss://c1@acc/1.jpg", "abfss://c2@acc/1.jpg"),
        ("az://c/1.jpg?a=1", "az://c/1.jpg?a=2"),
    ],
)
def test_fingerprints_and_keys_differ(one: str, other: str) -> None:
    first, second = vary.Files([one, other]).fingerprints([0, 1])
    assert first != second
    assert "b@h" not in str((first, second))
    assert "id=" not in str((first, second))
    options = stores.Storage()
    assert _key(one, options, Stamp(1, 1), 0) != _key(other, options, Stamp(1, 1), 0)


def test_keys_differ_by_the_place_of_the_store_and_not_by_its_keys() -> None:
    def key(**options: object) -> bytes:
        return _key("az://c/1.jpg", stores.Storage.of(options), Stamp(1, 1), 0)

    assert len({key(account_name="a"), key(account_name="b"), key(endpoint="http://h"), key()}) == 4
    assert key(account_name="a", account_key="1") == key(account_name="a", account_key="2")


@pytest.mark.parametrize("url", URLS)
def test_a_whole_traceback_has_no_secret_of_a_url(url: str) -> None:
    def fail() -> None:
        raise OSError(f"GET {url}: cannot open {unquote(url)} of {unquote(url).partition('://')[2]!r} as {SECRET}")

    def refuse() -> None:
        raise ValueError(f"invalid path {url!r}")

    limits = {"attempts": 1, "timeout": 1}
    for call in (
        lambda: attempted(url, stores.Storage.of(limits), fail),
        lambda: attempted(url, stores.Storage.of(limits), refuse),
        lambda: stores.read(url, limits),
        lambda: vary.Folder(url, storage=limits),
        lambda: vary.table(url, "file", storage=limits),
        lambda: vary.table({"file": ["a.jpg"]}, "file", root=url, storage=limits)[0],
        lambda: vary.WebDataset(f"{url}", storage=limits),
        lambda: vary.Files([url], ["a", "b"], storage=limits),
        lambda: vary.Files([url], [float("nan")], storage=limits),
        lambda: vary.table({"file": [url, url]}, "file", storage=limits),
        lambda: vary.Files([url], storage=limits)[0],
    ):
        with pytest.raises(Exception, match=r".") as caught:
            call()
        assert_hidden("".join(_lines(caught.value)))


def _lines(error: BaseException) -> list[str]:
    """The traceback, without the lines of this file, which have the URLs."""
    return [line for line in traceback.format_exception(error) if __file__ not in line]


def assert_hidden(text: str) -> None:
    assert "TopSecret" not in text, text


def test_secrets_in_the_endpoint_and_in_nested_options() -> None:
    options = stores.Storage.of({"endpoint": "http://me:TopSecret@h", "client_kwargs": {"password": "OtherSecret"}})

    def fail() -> None:
        raise PermissionError("http://me:TopSecret@h/b: TopSecret and OtherSecret are refused")

    with pytest.raises(vary.SourceError, match="refused") as caught:
        attempted("s3://b/a", options, fail)
    assert "TopSecret" not in str(caught.value)
    assert "OtherSecret" not in str(caught.value)


def test_reprs_and_messages_of_a_source_show_no_secret(host: str) -> None:
    url = f"{host}/broken?X-Amz-Signature=TopSecret"
    Handler.files["/broken"] = b"no picture"
    source = vary.Files([url])
    assert source.path(0) == url
    stream = vary.stream(source, vary.Policy([vary.Resize(8, 8)]), batch_size=1)
    with pytest.raises(vary.DecodeError) as caught:
        list(stream)
    skipping = vary.stream(
        vary.Files([url, f"{host}/img"]), vary.Policy([vary.Resize(8, 8)]), batch_size=1, on_error="skip"
    )
    list(skipping)
    shown = [repr(source), repr(stream), str(skipping.report()), repr(source.fingerprints([0]))]
    assert_hidden("".join([*_lines(caught.value), *shown]))


def test_a_table_at_a_url_with_a_query(host: str) -> None:
    Handler.files["/data/rows.csv"] = b"file,label\n1.png,a\n"
    Handler.files["/data/1.png"] = png(9)
    found = vary.table(f"{host}/data/rows.csv?sig=Top/Secret", "file", "label")
    assert found.path(0) == f"{host}/data/1.png"
    assert found[0].image.data == png(9)
    with pytest.raises(vary.InputError, match="no such column") as caught:
        vary.table(f"{host}/data/rows.csv?sig=Top/Secret", "none")
    assert "Secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://me:word@host/a/b.jpg?sig=1", "https://host/a/b.jpg"),
        ("https://host?sig=1", "https://host"),
        ("az://c/1.jpg?sig=1", "az://c/1.jpg"),
        ("sftp://me:wo/rd@h:22/p", "sftp://h:22/p"),
        ("sftp://me:wo?rd@h/p", "sftp://h/p"),
        ("abfss://c1@acc/1.jpg", "abfss://c1@acc/1.jpg"),
        ("s3://b/what?.jpg", "s3://b/what?.jpg"),
        ("s3://b/a@b:c.jpg", "s3://b/a@b:c.jpg"),
        ("http://[::1]:80/x", "http://[::1]:80/x"),
        ("s3://arn:aws:s3:us:12:accesspoint/a", "s3://arn:aws:s3:us:12:accesspoint/a"),
        ("a/local?x=1", "a/local?x=1"),
    ],
)
def test_urls_as_they_are_shown(url: str, text: str) -> None:
    assert stores.shown(url) == text
