"""What Celery runs; the task only says "look now"."""

from __future__ import annotations

from celery import shared_task

from core import clock
from insights import daily


@shared_task(name="insights.tasks.read_day")
def read_day() -> int:
    """Keep today's figures of every store."""
    return daily.read_all(now=clock.read())
