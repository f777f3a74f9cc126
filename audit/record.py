"""Writing events: in the transaction of the change, without waiting for any other writer."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection

from audit.actors import Actor
from audit.models import AuditEvent, PersonalValue, Result
from core import clock
from core.middleware import request_id

_ENCODER = DjangoJSONEncoder()
_COLUMNS = (
    "at", "store_id", "store_label", "actor_kind", "actor_id", "actor_label", "token_id", "right", "action", "object_type",
    "object_id", "object_label", "before", "after", "reason", "result", "code", "request_id", "commitments",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """What an event speaks of, with the labels frozen at the time."""

    object_type: str
    object_id: str
    object_label: str = ""
    store_id: int | None = None
    store_label: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to write; see `AuditEvent` for the fields."""

    action: str
    target: Target
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    right: str = ""
    result: str = Result.DONE
    code: str = ""


def commit_to(value: str, salt: bytes) -> str:
    """The commitment that stands in the event for a personal value: SHA-256 over salt and value, in hex."""
    return hashlib.sha256(salt + value.encode()).hexdigest()


def record(
    entry: Entry, *, actor: Actor, now: datetime | None = None, personal: Mapping[str, str] | None = None
) -> AuditEvent:
    """Write one event. `personal` values (address, e-mail) become commitments; their clear form goes to erasable rows."""
    values = dict(personal or {})
    if actor.ip:
        values.setdefault("ip", actor.ip)
    salts = {name: secrets.token_bytes(16) for name in values}
    event = AuditEvent(
        **dict(zip(_COLUMNS, _row(entry, actor, now or clock.now()), strict=True))
        | {"commitments": {name: commit_to(value, salts[name]) for name, value in values.items()}}
    )
    event.before, event.after = _plain(entry.before), _plain(entry.after)
    event.save(force_insert=True)
    if values:
        PersonalValue.objects.bulk_create(
            [
                PersonalValue(event_id=event.id, name=name, salt=salts[name], value=value)
                for name, value in values.items()
            ]
        )
    return event


def record_many(entries: Sequence[Entry], *, actor: Actor, now: datetime | None = None) -> int:
    """Write many events of one actor with COPY: ten thousand in a fraction of a second; answers how many."""
    if not entries:
        return 0
    moment = now or clock.now()
    names = ", ".join(f'"{name}"' for name in _COLUMNS)
    with connection.cursor() as cursor, cursor.copy(f"COPY audit_auditevent ({names}) FROM STDIN") as copy:
        for entry in entries:
            row = _row(entry, actor, moment)
            row[12], row[13], row[18] = _json(entry.before), _json(entry.after), "{}"
            copy.write_row(row)
    return len(entries)


def _row(entry: Entry, actor: Actor, now: datetime) -> list[Any]:
    target = entry.target
    return [
        now, target.store_id, target.store_label[:80], str(actor.kind), actor.id, actor.label[:160], actor.token_id, entry.right,
        entry.action, target.object_type, target.object_id[:64], target.object_label[:200], {}, {}, entry.reason[:500],
        str(entry.result), entry.code[:48], request_id.get(), {},
    ]  # fmt: skip


def _json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(value), default=_ENCODER.default).decode()


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    loaded: dict[str, Any] = orjson.loads(_json(value))
    return loaded
