"""Addresses of the database and the broker for settings: from the environment, else of the embedded servers.

Asking for an address starts nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

from backoffice.servers.places import PlaceError, Places, places


class Addresses(Protocol):
    """What this module reads of the environment."""

    @property
    def database_url(self) -> str | None:
        """`DATABASE_URL`, if given."""

    @property
    def redis_url(self) -> str | None:
        """`REDIS_URL`, if given."""

    @property
    def data_dir(self) -> Path:
        """`BACKOFFICE_DATA_DIR`, absolute."""


def places_or_exit(data_dir: Path) -> Places:
    """The places of `data_dir`; when it cannot be used, one clear line and exit 2."""
    try:
        return places(data_dir)
    except PlaceError as error:
        sys.stderr.write(f"Cannot start: {error}\n")
        raise SystemExit(2) from None


def parse_database_url(url: str) -> dict[str, Any]:
    """Django's DATABASES entry for a `postgresql://` address; its query becomes libpq options.

    Connections are kept for a minute and looked at before use, so that a restarted server costs nobody a request.
    """
    parts = urlsplit(url)
    options: dict[str, Any] = {"connect_timeout": 5, "application_name": "backoffice", **dict(parse_qsl(parts.query))}
    host = options.pop("host", None) or unquote(parts.hostname or "")
    try:
        port = str(options.pop("port", "") or parts.port or "")
    except ValueError:
        sys.stderr.write("Cannot start: DATABASE_URL: the port must be a number\n")
        raise SystemExit(2) from None
    return {
        "ENGINE": "core.database",
        "NAME": unquote(parts.path.lstrip("/")) or "backoffice",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
        # Databases of tests take the locale of production (design: builtin C.UTF-8), not the template's.
        "TEST": {"TEMPLATE": "template0"},
    }


def database_settings(environment: Addresses) -> dict[str, Any]:
    """Django's entry for the default database; does not start it."""
    return parse_database_url(environment.database_url or places_or_exit(environment.data_dir).database_url)


def redis_url(environment: Addresses) -> str:
    """The broker's address as Celery takes it; does not start it."""
    url = environment.redis_url
    if url is None:
        return places_or_exit(environment.data_dir).broker_url
    return url.replace("unix://", "redis+socket://", 1) if url.startswith("unix://") else url
