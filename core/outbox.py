"""Put, claim, deliver, park: the transactional outbox.

`put()` writes a row in the caller's transaction and nudges a worker on commit. `deliver_due()` claims rows with SKIP LOCKED under a
lease, runs the topic's handler outside the claim's transaction and deletes the row after success. A handler may run twice for
one row (a worker died after the effect), so it must be idempotent on `message.key`.
"""

from __future__ import annotations

import logging
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.utils.functional import Promise

from core import clock
from core.faults import Fault
from core.models import OutboxMessage
from core.signals import nudged, parked

logger = logging.getLogger(__name__)

Handler = Callable[[OutboxMessage], None]


@dataclass(frozen=True)
class _Topic:
    handler: Handler
    lease: int
    label: str | Promise = ""


_topics: dict[str, _Topic] = {}


def handles(topic: str, *, lease: int = 120, label: str | Promise = "") -> Callable[[Handler], Handler]:
    """Register the one handler of a topic. `lease` (seconds) is how long a claim may be silent before another worker takes over; `label`
    says to people what is delivered."""

    def register(handler: Handler) -> Handler:
        known = _topics.get(topic)
        if known and known.handler is not handler:
            raise RuntimeError(f"outbox topic {topic} has two handlers")
        _topics[topic] = _Topic(handler, lease, label)
        return handler

    return register


def label_of(topic: str) -> str:
    """What people call that which a topic delivers; the topic itself when nobody named it."""
    known = _topics.get(topic)
    return str(known.label or topic) if known else topic


def put(
    topic: str,
    payload: dict[str, Any],
    *,
    store_id: int | None = None,
    key: str = "",
    available_at: datetime | None = None,
) -> OutboxMessage:
    """Write one message in the current transaction and nudge a worker when it commits."""
    return put_many(topic, [(key, payload)], store_id=store_id, available_at=available_at)[0]


def put_many(
    topic: str,
    rows: Sequence[tuple[str, dict[str, Any]]],
    *,
    store_id: int | None = None,
    available_at: datetime | None = None,
) -> list[OutboxMessage]:
    """Write many (key, payload) rows of one topic in one statement."""
    due = available_at or clock.now()
    messages = OutboxMessage.objects.bulk_create(
        [
            OutboxMessage(
                topic=topic, key=key or uuid.uuid4().hex, payload=payload, store_id=store_id, available_at=due
            )
            for key, payload in rows
        ]
    )
    transaction.on_commit(lambda: nudged.send(OutboxMessage, topics={topic}), robust=True)
    return messages


def put_bulk(topic: str, rows: Sequence[tuple[str, dict[str, Any]]], *, store_id: int | None, now: datetime) -> int:
    """Write (key, payload) rows of one topic by COPY, thousands in one go, due at `now`; answers how many."""
    columns = "topic, key, store_id, payload, available_at, attempts, last_error"
    with connection.cursor() as cursor, cursor.copy(f"COPY core_outboxmessage ({columns}) FROM STDIN") as copy:
        for key, payload in rows:
            copy.write_row((topic, key, store_id, orjson.dumps(payload).decode(), now, 0, ""))
    transaction.on_commit(lambda: nudged.send(OutboxMessage, topics={topic}), robust=True)
    return len(rows)


_WAITING = """
    SELECT key FROM core_outboxmessage
    WHERE topic = %(topic)s AND key = ANY(%(keys)s) AND parked_at IS NULL AND lease_until IS NULL AND available_at <= %(soon)s
    FOR SHARE SKIP LOCKED
"""
_HURRIED = """
    UPDATE core_outboxmessage SET available_at = %(soon)s WHERE id IN (
        SELECT id FROM core_outboxmessage
        WHERE topic = %(topic)s AND key = ANY(%(keys)s) AND parked_at IS NULL AND lease_until IS NULL AND available_at > %(soon)s
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)
    RETURNING key
"""


