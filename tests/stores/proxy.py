"""A server between a client and S3 that makes faults, by a script. Run it as a program: `proxy.py PORT`.

`PUT /-script` sets the faults, a JSON list: for each GET of an object, the next entry says what happens ("ok"
after the end of the list), or {"always": fault}. `GET /-count` returns how many there were.
"""

import http.client
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BEHIND = int(sys.argv[1]) if len(sys.argv) > 1 else 0
lock = threading.Lock()
state: dict[str, object] = {"script": [], "count": 0}
STATUS = {"500": 500, "503": 503, "429": 429, "403": 403, "404": 404}


def next_fault() -> str:
    with lock:
        state["count"] = int(str(state["count"])) + 1
        script = state["script"]
        if isinstance(script, dict):
            return str(script["always"])
        assert isinstance(script, list)
        return str(script.pop(0)) if script else "ok"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_: object) -> None: ...

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with lock:
            state.update(script=json.loads(body), count=0)
        self.answer(200, {}, b"")

    def do_HEAD(self) -> None:
        self.pass_on("ok")

    def do_GET(self) -> None:
        if self.path == "/-count":
            self.answer(200, {}, str(state["count"]).encode())
        else:
            self.pass_on("ok" if "list-type=" in self.path else next_fault())

    def pass_on(self, fault: str) -> None:
        if fault in STATUS:
            return self.answer(STATUS[fault], {}, b"<Error><Code>InternalError</Code></Error>")
        if fault == "drop":
            self.close_connection = True
            return None
        if fault == "stall":
            time.sleep(1.5)
        connection = http.client.HTTPConnection("127.0.0.1", BEHIND, timeout=20)
        connection.request(self.command, self.path, headers={k: v for k, v in self.headers.items() if k != "Host"})
        found = connection.getresponse()
        body = found.read()
        headers = {k: v for k, v in found.getheaders() if k.lower() in ("etag", "last-modified", "content-range")}
        length = found.getheader("Content-Length") or "0"
        connection.close()
        if fault == "etag":
            headers["ETag"] = '"another"'
        if fault == "no-md5":
            headers["ETag"] = f'"{"a" * 32}"'
        if fault == "flip":
            at = int(str(state["count"])) % len(body)  # another byte each time
            body = body[:at] + bytes([body[at] ^ 255]) + body[at + 1 :]
        if fault == "short":  # the length agrees with the body, but not with what was listed
            body, length = body[: len(body) // 2], str(len(body) // 2)
        if fault == "truncate":
            body = body[: len(body) // 2]
            self.close_connection = True
        self.answer(found.status, headers, body, length)
        return None

    def answer(self, status: int, headers: dict[str, str], body: bytes, length: str | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", length or str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
        except OSError:
            self.close_connection = True  # the client gave up


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
