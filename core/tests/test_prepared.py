"""Prepared statements: planned once, and never a reason to fail."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from core import clock
from core.prepared import Prepared

MOMENT = datetime(2026, 11, 27, 12, tzinfo=UTC)


def statement() -> Prepared:
    return Prepared("SELECT %(a)s + %(b)s, %(a)s, '100%%'", [("a", "integer"), ("b", "integer")])


@pytest.mark.django_db
def test_it_answers_what_the_plain_statement_answers_and_is_planned_once() -> None:
    prepared = statement()
    assert prepared.rows({"a": 1, "b": 2}) == [(3, 1, "100%")]
    with CaptureQueriesContext(connection) as queries:
        assert prepared.rows({"b": 5, "a": 4}) == [(9, 4, "100%")]
    assert [query["sql"].split()[0] for query in queries] == ["EXECUTE"]


@pytest.mark.django_db
def test_it_outlives_a_rollback() -> None:
    prepared = statement()
    with transaction.atomic():
        prepared.rows({"a": 1, "b": 2})
        transaction.set_rollback(True)
    assert prepared.rows({"a": 1, "b": 2}) == [(3, 1, "100%")]


@pytest.mark.django_db(transaction=True)
def test_where_a_pooler_has_lost_it_the_plain_statement_runs_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Prepared, "usable", True)
    prepared = statement()
    prepared.rows({"a": 1, "b": 2})
    with connection.cursor() as cursor:
        cursor.execute(f"DEALLOCATE {prepared._name}")
    for _ in range(2):
        assert prepared.rows({"a": 1, "b": 2}) == [(3, 1, "100%")]
    with CaptureQueriesContext(connection) as queries:
        prepared.rows({"a": 1, "b": 2})
    assert queries[0]["sql"].startswith("SELECT")


@pytest.mark.django_db
def test_a_query_may_settle_the_units_moment_once() -> None:
    assert clock.known() is None
    clock.adopt(MOMENT)
    assert clock.known() is None
    with clock.unit_of_work():
        assert clock.known() is None
        clock.adopt(MOMENT)
        clock.adopt(MOMENT.replace(hour=13))
        assert clock.now() == clock.known() == MOMENT
        with clock.freeze(MOMENT.replace(hour=14)):
            assert clock.known() == MOMENT.replace(hour=14)
    assert clock.rfc3339(MOMENT) == "2026-11-27T12:00:00Z"
