"""A kept connection is looked at before it is used again, and is replaced when the server has ended it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from django.db import connection, connections

from core.database.base import DatabaseWrapper


@pytest.fixture
def kept(transactional_db: None) -> Iterator[DatabaseWrapper]:
    """A second connection, kept from one request to the next."""
    made = cast(DatabaseWrapper, connections["default"].copy())
    made.settings_dict["CONN_MAX_AGE"] = 60
    made.settings_dict["CONN_HEALTH_CHECKS"] = True
    made.connect()
    yield made
    made.close()


def backend(of: DatabaseWrapper) -> int:
    with of.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def next_request(of: DatabaseWrapper) -> None:
    """What Django does at the beginning of each."""
    of.close_if_unusable_or_obsolete()
    vars(of)["health_check_done"] = False
    of.close_if_health_check_failed()


def test_a_whole_connection_is_kept_without_asking_the_server(kept: DatabaseWrapper) -> None:
    before = backend(kept)
    with connection.cursor() as cursor:
        cursor.execute("SELECT query_start FROM pg_stat_activity WHERE pid = %s", [before])
        asked = cursor.fetchone()
        next_request(kept)
        cursor.execute("SELECT query_start FROM pg_stat_activity WHERE pid = %s", [before])
        assert cursor.fetchone() == asked
    assert backend(kept) == before


def test_a_connection_that_the_server_ended_is_replaced(kept: DatabaseWrapper) -> None:
    before = backend(kept)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [before])
        assert cursor.fetchone() == (True,)
    next_request(kept)
    assert backend(kept) != before


def test_a_connection_with_something_to_say_is_asked(kept: DatabaseWrapper) -> None:
    """A notice is no reason to give a connection up."""
    with kept.cursor() as cursor:
        cursor.execute("LISTEN house")
    before = backend(kept)
    with connection.cursor() as cursor:
        cursor.execute("NOTIFY house")
        cursor.execute("SELECT 1")
    next_request(kept)
    assert backend(kept) == before


def test_a_closed_connection_is_none(kept: DatabaseWrapper) -> None:
    assert kept.is_usable()
    kept.connection.close()
    assert not kept.is_usable()
    kept.connection = None
    assert not kept.is_usable()
