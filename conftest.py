"""What every test shares: the tests' own servers, started when the first test needs a database."""

from __future__ import annotations

pytest_plugins = ["tests.plugins.servers", "tests.plugins.browser", "tests.plugins.flush", "tests.plugins.language"]
