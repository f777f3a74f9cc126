"""Asks the web server for its health without Django: for container health checks, and for `up` while it waits."""

from __future__ import annotations

import http.client
import os
import sys


def allowed_host() -> str:
    """A host name that the site answers to, from BACKOFFICE_ALLOWED_HOSTS."""
    first = os.environ.get("BACKOFFICE_ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    return first if first and first != "*" else "localhost"


def healthy(host: str, port: int, *, path: str = "/healthz", timeout: float = 2.0) -> bool:
    """Whether the server at host and port answers `path` with 200 within `timeout` seconds."""
    client = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        client.request("GET", path, headers={"Host": allowed_host()})
        return client.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        client.close()


if __name__ == "__main__":
    sys.exit(0 if healthy("127.0.0.1", int(os.environ.get("BACKOFFICE_PORT", "8000")), timeout=4.0) else 1)
