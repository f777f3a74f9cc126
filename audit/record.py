"""Writing events: in the transaction of the change, without waiting for any other writer."""

from __future__ import annotations

import hashlib
import json
import re
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
#: A whole address; one shortened to `o…@shop.test` names nobody.
_E_MAIL = re.compile(r"[^@\s…]+@[^@\s]+$")
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
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
    """Write one event. `personal` values (address, e-mail) become commitments; their clear form goes to erasable rows (R193).

    The actor's network address joins them by itself, and so does a label that is an e-mail.
    """
    values = {name: _plain_text(value) for name, value in (personal or {}).items()} | _personal_of(actor)
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
    """Write many events of one actor with COPY: ten thousand in a fraction of a second; answers how many.

    They carry no personal values: the event of the deed as a whole, with the same request id, has them.
    """
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


def _personal_of(actor: Actor) -> dict[str, str]:
    found = {"ip": _plain_text(actor.ip)} if actor.ip else {}
    if _E_MAIL.match(actor.label):
        found["actor"] = _plain_text(actor.label)
    return found


def _label_of(actor: Actor) -> str:
    """What stays in the event for ever: never an e-mail."""
    return f"{actor.kind} {actor.id}" if _E_MAIL.match(actor.label) else actor.label


def _row(entry: Entry, actor: Actor, now: datetime) -> list[Any]:
    target = entry.target
    return [
        now, target.store_id, _plain_text(target.store_label)[:80], str(actor.kind), actor.id, _plain_text(_label_of(actor))[:160],
        actor.token_id, entry.right, entry.action, target.object_type, _plain_text(target.object_id)[:64],
        _plain_text(target.object_label)[:200], {}, {}, _plain_text(entry.reason)[:500], str(entry.result), entry.code[:48],
        request_id.get(), {},
    ]  # fmt: skip


def _plain_text(value: str) -> str:
    """Text that PostgreSQL takes: without NUL and lone surrogates, which a hostile client may send."""
    if value.isascii() and "\x00" not in value:
        return value
    return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def _json(value: Mapping[str, Any]) -> str:
    try:
        text = orjson.dumps(dict(value), default=_ENCODER.default, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a lone surrogate, or an integer beyond 64 bits
        text = json.dumps(
            json.loads(json.dumps(value, default=_ENCODER.default), parse_constant=str), ensure_ascii=False
        )
        text = text.encode("utf-8", "replace").decode()
    return _ESCAPED_NUL.sub("\\1\ufffd", text) if "\\u0000" in text else text


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(_json(value))
    return loaded
