"""The tests' schema is made once and copied: every worker, and every later run of the same code, clones one template.

Sixty migrations cost ten seconds of a processor, a copy half a second. The template's name holds a hash of all that
decides what is in it, so a changed migration, model, seed or package makes another.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db.backends.postgresql.creation import DatabaseCreation

PREFIX = "test_template_"
DRAFT = f"{PREFIX}draft"
#: Advisory lock of the server's own database: one makes the template, the others wait for it.
LOCK = 7_041_776_001
ROOT = Path(__file__).resolve().parents[2]

_create = DatabaseCreation.create_test_db


def fingerprint() -> str:
    """A hash of the rooms' code without their tests, the locked packages and the interpreter."""
    state = hashlib.sha256(sys.version.encode())
    rooms = [Path(room.path) for room in apps.get_app_configs() if Path(room.path).parent == ROOT]
    sources = [path for room in rooms for path in room.rglob("*") if path.suffix in {".py", ".sql", ".json", ".csv"}]
    for path in [ROOT / "requirements.txt", *sorted(sources)]:
        if "tests" not in path.relative_to(ROOT).parts:
            state.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return state.hexdigest()[:20]


def _named(creation: DatabaseCreation, name: str) -> None:
    """Make the connection one to this database."""
    creation.connection.close()
    settings.DATABASES[creation.connection.alias]["NAME"] = name
    creation.connection.settings_dict["NAME"] = name


def _make_template(creation: DatabaseCreation, cursor: Any, name: str, verbosity: int) -> None:
    """Migrate an empty database; it gets its name when it is whole. Older templates go."""
    cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
    for (old,) in cursor.fetchall():
        cursor.execute(f'DROP DATABASE "{old}"')
    original = creation.connection.settings_dict["NAME"]
    named = creation.connection.settings_dict["TEST"]["NAME"]
    creation.connection.settings_dict["TEST"]["NAME"] = DRAFT
    try:
        _create(creation, verbosity=verbosity, autoclobber=True, serialize=False)
    finally:
        creation.connection.settings_dict["TEST"]["NAME"] = named
        _named(creation, original)
    cursor.execute(f'ALTER DATABASE "{DRAFT}" RENAME TO "{name}"')


def _create_as_copy(
    self: Any,  # DatabaseCreation, of which the stubs know little
    verbosity: int = 1,
    autoclobber: bool = False,
    serialize: bool | None = True,
    keepdb: bool = False,
) -> str:
    """In place of Django's own: the same database, copied."""
    if keepdb:
        return _create(self, verbosity, autoclobber, serialize, keepdb)
    template, name = PREFIX + fingerprint(), self._get_test_db_name()
    self.connection.close()
    with self._nodb_cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        cursor.execute("SELECT FROM pg_database WHERE datname = %s", [template])
        if cursor.fetchone() is None:
            _make_template(self, cursor, template, verbosity)
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}"')
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    _named(self, name)
    self.connection.ensure_connection()
    return name


@pytest.fixture(scope="session")
def schema_is_copied() -> Iterator[None]:
    """From here on a test database is a copy of the template."""
    patch = pytest.MonkeyPatch()
    patch.setattr(DatabaseCreation, "create_test_db", _create_as_copy)
    yield
    patch.undo()
