"""Messages and audit events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.fields import write_moment
from audit import reading
from audit.models import AuditEvent
from inbox import catalogue
from inbox.models import Message


def messages(rows: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages in the active language: no query more."""
    return [message(row) for row in rows]


def message(row: Message) -> dict[str, Any]:
    """One message; a code that nobody declared is shown raw."""
    known = catalogue.lookup(row.code)
    params = row.params
    return {
        "id": row.pk,
        "at": write_moment(row.at),
        "severity": row.severity,
        "code": row.code,
        "title": catalogue.fill(known.title, params) if known else row.code,
        "cause": catalogue.fill(known.cause, params) if known else "",
        "steps": [catalogue.fill(step, params) for step in known.steps] if known else [],
        "object": {"type": row.object_type, "id": row.object_id, "label": ""} if row.object_type else None,
        "read_at": write_moment(row.read_at),
        "read_by": row.read_by,
    }


def events(rows: Sequence[AuditEvent]) -> list[dict[str, Any]]:
    """Entries of the record: one query more at most, for names of people that can be erased."""
    return [_event(shown) for shown in reading.present(rows)]


def _event(shown: reading.Shown) -> dict[str, Any]:
    row = shown.event
    return {
        "id": row.pk,
        "at": write_moment(row.at),
        "actor": {"kind": row.actor_kind, "id": row.actor_id, "label": shown.actor_label, "token": row.token_id},
        "action": row.action,
        "sentence": shown.sentence,
        "object": {"type": row.object_type, "id": row.object_id, "label": row.object_label},
        "right": row.right,
        "before": row.before,
        "after": row.after,
        "reason": row.reason,
        "result": row.result,
        "code": row.code,
        "request_id": row.request_id,
        "commitments": row.commitments,
    }
