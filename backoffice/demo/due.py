"""Let the product's own sweeps run at the film's moment, in this process."""

from __future__ import annotations

from backoffice.tasks import deliver_outbox
from campaigns import tasks as campaign_tasks
from coupons import tasks as coupon_tasks
from insights import tasks as insight_tasks
from publishing import tasks as publishing_tasks


def run_due() -> None:
    """Everything that is due now: lifecycle, bulk jobs, publishing, outbox, checks of public pages, the day's figures."""
    campaign_tasks.sweep()
    coupon_tasks.sweep()
    coupon_tasks.effect_watch()
    campaign_tasks.run_bulk()
    deliver_outbox()
    publishing_tasks.sweep()
    campaign_tasks.run_checks()
    deliver_outbox()
    insight_tasks.read_day()
