"""The project's own tasks: the outbox and its tidy neighbours."""

from __future__ import annotations

from celery import shared_task

from core import outbox
from core.heartbeat import beat
from core.scopes import across_stores


@shared_task
def deliver_outbox() -> int:
    """Deliver what is due until nothing is; answers how many messages were tried."""
    tried = 0
    with across_stores("the outbox serves every store"):
        while batch := outbox.deliver_due():
            tried += batch
    beat("outbox", tried=tried)
    return tried
