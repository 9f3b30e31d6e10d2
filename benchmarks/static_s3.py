"""A small S3 server of a folder, of any bucket: lists and whole objects. `static_s3.py FOLDER` prints its port."""

from __future__ import annotations

import hashlib
import socket
import sys
import threading
from pathlib import Path
from urllib.parse import unquote

ROW = (
    "<Contents><Key>{}</Key><LastModified>2026-01-01T00:00:00Z</LastModified><ETag>{}</ETag><Size>{}</Size></Contents>"
)


def main() -> None:
    root = Path(sys.argv[1])
    objects = {
        path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }
    tags = {name: f'"{hashlib.md5(data).hexdigest()}"' for name, data in objects.items()}
    rows = "".join(ROW.format(name, tags[name], len(data)) for name, data in objects.items())
    listing = f"<ListBucketResult><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>".encode()

    def answer(path: str) -> tuple[bytes, bytes]:
        name, _, query = path.lstrip("/").partition("?")
        if "list-type" in query:
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(listing), listing
        key = unquote(name.partition("/")[2])
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(objects[key])}\r\nETag: {tags[key]}\r\n"
        return f"{head}Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n".encode(), objects[key]

    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while request := lines.readline():
                while lines.readline() not in (b"\r\n", b""):
                    pass
                head, body = answer(request.split()[1].decode())
                connection.sendall(head + body)

    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    main()
