"""The outbox: what is claimed and not begun does not wait behind a receiver that answers slowly."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from core import clock, outbox
from core.models import OutboxMessage

TOPIC = "test.slow"

pytestmark = pytest.mark.django_db


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A topic whose handler takes `seconds` each time, on a clock of its own, and notes the keys it was given."""
    made = SimpleNamespace(seconds=3.0, passed=0.0, keys=[])

    def handler(message: OutboxMessage) -> None:
        made.keys.append(message.key)
        made.passed += made.seconds

    monkeypatch.setattr(outbox, "time", SimpleNamespace(monotonic=lambda: made.passed))
    monkeypatch.setitem(outbox._topics, TOPIC, outbox._Topic(handler, 120))
    return made


def test_what_was_not_begun_goes_back(slow: SimpleNamespace) -> None:
    outbox.put_many(TOPIC, [(str(n), {}) for n in range(5)])
    assert outbox.deliver_due(topics=[TOPIC]) == 2
    left = list(OutboxMessage.objects.order_by("id").values_list("key", "lease_until", "attempts"))
    assert left == [("2", None, 0), ("3", None, 0), ("4", None, 0)]
    assert (outbox.deliver_due(topics=[TOPIC]), outbox.deliver_due(topics=[TOPIC])) == (2, 1)
    assert slow.keys == ["0", "1", "2", "3", "4"]


def test_what_another_worker_may_hold_by_now_is_not_touched(slow: SimpleNamespace) -> None:
    slow.seconds = 121.0
    outbox.put_many(TOPIC, [(str(n), {}) for n in range(2)])
    assert outbox.deliver_due(topics=[TOPIC]) == 1
    (left,) = OutboxMessage.objects.all()
    assert (left.key, left.attempts) == ("1", 1)
    assert left.lease_until is not None
    assert left.lease_until > clock.read()


def test_quick_ones_go_in_one_turn(slow: SimpleNamespace) -> None:
    slow.seconds = 0.0
    outbox.put_many(TOPIC, [(str(n), {}) for n in range(30)])
    assert outbox.deliver_due(topics=[TOPIC]) == 30


@pytest.mark.parametrize("statement", [outbox._WAITING, outbox._HURRIED], ids=["waiting", "hurried"])
def test_asking_whether_one_waits_reads_no_backlog(statement: str) -> None:
    """Orders and closes ask within their own transaction; twenty thousand events may be waiting for a receiver that is away,
    half of them put off."""
    backlog = """INSERT INTO core_outboxmessage (topic, key, payload, available_at, attempts, last_error)
        SELECT 'campaign.event', 'event:' || n, '{}', now() + (n % 2 * 2 - 1) * interval '1 hour', 0, ''
        FROM generate_series(1, 20000) AS n"""
    asked: dict[str, Any] = {"topic": TOPIC, "keys": ["site:1", "site:2"], "soon": clock.read()}
    with connection.cursor() as cursor:
        cursor.execute(backlog)
        cursor.execute("ANALYZE core_outboxmessage")
        cursor.execute(f"EXPLAIN {statement}", asked)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "outbox_key" in plan, plan
