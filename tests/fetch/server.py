"""A web server on loopback that behaves well or badly, by the path that is asked for."""

from __future__ import annotations

import gzip
import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

CONTENT = bytes(range(256)) * 400


class Handler(http.server.BaseHTTPRequestHandler):
    """``/whole``, ``/redirect?to=URL``, and what the tests name."""

    protocol_version = "HTTP/1.1"
    seen: list[tuple[str, str, str]]
    """(method, path, Host) of each request."""

    def do_GET(self) -> None:
        self.seen.append((self.command, self.path, self.headers["Host"]))
        name, _, query = self.path.partition("?")
        self.close_connection = True
        getattr(self, "serve_" + name.strip("/").replace("-", "_"), self.serve_missing)(query)

    def _answer(self, status: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(body)

    def serve_whole(self, _query: str) -> None:
        self._answer(200, {"Content-Length": str(len(CONTENT))}, CONTENT)

    def serve_echo_encoding(self, _query: str) -> None:
        body = self.headers.get("Accept-Encoding", "").encode()
        self._answer(200, {"Content-Length": str(len(body))}, body)

    def serve_missing(self, _query: str) -> None:
        self._answer(404, {"Content-Length": "6"}, b"SECRET")

    def serve_error(self, _query: str) -> None:
        self._answer(500, {"Content-Length": "6"}, b"SECRET")

    def serve_no_length(self, _query: str) -> None:
        self._answer(200, {}, CONTENT)

    def serve_chunked(self, _query: str) -> None:
        pieces = b"".join(b"%x\r\n%b\r\n" % (4096, CONTENT[i : i + 4096]) for i in range(0, 4096 * 25, 4096))
        self._answer(200, {"Transfer-Encoding": "chunked"}, pieces + b"0\r\n\r\n")

    def serve_chunked_cut(self, _query: str) -> None:
        self._answer(200, {"Transfer-Encoding": "chunked"}, b"1000\r\n" + CONTENT[:100])

    def serve_endless(self, _query: str) -> None:
        self._answer(200, {})
        try:
            while True:
                self.wfile.write(CONTENT)
        except OSError:
            return

    def serve_lies_less(self, _query: str) -> None:
        self._answer(200, {"Content-Length": "1000"}, CONTENT)

    def serve_lies_more(self, _query: str) -> None:
        self._answer(200, {"Content-Length": str(2 * len(CONTENT))}, CONTENT)

    def serve_promises_too_much(self, _query: str) -> None:
        self._answer(200, {"Content-Length": str(1 << 50)}, CONTENT)

    def serve_gzip(self, _query: str) -> None:
        body = gzip.compress(bytes(10_000_000))
        self._answer(200, {"Content-Encoding": "gzip", "Content-Length": str(len(body))}, body)

    def serve_drip(self, _query: str) -> None:
        self._answer(200, {"Content-Length": "100000"})
        self._drip(b"x")

    def serve_drip_headers(self, _query: str) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        self._drip(b"x")

    def _drip(self, byte: bytes) -> None:
        try:
            for _ in range(100):
                self.wfile.write(byte)
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            return

    def serve_nonsense(self, _query: str) -> None:
        self.wfile.write(b"SECRET nonsense\r\n\r\n")

    def serve_redirect(self, query: str) -> None:
        self._answer(302, {"Location": query.removeprefix("to="), "Content-Length": "0"})

    def serve_nowhere(self, _query: str) -> None:
        self._answer(302, {"Content-Length": "0"})

    def serve_hop(self, query: str) -> None:
        left = int(query)
        self._answer(307, {"Location": f"/hop?{left - 1}" if left else "/whole", "Content-Length": "0"})

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@contextmanager
def serving() -> Iterator[tuple[int, list[tuple[str, str, str]]]]:
    """(port, requests seen so far) of a running server."""
    seen: list[tuple[str, str, str]] = []
    handler = type("SeenHandler", (Handler,), {"seen": seen})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield server.server_address[1], seen
        finally:
            server.shutdown()
            thread.join()
