"""Messages and audit events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accounts.models import Store
from api.fields import write_moment
from audit import reading
from audit.models import AuditEvent
from inbox import reading as inbox
from inbox.models import Message


def messages(store: Store, rows: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages in the active language: no query more."""
    return [_message(shown) for shown in inbox.present(store, rows)]


def _message(shown: inbox.Shown) -> dict[str, Any]:
    row = shown.message
    return {
        "id": shown.id,
        "at": write_moment(shown.at),
        "severity": shown.severity,
        "code": shown.code,
        "title": shown.title,
        "cause": shown.cause,
        "steps": list(shown.steps),
        "fix": {"label": shown.url_label, "url": shown.url} if shown.url else None,
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
        "object": {"type": row.object_type, "id": row.object_id, "label": shown.object_label},
        "right": row.right,
        "before": row.before,
        "after": row.after,
        "reason": row.reason,
        "result": row.result,
        "code": row.code,
        "request_id": row.request_id,
        "commitments": row.commitments,
    }
