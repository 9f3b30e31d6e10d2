"""Starts servers on loopback in processes of their own: moto's S3, and the fault proxy before it."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).parent
MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
"""


@contextmanager
def served(*arguments: str) -> Iterator[int]:
    """The port that a server prints. It ends when its standard input does, so also if this process is killed."""
    command = [sys.executable, "-W", "ignore", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()
            try:
                server.wait(5)
            except subprocess.TimeoutExpired:
                server.kill()


@contextmanager
def moto() -> Iterator[int]:
    with served("-c", MOTO) as port:
        yield port


def request(port: int, method: str, path: str, body: bytes = b"") -> bytes:
    """One request without a signature, which moto does not check. The body of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        signed = "AWS4-HMAC-SHA256 Credential=k/20261201/us-east-1/s3/aws4_request"
        connection.request(method, path, body, {"Authorization": signed, "x-amz-acl": "public-read"})
        answer = connection.getresponse()
        data = answer.read()
        assert answer.status < 400, (path, answer.status, data[:300])
        return data
    finally:
        connection.close()


def upload(port: int, bucket: str, folder: Path) -> None:
    """Every file below a folder, under its relative path."""
    request(port, "PUT", f"/{bucket}")
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            request(port, "PUT", f"/{bucket}/{quote(path.relative_to(folder).as_posix())}", path.read_bytes())
