"""What load balancers, container checks and Prometheus ask."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client

from backoffice import health
from core import clock, outbox
from core.models import Heartbeat
from tests.api.client import staff_api
from tests.factories import make_staff


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture(autouse=True)
def _broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "broker_answers", lambda: True)


def test_alive(client: Client) -> None:
    assert client.get("/healthz").status_code == 200


def test_ready_says_ok_or_degraded_and_why(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/readyz").json()["status"] == "degraded"  # nobody has swept yet
    Heartbeat.objects.create(name="sweep", beat_at=clock.read())
    found = client.get("/readyz")
    assert (found.status_code, found.json()["status"]) == (200, "ok")
    assert found.json().keys() >= {"broker", "workers", "oldest_due_age", "last_sweep_age"}
    monkeypatch.setattr(health, "broker_answers", lambda: False)
    gone = client.get("/readyz")
    assert (gone.status_code, gone.json()["status"], gone.json()["broker"]) == (200, "degraded", "down")


def test_old_work_degrades(client: Client, db: None) -> None:
    now = clock.read()
    Heartbeat.objects.create(name="sweep", beat_at=now)
    outbox.put("api.test", {}, available_at=now - timedelta(minutes=10))
    found = client.get("/readyz").json()
    assert found["status"] == "degraded"
    assert found["oldest_due_age"] >= 600


def test_one_silent_sweep_degrades_and_is_named(client: Client, db: None) -> None:
    now = clock.read()
    Heartbeat.objects.create(name="outbox", beat_at=now)
    Heartbeat.objects.create(name="campaigns.sweep", beat_at=now - timedelta(minutes=5))
    Heartbeat.objects.create(name="of.an.old.version", beat_at=now - timedelta(days=2))
    found = client.get("/readyz").json()
    assert found["status"] == "degraded"
    assert found["reasons"] == ["silent: campaigns.sweep"]
    assert found["workers"] == {"campaigns.sweep": "silent", "outbox": "ok"}


def test_503_only_without_database_or_migrations(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "migrated", lambda: False)
    assert client.get("/readyz").status_code == 503

    def away() -> bool:
        raise OperationalError("away")

    monkeypatch.setattr(health, "migrated", away)
    assert client.get("/readyz").status_code == 503


def test_metrics_are_for_this_machine_and_staff(client: Client, db: None) -> None:
    Heartbeat.objects.create(name="sweep", beat_at=clock.read())
    page = client.get("/metrics")
    assert page["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = page.content.decode().splitlines()
    assert "backoffice_broker_up 1" in lines
    assert any(line.startswith('backoffice_sweep_age_seconds{sweep="sweep"} ') for line in lines)
    assert 'backoffice_outbox_messages{state="parked"} 0' in lines
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "1.2.3.4"}).status_code == 403
    token = staff_api(make_staff()).headers["Authorization"]
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3", headers={"Authorization": token}).status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3", headers={"Authorization": "Bearer x"}).status_code == 403
