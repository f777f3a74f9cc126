"""What Celery runs; each task only says "look now"."""

from __future__ import annotations

from celery import shared_task

from core import clock
from coupons import addresses, counting, sending_work, stopping, watch


@shared_task(name="coupons.tasks.sweep")
def sweep() -> int:
    """Expire the coupons whose end has come."""
    return stopping.expire_due()


@shared_task(name="coupons.tasks.effect_watch")
def effect_watch() -> dict[str, int]:
    """Stop what the risk signals warn of, write the reports, look back at resumes."""
    return watch.run()


@shared_task(name="coupons.tasks.count_claims")
def count_claims() -> int:
    """Count the claims of quarters of an hour that are over, and what became of those counted before."""
    return counting.run()


@shared_task(name="coupons.tasks.forget_addresses")
def forget_addresses() -> int:
    """Drop the keyed hashes of addresses that are a day old (R193)."""
    return addresses.drop_old(now=clock.now())


@shared_task(name="coupons.tasks.send")
def send() -> int:
    """Send what is due of sendings by e-mail and SMS, for one turn."""
    return sending_work.turn()


@shared_task(name="coupons.tasks.forget_recipients")
def forget_recipients() -> int:
    """Drop the addresses of sendings whose time is over (R193)."""
    return sending_work.forget_addresses()
