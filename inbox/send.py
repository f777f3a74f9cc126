"""Sending messages: rows written in the caller's transaction, each key once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.scopes import across_stores, in_store
from inbox.catalogue import Severity, lookup
from inbox.models import Message


@dataclass(frozen=True, slots=True)
class Note:
    """One message to send. `key` names the occasion (at most 128 characters): a retried job says a thing once."""

    code: str
    key: str
    params: Mapping[str, Any] = field(default_factory=dict)
    object_type: str = ""
    object_id: str = ""


def send(
    store_id: int,
    code: str,
    params: Mapping[str, Any],
    key: str,
    object_type: str = "",
    object_id: str = "",
    *,
    now: datetime,
) -> None:
    """Write one message to the people of a store; a second one with the same key changes nothing (R139)."""
    send_many(store_id, [Note(code, key, params, object_type, object_id)], now=now)


def send_many(store_id: int, notes: Sequence[Note], *, now: datetime) -> None:
    """Write many messages of one store in one statement. An undeclared code is sent too, as an error, and shown raw."""
    with in_store(store_id):
        Message.objects.bulk_create([_row(store_id, note, now) for note in notes], ignore_conflicts=True)


def send_to_stores(store_ids: Sequence[int], note: Note, *, now: datetime) -> None:
    """Write the same message to the people of many stores in one statement."""
    with across_stores("news that concern several stores"):
        Message.objects.bulk_create([_row(store_id, note, now) for store_id in store_ids], ignore_conflicts=True)


def _row(store_id: int, note: Note, now: datetime) -> Message:
    if len(note.key) > 128:
        raise ValueError(f"the key of a message has at most 128 characters: {note.key[:40]!r}…")
    known = lookup(note.code)
    return Message(
        store_id=store_id,
        at=now,
        severity=known.severity if known else Severity.ERROR,
        code=note.code,
        params=dict(note.params),
        key=note.key,
        object_type=note.object_type,
        object_id=note.object_id,
    )
