"""Emptying the tables after a test that commits: the only time that the append-only triggers are out of force.

Only tables that hold something are emptied. TRUNCATE makes new files for a table and each of its indexes, which for
the hundred tables of the project costs half a second a test; of most of them a test has written nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations

#: Above this a table gets new files, so that no later test plans its queries by the size this one left behind.
SMALL = 8 * 8192  # bytes

_flush = DatabaseOperations.execute_sql_flush


def _empty_what_is_full(
    self: DatabaseOperations, style: Any, tables: Sequence[str], *, reset_sequences: bool = False, **_: Any
) -> list[str]:
    """Statements after which every table is empty, as Django's own would leave it."""
    if not tables:
        return []
    quoted = {table: self.quote_name(table) for table in sorted(tables)}
    asked = " UNION ALL ".join(
        f"SELECT '{table}', pg_relation_size('{name}') WHERE EXISTS (SELECT FROM {name})"
        for table, name in quoted.items()
    )
    with self.connection.cursor() as cursor:
        cursor.execute(asked)
        full = dict(cursor.fetchall())
    if not full:
        return []
    if reset_sequences:
        return [f"TRUNCATE {', '.join(quoted[table] for table in full)} RESTART IDENTITY CASCADE"]
    # CASCADE reaches only tables that are to be empty too.
    large = [quoted[table] for table, size in full.items() if size > SMALL]
    statements = [f"TRUNCATE {', '.join(large)} CASCADE"] if large else []
    return statements + [f"DELETE FROM {quoted[table]}" for table, size in full.items() if size <= SMALL]


def _without_triggers(self: DatabaseOperations, sql_list: list[str]) -> Any:
    if not sql_list:
        return None
    return _flush(self, ["SET session_replication_role = replica", *sql_list, "SET session_replication_role = origin"])


@pytest.fixture(autouse=True, scope="session")
def append_only_tables_can_be_emptied() -> Iterator[None]:
    """Append-only tables refuse TRUNCATE to everybody, the tests' database included."""
    patch = pytest.MonkeyPatch()
    patch.setattr(DatabaseOperations, "execute_sql_flush", _without_triggers)
    patch.setattr(DatabaseOperations, "sql_flush", _empty_what_is_full)
    yield
    patch.undo()
