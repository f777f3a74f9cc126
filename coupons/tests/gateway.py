"""An SMS gateway of one's own for tests: a real HTTP server on this machine, which keeps what it was told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Gateway:
    """Answers `status` (or what `answer` says of a message); `told` are the bodies, `headers` those of the requests."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: Callable[[dict[str, Any]], int] | None = None
        self.told: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    @property
    def numbers(self) -> list[str]:
        """Where messages went, in their order."""
        return [one["to"] for one in self.told]


@contextmanager
def gateway() -> Iterator[Gateway]:
    """A gateway that runs while the block does."""
    found = Gateway()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            found.told.append(body)
            found.headers.append(dict(self.headers))
            status = found.answer(body) if found.answer else found.status
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", found.url + "elsewhere")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_address[1]}/send"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
