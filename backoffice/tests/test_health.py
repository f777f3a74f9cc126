"""What /healthz and /readyz answer: 503 only without a database or its migrations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from backoffice import health
from core import clock
from core.models import Heartbeat, OutboxMessage
from core.scopes import in_store
from tests.factories import make_campaign, make_skus, make_store

NOW = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(health, "broker_answers", lambda: True)
    with clock.freeze(NOW):
        yield


def beat(name: str, seconds_ago: float) -> None:
    """A job that ran so long ago."""
    Heartbeat.objects.create(name=name, beat_at=NOW - timedelta(seconds=seconds_ago))


def test_healthz_needs_no_database(client: Client) -> None:
    """Without the database mark this test fails as soon as a query is made."""
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert "no-cache" in answer["Cache-Control"]


@pytest.mark.django_db
def test_everything_well(client: Client) -> None:
    beat("outbox", 3)
    beat("campaigns.sweep", 4)
    found = client.get("/readyz").json()
    assert (found["status"], found["reasons"]) == ("ok", [])
    assert found["workers"] == {"campaigns.sweep": "ok", "outbox": "ok"}
    assert (found["last_sweep_age"], found["oldest_due_age"]) == (3.0, None)


@pytest.mark.django_db
def test_no_sweep_yet_is_degraded_not_down(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["reasons"] == ["no sweep has run lately"]


@pytest.mark.django_db
def test_one_silent_sweep_is_named(client: Client) -> None:
    beat("outbox", 3)
    beat("campaigns.sweep", health.SILENT_AFTER + 1)
    found = client.get("/readyz").json()
    assert (found["status"], found["reasons"]) == ("degraded", ["silent: campaigns.sweep"])


@pytest.mark.django_db
def test_the_demo_is_loaded_once_and_never_silent(client: Client) -> None:
    beat("outbox", 3)
    beat("demo", 7200)
    found = client.get("/readyz").json()
    assert found["status"] == "ok"
    assert "demo" not in found["workers"]


@pytest.mark.django_db
def test_a_campaign_that_the_sweep_cannot_close_is_overdue_though_the_sweep_runs(client: Client) -> None:
    beat("outbox", 3)
    beat("campaigns.sweep", 4)
    store = make_store()
    with in_store(store.pk):
        late = NOW - timedelta(seconds=301)
        make_campaign(store, make_skus(store, 1), starts_at=late - timedelta(days=1), ends_at=late)
    found = client.get("/readyz").json()
    assert (found["status"], found["reasons"]) == ("degraded", ["work is overdue"])
    assert found["oldest_due_age"] == 301.0


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "reasons"), [(119, []), (121, ["work is overdue"])])
def test_overdue_work(client: Client, seconds: int, reasons: list[str]) -> None:
    beat("outbox", 3)
    OutboxMessage.objects.create(topic="t", key="k", available_at=NOW - timedelta(seconds=seconds))
    OutboxMessage.objects.create(topic="t", key="later", available_at=NOW + timedelta(seconds=900))
    parked = NOW - timedelta(seconds=9000)
    OutboxMessage.objects.create(topic="t", key="parked", available_at=parked, parked_at=parked)
    found = client.get("/readyz").json()
    assert found["reasons"] == reasons
    assert found["oldest_due_age"] == seconds


@pytest.mark.django_db
def test_broker_down_is_degraded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    beat("outbox", 3)
    monkeypatch.setattr(health, "broker_answers", lambda: False)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["broker"] == "down"


@pytest.mark.django_db
def test_missing_migrations(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "migrated", lambda: False)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "migrations are missing")


@pytest.mark.django_db
def test_database_gone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> bool:
        raise OperationalError("connection refused")

    monkeypatch.setattr(health, "migrated", gone)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["reason"]) == (503, "the database does not answer")


@pytest.mark.django_db
def test_queries_stay_few(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    client.get("/readyz")
    with django_assert_num_queries(4):
        client.get("/readyz")
