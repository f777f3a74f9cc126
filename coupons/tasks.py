"""What Celery runs; each task only says "look now"."""

from __future__ import annotations

from celery import shared_task

from core import clock
from coupons import addresses, stopping, watch


@shared_task(name="coupons.tasks.sweep")
def sweep() -> int:
    """Expire the coupons whose end has come."""
    return stopping.expire_due()


@shared_task(name="coupons.tasks.effect_watch")
def effect_watch() -> dict[str, int]:
    """Stop what the risk signals warn of, write the reports, look back at resumes."""
    return watch.run()


@shared_task(name="coupons.tasks.forget_addresses")
def forget_addresses() -> int:
    """Drop the keyed hashes of addresses that are a day old (R193)."""
    return addresses.drop_old(now=clock.now())
