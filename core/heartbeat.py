"""Recurring jobs leave a beat; health reads its age."""

from __future__ import annotations

from typing import Any

from core import clock
from core.models import Heartbeat


def beat(name: str, **detail: Any) -> None:
    """Note that the job `name` finished now."""
    Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": clock.read(), "detail": detail})
