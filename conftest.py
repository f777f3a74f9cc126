"""What every test shares: the tests' own servers, started when the first test needs a database."""

from __future__ import annotations

pytest_plugins = [f"tests.plugins.{name}" for name in ("servers", "database", "browser", "flush", "language")]
