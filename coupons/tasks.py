"""What Celery runs; each task only says "look now"."""

from __future__ import annotations

from celery import shared_task

from coupons import stopping


@shared_task(name="coupons.tasks.sweep")
def sweep() -> int:
    """Expire the coupons whose end has come."""
    return stopping.expire_due()