def put_once(
    topic: str, rows: Mapping[str, dict[str, Any]], *, store_id: int | None = None, hurry: float = 0, now: datetime
) -> int:
    """Write a message per key (key -> payload) unless one is waiting that no worker has taken: for "look now" topics, where one
    waiting row does the work of many. Answers how many were written.

    A waiting row stays locked (shared) until the caller's transaction ends: no worker takes it before the caller's changes can be seen.
    One that a failure has put off is brought forward to `hurry` seconds from now, and keeps its count of attempts.
    """
    asked: dict[str, Any] = {"topic": topic, "keys": list(rows), "soon": now + timedelta(seconds=hurry)}
    known: set[str] = set()
    with connection.cursor() as cursor:
        for statement in (_WAITING, _HURRIED):
            cursor.execute(statement, asked)
            known.update(key for (key,) in cursor.fetchall())
    fresh = [(key, payload) for key, payload in rows.items() if key not in known]
    if fresh:
        put_many(topic, fresh, store_id=store_id, available_at=now)
    if known:
        transaction.on_commit(lambda: nudged.send(OutboxMessage, topics={topic}), robust=True)
    return len(fresh)


def claim(now: datetime, limit: int, topics: Sequence[str] | None = None) -> list[OutboxMessage]:
    """Take up to `limit` due rows under a lease; rows another worker holds are skipped."""
    due = Q(parked_at=None, available_at__lte=now) & (Q(lease_until=None) | Q(lease_until__lte=now))
    with transaction.atomic():
        rows = OutboxMessage.objects.filter(due, topic__in=list(topics if topics is not None else _topics))
        messages = list(rows.order_by("available_at", "id").select_for_update(skip_locked=True)[:limit])
        for topic in {message.topic for message in messages}:
            lease = now + timedelta(seconds=_topics[topic].lease)
            ids = [message.id for message in messages if message.topic == topic]
            OutboxMessage.objects.filter(id__in=ids).update(lease_until=lease, attempts=F("attempts") + 1)
        for message in messages:
            message.attempts += 1
    return messages


def deliver_due(*, limit: int | None = None, topics: Sequence[str] | None = None) -> int:
    """Deliver what is due, one message at a time; answers how many were tried.

    After `OUTBOX_TURN` seconds what was claimed and not begun goes back: a receiver that answers slowly keeps its own messages waiting and
    not those behind it, and no claim outlives its lease unattended, which would deliver twice.
    """
    tried = 0
    size = limit or settings.OUTBOX_BATCH
    messages = claim(clock.read(), size, topics)
    began = time.monotonic()
    for message in messages:
        taken = time.monotonic() - began
        if tried and taken > settings.OUTBOX_TURN:
            _give_back([left for left in messages[tried:] if taken < _topics[left.topic].lease])
            break
        tried += 1
        try:
            with clock.unit_of_work():
                _topics[message.topic].handler(message)
        except Exception as error:
            logger.warning(
                "outbox %s %s failed, attempt %s", message.topic, message.key, message.attempts, exc_info=True
            )
            _fail(message, error)
        else:
            OutboxMessage.objects.filter(id=message.id).delete()
    return tried


def _give_back(messages: Sequence[OutboxMessage]) -> None:
    """As if these had not been claimed; another worker may take them at once. Their leases are still ours."""
    rows = OutboxMessage.objects.filter(id__in=[message.id for message in messages])
    rows.update(lease_until=None, attempts=F("attempts") - 1)
    topics = {message.topic for message in messages}
    transaction.on_commit(lambda: nudged.send(OutboxMessage, topics=topics), robust=True)


def _fail(message: OutboxMessage, error: Exception) -> None:
    """Back off with jitter; after the last attempt park the row and say so."""
    now = clock.read()
    fault = getattr(error, "fault", None)  # what the reader shall be told in words, if the handler knows it
    text = fault.kept() if isinstance(fault, Fault) else f"{type(error).__name__}: {error}"[:2000]
    rows = OutboxMessage.objects.filter(id=message.id)
    if message.attempts >= settings.OUTBOX_MAX_ATTEMPTS:
        rows.update(parked_at=now, lease_until=None, last_error=text)
        message.last_error, message.parked_at = text, now
        parked.send(OutboxMessage, message=message)
        return
    wait = min(settings.OUTBOX_BACKOFF * 2 ** (message.attempts - 1), settings.OUTBOX_BACKOFF_CAP)
    delay = wait * (0.5 + random.random() / 2)  # noqa: S311 - jitter, not a secret
    rows.update(lease_until=None, last_error=text, available_at=now + timedelta(seconds=delay))


def retry_parked(ids: Sequence[int], *, now: datetime) -> int:
    """Put parked rows back in the queue; answers how many."""
    return OutboxMessage.objects.filter(id__in=ids, parked_at__isnull=False).update(
        parked_at=None, attempts=0, available_at=now, lease_until=None
    )
