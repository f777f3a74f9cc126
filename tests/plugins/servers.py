"""The tests' database: the embedded PostgreSQL under its own data directory, without fsync, shared by all test workers."""

from __future__ import annotations

import pytest

from backoffice.env import environment
from backoffice.servers import ServersError, ensure
from backoffice.servers.options import missing_servers


@pytest.fixture(scope="session")
def embedded_servers() -> None:
    """Hold the servers until the session ends; nothing when DATABASE_URL and REDIS_URL name others."""
    wanted = missing_servers(environment())
    if not wanted:
        return
    try:
        ensure(environment().data_dir, want=wanted, scratch=True)
    except ServersError as error:
        pytest.exit(f"the tests' servers did not start: {error}", returncode=2)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    embedded_servers: None, schema_is_copied: None, django_db_modify_db_settings_parallel_suffix: None
) -> None:
    """pytest-django's hook before it makes the test database: the server must run by then."""
