"""Celery's entry points."""

from __future__ import annotations

from celery import shared_task

from core.outbox import deliver_due
from publishing import delivery
from publishing.desire import TOPIC


@shared_task
def sweep() -> None:
    """Call publishers to sites that are behind, then deliver the calls that are due."""
    delivery.sweep()
    deliver_due(topics=[TOPIC])
