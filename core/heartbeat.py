"""Recurring jobs leave a beat; health reads its age."""

from __future__ import annotations

from typing import Any

from core import clock
from core.models import Heartbeat


def beat(name: str, **detail: Any) -> None:
    """Note that the job `name` finished now; two that note their first at once do not meet."""
    Heartbeat.objects.bulk_create(
        [Heartbeat(name=name, beat_at=clock.read(), detail=detail)],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["beat_at", "detail"],
    )
