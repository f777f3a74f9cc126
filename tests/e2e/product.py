"""The running product as a visitor and as a machine meets it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.servers.stack import Stack, manage


@dataclass
class Product:
    """The product as a visitor and as a machine meets it."""

    stack: Stack
    data_dir: Path
    #: What `manage.py up` was given, for commands beside it.
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def base(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.stack.port}"

    def command(self, *words: str) -> str:
        """Run a command of the project beside it; answers what it printed."""
        done = manage(*words, data_dir=self.data_dir, BACKOFFICE_PORT=str(self.stack.port), **self.environment)
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def call(self, method: str, path: str, token: str, body: Any = None) -> tuple[int, Any]:
        """A call of the REST API."""
        request = urllib.request.Request(
            f"{self.base}/api/v1{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, json.loads(reply.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def page(self, address: str) -> str:
        """A public page, as a buyer's client reads it."""
        with urllib.request.urlopen(address, timeout=30) as reply:
            return str(reply.read().decode())
