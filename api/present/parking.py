"""Stops that wait for their checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.fields import write_moment
from campaigns.models import ParkedClose


def rows(parked: Sequence[ParkedClose]) -> list[dict[str, Any]]:
    """Many at once: no query more when their campaigns are there."""
    return [one(row) for row in parked]


def one(row: ParkedClose) -> dict[str, Any]:
    """One stop that waits, or what became of it."""
    return {
        "id": row.pk,
        "campaign": row.campaign.code,
        "action": row.action,
        "then": row.then,
        "state": row.state,
        "reason": row.reason,
        "note": row.note,
        "blockers": row.blockers,
        "created_at": write_moment(row.created_at),
        "created_by": row.actor.get("label", ""),
        "looked_at": write_moment(row.looked_at),
        "next_look_at": write_moment(row.next_look_at),
        "finished_at": write_moment(row.finished_at),
        "outcome": row.outcome,
    }
