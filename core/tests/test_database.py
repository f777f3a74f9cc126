"""A kept connection is looked at before it is used again, and is replaced when the server has ended it; moments are read exactly."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import cast

import pytest
from django.db import DataError, connection, connections

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


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 11, 27, 8, 30, 5, 120000, tzinfo=UTC),
        datetime(2026, 11, 27, tzinfo=UTC),
        datetime(1, 1, 2, 0, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 30, 23, 59, 59, 999999, tzinfo=UTC),
    ],
)
@pytest.mark.django_db
def test_a_moment_comes_back_as_it_was_written(moment: datetime, zone: str) -> None:
    """Whatever zone the session speaks in: the moment is the same, and told in UTC."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('timezone', %s, true)", [zone])
        cursor.execute("SELECT %s::timestamptz, NULL::timestamptz, ARRAY[%s::timestamptz]", [moment, moment])
        read, nothing, many = cursor.fetchone()
    assert (read, read.utcoffset(), nothing, many) == (moment, UTC.utcoffset(None), None, [moment])


@pytest.mark.parametrize("text", ["infinity", "0044-03-15 00:00:00+00 BC"])
@pytest.mark.django_db
def test_a_moment_that_python_cannot_hold_is_refused(text: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        with pytest.raises(DataError):
            cursor.fetchone()
