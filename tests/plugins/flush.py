"""Emptying the tables after a test that commits: the only time that the append-only triggers are out of force."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations

_flush = DatabaseOperations.execute_sql_flush


def _without_triggers(self: DatabaseOperations, sql_list: list[str]) -> Any:
    if not sql_list:
        return None
    return _flush(self, ["SET session_replication_role = replica", *sql_list, "SET session_replication_role = origin"])


@pytest.fixture(autouse=True, scope="session")
def append_only_tables_can_be_emptied() -> Iterator[None]:
    """Append-only tables refuse TRUNCATE to everybody, the tests' database included."""
    patch = pytest.MonkeyPatch()
    patch.setattr(DatabaseOperations, "execute_sql_flush", _without_triggers)
    yield
    patch.undo()
